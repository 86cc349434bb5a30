/* Columns of tables: what they are made of. A kind's table is an array of rows of struct
 * table_column; each cell is one JSON value. */
#pragma once

#include "base/buf.h"
#include "kube/call.h"

struct table_column;

/* What a cell is written from. */
struct table_row {
    struct arena *arena; /* of the row: emptied after it */
    struct object *object;
    const cJSON *doc; /* of the stored form */
    int64_t now;
    int minor; /* of the release that is shown */
    const struct table_column *column;
};

typedef void table_cell_cb(struct buf *b, const struct table_row *r);

struct table_column {
    const char *name;
    const char *type; /* "string", "integer", "boolean", "date" */
    int priority;     /* 1: only with -o wide */
    table_cell_cb *cell;
    const char *path; /* for cells that read one member */
    int since, until; /* the first and the first-no-more release 1.NN that has it; 0: no bound */
};

struct table_kind {
    const char *stored;
    const struct table_column *columns;
    size_t n;
    void (*conditions)(struct buf *b, const struct table_row *r); /* or NULL */
};

#define TABLE(stored, columns)                    \
    {                                             \
        stored, columns, ARRAY_LEN(columns), NULL \
    }

#define TABLE_NAME                                 \
    {                                              \
        "Name", "string", 0, cell_name, NULL, 0, 0 \
    }
#define TABLE_AGE                                \
    {                                            \
        "Age", "string", 0, cell_age, NULL, 0, 0 \
    }

/* The kinds of each file, ended by a row without a name. */
extern const struct table_kind table_core[], table_workload[], table_network[], table_other[];

/* --- cells that many kinds have ------------------------------------------------------------- */

void cell_name(struct buf *b, const struct table_row *r);
void cell_text(struct buf *b, const struct table_row *r);         /* the string at path */
void cell_text_or_none(struct buf *b, const struct table_row *r); /* "<none>" when empty */
void cell_text_or_unknown(struct buf *b, const struct table_row *r);
void cell_int(struct buf *b, const struct table_row *r); /* 0 when absent */
void cell_bool(struct buf *b, const struct table_row *r);
void cell_count(struct buf *b, const struct table_row *r);   /* of members at path */
void cell_age(struct buf *b, const struct table_row *r);     /* of the object */
void cell_since(struct buf *b, const struct table_row *r);   /* of the time at path */
void cell_created(struct buf *b, const struct table_row *r); /* creationTimestamp as it is */
void cell_labels(struct buf *b, const struct table_row *r);  /* the map or LabelSelector at path */
/* Of the pod template at path ("spec.template.spec"): names and images. */
void cell_containers(struct buf *b, const struct table_row *r);
void cell_images(struct buf *b, const struct table_row *r);

/* --- helpers of cells ----------------------------------------------------------------------- */

/* "5m3s", as kubectl shows a time that lies @ms back. In @a. */
struct str table_duration(struct arena *a, int64_t ms);

/* The same for a time text; "<unknown>" when it is none. In the row's arena. */
struct str table_since(const struct table_row *r, struct str time);

/* In the row's arena. */
struct str table_lower(const struct table_row *r, struct str text);

/* Writes @text as a cell, "<none>" when it is empty. */
void table_or_none(struct buf *b, struct str text);

/* Formatted text as a cell. */
void table_printf(struct buf *b, const struct table_row *r, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Texts joined by a separator, while they are few; then " + N more...". */
struct table_joined {
    struct arena *arena;
    const char *separator;
    size_t most; /* 0: all */
    struct str text;
    size_t n; /* given so far */
};
void table_join(struct table_joined *j, struct str one);
struct str table_joined_text(struct table_joined *j);

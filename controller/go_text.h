/* Texts in the forms that Go's libraries give them: the controller's log lines, events and errors
 * are made of these, and people search for them word for word. All results are in @a. */
#pragma once

#include "values.h"

/* As Sprintf(s) without arguments does it: a '%' that is followed by a verb becomes
 * "%!verb(MISSING)". v1.1.4 passes finished messages as formats. */
struct str go_format(struct arena *a, struct str s);

/* As %q of a string does it. */
struct str go_quote(struct arena *a, struct str s);

/* What Go calls an errno: "no such file or directory". */
struct str go_errno(struct arena *a, int error);

/* As %v of a list of strings: "[a b]". */
struct str go_list(struct arena *a, const struct strs *s);

/* As json.Marshal of a string does it, with its escapes for <, > and &. */
struct str go_json_quote(struct arena *a, struct str s);

/* strconv.ParseInt(s, 10, 64) and strconv.ParseBool. */
bool go_parse_int(struct str s, int64_t *ret_value);
bool go_parse_bool(struct str s, bool *ret_value);

/* Whether Go's net.ParseCIDR takes @s. */
bool go_is_cidr(struct str s);

/* awsutil.Prettify with the line ends left out, as v1.1.4 logs values. A value is written from the
 * outside in: open, then its parts, then close. Zero-initialise but for @out. */
struct pretty {
    struct buf *out;
    unsigned depth;    /* open structures and lists */
    unsigned parts[8]; /* of each */
    bool wide[8];      /* a list of more than three elements stands on lines of its own */
    bool list[8];
};

void pretty_open_struct(struct pretty *p);
void pretty_open_list(struct pretty *p, size_t elements);
void pretty_close(struct pretty *p);

/* The name of the next member; its value follows. */
void pretty_member(struct pretty *p, struct str name);
void pretty_text(struct pretty *p, struct str value);
void pretty_number(struct pretty *p, int64_t value);
void pretty_texts(struct pretty *p, const struct strs *values);

/* A map of strings, and a list of strings, whole. */
struct str pretty_map(struct arena *a, const struct pairs *map);
struct str pretty_list(struct arena *a, const struct strs *list);

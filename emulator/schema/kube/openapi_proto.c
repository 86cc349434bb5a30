/* OpenAPI v2 as gnostic's protobuf: JSON members to fields by a table for each message.
 * Source: openapi.v2 (OpenAPIv2.proto) of google/gnostic-models. */
#include "base/macros.h"
#include "schema/kube/decode.h"
#include "schema/kube/openapi.h"
#include "schema/kube/protobuf.h"

enum { LARGEST_PART = 8 << 20 };

enum form {
    FORM_TEXT,
    FORM_BOOL,
    FORM_TEXTS,      /* repeated string */
    FORM_ANY,        /* Any {yaml = 2} */
    FORM_ANYS,       /* repeated Any */
    FORM_WRAPPED,    /* a message of one text: {value = 1} */
    FORM_SCHEMA,     /* Schema */
    FORM_IN_SCHEMA,  /* {schema = 1} around a Schema: items, additionalProperties */
    FORM_SCHEMAS,    /* repeated Schema */
    FORM_PROPERTIES, /* {additional_properties = 1: repeated {name = 1, value = 2}} */
    FORM_OPERATION,
    FORM_PARAMETERS,
    FORM_RESPONSES,
};

struct member {
    const char *name; /* in JSON */
    unsigned number;
    enum form form;
};

struct message {
    const struct member *members;
    size_t count;
    unsigned extensions; /* the field for "x-…"; 0: none */
};

static const struct member schema_members[] = {
    {"$ref",                 1,  FORM_TEXT      },
    {"format",               2,  FORM_TEXT      },
    {"description",          4,  FORM_TEXT      },
    {"default",              5,  FORM_ANY       },
    {"required",             19, FORM_TEXTS     },
    {"enum",                 20, FORM_ANYS      },
    {"additionalProperties", 21, FORM_IN_SCHEMA },
    {"type",                 22, FORM_WRAPPED   },
    {"items",                23, FORM_IN_SCHEMA },
    {"allOf",                24, FORM_SCHEMAS   },
    {"properties",           25, FORM_PROPERTIES},
};
static const struct member item_members[] = {
    {"get",        2, FORM_OPERATION },
    {"put",        3, FORM_OPERATION },
    {"post",       4, FORM_OPERATION },
    {"delete",     5, FORM_OPERATION },
    {"patch",      8, FORM_OPERATION },
    {"parameters", 9, FORM_PARAMETERS},
};
static const struct member operation_members[] = {
    {"tags",        1, FORM_TEXTS     },
    {"operationId", 5, FORM_TEXT      },
    {"produces",    6, FORM_TEXTS     },
    {"consumes",    7, FORM_TEXTS     },
    {"parameters",  8, FORM_PARAMETERS},
    {"responses",   9, FORM_RESPONSES },
};
static const struct member body_members[] = {
    {"name",     2, FORM_TEXT  },
    {"in",       3, FORM_TEXT  },
    {"required", 4, FORM_BOOL  },
    {"schema",   5, FORM_SCHEMA},
};
static const struct member query_members[] = {
    {"required", 1, FORM_BOOL},
    {"in",       2, FORM_TEXT},
    {"name",     4, FORM_TEXT},
    {"type",     6, FORM_TEXT},
};
static const struct member path_members[] = {
    {"required", 1, FORM_BOOL},
    {"in",       2, FORM_TEXT},
    {"name",     4, FORM_TEXT},
    {"type",     5, FORM_TEXT},
};
static const struct member response_members[] = {
    {"description", 1, FORM_TEXT     },
    {"schema",      2, FORM_IN_SCHEMA},
};
static const struct member info_members[] = {
    {"title",   1, FORM_TEXT},
    {"version", 2, FORM_TEXT},
};

#define MESSAGE(members, extensions)            \
    {                                           \
        members, ARRAY_LEN(members), extensions \
    }
static const struct message schema_message = MESSAGE(schema_members, 31);
static const struct message item_message = MESSAGE(item_members, 10);
static const struct message operation_message = MESSAGE(operation_members, 13);
static const struct message body_message = MESSAGE(body_members, 6);
static const struct message query_message = MESSAGE(query_members, 23);
static const struct message path_message = MESSAGE(path_members, 22);
static const struct message response_message = MESSAGE(response_members, 5);
static const struct message info_message = MESSAGE(info_members, 7);

/* --- the wire -------------------------------------------------------------------------------- */

static void put_varint(struct buf *b, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        buf_char(b, (char)((value & 0x7f) | 0x80));
    buf_char(b, (char)value);
}

static void put_bytes(struct buf *b, unsigned number, struct str bytes)
{
    put_varint(b, number << 3 | KUBE_WIRE_BYTES);
    put_varint(b, bytes.n);
    buf_add(b, bytes);
}

static void put_message(struct buf *b, unsigned number, const struct message *m, const cJSON *tree);

/* Any: the value as YAML. */
static void put_any(struct buf *b, unsigned number, const cJSON *tree)
{
    CLEANUP(buf_free) struct buf text = buf_init(LARGEST_PART);
    CLEANUP(buf_free) struct buf any = buf_init(LARGEST_PART);

    kube_write_yaml(&text, tree);
    put_bytes(&any, 2, buf_str(&text));
    put_bytes(b, number, buf_str(&any));
}

/* {name = 1, value = 2: @tree as a @m}. */
static void put_named(struct buf *b, unsigned number, struct str name, const struct message *m,
                      const cJSON *tree)
{
    CLEANUP(buf_free) struct buf pair = buf_init(LARGEST_PART);

    put_bytes(&pair, 1, name);
    if (m != NULL)
        put_message(&pair, 2, m, tree);
    else
        put_any(&pair, 2, tree);
    put_bytes(b, number, buf_str(&pair));
}

static void put_parameter(struct buf *b, unsigned number, const cJSON *tree)
{
    CLEANUP(buf_free) struct buf inner = buf_init(LARGEST_PART);
    CLEANUP(buf_free) struct buf parameter = buf_init(LARGEST_PART);
    CLEANUP(buf_free) struct buf item = buf_init(LARGEST_PART);
    struct str in = json_str(tree, "in");

    if (str_is(in, "body")) {
        put_message(&parameter, 1, &body_message, tree);
    } else {
        bool path = str_is(in, "path");

        put_message(&inner, path ? 4 : 3, path ? &path_message : &query_message, tree);
        put_bytes(&parameter, 2, buf_str(&inner));
    }
    put_bytes(&item, 1, buf_str(&parameter));
    put_bytes(b, number, buf_str(&item));
}

static void put_response(struct buf *b, struct str code, const cJSON *tree)
{
    CLEANUP(buf_free) struct buf value = buf_init(LARGEST_PART);
    CLEANUP(buf_free) struct buf named = buf_init(LARGEST_PART);

    put_message(&value, 1, &response_message, tree);
    put_bytes(&named, 1, code);
    put_bytes(&named, 2, buf_str(&value));
    put_bytes(b, 1, buf_str(&named));
}

static void put_member(struct buf *b, const struct member *m, const cJSON *item)
{
    CLEANUP(buf_free) struct buf inner = buf_init(LARGEST_PART);

    switch (m->form) {
    case FORM_TEXT:
        put_bytes(b, m->number, json_text(item));
        return;
    case FORM_BOOL:
        put_varint(b, m->number << 3 | KUBE_WIRE_VARINT);
        put_varint(b, cJSON_IsTrue(item) ? 1 : 0);
        return;
    case FORM_TEXTS:
        JSON_EACH(text, item)
            put_bytes(b, m->number, json_text(text));
        return;
    case FORM_ANY:
        put_any(b, m->number, item);
        return;
    case FORM_ANYS:
        JSON_EACH(one, item)
            put_any(b, m->number, one);
        return;
    case FORM_SCHEMA:
        put_message(b, m->number, &schema_message, item);
        return;
    case FORM_SCHEMAS:
        JSON_EACH(one, item)
            put_message(b, m->number, &schema_message, one);
        return;
    case FORM_OPERATION:
        put_message(b, m->number, &operation_message, item);
        return;
    case FORM_PARAMETERS:
        JSON_EACH(one, item)
            put_parameter(b, m->number, one);
        return;
    case FORM_WRAPPED:
        put_bytes(&inner, 1, json_text(item));
        break;
    case FORM_IN_SCHEMA:
        put_message(&inner, 1, &schema_message, item);
        break;
    case FORM_PROPERTIES:
        JSON_EACH(one, item)
            put_named(&inner, 1, str_c(one->string), &schema_message, one);
        break;
    case FORM_RESPONSES:
        JSON_EACH(one, item)
            put_response(&inner, str_c(one->string), one);
        break;
    }
    put_bytes(b, m->number, buf_str(&inner));
}

static void put_message(struct buf *b, unsigned number, const struct message *m, const cJSON *tree)
{
    CLEANUP(buf_free) struct buf inner = buf_init(LARGEST_PART);

    for (size_t i = 0; i < m->count; i++) {
        const cJSON *item = json_member(tree, str_c(m->members[i].name));

        if (item != NULL)
            put_member(&inner, &m->members[i], item);
    }
    JSON_EACH(item, tree)
        if (m->extensions != 0 && strncmp(item->string, "x-", 2) == 0)
            put_named(&inner, m->extensions, str_c(item->string), NULL, item);
    put_bytes(b, number, buf_str(&inner));
}

/* --- the document ---------------------------------------------------------------------------- */

void openapi_proto_head(struct buf *b, struct str title, struct str version)
{
    CLEANUP(json_freep) cJSON *info = cJSON_CreateObject();

    json_put_str(info, S("title"), title);
    json_put_str(info, S("version"), version);
    put_bytes(b, 1, S("2.0"));
    put_message(b, 2, &info_message, info);
}

/* Document.paths and .definitions are messages of their own; in parts they are merged by whoever
 * reads them. */
void openapi_proto_path(struct buf *b, struct str path, const cJSON *item)
{
    CLEANUP(buf_free) struct buf paths = buf_init(LARGEST_PART);

    put_named(&paths, 2, path, &item_message, item);
    put_bytes(b, 8, buf_str(&paths));
}

void openapi_proto_definition(struct buf *b, struct str name, const cJSON *schema)
{
    CLEANUP(buf_free) struct buf definitions = buf_init(LARGEST_PART);

    put_named(&definitions, 1, name, &schema_message, schema);
    put_bytes(b, 9, buf_str(&definitions));
}

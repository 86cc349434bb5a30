/* Schemas from shapes. There is no prose: descriptions are left out. */
#include "schema/kube/openapi.h"

#include "base/macros.h"

#define META "io.k8s.apimachinery.pkg.apis.meta.v1."

/* What is no struct: its name, and its schema in both dialects (JSON). */
static const struct {
    enum kube_shape shape; /* KUBE_STRUCT: only named by paths */
    const char *name, *v2, *v3;
} scalars[] = {
    {KUBE_TIME,          META "Time",                                       "{\"type\":\"string\",\"format\":\"date-time\"}",
     "{\"type\":\"string\",\"format\":\"date-time\"}"                                                                                                                                                                  },
    {KUBE_MICRO_TIME,    META "MicroTime",                                  "{\"type\":\"string\",\"format\":\"date-time\"}",
     "{\"type\":\"string\",\"format\":\"date-time\"}"                                                                                                                                                                  },
    {KUBE_DURATION,      META "Duration",                                   "{\"type\":\"string\"}",                          "{\"type\":\"string\"}"                                                                  },
    {KUBE_QUANTITY,      "io.k8s.apimachinery.pkg.api.resource.Quantity",   "{\"type\":\"string\"}",
     "{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]}"                                                                                                                                                       },
    {KUBE_INT_OR_STRING, "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
     "{\"type\":\"string\",\"format\":\"int-or-string\"}",                                                                    "{\"format\":\"int-or-string\",\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}]}"},
    {KUBE_RAW,           "io.k8s.apimachinery.pkg.runtime.RawExtension",    "{\"type\":\"object\"}",
     "{\"type\":\"object\"}"                                                                                                                                                                                           },
    {KUBE_STRUCT,        META "Patch",                                      "{\"type\":\"object\"}",                          "{\"type\":\"object\"}"                                                                  },
};

static const struct {
    enum kube_shape shape;
    const char *type, *format; /* NULL: none */
} plain[] = {
    {KUBE_STRING, "string",  NULL    },
    {KUBE_BOOL,   "boolean", NULL    },
    {KUBE_INT32,  "integer", "int32" },
    {KUBE_INT64,  "integer", "int64" },
    {KUBE_FLOAT,  "number",  "double"},
    {KUBE_BYTES,  "string",  "byte"  },
};

/* --- names ----------------------------------------------------------------------------------- */

struct str openapi_name(struct arena *a, const struct kube_type *t)
{
    struct str package = str_c(kube_text(t->package)), folder, version;

    (void)str_cut(package, '/', &folder, &version);
    if ((t->flags & KUBE_IS_META) != 0)
        return arena_printf(a, META "%s", kube_text(t->name));
    if (str_is(folder, "apiextensions"))
        return arena_printf(a, "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.%.*s.%s",
                            STR_ARG(version), kube_text(t->name));
    if (str_is(folder, "apiregistration"))
        return arena_printf(a, "io.k8s.kube-aggregator.pkg.apis.apiregistration.%.*s.%s",
                            STR_ARG(version), kube_text(t->name));
    return arena_printf(a, "io.k8s.api.%.*s.%.*s.%s", STR_ARG(folder), STR_ARG(version),
                        kube_text(t->name));
}

static cJSON *ref_to(enum openapi_dialect d, struct str name)
{
    CLEANUP(arena_free) struct arena a = {0};
    cJSON *ref = cJSON_CreateObject();

    json_put_str(ref, S("$ref"),
                 arena_printf(&a, "%s%.*s",
                              d == OPENAPI_V2 ? "#/definitions/" : "#/components/schemas/",
                              STR_ARG(name)));
    return ref;
}

cJSON *openapi_ref(enum openapi_dialect d, const struct kube_type *t)
{
    CLEANUP(arena_free) struct arena a = {0};

    return ref_to(d, openapi_name(&a, t));
}

cJSON *openapi_scalar(enum openapi_dialect d, size_t i, struct str *ret_name)
{
    if (i >= ARRAY_LEN(scalars))
        return NULL;
    *ret_name = str_c(scalars[i].name);
    return cJSON_Parse(d == OPENAPI_V2 ? scalars[i].v2 : scalars[i].v3);
}

/* --- values ----------------------------------------------------------------------------------- */

static cJSON *typed(const char *type)
{
    cJSON *schema = cJSON_CreateObject();

    json_put_str(schema, S("type"), str_c(type));
    return schema;
}

static void put_enumeration(cJSON *schema, struct str values)
{
    struct str one;

    while (str_next(&values, '|', &one))
        cJSON_AddItemToArray(json_need_array(schema, "enum"), json_new_str(one));
}

/* Any JSON at all has an empty schema, RawExtension one of its own. */
static bool is_any(const struct kube_field *f)
{
    return f->shape == KUBE_RAW && strcmp(kube_text(f->go), "runtime.RawExtension") != 0;
}

/* One value of the field. */
static cJSON *element_schema(enum openapi_dialect d, const struct kube_field *f)
{
    cJSON *schema;

    if (f->shape == KUBE_STRUCT)
        return openapi_ref(d, kube_field_type(f));
    if (f->shape == KUBE_STRINGS) {
        schema = typed("array");
        json_put(schema, S("items"), typed("string"));
        return schema;
    }
    if (is_any(f))
        return str_ends(str_c(kube_text(f->go)), S("FieldsV1")) ? typed("object")
                                                                : cJSON_CreateObject();
    for (size_t i = 0; i < ARRAY_LEN(scalars); i++)
        if (scalars[i].shape == (enum kube_shape)f->shape)
            return ref_to(d, str_c(scalars[i].name));
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        if (plain[i].shape == (enum kube_shape)f->shape) {
            schema = typed(plain[i].type);
            if (plain[i].format != NULL)
                json_put_str(schema, S("format"), str_c(plain[i].format));
            put_enumeration(schema, str_c(kube_text(kube_field_extra(f)->values)));
            return schema;
        }
    return cJSON_CreateObject();
}

/* What Go has where nothing is said: in v3, a default. NULL: none. */
static cJSON *zero_of(const struct kube_field *f)
{
    if ((f->flags & (KUBE_POINTER | KUBE_POINTERS)) != 0)
        return NULL;
    switch ((enum kube_shape)f->shape) {
    case KUBE_STRING:
        return cJSON_CreateString("");
    case KUBE_BOOL:
        return cJSON_CreateFalse();
    case KUBE_INT32:
    case KUBE_INT64:
        return cJSON_CreateNumber(0);
    case KUBE_STRUCT:
        return cJSON_CreateObject();
    default:
        return NULL;
    }
}

/* In v3 a reference with anything beside it is wrapped. */
static cJSON *with_default(cJSON *schema, cJSON *value)
{
    cJSON *wrapped;

    if (value == NULL)
        return schema;
    if (json_member(schema, S("$ref")) != NULL) {
        wrapped = cJSON_CreateObject();
        cJSON_AddItemToArray(json_need_array(wrapped, "allOf"), schema);
        schema = wrapped;
    }
    json_put(schema, S("default"), value);
    return schema;
}

static cJSON *default_of(enum openapi_dialect d, const struct kube_field *f)
{
    uint32_t value = kube_field_extra(f)->value;
    bool said =
        f->container != KUBE_ONE || f->shape == KUBE_STRUCT || (f->flags & KUBE_REQUIRED) != 0;

    if (d == OPENAPI_V2)
        return NULL;
    if (value != 0)
        return cJSON_Parse(kube_text(value));
    return said ? zero_of(f) : NULL;
}

/* --- members ---------------------------------------------------------------------------------- */

static void put_list_type(cJSON *schema, const struct kube_field *f)
{
    struct str keys = str_c(kube_text(kube_field_extra(f)->list_keys)), key;
    const char *type = (f->flags & KUBE_LIST_SET) != 0   ? "set"
                       : (f->flags & KUBE_LIST_MAP) != 0 ? "map"
                       : (f->flags & KUBE_ATOMIC) != 0   ? "atomic"
                                                         : NULL;

    if (type == NULL)
        return;
    if (f->container == KUBE_LIST)
        json_put_str(schema, S("x-kubernetes-list-type"), str_c(type));
    else
        json_put_str(schema, S("x-kubernetes-map-type"), str_c(type));
    while (str_next(&keys, ',', &key))
        cJSON_AddItemToArray(json_need_array(schema, "x-kubernetes-list-map-keys"),
                             json_new_str(key));
}

static void put_patch_strategy(cJSON *schema, const struct kube_field *f)
{
    const char *key = kube_text(kube_field_extra(f)->patch_key);
    bool merge = (f->flags & KUBE_PATCH_MERGE) != 0, retain = (f->flags & KUBE_RETAIN_KEYS) != 0;
    const char *strategy = merge && retain                        ? "merge,retainKeys"
                           : merge                                ? "merge"
                           : retain                               ? "retainKeys"
                           : (f->flags & KUBE_PATCH_REPLACE) != 0 ? "replace"
                                                                  : NULL;

    if (key[0] != '\0')
        json_put_str(schema, S("x-kubernetes-patch-merge-key"), str_c(key));
    if (strategy != NULL)
        json_put_str(schema, S("x-kubernetes-patch-strategy"), str_c(strategy));
}

static cJSON *member_schema(enum openapi_dialect d, const struct kube_field *f)
{
    cJSON *schema = element_schema(d, f);

    if (f->container == KUBE_ONE) {
        schema = with_default(schema, default_of(d, f));
    } else {
        cJSON *of = with_default(schema, default_of(d, f));

        schema = typed(f->container == KUBE_LIST ? "array" : "object");
        json_put(schema, f->container == KUBE_LIST ? S("items") : S("additionalProperties"), of);
    }
    put_list_type(schema, f);
    put_patch_strategy(schema, f);
    return schema;
}

static void put_kind(cJSON *schema, const struct kube_type *t)
{
    cJSON *kind = cJSON_CreateObject();

    json_put_str(kind, S("group"), str_c(kube_text(t->group)));
    json_put_str(kind, S("kind"), str_c(kube_text(t->name)));
    json_put_str(kind, S("version"), kube_type_version(t));
    cJSON_AddItemToArray(json_need_array(schema, "x-kubernetes-group-version-kind"), kind);
}

cJSON *openapi_schema(enum openapi_dialect d, const struct kube_type *t)
{
    cJSON *schema = typed("object"), *required = cJSON_CreateArray(), *properties;

    properties = t->count > 0 ? json_need_object(schema, "properties") : NULL;
    for (size_t i = 0; i < t->count; i++) {
        const struct kube_field *f = kube_type_at(t, i);

        cJSON_AddItemToObjectCS(properties, kube_field_name(f), member_schema(d, f));
        if ((f->flags & KUBE_REQUIRED) != 0)
            cJSON_AddItemToArray(required, cJSON_CreateString(kube_field_name(f)));
    }
    if (required->child != NULL)
        json_put(schema, S("required"), required);
    else
        cJSON_Delete(required);
    if ((t->flags & KUBE_TYPE_ATOMIC) != 0)
        json_put_str(schema, S("x-kubernetes-map-type"), S("atomic"));
    if ((t->flags & KUBE_IS_KIND) != 0)
        put_kind(schema, t);
    return schema;
}

void openapi_reach(const struct kube_type *t, bool *marks)
{
    if (t == NULL || marks[t - kube_types])
        return;
    marks[t - kube_types] = true;
    for (size_t i = 0; i < t->count; i++)
        if (kube_type_at(t, i)->shape == KUBE_STRUCT)
            openapi_reach(kube_field_type(kube_type_at(t, i)), marks);
}

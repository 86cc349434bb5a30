/* Path items: a table of verbs, over each kind's addresses. kubectl looks for the group, version
 * and kind of an operation, its query parameters and the media types of a patch. */
#include "kube/openapi_paths.h"

#include "base/macros.h"

#define META "io.k8s.apimachinery.pkg.apis.meta.v1."

enum takes { TAKES_NOTHING, TAKES_OBJECT, TAKES_PATCH, TAKES_OPTIONS };
enum gives { GIVES_OBJECT, GIVES_LIST, GIVES_STATUS };

/* What of an address a verb belongs to. */
enum place { AT_COLLECTION = 1, AT_OBJECT = 2, AT_PART = 4 };

struct operation {
    const char *verb;   /* of RBAC and discovery */
    const char *method; /* in the path item */
    const char *action; /* x-kubernetes-action */
    const char *word;   /* in the operationId */
    int places;
    enum takes takes;
    enum gives gives;
    const char *query; /* parameters, space separated; "name:type" where it is no string */
};

#define WRITES "dryRun fieldManager fieldValidation"
#define LISTS                                                                                \
    "allowWatchBookmarks:boolean continue fieldSelector labelSelector limit:integer "        \
    "resourceVersion resourceVersionMatch sendInitialEvents:boolean timeoutSeconds:integer " \
    "watch:boolean"
#define DELETES                                                                                   \
    "dryRun gracePeriodSeconds:integer ignoreStoreReadErrorWithClusterBreakingPotential:boolean " \
    "orphanDependents:boolean propagationPolicy"

static const struct operation operations[] = {
    {"list",             "get",    "list",             "list",             AT_COLLECTION,       TAKES_NOTHING, GIVES_LIST,   LISTS            },
    {"create",           "post",   "post",             "create",           AT_COLLECTION,       TAKES_OBJECT,  GIVES_OBJECT, WRITES           },
    {"deletecollection", "delete", "deletecollection", "deleteCollection", AT_COLLECTION,
     TAKES_OPTIONS,                                                                                            GIVES_STATUS, DELETES " " LISTS},
    {"get",              "get",    "get",              "read",             AT_OBJECT | AT_PART, TAKES_NOTHING, GIVES_OBJECT, ""               },
    {"update",           "put",    "put",              "replace",          AT_OBJECT | AT_PART, TAKES_OBJECT,  GIVES_OBJECT, WRITES           },
    {"patch",            "patch",  "patch",            "patch",            AT_OBJECT | AT_PART, TAKES_PATCH,   GIVES_OBJECT,
     WRITES " force:boolean"                                                                                                                  },
    {"delete",           "delete", "delete",           "delete",           AT_OBJECT,           TAKES_OPTIONS, GIVES_STATUS, DELETES          },
    {"create",           "post",   "post",             "create",           AT_PART,             TAKES_OBJECT,  GIVES_OBJECT, WRITES           },
};

static const char *const patch_media[] = {
    "application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml",
    "application/strategic-merge-patch+json"};

struct builder {
    struct arena *arena;
    enum openapi_dialect dialect;
    const struct kind *kind;
    const struct kind_sub *sub; /* NULL: the resource itself */
};

/* --- pieces ---------------------------------------------------------------------------------- */

static bool has_verb(const char *verbs, const char *verb)
{
    struct str rest = str_c(verbs), one;

    while (str_next(&rest, ' ', &one))
        if (str_is(one, verb))
            return true;
    return false;
}

/* "rbac.authorization.k8s.io" to "RbacAuthorization", as operation ids have it. */
static struct str camel(struct arena *a, struct str text)
{
    char *out = arena_alloc(a, text.n + 1);
    size_t n = 0;
    bool up = true;

    if (text.n == 0)
        return S("Core");
    if (str_ends(text, S(".k8s.io")))
        text.n -= sizeof ".k8s.io" - 1;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.at[i];

        if (c == '.' || c == '-') {
            up = true;
            continue;
        }
        out[n++] = up && c >= 'a' && c <= 'z' ? (char)(c - 0x20) : c;
        up = false;
    }
    return str_n(out, n);
}

static void put_kind(struct builder *b, cJSON *operation)
{
    bool own = b->sub != NULL && b->sub->kind != NULL;
    cJSON *kind = json_need_object(operation, "x-kubernetes-group-version-kind");

    json_put_str(kind, S("group"), own ? str_c(b->sub->group) : b->kind->group);
    json_put_str(kind, S("kind"), own ? str_c(b->sub->kind) : b->kind->kind);
    json_put_str(kind, S("version"), own ? str_c(b->sub->version) : b->kind->version);
}

static const struct kube_type *type_of(struct builder *b, enum gives gives)
{
    bool own = b->sub != NULL && b->sub->kind != NULL;
    struct str group = own ? str_c(b->sub->group) : b->kind->group;
    struct str version = own ? str_c(b->sub->version) : b->kind->version;
    struct str kind = own ? str_c(b->sub->kind) : b->kind->kind;

    if (gives == GIVES_STATUS)
        return kube_type_named(S("meta/v1"), S("Status"));
    if (gives == GIVES_LIST)
        kind = arena_printf(b->arena, "%.*sList", STR_ARG(kind));
    return kube_type_find(group, version, kind);
}

static cJSON *schema_ref(struct builder *b, const struct kube_type *t)
{
    return t != NULL ? openapi_ref(b->dialect, t) : cJSON_CreateObject();
}

static cJSON *named_ref(struct builder *b, const char *name)
{
    cJSON *ref = cJSON_CreateObject();

    json_put_str(ref, S("$ref"),
                 arena_printf(b->arena, "%s%s",
                              b->dialect == OPENAPI_V2 ? "#/definitions/" : "#/components/schemas/",
                              name));
    return ref;
}

static void add_parameter(struct builder *b, cJSON *parameters, struct str name, const char *in,
                          struct str type)
{
    cJSON *parameter = cJSON_CreateObject();

    if (str_is(str_c(in), "path"))
        json_put_bool(parameter, S("required"), true);
    json_put_str(parameter, S("name"), name);
    json_put_str(parameter, S("in"), str_c(in));
    json_put_bool(parameter, S("uniqueItems"), true);
    json_put_str(b->dialect == OPENAPI_V2 ? parameter : json_need_object(parameter, "schema"),
                 S("type"), type);
    cJSON_AddItemToArray(parameters, parameter);
}

static void add_query(struct builder *b, cJSON *operation, const char *query)
{
    struct str rest = str_c(query), one, name, type;
    cJSON *parameters = json_need_array(operation, "parameters");

    while (str_next(&rest, ' ', &one)) {
        name = one;
        type = S("string");
        (void)str_cut(one, ':', &name, &type);
        add_parameter(b, parameters, name, "query", type);
    }
    add_parameter(b, parameters, S("pretty"), "query", S("string"));
}

/* --- bodies ----------------------------------------------------------------------------------- */

static cJSON *body_ref(struct builder *b, enum takes takes)
{
    if (takes == TAKES_PATCH)
        return named_ref(b, META "Patch");
    if (takes == TAKES_OPTIONS)
        return schema_ref(b, kube_type_named(S("meta/v1"), S("DeleteOptions")));
    return schema_ref(b, type_of(b, GIVES_OBJECT));
}

static void put_body_v2(struct builder *b, cJSON *operation, enum takes takes)
{
    cJSON *parameter = cJSON_CreateObject(), *consumes;

    json_put_str(parameter, S("name"), S("body"));
    json_put_str(parameter, S("in"), S("body"));
    if (takes != TAKES_OPTIONS)
        json_put_bool(parameter, S("required"), true);
    json_put(parameter, S("schema"), body_ref(b, takes));
    cJSON_AddItemToArray(json_need_array(operation, "parameters"), parameter);
    consumes = json_need_array(operation, "consumes");
    if (takes != TAKES_PATCH)
        cJSON_AddItemToArray(consumes, cJSON_CreateString("*/*"));
    else
        for (size_t i = 0; i < ARRAY_LEN(patch_media); i++)
            cJSON_AddItemToArray(consumes, cJSON_CreateString(patch_media[i]));
}

static void put_media(struct builder *b, cJSON *content, const char *media, enum takes takes)
{
    cJSON *one = cJSON_CreateObject();

    json_put(one, S("schema"), body_ref(b, takes));
    json_put(content, str_c(media), one);
}

static void put_body_v3(struct builder *b, cJSON *operation, enum takes takes)
{
    cJSON *body = json_need_object(operation, "requestBody");
    cJSON *content = json_need_object(body, "content");

    if (takes != TAKES_PATCH)
        put_media(b, content, "*/*", takes);
    else
        for (size_t i = 0; i < ARRAY_LEN(patch_media); i++)
            put_media(b, content, patch_media[i], takes);
    if (takes != TAKES_OPTIONS)
        json_put_bool(body, S("required"), true);
}

static void put_response(struct builder *b, cJSON *operation, const struct operation *o,
                         struct str code)
{
    static const char *const media[] = {"application/json", "application/yaml"};
    cJSON *response = cJSON_CreateObject(), *content;

    json_put_str(response, S("description"), S("OK"));
    if (b->dialect == OPENAPI_V2) {
        json_put(response, S("schema"), schema_ref(b, type_of(b, o->gives)));
    } else {
        content = json_need_object(response, "content");
        for (size_t i = 0; i < ARRAY_LEN(media); i++) {
            cJSON *one = cJSON_CreateObject();

            json_put(one, S("schema"), schema_ref(b, type_of(b, o->gives)));
            json_put(content, str_c(media[i]), one);
        }
    }
    json_put(json_need_object(operation, "responses"), code, response);
}

/* --- operations ------------------------------------------------------------------------------ */

static struct str operation_id(struct builder *b, const struct operation *o, bool everywhere)
{
    const struct kind *k = b->kind;
    bool namespaced = (k->flags & KIND_NAMESPACED) != 0 && !everywhere;
    struct str sub = b->sub != NULL ? camel(b->arena, str_c(b->sub->name)) : S("");

    return arena_printf(b->arena, "%s%.*s%.*s%s%.*s%.*s%s", o->word,
                        STR_ARG(camel(b->arena, k->group)), STR_ARG(camel(b->arena, k->version)),
                        namespaced ? "Namespaced" : "", STR_ARG(k->kind), STR_ARG(sub),
                        everywhere && (k->flags & KIND_NAMESPACED) != 0 ? "ForAllNamespaces" : "");
}

static void put_operation(struct builder *b, cJSON *item, const struct operation *o,
                          bool everywhere)
{
    cJSON *operation = cJSON_CreateObject();
    bool creates = str_is(str_c(o->verb), "create");

    cJSON_AddItemToArray(
        json_need_array(operation, "tags"),
        json_new_str(arena_printf(b->arena, "%.*s_%.*s", STR_ARG(camel(b->arena, b->kind->group)),
                                  STR_ARG(b->kind->version))));
    json_put_str(operation, S("operationId"), operation_id(b, o, everywhere));
    if (o->takes != TAKES_NOTHING && b->dialect == OPENAPI_V2)
        put_body_v2(b, operation, o->takes);
    if (o->takes != TAKES_NOTHING && b->dialect == OPENAPI_V3)
        put_body_v3(b, operation, o->takes);
    add_query(b, operation, o->query);
    put_response(b, operation, o, S("200"));
    if (creates || o->takes == TAKES_PATCH)
        put_response(b, operation, o, S("201"));
    json_put_str(operation, S("x-kubernetes-action"), str_c(o->action));
    put_kind(b, operation);
    json_put(item, str_c(o->method), operation);
}

static void each_at(struct builder *b, struct str path, enum place place, const char *verbs,
                    bool everywhere, void (*each)(void *data, struct str path, const cJSON *item),
                    void *data)
{
    CLEANUP(json_freep) cJSON *item = cJSON_CreateObject();
    cJSON *parameters = cJSON_CreateArray();

    for (size_t i = 0; i < ARRAY_LEN(operations); i++)
        if ((operations[i].places & (int)place) != 0 && has_verb(verbs, operations[i].verb) &&
            (!everywhere || str_is(str_c(operations[i].verb), "list")))
            put_operation(b, item, &operations[i], everywhere);
    if (item->child == NULL) {
        cJSON_Delete(parameters);
        return;
    }
    if (place != AT_COLLECTION)
        add_parameter(b, parameters, S("name"), "path", S("string"));
    if (str_find(path, S("{namespace}")) != STR_NONE)
        add_parameter(b, parameters, S("namespace"), "path", S("string"));
    json_put(item, S("parameters"), parameters);
    each(data, path, item);
}

void openapi_each_path(const struct kind *k, enum openapi_dialect d,
                       void (*each)(void *data, struct str path, const cJSON *item), void *data)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct builder b = {.arena = &a, .dialect = d, .kind = k};
    struct str version = kind_api_version(k, &a), collection, object;
    const char *base = k->group.n == 0 ? "/api" : "/apis";
    bool namespaced = (k->flags & KIND_NAMESPACED) != 0;
    const char *verbs = kind_verbs(k);

    collection = arena_printf(&a, "%s/%.*s%s/%.*s", base, STR_ARG(version),
                              namespaced ? "/namespaces/{namespace}" : "", STR_ARG(k->plural));
    object = arena_printf(&a, "%.*s/{name}", STR_ARG(collection));
    if (namespaced)
        each_at(&b, arena_printf(&a, "%s/%.*s/%.*s", base, STR_ARG(version), STR_ARG(k->plural)),
                AT_COLLECTION, verbs, true, each, data);
    each_at(&b, collection, AT_COLLECTION, verbs, false, each, data);
    each_at(&b, object, AT_OBJECT, verbs, false, each, data);
    for (size_t i = 0; i < k->sub_count; i++) {
        b.sub = &k->subs[i];
        each_at(&b, arena_printf(&a, "%.*s/%s", STR_ARG(object), b.sub->name), AT_PART,
                b.sub->verbs, false, each, data);
    }
}

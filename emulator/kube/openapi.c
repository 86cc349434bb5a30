/* OpenAPI documents, written from the tables of kinds and shapes whenever one is asked for: nothing
 * of them is kept. A document depends on the program and on what is served alone, and so does the
 * hash that its address and its ETag have.
 * Source: kubernetes-api reference §1.3. */
#include "kube/openapi.h"

#include "base/sha.h"
#include "kube/answer.h"
#include "kube/openapi_paths.h"

#define PROTOBUF_ASKED "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
#define PROTOBUF_GIVEN "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"

#define YEAR_MS INT64_C(31536000000)

/* What a document is written to, and what was written. */
struct writer {
    struct kube_call *call;
    struct buf *b;
    enum openapi_dialect dialect;
    bool protobuf;
    bool *marks; /* of kube_types: wanted schemas */
    size_t members;
};

static bool is_served(const struct kube_call *c, const struct kind *k)
{
    return kind_is_served(k, c->cluster->options.serve_minor);
}

static bool same_version(const struct kind *a, const struct kind *b)
{
    return str_eq(a->group, b->group) && str_eq(a->version, b->version);
}

/* The first row of each group and version stands for it. */
static bool is_first(const struct kube_call *c, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (same_version(&kinds[j], &kinds[i]) && is_served(c, &kinds[j]))
            return false;
    return is_served(c, &kinds[i]);
}

/* "api/v1", "apis/apps/v1": the document's name. */
static struct str document_name(const struct kind *k, struct arena *a)
{
    return arena_printf(a, "%s/%.*s", k->group.n == 0 ? "api" : "apis",
                        STR_ARG(kind_api_version(k, a)));
}

static struct str hash_of(struct kube_call *c, struct str name)
{
    struct str seed = arena_printf(c->arena, "%s %s %d %.*s %.*s", ELBOW_VERSION,
                                   kube_schema_release, c->cluster->options.serve_minor,
                                   STR_ARG(c->cluster->git_version), STR_ARG(name));
    struct str hash = sha256_hex(c->arena, seed);
    char *upper = arena_cstr(c->arena, hash);

    for (size_t i = 0; i < hash.n; i++)
        if (upper[i] >= 'a')
            upper[i] = (char)(upper[i] - 0x20);
    return str_n(upper, hash.n);
}

/* --- writing --------------------------------------------------------------------------------- */

static void write_name(struct writer *w, struct str name)
{
    if (w->members++ > 0)
        buf_char(w->b, ',');
    json_write_str(w->b, name);
    buf_char(w->b, ':');
}

static void write_path(void *data, struct str path, const cJSON *item)
{
    struct writer *w = data;

    if (w->protobuf) {
        openapi_proto_path(w->b, path, item);
        return;
    }
    write_name(w, path);
    json_write(w->b, item);
}

static void write_schema(struct writer *w, struct str name, cJSON *schema)
{
    if (w->protobuf) {
        openapi_proto_definition(w->b, name, schema);
    } else {
        write_name(w, name);
        json_write(w->b, schema);
    }
    cJSON_Delete(schema);
}

static void reach_kind(struct writer *w, struct str group, struct str version, struct str kind)
{
    openapi_reach(kube_type_find(group, version, kind), w->marks);
}

/* Marks what the kind's paths speak of. */
static void reach(struct writer *w, const struct kind *k)
{
    struct arena *a = w->call->arena;

    reach_kind(w, k->group, k->version, k->kind);
    reach_kind(w, k->group, k->version, arena_printf(a, "%.*sList", STR_ARG(k->kind)));
    for (size_t i = 0; i < k->sub_count; i++)
        if (k->subs[i].kind != NULL)
            reach_kind(w, str_c(k->subs[i].group), str_c(k->subs[i].version),
                       str_c(k->subs[i].kind));
}

static void write_paths(struct writer *w, const struct kind *of)
{
    w->members = 0;
    for (size_t i = 0; i < kind_count; i++)
        if (is_served(w->call, &kinds[i]) && (of == NULL || same_version(&kinds[i], of))) {
            reach(w, &kinds[i]);
            openapi_each_path(&kinds[i], w->dialect, write_path, w);
        }
}

static void write_schemas(struct writer *w)
{
    static const char *const always[] = {"DeleteOptions", "Status", "WatchEvent",
                                         "APIResourceList"};
    struct str name;
    cJSON *scalar;

    w->members = 0;
    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        openapi_reach(kube_type_named(S("meta/v1"), str_c(always[i])), w->marks);
    for (size_t i = 0; i < kube_type_count; i++)
        if (w->marks[i])
            write_schema(w, openapi_name(w->call->arena, &kube_types[i]),
                         openapi_schema(w->dialect, &kube_types[i]));
    for (size_t i = 0; (scalar = openapi_scalar(w->dialect, i, &name)) != NULL; i++)
        write_schema(w, name, scalar);
}

static struct writer writer_new(struct kube_call *c, enum openapi_dialect d)
{
    c->bytes = buf_init(LARGEST_ANSWER);
    return (struct writer){.call = c,
                           .b = &c->bytes,
                           .dialect = d,
                           .marks = arena_array(c->arena, kube_type_count, sizeof(bool))};
}

static void write_info(struct writer *w)
{
    buf_add(w->b, S("\"info\":{\"title\":\"Kubernetes\",\"version\":"));
    json_write_str(w->b, w->call->cluster->git_version);
    buf_add(w->b, S("},\"paths\":{"));
}

/* --- answers --------------------------------------------------------------------------------- */

/* True when the client has the document already: 304 was answered. */
static bool is_known(struct kube_call *c, struct str hash)
{
    struct str etag = arena_printf(c->arena, "\"%.*s\"", STR_ARG(hash));

    call_add_header(c, S("ETag"), etag);
    call_add_header(c, S("Vary"), S("Accept"));
    if (!str_eq(http_header_get(c->request->headers, S("If-None-Match")), etag))
        return false;
    call_answer_raw(c, 304, S(""), S(""));
    return true;
}

static bool answer_v2(struct kube_call *c)
{
    struct str accept = http_header_get(c->request->headers, S("Accept"));
    size_t protobuf = str_find(accept, S(PROTOBUF_ASKED));
    size_t json = str_find(accept, S("application/json"));
    struct writer w;

    if (is_known(c, hash_of(c, protobuf < json ? S("v2 protobuf") : S("v2"))))
        return true;
    w = writer_new(c, OPENAPI_V2);
    w.protobuf = protobuf < json;
    if (w.protobuf) {
        openapi_proto_head(w.b, S("Kubernetes"), c->cluster->git_version);
        write_paths(&w, NULL);
        write_schemas(&w);
        call_answer_raw(c, 200, S(PROTOBUF_GIVEN), buf_str(w.b));
        return true;
    }
    buf_add(w.b, S("{\"swagger\":\"2.0\","));
    write_info(&w);
    write_paths(&w, NULL);
    buf_add(w.b, S("},\"definitions\":{"));
    write_schemas(&w);
    buf_add(w.b, S("}}"));
    call_answer_raw(c, 200, S("application/json"), buf_str(w.b));
    return true;
}

static bool answer_root(struct kube_call *c)
{
    struct writer w = writer_new(c, OPENAPI_V3);

    buf_add(w.b, S("{\"paths\":{"));
    for (size_t i = 0; i < kind_count; i++) {
        struct str name;

        if (!is_first(c, i))
            continue;
        name = document_name(&kinds[i], c->arena);
        write_name(&w, name);
        buf_printf(w.b, "{\"serverRelativeURL\":\"/openapi/v3/%.*s?hash=%.*s\"}", STR_ARG(name),
                   STR_ARG(hash_of(c, name)));
    }
    buf_add(w.b, S("}}"));
    call_answer_raw(c, 200, S("application/json"), buf_str(w.b));
    return true;
}

/* A document's address holds its hash, so it may be kept for ever; an old one leads to the new. */
static bool check_hash(struct kube_call *c, struct str name, struct str hash)
{
    CLEANUP(buf_free) struct buf date = buf_init(64);
    struct str given = {0};

    (void)http_query_get(c->arena, c->request->query, S("hash"), &given);
    if (given.n == 0)
        return true;
    if (!str_eq(given, hash)) {
        call_add_header(
            c, S("Location"),
            arena_printf(c->arena, "/openapi/v3/%.*s?hash=%.*s", STR_ARG(name), STR_ARG(hash)));
        call_answer_raw(c, 301, S("text/plain; charset=utf-8"), S(""));
        return false;
    }
    call_add_header(c, S("Cache-Control"), S("public, immutable"));
    http_write_date(&date, clock_now(c->kube->clock) + YEAR_MS);
    call_add_header(c, S("Expires"), arena_str(c->arena, buf_str(&date)));
    return true;
}

static bool wants_json(const struct kube_call *c)
{
    struct str accept = http_header_get(c->request->headers, S("Accept"));

    return accept.n == 0 || str_find(accept, S("json")) != STR_NONE ||
           str_find(accept, S("*/*")) != STR_NONE;
}

static void write_document(struct kube_call *c, const struct kind *k)
{
    struct writer w = writer_new(c, OPENAPI_V3);

    buf_add(w.b, S("{\"openapi\":\"3.0.0\","));
    write_info(&w);
    write_paths(&w, k);
    buf_add(w.b, S("},\"components\":{\"schemas\":{"));
    write_schemas(&w);
    buf_add(w.b, S("}}}"));
    call_answer_raw(c, 200, S("application/json"), buf_str(w.b));
}

static bool answer_document(struct kube_call *c, struct str name)
{
    for (size_t i = 0; i < kind_count; i++) {
        struct str hash;

        if (!is_first(c, i) || !str_eq(document_name(&kinds[i], c->arena), name))
            continue;
        hash = hash_of(c, name);
        if (!wants_json(c))
            return !kube_call_fail(c,
                                   &(struct kube_failure){
                                       .code = 406,
                                       .reason = "NotAcceptable",
                                       .message = S("only the following media types are accepted: "
                                                    "application/json"),
                                   });
        if (check_hash(c, name, hash) && !is_known(c, hash))
            write_document(c, &kinds[i]);
        return true;
    }
    return false;
}

bool openapi_answer(struct kube_call *c)
{
    struct str path = c->target.path;

    while (path.n > 1 && path.at[path.n - 1] == '/')
        path.n--;
    if (str_is(path, "/openapi/v2"))
        return answer_v2(c);
    if (str_is(path, "/openapi/v3"))
        return answer_root(c);
    return str_starts(path, S("/openapi/v3/")) &&
           answer_document(c, str_from(path, sizeof "/openapi/v3/" - 1));
}

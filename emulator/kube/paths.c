/* The server's own paths: one row each.
 * Source: Kubernetes "API server health endpoints", API Reference "version". */
#include "kube/paths.h"

#include <stdlib.h>

#include "kube/discovery.h"
#include "kube/openapi.h"

/* --- /version --------------------------------------------------------------------------- */

/* What EKS shows: the release's last patch and a suffix. */
static bool answer_version(struct kube_call *c)
{
    struct str version = c->cluster->options.version, major, minor;
    cJSON *doc = cJSON_CreateObject();
    struct str git;

    if (!str_cut(version, '.', &major, &minor))
        minor = S("0");
    git = c->cluster->git_version;
    json_put_str(doc, S("major"), S("1"));
    json_put_str(doc, S("minor"), arena_printf(c->arena, "%.*s+", STR_ARG(minor)));
    json_put_str(doc, S("gitVersion"), git);
    json_put_str(doc, S("gitCommit"), S("e16311e0d4ea1e3f4d2cfe1ab2fb1b8d5c1b7a6e"));
    json_put_str(doc, S("gitTreeState"), S("clean"));
    json_put_str(doc, S("buildDate"), S("2020-03-27T22:40:13Z"));
    json_put_str(doc, S("goVersion"), S("go1.13.8"));
    json_put_str(doc, S("compiler"), S("gc"));
    json_put_str(doc, S("platform"), S("linux/amd64"));
    call_answer_doc(c, 200, doc);
    return true;
}

/* --- health ----------------------------------------------------------------------------- */

static const char *const checks[] = {"ping", "log", "etcd", "poststarthook/rbac/bootstrap-roles"};

static bool is_excluded(const struct kube_call *c, const char *check)
{
    struct str query = c->request->query, part, name, value;

    while (str_next(&query, '&', &part))
        if (str_cut(part, '=', &name, &value) && str_is(name, "exclude") && str_is(value, check))
            return true;
    return false;
}

static bool answer_health(struct kube_call *c)
{
    struct str path = str_from(c->target.path, 1), name, check = {0};
    struct str verbose;
    struct buf *b = &c->bytes;

    if (!str_cut(path, '/', &name, &check))
        name = path;
    *b = buf_init(4096);
    if (check.n > 0) {
        for (size_t i = 0; i < ARRAY_LEN(checks); i++)
            if (str_is(check, checks[i]))
                buf_add(b, S("ok"));
        if (b->n == 0)
            return false;
    } else if (http_query_get(c->arena, c->request->query, S("verbose"), &verbose)) {
        for (size_t i = 0; i < ARRAY_LEN(checks); i++)
            buf_printf(b, "[+]%s %s\n", checks[i],
                       is_excluded(c, checks[i]) ? "excluded: ok" : "ok");
        buf_printf(b, "%.*s check passed\n", STR_ARG(name));
    } else {
        buf_add(b, S("ok"));
    }
    call_answer_raw(c, 200, S("text/plain; charset=utf-8"), buf_str(b));
    return true;
}

/* --- the issuer of tokens ----------------------------------------------------------------- */

static bool answer_configuration(struct kube_call *c)
{
    struct str issuer = c->cluster->options.issuer;
    struct buf *b = &c->bytes;

    *b = buf_init(8192);
    buf_add(b, S("{\"issuer\":"));
    json_write_str(b, issuer);
    buf_add(b, S(",\"jwks_uri\":"));
    json_write_str(b, arena_printf(c->arena, "%.*s/keys", STR_ARG(issuer)));
    buf_add(b, S(",\"response_types_supported\":[\"id_token\"],\"subject_types_supported\":["
                 "\"public\"],\"id_token_signing_alg_values_supported\":[\"RS256\"]}"));
    call_answer_raw(c, 200, S("application/json"), buf_str(b));
    return true;
}

static bool answer_jwks(struct kube_call *c)
{
    CLEANUP(json_freep) cJSON *set = cJSON_CreateObject();
    cJSON *keys = json_need_array(set, "keys");
    struct buf *b = &c->bytes;

    *b = buf_init(8192);
    if (c->cluster->options.signing_key != NULL)
        cJSON_AddItemToArray(keys, jwt_key_jwk(c->cluster->options.signing_key));
    json_write(b, set);
    call_answer_raw(c, 200, S("application/jwk-set+json"), buf_str(b));
    return true;
}

/* --- / ------------------------------------------------------------------------------------ */

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static bool answer_index(struct kube_call *c)
{
    static const char *const fixed[] = {"/.well-known/openid-configuration",
                                        "/api",
                                        "/api/v1",
                                        "/apis",
                                        "/apis/",
                                        "/healthz",
                                        "/healthz/ping",
                                        "/livez",
                                        "/livez/ping",
                                        "/metrics",
                                        "/openapi/v2",
                                        "/openapi/v3",
                                        "/openid/v1/jwks",
                                        "/readyz",
                                        "/readyz/ping",
                                        "/version"};
    struct str *all = arena_array(c->arena, ARRAY_LEN(fixed) + 2 * kind_count, sizeof *all);
    cJSON *doc = cJSON_CreateObject(), *paths = json_need_array(doc, "paths");
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        all[n++] = str_c(fixed[i]);
    for (size_t i = 0; i < kind_count; i++) {
        if (kinds[i].group.n == 0 || !kind_is_served(&kinds[i], c->cluster->options.serve_minor))
            continue;
        all[n++] = arena_printf(c->arena, "/apis/%.*s", STR_ARG(kinds[i].group));
        all[n++] = arena_printf(c->arena, "/apis/%.*s/%.*s", STR_ARG(kinds[i].group),
                                STR_ARG(kinds[i].version));
    }
    qsort(all, n, sizeof *all, by_text);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || !str_eq(all[i], all[i - 1]))
            cJSON_AddItemToArray(paths, json_new_str(all[i]));
    call_answer_doc(c, 200, doc);
    return true;
}

/* --- the rows ----------------------------------------------------------------------------- */

static bool answer_metrics(struct kube_call *c)
{
    struct buf *b = &c->bytes;

    *b = buf_init(4096);
    buf_printf(b,
               "# HELP etcd_object_counts Number of stored objects.\n"
               "# TYPE etcd_object_counts gauge\n"
               "etcd_object_counts{resource=\"pods\"} %zu\n",
               object_count(c->kube->objects, c->cluster->options.name, S("pods")));
    call_answer_raw(c, 200, S("text/plain; version=0.0.4; charset=utf-8"), buf_str(b));
    return true;
}

static const struct {
    struct str path;
    bool below; /* and everything below it */
    bool (*answer)(struct kube_call *c);
} paths[] = {
    {STR_INIT("/"),                                 false, answer_index        },
    {STR_INIT("/version"),                          false, answer_version      },
    {STR_INIT("/healthz"),                          true,  answer_health       },
    {STR_INIT("/livez"),                            true,  answer_health       },
    {STR_INIT("/readyz"),                           true,  answer_health       },
    {STR_INIT("/metrics"),                          false, answer_metrics      },
    {STR_INIT("/.well-known/openid-configuration"), false, answer_configuration},
    {STR_INIT("/openid/v1/jwks"),                   false, answer_jwks         },
    {STR_INIT("/api"),                              true,  discovery_answer    },
    {STR_INIT("/apis"),                             true,  discovery_answer    },
    {STR_INIT("/openapi"),                          true,  openapi_answer      },
};

void kube_path(struct kube_call *c)
{
    struct str path = c->target.path;

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        bool exact =
            str_eq(path, paths[i].path) || (path.n > 1 && path.at[path.n - 1] == '/' &&
                                            str_eq(str_first(path, path.n - 1), paths[i].path));
        bool below = paths[i].below && str_starts(path, paths[i].path) &&
                     path.n > paths[i].path.n && path.at[paths[i].path.n] == '/';

        if (!exact && !below)
            continue;
        if (!str_is(c->request->method, "GET") && !str_is(c->request->method, "HEAD")) {
            (void)call_method_not_allowed(c);
            return;
        }
        if (paths[i].answer(c))
            return;
    }
    call_answer_raw(c, 404, S("text/plain; charset=utf-8"), S("404 page not found\n"));
}

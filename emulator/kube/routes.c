/* Paths and queries of the Kubernetes API.
 * Source: Kubernetes API Concepts, "Resource URIs"; k8s.io/apiserver's request info. */
#include "kube/routes.h"

#include "base/percent.h"
#include "net/http.h"

enum { MOST_SEGMENTS = 12 };

struct segments {
    struct str at[MOST_SEGMENTS];
    size_t n;
    struct str rest[MOST_SEGMENTS]; /* the raw path from this segment on */
};

static bool cut_path(struct arena *a, struct str path, struct segments *s)
{
    while (path.n > 0) {
        struct str raw;
        size_t end;

        if (path.at[0] == '/') {
            path = str_from(path, 1);
            continue;
        }
        end = str_chr(path, '/');
        raw = end == STR_NONE ? path : str_first(path, end);
        if (s->n == MOST_SEGMENTS) /* the tail of a proxied path */
            return true;
        s->rest[s->n] = path;
        if (!percent_decode(a, raw, false, &s->at[s->n]))
            return false;
        s->n++;
        path = str_from(path, raw.n);
    }
    return true;
}

static struct str segment(const struct segments *s, size_t i)
{
    return i < s->n ? s->at[i] : (struct str){0};
}

static struct str verb_of(struct str method, bool one, bool watch)
{
    static const struct {
        const char *method, *one, *many;
    } verbs[] = {
        {"GET",    "get",    "list"            },
        {"HEAD",   "get",    "list"            },
        {"POST",   "create", "create"          },
        {"PUT",    "update", "update"          },
        {"PATCH",  "patch",  "patch"           },
        {"DELETE", "delete", "deletecollection"},
    };

    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (str_is(method, verbs[i].method))
            return watch && i < 2 ? S("watch") : str_c(one ? verbs[i].one : verbs[i].many);
    return (struct str){0};
}

/* Segments from @i on are a resource: [namespaces/<ns>/]<resource>[/<name>[/<sub>[/…]]]. */
static void read_resource(struct kube_target *t, const struct segments *s, size_t i)
{
    if (str_is(segment(s, i), "namespaces") && s->n > i + 1) {
        t->ns = segment(s, i + 1);
        if (s->n > i + 2 && !str_is(segment(s, i + 2), "status") &&
            !str_is(segment(s, i + 2), "finalize"))
            i += 2;
    }
    t->resource = segment(s, i);
    t->name = segment(s, i + 1);
    t->sub = segment(s, i + 2);
    if (i + 3 < s->n)
        t->rest = s->rest[i + 3];
}

static bool asks_to_watch(struct arena *a, struct str query)
{
    struct str value;

    return http_query_get(a, query, S("watch"), &value) && !str_is(value, "false") &&
           !str_is(value, "0");
}

void route_target(struct kube_call *c, struct str method, struct str path, struct str query)
{
    struct kube_target *t = &c->target;
    struct segments s = {0};
    size_t i = 2;
    bool prefix;

    t->path = path;
    if (!cut_path(c->arena, path, &s))
        return;
    t->verb = str_is(method, "GET") ? S("get") : method;
    if (str_is(segment(&s, 0), "apis")) {
        t->group = segment(&s, 1);
        i = 3;
    } else if (!str_is(segment(&s, 0), "api")) {
        return;
    }
    if (s.n <= i)
        return;
    t->version = segment(&s, i - 1);
    prefix = str_is(segment(&s, i), "watch");
    read_resource(t, &s, prefix ? i + 1 : i);
    if (t->resource.n == 0)
        return;
    t->is_resource = true;
    t->verb = verb_of(method, t->name.n > 0,
                      prefix || (t->name.n == 0 && asks_to_watch(c->arena, query)));
    t->kind = kind_find(c->cluster->options.serve_minor, t->group, t->version, t->resource);
    if (t->kind != NULL && t->sub.n > 0)
        t->kind_sub = kind_sub_find(t->kind, t->sub);
    if (prefix)
        c->query.watch = true;
}

/* --- the query -------------------------------------------------------------------------- */

static struct str text_option(struct kube_call *c, struct str query, struct str name)
{
    struct str value = {0};

    (void)http_query_get(c->arena, query, name, &value);
    return value;
}

static bool bool_option(struct kube_call *c, struct str query, struct str name)
{
    struct str value;

    return http_query_get(c->arena, query, name, &value) && !str_is(value, "false") &&
           !str_is(value, "0");
}

static bool int_option(struct kube_call *c, struct str query, struct str name, int64_t *ret)
{
    struct str value = text_option(c, query, name);

    if (value.n == 0 || str_to_int(value, ret))
        return true;
    return call_bad_request(c, "strconv.ParseInt: parsing \"%.*s\": invalid syntax",
                            STR_ARG(value));
}

static struct str options_kind(const struct kube_call *c)
{
    struct str verb = c->target.verb;

    if (str_is(verb, "create"))
        return S("CreateOptions");
    if (str_is(verb, "update"))
        return S("UpdateOptions");
    if (str_is(verb, "patch"))
        return S("PatchOptions");
    return S("DeleteOptions");
}

static bool check_choices(struct kube_call *c, struct str dry_run)
{
    static const char *const dry_runs[] = {"All"};
    static const char *const validations[] = {"Ignore", "Strict", "Warn"};
    struct field_errors errors = field_errors_new(c->arena);
    struct str v = c->query.validation;
    CLEANUP(json_freep) cJSON *value = NULL;

    if (dry_run.n > 0 && !str_is(dry_run, "All")) {
        value = json_new_str(dry_run);
        field_error_unsupported(&errors, S("dryRun"), value, dry_runs, ARRAY_LEN(dry_runs));
    } else if (v.n > 0 && !str_is(v, "Ignore") && !str_is(v, "Warn") && !str_is(v, "Strict")) {
        value = json_new_str(v);
        field_error_unsupported(&errors, S("fieldValidation"), value, validations,
                                ARRAY_LEN(validations));
    }
    if (errors.n == 0)
        return true;
    return call_invalid_kind(c, S("meta.k8s.io"), options_kind(c), S(""), &errors);
}

bool route_query(struct kube_call *c, struct str query)
{
    struct kube_query *q = &c->query;
    struct str dry_run = text_option(c, query, S("dryRun")), initial;

    q->watch = q->watch || str_is(c->target.verb, "watch");
    q->bookmarks = bool_option(c, query, S("allowWatchBookmarks"));
    q->has_initial_events = http_query_get(c->arena, query, S("sendInitialEvents"), &initial);
    q->initial_events = q->has_initial_events && bool_option(c, query, S("sendInitialEvents"));
    q->force = bool_option(c, query, S("force"));
    q->pretty = bool_option(c, query, S("pretty"));
    q->resource_version = text_option(c, query, S("resourceVersion"));
    q->match = text_option(c, query, S("resourceVersionMatch"));
    q->label_selector = text_option(c, query, S("labelSelector"));
    q->field_selector = text_option(c, query, S("fieldSelector"));
    q->continue_token = text_option(c, query, S("continue"));
    q->manager = text_option(c, query, S("fieldManager"));
    q->validation = text_option(c, query, S("fieldValidation"));
    q->include_object = text_option(c, query, S("includeObject"));
    q->dry_run = dry_run.n > 0;
    return int_option(c, query, S("limit"), &q->limit) &&
           int_option(c, query, S("timeoutSeconds"), &q->timeout_seconds) &&
           check_choices(c, dry_run);
}

/* Reading objects: one, or a list in pages.
 *
 * Every page of a list shows the state at the first page's resourceVersion: what changed since is
 * taken back with the log of changes. Source: Kubernetes API Concepts, "Retrieving large results
 * sets in chunks" and "The resourceVersion parameter". */
#include "kube/read.h"

#include <stdlib.h>

#include "base/base64.h"
#include "base/map.h"
#include "kube/answer.h"
#include "kube/table.h"

/* --- selectors -------------------------------------------------------------------------- */

bool filter_read(struct kube_call *c, struct kube_filter *ret_filter)
{
    struct kube_filter f = {.ns = c->target.ns, .name = c->target.name};
    struct str why;

    if ((c->target.kind->flags & KIND_NAMESPACED) == 0)
        f.ns = (struct str){0};
    if (!selector_parse_labels(c->arena, c->query.label_selector, &f.labels, &why) ||
        !selector_parse_fields(c->arena, c->target.kind, c->query.field_selector, &f.fields, &why))
        return call_bad_request(c, "%.*s", STR_ARG(why));
    if (f.name.n == 0)
        f.name = selector_wanted_name(&f.fields);
    *ret_filter = f;
    return true;
}

bool filter_matches(const struct kube_filter *f, struct object *o)
{
    return (f->ns.n == 0 || str_eq(f->ns, o->key.ns)) &&
           (f->name.n == 0 || str_eq(f->name, o->key.name)) &&
           selector_matches_labels(&f->labels, o) && selector_matches_fields(&f->fields, o);
}

/* --- resourceVersion -------------------------------------------------------------------- */

static bool too_new(struct kube_call *c, int64_t rv)
{
    struct str message =
        arena_printf(c->arena, "Timeout: Too large resource version: %lld, current: %lld",
                     (long long)rv, (long long)objects_rv(c->kube->objects));

    return kube_call_fail(
        c, &(struct kube_failure){
               .code = 504,
               .reason = "Timeout",
               .message = message,
               .causes = &(struct kube_cause){.reason = "ResourceVersionTooLarge",
                                              .message = S("Too large resource version")},
               .cause_count = 1,
               .retry_after = 1,
    });
}

static bool expired(struct kube_call *c, struct str message)
{
    return kube_call_fail(
        c, &(struct kube_failure){.code = 410, .reason = "Expired", .message = message});
}

/* Reads the resourceVersion that the query asks for; 0 when it asks for none. */
static bool read_rv(struct kube_call *c, int64_t *ret_rv)
{
    *ret_rv = 0;
    if (c->query.resource_version.n == 0)
        return true;
    if (!str_to_int(c->query.resource_version, ret_rv) || *ret_rv < 0)
        return call_bad_request(
            c,
            "resourceVersion: Invalid value: \"%.*s\": strconv.ParseUint: parsing \"%.*s\": "
            "invalid syntax",
            STR_ARG(c->query.resource_version), STR_ARG(c->query.resource_version));
    if (*ret_rv > objects_rv(c->kube->objects))
        return too_new(c, *ret_rv);
    return true;
}

static bool check_list_options(struct kube_call *c)
{
    struct field_errors e = field_errors_new(c->arena);
    const struct kube_query *q = &c->query;
    CLEANUP(json_freep) cJSON *match = json_new_str(q->match);
    static const char *const matches[] = {"Exact", "NotOlderThan", ""};

    if (q->match.n > 0 && q->continue_token.n > 0)
        field_error_add(&e, FIELD_FORBIDDEN, S("resourceVersionMatch"), NULL,
                        "resourceVersionMatch is forbidden when continue is provided");
    else if (q->match.n > 0 && q->resource_version.n == 0)
        field_error_add(&e, FIELD_FORBIDDEN, S("resourceVersionMatch"), NULL,
                        "resourceVersionMatch is forbidden unless resourceVersion is provided");
    else if (q->match.n > 0 && !str_is(q->match, "Exact") && !str_is(q->match, "NotOlderThan"))
        field_error_unsupported(&e, S("resourceVersionMatch"), match, matches, ARRAY_LEN(matches));
    else if (str_is(q->match, "Exact") && str_is(q->resource_version, "0"))
        field_error_add(&e, FIELD_FORBIDDEN, S("resourceVersionMatch"), NULL,
                        "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
    if (q->has_initial_events)
        field_error_add(&e, FIELD_FORBIDDEN, S("sendInitialEvents"), NULL,
                        "sendInitialEvents is forbidden for list");
    return e.n == 0 || call_invalid_kind(c, S("meta.k8s.io"), S("ListOptions"), S(""), &e);
}

/* --- get -------------------------------------------------------------------------------- */

void kube_get(struct kube_call *c)
{
    const struct kube_target *t = &c->target;
    struct object *o = cluster_get(c->cluster, t->kind->stored, t->ns, t->name);
    int64_t rv;

    if (!read_rv(c, &rv))
        return;
    if (o == NULL)
        (void)call_not_found(c, t->kind, t->name);
    else
        call_answer_object(c, 200, o);
}

/* --- list ------------------------------------------------------------------------------- */

/* The state of a resource at an earlier resourceVersion: what lives now, and for what changed
 * since, how it was. */
struct past {
    struct kube_call *call;
    struct map was; /* "ns/name" to struct was */
};

struct was {
    struct str key;
    struct object *object; /* NULL: did not exist */
};

static struct str place_of(struct arena *a, const struct object *o)
{
    return arena_printf(a, "%.*s/%.*s", STR_ARG(o->key.ns), STR_ARG(o->key.name));
}

static void note_past(void *data, const struct object_change *change)
{
    struct past *past = data;
    struct arena *a = past->call->arena;
    struct was *w;
    struct str key = place_of(a, change->now);

    if (map_get(&past->was, key) != NULL)
        return; /* the first change after the point tells how it was */
    w = arena_alloc(a, sizeof *w);
    w->key = key;
    w->object = change->old == NULL ? NULL : object_ref(change->old);
    (void)map_put(&past->was, w->key, w);
}

static void past_free(struct past *past)
{
    struct map_entry *e;
    size_t at = 0;

    while ((e = map_next(&past->was, &at)) != NULL)
        object_unref(((struct was *)e->value)->object);
    map_free(&past->was);
}

static int by_place(const void *a, const void *b)
{
    const struct object *x = *(struct object *const *)a, *y = *(struct object *const *)b;
    int r = str_cmp(x->key.ns, y->key.ns);

    return r != 0 ? r : str_cmp(x->key.name, y->key.name);
}

/* @list as it was: replaced and removed ones come back, newer ones go. */
static struct object_list take_back(struct past *past, struct object_list list)
{
    struct arena *a = past->call->arena;
    struct object_list then = {
        .at = arena_array(a, list.n + map_count(&past->was) + 1, sizeof *then.at)};
    struct map_entry *e;
    size_t at = 0;

    for (size_t i = 0; i < list.n; i++)
        if (map_get(&past->was, place_of(a, list.at[i])) == NULL)
            then.at[then.n++] = list.at[i];
    while ((e = map_next(&past->was, &at)) != NULL) {
        struct was *w = e->value;

        if (w->object != NULL)
            then.at[then.n++] = w->object;
    }
    qsort(then.at, then.n, sizeof(struct object *), by_place);
    return then;
}

/* Where a page begins: the list's resourceVersion and the first object's place. */
struct page {
    int64_t rv;
    struct str start;
};

static struct str write_token(struct kube_call *c, int64_t rv, const struct object *next)
{
    CLEANUP(buf_free) struct buf b = buf_init(4096);

    buf_printf(&b, "{\"v\":\"meta.k8s.io/v1\",\"rv\":%lld,\"start\":", (long long)rv);
    json_write_str(&b, place_of(c->arena, next));
    buf_char(&b, '}');
    return base64url_encode(c->arena, buf_str(&b));
}

static bool read_token(struct kube_call *c, struct page *ret_page)
{
    CLEANUP(json_freep) cJSON *token = NULL;
    struct str text;

    if (base64_decode(c->arena, c->query.continue_token, &text))
        token = json_parse(text, NULL);
    if (!str_is(json_str(token, "v"), "meta.k8s.io/v1") || json_str(token, "start").n == 0)
        return call_bad_request(c, "continue key is not valid: illegal base64 data");
    ret_page->rv = json_int(token, "rv", 0);
    ret_page->start = arena_str(c->arena, json_str(token, "start"));
    if (ret_page->rv < objects_compacted_rv(c->kube->objects))
        return expired(
            c, S("The provided continue parameter is too old to display a consistent list result. "
                 "You can start a new list without the continue parameter, or use the continue "
                 "token in this response to retrieve the remainder of the results. Continuing "
                 "with the provided token results in an inconsistent list - objects that were "
                 "created, modified, or deleted between the time the first chunk was returned and "
                 "now may show up in the list."));
    return true;
}

static bool choose_page(struct kube_call *c, struct page *ret_page)
{
    int64_t rv;

    ret_page->rv = objects_rv(c->kube->objects);
    if (!check_list_options(c))
        return false;
    if (c->query.continue_token.n > 0)
        return read_token(c, ret_page);
    if (!read_rv(c, &rv))
        return false;
    if (str_is(c->query.match, "Exact")) {
        if (rv < objects_compacted_rv(c->kube->objects))
            return expired(c, S("The resourceVersion for the provided list is too old."));
        ret_page->rv = rv;
    }
    return true;
}

static bool before_start(const struct page *page, const struct object *o)
{
    struct str ns, name;
    int r;

    if (page->start.n == 0 || !str_cut(page->start, '/', &ns, &name))
        return false;
    r = str_cmp(o->key.ns, ns);
    return r < 0 || (r == 0 && str_cmp(o->key.name, name) < 0);
}

/* The matching objects of the page, and how many come behind it. */
static struct object_list choose_objects(struct kube_call *c, const struct kube_filter *f,
                                         const struct page *page, struct object_list all,
                                         struct object **ret_next, size_t *ret_behind)
{
    struct object_list chosen = {.at = arena_array(c->arena, all.n + 1, sizeof *chosen.at)};

    *ret_next = NULL;
    *ret_behind = 0;
    for (size_t i = 0; i < all.n; i++) {
        if (before_start(page, all.at[i]) || !filter_matches(f, all.at[i]))
            continue;
        if (c->query.limit <= 0 || chosen.n < (size_t)c->query.limit) {
            chosen.at[chosen.n++] = all.at[i];
            continue;
        }
        if (*ret_next == NULL)
            *ret_next = all.at[i];
        ++*ret_behind;
    }
    return chosen;
}

static struct object_list all_objects(struct kube_call *c, const struct kube_filter *f)
{
    struct object_list list = {0};
    struct object *o;

    if (f->name.n == 0 || (f->ns.n == 0 && (c->target.kind->flags & KIND_NAMESPACED) != 0))
        return object_list(c->kube->objects, c->arena, c->cluster->options.name,
                           c->target.kind->stored, f->ns);
    o = cluster_get(c->cluster, c->target.kind->stored, f->ns, f->name);
    if (o == NULL)
        return list;
    list.at = arena_alloc(c->arena, sizeof *list.at);
    list.at[list.n++] = o;
    return list;
}

static void write_list_head(struct kube_call *c, struct buf *b, int64_t rv, struct object *next,
                            size_t behind)
{
    const struct kind *k = c->target.kind;
    struct str api_version = kind_api_version(k, c->arena);
    bool selected = c->query.label_selector.n > 0 || c->query.field_selector.n > 0;

    if (c->form == FORM_PARTIAL)
        buf_add(b, S("{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":\"meta.k8s.io/v1\""));
    else
        buf_printf(b, "{\"kind\":\"%.*sList\",\"apiVersion\":\"%.*s\"", STR_ARG(k->kind),
                   STR_ARG(api_version));
    buf_printf(b, ",\"metadata\":{\"resourceVersion\":\"%lld\"", (long long)rv);
    if (next != NULL)
        buf_printf(b, ",\"continue\":\"%.*s\"", STR_ARG(write_token(c, rv, next)));
    if (next != NULL && !selected)
        buf_printf(b, ",\"remainingItemCount\":%zu", behind);
    buf_add(b, S("},\"items\":["));
}

static void answer_list(struct kube_call *c, struct object_list list, int64_t rv,
                        struct object *next, size_t behind)
{
    struct buf *b = &c->bytes;

    *b = buf_init(LARGEST_ANSWER);
    if (c->form == FORM_TABLE) {
        bool selected = c->query.label_selector.n > 0 || c->query.field_selector.n > 0;

        table_write(b, c, list, rv, next == NULL ? S("") : write_token(c, rv, next),
                    next == NULL || selected ? -1 : (int64_t)behind);
        call_answer_raw(c, 200, S("application/json"), buf_str(b));
        return;
    }
    write_list_head(c, b, rv, next, behind);
    for (size_t i = 0; i < list.n; i++) {
        if (i > 0)
            buf_char(b, ',');
        if (c->form == FORM_PARTIAL)
            answer_write_partial(b, list.at[i]);
        else
            answer_write_object(b, c->target.kind, list.at[i]);
    }
    buf_add(b, S("]}"));
    call_answer_raw(c, 200, S("application/json"), buf_str(b));
}

void kube_list(struct kube_call *c)
{
    struct past past = {.call = c};
    struct object_list list;
    struct kube_filter filter;
    struct object *next;
    struct page page = {0};
    size_t behind;
    int r = 0;

    if (!filter_read(c, &filter) || !choose_page(c, &page))
        return;
    list = all_objects(c, &filter);
    if (page.rv < objects_rv(c->kube->objects))
        r = objects_since(c->kube->objects, c->cluster->options.name, c->target.kind->stored,
                          page.rv, note_past, &past);
    if (r < 0) {
        (void)call_store_failed(c, r);
    } else {
        if (map_count(&past.was) > 0)
            list = take_back(&past, list);
        list = choose_objects(c, &filter, &page, list, &next, &behind);
        answer_list(c, list, page.rv, next, behind);
    }
    past_free(&past);
}

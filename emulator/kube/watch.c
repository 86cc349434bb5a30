/* Watches over the change feed and the log of changes.
 *
 * Ownership: a watch and its call live in the exchange's arena. watch_end() is the one place that
 * ends a watch; after it nothing of them may be touched.
 *
 * Order: a watch remembers the newest resourceVersion it has told of, so what it read from the
 * store at its start and what the feed still has to deliver never overlap.
 * Source: Kubernetes API Concepts, "Efficient detection of changes", "Watch bookmarks",
 * "Streaming lists". */
#include "kube/watch.h"

#include <errno.h>

#include "kube/answer.h"
#include "kube/read.h"
#include "kube/table.h"

enum {
    BOOKMARK_EVERY_MS = 60000,
    SHORTEST_MS = 1800000,  /* of a watch that names no time: 30 to 60 minutes */
    MOST_QUEUED = 16 << 20, /* bytes a slow client may owe before it is cut off */
    SHARED_FORMS = 8,
};

struct kube_watch {
    struct link link;
    struct kube_call *call;
    struct kube_filter filter;
    int64_t rv;
    int64_t deadline, next_bookmark;
    bool told_columns;
};

/* One event as bytes, for every watcher that wants it in the same form. */
struct shared_form {
    const struct kind *kind;
    enum kube_form form;
    enum object_event event;
    struct buf bytes;
};

struct telling {
    const struct object_change *change;
    struct shared_form forms[SHARED_FORMS];
    size_t form_count;
};

static const char *const event_names[] = {"ADDED", "MODIFIED", "DELETED"};

static void watch_end(struct kube_watch *w)
{
    struct kube_out *out = w->call->out;

    if (w->call->ended != NULL)
        *w->call->ended = true;
    list_remove(&w->link);
    call_deinit(w->call);
    out->end(out); /* the arena goes with it */
}

static void on_gone(void *data)
{
    watch_end(data);
}

/* --- events ----------------------------------------------------------------------------- */

static void write_event(struct buf *b, struct kube_watch *w, enum object_event event,
                        struct object *o)
{
    const struct kube_call *c = w->call;

    buf_printf(b, "{\"type\":\"%s\",\"object\":", event_names[event]);
    if (c->form == FORM_TABLE)
        table_write_row(b, w->call, o, !w->told_columns);
    else if (c->form == FORM_PARTIAL)
        answer_write_partial(b, o);
    else
        answer_write_object(b, c->target.kind, o);
    buf_add(b, S("}\n"));
}

static void send_event(struct kube_watch *w, enum object_event event, struct object *o)
{
    CLEANUP(buf_free) struct buf b = buf_init(LARGEST_ANSWER);

    write_event(&b, w, event, o);
    w->told_columns = true;
    w->call->out->write(w->call->out, buf_str(&b));
}

/* As send_event, encoding once for all that want the same. Tables are each watcher's own: the
 * first of a stream has the columns. */
static void send_shared(struct kube_watch *w, struct telling *t, enum object_event event)
{
    const struct kube_call *c = w->call;
    struct shared_form *f;

    for (size_t i = 0; i < t->form_count; i++) {
        f = &t->forms[i];
        if (f->kind == c->target.kind && f->form == c->form && f->event == event) {
            c->out->write(c->out, buf_str(&f->bytes));
            return;
        }
    }
    if (c->form == FORM_TABLE || t->form_count == SHARED_FORMS) {
        send_event(w, event, t->change->now);
        return;
    }
    f = &t->forms[t->form_count++];
    *f = (struct shared_form){c->target.kind, c->form, event, buf_init(LARGEST_ANSWER)};
    write_event(&f->bytes, w, event, t->change->now);
    c->out->write(c->out, buf_str(&f->bytes));
}

/* An object that no longer matches: its last matching state, under the change's version. */
static void send_unmatched(struct kube_watch *w, const struct object_change *change)
{
    CLEANUP(buf_free) struct buf b = buf_init(LARGEST_ANSWER);
    CLEANUP(json_freep) cJSON *doc = NULL;

    if (w->call->form != FORM_JSON) {
        send_event(w, OBJECT_DELETED, change->now);
        return;
    }
    doc = answer_object_doc(w->call->target.kind, change->old);
    json_put_str(json_get(doc, "metadata"), S("resourceVersion"),
                 json_str(object_doc(change->now), "metadata.resourceVersion"));
    buf_add(&b, S("{\"type\":\"DELETED\",\"object\":"));
    json_write(&b, doc);
    buf_add(&b, S("}\n"));
    w->call->out->write(w->call->out, buf_str(&b));
}

static void tell_one(struct kube_watch *w, struct telling *t)
{
    const struct object_change *change = t->change;
    bool was, is;

    if (change->now->rv <= w->rv)
        return;
    w->rv = change->now->rv;
    is = filter_matches(&w->filter, change->now);
    was = change->old != NULL && filter_matches(&w->filter, change->old);
    if (change->event == OBJECT_DELETED) {
        if (is || was)
            send_shared(w, t, OBJECT_DELETED);
    } else if (is) {
        /* A state before that was forgotten is taken for a match: MODIFIED is the safe word. */
        bool unknown = change->event == OBJECT_MODIFIED && change->old == NULL;

        send_shared(w, t, was || unknown ? OBJECT_MODIFIED : OBJECT_ADDED);
    } else if (was) {
        send_unmatched(w, change);
    }
}

static void telling_free(struct telling *t)
{
    for (size_t i = 0; i < t->form_count; i++)
        buf_free(&t->forms[i].bytes);
}

void watch_tell(struct kube_cluster *c, const struct object_change *change)
{
    struct telling t = {.change = change};

    LIST_EACH(struct kube_watch, w, &c->watches, link) {
        if (!str_eq(w->call->target.kind->stored, change->now->key.resource))
            continue;
        tell_one(w, &t);
        if (w->call->out->queued(w->call->out) > MOST_QUEUED)
            watch_end(w); /* it resumes from its last version */
    }
    telling_free(&t);
}

/* --- bookmarks and errors ---------------------------------------------------------------- */

static void send_bookmark(struct kube_watch *w, bool initial_end)
{
    const struct kind *k = w->call->target.kind;
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(buf_free) struct buf b = buf_init(4096);
    struct str version = kind_api_version(k, &a);

    buf_add(&b, S("{\"type\":\"BOOKMARK\",\"object\":"));
    if (w->call->form == FORM_TABLE)
        buf_printf(&b,
                   "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/%.*s\",\"metadata\":{"
                   "\"resourceVersion\":\"%lld\"},\"columnDefinitions\":[],\"rows\":[{\"cells\":[],"
                   "\"object\":",
                   STR_ARG(w->call->table_version), (long long)w->rv);
    if (w->call->form == FORM_JSON)
        buf_printf(&b, "{\"kind\":\"%.*s\",\"apiVersion\":\"%.*s\"", STR_ARG(k->kind),
                   STR_ARG(version));
    else
        buf_add(&b, S("{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\""));
    buf_printf(&b,
               ",\"metadata\":{\"resourceVersion\":\"%lld\",\"creationTimestamp\":null%s}}%s}\n",
               (long long)w->rv,
               initial_end ? ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}" : "",
               w->call->form == FORM_TABLE ? "}]}" : "");
    w->call->out->write(w->call->out, buf_str(&b));
}

static void send_expired(struct kube_watch *w, int64_t rv)
{
    CLEANUP(buf_free) struct buf b = buf_init(4096);

    buf_printf(&b,
               "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"apiVersion\":\"v1\","
               "\"metadata\":{},\"status\":\"Failure\",\"message\":\"too old resource version: "
               "%lld (%lld)\",\"reason\":\"Expired\",\"code\":410}}\n",
               (long long)rv, (long long)objects_compacted_rv(w->call->kube->objects));
    w->call->out->write(w->call->out, buf_str(&b));
}

size_t watch_tick(struct kube_cluster *c)
{
    int64_t now = clock_now(c->kube->clock);
    size_t left = 0;

    LIST_EACH(struct kube_watch, w, &c->watches, link) {
        bool over = now >= w->deadline;

        if (w->call->query.bookmarks && (over || now >= w->next_bookmark)) {
            /* What the feed has not delivered yet is above w->rv and still comes. */
            if (store_feed(c->kube->store)->ready.next == &store_feed(c->kube->store)->ready)
                w->rv = objects_rv(c->kube->objects);
            send_bookmark(w, false);
            w->next_bookmark = now + BOOKMARK_EVERY_MS;
        }
        if (over)
            watch_end(w);
        else
            left++;
    }
    return left;
}

void watch_end_all(struct kube_cluster *c)
{
    LIST_EACH(struct kube_watch, w, &c->watches, link)
        watch_end(w);
}

/* --- starting --------------------------------------------------------------------------- */

static bool check_options(struct kube_call *c)
{
    struct field_errors e = field_errors_new(c->arena);
    const struct kube_query *q = &c->query;

    if (q->has_initial_events && !str_is(q->match, "NotOlderThan"))
        field_error_add(&e, FIELD_FORBIDDEN, S("resourceVersionMatch"), NULL,
                        "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    else if (!q->has_initial_events && q->match.n > 0)
        field_error_add(&e, FIELD_FORBIDDEN, S("resourceVersionMatch"), NULL,
                        "resourceVersionMatch is forbidden for watch unless sendInitialEvents is "
                        "provided");
    return e.n == 0 || call_invalid_kind(c, S("meta.k8s.io"), S("ListOptions"), S(""), &e);
}

static bool read_start(struct kube_call *c, int64_t *ret_rv)
{
    *ret_rv = 0;
    if (c->query.resource_version.n == 0 ||
        (str_to_int(c->query.resource_version, ret_rv) && *ret_rv >= 0))
        return true;
    /* A real server gives 500 here. */
    return call_internal(c, "strconv.ParseUint: parsing \"%.*s\": invalid syntax",
                         STR_ARG(c->query.resource_version));
}

static void tell_history(void *data, const struct object_change *change)
{
    struct telling t = {.change = change};

    tell_one(data, &t);
    telling_free(&t);
}

static void send_current(struct kube_watch *w)
{
    struct kube_call *c = w->call;
    struct object_list list = object_list(c->kube->objects, c->arena, c->cluster->options.name,
                                          c->target.kind->stored, w->filter.ns);

    for (size_t i = 0; i < list.n; i++)
        if (filter_matches(&w->filter, list.at[i]))
            send_event(w, OBJECT_ADDED, list.at[i]);
    w->rv = objects_rv(c->kube->objects);
}

/* What the watch begins with. False: it is over already. */
static bool send_beginning(struct kube_watch *w, int64_t rv)
{
    struct kube_call *c = w->call;
    int r;

    if (c->query.initial_events || (rv == 0 && !c->query.has_initial_events)) {
        send_current(w);
        if (c->query.initial_events && c->query.bookmarks)
            send_bookmark(w, true);
        return true;
    }
    w->rv = rv == 0 ? objects_rv(c->kube->objects) : rv;
    r = objects_since(c->kube->objects, c->cluster->options.name, c->target.kind->stored, w->rv,
                      tell_history, w);
    if (r == -ESTALE)
        send_expired(w, rv);
    return r == 0;
}

static int64_t life_of(struct kube_call *c)
{
    if (c->query.timeout_seconds > 0)
        return c->query.timeout_seconds * 1000;
    return SHORTEST_MS + (int64_t)ids_below(c->kube->ids, SHORTEST_MS);
}

void kube_watch(struct kube_call *c)
{
    struct kube_watch *w = arena_alloc(c->arena, sizeof *w);
    int64_t rv, now = clock_now(c->kube->clock);

    if (!check_options(c) || !filter_read(c, &w->filter) || !read_start(c, &rv))
        return;
    w->call = c;
    w->deadline = now + life_of(c);
    w->next_bookmark = now + BOOKMARK_EVERY_MS;
    c->state = CALL_STREAM;
    /* The head leaves before any event: clients wait for it. */
    c->out->start(c->out, 200, answer_headers(c, S("application/json")));
    list_append(&c->cluster->watches, &w->link);
    c->out->on_gone(c->out, on_gone, w);
    if (!send_beginning(w, rv))
        watch_end(w);
}

/* Records events through the writer. What was said lately is remembered in memory only: after a
 * restart counting begins anew. Source: client-go tools/record, EventCorrelator (the counting; the
 * spam filter and the grouping of similar events are left out). */
#include "loops/event.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/sha.h"
#include "loops/controller.h"

enum {
    MOST_KNOWN = 4096,
    NS_PER_MS = 1000000,
};

struct known_event {
    struct arena arena;
    struct str digest;
    struct object_key key;
    int64_t count;
};

void events_init(struct event_recorder *r)
{
    *r = (struct event_recorder){0};
}

static void free_known(struct event_recorder *r, struct known_event *k)
{
    (void)map_remove(&r->known, k->digest);
    arena_free(&k->arena);
    free(k);
}

void events_deinit(struct event_recorder *r)
{
    struct map_entry *e;
    size_t at = 0;

    while ((e = map_next(&r->known, &at)) != NULL)
        free_known(r, e->value);
    map_free(&r->known);
}

static struct str digest_of(struct arena *a, struct str cluster, const cJSON *doc,
                            const struct event *e)
{
    struct str all = arena_printf(a, "%.*s\n%.*s\n%.*s\n%.*s\n%.*s\n%.*s\n%s\n%.*s",
                                  STR_ARG(cluster), STR_ARG(json_str(doc, "metadata.uid")),
                                  STR_ARG(e->field_path), STR_ARG(e->type), STR_ARG(e->reason),
                                  STR_ARG(e->message), e->component, STR_ARG(e->host));

    return sha1_hex(a, all);
}

static void remember(struct event_recorder *r, struct str digest, const struct object_key *key)
{
    struct known_event *k;
    struct map_entry *e;
    size_t at = 0;

    if (map_count(&r->known) >= MOST_KNOWN && (e = map_next(&r->known, &at)) != NULL)
        free_known(r, e->value); /* the oldest */
    k = xcalloc(sizeof *k);
    k->digest = arena_str(&k->arena, digest);
    k->key = (struct object_key){
        .cluster = arena_str(&k->arena, key->cluster),
        .resource = S("events"),
        .ns = arena_str(&k->arena, key->ns),
        .name = arena_str(&k->arena, key->name),
    };
    k->count = 1;
    (void)map_put(&r->known, k->digest, k);
}

/* Counts the known one up; false when it is not there any more. */
static bool count_up(struct controller *c, struct arena *a, struct known_event *k)
{
    cJSON *patch = cJSON_CreateObject();
    struct written w;

    json_put_int(patch, S("count"), k->count + 1);
    json_put_str(patch, S("lastTimestamp"), now_text(c->world, a));
    w = loop_patch(c, a, &k->key, "", patch);
    cJSON_Delete(patch);
    k->count++;
    return w.status != 404;
}

static cJSON *involved(const cJSON *doc, const struct event *e)
{
    static const char *const copied[] = {"namespace", "name", "uid", "resourceVersion"};
    cJSON *ref = cJSON_CreateObject();

    json_put_str(ref, S("kind"), json_str(doc, "kind"));
    json_put_str(ref, S("apiVersion"), json_str(doc, "apiVersion"));
    for (size_t i = 0; i < ARRAY_LEN(copied); i++) {
        struct str value = json_str(json_get(doc, "metadata"), copied[i]);

        if (value.n > 0)
            json_put_str(ref, str_c(copied[i]), value);
    }
    if (e->field_path.n > 0)
        json_put_str(ref, S("fieldPath"), e->field_path);
    return ref;
}

static void create(struct controller *c, struct arena *a, const struct object_key *key,
                   const cJSON *doc, const struct event *e)
{
    cJSON *event = new_object("v1", "Event", key->ns, key->name), *source;
    struct str now = now_text(c->world, a);

    json_put(event, S("involvedObject"), involved(doc, e));
    json_put_str(event, S("type"), e->type);
    json_put_str(event, S("reason"), e->reason);
    json_put_str(event, S("message"), e->message);
    source = json_need_object(event, "source");
    json_put_str(source, S("component"), str_c(e->component));
    if (e->host.n > 0)
        json_put_str(source, S("host"), e->host);
    json_put_str(event, S("firstTimestamp"), now);
    json_put_str(event, S("lastTimestamp"), now);
    json_put_int(event, S("count"), 1);
    json_put_str(event, S("reportingComponent"), str_c(e->component));
    json_put_str(event, S("reportingInstance"), e->host);
    (void)loop_create(c, a, key, event);
    cJSON_Delete(event);
}

/* "<object>.<nanoseconds, hex>", as client-go names them: so a list of events by name, in which
 * those of one second are not told apart otherwise, is in the order in which they were said. */
static struct str next_name(struct controller *c, struct arena *a, const cJSON *doc)
{
    struct event_recorder *r = &c->world->events;
    int64_t now = clock_now(c->world->clock) * NS_PER_MS;

    r->last_name = now > r->last_name ? now : r->last_name + 1;
    return arena_printf(a, "%.*s.%llx", STR_ARG(json_str(doc, "metadata.name")),
                        (unsigned long long)r->last_name);
}

void event_record(struct controller *c, struct str cluster, const cJSON *doc, const struct event *e)
{
    struct event_recorder *r = &c->world->events;
    struct str ns = json_str(doc, "metadata.namespace"), digest;
    struct event full = *e;
    struct known_event *known;
    struct object_key key;
    struct arena a = {0};

    if (full.component == NULL)
        full.component = c->kind->name;
    digest = digest_of(&a, cluster, doc, &full);
    known = map_get(&r->known, digest);
    if (known != NULL && !count_up(c, &a, known)) {
        free_known(r, known);
        known = NULL;
    }
    if (known == NULL) {
        key = key_of(cluster, "events", ns.n > 0 ? ns : S("default"), next_name(c, &a, doc));
        create(c, &a, &key, doc, &full);
        remember(r, digest, &key);
    }
    arena_free(&a);
}

void event_normal(struct controller *c, struct str cluster, const cJSON *doc, const char *reason,
                  struct str message)
{
    event_record(c, cluster, doc,
                 &(struct event){.type = S("Normal"), .reason = str_c(reason), .message = message});
}

void event_warning(struct controller *c, struct str cluster, const cJSON *doc, const char *reason,
                   struct str message)
{
    event_record(
        c, cluster, doc,
        &(struct event){.type = S("Warning"), .reason = str_c(reason), .message = message});
}

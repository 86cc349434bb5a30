/* A reflector as a small machine: listing (page after page), watching, or waiting a second. */
#include "informer.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/memory.h"
#include "base/percent.h"
#include "klog.h"

enum {
    PAGE = 500,
    PAUSE_MS = 1000,
    SHORT_WATCH_US = 1000 * 1000,
    WATCH_SECONDS = 300, /* to twice as many */
    LARGEST_EVENT = 16 << 20,
};

/* Where v1.1.4's reflectors say that they were made. */
static const char reflector[] =
    "pkg/mod/k8s.io/client-go@v0.0.0-20181213151034-8d9ed539ba31/tools/cache/reflector.go:95";

struct informer {
    struct informer_options o;
    struct arena arena; /* of o.namespace */
    struct kube_call *call;
    uv_timer_t timer;
    bool synced;
    char *version; /* resourceVersion to watch from */

    /* a list */
    char *next_page; /* the continue token, or NULL */
    bool whole;      /* the pages expired: all at once */
    struct map seen; /* keys of the list so far, ours */

    /* a watch */
    struct buf line;
    int64_t began_us;
    unsigned events;
    bool broken; /* an event was an error, which ends the watch */
};

static void list(struct informer *i);
static void watch(struct informer *i);

static const struct kind *kind(const struct informer *i)
{
    return kind_of(i->o.kind);
}

static struct str path_of(struct informer *i, struct arena *a)
{
    if (i->o.namespace.n > 0 && kind(i)->namespaced)
        return arena_printf(a, "%s/namespaces/%.*s/%s", kind(i)->prefix, STR_ARG(i->o.namespace),
                            kind(i)->plural);
    return arena_printf(a, "%s/%s", kind(i)->prefix, kind(i)->plural);
}

static void replace(char **text, struct str by)
{
    free(*text);
    *text = NULL;
    if (by.n > 0) {
        *text = xcalloc(by.n + 1);
        memcpy(*text, by.at, by.n);
    }
}

static void forget_seen(struct informer *i)
{
    size_t at = 0;
    struct map_entry *e;

    while ((e = map_next(&i->seen, &at)) != NULL)
        free(e->value);
    map_free(&i->seen);
    i->seen = (struct map){0};
}

/* --- pauses ----------------------------------------------------------------------------------- */

static void on_pause_over(uv_timer_t *t)
{
    list(t->data);
}

static void on_server_back(uv_timer_t *t)
{
    watch(t->data);
}

static void list_again_later(struct informer *i)
{
    forget_seen(i);
    replace(&i->next_page, (struct str){0});
    i->whole = false;
    uv_timer_start(&i->timer, on_pause_over, PAUSE_MS, 0);
}

/* --- changes ---------------------------------------------------------------------------------- */

static bool is_kept(const struct informer *i)
{
    return i->o.kind != KIND_POD;
}

/* Takes @doc over. In a new list an object of an unchanged version is no change. */
static void take_object(struct informer *i, cJSON *doc, bool listed)
{
    cJSON *old = NULL;
    const cJSON *now;

    if (!is_kept(i)) {
        cJSON_Delete(doc);
        return;
    }
    now = objects_put(i->o.objects, i->o.kind, doc, &old);
    if (now != NULL && !(listed && old != NULL &&
                         str_eq(json_str(old, "metadata.resourceVersion"),
                                json_str(now, "metadata.resourceVersion"))))
        i->o.on_change(i->o.data, i->o.kind, old, now);
    cJSON_Delete(old);
}

static void drop_object(struct informer *i, struct str key)
{
    cJSON *old = objects_remove(i->o.objects, i->o.kind, key);

    if (old != NULL)
        i->o.on_change(i->o.data, i->o.kind, old, NULL);
    cJSON_Delete(old);
}

/* --- lists ------------------------------------------------------------------------------------ */

static void drop_unseen(struct informer *i)
{
    struct map *all = &i->o.objects->of[i->o.kind];
    struct arena a = {0};
    size_t at = 0;
    struct map_entry *e;

    while ((e = map_next(all, &at)) != NULL)
        if (map_get(&i->seen, e->key) == NULL)
            drop_object(i, arena_str(&a, e->key));
    arena_free(&a);
}

static void take_page(struct informer *i, cJSON *tree)
{
    cJSON *items = json_get(tree, "items");

    while (items != NULL && items->child != NULL) {
        cJSON *doc = cJSON_DetachItemViaPointer(items, items->child);
        char *key = is_kept(i) ? objects_key(doc) : NULL;

        if (key != NULL && map_put(&i->seen, str_c(key), key) != NULL)
            free(key);
        take_object(i, doc, true);
    }
}

static void end_list(struct informer *i)
{
    drop_unseen(i);
    forget_seen(i);
    i->whole = false;
    if (!i->synced) {
        i->synced = true;
        i->o.on_synced(i->o.data);
    }
    watch(i);
}

static void on_page(void *data, const struct kube_answer *answer)
{
    struct informer *i = data;
    CLEANUP(json_freep) cJSON *tree = answer->ok ? json_parse(answer->body, NULL) : NULL;

    i->call = NULL;
    if (answer->status == 410 && i->next_page != NULL && !i->whole) {
        i->whole = true; /* the pages expired while we turned them */
        replace(&i->next_page, (struct str){0});
        list(i);
        return;
    }
    if (tree == NULL) {
        klog_write(KLOG_ERROR, "reflector.go:134", "%s: Failed to list %s: %.*s", reflector,
                   kind(i)->go_type,
                   STR_ARG(answer->ok ? S("the answer is no JSON") : answer->error));
        list_again_later(i);
        return;
    }
    take_page(i, tree);
    replace(&i->version, json_str(tree, "metadata.resourceVersion"));
    replace(&i->next_page, json_str(tree, "metadata.continue"));
    if (i->next_page != NULL)
        list(i);
    else
        end_list(i);
}

static void list(struct informer *i)
{
    struct arena a = {0};
    struct str path = path_of(i, &a);

    if (i->whole)
        path = arena_printf(&a, "%.*s?resourceVersion=0", STR_ARG(path));
    else if (i->next_page != NULL)
        path = arena_printf(&a, "%.*s?continue=%.*s&limit=%d", STR_ARG(path),
                            STR_ARG(percent_encode(&a, str_c(i->next_page), false)), PAGE);
    else
        path = arena_printf(&a, "%.*s?limit=%d&resourceVersion=0", STR_ARG(path), PAGE);
    i->call = kube_client_send(
        i->o.client,
        &(struct kube_request){.method = "GET", .path = path, .on_answer = on_page, .data = i});
    arena_free(&a);
}

/* --- watches ---------------------------------------------------------------------------------- */

static void take_event(struct informer *i, struct str line)
{
    CLEANUP(json_freep) cJSON *event = json_parse(line, NULL);
    cJSON *object = json_get(event, "object");
    struct str type = json_str(event, "type");

    if (str_is(type, "ERROR")) {
        struct str message = json_str(object, "message");

        klog_write(KLOG_WARNING, "reflector.go:270", "%s: watch of %s ended with: %.*s", reflector,
                   kind(i)->go_type, STR_ARG(message));
        i->broken = true;
        return;
    }
    if (object == NULL || !str_is(json_str(object, "kind"), kind(i)->name)) {
        klog_write(KLOG_ERROR, "reflector.go:134",
                   "%s: expected type %s, but watch event object had type %.*s", reflector,
                   kind(i)->go_type, STR_ARG(json_str(object, "kind")));
        return;
    }
    replace(&i->version, json_str(object, "metadata.resourceVersion"));
    i->events++;
    if (str_is(type, "ADDED") || str_is(type, "MODIFIED")) {
        take_object(i, cJSON_DetachItemViaPointer(event, object), false);
    } else if (str_is(type, "DELETED") && is_kept(i)) {
        CLEANUP(freep) char *key = objects_key(object);

        drop_object(i, str_c(key));
    }
}

static void on_bytes(void *data, struct str bytes)
{
    struct informer *i = data;
    struct str rest, line;
    size_t used = 0;

    buf_add(&i->line, bytes);
    rest = buf_str(&i->line);
    while (!i->broken && str_chr(rest, '\n') != STR_NONE) {
        (void)str_cut(rest, '\n', &line, &rest);
        used += line.n + 1;
        if (str_trim(line).n > 0)
            take_event(i, line);
    }
    buf_consume(&i->line, used);
}

/* A watch that ends at once without an event would be begun again for ever. */
static bool was_too_short(struct informer *i)
{
    if (i->events > 0 || clock_steady_us() - i->began_us >= SHORT_WATCH_US)
        return false;
    klog_write(KLOG_WARNING, "reflector.go:270",
               "%s: watch of %s ended with: very short watch: %s: Unexpected watch close - watch "
               "lasted less than a second and no items received",
               reflector, kind(i)->go_type, reflector);
    return true;
}

static void on_watch_over(void *data, const struct kube_answer *answer)
{
    struct informer *i = data;
    bool began = answer->status == 200;

    i->call = NULL;
    if (!began)
        klog_write(KLOG_ERROR, "reflector.go:251", "%s: Failed to watch %s: %.*s", reflector,
                   kind(i)->go_type, STR_ARG(answer->error));
    if (answer->refused) /* nothing was lost: it goes on where it was */
        uv_timer_start(&i->timer, on_server_back, PAUSE_MS, 0);
    else if (!began || i->broken || i->line.full || was_too_short(i))
        list_again_later(i);
    else
        watch(i);
}

static void watch(struct informer *i)
{
    struct arena a = {0};
    struct str path = path_of(i, &a);
    int seconds = WATCH_SECONDS + (int)(clock_steady_us() % WATCH_SECONDS);

    i->began_us = clock_steady_us();
    i->events = 0;
    i->broken = false;
    buf_free(&i->line);
    i->line = buf_init(LARGEST_EVENT);
    path = arena_printf(&a, "%.*s?resourceVersion=%s&timeoutSeconds=%d&watch=true", STR_ARG(path),
                        i->version == NULL ? "" : i->version, seconds);
    i->call = kube_client_send(i->o.client, &(struct kube_request){.method = "GET",
                                                                   .path = path,
                                                                   .on_data = on_bytes,
                                                                   .on_answer = on_watch_over,
                                                                   .data = i});
    arena_free(&a);
}

/* --- life ------------------------------------------------------------------------------------- */

struct informer *informer_start(const struct informer_options *o)
{
    struct informer *i = xcalloc(sizeof *i);

    i->o = *o;
    i->o.namespace = arena_str(&i->arena, o->namespace);
    i->line = buf_init(LARGEST_EVENT);
    uv_timer_init(o->loop, &i->timer);
    i->timer.data = i;
    list(i);
    return i;
}

static void on_closed(uv_handle_t *h)
{
    struct informer *i = h->data;

    forget_seen(i);
    free(i->version);
    free(i->next_page);
    buf_free(&i->line);
    arena_free(&i->arena);
    free(i);
}

void informer_close(struct informer *i)
{
    if (i == NULL)
        return;
    kube_call_cancel(i->call);
    i->call = NULL;
    uv_close((uv_handle_t *)&i->timer, on_closed);
}

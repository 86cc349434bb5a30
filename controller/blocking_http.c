/* An errand lives on the worker's stack while the worker waits: the loop may use it until it has
 * marked it as done. */
#include "blocking_http.h"

#include <errno.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/macros.h"
#include "base/memory.h"

struct blocking_http {
    struct mailbox *mailbox; /* borrowed */
    uv_mutex_t lock;         /* of everything below and of every errand's `done` */
    uv_cond_t changed;
    bool stopping;
    struct link under_way; /* errands that the loop has taken; its thread only */
};

struct errand {
    struct link link;
    struct blocking_http *owner;
    struct http_client *client;
    const struct http_call_options *request;
    struct http_call *call;
    struct arena *arena;
    struct http_result result;
    bool done;
};

struct blocking_http *blocking_http_new(struct mailbox *mailbox)
{
    struct blocking_http *b = xcalloc(sizeof *b);

    b->mailbox = mailbox;
    uv_mutex_init(&b->lock);
    uv_cond_init(&b->changed);
    list_init(&b->under_way);
    return b;
}

void blocking_http_free(struct blocking_http *b)
{
    if (b == NULL)
        return;
    uv_cond_destroy(&b->changed);
    uv_mutex_destroy(&b->lock);
    free(b);
}

static void finish(struct errand *e)
{
    struct blocking_http *b = e->owner;

    list_remove(&e->link);
    uv_mutex_lock(&b->lock);
    e->done = true;
    uv_cond_broadcast(&b->changed);
    uv_mutex_unlock(&b->lock);
}

static struct http_headers copy_headers(struct arena *a, struct http_headers from)
{
    struct http_header *to = arena_array(a, from.n, sizeof *to);

    for (size_t i = 0; i < from.n; i++)
        to[i] = (struct http_header){arena_str(a, from.at[i].name), arena_str(a, from.at[i].value)};
    return (struct http_headers){to, from.n};
}

static void on_done(void *data, const struct http_result *result)
{
    struct errand *e = data;

    e->result = (struct http_result){
        .error = result->error,
        .why = arena_str(e->arena, result->why),
        .status = result->status,
        .headers = copy_headers(e->arena, result->headers),
        .body = arena_str(e->arena, result->body),
    };
    finish(e);
}

static void cancel(struct errand *e)
{
    e->result = (struct http_result){.error = -ECANCELED, .why = S("the program is stopping")};
    finish(e);
}

static void begin(void *data)
{
    struct errand *e = data;
    struct http_call_options o = *e->request;

    list_append(&e->owner->under_way, &e->link);
    if (blocking_http_is_stopping(e->owner)) {
        cancel(e);
        return;
    }
    o.on_head = NULL;
    o.on_data = NULL;
    o.on_done = on_done;
    o.data = e;
    e->call = http_client_send(e->client, &o);
}

struct http_result blocking_http_call(struct blocking_http *b, struct http_client *client,
                                      struct arena *a, const struct http_call_options *o)
{
    struct errand e = {.owner = b, .client = client, .request = o, .arena = a};

    mailbox_post(b->mailbox, begin, &e);
    uv_mutex_lock(&b->lock);
    while (!e.done)
        uv_cond_wait(&b->changed, &b->lock);
    uv_mutex_unlock(&b->lock);
    return e.result;
}

bool blocking_http_sleep(struct blocking_http *b, int64_t ms)
{
    uint64_t until = uv_hrtime() + (uint64_t)ms * 1000000;
    bool stopping;

    uv_mutex_lock(&b->lock);
    while (!b->stopping) {
        uint64_t now = uv_hrtime();

        if (now >= until)
            break;
        uv_cond_timedwait(&b->changed, &b->lock, until - now);
    }
    stopping = b->stopping;
    uv_mutex_unlock(&b->lock);
    return !stopping;
}

bool blocking_http_is_stopping(struct blocking_http *b)
{
    bool stopping;

    uv_mutex_lock(&b->lock);
    stopping = b->stopping;
    uv_mutex_unlock(&b->lock);
    return stopping;
}

void blocking_http_stop(struct blocking_http *b)
{
    uv_mutex_lock(&b->lock);
    b->stopping = true;
    uv_cond_broadcast(&b->changed);
    uv_mutex_unlock(&b->lock);
    LIST_EACH(struct errand, e, &b->under_way, link) {
        http_call_cancel(e->call);
        cancel(e);
    }
}

/* An API server without sockets: requests in, answers out, over a store in memory and a stopped
 * clock. */
#pragma once

#include "../test.h"

#include "kube/kube.h"
#include "store/object.h"
#include "store/store.h"

struct api {
    struct arena arena; /* what answers lie in; requests have their own */
    struct clock clock;
    struct ids ids;
    struct store *store;
    struct objects *objects;
    struct kube *kube;
    struct kube_cluster *cluster;
};

/* One request's answer, or the stream of one. */
struct reply {
    struct kube_out out;
    struct arena arena; /* the exchange's; freed with the end */
    struct http_request request;
    struct buf body;
    int status;
    bool ended;
    void (*gone)(void *data);
    void *gone_data;
    struct str warnings;
};

static struct reply *reply_of(const struct kube_out *out)
{
    return container_of(out, struct reply, out);
}

static void note_head(struct reply *r, int status, struct http_headers headers)
{
    r->status = status;
    for (size_t i = 0; i < headers.n; i++)
        if (str_ieq(headers.at[i].name, S("Warning")))
            r->warnings = headers.at[i].value;
}

static void reply_end(struct kube_out *out)
{
    struct reply *r = reply_of(out);

    r->ended = true;
    arena_free(&r->arena);
}

static void reply_answer(struct kube_out *out, int status, struct http_headers headers,
                         struct str body)
{
    struct reply *r = reply_of(out);

    note_head(r, status, headers);
    buf_add(&r->body, body);
    r->warnings = (struct str){0};
    reply_end(out);
}

static void reply_start(struct kube_out *out, int status, struct http_headers headers)
{
    note_head(reply_of(out), status, headers);
}

static void reply_write(struct kube_out *out, struct str bytes)
{
    buf_add(&reply_of(out)->body, bytes);
}

static size_t reply_queued(const struct kube_out *out)
{
    (void)out;
    return 0;
}

static void reply_on_gone(struct kube_out *out, void (*gone)(void *data), void *data)
{
    reply_of(out)->gone = gone;
    reply_of(out)->gone_data = data;
}

static void api_open(struct api *w)
{
    struct kube_cluster_options o = {.name = S("sample"),
                                     .version = S("1.30"),
                                     .service_cidr = S("10.100.0.0/16"),
                                     .region = S("ap-northeast-1")};
    struct str why = {0};

    *w = (struct api){0};
    clock_init(&w->clock);
    clock_set_rate(&w->clock, 0);
    ids_init(&w->ids, 7);
    CHECK("a store", store_open(":memory:", &w->clock, &w->ids, &w->arena, &w->store, &why) == 0);
    CHECK("objects", objects_open(w->store, &w->objects) == 0);
    w->kube = kube_new(&(struct kube_options){.objects = w->objects});
    CHECK("a cluster", kube_cluster_open(w->kube, &o, &w->cluster) == 0);
    feed_deliver(w->store);
}

static void api_close(struct api *w)
{
    kube_close(w->kube, NULL, NULL);
    objects_close(w->objects);
    store_close(w->store);
    arena_free(&w->arena);
}

/* Asks as the cluster's master; the reply is reply_free's. @body may be NULL. */
static struct reply *api_ask_as(struct api *w, const char *method, const char *target,
                                const char *body, const char *type, const char *accept)
{
    static struct str masters[] = {STR_INIT("system:masters")};
    struct reply *r = calloc(1, sizeof *r);
    struct http_header *h = arena_array(&r->arena, 2, sizeof *h);
    struct str path = str_c(target), query = {0};

    (void)str_cut(str_c(target), '?', &path, &query);
    h[0] = (struct http_header){S("Content-Type"), str_c(type)};
    h[1] = (struct http_header){S("Accept"), str_c(accept)};
    r->out = (struct kube_out){.answer = reply_answer,
                               .start = reply_start,
                               .write = reply_write,
                               .end = reply_end,
                               .queued = reply_queued,
                               .on_gone = reply_on_gone};
    r->body = buf_init(8 << 20);
    r->request = (struct http_request){
        .method = str_c(method),
        .path = path,
        .query = query,
        .headers = {h,                        2},
        .body = str_c(body),
        .tls = true,
        .tls_client = { .present = true,
                    .verified = true,
                    .common_name = S("tester"),
                    .organizations = masters,
                    .organization_count = 1},
        .arena = &r->arena,
    };
    kube_handle(w->cluster, &r->out, &r->request);
    feed_deliver(w->store);
    return r;
}

static struct reply *api_ask(struct api *w, const char *method, const char *target,
                             const char *body)
{
    return api_ask_as(w, method, target, body, "application/json", "application/json");
}

static void reply_free(struct reply *r)
{
    if (!r->ended && r->gone != NULL)
        r->gone(r->gone_data);
    buf_free(&r->body);
    free(r);
}

/* Asks, and gives the document of the answer; the caller's. */
static cJSON *api_doc(struct api *w, const char *method, const char *target, const char *body,
                      int want)
{
    struct reply *r = api_ask(w, method, target, body);
    cJSON *doc = json_parse(buf_str(&r->body), NULL);

    if (r->status != want)
        print_error("%s %s: %d %.*s\n", method, target, r->status, STR_ARG(buf_str(&r->body)));
    CHECK(target, r->status == want);
    reply_free(r);
    return doc;
}

/* Asks for the status alone. */
static void api_do(struct api *w, const char *method, const char *target, const char *body,
                   int want)
{
    cJSON_Delete(api_doc(w, method, target, body, want));
}

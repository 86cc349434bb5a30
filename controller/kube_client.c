/* A call is one heap object; it lives from kube_client_send to its callback or its cancellation.
 * Source: client-go 1.13, rest/request.go. */
#include "kube_client.h"

#include <stdlib.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/list.h"
#include "base/macros.h"
#include "base/memory.h"

enum { TOKEN_LIMIT = 1 << 20, MOST_TRIES = 10, LONGEST_WAIT_S = 600 };

static const int64_t token_keep_us = 60 * 1000 * 1000;

struct kube_client {
    const struct kube_config *config; /* borrowed */
    struct http_client *http;
    uv_loop_t *loop;
    struct link calls; /* loop thread */
    uv_mutex_t lock;   /* of the token */
    struct arena arena;
    struct str token;
    int64_t token_until_us;
};

struct kube_call {
    struct link link;
    struct kube_client *client;
    struct kube_request request; /* its texts in the arena */
    struct arena arena;
    struct http_call *http;
    uv_timer_t timer;
    unsigned tries;
    int streaming;      /* the status that a stream began with; 0: none yet */
    struct buf refusal; /* the body of a stream's answer that was no 200 */
};

struct kube_client *kube_client_new(uv_loop_t *loop, const struct kube_config *config)
{
    struct http_client_options o = {.loop = loop, .tls = config->tls, .most_idle = 16};
    struct kube_client *c = xcalloc(sizeof *c);

    http_client_read_environment(&o);
    c->config = config;
    c->loop = loop;
    c->http = http_client_new(&o);
    list_init(&c->calls);
    uv_mutex_init(&c->lock);
    return c;
}

/* The token file may be written anew at any time; while it can't be read, the old token goes on. */
static void refresh_token(struct kube_client *c)
{
    struct arena fresh = {0};
    struct str text;

    if (clock_steady_us() < c->token_until_us)
        return;
    if (file_read(&fresh, c->config->token_file.at, TOKEN_LIMIT, &text) == 0 &&
        str_trim(text).n > 0) {
        arena_free(&c->arena);
        c->arena = fresh;
        c->token = str_trim(text);
    } else {
        arena_free(&fresh);
    }
    c->token_until_us = clock_steady_us() + token_keep_us;
}

static struct str authorization(struct kube_client *c, struct arena *a)
{
    const struct kube_config *config = c->config;
    struct str text = {0};

    uv_mutex_lock(&c->lock);
    if (config->token_file.n > 0)
        refresh_token(c);
    if (c->token.n > 0)
        text = arena_printf(a, "Bearer %.*s", STR_ARG(c->token));
    uv_mutex_unlock(&c->lock);
    if (text.n > 0)
        return text;
    if (config->token.n > 0)
        return arena_printf(a, "Bearer %.*s", STR_ARG(config->token));
    if (config->user.n == 0)
        return text;
    text = base64_encode(
        a, arena_printf(a, "%.*s:%.*s", STR_ARG(config->user), STR_ARG(config->password)));
    return arena_printf(a, "Basic %.*s", STR_ARG(text));
}

static struct str url_of(struct kube_client *c, struct arena *a, struct str path)
{
    return arena_printf(a, "%.*s%.*s", STR_ARG(c->config->server), STR_ARG(path));
}

static struct http_headers headers_of(struct kube_client *c, struct arena *a,
                                      const char *content_type)
{
    struct http_header *at = arena_array(a, 4, sizeof *at);
    struct str who = authorization(c, a);
    size_t n = 0;

    at[n++] = (struct http_header){S("Accept"), S("application/json, */*")};
    at[n++] =
        (struct http_header){S("User-Agent"), S("server/v0.0.0 (linux/amd64) kubernetes/$Format")};
    if (content_type != NULL)
        at[n++] = (struct http_header){S("Content-Type"), str_c(content_type)};
    if (who.n > 0)
        at[n++] = (struct http_header){S("Authorization"), who};
    return (struct http_headers){at, n};
}

/* --- errors ----------------------------------------------------------------------------------- */

/* What client-go says about an answer that is no Status. */
static struct str generic_error(struct arena *a, int status, struct str body)
{
    static const struct {
        int status;
        const char *text;
    } rows[] = {
        {401, "the server has asked for the client to provide credentials"                   },
        {403, "forbidden"                                                                    },
        {404, "the server could not find the requested resource"                             },
        {405, "the server does not allow this method on the requested "
              "resource"                                                        },
        {409, "the server reported a conflict"                                               },
        {429, "the server has received too many requests and has asked us to try again later"},
        {503, "the server is currently unable to handle the request"                         },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].status == status)
            return str_c(rows[i].text);
    if (status >= 500)
        return arena_printf(a,
                            "an error on the server (\"%.*s\") has prevented the request from "
                            "succeeding",
                            STR_ARG(str_first(body, 2048)));
    return arena_printf(a,
                        "the server responded with the status code %d but did not return more "
                        "information",
                        status);
}

static void read_status(struct arena *a, struct str body, struct kube_answer *answer)
{
    CLEANUP(json_freep) cJSON *tree = json_parse(body, NULL);
    struct str message = json_str(tree, "message");

    if (str_is(json_str(tree, "kind"), "Status") && message.n > 0) {
        answer->error = arena_str(a, message);
        answer->reason = arena_str(a, json_str(tree, "reason"));
    } else {
        answer->error = generic_error(a, answer->status, body);
    }
}

/* "Get https://…: dial tcp 127.0.0.1:6443: connect: connection refused". */
static struct str transport_error(struct arena *a, const char *method, struct str url,
                                  const struct http_result *result)
{
    struct http_url parts = {0};
    struct str rest = str_from(str_c(method), 1), why = result->why;
    char *lower = arena_cstr(a, rest);

    (void)http_parse_url(url, &parts);
    for (size_t i = 0; i < rest.n; i++)
        lower[i] = (char)(lower[i] | 0x20);
    if (result->error == UV_ECONNREFUSED)
        why = arena_printf(a, "dial tcp %.*s:%u: connect: connection refused", STR_ARG(parts.host),
                           parts.port);
    return arena_printf(a, "%c%s %.*s: %.*s", method[0], lower, STR_ARG(url), STR_ARG(why));
}

static struct kube_answer read_answer(struct arena *a, const char *method, struct str url,
                                      const struct http_result *result)
{
    struct kube_answer answer = {
        .status = result->error == 0 ? result->status : 0,
        .body = result->body,
        .refused = result->error == UV_ECONNREFUSED,
    };

    answer.ok = answer.status / 100 == 2;
    if (result->error != 0)
        answer.error = transport_error(a, method, url, result);
    else if (!answer.ok)
        read_status(a, result->body, &answer);
    return answer;
}

/* --- asynchronous calls ----------------------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *h)
{
    struct kube_call *k = h->data;

    buf_free(&k->refusal);
    arena_free(&k->arena);
    free(k);
}

static void call_free(struct kube_call *k)
{
    list_remove(&k->link);
    uv_close((uv_handle_t *)&k->timer, on_timer_closed);
}

static void call_begin(struct kube_call *k);

static void on_timer(uv_timer_t *t)
{
    call_begin(t->data);
}

/* True when the server asked to be asked again later. */
static bool try_later(struct kube_call *k, const struct http_result *result)
{
    struct str after = http_header_get(result->headers, S("Retry-After"));
    int64_t seconds;

    if (result->error != 0 || k->request.on_data != NULL || k->tries >= MOST_TRIES ||
        (result->status != 429 && result->status < 500) || !str_to_int(after, &seconds) ||
        seconds < 0 || seconds > LONGEST_WAIT_S)
        return false;
    k->tries++;
    uv_timer_start(&k->timer, on_timer, (uint64_t)seconds * 1000, 0);
    return true;
}

static void on_head(void *data, const struct http_result *head)
{
    struct kube_call *k = data;

    k->streaming = head->status;
}

static void on_data(void *data, struct str bytes)
{
    struct kube_call *k = data;

    if (k->streaming == 200)
        k->request.on_data(k->request.data, bytes);
    else
        buf_add(&k->refusal, bytes);
}

static void on_done(void *data, const struct http_result *result)
{
    struct kube_call *k = data;
    struct http_result whole = *result;
    struct kube_answer answer;
    struct arena a = {0};

    k->http = NULL;
    if (try_later(k, result))
        return;
    if (k->refusal.n > 0)
        whole.body = buf_str(&k->refusal);
    answer = read_answer(&a, k->request.method, url_of(k->client, &a, k->request.path), &whole);
    if (k->streaming != 0)
        answer.status = k->streaming; /* it began, however it ended */
    list_remove(&k->link);            /* the callback may close the client */
    k->request.on_answer(k->request.data, &answer);
    arena_free(&a);
    call_free(k);
}

static void call_begin(struct kube_call *k)
{
    struct arena a = {0};
    bool stream = k->request.on_data != NULL, body = k->request.body.n > 0;
    struct http_call_options o = {
        .method = str_c(k->request.method),
        .url = url_of(k->client, &a, k->request.path),
        .headers = headers_of(k->client, &a,
                              k->request.content_type != NULL ? k->request.content_type
                              : body                          ? "application/json"
                                                              : NULL),
        .body = k->request.body,
        .on_head = stream ? on_head : NULL,
        .on_data = stream ? on_data : NULL,
        .on_done = on_done,
        .data = k,
    };

    k->http = http_client_send(k->client->http, &o);
    arena_free(&a);
}

struct kube_call *kube_client_send(struct kube_client *c, const struct kube_request *r)
{
    struct kube_call *k = xcalloc(sizeof *k);

    k->client = c;
    k->request = *r;
    k->request.path = arena_str(&k->arena, r->path);
    k->request.body = arena_str(&k->arena, r->body);
    k->refusal = buf_init(1 << 20);
    uv_timer_init(c->loop, &k->timer);
    k->timer.data = k;
    list_append(&c->calls, &k->link);
    call_begin(k);
    return k;
}

void kube_call_cancel(struct kube_call *k)
{
    if (k == NULL)
        return;
    http_call_cancel(k->http);
    call_free(k);
}

void kube_client_close(struct kube_client *c)
{
    if (c == NULL)
        return;
    LIST_EACH(struct kube_call, k, &c->calls, link)
        kube_call_cancel(k);
    http_client_close(c->http, NULL, NULL);
    uv_mutex_destroy(&c->lock);
    arena_free(&c->arena);
    free(c);
}

struct kube_answer kube_client_wait(struct kube_client *c, struct blocking_http *http,
                                    struct arena *a, struct str path)
{
    struct str url = url_of(c, a, path);
    struct http_result result =
        blocking_http_call(http, c->http, a,
                           &(struct http_call_options){
                               .method = S("GET"), .url = url, .headers = headers_of(c, a, NULL)});

    return read_answer(a, "GET", url, &result);
}

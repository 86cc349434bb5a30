/* Elbow's own API: a table of routes. Source: README, "Elbow's own API". */
#include "console/api.h"

#include "base/buf.h"

enum { LARGEST_ANSWER = 16 << 20 };

typedef void route_cb(struct console *c, struct http_exchange *x, const struct http_request *r);

static void answer_json(struct http_exchange *x, int status, const cJSON *body)
{
    CLEANUP(buf_free) struct buf text = buf_init(LARGEST_ANSWER);

    json_write(&text, body);
    buf_char(&text, '\n');
    http_answer(x, status, HTTP_HEADERS({S("Content-Type"), S("application/json")}),
                buf_str(&text));
}

static void refuse(struct http_exchange *x, int status, struct str why)
{
    CLEANUP(json_freep) cJSON *body = cJSON_CreateObject();

    json_put_str(body, S("error"), why);
    answer_json(x, status, body);
}

static void get_health(struct console *c UNUSED, struct http_exchange *x,
                       const struct http_request *r UNUSED)
{
    CLEANUP(json_freep) cJSON *body = cJSON_CreateObject();

    json_put_str(body, S("status"), S("ok"));
    json_put_str(body, S("version"), str_c(ELBOW_VERSION));
    answer_json(x, 200, body);
}

static void get_status(struct console *c, struct http_exchange *x,
                       const struct http_request *r UNUSED)
{
    CLEANUP(json_freep) cJSON *body = c->status(c->data);

    answer_json(x, 200, body);
}

/* What ?principal=, ?service=, ?action= and ?code= leave: the first by any part of it, so that a
 * role's name finds its sessions. */
static bool is_wanted(const struct http_request *r, const cJSON *call)
{
    static const char *const names[] = {"principal", "service", "action", "code"};
    struct str wanted;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct str found = json_str(call, names[i]);

        if (!http_query_get(r->arena, r->query, str_c(names[i]), &wanted))
            continue;
        if (i == 0 ? str_find(found, wanted) == STR_NONE : !str_eq(found, wanted))
            return false;
    }
    return true;
}

static void get_aws_calls(struct console *c, struct http_exchange *x, const struct http_request *r)
{
    CLEANUP(json_freep) cJSON *all = c->aws_calls(c->data);
    CLEANUP(json_freep) cJSON *body = cJSON_CreateArray();
    cJSON *call;

    while ((call = cJSON_DetachItemFromArray(all, 0)) != NULL) {
        if (is_wanted(r, call))
            cJSON_AddItemToArray(body, call);
        else
            cJSON_Delete(call);
    }
    answer_json(x, 200, body);
}

static void get_aws_operations(struct console *c, struct http_exchange *x,
                               const struct http_request *r UNUSED)
{
    CLEANUP(json_freep) cJSON *body = c->aws_operations(c->data);

    answer_json(x, 200, body);
}

static void get_logs(struct console *c, struct http_exchange *x,
                     const struct http_request *r UNUSED)
{
    CLEANUP(buf_free) struct buf text = buf_init(LARGEST_ANSWER);

    log_ring_read(c->log, &text);
    http_answer(x, 200, HTTP_HEADERS({S("Content-Type"), S("text/plain; charset=utf-8")}),
                buf_str(&text));
}

static void post_reset(struct console *c, struct http_exchange *x,
                       const struct http_request *r UNUSED)
{
    c->reset(c->data, x);
}

static void answer_clock(struct console *c, struct http_exchange *x, const struct http_request *r)
{
    CLEANUP(json_freep) cJSON *body = cJSON_CreateObject();

    json_put_str(body, S("now"), clock_rfc3339_ms(r->arena, clock_now(c->clock)));
    json_put(body, S("rate"), cJSON_CreateNumber((double)c->clock->rate_ppm / 1e6));
    answer_json(x, 200, body);
}

/* A number between @least and @most, or absent. */
static bool is_between(const cJSON *item, double least, double most)
{
    return item == NULL ||
           (cJSON_IsNumber(item) && item->valuedouble >= least && item->valuedouble <= most);
}

/* {"now": "2026-01-01T00:00:00Z"} sets the time, {"step_ms": 60000} moves on, {"rate": 60} sets the
 * pace (0 stops); in this order when several are given. */
static void post_clock(struct console *c, struct http_exchange *x, const struct http_request *r)
{
    static const double most_rate = 1e6, most_step = 100.0 * 366 * 86400 * 1000;
    CLEANUP(json_freep) cJSON *body = json_parse(r->body, NULL);
    const cJSON *rate = json_get(body, "rate"), *step = json_get(body, "step_ms");
    const cJSON *now = json_get(body, "now");
    int64_t time = 0;

    if ((rate == NULL && step == NULL && now == NULL) || !is_between(rate, 0, most_rate) ||
        !is_between(step, -most_step, most_step) ||
        (now != NULL && !clock_parse_rfc3339(json_text(now), &time))) {
        refuse(x, 400,
               S("give {\"now\": \"2026-01-01T00:00:00Z\"}, {\"step_ms\": N}, {\"rate\": N} with N "
                 "from 0 to 1000000, or several of them"));
        return;
    }
    if (now != NULL)
        clock_step(c->clock, time - clock_now(c->clock));
    if (step != NULL)
        clock_step(c->clock, json_int(body, "step_ms", 0));
    if (rate != NULL)
        clock_set_rate(c->clock, (int64_t)(rate->valuedouble * 1e6));
    answer_clock(c, x, r);
}

static const struct route {
    struct str method, path;
    route_cb *handle;
} routes[] = {
    {STR_INIT("GET"),  STR_INIT("/_elbow/health"),         get_health        },
    {STR_INIT("GET"),  STR_INIT("/_elbow/status"),         get_status        },
    {STR_INIT("GET"),  STR_INIT("/_elbow/logs"),           get_logs          },
    {STR_INIT("GET"),  STR_INIT("/_elbow/aws/calls"),      get_aws_calls     },
    {STR_INIT("GET"),  STR_INIT("/_elbow/aws/operations"), get_aws_operations},
    {STR_INIT("GET"),  STR_INIT("/_elbow/clock"),          answer_clock      },
    {STR_INIT("POST"), STR_INIT("/_elbow/clock"),          post_clock        },
    {STR_INIT("POST"), STR_INIT("/_elbow/reset"),          post_reset        },
};

void console_handle(void *data, struct http_exchange *x, const struct http_request *r)
{
    bool known = false;

    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (!str_eq(r->path, routes[i].path))
            continue;
        known = true;
        if (str_eq(r->method, routes[i].method)) {
            routes[i].handle(data, x, r);
            return;
        }
    }
    if (known)
        refuse(x, 405,
               arena_printf(r->arena, "%.*s does not take %.*s", STR_ARG(r->path),
                            STR_ARG(r->method)));
    else
        refuse(x, 404,
               arena_printf(r->arena,
                            "there is nothing at %.*s; the README lists Elbow's "
                            "own API",
                            STR_ARG(r->path)));
}

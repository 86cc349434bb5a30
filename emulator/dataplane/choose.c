/* The choice of a group, then of a target in it. A group's cookie (AWSALBTG) is looked at before
 * weights, a target's (AWSALB, AWSALBAPP) before the algorithm; one that names what is no more, or
 * no longer fit, is as good as none.
 * Source: Application Load Balancers User Guide, "Target groups", "Sticky sessions", "Slow start
 * mode", "Cross-zone load balancing".
 * DIFFERS: at the common door, which is in no zone, a group without cross-zone balancing uses the
 * targets of all zones. */
#include "dataplane/choose.h"

#include <time.h>

#include "dataplane/cookie.h"

enum { WEEK_MS = 7 * 86400 * 1000, DAY_MS = 86400 * 1000, APP_COOKIES = 4 };

/* --- groups ----------------------------------------------------------------------------------- */

static const struct dp_group *draw_group(struct exchange *x, const struct dp_action *a)
{
    uint64_t drawn;

    if (a->weight_sum == 0)
        return NULL;
    drawn = a->group_count == 1 ? 0 : ids_below(&x->worker->ids, a->weight_sum);
    for (size_t i = 0; i < a->group_count; i++) {
        if (drawn < a->groups[i].weight)
            return a->groups[i].group;
        drawn -= a->groups[i].weight;
    }
    return NULL;
}

/* A cookie under either of its two names; false when there is none that can be read. */
static bool read_cookie(struct exchange *x, const struct request_head *h, struct str name,
                        struct str twin, int64_t life_ms, struct choice *c, struct cookie *ret)
{
    struct str value;

    if (!cookie_find(&h->fields, name, &value) && !cookie_find(&h->fields, twin, &value))
        return false;
    if (!cookie_read(&x->worker->seal, value, ret)) {
        c->bad_cookie = true;
        return false;
    }
    return clock_now(x->worker->clock) - ret->made_ms < life_ms;
}

static const struct dp_group *sticky_group(struct exchange *x, const struct dp_action *a,
                                           const struct request_head *h, struct choice *c)
{
    struct cookie cookie;

    if (a->sticky_ms == 0 ||
        !read_cookie(x, h, S("AWSALBTG"), S("AWSALBTGCORS"), a->sticky_ms, c, &cookie))
        return NULL;
    for (size_t i = 0; i < a->group_count; i++)
        if (a->groups[i].group->name == cookie.group)
            return a->groups[i].group;
    return NULL;
}

/* --- targets ---------------------------------------------------------------------------------- */

static bool in_zone(const struct exchange *x, const struct dp_group *g, const struct dp_target *t)
{
    return g->zones != DP_ZONES_OWN || x->client->zone.n == 0 || t->zone.n == 0 ||
           str_eq(t->zone, x->client->zone);
}

static const struct dp_target *sticky_target(struct exchange *x, const struct dp_group *g,
                                             const struct cookie *cookie)
{
    for (size_t i = 0; cookie->group == g->name && i < g->usable_count; i++)
        if (g->usable[i]->name == cookie->target && in_zone(x, g, g->usable[i]))
            return g->usable[i];
    return NULL;
}

/* The application's cookie keeps a client only together with ours, and unchanged. */
static const struct dp_target *by_application(struct exchange *x, const struct dp_group *g,
                                              const struct request_head *h, struct choice *c)
{
    const struct dp_target *t;
    struct cookie cookie;
    struct str own;

    if (!cookie_find(&h->fields, g->app_cookie, &own) ||
        !read_cookie(x, h, S("AWSALBAPP-0"), S("AWSALBAPP-0"), g->app_cookie_ms, c, &cookie) ||
        cookie.application != str_hash(own))
        return NULL;
    t = sticky_target(x, g, &cookie);
    c->was_sticky = t != NULL;
    c->application = cookie.application;
    return t;
}

static const struct dp_target *by_cookie(struct exchange *x, const struct dp_group *g,
                                         const struct request_head *h, struct choice *c)
{
    struct cookie cookie;

    if (!g->sticky)
        return NULL;
    if (g->sticky_kind == DP_APP_COOKIE)
        return by_application(x, g, h, c);
    if (!read_cookie(x, h, S("AWSALB"), S("AWSALBCORS"), g->lb_cookie_ms, c, &cookie))
        return NULL;
    return sticky_target(x, g, &cookie);
}

/* While a target starts slowly its share grows with the time since it became healthy. */
static bool takes_its_share(struct exchange *x, const struct dp_group *g, const struct dp_target *t)
{
    const struct endpoint *e = x->live->endpoints[t->slot];
    int64_t age;

    if (e->slow_from_ms == 0 || g->slow_start_ms == 0)
        return true;
    age = clock_now(x->worker->clock) - e->slow_from_ms;
    return age >= g->slow_start_ms ||
           (int64_t)ids_below(&x->worker->ids, (uint64_t)g->slow_start_ms) < age;
}

static const struct dp_target *round_robin(struct exchange *x, const struct dp_group *g,
                                           struct group_state *state)
{
    const struct dp_target *fallback = NULL;

    for (size_t i = 0; i < g->usable_count; i++) {
        const struct dp_target *t = g->usable[state->next++ % g->usable_count];

        if (!in_zone(x, g, t))
            continue;
        if (takes_its_share(x, g, t))
            return t;
        if (fallback == NULL)
            fallback = t;
    }
    return fallback;
}

/* The one with the fewest requests in flight; of several, the next in turn. */
static const struct dp_target *least_outstanding(struct exchange *x, const struct dp_group *g,
                                                 size_t turn)
{
    const struct dp_target *best = NULL;
    unsigned least = 0;

    for (size_t i = 0; i < g->usable_count; i++) {
        const struct dp_target *t = g->usable[(turn + i) % g->usable_count];
        unsigned n = x->live->endpoints[t->slot]->in_flight;

        if (!in_zone(x, g, t) || (best != NULL && n >= least))
            continue;
        best = t;
        least = n;
    }
    return best;
}

static const struct dp_target *at_random(struct exchange *x, const struct dp_group *g)
{
    size_t from = (size_t)ids_below(&x->worker->ids, g->usable_count);

    for (size_t i = 0; i < g->usable_count; i++) {
        const struct dp_target *t = g->usable[(from + i) % g->usable_count];

        if (in_zone(x, g, t))
            return t;
    }
    return NULL;
}

static const struct dp_target *by_algorithm(struct exchange *x, const struct dp_group *g)
{
    struct group_state *state = x->live->groups[g->index];

    if (g->usable_count == 0)
        return NULL;
    switch (g->algorithm) {
    case DP_LEAST_OUTSTANDING:
        return least_outstanding(x, g, state->next++);
    case DP_WEIGHTED_RANDOM:
        return at_random(x, g);
    case DP_ROUND_ROBIN:
        break;
    }
    return round_robin(x, g, state);
}

/* --- the choice ------------------------------------------------------------------------------- */

static const struct http_field *find_field(const struct request_head *h, struct str name)
{
    for (size_t i = 0; i < h->fields.n; i++)
        if (str_ieq(h->fields.at[i].name, name))
            return &h->fields.at[i];
    return NULL;
}

/* "Chrome/120.0": whether that is one that knows SameSite=None. */
static bool is_chromium(const struct request_head *h)
{
    const struct http_field *agent = find_field(h, S("user-agent"));
    size_t at = agent == NULL ? STR_NONE : str_find(agent->value, S("Chrome/"));
    struct str version = at == STR_NONE ? (struct str){0} : str_from(agent->value, at + 7);
    int64_t n = 0;

    (void)str_to_int(str_first(version, str_chr(version, '.')), &n);
    return n >= 80;
}

static bool speaks_grpc(const struct request_head *h)
{
    for (size_t i = 0; i < h->fields.n; i++)
        if (h->fields.at[i].id == FIELD_CONTENT_TYPE &&
            str_starts(h->fields.at[i].value, S("application/grpc")))
            return true;
    return false;
}

/* Which client may be sent to which version of targets. */
static bool versions_agree(const struct exchange *x, const struct dp_group *g,
                           const struct request_head *h)
{
    bool grpc = x->http2 && speaks_grpc(h);

    switch (g->version) {
    case DP_HTTP1:
        return !grpc;
    case DP_HTTP2:
        return x->http2;
    case DP_GRPC:
        break;
    }
    return x->http2 && (grpc || str_eq(h->method, S("POST")));
}

unsigned choose(struct exchange *x, const struct dp_action *a, const struct request_head *h,
                struct choice *ret_choice)
{
    struct choice c = {0};

    c.group = sticky_group(x, a, h, &c);
    if (c.group == NULL) {
        c.group = draw_group(x, a);
        c.new_group = a->sticky_ms > 0;
    }
    *ret_choice = c;
    if (c.group == NULL)
        return 503;
    if (!versions_agree(x, c.group, h))
        return 464;
    c.target = by_cookie(x, c.group, h, &c);
    if (c.target == NULL)
        c.target = by_algorithm(x, c.group);
    if (c.group->sticky && c.group->sticky_kind == DP_APP_COOKIE)
        c.chromium = is_chromium(h);
    *ret_choice = c;
    return c.target == NULL ? 503 : 0;
}

/* --- cookies of the answer -------------------------------------------------------------------- */

static void add_expiry(struct exchange *x, struct text *t)
{
    time_t when = (time_t)((clock_now(x->worker->clock) + WEEK_MS) / 1000);
    char room[40];
    struct tm tm;

    (void)gmtime_r(&when, &tm);
    (void)strftime(room, sizeof room, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    text_add(t, S("; Expires="));
    text_add(t, str_c(room));
    text_add(t, S("; Path=/"));
}

/* The cookie and its twin for other sites. */
static void add_pair(struct exchange *x, struct str name, struct str twin, const struct cookie *c,
                     struct text *t)
{
    char room[COOKIE_VALUE_BYTES];
    struct text value = {.at = room, .room = sizeof room};

    cookie_write(&x->worker->seal, &x->worker->ids, c, &value);
    text_add(t, S("Set-Cookie: "));
    text_add(t, name);
    text_add(t, S("="));
    text_add(t, str_n(room, value.n));
    add_expiry(x, t);
    text_add(t, S("\r\nSet-Cookie: "));
    text_add(t, twin);
    text_add(t, S("="));
    text_add(t, str_n(room, value.n));
    add_expiry(x, t);
    text_add(t, x->client->tls ? S("; SameSite=None; Secure\r\n") : S("; SameSite=None\r\n"));
}

/* The application's answer decides: its cookie is remembered, or what was remembered is renewed, or
 * there is nothing to remember. */
static void add_application(struct exchange *x, const struct choice *c,
                            const struct response_head *h, struct text *t)
{
    struct str own;
    bool set = cookie_find_set(&h->fields, c->group->app_cookie, &own);
    struct cookie cookie = {.made_ms = clock_now(x->worker->clock),
                            .group = c->group->name,
                            .target = c->target->name,
                            .application = set ? str_hash(own) : c->application};

    for (unsigned i = 0; i < APP_COOKIES; i++) {
        bool kept = (set || c->was_sticky) && i == 0;

        if ((set || c->was_sticky) && i > 0)
            return;
        text_add(t, S("Set-Cookie: AWSALBAPP-"));
        text_number(t, i);
        text_add(t, S("="));
        if (kept)
            cookie_write(&x->worker->seal, &x->worker->ids, &cookie, t);
        else
            text_add(t, S("_remove_"));
        add_expiry(x, t);
        if (c->chromium)
            text_add(t, S("; SameSite=None; Secure"));
        text_add(t, S("\r\n"));
    }
}

void choose_write_cookies(struct exchange *x, const struct response_head *h, struct text *t)
{
    struct cookie cookie = {.made_ms = clock_now(x->worker->clock)};
    const struct choice *c = &x->choice;

    if (c->group == NULL)
        return;
    cookie.group = c->group->name;
    if (c->new_group)
        add_pair(x, S("AWSALBTG"), S("AWSALBTGCORS"), &cookie, t);
    if (!c->group->sticky || c->target == NULL)
        return;
    cookie.target = c->target->name;
    if (c->group->sticky_kind == DP_LB_COOKIE)
        add_pair(x, S("AWSALB"), S("AWSALBCORS"), &cookie, t);
    else
        add_application(x, c, h, t);
}

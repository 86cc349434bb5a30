/* Load balancers as one worker has them: a configuration bound to endpoints and groups that
 * outlive it. The worker's map holds one reference to a balancer, each of its doors and client
 * connections another; a live configuration is held by its balancer and by the requests that
 * began with it; endpoints and group states are held by live configurations, requests and
 * connections. A new configuration touches no request in flight, but for those on a target whose
 * deregistration has run out.
 * Source: Application Load Balancers User Guide, "Deregistration delay". */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "dataplane/front.h"
#include "dataplane/rule.h"
#include "dataplane/upstream.h"

/* --- endpoints and groups ------------------------------------------------------------------- */

static void endpoint_key(char *room, size_t n, const struct dp_group *g, const struct dp_target *t)
{
    (void)snprintf(room, n, "%.*s|%.*s|%u|%08x:%u|%d%d", STR_ARG(g->arn), STR_ARG(t->id), t->port,
                   ntohl(t->at.sin_addr.s_addr), ntohs(t->at.sin_port), g->protocol, g->version);
}

static struct endpoint *need_endpoint(struct worker *w, const struct dp_group *g,
                                      const struct dp_target *t)
{
    char key[512];
    struct endpoint *e;

    endpoint_key(key, sizeof key, g, t);
    e = map_get(&w->endpoints, str_c(key));
    if (e != NULL)
        return endpoint_ref(e);
    e = xcalloc(sizeof *e);
    e->refs = 1;
    e->worker = w;
    e->key = xstrdup(key);
    e->at = t->at;
    e->tls = g->protocol == DP_HTTPS;
    e->http2 = g->version != DP_HTTP1;
    list_init(&e->idle);
    list_init(&e->busy);
    (void)map_put(&w->endpoints, str_c(e->key), e);
    return e;
}

struct endpoint *endpoint_ref(struct endpoint *e)
{
    e->refs++;
    return e;
}

void endpoint_unref(struct endpoint *e)
{
    if (--e->refs > 0)
        return;
    (void)map_remove(&e->worker->endpoints, str_c(e->key));
    free(e->key);
    free(e);
}

static struct group_state *need_group(struct worker *w, const struct dp_group *g)
{
    struct group_state *s = map_get(&w->groups, g->arn);

    if (s == NULL) {
        s = xcalloc(sizeof *s);
        s->worker = w;
        s->arn = xcalloc(g->arn.n + 1);
        if (g->arn.n > 0)
            memcpy(s->arn, g->arn.at, g->arn.n);
        s->next = (size_t)ids_below(&w->ids, 1u << 20);
        (void)map_put(&w->groups, str_c(s->arn), s);
    }
    s->refs++;
    return s;
}

static void group_unref(struct group_state *s)
{
    if (--s->refs > 0)
        return;
    (void)map_remove(&s->worker->groups, str_c(s->arn));
    free(s->arn);
    free(s);
}

/* A target that becomes healthy while another one has long been so begins slowly. */
static void settle_slow_start(struct live *l, const struct dp_group *g)
{
    int64_t now = clock_now(l->groups[g->index]->worker->clock);
    bool warm = false;

    for (size_t i = 0; i < g->target_count; i++) {
        const struct endpoint *e = l->endpoints[g->targets[i].slot];

        warm |=
            e->was_healthy && (e->slow_from_ms == 0 || now - e->slow_from_ms > g->slow_start_ms);
    }
    for (size_t i = 0; i < g->target_count; i++) {
        struct endpoint *e = l->endpoints[g->targets[i].slot];
        bool healthy = g->targets[i].state == DP_TARGET_HEALTHY;

        if (!healthy || g->slow_start_ms == 0)
            e->slow_from_ms = 0;
        else if (!e->was_healthy && warm)
            e->slow_from_ms = now;
        e->was_healthy = healthy;
    }
}

/* --- live configurations -------------------------------------------------------------------- */

/* Takes over the reference to @config. */
static struct live *bind_config(struct worker *w, struct dp_balancer *config)
{
    struct live *l = xcalloc(sizeof *l);

    l->refs = 1;
    l->config = config;
    l->groups = xcalloc((config->group_count + 1) * sizeof(struct group_state *));
    l->endpoints = xcalloc((config->target_count + 1) * sizeof(struct endpoint *));
    w->round++;
    for (size_t g = 0; g < config->group_count; g++) {
        const struct dp_group *group = &config->groups[g];

        l->groups[g] = need_group(w, group);
        l->groups[g]->seen = w->round;
        for (size_t t = 0; t < group->target_count; t++) {
            struct endpoint *e = need_endpoint(w, group, &group->targets[t]);

            e->seen = w->round;
            l->endpoints[group->targets[t].slot] = e;
        }
        settle_slow_start(l, group);
    }
    return l;
}

struct live *live_ref(struct live *l)
{
    l->refs++;
    return l;
}

void live_unref(struct live *l)
{
    if (l == NULL || --l->refs > 0)
        return;
    for (size_t g = 0; g < l->config->group_count; g++)
        group_unref(l->groups[g]);
    for (size_t t = 0; t < l->config->target_count; t++)
        endpoint_unref(l->endpoints[t]);
    dp_balancer_unref(l->config);
    free(l->groups);
    free(l->endpoints);
    free(l);
}

/* Targets that the new configuration lacks: their pools go. Where their group is still there, the
 * deregistration delay has run out, and requests on them end in a 502; where the whole group went
 * out of use, they may end in peace. */
static void retire_missing(struct worker *w, struct live *old)
{
    for (size_t g = 0; g < old->config->group_count; g++) {
        const struct dp_group *group = &old->config->groups[g];

        for (size_t t = 0; t < group->target_count; t++) {
            struct endpoint *e = old->endpoints[group->targets[t].slot];

            if (e->seen != w->round)
                upstream_retire(e, old->groups[g]->seen == w->round);
        }
    }
}

/* --- names ---------------------------------------------------------------------------------- */

static void drop_names(struct balancer *b, const struct dp_balancer *config)
{
    for (size_t i = 0; i < config->name_count; i++)
        if (map_get(&b->worker->names, config->names[i]) == b)
            (void)map_remove(&b->worker->names, config->names[i]);
}

static void add_names(struct balancer *b, const struct dp_balancer *config)
{
    for (size_t i = 0; i < config->name_count; i++)
        (void)map_put(&b->worker->names, config->names[i], b);
}

static bool has_rule_for(const struct dp_listener *l, struct str host)
{
    struct rule_request r = {.host = host};

    for (size_t i = 0; i < l->rule_count; i++)
        for (size_t c = 0; c < l->rules[i].condition_count; c++) {
            struct dp_rule probe = {.conditions = &l->rules[i].conditions[c], .condition_count = 1};

            if (probe.conditions->field == DP_HOST && rule_matches(&probe, &r))
                return true;
        }
    return false;
}

/* A Host that is no load balancer's name, as when a client sends its own with curl -H: the one
 * that has a rule for it, else the only one that listens. */
static struct balancer *guess(struct worker *w, struct str host, uint16_t port, bool tls)
{
    struct balancer *only = NULL;
    size_t at = 0, listening = 0;
    struct map_entry *e;

    while ((e = map_next(&w->balancers, &at)) != NULL) {
        struct balancer *b = e->value;
        const struct dp_listener *l =
            b->live == NULL ? NULL : dp_balancer_listener(b->live->config, port);

        if (l == NULL || (l->protocol == DP_HTTPS) != tls)
            continue;
        if (has_rule_for(l, host))
            return b;
        only = b;
        listening++;
    }
    return listening == 1 ? only : NULL;
}

struct balancer *balancer_find(struct worker *w, struct str host, uint16_t port, bool tls)
{
    char lower[256];
    struct balancer *b;

    if (host.n > sizeof lower)
        return NULL;
    for (size_t i = 0; i < host.n; i++)
        lower[i] = ascii_lower(host.at[i]);
    b = map_get(&w->names, str_n(lower, host.n));
    return b != NULL ? b : guess(w, host, port, tls);
}

/* --- doors ---------------------------------------------------------------------------------- */

static struct acceptor *find_door(struct link *doors, const struct sockaddr_in *at, uint16_t port,
                                  bool tls)
{
    LIST_EACH(struct acceptor, d, doors, link) {
        if (d->at.sin_addr.s_addr == at->sin_addr.s_addr && d->at.sin_port == at->sin_port &&
            d->listener_port == port && d->tls == tls)
            return d;
    }
    return NULL;
}

static void close_unkept(struct link *doors)
{
    LIST_EACH(struct acceptor, d, doors, link) {
        if (!d->kept)
            acceptor_close(d);
        else
            d->kept = false;
    }
}

static void need_door(struct worker *w, struct link *doors, struct balancer *b,
                      const struct sockaddr_in *at, uint16_t port, bool tls, struct str zone)
{
    struct acceptor *d = find_door(doors, at, port, tls);
    int r = d != NULL ? 0 : acceptor_open(w, at, b, port, tls, doors, &d);
    char name[32] = "";

    if (r == 0) {
        d->kept = true;
        (void)snprintf(d->zone, sizeof d->zone, "%.*s", STR_ARG(zone));
        return;
    }
    (void)uv_ip4_name(at, name, sizeof name);
    if (w->index == 0)
        log_warning("dataplane", "cannot listen on %s:%u for port %u of %s: %s", name,
                    ntohs(at->sin_port), port, b == NULL ? "the load balancers" : b->arn,
                    uv_strerror(r));
}

static void settle_own_doors(struct balancer *b, const struct dp_balancer *config)
{
    for (size_t i = 0; config != NULL && i < config->door_count; i++) {
        const struct dp_listener *l = dp_balancer_listener(config, config->door_ports[i]);

        if (l != NULL)
            need_door(b->worker, &b->doors, b, &config->doors[i], l->port, false,
                      config->door_zones == NULL ? S("") : config->door_zones[i]);
    }
    close_unkept(&b->doors);
}

/* Beside the common doors for ports 80 and 443, one for each other port that some load balancer
 * has. */
static void settle_common_doors(struct worker *w)
{
    struct map_entry *e;
    size_t at = 0;

    if (!w->more_doors)
        return;
    LIST_EACH(struct acceptor, d, &w->common_doors, link)
        d->kept = d->listener_port == (d->tls ? 443 : 80);
    while ((e = map_next(&w->balancers, &at)) != NULL) {
        const struct balancer *b = e->value;

        for (size_t i = 0; b->live != NULL && i < b->live->config->listener_count; i++) {
            const struct dp_listener *l = &b->live->config->listeners[i];
            struct sockaddr_in where = w->common_http;
            bool tls = l->protocol == DP_HTTPS;

            where.sin_port = htons(l->port);
            if (l->port != (tls ? 443 : 80))
                need_door(w, &w->common_doors, NULL, &where, l->port, tls, S(""));
        }
    }
    close_unkept(&w->common_doors);
}

/* --- balancers ------------------------------------------------------------------------------ */

struct balancer *balancer_ref(struct balancer *b)
{
    b->refs++;
    return b;
}

void balancer_unref(struct balancer *b)
{
    if (--b->refs > 0)
        return;
    free(b->arn);
    free(b);
}

static struct balancer *new_balancer(struct worker *w, struct str arn)
{
    struct balancer *b = xcalloc(sizeof *b);

    b->refs = 1;
    b->worker = w;
    b->arn = xcalloc(arn.n + 1);
    if (arn.n > 0)
        memcpy(b->arn, arn.at, arn.n);
    list_init(&b->doors);
    (void)map_put(&w->balancers, str_c(b->arn), b);
    return b;
}

static void remove_balancer(struct balancer *b)
{
    struct worker *w = b->worker;
    struct live *old = b->live;

    b->live = NULL;
    drop_names(b, old->config);
    settle_own_doors(b, NULL);
    front_sweep(w, false);
    w->round++;
    retire_missing(w, old);
    live_unref(old);
    (void)map_remove(&w->balancers, str_c(b->arn));
    balancer_unref(b);
}

void balancer_apply(struct worker *w, struct str arn, struct dp_balancer *config)
{
    struct balancer *b = map_get(&w->balancers, arn);
    struct live *old;

    if (config == NULL) {
        if (b != NULL)
            remove_balancer(b);
        settle_common_doors(w);
        return;
    }
    if (b == NULL)
        b = new_balancer(w, arn);
    old = b->live;
    b->live = bind_config(w, config);
    if (old != NULL) {
        drop_names(b, old->config);
        retire_missing(w, old);
        live_unref(old);
    }
    add_names(b, config);
    settle_own_doors(b, config);
    settle_common_doors(w);
}

void balancers_close(struct worker *w)
{
    struct map_entry *e;
    size_t at = 0;

    front_sweep(w, true);
    while ((e = map_next(&w->balancers, &at)) != NULL)
        remove_balancer(e->value);
    LIST_EACH(struct acceptor, d, &w->common_doors, link)
        acceptor_close(d);
}

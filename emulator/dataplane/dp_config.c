/* Load balancers and services as the workers get them: made, compiled, counted and freed. The
 * builder owns an object until it hands it over; afterwards references own it together.
 * Source: Application Load Balancers User Guide, "Health checks for your target groups". */
#include "dataplane/dp_config.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"
#include "dataplane/dp_tls.h"
#include "dataplane/regex.h"
#include "dataplane/rule_index.h"

enum { DAY_MS = 86400 * 1000 };

struct dp_balancer *dp_balancer_new(struct str arn)
{
    struct dp_balancer *b = xcalloc(sizeof *b);

    atomic_init(&b->refs, 1);
    b->arn = arena_str(&b->arena, arn);
    return b;
}

struct dp_balancer *dp_balancer_ref(struct dp_balancer *b)
{
    (void)atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void dp_balancer_unref(struct dp_balancer *b)
{
    if (b == NULL || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < b->listener_count; i++)
        dp_tls_unref(b->listeners[i].tls);
    arena_free(&b->arena);
    free(b);
}

struct dp_service *dp_service_new(struct str key)
{
    struct dp_service *s = xcalloc(sizeof *s);

    atomic_init(&s->refs, 1);
    s->key = arena_str(&s->arena, key);
    return s;
}

struct dp_service *dp_service_ref(struct dp_service *s)
{
    (void)atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void dp_service_unref(struct dp_service *s)
{
    if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) > 1)
        return;
    arena_free(&s->arena);
    free(s);
}

/* --- sealing ------------------------------------------------------------------------------ */

static void seal_condition(struct arena *a, struct dp_condition *c)
{
    unsigned flags = c->field == DP_QUERY ? GLOB_ESCAPES : 0;

    if (c->field == DP_SOURCE_IP)
        return;
    for (size_t i = 0; c->regex && i < c->count; i++)
        c->values[i].regex = regex_compile(a, c->values[i].text, c->field != DP_PATH);
    for (size_t i = 0; !c->regex && i < c->count; i++) {
        rule_prepare_pattern(&c->values[i], flags);
        if (c->keys != NULL)
            rule_prepare_pattern(&c->keys[i], flags);
    }
}

static void seal_action(struct dp_action *a)
{
    a->weight_sum = 0;
    for (size_t i = 0; i < a->group_count; i++)
        a->weight_sum += a->groups[i].weight;
}

/* Ascending by priority; the default rule, 0, comes last. */
static int compare_rules(const void *left, const void *right)
{
    const struct dp_rule *a = left, *b = right;
    int64_t x = a->priority == 0 ? INT64_MAX : a->priority;
    int64_t y = b->priority == 0 ? INT64_MAX : b->priority;

    return (x > y) - (x < y);
}

static void seal_rewrite(struct arena *a, struct dp_rewrite *w, bool ignore_case)
{
    if (w != NULL)
        w->regex = regex_compile(a, w->pattern, ignore_case);
}

static void seal_listener(struct arena *a, struct dp_listener *l)
{
    static const struct str usual[DP_TLS_HEADERS] = {
        [DP_TLS_VERSION] = STR_INIT("X-Amzn-Tls-Version"),
        [DP_TLS_CIPHER] = STR_INIT("X-Amzn-Tls-Cipher-Suite"),
        [DP_MTLS_CHAIN] = STR_INIT("X-Amzn-Mtls-Clientcert"),
        [DP_MTLS_SERIAL] = STR_INIT("X-Amzn-Mtls-Clientcert-Serial-Number"),
        [DP_MTLS_ISSUER] = STR_INIT("X-Amzn-Mtls-Clientcert-Issuer"),
        [DP_MTLS_SUBJECT] = STR_INIT("X-Amzn-Mtls-Clientcert-Subject"),
        [DP_MTLS_VALIDITY] = STR_INIT("X-Amzn-Mtls-Clientcert-Validity"),
        [DP_MTLS_LEAF] = STR_INIT("X-Amzn-Mtls-Clientcert-Leaf"),
    };

    for (size_t i = 0; i < DP_TLS_HEADERS; i++)
        if (l->tls_names[i].n == 0)
            l->tls_names[i] = usual[i];
    for (size_t i = 0; i < l->rule_count; i++) {
        for (size_t c = 0; c < l->rules[i].condition_count; c++)
            seal_condition(a, &l->rules[i].conditions[c]);
        seal_rewrite(a, l->rules[i].host_rewrite, true);
        seal_rewrite(a, l->rules[i].url_rewrite, false);
        seal_action(&l->rules[i].action);
    }
    if (l->rule_count > 1)
        qsort(l->rules, l->rule_count, sizeof *l->rules, compare_rules);
    l->index = rule_index_new(a, l->rules, l->rule_count);
}

static bool takes_traffic(const struct dp_target *t, bool fail_open)
{
    switch (t->state) {
    case DP_TARGET_HEALTHY:
    case DP_TARGET_UNAVAILABLE:
        return true;
    case DP_TARGET_UNHEALTHY:
        return fail_open;
    case DP_TARGET_INITIAL:
    case DP_TARGET_DRAINING:
    case DP_TARGET_UNUSED:
        break;
    }
    return false;
}

/* Fewer healthy targets than the group demands: then all of them get traffic, the unhealthy
 * included. An initial one waits for its first result either way. */
static bool fails_open(const struct dp_group *g)
{
    size_t healthy = 0, registered = 0;

    for (size_t i = 0; i < g->target_count; i++) {
        healthy += takes_traffic(&g->targets[i], false);
        registered +=
            g->targets[i].state != DP_TARGET_DRAINING && g->targets[i].state != DP_TARGET_UNUSED;
    }
    return healthy < (g->minimum_healthy_count > 0 ? g->minimum_healthy_count : 1) ||
           healthy * 100 < registered * g->minimum_healthy_percentage;
}

static void seal_group(struct dp_balancer *b, struct dp_group *g)
{
    bool fail_open = fails_open(g);

    g->index = (size_t)(g - b->groups);
    g->name = str_hash(g->arn);
    if (g->lb_cookie_ms == 0)
        g->lb_cookie_ms = DAY_MS;
    if (g->app_cookie_ms == 0)
        g->app_cookie_ms = DAY_MS;
    g->usable = arena_array(&b->arena, g->target_count, sizeof(struct dp_target *));
    g->usable_count = 0;
    for (size_t i = 0; i < g->target_count; i++) {
        g->targets[i].slot = b->target_count++;
        g->targets[i].name = str_hash(g->targets[i].id) * 65599 + g->targets[i].port;
        if (takes_traffic(&g->targets[i], fail_open))
            g->usable[g->usable_count++] = &g->targets[i];
    }
}

static struct str lower_copy(struct arena *a, struct str s)
{
    char *copy = arena_cstr(a, s);

    for (size_t i = 0; i < s.n; i++)
        copy[i] = ascii_lower(copy[i]);
    return str_n(copy, s.n);
}

void dp_balancer_seal(struct dp_balancer *b)
{
    assert(b->target_count == 0);
    if (b->attributes.idle_timeout_ms == 0)
        b->attributes.idle_timeout_ms = 60 * 1000;
    if (b->attributes.client_keep_alive_ms == 0)
        b->attributes.client_keep_alive_ms = 3600 * 1000;
    for (size_t i = 0; i < b->name_count; i++)
        b->names[i] = lower_copy(&b->arena, b->names[i]);
    for (size_t i = 0; i < b->listener_count; i++)
        seal_listener(&b->arena, &b->listeners[i]);
    for (size_t i = 0; i < b->group_count; i++)
        seal_group(b, &b->groups[i]);
}

/* --- questions ---------------------------------------------------------------------------- */

const struct dp_listener *dp_balancer_listener(const struct dp_balancer *b, uint16_t port)
{
    for (size_t i = 0; i < b->listener_count; i++)
        if (b->listeners[i].port == port)
            return &b->listeners[i];
    return NULL;
}

bool dp_balancer_admits(const struct dp_balancer *b, uint32_t source, uint16_t port)
{
    if (!b->ingress_enforced)
        return true;
    for (size_t i = 0; i < b->ingress_count; i++) {
        const struct dp_ingress *in = &b->ingress[i];

        if (port >= in->first_port && port <= in->last_port &&
            (source & in->source.mask) == (in->source.address & in->source.mask))
            return true;
    }
    return false;
}

uint32_t dp_balancer_identify(const struct dp_balancer *b, uint32_t address)
{
    for (size_t i = 0; i < b->block_count; i++)
        if (address >> 16 == b->blocks[i].loopback)
            return (uint32_t)b->blocks[i].vpc << 16 | (address & 0xffff);
    return address;
}

/* Compiling a load balancer: its names and addresses, who may reach it, attributes, listeners with
 * their rules, groups with their targets. Text is copied into the compiled object's arena; rows
 * live in the pass's.
 * Source: ELB API Reference 2015-12-01; Application Load Balancers User Guide, "Load balancer
 * attributes", "Target group attributes". */
#include "loops/routing_balancer.h"

#include <arpa/inet.h>

#include "base/json.h"
#include "base/macros.h"
#include "loops/routing_attribute.h"
#include "loops/routing_rule.h"
#include "loops/routing_target.h"
#include "loops/routing_tls.h"

/* One pass over one load balancer. */
struct pass {
    struct routing_compiler *c;
    const struct load_balancer *lb;
    struct dp_balancer *out;
    struct arena *keep; /* out's */
    struct routed_front front;
    struct routed_health **health_tail;
};

#define COUNT(n, list)                                                \
    for (__typeof__(list) at_ = (list); at_ != NULL; at_ = at_->next) \
    (n)++

/* --- attributes ---------------------------------------------------------------------------- */

static int read_attributes(struct pass *p)
{
    struct lb_attribute *first = NULL;
    int r = lb_attribute_list(p->c->store, p->c->arena, p->lb->arn, &first);

    routing_read_balancer_attributes(p->keep, first, &p->out->attributes);
    return r;
}

/* --- groups -------------------------------------------------------------------------------- */

static int compile_targets(struct pass *p, const struct target_group *from, struct dp_group *to)
{
    struct target *first = NULL;
    size_t n = 0;
    int r = target_list(p->c->store, p->c->arena, from->arn, &first);

    COUNT(n, first);
    to->targets = arena_array(p->keep, n, sizeof *to->targets);
    for (const struct target *t = first; r == 0 && t != NULL; t = t->next) {
        struct dp_target *target = &to->targets[to->target_count++];
        struct routed_health *h = arena_alloc(p->c->arena, sizeof *h);

        target->id = arena_str(p->keep, t->id);
        r = routing_compile_target(p->c, &p->front, from, t, target, &h->health);
        target->zone = arena_str(p->keep, target->zone);
        *p->health_tail = h;
        p->health_tail = &h->next;
    }
    return r;
}

static int compile_group(struct pass *p, const struct target_group *from, struct dp_group *to)
{
    struct lb_attribute *first = NULL;
    int r = lb_attribute_list(p->c->store, p->c->arena, from->arn, &first);

    *to = (struct dp_group){
        .arn = arena_str(p->keep, from->arn),
        .protocol = str_is(from->protocol, "HTTPS") ? DP_HTTPS : DP_HTTP,
        .version = str_is(from->protocol_version, "HTTP2")  ? DP_HTTP2
                   : str_is(from->protocol_version, "GRPC") ? DP_GRPC
                                                            : DP_HTTP1,
        .health = {.enabled = from->health_enabled,
                   .tcp = str_is(from->health_protocol, "TCP"),
                   .tls = str_is(from->health_protocol, "HTTPS"),
                   .interval_ms = from->health_interval * 1000,
                   .timeout_ms = from->health_timeout * 1000,
                   .healthy_threshold = (uint32_t)from->healthy_threshold,
                   .unhealthy_threshold = (uint32_t)from->unhealthy_threshold,
                   .path = arena_str(p->keep, from->health_path)},
    };
    routing_compile_matcher(p->keep, to->version == DP_GRPC ? from->grpc_code : from->http_code,
                            &to->health);
    routing_read_group_attributes(p->keep, first, to);
    return r < 0 ? r : compile_targets(p, from, to);
}

static int compile_groups(struct pass *p)
{
    struct target_group *first = NULL;
    size_t n = 0;
    int r = target_group_list_by_load_balancer(p->c->store, p->c->arena, p->lb->arn, &first);

    COUNT(n, first);
    p->out->groups = arena_array(p->keep, n, sizeof *p->out->groups);
    for (const struct target_group *g = first; r == 0 && g != NULL; g = g->next)
        r = compile_group(p, g, &p->out->groups[p->out->group_count++]);
    return r;
}

static struct dp_group *find_group(void *data, struct str arn)
{
    const struct pass *p = data;

    for (size_t i = 0; i < p->out->group_count; i++)
        if (str_eq(p->out->groups[i].arn, arn))
            return &p->out->groups[i];
    return NULL;
}

/* --- listeners ----------------------------------------------------------------------------- */

static void compile_rule(struct pass *p, const struct listener_rule *from, struct dp_rule *to)
{
    CLEANUP(json_freep) cJSON *conditions = json_parse(from->conditions, NULL);
    CLEANUP(json_freep) cJSON *actions = json_parse(from->actions, NULL);
    CLEANUP(json_freep) cJSON *transforms = json_parse(from->transforms, NULL);
    struct routing_rule_text text = {conditions, actions, transforms};

    to->arn = arena_str(p->keep, from->arn);
    to->priority = (int32_t)from->priority;
    routing_compile_rule(p->keep, to, &text, find_group, p);
}

static int compile_listener(struct pass *p, const struct listener *from, struct dp_listener *to)
{
    struct listener_rule *first = NULL;
    struct lb_attribute *attributes = NULL;
    size_t n = 0;
    int r = listener_rule_list(p->c->store, p->c->arena, from->arn, &first);

    if (r == 0)
        r = lb_attribute_list(p->c->store, p->c->arena, from->arn, &attributes);

    *to = (struct dp_listener){
        .arn = arena_str(p->keep, from->arn),
        .port = (uint16_t)from->port,
        .protocol = str_is(from->protocol, "HTTPS") ? DP_HTTPS : DP_HTTP,
    };
    routing_read_listener_attributes(p->keep, attributes, to);
    COUNT(n, first);
    to->rules = arena_array(p->keep, n, sizeof *to->rules);
    for (const struct listener_rule *rule = first; r == 0 && rule != NULL; rule = rule->next)
        compile_rule(p, rule, &to->rules[to->rule_count++]);
    if (r == 0 && to->protocol == DP_HTTPS)
        r = routing_compile_tls(p->c, from, p->out->attributes.http2, p->c->before, to);
    return r;
}

static int compile_listeners(struct pass *p)
{
    struct listener *first = NULL;
    size_t n = 0;
    int r = listener_list(p->c->store, p->c->arena, p->lb->arn, &first);

    COUNT(n, first);
    p->out->listeners = arena_array(p->keep, n, sizeof *p->out->listeners);
    for (const struct listener *l = first; r == 0 && l != NULL; l = l->next)
        r = compile_listener(p, l, &p->out->listeners[p->out->listener_count++]);
    return r;
}

/* --- names, addresses and who may come ----------------------------------------------------- */

/* A load balancer answers to its name under amazonaws.com and under localhost, whichever is handed
 * out. */
static void name_it(struct pass *p)
{
    static const struct str domains[] = {STR_INIT("localhost"), STR_INIT("amazonaws.com")};
    struct str name = arena_str(p->keep, p->lb->dns_name);
    size_t mark = str_find(name, S(".elb."));
    struct dp_balancer *b = p->out;

    b->dns_name = name;
    b->names = arena_array(p->keep, 1 + ARRAY_LEN(domains), sizeof *b->names);
    b->names[b->name_count++] = name;
    for (size_t i = 0; mark != STR_NONE && i < ARRAY_LEN(domains); i++)
        b->names[b->name_count++] = arena_printf(
            p->keep, "%.*s.elb.%.*s", STR_ARG(str_first(name, mark)), STR_ARG(domains[i]));
}

static void add_block(struct pass *p, uint32_t address)
{
    struct dp_balancer *b = p->out;
    struct sockaddr_in at;
    uint32_t there;

    if (!fabric_locate(p->c->fabric, address, 80, &at))
        return;
    there = ntohl(at.sin_addr.s_addr);
    if ((there & 0xffff) != (address & 0xffff))
        return; /* everything is at one address here */
    for (size_t i = 0; i < b->block_count; i++)
        if (b->blocks[i].vpc == address >> 16)
            return;
    b->blocks[b->block_count++] =
        (struct dp_block){.vpc = (uint16_t)(address >> 16), .loopback = (uint16_t)(there >> 16)};
}

static void open_doors(struct pass *p)
{
    struct dp_balancer *b = p->out;
    size_t most = b->address_count * b->listener_count;

    b->doors = arena_array(p->keep, most, sizeof *b->doors);
    b->door_zones = arena_array(p->keep, most, sizeof *b->door_zones);
    b->door_ports = arena_array(p->keep, most, sizeof *b->door_ports);
    b->blocks = arena_array(p->keep, b->address_count, sizeof *b->blocks);
    for (size_t i = 0; i < b->address_count; i++) {
        add_block(p, b->addresses[i]);
        for (size_t l = 0; l < b->listener_count; l++)
            if (fabric_locate(p->c->fabric, b->addresses[i], b->listeners[l].port,
                              &b->doors[b->door_count])) {
                b->door_zones[b->door_count] = b->address_zones[i];
                b->door_ports[b->door_count++] = b->listeners[l].port;
            }
    }
}

static int read_addresses(struct pass *p)
{
    struct network_interface *first = NULL;
    size_t n = 0;
    int r = interface_list_by_owner(p->c->store, p->c->arena, p->lb->arn, &first);

    COUNT(n, first);
    p->out->addresses = arena_array(p->keep, n, sizeof *p->out->addresses);
    p->out->address_zones = arena_array(p->keep, n, sizeof *p->out->address_zones);
    for (const struct network_interface *i = first; r == 0 && i != NULL; i = i->next) {
        routing_use(p->c, i->id);
        if (fabric_parse_address(i->address, &p->out->addresses[p->out->address_count]))
            p->out->address_zones[p->out->address_count++] = arena_str(p->keep, i->zone);
    }
    p->front.end.addresses = p->out->addresses;
    p->front.end.address_count = p->out->address_count;
    return r;
}

static int read_own_groups(struct pass *p)
{
    struct load_balancer_group *first = NULL;
    struct str *groups;
    size_t n = 0;
    int r = load_balancer_group_list(p->c->store, p->c->arena, p->lb->arn, &first);

    if (r < 0)
        return r;
    COUNT(n, first);
    groups = arena_array(p->c->arena, n, sizeof *groups);
    for (const struct load_balancer_group *g = first; g != NULL; g = g->next)
        groups[p->front.end.group_count++] = g->group_id;
    p->front.end.groups = groups;
    return routing_read_groups(p->c, &p->front.end);
}

/* A permission that names a group means the addresses of its members. */
static int add_members(struct pass *p, const struct sg_permission *from, struct dp_ingress **at,
                       size_t *n)
{
    struct network_interface *first = NULL;
    struct dp_ingress *grown;
    size_t members = 0;
    int r = interface_list_by_group(p->c->store, p->c->arena, from->group, &first);

    if (r < 0)
        return r;
    routing_use(p->c, from->group);
    COUNT(members, first);
    grown = arena_array(p->c->arena, *n + members, sizeof *grown);
    if (*n > 0)
        memcpy(grown, *at, *n * sizeof *grown);
    for (const struct network_interface *i = first; i != NULL; i = i->next) {
        struct dp_ingress in = {.source.mask = UINT32_MAX,
                                .first_port = from->first_port,
                                .last_port = from->last_port};

        if (fabric_parse_address(i->address, &in.source.address))
            grown[(*n)++] = in;
    }
    *at = grown;
    return 0;
}

static int admit(struct pass *p)
{
    const struct routed_end *end = &p->front.end;
    struct dp_ingress *at = arena_array(p->c->arena, end->inbound_count, sizeof *at);
    size_t n = 0;
    int r = 0;

    p->out->ingress_enforced = p->c->security_groups && end->group_count > 0;
    for (size_t i = 0; i < end->inbound_count; i++) {
        const struct sg_permission *from = &end->inbound[i];
        bool any = from->protocol == VERDICT_ANY;

        if (!from->by_group)
            at[n++] = (struct dp_ingress){.source = from->prefix,
                                          .first_port = any ? 0 : from->first_port,
                                          .last_port = any ? UINT16_MAX : from->last_port};
    }
    for (size_t i = 0; r == 0 && i < end->inbound_count; i++)
        if (end->inbound[i].by_group)
            r = add_members(p, &end->inbound[i], &at, &n);
    p->out->ingress = arena_array(p->keep, n, sizeof *at);
    if (n > 0)
        memcpy(p->out->ingress, at, n * sizeof *at);
    p->out->ingress_count = n;
    return r;
}

static int compile(struct pass *p)
{
    static int (*const steps[])(struct pass *) = {
        read_attributes, read_addresses, read_own_groups, admit, compile_groups, compile_listeners,
    };
    int r = load_balancer_zone_list(p->c->store, p->c->arena, p->lb->arn, &p->front.zones);

    p->front.vpc = p->lb->vpc;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(steps); i++)
        r = steps[i](p);
    if (r < 0)
        return r;
    name_it(p);
    open_doors(p);
    dp_balancer_seal(p->out);
    return 0;
}

int routing_compile_balancer(struct routing_compiler *c, const struct load_balancer *lb,
                             struct dp_balancer **ret_balancer, struct routed_health **ret_health)
{
    struct dp_balancer *b = dp_balancer_new(lb->arn);
    struct routed_health *health = NULL;
    struct pass p = {.c = c, .lb = lb, .out = b, .keep = &b->arena, .health_tail = &health};
    int r = compile(&p);

    if (r < 0) {
        dp_balancer_unref(b);
        return r;
    }
    *ret_balancer = b;
    *ret_health = health;
    return 0;
}

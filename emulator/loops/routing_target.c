/* A target's place, state and reachability.
 * Source: ELB API Reference 2015-12-01, TargetHealth; Application Load Balancers User Guide,
 * "Target health status"; Amazon VPC User Guide, "Security group rules". */
#include "loops/routing_target.h"

#include "base/macros.h"

void routing_use(struct routing_compiler *c, struct str id)
{
    static char used;

    if (id.n > 0 && map_get(c->uses, id) == NULL)
        (void)map_put(c->uses, arena_str(c->arena, id), &used);
}

/* --- security groups ----------------------------------------------------------------------- */

static bool read_permission(const struct security_group_rule *r, struct sg_permission *ret)
{
    *ret = (struct sg_permission){.by_group = r->peer_group.n > 0, .group = r->peer_group};
    if (!verdict_carries_tcp(r->protocol, &ret->protocol))
        return false;
    ret->first_port = r->from_port < 0 ? 0 : (uint16_t)r->from_port;
    ret->last_port = r->to_port < 0 ? UINT16_MAX : (uint16_t)r->to_port;
    return ret->by_group || verdict_parse_prefix(r->cidr, &ret->prefix);
}

static size_t count_rules(const struct security_group_rule *r)
{
    size_t n = 0;

    for (; r != NULL; r = r->next)
        n++;
    return n;
}

/* Adds the permissions of one direction to those there are. */
static void add_permissions(struct arena *a, const struct security_group_rule *rules, bool egress,
                            const struct sg_permission **at, size_t *n)
{
    struct sg_permission *grown = arena_array(a, *n + count_rules(rules), sizeof *grown);

    if (*n > 0)
        memcpy(grown, *at, *n * sizeof *grown);
    for (const struct security_group_rule *r = rules; r != NULL; r = r->next)
        if (r->egress == egress && read_permission(r, &grown[*n]))
            (*n)++;
    *at = grown;
}

int routing_read_groups(struct routing_compiler *c, struct routed_end *end)
{
    for (size_t i = 0; i < end->group_count; i++) {
        struct security_group_rule *rules = NULL;
        int r = security_group_rule_list(c->store, c->arena, end->groups[i], &rules);

        if (r < 0)
            return r;
        routing_use(c, end->groups[i]);
        add_permissions(c->arena, rules, false, &end->inbound, &end->inbound_count);
        add_permissions(c->arena, rules, true, &end->outbound, &end->outbound_count);
    }
    return 0;
}

static bool peer_may(const struct sg_permission *permissions, size_t n, uint16_t port,
                     const struct routed_end *peer)
{
    for (size_t i = 0; i < peer->address_count; i++) {
        struct sg_peer one = {.address = peer->addresses[i],
                              .groups = peer->groups,
                              .group_count = peer->group_count};

        if (verdict_allows(permissions, n, port, &one))
            return true;
    }
    return false;
}

/* Out of the load balancer and into the target. A target of which the network knows no interface
 * has no groups that could keep anybody out. */
static bool may_reach(const struct routing_compiler *c, const struct routed_end *from,
                      const struct routed_end *to, uint16_t port)
{
    if (!c->security_groups)
        return true;
    if (from->group_count > 0 && !peer_may(from->outbound, from->outbound_count, port, to))
        return false;
    return to->group_count == 0 || from->address_count == 0 ||
           peer_may(to->inbound, to->inbound_count, port, from);
}

static int read_interface_groups(struct routing_compiler *c, struct str interface,
                                 struct routed_end *end)
{
    struct interface_group *first = NULL;
    struct str *groups;
    size_t n = 0;
    int r = interface_group_list(c->store, c->arena, interface, &first);

    if (r < 0)
        return r;
    for (const struct interface_group *g = first; g != NULL; g = g->next)
        n++;
    groups = arena_array(c->arena, n, sizeof *groups);
    for (const struct interface_group *g = first; g != NULL; g = g->next)
        groups[end->group_count++] = g->group_id;
    end->groups = groups;
    return routing_read_groups(c, end);
}

/* --- where and whether --------------------------------------------------------------------- */

struct words {
    struct str state, reason, description;
};

static const struct words not_in_use = {
    STR_INIT("unused"), STR_INIT("Target.NotInUse"),
    STR_INIT("Target group is not configured to receive traffic from the load balancer")};
static const struct words other_zone = {
    STR_INIT("unused"), STR_INIT("Target.NotInUse"),
    STR_INIT("Target is in an Availability Zone that is not enabled for the load balancer")};
static const struct words draining = {STR_INIT("draining"),
                                      STR_INIT("Target.DeregistrationInProgress"),
                                      STR_INIT("Target deregistration is in progress")};
static const struct words initial = {STR_INIT("initial"), STR_INIT("Elb.InitialHealthChecking"),
                                     STR_INIT("Initial health checks in progress")};
static const struct words unchecked = {STR_INIT("unavailable"),
                                       STR_INIT("Target.HealthCheckDisabled"),
                                       STR_INIT("Health checks are disabled")};

/* What instance states make of a target. */
static const struct {
    int64_t state;
    struct words words;
} instance_states[] = {
    {INSTANCE_STOPPING,
     {STR_INIT("unused"), STR_INIT("Target.InvalidState"),
      STR_INIT("Target is in the stopped state")}   },
    {INSTANCE_STOPPED,
     {STR_INIT("unused"), STR_INIT("Target.InvalidState"),
      STR_INIT("Target is in the stopped state")}   },
    {INSTANCE_SHUTTING_DOWN,
     {STR_INIT("unused"), STR_INIT("Target.InvalidState"),
      STR_INIT("Target is in the terminated state")}},
    {INSTANCE_TERMINATED,
     {STR_INIT("unused"), STR_INIT("Target.InvalidState"),
      STR_INIT("Target is in the terminated state")}},
};

static void say(struct target_health *h, const struct words *w)
{
    h->state = w->state;
    h->reason = w->reason;
    h->description = w->description;
}

static const struct words *words_of_instance(int64_t state)
{
    for (size_t i = 0; i < ARRAY_LEN(instance_states); i++)
        if (instance_states[i].state == state)
            return &instance_states[i].words;
    return NULL;
}

/* What the network knows of a target. */
struct place {
    bool found;
    uint32_t address;
    struct str zone, interface;
    const struct words *unfit; /* why it can take no traffic; NULL when it can */
};

static int find_instance(struct routing_compiler *c, struct str id, struct place *p)
{
    struct instance *instance = NULL;
    struct network_interface *eni = NULL;
    int r = instance_find(c->store, c->arena, id, &instance);

    routing_use(c, id);
    if (r == 0 && instance != NULL)
        r = interface_list_by_instance(c->store, c->arena, id, &eni);
    if (r < 0)
        return r;
    p->unfit = instance == NULL ? words_of_instance(INSTANCE_TERMINATED)
                                : words_of_instance(instance->state);
    while (eni != NULL && eni->device_index != 0)
        eni = eni->next;
    if (eni == NULL)
        return 0;
    p->found = fabric_parse_address(eni->address, &p->address);
    p->zone = instance->zone;
    p->interface = eni->id;
    return 0;
}

/* An address outside every subnet is a target too; nothing is known of it then. */
static int find_address(struct routing_compiler *c, struct str vpc, struct str address,
                        struct place *p)
{
    struct network_interface *eni = NULL;
    int r = interface_find_by_address(c->store, c->arena, vpc, address, &eni);

    if (r < 0)
        return r;
    p->found = fabric_parse_address(address, &p->address);
    if (eni == NULL)
        return 0;
    p->zone = eni->zone;
    p->interface = eni->id;
    routing_use(c, eni->id);
    return 0;
}

static bool zone_enabled(const struct routed_front *front, struct str zone)
{
    if (zone.n == 0 || front->zones == NULL)
        return true;
    for (const struct load_balancer_zone *z = front->zones; z != NULL; z = z->next)
        if (str_eq(z->zone, zone))
            return true;
    return false;
}

/* "traffic-port" is the target's own. */
static uint16_t health_port(const struct target_group *group, const struct target *t)
{
    int64_t port;

    if (str_to_int(group->health_port, &port) && port > 0 && port <= UINT16_MAX)
        return (uint16_t)port;
    return (uint16_t)t->port;
}

static int connect_target(struct routing_compiler *c, const struct routed_front *front,
                          const struct place *p, struct dp_target *to)
{
    struct routed_end end = {.addresses = &p->address, .address_count = 1};
    int r = p->interface.n > 0 ? read_interface_groups(c, p->interface, &end) : 0;

    if (r < 0)
        return r;
    to->address = p->address;
    to->reachable = may_reach(c, &front->end, &end, to->port);
    to->health_reachable = may_reach(c, &front->end, &end, to->health_port);
    if (!fabric_locate(c->fabric, p->address, to->port, &to->at) ||
        !fabric_locate(c->fabric, p->address, to->health_port, &to->health_at))
        to->reachable = to->health_reachable = false;
    return 0;
}

/* What health checks found so far; nothing for a target that was not checked before. */
static int read_health(struct routing_compiler *c, const struct target_group *group,
                       struct dp_target *to, struct target_health *h)
{
    int r;

    if (!group->health_enabled) {
        to->state = DP_TARGET_UNAVAILABLE;
        say(h, &unchecked);
        return 0;
    }
    r = target_health_get(c->store, c->arena, h->group_arn, h->target_id, h->port, h);
    if (r < 0)
        return r;
    if (str_is(h->state, "healthy"))
        to->state = DP_TARGET_HEALTHY;
    else if (str_is(h->state, "unhealthy"))
        to->state = DP_TARGET_UNHEALTHY;
    else
        say(h, &initial); /* also one that comes back from draining or from being unused */
    return 0;
}

int routing_compile_target(struct routing_compiler *c, const struct routed_front *front,
                           const struct target_group *group, const struct target *from,
                           struct dp_target *to, struct target_health *ret_health)
{
    struct target_health h = {.group_arn = group->arn, .target_id = from->id, .port = from->port};
    struct place place = {0};
    bool by_id = str_is(group->target_type, "instance");
    int r =
        by_id ? find_instance(c, from->id, &place) : find_address(c, front->vpc, from->id, &place);

    to->zone = str_is(from->zone, "all") ? (struct str){0} : place.zone; /* the pass's arena */
    to->port = (uint16_t)from->port;
    to->health_port = health_port(group, from);
    to->state = DP_TARGET_INITIAL;
    if (r == 0 && place.found)
        r = connect_target(c, front, &place, to);
    if (r < 0)
        return r;
    if (from->draining_until > 0) {
        to->state = DP_TARGET_DRAINING;
        say(&h, &draining);
    } else if (place.unfit != NULL || !place.found) {
        to->state = DP_TARGET_UNUSED;
        say(&h, place.unfit != NULL ? place.unfit : &not_in_use);
    } else if (!zone_enabled(front, place.zone)) {
        to->state = DP_TARGET_UNUSED;
        say(&h, &other_zone);
    } else {
        r = read_health(c, group, to, &h);
    }
    *ret_health = h;
    return r;
}

int routing_unused_group(struct routing_compiler *c, struct str group_arn,
                         struct routed_health **ret_health)
{
    struct routed_health *first = NULL;
    struct target *t = NULL;
    int r = target_list(c->store, c->arena, group_arn, &t);

    for (; r == 0 && t != NULL; t = t->next) {
        struct routed_health *h = arena_alloc(c->arena, sizeof *h);

        h->health =
            (struct target_health){.group_arn = group_arn, .target_id = t->id, .port = t->port};
        say(&h->health, t->draining_until > 0 ? &draining : &not_in_use);
        h->next = first;
        first = h;
    }
    if (r == 0)
        *ret_health = first;
    return r;
}

/* Targets: registration, deregistration with its delay, and health as the data plane found it.
 * Source: ELB API Reference 2015-12-01, RegisterTargets, DeregisterTargets, DescribeTargetHealth.
 */
#include "aws/elbv2.h"

#include <arpa/inet.h>

#include "base/macros.h"
#include "store/target_health.h"

enum { DEFAULT_DELAY_S = 300 };

/* --- what may be registered ------------------------------------------------------------------ */

static bool is_hex(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.at[i] >= '0' && s.at[i] <= '9') || (s.at[i] >= 'a' && s.at[i] <= 'f')))
            return false;
    return s.n == 8 || s.n == 17;
}

static int check_instance(struct call *c, const struct target_group *g, struct str id)
{
    struct instance *instance = NULL;
    int r;

    if (!str_starts(id, S("i-")) || !is_hex(str_from(id, 2)))
        return elb_refuse(c, &AWS_VALIDATION_ERROR, "Instance ID '%.*s' is not valid", STR_ARG(id));
    r = instance_find(c->store, c->arena, id, &instance);
    if (r < 0)
        return r;
    if (instance == NULL || !str_eq(instance->account, c->account))
        return elb_refuse(c, &elbv2_invalid_target_exception,
                          "The following targets do not exist: '%.*s'", STR_ARG(id));
    if (!str_eq(instance->vpc, g->vpc))
        return elb_refuse(c, &elbv2_invalid_target_exception,
                          "The following targets are not in the target group VPC '%.*s': '%.*s'",
                          STR_ARG(g->vpc), STR_ARG(id));
    if (instance->state != INSTANCE_RUNNING)
        return elb_refuse(c, &elbv2_invalid_target_exception,
                          "The following targets are not in a running state and cannot be "
                          "registered: '%.*s'",
                          STR_ARG(id));
    return 0;
}

static bool read_address(struct arena *a, struct str text, uint32_t *ret)
{
    struct in_addr at;

    if (inet_pton(AF_INET, arena_cstr(a, text), &at) != 1)
        return false;
    *ret = ntohl(at.s_addr);
    return true;
}

static bool in_block(struct arena *a, uint32_t address, struct str cidr)
{
    struct str network, length;
    int64_t bits;
    uint32_t base;

    return str_cut(cidr, '/', &network, &length) && str_to_int(length, &bits) && bits >= 0 &&
           bits <= 32 && read_address(a, network, &base) &&
           (bits == 0 || ((address ^ base) >> (32 - bits)) == 0);
}

/* Addresses that may be targets outside the VPC: a peer's, or on premises. */
static bool is_private(struct arena *a, uint32_t address)
{
    static const struct str blocks[] = {STR_INIT("10.0.0.0/8"), STR_INIT("172.16.0.0/12"),
                                        STR_INIT("192.168.0.0/16"), STR_INIT("100.64.0.0/10")};

    for (size_t i = 0; i < ARRAY_LEN(blocks); i++)
        if (in_block(a, address, blocks[i]))
            return true;
    return false;
}

static int in_vpc(struct call *c, struct str vpc, uint32_t address, bool *ret)
{
    struct vpc_cidr *block = NULL;
    int r = vpc_cidr_list(c->store, c->arena, vpc, &block);

    *ret = false;
    for (; block != NULL; block = block->next)
        *ret = *ret || in_block(c->arena, address, block->cidr);
    return r;
}

/* Where an address of the VPC is; empty where no subnet has it. */
static int zone_of(struct call *c, struct str vpc, uint32_t address, struct str *ret_zone)
{
    struct subnet *subnet = NULL;
    int r = subnet_list_of_vpc(c->store, c->arena, vpc, &subnet);

    for (; subnet != NULL; subnet = subnet->next)
        if (in_block(c->arena, address, subnet->cidr))
            *ret_zone = subnet->zone;
    return r;
}

static int check_address(struct call *c, const struct target_group *g,
                         const struct elbv2_target_description *t, struct str *ret_zone)
{
    struct network_interface *eni = NULL;
    uint32_t address = 0;
    bool inside = false;
    int r;

    if (str_is(g->ip_address_type, "ipv6")) {
        struct in6_addr six;

        if (inet_pton(AF_INET6, arena_cstr(c->arena, t->id), &six) == 1)
            return 0;
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "The IP address '%.*s' is not a valid IPv6 address", STR_ARG(t->id));
    }
    if (!read_address(c->arena, t->id, &address))
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "The IP address '%.*s' is not a valid IPv4 address", STR_ARG(t->id));
    r = in_vpc(c, g->vpc, address, &inside);
    if (r < 0)
        return r;
    if (!inside && !is_private(c->arena, address))
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "The IP address '%.*s' is not within the CIDR blocks of the VPC "
                          "'%.*s', or of the private address ranges",
                          STR_ARG(t->id), STR_ARG(g->vpc));
    if (!inside && t->availability_zone.n == 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "You must specify an Availability Zone or 'all' for the IP address "
                          "'%.*s', which is outside the VPC '%.*s'",
                          STR_ARG(t->id), STR_ARG(g->vpc));
    r = interface_find_by_address(c->store, c->arena, g->vpc, t->id, &eni);
    if (r == 0 && eni != NULL && str_is(eni->requester, "amazon-elb"))
        r = elb_refuse(c, &elbv2_invalid_target_exception,
                       "The IP address '%.*s' cannot be used as a target, as it is in use by a "
                       "load balancer",
                       STR_ARG(t->id));
    return r != 0 ? r : zone_of(c, g->vpc, address, ret_zone);
}

static int check_balancer(struct call *c, const struct target_group *g,
                          const struct elbv2_target_description *t)
{
    struct load_balancer *lb = NULL;
    struct listener *listener = NULL;
    int r = elb_need_balancer(c, t->id, &lb);

    if (r != 0)
        return r;
    if (!str_is(lb->type, "application") || !str_eq(lb->vpc, g->vpc))
        return elb_refuse(c, &elbv2_invalid_target_exception,
                          "The following targets are not Application Load Balancers in the target "
                          "group VPC '%.*s': '%.*s'",
                          STR_ARG(g->vpc), STR_ARG(t->id));
    if (t->port.set && t->port.v != g->port)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "The target port must be the port of the target group, '%lld'",
                          (long long)g->port);
    r = listener_find_by_port(c->store, c->arena, lb->arn, g->port, &listener);
    if (r == 0 && listener == NULL)
        r = elb_refuse(c, &elbv2_invalid_target_exception,
                       "The Application Load Balancer '%.*s' has no listener on port '%lld'",
                       STR_ARG(t->id), (long long)g->port);
    return r;
}

static int check_function(struct call *c, const struct elbv2_target_description *t)
{
    if (str_starts(t->id, S("arn:")) && str_find(t->id, S(":lambda:")) != STR_NONE &&
        str_find(t->id, S(":function:")) != STR_NONE && !t->port.set)
        return 0;
    return elb_refuse(c, &AWS_VALIDATION_ERROR, "%s",
                      t->port.set
                          ? "A port cannot be specified for target groups with target type 'lambda'"
                          : "The target ID must be the ARN of a Lambda function");
}

static int check_target(struct call *c, const struct target_group *g,
                        const struct elbv2_target_description *t, struct str *ret_zone)
{
    if (str_is(g->target_type, "ip"))
        return check_address(c, g, t, ret_zone);
    if (str_is(g->target_type, "alb"))
        return check_balancer(c, g, t);
    if (str_is(g->target_type, "lambda"))
        return check_function(c, t);
    return check_instance(c, g, t->id);
}

/* --- registration ---------------------------------------------------------------------------- */

static int register_one(struct call *c, const struct target_group *g,
                        const struct elbv2_target_description *t)
{
    struct target row = {.target_group = g->arn,
                         .id = t->id,
                         .port = t->port.set ? t->port.v : g->port,
                         .zone = t->availability_zone,
                         .registered = c->now,
                         .quic_server_id = t->quic_server_id};
    struct target *known = NULL;
    int r = check_target(c, g, t, &row.zone);

    if (t->availability_zone.n > 0)
        row.zone = t->availability_zone;
    if (r == 0)
        r = target_find(c->store, c->arena, g->arn, row.id, row.port, &known);
    if (r != 0 || (known != NULL && known->draining_until == 0))
        return r; /* again is nothing */
    r = target_health_forget(c->store, g->arn, row.id, row.port);
    return r == 0 ? target_put(c->store, &row) : r;
}

static int check_target_count(struct call *c, const struct target_group *g)
{
    bool single = str_is(g->target_type, "lambda") || str_is(g->target_type, "alb");
    int64_t n = 0;
    int r = target_count(c->store, g->arn, &n);

    if (r == 0 && single && n > 1)
        return elb_refuse(c, &elbv2_too_many_targets_exception,
                          "You've reached the limit on the number of targets");
    return r == 0 ? elb_check_limit(c, "targets-per-target-group", n,
                                    &elbv2_too_many_targets_exception)
                  : r;
}

static int check_given(struct call *c, size_t n)
{
    if (n > 0)
        return 0;
    return elb_refuse(c, &AWS_VALIDATION_ERROR, "At least one target must be specified");
}

struct done elb_register_targets(struct call *c, const void *input)
{
    const struct elbv2_register_targets_input *in = input;
    struct target_group *g = NULL;
    int r = elb_need_group(c, in->target_group_arn, &g);

    if (r == 0)
        r = check_given(c, in->targets.n);
    for (size_t i = 0; r == 0 && i < in->targets.n; i++)
        r = register_one(c, g, &in->targets.at[i]);
    if (r == 0)
        r = check_target_count(c, g);
    return elb_answer(c, r, NULL);
}

/* --- deregistration -------------------------------------------------------------------------- */

/* How long a deregistered target of the group drains, ms; 0 where nothing goes to it anyway. */
static int read_delay(struct call *c, const struct target_group *g, int64_t *ret_ms)
{
    struct load_balancer *user = NULL;
    struct str text = {0};
    int64_t seconds = DEFAULT_DELAY_S;
    int r = load_balancer_list_by_target_group(c->store, c->arena, g->arn, &user);

    if (r == 0)
        r = elb_attribute(c, g->arn, "deregistration_delay.timeout_seconds", &text);
    (void)str_to_int(text, &seconds);
    *ret_ms = user == NULL || str_is(g->target_type, "lambda") ? 0 : seconds * 1000;
    return r;
}

static int deregister_one(struct call *c, struct target *row, int64_t delay)
{
    int r;

    if (row->draining_until > 0)
        return 0;
    if (delay > 0) {
        row->draining_until = c->now + delay;
        return target_put(c->store, row);
    }
    r = target_health_forget(c->store, row->target_group, row->id, row->port);
    return r == 0 ? target_remove(c->store, row->target_group, row->id, row->port) : r;
}

struct done elb_deregister_targets(struct call *c, const void *input)
{
    const struct elbv2_deregister_targets_input *in = input;
    struct target_group *g = NULL;
    struct target *first = NULL;
    int64_t delay = 0;
    int r = elb_need_group(c, in->target_group_arn, &g);

    if (r == 0)
        r = check_given(c, in->targets.n);
    if (r == 0)
        r = read_delay(c, g, &delay);
    if (r == 0)
        r = target_list(c->store, c->arena, g->arn, &first);
    for (size_t i = 0; r == 0 && i < in->targets.n; i++) {
        const struct elbv2_target_description *t = &in->targets.at[i];

        for (struct target *row = first; r == 0 && row != NULL; row = row->next)
            if (str_eq(row->id, t->id) && (!t->port.set || t->port.v == row->port))
                r = deregister_one(c, row, delay);
    }
    return elb_answer(c, r, NULL);
}

/* --- health ---------------------------------------------------------------------------------- */

struct words {
    struct str state, reason, description;
};

static const struct words not_registered = {
    STR_INIT("unused"), STR_INIT("Target.NotRegistered"),
    STR_INIT("Target is not registered to the target group")};
static const struct words not_in_use = {
    STR_INIT("unused"), STR_INIT("Target.NotInUse"),
    STR_INIT("Target group is not configured to receive traffic from the load balancer")};
static const struct words draining = {STR_INIT("draining"),
                                      STR_INIT("Target.DeregistrationInProgress"),
                                      STR_INIT("Target deregistration is in progress")};

/* Answers of one DescribeTargetHealth. */
struct health_page {
    struct call *c;
    const struct target_group *g;
    bool in_use;
    bool anomalies;
};

static const struct elbv2_target_health *say(struct call *c, const struct words *w)
{
    struct elbv2_target_health *h = arena_alloc(c->arena, sizeof *h);

    *h = (struct elbv2_target_health){w->state, elb_some(w->reason), elb_some(w->description)};
    return h;
}

static int read_words(const struct health_page *p, const struct target *row, struct words *ret)
{
    struct target_health h;
    int r;

    if (row->draining_until > 0) {
        *ret = draining;
        return 0;
    }
    if (!p->in_use) {
        *ret = not_in_use;
        return 0;
    }
    r = target_health_get(p->c->store, p->c->arena, p->g->arn, row->id, row->port, &h);
    if (r == 0)
        *ret = (struct words){h.state, h.reason, h.description};
    return r;
}

static int show_health(const struct health_page *p, const struct target *row,
                       struct elbv2_target_health_description *ret)
{
    struct call *c = p->c;
    struct elbv2_target_description *t = arena_alloc(c->arena, sizeof *t);
    struct elbv2_anomaly_detection *anomaly = arena_alloc(c->arena, sizeof *anomaly);
    bool lambda = str_is(p->g->target_type, "lambda");
    struct words w = {0};
    int r = read_words(p, row, &w);

    *t = (struct elbv2_target_description){
        row->id, {!lambda, row->port},
         elb_some(row->zone), elb_some(row->quic_server_id)
    };
    ret->target = t;
    ret->target_health = say(c, &w);
    if (!lambda && !str_is(w.state, "unused"))
        ret->health_check_port = str_is(p->g->health_port, "traffic-port")
                                     ? arena_printf(c->arena, "%lld", (long long)row->port)
                                     : elb_some(p->g->health_port);
    if (p->anomalies) {
        *anomaly = (struct elbv2_anomaly_detection){S("normal"), S("no")};
        ret->anomaly_detection = anomaly;
    }
    return r;
}

static int show_asked(const struct health_page *p, const struct elbv2_target_description *asked,
                      struct elbv2_target_health_description *ret)
{
    struct elbv2_target_description *t = arena_alloc(p->c->arena, sizeof *t);
    struct target *row = NULL;
    int64_t port = asked->port.set ? asked->port.v : p->g->port;
    int r = target_find(p->c->store, p->c->arena, p->g->arn, asked->id, port, &row);

    if (r < 0 || row != NULL)
        return r < 0 ? r : show_health(p, row, ret);
    *t = *asked;
    if (!str_is(p->g->target_type, "lambda"))
        t->port = OPT_INT(port);
    ret->target = t;
    ret->target_health = say(p->c, &not_registered);
    return 0;
}

struct done elb_describe_target_health(struct call *c, const void *input)
{
    const struct elbv2_describe_target_health_input *in = input;
    struct elbv2_describe_target_health_output out = {0};
    struct health_page p = {.c = c};
    struct load_balancer *user = NULL;
    struct target_group *g = NULL;
    struct target *first = NULL;
    size_t n = in->targets.n;
    int r = elb_need_group(c, in->target_group_arn, &g);

    if (r == 0)
        r = load_balancer_list_by_target_group(c->store, c->arena, g->arn, &user);
    if (r == 0 && n == 0)
        r = target_list(c->store, c->arena, g->arn, &first);
    p.g = g;
    p.in_use = user != NULL;
    p.anomalies = elb_has(in->include.at, in->include.n, S("AnomalyDetection")) ||
                  elb_has(in->include.at, in->include.n, S("All"));
    ELB_COUNT(n, first);
    out.target_health_descriptions.at =
        arena_array(c->arena, n, sizeof *out.target_health_descriptions.at);
    for (const struct target *t = first; r == 0 && t != NULL; t = t->next)
        r = show_health(&p, t,
                        &out.target_health_descriptions.at[out.target_health_descriptions.n++]);
    for (size_t i = 0; r == 0 && i < in->targets.n; i++)
        r = show_asked(&p, &in->targets.at[i],
                       &out.target_health_descriptions.at[out.target_health_descriptions.n++]);
    return elb_answer(c, r, &out);
}

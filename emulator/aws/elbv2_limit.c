/* Account limits. What hangs on one load balancer, rule or group is held at AWS's default; how many
 * load balancers and groups an account may have is held only where a setting says so, since a real
 * account has those raised on demand.
 * DIFFERS: the limits of an account as a whole are told, and not held unless they are set.
 * Source: Application Load Balancers User Guide, "Quotas"; ELB API Reference,
 * DescribeAccountLimits. */
#include "aws/elbv2.h"

#include "base/macros.h"
#include "store/setting.h"

static const struct limit {
    const char *name;
    int64_t most;
    bool held; /* without a setting */
} limits[] = {
    {"application-load-balancers",                              50,   false},
    {"target-groups",                                           3000, false},
    {"targets-per-application-load-balancer",                   1000, true },
    {"target-id-registrations-per-application-load-balancer",   1000, true },
    {"listeners-per-application-load-balancer",                 50,   true },
    {"rules-per-application-load-balancer",                     100,  true },
    {"certificates-per-application-load-balancer",              25,   true },
    {"target-groups-per-application-load-balancer",             100,  true },
    {"target-groups-per-action-on-application-load-balancer",   5,    true },
    {"condition-values-per-alb-rule",                           5,    true },
    {"condition-wildcards-per-alb-rule",                        5,    true },
    {"targets-per-target-group",                                1000, true },
    {"network-load-balancers",                                  50,   false},
    {"listeners-per-network-load-balancer",                     50,   true },
    {"targets-per-network-load-balancer",                       3000, true },
    {"targets-per-availability-zone-per-network-load-balancer", 500,  true },
    {"certificates-per-network-load-balancer",                  25,   true },
    {"target-groups-per-action-on-network-load-balancer",       1,    true },
    {"network-load-balancer-enis-per-vpc",                      1200, false},
    {"gateway-load-balancers",                                  100,  false},
    {"gateway-load-balancers-per-vpc",                          10,   false},
    {"geneve-target-groups",                                    100,  false},
    {"targets-per-availability-zone-per-gateway-load-balancer", 300,  true },
};

/* What AWS says where a limit is reached. */
static const struct {
    const struct fault *fault;
    const char *text;
} words[] = {
    {&elbv2_too_many_load_balancers_exception,
     "You've reached the limit on the number of load balancers for your AWS account"                                      },
    {&elbv2_too_many_target_groups_exception,
     "You've reached the limit on the number of target groups for your AWS account"                                       },
    {&elbv2_too_many_listeners_exception,
     "You've reached the limit on the number of listeners per load balancer"                                              },
    {&elbv2_too_many_rules_exception,
     "You've reached the limit on the number of rules per load balancer"                                                  },
    {&elbv2_too_many_certificates_exception,
     "You've reached the limit on the number of certificates per load balancer"                                           },
    {&elbv2_too_many_targets_exception,                                "You've reached the limit on the number of targets"},
    {&elbv2_too_many_actions_exception,
     "You've reached the limit on the number of actions per rule"                                                         },
    {&elbv2_too_many_registrations_for_target_id_exception,
     "You've reached the limit on the number of times a target can be registered with a load "
     "balancer"                                                                                                           },
    {&elbv2_too_many_unique_target_groups_per_load_balancer_exception,
     "You've reached the limit on the number of unique target groups per load balancer across all "
     "listeners. If a target group is used by multiple actions for a load balancer, it is counted "
     "as only one use"                                                                                                    },
};

/* The setting's value; -1 where there is none. */
static int read_setting(struct call *c, const char *name, int64_t *ret_value)
{
    struct str path = arena_printf(c->arena, "limit/elasticloadbalancing/%s", name), text = {0};
    int r = setting_get(c->store, c->arena, path, &text);

    *ret_value = -1;
    if (r == 0 && text.n > 0)
        (void)str_to_int(text, ret_value);
    return r;
}

int elb_limit(struct call *c, const char *name, int64_t *ret_most)
{
    int r = read_setting(c, name, ret_most);

    if (r != 0 || *ret_most >= 0)
        return r;
    *ret_most = INT64_MAX;
    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        if (strcmp(limits[i].name, name) == 0 && limits[i].held)
            *ret_most = limits[i].most;
    return 0;
}

int elb_check_limit(struct call *c, const char *name, int64_t n, const struct fault *fault)
{
    int64_t most = 0;
    int r = elb_limit(c, name, &most);

    if (r != 0 || n <= most)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (words[i].fault == fault)
            return elb_refuse(c, fault, "%s", words[i].text);
    return elb_refuse(c, fault, "You've reached the limit '%s'", name);
}

struct done elb_describe_account_limits(struct call *c, const void *input)
{
    const struct elbv2_describe_account_limits_input *in = input;
    struct elbv2_limit *at = arena_array(c->arena, ARRAY_LEN(limits), sizeof *at);
    struct elbv2_describe_account_limits_output out = {0};
    size_t from = 0, n = 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(limits); i++) {
        int64_t most = 0;

        r = read_setting(c, limits[i].name, &most);
        at[i] = (struct elbv2_limit){
            .name = str_c(limits[i].name),
            .max = arena_printf(c->arena, "%lld", (long long)(most >= 0 ? most : limits[i].most)),
        };
    }
    if (r == 0)
        r = elb_page_list(c, in->marker, in->page_size, ARRAY_LEN(limits), &from, &n,
                          &out.next_marker);
    out.limits.at = at + from;
    out.limits.n = n;
    return elb_answer(c, r, &out);
}

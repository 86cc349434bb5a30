/* Account limits. What hangs on one load balancer, rule or group is held at AWS's default; how many
 * load balancers and groups an account may have is held only where a setting says so, since a real
 * account has those raised on demand.
 * DIFFERS: the limits of an account as a whole are told, and not held unless they are set.
 * Source: Application Load Balancers User Guide, "Quotas"; ELB API Reference,
 * DescribeAccountLimits. */
#include "aws/elbv2.h"

#include "aws/aws.h"
#include "base/macros.h"

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

static const struct limit *find_limit(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        if (str_is(name, limits[i].name))
            return &limits[i];
    return NULL;
}

/* "NAME=N" of the server's settings. */
static bool read_setting(struct str text, struct str *ret_name, int64_t *ret_value)
{
    struct str value;

    return str_cut(text, '=', ret_name, &value) && str_to_int(value, ret_value) &&
           *ret_value >= 0 && find_limit(*ret_name) != NULL;
}

bool elb_limits_are_valid(const struct str_list *list, struct str *ret_bad)
{
    for (size_t i = 0; i < list->n; i++) {
        struct str name;
        int64_t value;

        *ret_bad = list->at[i];
        if (!read_setting(list->at[i], &name, &value))
            return false;
    }
    return true;
}

/* What the server's settings say; -1 where they say nothing. The last word counts. */
static int64_t setting_of(struct call *c, const char *limit)
{
    const struct str_list *list = &aws_options_of(c->aws)->limits;
    int64_t found = -1, value;

    for (size_t i = 0; i < list->n; i++) {
        struct str name;

        if (read_setting(list->at[i], &name, &value) && str_is(name, limit))
            found = value;
    }
    return found;
}

int64_t elb_limit(struct call *c, const char *name)
{
    const struct limit *limit = find_limit(str_c(name));
    int64_t set = setting_of(c, name);

    return set >= 0 ? set : limit != NULL && limit->held ? limit->most : INT64_MAX;
}

int elb_check_limit(struct call *c, const char *name, int64_t n, const struct fault *fault)
{
    if (n <= elb_limit(c, name))
        return 0;
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
    int r =
        elb_page_list(c, in->marker, in->page_size, ARRAY_LEN(limits), &from, &n, &out.next_marker);

    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        int64_t set = setting_of(c, limits[i].name);

        at[i] = (struct elbv2_limit){
            .name = str_c(limits[i].name),
            .max = arena_printf(c->arena, "%lld", (long long)(set >= 0 ? set : limits[i].most)),
        };
    }
    out.limits.at = at + from;
    out.limits.n = n;
    return elb_answer(c, r, &out);
}

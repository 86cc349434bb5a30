/* Rules of listeners.
 * Source: ELB API Reference 2015-12-01, CreateRule, ModifyRule, SetRulePriorities, DescribeRules;
 * error texts as AWS gives them. */
#include "aws/elbv2.h"

#include "base/macros.h"

/* --- showing --------------------------------------------------------------------------------- */

int elb_show_rule(struct call *c, const struct listener_rule *rule, struct elbv2_rule *ret)
{
    *ret = (struct elbv2_rule){
        .rule_arn = rule->arn,
        .priority = rule->priority == 0 ? S("default")
                                        : arena_printf(c->arena, "%lld", (long long)rule->priority),
        .is_default = OPT_BOOL(rule->priority == 0),
    };
    ret->conditions.at =
        elb_read_list(c, &elbv2_rule_condition_shape, rule->conditions, &ret->conditions.n);
    ret->actions.at = elb_show_actions(c, rule->actions, &ret->actions.n);
    if (rule->transforms.n > 0)
        ret->transforms.at =
            elb_read_list(c, &elbv2_rule_transform_shape, rule->transforms, &ret->transforms.n);
    return 0;
}

/* --- creation -------------------------------------------------------------------------------- */

static int check_listener(struct call *c, const struct listener *l)
{
    if (elb_is_word(l->protocol, "HTTP|HTTPS"))
        return 0;
    return elb_refuse(c, &elbv2_unsupported_protocol_exception,
                      "Rules are not supported for listeners with protocol '%.*s'",
                      STR_ARG(l->protocol));
}

static int check_priority(struct call *c, struct str listener, int64_t priority)
{
    struct listener_rule *other = NULL;
    int r = listener_rule_find_by_priority(c->store, c->arena, listener, priority, &other);

    if (r == 0 && other != NULL)
        r = elb_refuse(c, &elbv2_priority_in_use_exception, "Priority '%lld' is currently in use",
                       (long long)priority);
    return r;
}

static int check_count(struct call *c, const struct listener *l)
{
    int64_t n = 0;
    int r = listener_rule_count(c->store, l->load_balancer, &n);

    return r < 0 ? r
                 : elb_check_limit(c, "rules-per-application-load-balancer", n + 1,
                                   &elbv2_too_many_rules_exception);
}

struct done elb_create_rule(struct call *c, const void *input)
{
    const struct elbv2_create_rule_input *in = input;
    struct elbv2_create_rule_output out = {0};
    struct listener_rule rule = {.priority = in->priority.v};
    struct elb_action_place place = {0};
    struct load_balancer *lb = NULL;
    struct elb_actions actions = {0};
    struct listener *l = NULL;
    int r = elb_need_listener(c, in->listener_arn, &l);

    if (r == 0)
        r = check_listener(c, l);
    if (r == 0)
        r = elb_balancer_of(c, l, &lb);
    if (r == 0)
        r = elb_read_conditions(c, in->conditions.at, in->conditions.n, &rule.conditions);
    if (r == 0) {
        place = (struct elb_action_place){.lb = lb, .protocol = l->protocol};
        r = elb_read_actions(c, &place, in->actions.at, in->actions.n, &actions);
    }
    if (r == 0 && in->transforms.n > 0)
        r = elb_read_transforms(c, in->transforms.at, in->transforms.n, &rule.transforms);
    if (r == 0)
        r = elb_check_tags(c, in->tags.at, in->tags.n);
    if (r == 0)
        r = check_priority(c, l->arn, rule.priority);
    if (r == 0)
        r = check_count(c, l);
    if (r == 0) {
        rule.arn = elb_new_rule_arn(c, l->arn);
        rule.listener = l->arn;
        rule.actions = actions.json;
        r = listener_rule_insert(c->store, &rule, actions.groups, actions.group_count);
    }
    if (r == 0)
        r = elb_put_tags(c, rule.arn, in->tags.at, in->tags.n);
    out.rules.at = arena_alloc(c->arena, sizeof *out.rules.at);
    out.rules.n = 1;
    if (r == 0)
        r = elb_show_rule(c, &rule, out.rules.at);
    return elb_answer(c, r, &out);
}

/* --- change ---------------------------------------------------------------------------------- */

static int need_changeable(struct call *c, struct str arn, const char *what,
                           struct listener_rule **ret)
{
    int r = elb_need_rule(c, arn, ret);

    if (r == 0 && (*ret)->priority == 0)
        r = elb_refuse(c, &elbv2_operation_not_permitted_exception,
                       "Default rule '%.*s' cannot be %s", STR_ARG(arn), what);
    return r;
}

/* The actions of a modified rule; those that it has where none are given. */
static int change_actions(struct call *c, struct listener_rule *rule,
                          const struct elbv2_modify_rule_input *in, struct elb_actions *actions)
{
    struct elb_action_place place = {0};
    struct load_balancer *lb = NULL;
    struct listener *l = NULL;
    int r = listener_find(c->store, c->arena, rule->listener, &l);

    if (r == 0)
        r = elb_balancer_of(c, l, &lb);
    if (r != 0)
        return r;
    place = (struct elb_action_place){.lb = lb, .protocol = l->protocol};
    place.before = elb_read_list(c, &elbv2_action_shape, rule->actions, &place.before_count);
    r = in->actions.at != NULL
            ? elb_read_actions(c, &place, in->actions.at, in->actions.n, actions)
            : elb_read_actions(c, &place, place.before, place.before_count, actions);
    rule->actions = actions->json;
    return r;
}

static int change_transforms(struct call *c, struct listener_rule *rule,
                             const struct elbv2_modify_rule_input *in)
{
    if (in->reset_transforms.v && in->transforms.n > 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "Transforms and ResetTransforms cannot be specified at the same time");
    if (in->reset_transforms.v)
        rule->transforms = S("");
    if (in->transforms.n == 0)
        return 0;
    return elb_read_transforms(c, in->transforms.at, in->transforms.n, &rule->transforms);
}

struct done elb_modify_rule(struct call *c, const void *input)
{
    const struct elbv2_modify_rule_input *in = input;
    struct elbv2_modify_rule_output out = {0};
    struct elb_actions actions = {0};
    struct listener_rule *rule = NULL;
    int r = need_changeable(c, in->rule_arn, "modified", &rule);

    if (r == 0 && in->conditions.at == NULL && in->actions.at == NULL &&
        in->transforms.at == NULL && !in->reset_transforms.set)
        r = elb_refuse(c, &AWS_VALIDATION_ERROR, "Either conditions or actions must be specified");
    if (r == 0 && in->conditions.at != NULL)
        r = elb_read_conditions(c, in->conditions.at, in->conditions.n, &rule->conditions);
    if (r == 0)
        r = change_actions(c, rule, in, &actions);
    if (r == 0)
        r = change_transforms(c, rule, in);
    if (r == 0)
        r = listener_rule_update(c->store, rule, actions.groups, actions.group_count);
    out.rules.at = arena_alloc(c->arena, sizeof *out.rules.at);
    out.rules.n = 1;
    if (r == 0)
        r = elb_show_rule(c, rule, out.rules.at);
    return elb_answer(c, r, &out);
}

struct done elb_delete_rule(struct call *c, const void *input)
{
    const struct elbv2_delete_rule_input *in = input;
    struct listener_rule *rule = NULL;
    int r = need_changeable(c, in->rule_arn, "deleted", &rule);

    if (r == 0)
        r = tag_remove_all(c->store, rule->arn);
    if (r == 0)
        r = listener_rule_delete(c->store, rule->arn);
    return elb_answer(c, r, NULL);
}

/* --- priorities ------------------------------------------------------------------------------ */

static int check_pairs(struct call *c, const struct elbv2_rule_priority_pair *at, size_t n)
{
    if (n == 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR, "A rule priority must be specified");
    for (size_t i = 0; i < n; i++) {
        if (!at[i].priority.set || at[i].rule_arn.n == 0)
            return elb_refuse(c, &AWS_VALIDATION_ERROR,
                              "A rule ARN and a priority must be specified");
        for (size_t k = 0; k < i; k++)
            if (at[i].priority.v == at[k].priority.v)
                return elb_refuse(c, &AWS_VALIDATION_ERROR,
                                  "Priority '%lld' was provided multiple times",
                                  (long long)at[i].priority.v);
    }
    return 0;
}

static bool is_listed(const struct elbv2_rule_priority_pair *at, size_t n, struct str arn)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(at[i].rule_arn, arn))
            return true;
    return false;
}

/* The priority must be free, or become so by the same call. */
static int check_clash(struct call *c, const struct elbv2_set_rule_priorities_input *in,
                       const struct listener_rule *rule, int64_t priority)
{
    struct listener_rule *other = NULL;
    int r = listener_rule_find_by_priority(c->store, c->arena, rule->listener, priority, &other);

    if (r == 0 && other != NULL &&
        !is_listed(in->rule_priorities.at, in->rule_priorities.n, other->arn))
        r = elb_refuse(c, &elbv2_priority_in_use_exception, "Priority '%lld' is currently in use",
                       (long long)priority);
    return r;
}

struct done elb_set_rule_priorities(struct call *c, const void *input)
{
    const struct elbv2_set_rule_priorities_input *in = input;
    size_t n = in->rule_priorities.n;
    struct elbv2_set_rule_priorities_output out = {0};
    struct listener_rule **rules = arena_array(c->arena, n, sizeof(struct listener_rule *));
    int r = check_pairs(c, in->rule_priorities.at, n);

    for (size_t i = 0; r == 0 && i < n; i++)
        r = need_changeable(c, in->rule_priorities.at[i].rule_arn, "reprioritized", &rules[i]);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = check_clash(c, in, rules[i], in->rule_priorities.at[i].priority.v);
    out.rules.at = arena_array(c->arena, n, sizeof *out.rules.at);
    for (size_t i = 0; r == 0 && i < n; i++) {
        rules[i]->priority = in->rule_priorities.at[i].priority.v;
        r = listener_rule_set_priority(c->store, rules[i]->arn, rules[i]->priority);
        if (r == 0)
            r = elb_show_rule(c, rules[i], &out.rules.at[out.rules.n++]);
    }
    return elb_answer(c, r, &out);
}

/* --- description ----------------------------------------------------------------------------- */

static int find_named(struct call *c, const struct str_list *arns, struct listener_rule **ret_first)
{
    struct listener_rule **tail = ret_first;
    int r = 0;

    for (size_t i = 0; r == 0 && i < arns->n; i++) {
        r = elb_need_rule(c, arns->at[i], tail);
        if (r == 0)
            tail = &(*tail)->next;
    }
    return r;
}

static int find_rules(struct call *c, const struct elbv2_describe_rules_input *in,
                      struct listener_rule **ret_first)
{
    struct listener *l = NULL;
    int r;

    if (in->listener_arn.n == 0 && in->rule_arns.n == 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "You must specify either listener rule ARNs or a listener ARN");
    if (in->listener_arn.n > 0 && in->rule_arns.n > 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "Listener rule ARNs and a listener ARN cannot be specified at the same "
                          "time");
    if (in->rule_arns.n > 0)
        return find_named(c, &in->rule_arns, ret_first);
    r = elb_need_listener(c, in->listener_arn, &l);
    return r == 0 ? listener_rule_list(c->store, c->arena, l->arn, ret_first) : r;
}

struct done elb_describe_rules(struct call *c, const void *input)
{
    const struct elbv2_describe_rules_input *in = input;
    struct elbv2_describe_rules_output out = {0};
    struct listener_rule *first = NULL;
    size_t all = 0, from = 0, n = 0;
    int r = find_rules(c, in, &first);

    ELB_COUNT(all, first);
    if (r == 0)
        r = elb_page_list(c, in->marker, in->page_size, all, &from, &n, &out.next_marker);
    out.rules.at = arena_array(c->arena, n, sizeof *out.rules.at);
    for (; from > 0 && first != NULL; from--)
        first = first->next;
    for (; r == 0 && out.rules.n < n; first = first->next)
        r = elb_show_rule(c, first, &out.rules.at[out.rules.n++]);
    return elb_answer(c, r, &out);
}

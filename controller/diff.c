/* Differences. Source: aws-alb-ingress-controller v1.1.4, internal/alb/{tags,sg,tg,ls}: the
 * comparisons are as strict as there, for calls that it makes again and again are part of what
 * people see. */
#include "diff.h"

#include <stdlib.h>
#include <string.h>

void diff_tags(struct arena *a, const struct pairs *found, const struct pairs *wanted,
               struct pairs *ret_set, struct pairs *ret_remove)
{
    *ret_set = *ret_remove = (struct pairs){0};
    for (size_t i = 0; i < wanted->n; i++) {
        const struct str *now = pairs_get(found, wanted->at[i].key);

        if (now == NULL || !str_eq(*now, wanted->at[i].value))
            pairs_put(a, ret_set, wanted->at[i].key, wanted->at[i].value);
    }
    for (size_t i = 0; i < found->n; i++)
        if (pairs_get(wanted, found->at[i].key) == NULL)
            pairs_put(a, ret_remove, found->at[i].key, found->at[i].value);
}

/* --- permissions -------------------------------------------------------------------------- */

static bool has_range(const struct ip_ranges *ranges, struct str cidr)
{
    for (size_t i = 0; i < ranges->n; i++)
        if (str_eq(ranges->at[i].cidr, cidr))
            return true;
    return false;
}

static bool same_ranges(const struct ip_ranges *a, const struct ip_ranges *b)
{
    for (size_t i = 0; i < a->n; i++)
        if (!has_range(b, a->at[i].cidr))
            return false;
    for (size_t i = 0; i < b->n; i++)
        if (!has_range(a, b->at[i].cidr))
            return false;
    return true;
}

static bool has_group(const struct permission *p, struct str id)
{
    for (size_t i = 0; i < p->groups.n; i++)
        if (str_eq(p->groups.at[i].group_id, id))
            return true;
    return false;
}

static bool same_groups(const struct permission *a, const struct permission *b)
{
    for (size_t i = 0; i < a->groups.n; i++)
        if (!has_group(b, a->groups.at[i].group_id))
            return false;
    for (size_t i = 0; i < b->groups.n; i++)
        if (!has_group(a, b->groups.at[i].group_id))
            return false;
    return true;
}

static bool same_permission(const struct permission *a, const struct permission *b)
{
    return str_eq(a->protocol, b->protocol) && a->from == b->from && a->to == b->to &&
           same_ranges(&a->ranges, &b->ranges) && same_ranges(&a->v6_ranges, &b->v6_ranges) &&
           same_groups(a, b);
}

struct permissions diff_permissions(struct arena *a, const struct permissions *source,
                                    const struct permissions *target)
{
    struct permissions rest = {0};

    for (size_t i = 0; i < source->n; i++) {
        bool there = false;

        for (size_t t = 0; t < target->n && !there; t++)
            there = same_permission(&source->at[i], &target->at[t]);
        if (!there)
            *LIST_ADD(a, &rest) = source->at[i];
    }
    return rest;
}

/* --- targets ------------------------------------------------------------------------------ */

static int compare_targets(const void *a, const void *b)
{
    const struct target *left = a, *right = b;
    int by_id = str_cmp(left->id, right->id);

    return by_id != 0 ? by_id : (left->port > right->port) - (left->port < right->port);
}

/* Sorted, so that a thousand targets are found in no time. */
static struct targets sorted(struct arena *a, const struct targets *t)
{
    struct targets copy = {arena_array(a, t->n, sizeof *t->at), t->n};

    if (t->n > 0) {
        memcpy(copy.at, t->at, t->n * sizeof *t->at);
        qsort(copy.at, copy.n, sizeof *copy.at, compare_targets);
    }
    return copy;
}

struct targets diff_targets(struct arena *a, const struct targets *source,
                            const struct targets *target)
{
    struct targets set = sorted(a, target), rest = {0};

    for (size_t i = 0; i < source->n; i++)
        if (set.n == 0 ||
            bsearch(&source->at[i], set.at, set.n, sizeof *set.at, compare_targets) == NULL)
            *LIST_ADD(a, &rest) = source->at[i];
    return sorted(a, &rest);
}

/* --- target groups and listeners ------------------------------------------------------------ */

/* The port is compared as it was written: one that is the name of a Service's port never equals
 * what AWS answers, and the group is modified in every pass. */
bool diff_target_group(const struct target_group *found, const struct wanted_target_group *wanted)
{
    const struct service_annotations *s = &wanted->settings;

    return !str_same(found->health_path, s->health_path) ||
           !str_same(found->health_port, s->health_port) ||
           !str_same(found->health_protocol, s->health_protocol) ||
           !str_same(found->matcher, s->success_codes) ||
           found->health_interval != s->health_interval ||
           found->health_timeout != s->health_timeout || found->healthy_count != s->healthy_count ||
           found->unhealthy_count != s->unhealthy_count;
}

bool diff_listener(const struct listener *found, const struct wanted_listener *wanted,
                   struct str certificate)
{
    bool same_certificate = certificate.at == NULL
                                ? found->certificates.n == 0
                                : found->certificates.n == 1 && !found->marks_default &&
                                      str_eq(found->certificates.at[0], certificate);

    return found->port != wanted->port || !str_same(found->protocol, wanted->protocol) ||
           !same_certificate || !str_same(found->ssl_policy, wanted->ssl_policy) ||
           !actions_equal(&found->default_actions, &wanted->default_actions);
}

/* --- rules -------------------------------------------------------------------------------- */

static const struct condition *find_condition(const struct conditions *c, struct str field)
{
    for (size_t i = 0; i < c->n; i++)
        if (str_eq(c->at[i].field, field))
            return &c->at[i];
    return NULL;
}

static bool same_conditions(struct arena *a, const struct conditions *found,
                            const struct conditions *wanted)
{
    if (found->n != wanted->n)
        return false;
    for (size_t i = 0; i < wanted->n; i++) {
        const struct condition *now = find_condition(found, wanted->at[i].field);
        struct strs left, right;

        if (now == NULL || now->typed)
            return false;
        left = strs_set(a, &now->values);
        right = strs_set(a, &wanted->at[i].values);
        if (!strs_equal(&left, &right))
            return false;
    }
    return true;
}

static bool same_rule(struct arena *a, const struct rule *found, const struct wanted_rule *wanted)
{
    return found->is_complete && same_conditions(a, &found->conditions, &wanted->conditions) &&
           actions_equal(&found->actions, &wanted->actions);
}

static const struct rule *find_rule(const struct rules *found, int64_t priority)
{
    int64_t number;

    for (size_t i = 0; i < found->n; i++)
        if (!found->at[i].is_default && str_to_int(found->at[i].priority, &number) &&
            number == priority)
            return &found->at[i];
    return NULL;
}

/* Wanted priorities are 1 to n without gaps. */
static bool is_wanted(const struct rule *rule, const struct wanted_listener *wanted)
{
    int64_t number;

    return rule->is_default || (str_to_int(rule->priority, &number) && number >= 1 &&
                                number <= (int64_t)wanted->rules.n);
}

struct rule_steps diff_rules(struct arena *a, const struct rules *found,
                             const struct wanted_listener *wanted)
{
    struct rule_steps steps = {0};

    for (size_t i = 0; i < wanted->rules.n; i++)
        if (find_rule(found, wanted->rules.at[i].priority) == NULL)
            *LIST_ADD(a, &steps) = (struct rule_step){RULE_CREATE, &wanted->rules.at[i], NULL};
    for (size_t i = 0; i < wanted->rules.n; i++) {
        const struct wanted_rule *rule = &wanted->rules.at[i];
        const struct rule *now = find_rule(found, rule->priority);

        if (now != NULL && !same_rule(a, now, rule))
            *LIST_ADD(a, &steps) = (struct rule_step){RULE_MODIFY, rule, now};
    }
    for (size_t i = 0; i < found->n; i++)
        if (!is_wanted(&found->at[i], wanted))
            *LIST_ADD(a, &steps) = (struct rule_step){RULE_DELETE, NULL, &found->at[i]};
    return steps;
}

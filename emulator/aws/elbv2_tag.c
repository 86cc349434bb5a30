/* Tags of load balancers, target groups, listeners, rules and trust stores.
 * Source: ELB API Reference 2015-12-01, AddTags, RemoveTags, DescribeTags. */
#include "aws/elbv2.h"

#include "base/macros.h"

enum { MOST_TAGS = 50, MOST_ARNS = 20 };

int elb_check_tags(struct call *c, const struct elbv2_tag *tags, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_starts(tags[i].key, S("aws:")))
            return elb_refuse(c, &AWS_VALIDATION_ERROR,
                              "Tag keys starting with 'aws:' are reserved for system use");
        for (size_t k = 0; k < i; k++)
            if (str_eq(tags[i].key, tags[k].key))
                return elb_refuse(c, &elbv2_duplicate_tag_keys_exception,
                                  "Tag key '%.*s' is specified more than once",
                                  STR_ARG(tags[i].key));
    }
    if (n > MOST_TAGS)
        return elb_refuse(c, &elbv2_too_many_tags_exception,
                          "You've reached the limit on the number of tags for this resource");
    return 0;
}

int elb_put_tags(struct call *c, struct str arn, const struct elbv2_tag *tags, size_t n)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = tag_put(c->store, &(struct tag){.account = c->account,
                                            .region = c->region,
                                            .arn = arn,
                                            .key = tags[i].key,
                                            .value = tags[i].value});
    return r;
}

/* --- whether a resource exists --------------------------------------------------------------- */

static int has_balancer(struct call *c, struct str arn, bool *ret)
{
    struct load_balancer *found = NULL;
    int r = load_balancer_find(c->store, c->arena, arn, &found);

    *ret = found != NULL;
    return r;
}

static int has_group(struct call *c, struct str arn, bool *ret)
{
    struct target_group *found = NULL;
    int r = target_group_find(c->store, c->arena, arn, &found);

    *ret = found != NULL;
    return r;
}

static int has_listener(struct call *c, struct str arn, bool *ret)
{
    struct listener *found = NULL;
    int r = listener_find(c->store, c->arena, arn, &found);

    *ret = found != NULL;
    return r;
}

static int has_rule(struct call *c, struct str arn, bool *ret)
{
    struct listener_rule *found = NULL;
    int r = listener_rule_find(c->store, c->arena, arn, &found);

    *ret = found != NULL;
    return r;
}

static int has_trust_store(struct call *c, struct str arn, bool *ret)
{
    struct trust_store *found = NULL;
    int r = trust_store_find(c->store, c->arena, arn, &found);

    *ret = found != NULL;
    return r;
}

/* The kinds, by the word that tells them apart in an ARN; the first is what an ARN is taken for
 * that is none at all. */
static const struct {
    enum elb_kind kind;
    struct str word;
    int (*has)(struct call *c, struct str arn, bool *ret);
    const struct fault *fault;
    const char *called;
} kinds[] = {
    {ELB_BALANCER,    STR_INIT(":loadbalancer/"),  has_balancer,
     &elbv2_load_balancer_not_found_exception,                                                               "load balancers"},
    {ELB_GROUP,       STR_INIT(":targetgroup/"),   has_group,       &elbv2_target_group_not_found_exception,
     "target groups"                                                                                                         },
    {ELB_LISTENER,    STR_INIT(":listener/"),      has_listener,    &elbv2_listener_not_found_exception,
     "listeners"                                                                                                             },
    {ELB_RULE,        STR_INIT(":listener-rule/"), has_rule,        &elbv2_rule_not_found_exception,         "rules"         },
    {ELB_TRUST_STORE, STR_INIT(":truststore/"),    has_trust_store,
     &elbv2_trust_store_not_found_exception,                                                                 "trust stores"  },
};

static int need_resource(struct call *c, struct str arn)
{
    size_t kind = 0;
    bool found = false;
    int r;

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_find(arn, kinds[i].word) != STR_NONE)
            kind = i;
    r = elb_check_arn(c, arn, kinds[kind].kind);
    if (r == 0)
        r = kinds[kind].has(c, arn, &found);
    if (r == 0 && !found)
        r = elb_refuse(c, kinds[kind].fault, "One or more %s not found", kinds[kind].called);
    return r;
}

static int need_resources(struct call *c, const struct str_list *arns)
{
    int r = 0;

    if (arns->n > MOST_ARNS)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "The maximum number of resources that can be specified is '%d'",
                          MOST_ARNS);
    for (size_t i = 0; r == 0 && i < arns->n; i++)
        r = need_resource(c, arns->at[i]);
    return r;
}

bool elb_resource_exists(struct call *c, struct str arn, int *ret_error)
{
    bool found = false;

    *ret_error = 0;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_find(arn, kinds[i].word) != STR_NONE)
            *ret_error = kinds[i].has(c, arn, &found);
    return found;
}

/* --- operations ------------------------------------------------------------------------------ */

/* How many tags a resource has when @tags have been added. */
static int count_after(struct call *c, struct str arn, const struct elbv2_tag *tags, size_t n,
                       size_t *ret_count)
{
    struct tag *have = NULL;
    int r = tag_list(c->store, c->arena, c->account, c->region, arn, &have);

    *ret_count = n;
    for (; r == 0 && have != NULL; have = have->next) {
        bool replaced = false;

        for (size_t i = 0; i < n; i++)
            replaced = replaced || str_eq(tags[i].key, have->key);
        *ret_count += !replaced;
    }
    return r;
}

struct done elb_add_tags(struct call *c, const void *input)
{
    const struct elbv2_add_tags_input *in = input;
    int r = elb_check_tags(c, in->tags.at, in->tags.n);

    if (r == 0)
        r = need_resources(c, &in->resource_arns);
    for (size_t i = 0; r == 0 && i < in->resource_arns.n; i++) {
        struct str arn = in->resource_arns.at[i];
        size_t after = 0;

        r = count_after(c, arn, in->tags.at, in->tags.n, &after);
        if (r == 0 && after > MOST_TAGS)
            r = elb_refuse(c, &elbv2_too_many_tags_exception,
                           "You've reached the limit on the number of tags for this resource");
        if (r == 0)
            r = elb_put_tags(c, arn, in->tags.at, in->tags.n);
    }
    return elb_answer(c, r, NULL);
}

struct done elb_remove_tags(struct call *c, const void *input)
{
    const struct elbv2_remove_tags_input *in = input;
    int r = need_resources(c, &in->resource_arns);

    for (size_t i = 0; i < in->resource_arns.n; i++)
        for (size_t k = 0; r == 0 && k < in->tag_keys.n; k++)
            r = tag_remove(c->store, in->resource_arns.at[i], in->tag_keys.at[k]);
    return elb_answer(c, r, NULL);
}

static int show_tags(struct call *c, struct str arn, struct elbv2_tag_description *ret)
{
    struct tag *first = NULL;
    size_t n = 0;
    int r = tag_list(c->store, c->arena, c->account, c->region, arn, &first);

    ELB_COUNT(n, first);
    ret->resource_arn = arn;
    ret->tags.at = arena_array(c->arena, n, sizeof *ret->tags.at);
    for (const struct tag *t = first; t != NULL; t = t->next)
        ret->tags.at[ret->tags.n++] = (struct elbv2_tag){t->key, elb_text(t->value)};
    return r;
}

struct done elb_describe_tags(struct call *c, const void *input)
{
    const struct elbv2_describe_tags_input *in = input;
    struct elbv2_describe_tags_output out = {0};
    int r = need_resources(c, &in->resource_arns);

    out.tag_descriptions.at =
        arena_array(c->arena, in->resource_arns.n, sizeof *out.tag_descriptions.at);
    for (size_t i = 0; r == 0 && i < in->resource_arns.n; i++)
        r = show_tags(c, in->resource_arns.at[i],
                      &out.tag_descriptions.at[out.tag_descriptions.n++]);
    return elb_answer(c, r, &out);
}

/* AWS Shield Advanced: the subscription and protections of load balancers and addresses.
 * Source: AWS Shield Advanced API Reference, 2016-06-02; reference section 7. */
#include "schema/aws/shield.h"
#include "aws/document.h"
#include "aws/page.h"
#include "aws/service.h"
#include "store/elbv2.h"
#include "store/resource.h"
#include "store/tag.h"

#define PROTECTION   "shield/protection"
#define SUBSCRIPTION "shield/subscription"

/* Shield is one for all regions; its rows lie in the first. */
#define EVERYWHERE S("us-east-1")

#define YEAR_SECONDS INT64_C(31536000)

static bool failed(struct call *c, int error, struct done *ret_done)
{
    *ret_done = call_fail(c, error);
    return false;
}

/* --- the subscription ------------------------------------------------------------------------ */

static struct str subscription_arn(struct call *c)
{
    return arena_printf(c->arena, "arn:%.*s:shield::%.*s:subscription", STR_ARG(c->partition),
                        STR_ARG(c->account));
}

static int find_subscription(struct call *c, struct resource **ret_row)
{
    return resource_find(c->store, c->arena, SUBSCRIPTION, subscription_arn(c), ret_row);
}

static struct done get_subscription_state(struct call *c, const void *input UNUSED)
{
    struct shield_get_subscription_state_response out = {0};
    struct resource *row = NULL;
    int r = find_subscription(c, &row);

    out.subscription_state = row != NULL ? S("ACTIVE") : S("INACTIVE");
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

static struct done create_subscription(struct call *c, const void *input UNUSED)
{
    struct shield_create_subscription_response out = {0};
    struct resource *old = NULL, row = {.kind = S(SUBSCRIPTION),
                                        .arn = subscription_arn(c),
                                        .account = c->account,
                                        .region = EVERYWHERE,
                                        .created = c->now};
    int r = find_subscription(c, &old);

    if (r == 0 && old != NULL)
        return call_fault(c, &shield_resource_already_exists_exception,
                          "The subscription already exists.");
    if (r == 0)
        r = resource_insert(c->store, &row);
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

static struct done describe_subscription(struct call *c, const void *input UNUSED)
{
    struct shield_describe_subscription_response out = {0};
    struct shield_subscription_limits limits = {0};
    struct shield_protection_limits protections = {0};
    struct shield_protection_group_limits groups = {0};
    struct shield_protection_group_pattern_type_limits patterns = {0};
    struct shield_protection_group_arbitrary_pattern_limits members = {.max_members =
                                                                           OPT_INT(10000)};
    struct shield_subscription subscription = {0};
    struct resource *row = NULL;
    int r = find_subscription(c, &row);

    if (r < 0)
        return call_fail(c, r);
    if (row == NULL)
        return call_fault(c, &shield_resource_not_found_exception,
                          "The subscription does not exist.");
    patterns.arbitrary_pattern_limits = &members;
    groups.max_protection_groups = OPT_INT(100);
    groups.pattern_type_limits = &patterns;
    protections.protected_resource_type_limits.at =
        arena_alloc(c->arena, sizeof *protections.protected_resource_type_limits.at);
    limits.protection_limits = &protections;
    limits.protection_group_limits = &groups;
    subscription.start_time = OPT_INT(row->created);
    subscription.end_time = OPT_INT(row->created + YEAR_SECONDS * 1000);
    subscription.time_commitment_in_seconds = OPT_INT(YEAR_SECONDS);
    subscription.auto_renew = S("ENABLED");
    subscription.proactive_engagement_status = S("DISABLED");
    subscription.subscription_limits = &limits;
    subscription.subscription_arn = row->arn;
    out.subscription = &subscription;
    return call_reply(c, &out);
}

/* --- protections ----------------------------------------------------------------------------- */

static struct str protection_arn(struct call *c, struct str id)
{
    return arena_printf(c->arena, "arn:%.*s:shield::%.*s:protection/%.*s", STR_ARG(c->partition),
                        STR_ARG(c->account), STR_ARG(id));
}

static bool missing(struct call *c, struct done *ret_done)
{
    *ret_done = call_fault(c, &shield_resource_not_found_exception,
                           "The referenced protection does not exist.");
    return false;
}

static bool need_subscription(struct call *c, struct done *ret_done)
{
    struct resource *row = NULL;
    int r = find_subscription(c, &row);

    if (r < 0)
        return failed(c, r, ret_done);
    if (row != NULL)
        return true;
    *ret_done =
        call_fault(c, &shield_resource_not_found_exception, "The subscription does not exist.");
    return false;
}

/* By id, or by what it protects. */
static bool need_protection(struct call *c, struct str id, struct str resource,
                            struct resource **ret_row, struct done *ret_done)
{
    int r = id.n > 0 ? resource_find(c->store, c->arena, PROTECTION, protection_arn(c, id), ret_row)
                     : resource_list_by_parent(c->store, c->arena, PROTECTION, resource, ret_row);

    if (r < 0)
        return failed(c, r, ret_done);
    if (*ret_row == NULL || !str_eq((*ret_row)->account, c->account))
        return missing(c, ret_done);
    return true;
}

/* A load balancer must be there; addresses and the other kinds of things are taken by their form.
 */
static bool resource_holds(struct call *c, struct str arn, struct done *ret_done)
{
    struct load_balancer *lb = NULL;
    bool balancer = str_find(arn, S(":elasticloadbalancing:")) != STR_NONE;
    int r = balancer ? load_balancer_find(c->store, c->arena, arn, &lb) : 0;

    if (r < 0)
        return failed(c, r, ret_done);
    if (balancer ? lb != NULL
                 : str_find(arn, S(":eip-allocation/")) != STR_NONE ||
                       str_find(arn, S(":cloudfront:")) != STR_NONE ||
                       str_find(arn, S(":route53:")) != STR_NONE ||
                       str_find(arn, S(":globalaccelerator:")) != STR_NONE)
        return true;
    *ret_done = call_fault(
        c, balancer ? &shield_resource_not_found_exception : &shield_invalid_resource_exception,
        balancer ? "The referenced resource does not exist."
                 : "Unrecognized resource '%.*s' of service",
        STR_ARG(arn));
    return false;
}

static struct done create_protection(struct call *c, const void *input)
{
    const struct shield_create_protection_request *in = input;
    struct shield_create_protection_response out = {.protection_id = ids_uuid(c->ids, c->arena)};
    struct shield_protection p = {
        .id = out.protection_id,
        .name = in->name,
        .resource_arn = in->resource_arn,
        .protection_arn = protection_arn(c, out.protection_id),
    };
    struct resource *old = NULL, row = {.kind = S(PROTECTION),
                                        .arn = p.protection_arn,
                                        .account = c->account,
                                        .region = EVERYWHERE,
                                        .parent = in->resource_arn,
                                        .created = c->now};
    struct done done;
    int r;

    if (!need_subscription(c, &done) || !resource_holds(c, in->resource_arn, &done))
        return done;
    r = resource_list_by_parent(c->store, c->arena, PROTECTION, in->resource_arn, &old);
    if (r == 0 && old != NULL)
        return call_fault(c, &shield_resource_already_exists_exception,
                          "The referenced protection already exists.");
    p.health_check_ids.at = arena_alloc(c->arena, sizeof(struct str));
    row.document = document_write(c->arena, &shield_protection_shape, &p);
    if (r == 0)
        r = resource_insert(c->store, &row);
    for (size_t i = 0; r == 0 && i < in->tags.n; i++)
        r = tag_put(c->store, &(struct tag){.account = c->account,
                                            .region = EVERYWHERE,
                                            .arn = row.arn,
                                            .key = in->tags.at[i].key,
                                            .value = in->tags.at[i].value});
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

static struct done describe_protection(struct call *c, const void *input)
{
    const struct shield_describe_protection_request *in = input;
    struct shield_describe_protection_response out = {0};
    struct resource *row = NULL;
    struct done done;

    if ((in->protection_id.n > 0) == (in->resource_arn.n > 0))
        return call_fault(c, &shield_invalid_parameter_exception,
                          "Provide either a ProtectionId or a ResourceArn.");
    if (!need_protection(c, in->protection_id, in->resource_arn, &row, &done))
        return done;
    out.protection = document_read(c->arena, &shield_protection_shape, row->document);
    return call_reply(c, &out);
}

static struct done delete_protection(struct call *c, const void *input)
{
    const struct shield_delete_protection_request *in = input;
    struct shield_delete_protection_response out = {0};
    struct resource *row = NULL;
    struct done done;
    int r;

    if (!need_protection(c, in->protection_id, (struct str){0}, &row, &done))
        return done;
    r = resource_delete(c->store, PROTECTION, row->arn);
    if (r == 0)
        r = tag_remove_all(c->store, row->arn);
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

static bool is_in(const struct str_list *words, struct str word)
{
    for (size_t i = 0; i < words->n; i++)
        if (str_eq(words->at[i], word))
            return true;
    return words->n == 0;
}

static struct done list_protections(struct call *c, const void *input)
{
    const struct shield_list_protections_request *in = input;
    struct shield_list_protections_response out = {0};
    struct shield_protection *all;
    struct resource *first = NULL;
    struct page page;
    size_t n = 0;
    int r = resource_list(c->store, c->arena, PROTECTION, c->account, EVERYWHERE, &first);

    if (r < 0)
        return call_fail(c, r);
    for (const struct resource *one = first; one != NULL; one = one->next)
        n++;
    all = arena_array(c->arena, n + 1, sizeof *all);
    n = 0;
    for (const struct resource *one = first; one != NULL; one = one->next) {
        const struct shield_protection *p =
            document_read(c->arena, &shield_protection_shape, one->document);

        if (in->inclusion_filters == NULL ||
            (is_in(&in->inclusion_filters->resource_arns, p->resource_arn) &&
             is_in(&in->inclusion_filters->protection_names, p->name)))
            all[n++] = *p;
    }
    if (!page_cut(c, in->next_token, in->max_results, n, &page))
        return call_fault(c, &shield_invalid_pagination_token_exception,
                          "The NextToken is not valid.");
    out.protections.at = all + page.from;
    out.protections.n = page.n;
    out.next_token = page.next;
    return call_reply(c, &out);
}

/* --- the table ------------------------------------------------------------------------------- */

#define PROTECTION_ARN "arn:aws:shield::{account}:protection/"

static const struct aws_op ops[] = {
    {"CreateProtection",     create_protection,      PROTECTION_ARN "*",              OP_WRITES},
    {"CreateSubscription",   create_subscription,    NULL,                            OP_WRITES},
    {"DeleteProtection",     delete_protection,      PROTECTION_ARN "{ProtectionId}", OP_WRITES},
    {"DescribeProtection",   describe_protection,    PROTECTION_ARN "{ProtectionId}", 0        },
    {"DescribeSubscription", describe_subscription,  NULL,                            0        },
    {"GetSubscriptionState", get_subscription_state, NULL,                            0        },
    {"ListProtections",      list_protections,       NULL,                            0        },
};

const struct aws_service shield_service = AWS_SERVICE(shield, "shield", ops);

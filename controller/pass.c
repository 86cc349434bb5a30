/* The pass: its order, and what all its parts share.
 * Source: aws-alb-ingress-controller v1.1.4, internal/alb/lb/loadbalancer.go. */
#include "pass.h"

#include "base/memory.h"
#include "elb.h"
#include "found.h"
#include "validation.h"

bool pass_fail(struct pass *p, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    p->error = arena_vprintf(p->a, fmt, args);
    va_end(args);
    return false;
}

bool pass_because(struct pass *p, const char *fmt, ...)
{
    struct str head;
    va_list args;

    va_start(args, fmt);
    head = arena_vprintf(p->a, fmt, args);
    va_end(args);
    p->error = arena_printf(p->a, "%.*s%.*s", STR_ARG(head), STR_ARG(p->error));
    return false;
}

void pass_log(struct pass *p, enum klog_level level, const char *place, const char *fmt, ...)
{
    struct str text;
    va_list args;

    va_start(args, fmt);
    text = arena_vprintf(p->a, fmt, args);
    va_end(args);
    klog_lines(level, place, p->wanted->key, text);
}

void pass_event(struct pass *p, const char *type, const char *reason, const char *fmt, ...)
{
    struct str text;
    va_list args;

    if (p->event == NULL)
        return;
    va_start(args, fmt);
    text = arena_vprintf(p->a, fmt, args);
    va_end(args);
    p->event(p->event_data, type, reason, text);
}

bool pass_query(struct pass *p, enum aws_service service, const char *action, const struct query *q,
                struct aws_answer *ret)
{
    bool ok = aws_call_query(p->aws, p->a, service, action, q, ret);

    if (!ok)
        p->error = ret->error;
    return ok;
}

bool pass_validate(struct pass *p, const struct validation *v)
{
    p->error = validation_error(v);
    return p->error.n == 0;
}

bool pass_json(struct pass *p, enum aws_service service, const char *action, const cJSON *body,
               struct aws_answer *ret)
{
    bool ok = aws_call_json(p->aws, p->a, service, action, body, ret);

    if (!ok)
        p->error = ret->error;
    return ok;
}

bool pass_pages(struct pass *p, enum aws_service service, const char *action, const struct query *q,
                pass_collect_cb *collect, void *into, struct str *ret_code)
{
    bool ec2 = service == AWS_EC2;
    struct str token = {0}, result = arena_printf(p->a, "%sResult", action);

    do {
        CLEANUP(aws_answer_free) struct aws_answer answer;
        struct query page = {.a = p->a};
        const struct xml_node *root;

        for (size_t i = 0; i < q->parameters.n; i++)
            query_str(&page, q->parameters.at[i].key.at, q->parameters.at[i].value);
        if (token.n > 0)
            query_str(&page, ec2 ? "NextToken" : "Marker", token);
        if (!pass_query(p, service, action, &page, &answer)) {
            if (ret_code != NULL)
                *ret_code = answer.code;
            return false;
        }
        root = ec2 ? answer.xml : xml_at(answer.xml, result.at);
        collect(p, root, into);
        token = xml_text_at(root, ec2 ? "nextToken" : "NextMarker");
    } while (token.n > 0);
    return true;
}

static bool reconcile(struct pass *p)
{
    const struct wanted *w = p->wanted;
    struct made_target_groups groups = {0};
    struct group_choice choice = {0};
    struct load_balancer lb = {0};
    struct strs subnets = {0};

    if (w->error.n > 0)
        return pass_fail(p, "%.*s", STR_ARG(w->error));
    if (!subnets_resolve(p, &subnets))
        return pass_because(p, "failed to build LoadBalancer configuration due to ");
    if (w->not_allowed)
        return pass_fail(p, "ingress %.*s is not in internetFacing whitelist", STR_ARG(w->key));
    if (!groups_set_up(p, &choice) || !load_balancer_ensure(p, &subnets, &choice, &lb))
        return false;
    if (!load_balancer_set_attributes(p, lb.arn))
        return pass_because(p, "failed to reconcile attributes of %.*s due to ", STR_ARG(lb.arn));
    if (p->waf && !load_balancer_set_web_acl(p, lb.arn))
        return false;
    if (!target_groups_ensure(p, &groups))
        return pass_because(p, "failed to reconcile targetGroups due to ");
    if (!listeners_ensure(p, lb.arn, &groups))
        return pass_because(p, "failed to reconcile listeners due to ");
    if (!target_groups_collect(p, &groups))
        return pass_because(p, "failed to GC targetGroups due to ");
    if (!groups_associate(p, &lb, &choice, &groups))
        return pass_because(p, "failed to reconcile securityGroup associations due to ");
    p->dns_name = lb.dns_name;
    return true;
}

static bool delete_load_balancer(struct pass *p, struct str arn)
{
    struct made_target_groups none = {0};

    if (!listeners_delete(p, arn))
        return pass_because(p, "failed to delete listeners due to ");
    if (!target_groups_collect(p, &none))
        return pass_because(p, "failed to GC targetGroups due to ");
    pass_log(p, KLOG_INFO, "loadbalancer.go:153", "deleting LoadBalancer %.*s", STR_ARG(arn));
    return elb_delete(p, "DeleteLoadBalancer", "LoadBalancerArn", arn);
}

static bool delete_all(struct pass *p)
{
    struct load_balancer lb;
    bool there;

    if (!elb_find_load_balancer(p, p->wanted->load_balancer_name, &there, &lb))
        return pass_because(p, "failed to find existing LoadBalancer due to ");
    if (there && !delete_load_balancer(p, lb.arn))
        return false;
    if (!groups_delete(p))
        return pass_because(p, "failed to clean up securityGroups due to ");
    return true;
}

bool pass_run(struct pass *p)
{
    return p->wanted->deleted ? delete_all(p) : reconcile(p);
}

/* The load balancer itself: made, made anew or changed; its attributes, its web ACL.
 * Source: aws-alb-ingress-controller v1.1.4, internal/alb/lb and internal/aws/wafregional.go. */
#include "attributes.h"
#include "base/buf.h"
#include "diff.h"
#include "elb.h"
#include "go_text.h"
#include "pass_show.h"
#include "validation.h"

static bool create(struct pass *p, const struct strs *subnets, const struct group_choice *groups,
                   struct load_balancer *ret)
{
    const struct wanted *w = p->wanted;
    CLEANUP(aws_answer_free) struct aws_answer answer = {0};
    struct validation v = {.a = p->a};
    struct query q = {.a = p->a};
    struct strs ids = groups->external;

    pass_log(p, KLOG_INFO, "loadbalancer.go:191", "creating LoadBalancer %.*s",
             STR_ARG(w->load_balancer_name));
    if (ids.n == 0)
        strs_add(p->a, &ids, groups->managed);
    query_str(&q, "Name", w->load_balancer_name);
    query_str(&q, "Type", S("application"));
    query_str(&q, "Scheme", w->annotations.scheme);
    query_str(&q, "IpAddressType", w->annotations.ip_address_type);
    query_strs(&q, "SecurityGroups.member", &ids);
    query_strs(&q, "Subnets.member", subnets);
    query_pairs(&q, "Tags.member", &w->load_balancer_tags);
    validation_tags(&v, &w->load_balancer_tags, "CreateLoadBalancerInput.Tags");
    if (!pass_validate(p, &v) || !pass_query(p, AWS_ELB, "CreateLoadBalancer", &q, &answer)) {
        pass_log(p, KLOG_ERROR, "loadbalancer.go:202",
                 "failed to create LoadBalancer %.*s due to %.*s", STR_ARG(w->load_balancer_name),
                 STR_ARG(p->error));
        pass_event(p, "Warning", "ERROR", "failed to create LoadBalancer %.*s due to %.*s",
                   STR_ARG(w->load_balancer_name), STR_ARG(p->error));
        return false;
    }
    *ret = elb_read_load_balancer(
        p, xml_at(answer.xml, "CreateLoadBalancerResult.LoadBalancers.member"));
    pass_log(p, KLOG_INFO, "loadbalancer.go:208", "LoadBalancer %.*s created, ARN: %.*s",
             STR_ARG(w->load_balancer_name), STR_ARG(ret->arn));
    pass_event(p, "Normal", "CREATE", "LoadBalancer %.*s created, ARN: %.*s",
               STR_ARG(w->load_balancer_name), STR_ARG(ret->arn));
    return true;
}

/* A load balancer's scheme is for life. */
static bool recreate(struct pass *p, const struct strs *subnets, const struct group_choice *groups,
                     struct load_balancer *lb)
{
    pass_log(p, KLOG_INFO, "loadbalancer.go:299",
             "LoadBalancer %.*s need recreation due to scheme changed(%.*s => %.*s)",
             STR_ARG(p->wanted->load_balancer_name), STR_ARG(lb->scheme),
             STR_ARG(p->wanted->annotations.scheme));
    pass_log(p, KLOG_INFO, "loadbalancer.go:215", "deleting LoadBalancer %.*s for recreation",
             STR_ARG(lb->arn));
    return elb_delete(p, "DeleteLoadBalancer", "LoadBalancerArn", lb->arn) &&
           create(p, subnets, groups, lb);
}

/* One of the Set… calls. Its failure is an Event of type Normal, as in v1.1.4. */
static bool set(struct pass *p, const char *action, const char *what, const struct query *q,
                struct str arn)
{
    CLEANUP(aws_answer_free) struct aws_answer answer;

    if (pass_query(p, AWS_ELB, action, q, &answer))
        return true;
    pass_because(p, "failed to modify %s of %.*s due to ", what, STR_ARG(arn));
    pass_event(p, "Normal", "ERROR", "%.*s", STR_ARG(p->error));
    return false;
}

static bool set_ip_address_type(struct pass *p, const struct load_balancer *lb)
{
    struct str type = p->wanted->annotations.ip_address_type;
    struct query q = {.a = p->a};

    if (str_same(lb->ip_address_type, type))
        return true;
    pass_log(p, KLOG_INFO, "loadbalancer.go:225",
             "modifying LoadBalancer %.*s due to IpAddressType change (%.*s => %.*s)",
             STR_ARG(lb->arn), STR_ARG(lb->ip_address_type), STR_ARG(type));
    query_str(&q, "LoadBalancerArn", lb->arn);
    query_str(&q, "IpAddressType", type);
    if (!set(p, "SetIpAddressType", "IpAddressType", &q, lb->arn))
        return false;
    pass_event(p, "Normal", "MODIFY", "IpAddressType of %.*s modified", STR_ARG(lb->arn));
    return true;
}

static bool set_subnets(struct pass *p, const struct load_balancer *lb, const struct strs *subnets)
{
    struct strs now = strs_set(p->a, &lb->subnets), wanted = strs_set(p->a, subnets);
    struct str from = go_list(p->a, &now), to = go_list(p->a, &wanted);
    struct query q = {.a = p->a};

    if (strs_equal(&now, &wanted))
        return true;
    pass_log(p, KLOG_INFO, "loadbalancer.go:239",
             "modifying LoadBalancer %.*s due to Subnets change (%.*s => %.*s)", STR_ARG(lb->arn),
             STR_ARG(from), STR_ARG(to));
    query_str(&q, "LoadBalancerArn", lb->arn);
    query_strs(&q, "Subnets.member", subnets);
    return set(p, "SetSubnets", "Subnets", &q, lb->arn);
}

bool load_balancer_ensure(struct pass *p, const struct strs *subnets,
                          const struct group_choice *groups, struct load_balancer *ret)
{
    bool there;

    if (!elb_find_load_balancer(p, p->wanted->load_balancer_name, &there, ret))
        return pass_because(p, "failed to find existing LoadBalancer due to ");
    if (!there)
        return create(p, subnets, groups, ret) ||
               pass_because(p, "failed to create LoadBalancer due to ");
    if (!str_same(ret->scheme, p->wanted->annotations.scheme))
        return recreate(p, subnets, groups, ret) ||
               pass_because(p, "failed to recreate LoadBalancer due to ");
    if (!set_ip_address_type(p, ret) || !set_subnets(p, ret, subnets))
        return false;
    return tags_ensure(p, ret->arn, &p->wanted->load_balancer_tags) ||
           pass_because(p, "failed to reconcile tags of %.*s due to ", STR_ARG(ret->arn));
}

bool load_balancer_set_attributes(struct pass *p, struct str arn)
{
    const struct wanted *w = p->wanted;
    CLEANUP(aws_answer_free) struct aws_answer answer = {0};
    struct pairs given, now, changes;
    struct str trouble, shown;
    struct query q = {.a = p->a};

    if (w->attributes_error.n > 0)
        return pass_fail(p, "failed parsing attributes; %.*s", STR_ARG(w->attributes_error));
    if (!elb_list_attributes(p, "DescribeLoadBalancerAttributes", "LoadBalancerArn", arn, &given))
        return pass_because(p, "failed to retrieve attributes from ELBV2 in AWS: ");
    if (!attributes_read(p->a, LOAD_BALANCER_ATTRIBUTES, &given, true, &now, &trouble))
        return pass_fail(p, "failed parsing attributes: %.*s", STR_ARG(trouble));
    changes = attributes_diff(p->a, &now, &w->attributes);
    if (changes.n == 0)
        return true;
    shown = show_attributes(p->a, &changes);
    pass_log(p, KLOG_INFO, "attributes.go:144", "Modifying ELBV2 attributes to %.*s.",
             STR_ARG(shown));
    query_str(&q, "LoadBalancerArn", arn);
    query_pairs(&q, "Attributes.member", &changes);
    if (pass_query(p, AWS_ELB, "ModifyLoadBalancerAttributes", &q, &answer))
        return true;
    pass_event(p, "Warning", "ERROR", "%.*s attributes modification failed: %.*s", STR_ARG(arn),
               STR_ARG(p->error));
    return pass_because(p, "failed modifying attributes: ");
}

/* --- the web ACL ----------------------------------------------------------------------------- */

static bool call_waf(struct pass *p, const char *action, struct str resource, struct str acl,
                     struct aws_answer *ret)
{
    CLEANUP(json_freep) cJSON *body = cJSON_CreateObject();

    if (resource.at != NULL)
        json_put_str(body, S("ResourceArn"), resource);
    if (acl.at != NULL)
        json_put_str(body, S("WebACLId"), acl);
    return pass_json(p, AWS_WAF, action, body, ret);
}

/* *ret_acl: the associated ACL's id, at == NULL when there is none. */
static bool find_web_acl(struct pass *p, struct str arn, struct str *ret_acl)
{
    CLEANUP(aws_answer_free) struct aws_answer answer;
    const cJSON *summary;

    if (!call_waf(p, "GetWebACLForResource", arn, (struct str){0}, &answer))
        return pass_because(p, "error getting web acl for load balancer %.*s: ", STR_ARG(arn));
    summary = json_get(answer.json, "WebACLSummary");
    *ret_acl =
        cJSON_IsObject(summary) ? arena_str(p->a, json_str(summary, "WebACLId")) : (struct str){0};
    return true;
}

static bool web_acl_exists(struct pass *p, struct str acl)
{
    CLEANUP(aws_answer_free) struct aws_answer answer = {0};
    struct validation v = {.a = p->a};

    if (acl.n == 0) /* the annotation is there and empty */
        validation_min_size(&v, 1, "GetWebACLInput.WebACLId");
    return (pass_validate(p, &v) && call_waf(p, "GetWebACL", (struct str){0}, acl, &answer)) ||
           pass_because(p, "error fetching web acl %.*s: ", STR_ARG(acl));
}

bool load_balancer_set_web_acl(struct pass *p, struct str arn)
{
    CLEANUP(aws_answer_free) struct aws_answer answer = {0};
    struct str wanted = p->wanted->annotations.web_acl, now;

    if (!find_web_acl(p, arn, &now) || (wanted.at != NULL && !web_acl_exists(p, wanted)))
        return false;
    if (str_same(now, wanted))
        return true;
    if (wanted.at == NULL) {
        pass_log(p, KLOG_INFO, "loadbalancer.go:274", "disassociate WAF on %.*s", STR_ARG(arn));
        return call_waf(p, "DisassociateWebACL", arn, wanted, &answer) ||
               pass_because(p, "failed to disassociate webACL on loadBalancer %.*s due to ",
                            STR_ARG(arn));
    }
    pass_log(p, KLOG_INFO, "loadbalancer.go:281", "associate WAF on %.*s to %.*s", STR_ARG(arn),
             STR_ARG(wanted));
    return call_waf(p, "AssociateWebACL", arn, wanted, &answer) ||
           pass_because(p, "failed to associate webACL on loadBalancer %.*s due to ", STR_ARG(arn));
}

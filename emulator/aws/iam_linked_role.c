/* Service-linked roles: made for a service, changed by the service only. Source: IAM User Guide,
 * "Create a service-linked role"; reference aws-eks-iam-ec2 section 2.2. */
#include "aws/iam.h"
#include "aws/iam_operations.h"

static const struct linked_service {
    struct str service;
    const char *role, *policy, *description;
    bool takes_suffix;
} linked_services[] = {
    {STR_INIT("elasticloadbalancing.amazonaws.com"), "AWSServiceRoleForElasticLoadBalancing",
     "AWSElasticLoadBalancingServiceRolePolicy",                                                                             "Allows ELB to call AWS services on your behalf.",
     false                                                                                                                                                                                         },
    {STR_INIT("eks.amazonaws.com"),                  "AWSServiceRoleForAmazonEKS",            "AmazonEKSServiceRolePolicy",
     "Allows Amazon EKS to call AWS services on your behalf.",                                                                                                                                false},
    {STR_INIT("eks-nodegroup.amazonaws.com"),        "AWSServiceRoleForAmazonEKSNodegroup",
     "AWSServiceRoleForAmazonEKSNodegroup",                                                                                  "This policy allows Amazon EKS to create and manage Nodegroups", false},
    {STR_INIT("eks-fargate.amazonaws.com"),          "AWSServiceRoleForAmazonEKSForFargate",
     "AmazonEKSForFargateServiceRolePolicy",                                                                                 "This policy allows Amazon EKS to run Fargate pods",
     false                                                                                                                                                                                         },
    {STR_INIT("autoscaling.amazonaws.com"),          "AWSServiceRoleForAutoScaling",
     "AutoScalingServiceRolePolicy",                                                                                         "Default Service-Linked Role enables access to AWS Services and Resources used or managed by "
     "Auto Scaling",                                                                                                                                      true },
    {STR_INIT("spot.amazonaws.com"),                 "AWSServiceRoleForEC2Spot",              "AWSEC2SpotServiceRolePolicy",
     "Default EC2 Spot Service Linked Role",                                                                                                                                                  false},
    {STR_INIT("wafv2.amazonaws.com"),                "AWSServiceRoleForWAFV2Logging",
     "WAFV2LoggingServiceRolePolicy",                                                                                        "",                                                              false},
    {STR_INIT("shield.amazonaws.com"),               "AWSServiceRoleForAWSShield",            "AWSShieldServiceRolePolicy",
     "",                                                                                                                                                                                      false},
};

static const struct linked_service *find_service(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(linked_services); i++)
        if (str_eq(name, linked_services[i].service))
            return &linked_services[i];
    return NULL;
}

struct str iam_linked_role_name(struct str service)
{
    const struct linked_service *s = find_service(service);

    return s != NULL ? str_c(s->role) : S("*");
}

/* The service's own policy, where this world has it. */
static int attach_policy(struct call *c, const struct iam_entity *e, const struct linked_service *s)
{
    struct str arn = arena_printf(c->arena, "arn:%.*s:iam::aws:policy/aws-service-role/%s",
                                  STR_ARG(c->partition), s->policy);
    struct iam_managed *p = NULL;
    int r = iam_policy_find(c->store, c->arena, arn, &p);

    return r < 0 || p == NULL ? r : iam_attach(c->store, e, arn, c->now);
}

struct done iam_create_service_linked_role(struct call *c, const void *input)
{
    const struct iam_create_service_linked_role_request *in = input;
    const struct linked_service *s = find_service(in->aws_service_name);
    struct iam_create_service_linked_role_response out = {0};
    struct iam_entity *old = NULL, e = {.kind = IAM_ROLE,
                                        .account = c->account,
                                        .created = c->now,
                                        .max_session_s = 3600};
    struct iam_role view;
    int r;

    if (s == NULL)
        return call_fault(c, &iam_invalid_input_exception,
                          "%.*s is not a service that has service-linked roles",
                          STR_ARG(in->aws_service_name));
    if (in->custom_suffix.n > 0 && !s->takes_suffix)
        return call_fault(c, &iam_invalid_input_exception, "Custom suffix is not allowed for %.*s",
                          STR_ARG(s->service));
    e.name = in->custom_suffix.n > 0
                 ? arena_printf(c->arena, "%s_%.*s", s->role, STR_ARG(in->custom_suffix))
                 : str_c(s->role);
    e.path = arena_printf(c->arena, "/aws-service-role/%.*s/", STR_ARG(s->service));
    e.description = in->description.n > 0 ? in->description : str_c(s->description);
    e.trust = arena_printf(c->arena,
                           "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
                           "\"Principal\":{\"Service\":\"%.*s\"},\"Action\":\"sts:AssumeRole\"}]}",
                           STR_ARG(s->service));
    r = iam_entity_find(c->store, c->arena, IAM_ROLE, c->account, e.name, &old);
    if (r == 0 && old != NULL)
        return call_fault(c, &iam_invalid_input_exception,
                          "Service role name %.*s has been taken in this account, please try a "
                          "different suffix.",
                          STR_ARG(e.name));
    e.id = iam_new_id(c, "AROA");
    e.arn = iam_arn(c, "role", e.path, e.name);
    if (r == 0)
        r = iam_entity_insert(c->store, &e);
    if (r == 0)
        r = attach_policy(c, &e, s);
    if (r < 0)
        return call_fail(c, r);
    view = iam_view_role(c, &e, false);
    out.role = &view;
    return call_reply(c, &out);
}

struct done iam_delete_service_linked_role(struct call *c, const void *input)
{
    const struct iam_delete_service_linked_role_request *in = input;
    struct iam_delete_service_linked_role_response out = {0};
    struct iam_entity *e;
    struct done done;
    int r;

    if (!iam_need_entity(c, IAM_ROLE, in->role_name, &e, &done))
        return done;
    if (!str_starts(e->path, S("/aws-service-role/")))
        return call_fault(c, &iam_invalid_input_exception,
                          "The role %.*s is not a service-linked role", STR_ARG(in->role_name));
    r = iam_entity_delete(c->store, e);
    if (r < 0)
        return call_fail(c, r);
    out.deletion_task_id = arena_printf(c->arena, "task%.*s%.*s/%.*s", STR_ARG(e->path),
                                        STR_ARG(e->name), STR_ARG(ids_uuid(c->ids, c->arena)));
    return call_reply(c, &out);
}

/* Deleting takes no time, so that every task there was has succeeded. */
struct done iam_get_service_linked_role_deletion_status(struct call *c, const void *input)
{
    const struct iam_get_service_linked_role_deletion_status_request *in = input;
    struct iam_get_service_linked_role_deletion_status_response out = {.status = S("SUCCEEDED")};
    struct str rest = in->deletion_task_id, part[6];
    size_t n = 0;

    while (n < ARRAY_LEN(part) && str_next(&rest, '/', &part[n]))
        n++;
    if (n != 5 || !str_is(part[0], "task") || !str_is(part[1], "aws-service-role") ||
        find_service(part[2]) == NULL || part[4].n != 36)
        return call_fault(c, &iam_no_such_entity_exception,
                          "The deletion task with id %.*s cannot be found.",
                          STR_ARG(in->deletion_task_id));
    return call_reply(c, &out);
}

/* Elastic Load Balancing v2: what its files share, and its table of operations. Which resource IAM
 * is asked about is in the rows; the files elbv2_*.c hold the rules.
 * Source: ELB API Reference 2015-12-01; Service Authorization Reference, "Actions defined by
 * Elastic Load Balancing V2". */
#include "aws/elbv2.h"

#include "aws/services.h"
#include "base/macros.h"

int elb_refuse(struct call *c, const struct fault *fault, const char *fmt, ...)
{
    struct str text;
    va_list args;

    va_start(args, fmt);
    text = arena_vprintf(c->arena, fmt, args);
    va_end(args);
    (void)call_fault(c, fault, "%.*s", STR_ARG(text));
    return ELB_REFUSED;
}

struct done elb_answer(struct call *c, int r, const void *output)
{
    if (r < 0)
        return call_fail(c, r);
    return r == ELB_REFUSED ? (struct done){DONE_FAULT} : call_reply(c, output);
}

static const struct aws_op ops[] = {
    {"CreateLoadBalancer",                elb_create_load_balancer,
     "arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/{balancer:Type=application}/"
     "{Name}/*",                                                                                                  OP_WRITES},
    {"DeleteLoadBalancer",                elb_delete_load_balancer,                   "{LoadBalancerArn}",        OP_WRITES},
    {"DescribeLoadBalancers",             elb_describe_load_balancers,                "*",                        0        },
    {"SetSubnets",                        elb_set_subnets,                            "{LoadBalancerArn}",        OP_WRITES},
    {"SetSecurityGroups",                 elb_set_security_groups,                    "{LoadBalancerArn}",        OP_WRITES},
    {"SetIpAddressType",                  elb_set_ip_address_type,                    "{LoadBalancerArn}",        OP_WRITES},
    {"ModifyIpPools",                     elb_modify_ip_pools,                        "{LoadBalancerArn}",        OP_WRITES},
    {"DescribeLoadBalancerAttributes",    elb_describe_load_balancer_attributes,      "*",                        0        },
    {"ModifyLoadBalancerAttributes",      elb_modify_load_balancer_attributes,        "{LoadBalancerArn}",
     OP_WRITES                                                                                                             },
    {"DescribeTargetGroupAttributes",     elb_describe_target_group_attributes,       "*",                        0        },
    {"ModifyTargetGroupAttributes",       elb_modify_target_group_attributes,         "{TargetGroupArn}",
     OP_WRITES                                                                                                             },
    {"DescribeListenerAttributes",        elb_describe_listener_attributes,           "*",                        0        },
    {"ModifyListenerAttributes",          elb_modify_listener_attributes,             "{ListenerArn}",            OP_WRITES},
    {"CreateTargetGroup",                 elb_create_target_group,
     "arn:aws:elasticloadbalancing:{region}:{account}:targetgroup/{Name}/*",                                      OP_WRITES},
    {"ModifyTargetGroup",                 elb_modify_target_group,                    "{TargetGroupArn}",         OP_WRITES},
    {"DeleteTargetGroup",                 elb_delete_target_group,                    "{TargetGroupArn}",         OP_WRITES},
    {"DescribeTargetGroups",              elb_describe_target_groups,                 "*",                        0        },
    {"RegisterTargets",                   elb_register_targets,                       "{TargetGroupArn}",         OP_WRITES},
    {"DeregisterTargets",                 elb_deregister_targets,                     "{TargetGroupArn}",         OP_WRITES},
    {"DescribeTargetHealth",              elb_describe_target_health,                 "*",                        0        },
    {"CreateListener",                    elb_create_listener,                        "{LoadBalancerArn}",        OP_WRITES},
    {"ModifyListener",                    elb_modify_listener,                        "{ListenerArn}",            OP_WRITES},
    {"DeleteListener",                    elb_delete_listener,                        "{ListenerArn}",            OP_WRITES},
    {"DescribeListeners",                 elb_describe_listeners,                     "*",                        0        },
    {"AddListenerCertificates",           elb_add_listener_certificates,              "{ListenerArn}",            OP_WRITES},
    {"RemoveListenerCertificates",        elb_remove_listener_certificates,           "{ListenerArn}",            OP_WRITES},
    {"DescribeListenerCertificates",      elb_describe_listener_certificates,         "*",                        0        },
    {"CreateRule",                        elb_create_rule,                            "{ListenerArn}",            OP_WRITES},
    {"ModifyRule",                        elb_modify_rule,                            "{RuleArn}",                OP_WRITES},
    {"DeleteRule",                        elb_delete_rule,                            "{RuleArn}",                OP_WRITES},
    {"DescribeRules",                     elb_describe_rules,                         "*",                        0        },
    {"SetRulePriorities",                 elb_set_rule_priorities,                    "{RulePriorities.RuleArn}", OP_WRITES},
    {"AddTags",                           elb_add_tags,                               "{ResourceArns}",           OP_WRITES},
    {"RemoveTags",                        elb_remove_tags,                            "{ResourceArns}",           OP_WRITES},
    {"DescribeTags",                      elb_describe_tags,                          "*",                        0        },
    {"DescribeSSLPolicies",               elb_describe_ssl_policies,                  "*",                        0        },
    {"CreateTrustStore",                  elb_create_trust_store,                     "*",                        OP_WRITES},
    {"ModifyTrustStore",                  elb_modify_trust_store,                     "{TrustStoreArn}",          OP_WRITES},
    {"DeleteTrustStore",                  elb_delete_trust_store,                     "{TrustStoreArn}",          OP_WRITES},
    {"DescribeTrustStores",               elb_describe_trust_stores,                  "*",                        0        },
    {"DescribeTrustStoreAssociations",    elb_describe_trust_store_associations,      "*",                        0        },
    {"DeleteSharedTrustStoreAssociation", elb_delete_shared_trust_store_association,
     "{TrustStoreArn}",                                                                                           OP_WRITES},
    {"AddTrustStoreRevocations",          elb_add_trust_store_revocations,            "{TrustStoreArn}",          OP_WRITES},
    {"RemoveTrustStoreRevocations",       elb_remove_trust_store_revocations,         "{TrustStoreArn}",
     OP_WRITES                                                                                                             },
    {"DescribeTrustStoreRevocations",     elb_describe_trust_store_revocations,       "*",                        0        },
    {"GetTrustStoreCaCertificatesBundle", elb_get_trust_store_ca_certificates_bundle,
     "{TrustStoreArn}",                                                                                           0        },
    {"GetTrustStoreRevocationContent",    elb_get_trust_store_revocation_content,     "{TrustStoreArn}",
     0                                                                                                                     },
    {"GetResourcePolicy",                 elb_get_resource_policy,                    "{ResourceArn}",            0        },
    {"DescribeCapacityReservation",       elb_describe_capacity_reservation,          "*",                        0        },
    {"ModifyCapacityReservation",         elb_modify_capacity_reservation,            "{LoadBalancerArn}",        OP_WRITES},
    {"DescribeAccountLimits",             elb_describe_account_limits,                "*",                        0        },
};

const struct aws_service elbv2_service = AWS_SERVICE(elbv2, "elasticloadbalancing", ops);

/* Source: aws-alb-ingress-controller v1.1.4, internal/ingress/annotations. */
#include "annotations.h"

#include "test.h"

static const struct settings settings = {
    .annotations_prefix = STR_INIT("alb.ingress.kubernetes.io"),
    .target_type = STR_INIT("instance"),
    .backend_protocol = STR_INIT("HTTP"),
};

/* "a=b;c=d" with the prefix before each name. */
static cJSON *annotations(struct str pairs)
{
    cJSON *tree = cJSON_CreateObject();
    struct arena a = {0};
    struct str one, name, value;

    while (str_next(&pairs, ';', &one))
        if (str_cut(one, '=', &name, &value))
            json_put_str(tree, arena_printf(&a, "alb.ingress.kubernetes.io/%.*s", STR_ARG(name)),
                         value);
    arena_free(&a);
    return tree;
}

static const struct {
    const char *label;
    struct str given, error;
} refused[] = {
    {"a scheme that is none",             S("scheme=public"),
     S("ALB scheme must be either `internal` or `internet-facing`")                                                                            },
    {"an address type",                   S("ip-address-type=ipv6"),
     S("IP address type must be either `ipv4` or `dualstack`")                                                                                 },
    {"a range without its length",        S("inbound-cidrs=10.0.0.1"),
     S("invalid CIDR address: 10.0.0.1")                                                                                                       },
    {"port 0",                            S("listen-ports=[{\"HTTP\":0}]"),
     S("Invalid port provided. Must be between 1 and 65535. It was 0")                                                                         },
    {"null is port 0",                    S("listen-ports=[{\"HTTP\":null}]"),
     S("Invalid port provided. Must be between 1 and 65535. It was 0")                                                                         },
    {"another protocol",                  S("listen-ports=[{\"TCP\":80}]"),
     S("Invalid protocol provided. Must be HTTP or HTTPS and in order to use HTTPS you must have "
       "specified a certificate ARN")                                                                                                          },
    {"ports that are no list",            S("listen-ports={\"HTTP\":80}"),
     S("listen-ports JSON structure was invalid: json: cannot unmarshal object into Go value of "
       "type []map[string]int64")                                                                                                              },
    {"a port that is a text",             S("listen-ports=[{\"HTTP\":\"80\"}]"),
     S("listen-ports JSON structure was invalid: json: cannot unmarshal string into Go value of "
       "type int64")                                                                                                                           },
    {"a port that is no whole number",    S("listen-ports=[{\"HTTP\":80.5}]"),
     S("listen-ports JSON structure was invalid: json: cannot unmarshal number 80.5 into Go value "
       "of type int64")                                                                                                                        },
    {"types are looked at before values", S("listen-ports=[{\"HTTP\":0},{\"HTTP\":\"x\"}]"),
     S("listen-ports JSON structure was invalid: json: cannot unmarshal string into Go value of "
       "type int64")                                                                                                                           },
    {"ports that are no JSON",            S("listen-ports=80"),
     S("listen-ports JSON structure was invalid: json: cannot unmarshal number into Go value of "
       "type []map[string]int64")                                                                                                              },
    {"tags without '='",                  S("tags=Team, Env=x"),                             S("Unable to parse `Team` into Key=Value pair(s)")},
    {"attributes without '='",            S("load-balancer-attributes=a,b"),
     S("unable to parse `a, b` into Key=Value pair(s)")                                                                                        },
    {"attributes with two",               S("target-group-attributes=a=b=c"),
     S("unable to parse `a=b=c` into Key=Value pair(s)")                                                                                       },
    {"time-out not below interval",
     S("healthcheck-interval-seconds=10;"
       "healthcheck-timeout-seconds=10"),
     S("healthcheck timeout must be less than healthcheck interval. Timeout was: 10. Interval was "
       "10")                                                                                                                                   },
    {"an interval that is no number",     S("healthcheck-interval-seconds=fast"),
     S("the annotation alb.ingress.kubernetes.io/healthcheck-interval-seconds does not contain a "
       "valid value (fast)")                                                                                                                   },
    {"a target type of the flag only",    S("target-type=pod"),
     S("the annotation target-type does not contain a valid value (pod)")                                                                      },
    {"any bad action, used or not",       S("actions.x={\"Type\":\"forward\"}"),
     S("x is type forward but did not include a valid TargetGroupArn configuration")                                                           },
};

TEST(what_is_refused)
{
    struct arena a = {0};

    CASE_EACH(c, refused) {
        CLEANUP(json_freep) cJSON *tree = annotations(c->given);
        struct ingress_annotations in;
        struct str error = {0};

        CHECK(c->label, !annotations_read_ingress(&a, &settings, tree, &in, &error));
        CHECK_STR(c->label, error, c->error);
    }
    arena_free(&a);
}

static struct ingress_annotations read(struct arena *a, struct str given)
{
    CLEANUP(json_freep) cJSON *tree = annotations(given);
    struct ingress_annotations in = {0};
    struct str error = {0};

    CHECK("it is accepted", annotations_read_ingress(a, &settings, tree, &in, &error));
    return in;
}

TEST(defaults)
{
    struct arena a = {0};
    struct ingress_annotations in = read(&a, S(""));

    CHECK_STR("scheme", in.scheme, S("internal"));
    CHECK("one listener, HTTP 80", in.ports.n == 1 && in.ports.at[0].port == 80);
    CHECK("open for all of IPv4", in.cidrs.n == 1 && in.v6_cidrs.n == 0);
    CHECK("15, 5, 2, 2", in.service.health_interval == 15 && in.service.health_timeout == 5 &&
                             in.service.healthy_count == 2 && in.service.unhealthy_count == 2);
    CHECK("no web ACL", in.web_acl.at == NULL);
    in = read(&a, S("certificate-arn=arn:1"));
    CHECK("HTTPS 443 with a certificate", in.ports.at[0].port == 443);
    in = read(&a, S("ip-address-type=dualstack"));
    CHECK_STR("dualstack opens IPv6 too", in.v6_cidrs.at[0], S("::/0"));
    in = read(&a, S("listen-ports=[]"));
    CHECK("no listener at all", in.ports.n == 0);
    in = read(&a, S("healthy-threshold-count=many"));
    CHECK("a count that is none is the default", in.service.healthy_count == 2);
    arena_free(&a);
}

TEST(older_names)
{
    struct arena a = {0};
    struct ingress_annotations in =
        read(&a, S("security-group-inbound-cidrs=10.0.0.0/8;inbound-cidrs=10.1.0.0/16"));

    CHECK_STR("the older one of the ranges wins", in.cidrs.at[0], S("10.0.0.0/8"));
    in = read(&a, S("successCodes=201;success-codes=202"));
    CHECK_STR("the newer one of the codes", in.service.success_codes, S("202"));
    in = read(&a, S("waf-acl-id=old;web-acl-id=new"));
    CHECK_STR("and of the web ACL", in.web_acl, S("new"));
    in = read(&a, S("attributes=idle_timeout.timeout_seconds=5"));
    CHECK("attributes by their older name", in.attributes.n == 1);
    arena_free(&a);
}

TEST(lists)
{
    struct arena a = {0};
    struct ingress_annotations in = read(&a, S("subnets= a ,,b;tags=A=1, B = 2=3"));

    CHECK("trimmed, empties dropped", in.subnets.n == 2 && str_is(in.subnets.at[0], "a"));
    CHECK_STR("a tag keeps its inner spaces", in.tags.at[1].key, S("B "));
    CHECK_STR("and loses what follows a second '='", in.tags.at[1].value, S(" 2"));
    in = read(&a, S("listen-ports=[{\"HTTP\":80},{\"HTTP\":1,\"HTTP\":8080}]"));
    CHECK("the last of equal keys wins", in.ports.n == 2 && in.ports.at[1].port == 8080);
    arena_free(&a);
}

/* Service, Ingress, and what holds. */
static const struct {
    const char *label;
    struct str service, ingress;
    int64_t interval;
} merges[] = {
    {"the Service's value wins",            S("healthcheck-interval-seconds=30"),
     S("healthcheck-interval-seconds=20"),                                                                              30},
    {"unless it is the default",            S("healthcheck-interval-seconds=15"),
     S("healthcheck-interval-seconds=20"),                                                                              20},
    {"the Ingress's where it says nothing", S(""),                                S("healthcheck-interval-seconds=20"), 20},
    {"the default where neither does",      S(""),                                S(""),                                15},
};

TEST(merging)
{
    struct arena a = {0};

    CASE_EACH(c, merges) {
        CLEANUP(json_freep) cJSON *tree = annotations(c->service);
        struct ingress_annotations in = read(&a, c->ingress);
        struct service_annotations service, merged;
        struct str error;

        CHECK(c->label, annotations_read_service(&a, &settings, tree, &service, &error));
        merged = annotations_merge(&settings, &service, &in.service);
        CHECK(c->label, merged.health_interval == c->interval);
    }
    arena_free(&a);
}

TEST(tags_of_a_service)
{
    CLEANUP(json_freep) cJSON *tree = annotations(S("tags=Team"));
    struct service_annotations service;
    struct arena a = {0};
    struct str error;

    CHECK("they do nothing, but must be right",
          !annotations_read_service(&a, &settings, tree, &service, &error));
    arena_free(&a);
}

TEST_MAIN(T(what_is_refused), T(defaults), T(older_names), T(lists), T(merging),
          T(tags_of_a_service))

/* Source: aws-alb-ingress-controller v1.1.4, internal/alb/generator; the hashes are those of its
 * own recordings. */
#include "names.h"

#include "test.h"

static const struct {
    const char *label;
    struct str cluster, prefix;
} prefixes[] = {
    {"eight hex digits of the CRC-32", S("devCluster"), S("f0591ff6")},
    {"another cluster",                S("demo"),       S("d642dfa0")},
};

TEST(prefix)
{
    struct arena a = {0};

    CASE_EACH(c, prefixes)
        CHECK_STR(c->label, name_prefix(&a, c->cluster), c->prefix);
    arena_free(&a);
}

static const struct {
    const char *label;
    struct str prefix, namespace, ingress, want;
} load_balancers[] = {
    {"cut to 26, and four digits of the MD5", S("f0591ff6"),  S("2048-game"), S("2048-ingress"),
     S("f0591ff6-2048game-2048ingr-6fa0")},
    {"only letters and digits of both names", S("d642dfa0"),  S("nginx-app"), S("nginx-ingress"),
     S("d642dfa0-nginxapp-nginxing-deac")},
    {"a prefix keeps its length with dashes", S("my.prefix"), S("a"),         S("b"),
     S("my-prefix-a-b-187e")             },
    {"short names are not cut",               S("d642dfa0"),  S("prod"),      S("sample-ingress"),
     S("d642dfa0-prod-sampleingres-d147")},
};

TEST(load_balancer)
{
    struct arena a = {0};

    CASE_EACH(c, load_balancers)
        CHECK_STR(c->label, name_load_balancer(&a, c->prefix, c->namespace, c->ingress), c->want);
    arena_free(&a);
}

static const struct {
    const char *label;
    struct str prefix;
    struct target_group_key key;
    struct str want;
} target_groups[] = {
    {"instances",
     S("f0591ff6"),
     {S("f0591ff6-2048game-2048ingr-6fa0"), S("service-2048"), S("80"), S("HTTP"), S("instance")},
     S("f0591ff6-4c1426e31c65eb0afae")},
    {"the recorded one",
     S("d642dfa0"),
     {S("d642dfa0-nginxapp-nginxing-deac"), S("nginx-service"), S("80"), S("HTTP"), S("instance")},
     S("d642dfa0-e3bd13bae79b178ac50")},
    {"addresses have another name",
     S("d642dfa0"),
     {S("d642dfa0-nginxapp-nginxing-deac"), S("nginx-service"), S("80"), S("HTTP"), S("ip")},
     S("d642dfa0-28cb1f5c957ee444823")},
};

TEST(target_group)
{
    struct arena a = {0};

    CASE_EACH(c, target_groups)
        CHECK_STR(c->label, name_target_group(&a, c->prefix, &c->key), c->want);
    arena_free(&a);
}

static struct str shown(struct arena *a, const struct pairs *p)
{
    struct str all = {0};

    for (size_t i = 0; i < p->n; i++)
        all = arena_printf(a, "%.*s%s%.*s=%.*s", STR_ARG(all), i > 0 ? " " : "",
                           STR_ARG(p->at[i].key), STR_ARG(p->at[i].value));
    return all;
}

TEST(tags)
{
    struct arena a = {0};
    struct pair given[] = {
        {STR_INIT("Team"), STR_INIT("web")}
    };
    struct pairs defaults = {given, 1};
    struct tag_owner o = {S("demo"), S("ns"), S("ing"), &defaults};
    struct pairs lb = tags_of_load_balancer(&a, &o), sg = tags_of_security_group(&a, &o);
    struct pairs tg = tags_of_target_group(&a, &o, S("svc"), S("http"));

    CHECK_STR("the load balancer is the cluster's own", shown(&a, &lb),
              S("Team=web ingress.k8s.aws/cluster=demo ingress.k8s.aws/resource=LoadBalancer "
                "ingress.k8s.aws/stack=ns/ing kubernetes.io/cluster/demo=owned "
                "kubernetes.io/ingress-name=ing kubernetes.io/namespace=ns"));
    CHECK_STR("the security group is not tagged so", shown(&a, &sg),
              S("Team=web ingress.k8s.aws/cluster=demo "
                "ingress.k8s.aws/resource=ManagedLBSecurityGroup ingress.k8s.aws/stack=ns/ing "
                "kubernetes.io/cluster-name=demo kubernetes.io/ingress-name=ing "
                "kubernetes.io/namespace=ns"));
    CHECK_STR("a target group names its Service and port as written", shown(&a, &tg),
              S("Team=web ingress.k8s.aws/cluster=demo "
                "ingress.k8s.aws/resource=ns/ing-svc:http ingress.k8s.aws/stack=ns/ing "
                "kubernetes.io/cluster/demo=owned kubernetes.io/ingress-name=ing "
                "kubernetes.io/namespace=ns kubernetes.io/service-name=svc "
                "kubernetes.io/service-port=http"));
    arena_free(&a);
}

TEST_MAIN(T(prefix), T(load_balancer), T(target_group), T(tags))

/* Names and tags. Source: aws-alb-ingress-controller v1.1.4, internal/alb/generator. */
#include "names.h"

#include <ctype.h>
#include <zlib.h>

#include "base/sha.h"

enum { LONGEST_NAME = 26, NAME_HASH = 4, LONGEST_PREFIX = 12, TARGET_GROUP_HASH = 19 };

struct str name_prefix(struct arena *a, struct str cluster)
{
    return arena_printf(a, "%08lx", crc32(0, (const Bytef *)cluster.at, (uInt)cluster.n));
}

/* @s with everything but ASCII letters and digits replaced, or left out where @by is 0. */
static struct str only_alphanumeric(struct arena *a, struct str s, char by)
{
    char *out = arena_alloc(a, s.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (isalnum((unsigned char)s.at[i]))
            out[n++] = s.at[i];
        else if (by != 0)
            out[n++] = by;
    }
    return str_n(out, n);
}

struct str name_load_balancer(struct arena *a, struct str prefix, struct str namespace,
                              struct str ingress)
{
    struct str clean_prefix = only_alphanumeric(a, prefix, '-');
    struct str clean_namespace = only_alphanumeric(a, namespace, 0);
    struct str clean_ingress = only_alphanumeric(a, ingress, 0);
    struct str name = arena_printf(a, "%.*s-%.*s-%.*s", STR_ARG(clean_prefix),
                                   STR_ARG(clean_namespace), STR_ARG(clean_ingress));
    struct str both = arena_printf(a, "%.*s%.*s", STR_ARG(namespace), STR_ARG(ingress));
    struct str hash = str_first(md5_hex(a, both), NAME_HASH);

    name = str_first(name, LONGEST_NAME);
    return arena_printf(a, "%.*s-%.*s", STR_ARG(name), STR_ARG(hash));
}

struct str name_target_group(struct arena *a, struct str prefix, const struct target_group_key *key)
{
    struct str all =
        arena_printf(a, "%.*s%.*s%.*s%.*s%.*s", STR_ARG(key->load_balancer), STR_ARG(key->service),
                     STR_ARG(key->port), STR_ARG(key->protocol), STR_ARG(key->target_type));
    struct str hash = str_first(md5_hex(a, all), TARGET_GROUP_HASH);
    struct str head = str_first(prefix, LONGEST_PREFIX);

    return arena_printf(a, "%.*s-%.*s", STR_ARG(head), STR_ARG(hash));
}

static struct pairs common_tags(struct arena *a, const struct tag_owner *o)
{
    struct pairs tags = {0};

    pairs_put_all(a, &tags, o->defaults);
    pairs_put(a, &tags, S("kubernetes.io/namespace"), o->namespace);
    pairs_put(a, &tags, S("kubernetes.io/ingress-name"), o->ingress);
    pairs_put(a, &tags, S("ingress.k8s.aws/cluster"), o->cluster);
    pairs_put(a, &tags, S("ingress.k8s.aws/stack"),
              arena_printf(a, "%.*s/%.*s", STR_ARG(o->namespace), STR_ARG(o->ingress)));
    return tags;
}

struct pairs tags_of_all_target_groups(struct arena *a, const struct tag_owner *o)
{
    struct pairs tags = common_tags(a, o);

    pairs_put(a, &tags, arena_printf(a, "kubernetes.io/cluster/%.*s", STR_ARG(o->cluster)),
              S("owned"));
    return tags;
}

struct pairs tags_of_load_balancer(struct arena *a, const struct tag_owner *o)
{
    struct pairs tags = tags_of_all_target_groups(a, o);

    pairs_put(a, &tags, S("ingress.k8s.aws/resource"), S("LoadBalancer"));
    return tags;
}

/* Not tagged as owned by the cluster: the cloud provider looks for the one group of a node that
 * is, and would take this one for it. */
struct pairs tags_of_security_group(struct arena *a, const struct tag_owner *o)
{
    struct pairs tags = common_tags(a, o);

    pairs_put(a, &tags, S("kubernetes.io/cluster-name"), o->cluster);
    pairs_put(a, &tags, S("ingress.k8s.aws/resource"), S("ManagedLBSecurityGroup"));
    return tags;
}

struct pairs tags_of_target_group(struct arena *a, const struct tag_owner *o, struct str service,
                                  struct str port)
{
    struct pairs tags = tags_of_all_target_groups(a, o);

    pairs_put(a, &tags, S("kubernetes.io/service-name"), service);
    pairs_put(a, &tags, S("kubernetes.io/service-port"), port);
    pairs_put(a, &tags, S("ingress.k8s.aws/resource"),
              arena_printf(a, "%.*s/%.*s-%.*s:%.*s", STR_ARG(o->namespace), STR_ARG(o->ingress),
                           STR_ARG(service), STR_ARG(port)));
    return tags;
}

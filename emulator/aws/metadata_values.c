/* The tree of an instance's metadata: a table of paths, each with how its value is found.
 * Source: EC2 User Guide, "Instance metadata categories". */
#include "aws/metadata_query.h"

#include "base/buf.h"
#include "base/json.h"
#include "store/tag.h"

/* --- values ---------------------------------------------------------------------------------- */

static struct str instance_id(struct metadata_query *q)
{
    return q->instance->id;
}

static struct str image(struct metadata_query *q)
{
    return q->instance->image;
}

static struct str type(struct metadata_query *q)
{
    return q->instance->type;
}

static struct str private_dns(struct metadata_query *q)
{
    return q->instance->private_dns;
}

static struct str reservation(struct metadata_query *q)
{
    return q->instance->reservation;
}

static struct str address(struct metadata_query *q)
{
    return q->interfaces != NULL ? q->interfaces->address : (struct str){0};
}

static struct str public_address(struct metadata_query *q)
{
    return q->interfaces != NULL ? q->interfaces->public_address : (struct str){0};
}

static struct str public_dns(struct metadata_query *q)
{
    struct str dashed = arena_str(q->arena, public_address(q));

    if (dashed.n == 0)
        return dashed;
    for (size_t i = 0; i < dashed.n; i++)
        if (dashed.at[i] == '.')
            ((char *)(uintptr_t)dashed.at)[i] = '-';
    return arena_printf(q->arena, "ec2-%.*s.%.*s.compute.amazonaws.com", STR_ARG(dashed),
                        STR_ARG(q->instance->region));
}

static struct str mac(struct metadata_query *q)
{
    return q->interfaces != NULL ? q->interfaces->mac : (struct str){0};
}

static struct str zone(struct metadata_query *q)
{
    return q->instance->zone;
}

static struct str region(struct metadata_query *q)
{
    return q->instance->region;
}

static struct str domain(struct metadata_query *q UNUSED)
{
    return S("amazonaws.com");
}

static struct str partition(struct metadata_query *q UNUSED)
{
    return S("aws");
}

static struct str life_cycle(struct metadata_query *q UNUSED)
{
    return S("on-demand");
}

static struct str launch_index(struct metadata_query *q UNUSED)
{
    return S("0");
}

/* The names (or ids) of an interface's security groups, a line each. */
static struct str groups_of(struct metadata_query *q, const struct network_interface *eni, bool ids)
{
    CLEANUP(buf_free) struct buf b = buf_init(METADATA_LARGEST);
    struct interface_group *g = NULL;

    (void)interface_group_list(q->store, q->arena, eni->id, &g);
    for (; g != NULL; g = g->next) {
        struct security_group *group = NULL;

        (void)security_group_list(q->store, q->arena, q->instance->account, q->instance->region,
                                  g->group_id, &group);
        if (group != NULL)
            buf_printf(&b, "%s%.*s", b.n > 0 ? "\n" : "", STR_ARG(ids ? group->id : group->name));
    }
    return arena_str(q->arena, buf_str(&b));
}

static struct str security_groups(struct metadata_query *q)
{
    return q->interfaces != NULL ? groups_of(q, q->interfaces, false) : (struct str){0};
}

static struct str identity_document(struct metadata_query *q)
{
    CLEANUP(buf_free) struct buf b = buf_init(METADATA_LARGEST);
    CLEANUP(json_freep) cJSON *document = cJSON_CreateObject();
    const struct instance *i = q->instance;

    json_put_str(document, S("accountId"), i->account);
    json_put_str(document, S("architecture"), S("x86_64"));
    json_put_str(document, S("availabilityZone"), i->zone);
    json_put(document, S("billingProducts"), cJSON_CreateNull());
    json_put(document, S("devpayProductCodes"), cJSON_CreateNull());
    json_put(document, S("marketplaceProductCodes"), cJSON_CreateNull());
    json_put_str(document, S("imageId"), i->image);
    json_put_str(document, S("instanceId"), i->id);
    json_put_str(document, S("instanceType"), i->type);
    json_put(document, S("kernelId"), cJSON_CreateNull());
    json_put_str(document, S("pendingTime"), clock_rfc3339(q->arena, i->launched));
    json_put_str(document, S("privateIp"), address(q));
    json_put(document, S("ramdiskId"), cJSON_CreateNull());
    json_put_str(document, S("region"), i->region);
    json_put_str(document, S("version"), S("2017-09-30"));
    json_write(&b, document);
    return arena_str(q->arena, buf_str(&b));
}

/* --- interfaces, by the address of their hardware -------------------------------------------- */

static struct str subnet_block(struct metadata_query *q, const struct network_interface *eni)
{
    struct subnet *subnet = NULL;

    (void)subnet_list(q->store, q->arena, q->instance->account, q->instance->region, eni->subnet,
                      &subnet);
    return subnet != NULL ? subnet->cidr : (struct str){0};
}

/* All blocks of the VPC, a line each, or the first. */
static struct str vpc_blocks(struct metadata_query *q, const struct network_interface *eni,
                             bool all)
{
    CLEANUP(buf_free) struct buf b = buf_init(METADATA_LARGEST);
    struct vpc_cidr *block = NULL;

    (void)vpc_cidr_list(q->store, q->arena, eni->vpc, &block);
    for (; block != NULL && (all || b.n == 0); block = block->next)
        buf_printf(&b, "%s%.*s", b.n > 0 ? "\n" : "", STR_ARG(block->cidr));
    return arena_str(q->arena, buf_str(&b));
}

static struct str addresses_of(struct metadata_query *q, const struct network_interface *eni)
{
    CLEANUP(buf_free) struct buf b = buf_init(METADATA_LARGEST);
    struct private_address *a = NULL;

    (void)private_address_list(q->store, q->arena, eni->id, &a);
    for (; a != NULL; a = a->next)
        buf_printf(&b, "%s%.*s", b.n > 0 ? "\n" : "", STR_ARG(a->address));
    return arena_str(q->arena, buf_str(&b));
}

static struct str interface_value(struct metadata_query *q, const struct network_interface *eni,
                                  struct str name)
{
    struct str number = arena_printf(q->arena, "%lld", (long long)eni->device_index);
    struct str addresses = addresses_of(q, eni), blocks = vpc_blocks(q, eni, true);
    struct str block = vpc_blocks(q, eni, false), subnet = subnet_block(q, eni);
    struct str ids = groups_of(q, eni, true), names = groups_of(q, eni, false);
    const struct {
        const char *name;
        struct str value;
    } values[] = {
        {"device-number",          number                  },
        {"interface-id",           eni->id                 },
        {"local-hostname",         q->instance->private_dns},
        {"local-ipv4s",            addresses               },
        {"mac",                    eni->mac                },
        {"owner-id",               eni->account            },
        {"public-ipv4s",           eni->public_address     },
        {"security-group-ids",     ids                     },
        {"security-groups",        names                   },
        {"subnet-id",              eni->subnet             },
        {"subnet-ipv4-cidr-block", subnet                  },
        {"vpc-id",                 eni->vpc                },
        {"vpc-ipv4-cidr-block",    block                   },
        {"vpc-ipv4-cidr-blocks",   blocks                  },
    };
    CLEANUP(buf_free) struct buf b = buf_init(METADATA_LARGEST);

    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        if (name.n > 0 && str_is(name, values[i].name))
            return values[i].value;
        if (name.n == 0 && values[i].value.n > 0)
            buf_printf(&b, "%s%s", b.n > 0 ? "\n" : "", values[i].name);
    }
    return arena_str(q->arena, buf_str(&b));
}

static struct str interfaces_below(struct metadata_query *q, struct str rest)
{
    CLEANUP(buf_free) struct buf b = buf_init(METADATA_LARGEST);
    struct str wanted = rest, name = {0};

    (void)str_cut(rest, '/', &wanted, &name);
    for (const struct network_interface *eni = q->interfaces; eni != NULL; eni = eni->next) {
        if (wanted.n > 0 && str_ieq(wanted, eni->mac))
            return interface_value(q, eni, name);
        if (wanted.n == 0)
            buf_printf(&b, "%s%.*s/", b.n > 0 ? "\n" : "", STR_ARG(eni->mac));
    }
    return arena_str(q->arena, buf_str(&b));
}

static struct str instance_tags(struct metadata_query *q, struct str wanted)
{
    CLEANUP(buf_free) struct buf b = buf_init(METADATA_LARGEST);
    struct str arn =
        arena_printf(q->arena, "arn:aws:ec2:%.*s:%.*s:instance/%.*s", STR_ARG(q->instance->region),
                     STR_ARG(q->instance->account), STR_ARG(q->instance->id));
    struct tag *t = NULL;

    (void)tag_list(q->store, q->arena, S(""), S(""), arn, &t);
    for (; t != NULL; t = t->next) {
        if (wanted.n > 0 && str_eq(wanted, t->key))
            return t->value;
        if (wanted.n == 0)
            buf_printf(&b, "%s%.*s", b.n > 0 ? "\n" : "", STR_ARG(t->key));
    }
    return arena_str(q->arena, buf_str(&b));
}

/* --- paths ----------------------------------------------------------------------------------- */

/* A path below /latest/ (or a dated version) and its value; with a '/' at its end it is answered,
 * with all that lies below it, by @below. Nothing (n == 0) is 404. */
static const struct entry {
    struct str path;
    struct str (*value)(struct metadata_query *q);
    struct str (*below)(struct metadata_query *q, struct str rest);
} entries[] = {
    {STR_INIT("dynamic/instance-identity/document"),    identity_document, NULL                },
    {STR_INIT("meta-data/ami-id"),                      image,             NULL                },
    {STR_INIT("meta-data/ami-launch-index"),            launch_index,      NULL                },
    {STR_INIT("meta-data/hostname"),                    private_dns,       NULL                },
    {STR_INIT("meta-data/iam/info"),                    metadata_profile,  NULL                },
    {STR_INIT("meta-data/iam/security-credentials/"),   NULL,              metadata_credentials},
    {STR_INIT("meta-data/instance-id"),                 instance_id,       NULL                },
    {STR_INIT("meta-data/instance-life-cycle"),         life_cycle,        NULL                },
    {STR_INIT("meta-data/instance-type"),               type,              NULL                },
    {STR_INIT("meta-data/local-hostname"),              private_dns,       NULL                },
    {STR_INIT("meta-data/local-ipv4"),                  address,           NULL                },
    {STR_INIT("meta-data/mac"),                         mac,               NULL                },
    {STR_INIT("meta-data/network/interfaces/macs/"),    NULL,              interfaces_below    },
    {STR_INIT("meta-data/placement/availability-zone"), zone,              NULL                },
    {STR_INIT("meta-data/placement/region"),            region,            NULL                },
    {STR_INIT("meta-data/public-hostname"),             public_dns,        NULL                },
    {STR_INIT("meta-data/public-ipv4"),                 public_address,    NULL                },
    {STR_INIT("meta-data/reservation-id"),              reservation,       NULL                },
    {STR_INIT("meta-data/security-groups"),             security_groups,   NULL                },
    {STR_INIT("meta-data/services/domain"),             domain,            NULL                },
    {STR_INIT("meta-data/services/partition"),          partition,         NULL                },
    {STR_INIT("meta-data/tags/instance/"),              NULL,              instance_tags       },
};

/* The names directly below @folder ("meta-data/"), folders with a '/' behind. */
static struct str listing(struct metadata_query *q, struct str folder)
{
    CLEANUP(buf_free) struct buf b = buf_init(METADATA_LARGEST);
    struct str last = {0};

    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        struct str rest = str_from(entries[i].path, folder.n), name;

        if (!str_starts(entries[i].path, folder) || rest.n == 0)
            continue;
        name = str_first(rest, str_chr(rest, '/') == STR_NONE ? rest.n : str_chr(rest, '/') + 1);
        if (str_eq(name, last) || (entries[i].value != NULL && entries[i].value(q).n == 0))
            continue;
        buf_printf(&b, "%s%.*s", b.n > 0 ? "\n" : "", STR_ARG(name));
        last = name;
    }
    return arena_str(q->arena, buf_str(&b));
}

struct str metadata_value(struct metadata_query *q, struct str path)
{
    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        struct str own = entries[i].path;

        if (entries[i].value != NULL && str_eq(path, own))
            return entries[i].value(q);
        if (entries[i].below != NULL && str_eq(path, str_first(own, own.n - 1)))
            return entries[i].below(q, (struct str){0});
        if (entries[i].below != NULL && str_starts(path, own))
            return entries[i].below(q, str_from(path, own.n));
    }
    if (path.n > 0 && path.at[path.n - 1] != '/')
        path = arena_printf(q->arena, "%.*s/", STR_ARG(path));
    return listing(q, path);
}

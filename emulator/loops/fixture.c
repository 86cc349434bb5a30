/* A fixture is read by a table of fields, checked whole, and only then written, in one
 * transaction. Its Kubernetes objects wait in a setting until their cluster's server is open.
 * Source: README, "Fixtures"; eksctl's layout of a cluster's VPC. */
#include "loops/fixture.h"

#include <errno.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "schema/yaml_shape.h"
#include "store/ec2.h"
#include "store/eks.h"
#include "store/eks_network.h"
#include "store/iam.h"
#include "store/setting.h"
#include "store/tag.h"

extern const char fixture_tutorial[], fixture_empty[];
extern const size_t fixture_tutorial_size, fixture_empty_size;

enum { LARGEST_FIXTURE = 4 << 20 };

#define OCTET      "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
#define CIDR       "(" OCTET "\\.){3}" OCTET "/(1[6-9]|2[0-8])"
#define ID(prefix) prefix "-[0-9a-f]{8}([0-9a-f]{9})?"

struct fixture_role {
    struct str name, service;
    struct str_list policies;
};

struct fixture_subnet {
    struct str id, zone, cidr;
    bool public;
    struct str_map tags;
};

struct fixture_group {
    struct str id, name, description;
    bool self;
    struct str_map tags;
};

struct fixture_vpc {
    struct str id, cidr, gateway;
    struct str_map tags;
    struct {
        struct fixture_subnet *at;
        size_t n;
    } subnets;
    struct {
        struct fixture_group *at;
        size_t n;
    } groups;
};

struct fixture_nodegroup {
    struct str name, role, instance_type;
    int64_t size;
    struct str_list subnets;
    struct str_map labels;
};

struct fixture_cluster {
    struct str name, version, vpc, role, cluster_group, kubernetes;
    struct str_list subnets, groups;
    struct str_map tags;
    struct {
        struct fixture_nodegroup *at;
        size_t n;
    } nodegroups;
};

struct fixture {
    struct str account, region;
    struct {
        struct fixture_role *at;
        size_t n;
    } roles;
    struct {
        struct fixture_vpc *at;
        size_t n;
    } vpcs;
    struct {
        struct fixture_cluster *at;
        size_t n;
    } clusters;
};

/* --- the table of fields --------------------------------------------------------------------- */

#define AT(type, field) offsetof(struct type, field)
#define SHAPE_OF(type, text)                                                                 \
    static const struct yaml_shape type##_shape = {text, sizeof(struct type), type##_fields, \
                                                   ARRAY_LEN(type##_fields)}

static const struct yaml_field fixture_role_fields[] = {
    {"name",     YAML_TEXT,  true,  AT(fixture_role, name),     NULL, "[\\w+=,.@-]{1,64}",            "a role's name"},
    {"service",  YAML_TEXT,  true,  AT(fixture_role, service),  NULL, "[a-z0-9-]+\\.amazonaws\\.com",
     "the service that assumes it, as ec2.amazonaws.com"                                                             },
    {"policies", YAML_TEXTS, false, AT(fixture_role, policies), NULL, NULL,
     "a list of names of policies that AWS manages"                                                                  },
};
SHAPE_OF(fixture_role, "a role");

static const struct yaml_field fixture_subnet_fields[] = {
    {"id",     YAML_TEXT,  true,  AT(fixture_subnet, id),     NULL, ID("subnet"),
     "an id, as subnet-0123456789abcdef0"                                                                               },
    {"zone",   YAML_TEXT,  true,  AT(fixture_subnet, zone),   NULL, "[a-z]{2}(-[a-z]+)+-[0-9][a-z]",
     "an availability zone, as ap-northeast-1a"                                                                         },
    {"cidr",   YAML_TEXT,  true,  AT(fixture_subnet, cidr),   NULL, CIDR,
     "an IPv4 block of /16 to /28, as 10.0.0.0/24"                                                                      },
    {"public", YAML_FLAG,  false, AT(fixture_subnet, public), NULL, NULL,                            "true or false"    },
    {"tags",   YAML_PAIRS, false, AT(fixture_subnet, tags),   NULL, NULL,                            "a mapping of tags"},
};
SHAPE_OF(fixture_subnet, "a subnet");

static const struct yaml_field fixture_group_fields[] = {
    {"id",          YAML_TEXT,  true,  AT(fixture_group, id),          NULL, ID("sg"),
     "an id, as sg-0123456789abcdef0"                                                                             },
    {"name",        YAML_TEXT,  true,  AT(fixture_group, name),        NULL, ".{1,255}", "a security group's name"},
    {"description", YAML_TEXT,  false, AT(fixture_group, description), NULL, ".{0,255}",
     "a description"                                                                                              },
    {"self",        YAML_FLAG,  false, AT(fixture_group, self),        NULL, NULL,
     "true when its members may reach each other"                                                                 },
    {"tags",        YAML_PAIRS, false, AT(fixture_group, tags),        NULL, NULL,       "a mapping of tags"      },
};
SHAPE_OF(fixture_group, "a security group");

static const struct yaml_field fixture_vpc_fields[] = {
    {"id",               YAML_TEXT,  true,  AT(fixture_vpc, id),      NULL,                  ID("vpc"),
     "an id, as vpc-0123456789abcdef0"                                                                                     },
    {"cidr",             YAML_TEXT,  true,  AT(fixture_vpc, cidr),    NULL,                  CIDR,
     "an IPv4 block of /16 to /28, as 10.0.0.0/16"                                                                         },
    {"internet_gateway", YAML_TEXT,  false, AT(fixture_vpc, gateway), NULL,                  ID("igw"),
     "an id, as igw-0123456789abcdef0"                                                                                     },
    {"tags",             YAML_PAIRS, false, AT(fixture_vpc, tags),    NULL,                  NULL,      "a mapping of tags"},
    {"subnets",          YAML_LIST,  false, AT(fixture_vpc, subnets), &fixture_subnet_shape, NULL,
     "a list of subnets"                                                                                                   },
    {"security_groups",  YAML_LIST,  false, AT(fixture_vpc, groups),  &fixture_group_shape,  NULL,
     "a list of security groups"                                                                                           },
};
SHAPE_OF(fixture_vpc, "a VPC");

static const struct yaml_field fixture_nodegroup_fields[] = {
    {"name",          YAML_TEXT,  true,  AT(fixture_nodegroup, name),          NULL, "[0-9A-Za-z][A-Za-z0-9_-]{0,62}",
     "a node group's name"                                                                                                                             },
    {"role",          YAML_TEXT,  true,  AT(fixture_nodegroup, role),          NULL, NULL,
     "the name of a role of this file"                                                                                                                 },
    {"size",          YAML_COUNT, true,  AT(fixture_nodegroup, size),          NULL, "[0-9]{1,4}",
     "a number of nodes"                                                                                                                               },
    {"instance_type", YAML_TEXT,  true,  AT(fixture_nodegroup, instance_type), NULL,
     "[a-z0-9-]+\\.[a-z0-9]+",                                                                                         "an instance type, as t3.medium"},
    {"subnets",       YAML_TEXTS, true,  AT(fixture_nodegroup, subnets),       NULL, NULL,
     "ids of subnets of this file"                                                                                                                     },
    {"labels",        YAML_PAIRS, false, AT(fixture_nodegroup, labels),        NULL, NULL,                             "a mapping of labels"           },
};
SHAPE_OF(fixture_nodegroup, "a node group");

static const struct yaml_field fixture_cluster_fields[] = {
    {"name",                   YAML_TEXT,  true,  AT(fixture_cluster, name),          NULL,                     "[0-9A-Za-z][A-Za-z0-9_-]{0,99}",
     "a cluster's name"                                                                                                                                                         },
    {"version",                YAML_TEXT,  false, AT(fixture_cluster, version),       NULL,                     "1\\.[0-9]{2}",
     "a Kubernetes release, as 1.16"                                                                                                                                            },
    {"vpc",                    YAML_TEXT,  true,  AT(fixture_cluster, vpc),           NULL,                     NULL,                             "the id of a VPC of this file"},
    {"subnets",                YAML_TEXTS, true,  AT(fixture_cluster, subnets),       NULL,                     NULL,
     "ids of subnets of this file"                                                                                                                                              },
    {"role",                   YAML_TEXT,  true,  AT(fixture_cluster, role),          NULL,                     NULL,
     "the name of a role of this file"                                                                                                                                          },
    {"security_groups",        YAML_TEXTS, false, AT(fixture_cluster, groups),        NULL,                     NULL,
     "ids of security groups of this file"                                                                                                                                      },
    {"cluster_security_group", YAML_TEXT,  true,  AT(fixture_cluster, cluster_group), NULL,                     NULL,
     "the id of a security group of this file"                                                                                                                                  },
    {"tags",                   YAML_PAIRS, false, AT(fixture_cluster, tags),          NULL,                     NULL,                             "a mapping of tags"           },
    {"nodegroups",             YAML_LIST,  false, AT(fixture_cluster, nodegroups),    &fixture_nodegroup_shape,
     NULL,                                                                                                                                        "a list of node groups"       },
    {"kubernetes",             YAML_TEXT,  false, AT(fixture_cluster, kubernetes),    NULL,                     NULL,
     "Kubernetes manifests as a block of text"                                                                                                                                  },
};
SHAPE_OF(fixture_cluster, "a cluster");

static const struct yaml_field fixture_fields[] = {
    {"account",  YAML_TEXT, true,  AT(fixture, account),  NULL,                   "[0-9]{12}",
     "an account id of 12 digits, in quotes"                                                                                   },
    {"region",   YAML_TEXT, true,  AT(fixture, region),   NULL,                   "[a-z]{2}(-[a-z]+)+-[0-9]",
     "a region, as ap-northeast-1"                                                                                             },
    {"roles",    YAML_LIST, false, AT(fixture, roles),    &fixture_role_shape,    NULL,                       "a list of roles"},
    {"vpcs",     YAML_LIST, false, AT(fixture, vpcs),     &fixture_vpc_shape,     NULL,                       "a list of VPCs" },
    {"clusters", YAML_LIST, false, AT(fixture, clusters), &fixture_cluster_shape, NULL,
     "a list of clusters"                                                                                                      },
};
SHAPE_OF(fixture, "a fixture");

int fixture_open(struct arena *a, struct str wanted, struct str *ret_name, struct str *ret_text,
                 struct str *ret_why)
{
    int r;

    *ret_name = arena_printf(a, "fixture %.*s", STR_ARG(wanted));
    if (str_is(wanted, "tutorial"))
        *ret_text = str_n(fixture_tutorial, fixture_tutorial_size);
    else if (str_is(wanted, "empty"))
        *ret_text = str_n(fixture_empty, fixture_empty_size);
    else {
        *ret_name = wanted;
        r = file_read(a, arena_cstr(a, wanted), LARGEST_FIXTURE, ret_text);
        if (r < 0) {
            *ret_why = arena_printf(a,
                                    "cannot read the fixture %.*s: %s (built in are tutorial "
                                    "and empty)",
                                    STR_ARG(wanted), strerror(-r));
            return r;
        }
    }
    return 0;
}

/* --- references within the file -------------------------------------------------------------- */

static bool has_subnet(const struct fixture *f, struct str id)
{
    for (size_t v = 0; v < f->vpcs.n; v++)
        for (size_t i = 0; i < f->vpcs.at[v].subnets.n; i++)
            if (str_eq(f->vpcs.at[v].subnets.at[i].id, id))
                return true;
    return false;
}

static bool has_group(const struct fixture *f, struct str id)
{
    for (size_t v = 0; v < f->vpcs.n; v++)
        for (size_t i = 0; i < f->vpcs.at[v].groups.n; i++)
            if (str_eq(f->vpcs.at[v].groups.at[i].id, id))
                return true;
    return false;
}

static bool has_vpc(const struct fixture *f, struct str id)
{
    for (size_t v = 0; v < f->vpcs.n; v++)
        if (str_eq(f->vpcs.at[v].id, id))
            return true;
    return false;
}

static bool has_role(const struct fixture *f, struct str name)
{
    for (size_t i = 0; i < f->roles.n; i++)
        if (str_eq(f->roles.at[i].name, name))
            return true;
    return false;
}

typedef bool has_cb(const struct fixture *f, struct str id);

/* The first of @ids that the file does not have, told by where it stands. */
static bool all_known(struct yaml_file *file, const struct fixture *f, const struct str *ids,
                      size_t n, has_cb *has, const char *expected, struct str *ret_why)
{
    for (size_t i = 0; i < n; i++)
        if (!has(f, ids[i])) {
            *ret_why = yaml_complain(file, ids[i], expected);
            return false;
        }
    return true;
}

static bool cluster_is_whole(struct yaml_file *file, const struct fixture *f,
                             const struct fixture_cluster *c, struct str *ret_why)
{
    bool ok =
        all_known(file, f, &c->vpc, 1, has_vpc, "the id of a VPC of this file", ret_why) &&
        all_known(file, f, &c->role, 1, has_role, "the name of a role of this file", ret_why) &&
        all_known(file, f, c->subnets.at, c->subnets.n, has_subnet,
                  "the id of a subnet of this file", ret_why) &&
        all_known(file, f, c->groups.at, c->groups.n, has_group,
                  "the id of a security group of this file", ret_why) &&
        all_known(file, f, &c->cluster_group, 1, has_group,
                  "the id of a security group of this file", ret_why);

    for (size_t i = 0; ok && i < c->nodegroups.n; i++) {
        const struct fixture_nodegroup *g = &c->nodegroups.at[i];

        ok =
            all_known(file, f, &g->role, 1, has_role, "the name of a role of this file", ret_why) &&
            all_known(file, f, g->subnets.at, g->subnets.n, has_subnet,
                      "the id of a subnet of this file", ret_why);
    }
    return ok;
}

/* --- writing --------------------------------------------------------------------------------- */

struct writer {
    struct store *store;
    struct arena *arena;
    const struct fixture *f;
    struct str version;
    int64_t now;
};

static struct str new_id(struct writer *w, const char *prefix)
{
    struct str hex = ids_hex(store_ids(w->store), w->arena, 17);

    return arena_printf(w->arena, "%s-%.*s", prefix, STR_ARG(hex));
}

static int write_tags(struct writer *w, const char *kind, struct str id, const struct str_map *tags)
{
    struct str arn = arena_printf(w->arena, "arn:aws:ec2:%.*s:%.*s:%s/%.*s", STR_ARG(w->f->region),
                                  STR_ARG(w->f->account), kind, STR_ARG(id));
    int r = 0;

    for (size_t i = 0; r == 0 && i < tags->n; i++)
        r = tag_put(w->store, &(struct tag){.account = w->f->account,
                                            .region = w->f->region,
                                            .arn = arn,
                                            .key = tags->at[i].key,
                                            .value = tags->at[i].value});
    return r;
}

static int write_route_table(struct writer *w, const struct fixture_vpc *v, bool public)
{
    struct route_table table = {.id = new_id(w, "rtb"),
                                .account = w->f->account,
                                .region = w->f->region,
                                .vpc = v->id,
                                .main = !public};
    struct vpc_route local = {
        .route_table = table.id, .destination = v->cidr, .target = S("local")};
    struct vpc_route out = {
        .route_table = table.id, .destination = S("0.0.0.0/0"), .target = v->gateway};
    int r = ec2_insert(w->store, &route_table_table, &table, table.id);

    if (r == 0)
        r = ec2_insert(w->store, &vpc_route_table, &local, table.id);
    if (r == 0 && public && v->gateway.n > 0)
        r = ec2_insert(w->store, &vpc_route_table, &out, table.id);
    if (r == 0 && !public)
        r = ec2_insert(
            w->store, &route_association_table,
            &(struct route_association){.id = new_id(w, "rtbassoc"), .route_table = table.id},
            table.id);
    for (size_t i = 0; r == 0 && i < v->subnets.n; i++)
        if (v->subnets.at[i].public == public)
            r = ec2_insert(w->store, &route_association_table,
                           &(struct route_association){.id = new_id(w, "rtbassoc"),
                                                       .route_table = table.id,
                                                       .subnet = v->subnets.at[i].id},
                           table.id);
    return r;
}

static int write_subnet(struct writer *w, const struct fixture_vpc *v,
                        const struct fixture_subnet *s)
{
    struct subnet row = {.id = s->id,
                         .account = w->f->account,
                         .region = w->f->region,
                         .vpc = v->id,
                         .zone = s->zone,
                         .cidr = s->cidr,
                         .map_public = s->public};
    int r = ec2_insert(w->store, &subnet_table, &row, row.id);

    return r < 0 ? r : write_tags(w, "subnet", s->id, &s->tags);
}

static int write_group_rule(struct writer *w, struct str group, bool egress, struct str peer)
{
    struct security_group_rule rule = {.id = new_id(w, "sgr"),
                                       .group_id = group,
                                       .egress = egress,
                                       .protocol = S("-1"),
                                       .from_port = -1,
                                       .to_port = -1,
                                       .peer_group = peer};

    if (egress)
        rule.cidr = S("0.0.0.0/0");
    if (peer.n > 0)
        rule.peer_account = w->f->account;
    return ec2_insert(w->store, &security_group_rule_table, &rule, group);
}

static int write_group(struct writer *w, const struct fixture_vpc *v, const struct fixture_group *g)
{
    struct security_group row = {.id = g->id,
                                 .account = w->f->account,
                                 .region = w->f->region,
                                 .vpc = v->id,
                                 .name = g->name,
                                 .description = g->description};
    int r = ec2_insert(w->store, &security_group_table, &row, row.id);

    if (r == 0 && g->self)
        r = write_group_rule(w, g->id, false, g->id);
    if (r == 0)
        r = write_group_rule(w, g->id, true, (struct str){0});
    return r < 0 ? r : write_tags(w, "security-group", g->id, &g->tags);
}

static int write_vpc(struct writer *w, const struct fixture_vpc *v)
{
    struct vpc row = {.id = v->id,
                      .account = w->f->account,
                      .region = w->f->region,
                      .cidr = v->cidr,
                      .dhcp_options = new_id(w, "dopt"),
                      .dns_support = true,
                      .dns_hostnames = true};
    struct vpc_cidr block = {.id = new_id(w, "vpc-cidr-assoc"), .vpc = v->id, .cidr = v->cidr};
    struct fixture_group standard = {.id = new_id(w, "sg"),
                                     .name = S("default"),
                                     .description = S("default VPC security group"),
                                     .self = true};
    struct gateway gateway = {
        .id = v->gateway, .account = w->f->account, .region = w->f->region, .vpc = v->id};
    int r = ec2_insert(w->store, &vpc_table, &row, row.id);

    if (r == 0)
        r = ec2_insert(w->store, &vpc_cidr_table, &block, row.id);
    if (r == 0)
        r = write_tags(w, "vpc", v->id, &v->tags);
    if (r == 0 && v->gateway.n > 0)
        r = ec2_insert(w->store, &gateway_table, &gateway, gateway.id);
    for (size_t i = 0; r == 0 && i < v->subnets.n; i++)
        r = write_subnet(w, v, &v->subnets.at[i]);
    if (r == 0)
        r = write_route_table(w, v, false);
    if (r == 0)
        r = write_route_table(w, v, true);
    if (r == 0)
        r = write_group(w, v, &standard);
    for (size_t i = 0; r == 0 && i < v->groups.n; i++)
        r = write_group(w, v, &v->groups.at[i]);
    return r;
}

static int write_role(struct writer *w, const struct fixture_role *role)
{
    struct str id = ids_from(store_ids(w->store), w->arena, 17, IDS_IAM);
    struct iam_entity e = {
        .kind = IAM_ROLE,
        .account = w->f->account,
        .name = role->name,
        .path = S("/"),
        .id = arena_printf(w->arena, "AROA%.*s", STR_ARG(id)),
        .created = w->now,
        .max_session_s = 3600,
        .arn = arena_printf(w->arena, "arn:aws:iam::%.*s:role/%.*s", STR_ARG(w->f->account),
                            STR_ARG(role->name)),
        .trust =
            arena_printf(w->arena,
                         "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
                         "\"Principal\":{\"Service\":\"%.*s\"},\"Action\":\"sts:AssumeRole\"}]}",
                         STR_ARG(role->service)),
    };
    int r = iam_entity_insert(w->store, &e);

    for (size_t i = 0; r == 0 && i < role->policies.n; i++) {
        struct str arn =
            arena_printf(w->arena, "arn:aws:iam::aws:policy/%.*s", STR_ARG(role->policies.at[i]));
        struct iam_managed *policy = NULL;

        r = iam_policy_find(w->store, w->arena, arn, &policy);
        if (r == 0 && policy != NULL)
            r = iam_attach(w->store, &e, arn, w->now);
    }
    return r;
}

/* Words parted by spaces. */
static struct str joined(struct arena *a, const struct str_list *list)
{
    struct str text = S("");

    for (size_t i = 0; i < list->n; i++)
        text = arena_printf(a, "%.*s%s%.*s", STR_ARG(text), i > 0 ? " " : "", STR_ARG(list->at[i]));
    return text;
}

static struct str json_pairs(struct arena *a, const struct str_map *map)
{
    CLEANUP(json_freep) cJSON *object = cJSON_CreateObject();
    CLEANUP(buf_free) struct buf b = buf_init(1 << 16);

    for (size_t i = 0; i < map->n; i++)
        json_put_str(object, map->at[i].key, map->at[i].value);
    json_write(&b, object);
    return arena_str(a, buf_str(&b));
}

static struct str role_arn(struct writer *w, struct str name)
{
    return arena_printf(w->arena, "arn:aws:iam::%.*s:role/%.*s", STR_ARG(w->f->account),
                        STR_ARG(name));
}

static int write_nodegroup(struct writer *w, const struct fixture_cluster *c,
                           const struct fixture_nodegroup *g)
{
    struct str uuid = ids_uuid(store_ids(w->store), w->arena);
    struct nodegroup row = {
        .name = g->name,
        .cluster = c->name,
        .status = S("ACTIVE"),
        .arn = arena_printf(w->arena, "arn:aws:eks:%.*s:%.*s:nodegroup/%.*s/%.*s/%.*s",
                            STR_ARG(w->f->region), STR_ARG(w->f->account), STR_ARG(c->name),
                            STR_ARG(g->name), STR_ARG(uuid)),
        .subnets = joined(w->arena, &g->subnets),
        .instance_type = g->instance_type,
        .node_role = role_arn(w, g->role),
        .labels = json_pairs(w->arena, &g->labels),
        .ami_type = S("AL2_x86_64"),
        .capacity_type = S("ON_DEMAND"),
        .minimum = g->size,
        .desired = g->size,
        .maximum = g->size,
        .disk = 20,
        .version = c->version.n > 0 ? c->version : w->version,
        .created = w->now,
        .modified = w->now,
    };

    return nodegroup_insert(w->store, &row);
}

static int write_cluster(struct writer *w, const struct fixture_cluster *c)
{
    struct cluster row = {
        .name = c->name,
        .account = w->f->account,
        .region = w->f->region,
        .version = c->version.n > 0 ? c->version : w->version,
        .status = S("ACTIVE"),
        .role_arn = role_arn(w, c->role),
        .vpc = c->vpc,
        .subnets = joined(w->arena, &c->subnets),
        .security_groups = joined(w->arena, &c->groups),
        .cluster_group = c->cluster_group,
        .issuer_id = ids_from(store_ids(w->store), w->arena, 32, "0123456789ABCDEF"),
        .service_cidr = S("10.100.0.0/16"),
        .authentication = S("API_AND_CONFIG_MAP"),
        .created = w->now,
    };
    int r = cluster_insert(w->store, &row);

    if (r == 0)
        r = cluster_interfaces_make(w->store, w->arena, &row);
    for (size_t i = 0; r == 0 && i < c->tags.n; i++)
        r = tag_put(w->store, &(struct tag){.account = w->f->account,
                                            .region = w->f->region,
                                            .arn = cluster_arn(w->arena, &row),
                                            .key = c->tags.at[i].key,
                                            .value = c->tags.at[i].value});
    for (size_t i = 0; r == 0 && i < c->nodegroups.n; i++)
        r = write_nodegroup(w, c, &c->nodegroups.at[i]);
    if (r == 0 && c->kubernetes.n > 0)
        r = setting_put(w->store,
                        arena_printf(w->arena, "fixture/kubernetes/%.*s", STR_ARG(c->name)),
                        c->kubernetes);
    return r;
}

static int write_world(struct writer *w)
{
    const struct fixture *f = w->f;
    int r = setting_put(w->store, S("fixture/region"), f->region);

    for (size_t i = 0; r == 0 && i < f->roles.n; i++)
        r = write_role(w, &f->roles.at[i]);
    for (size_t i = 0; r == 0 && i < f->vpcs.n; i++)
        r = write_vpc(w, &f->vpcs.at[i]);
    for (size_t i = 0; r == 0 && i < f->clusters.n; i++)
        r = write_cluster(w, &f->clusters.at[i]);
    return r;
}

int fixture_region(struct store *s, struct arena *a, struct str *ret_region)
{
    return setting_get(s, a, S("fixture/region"), ret_region);
}

int fixture_load(struct store *s, struct arena *a, struct str name, struct str text,
                 struct str version, struct str *ret_why)
{
    struct yaml_file file = {.arena = a, .name = name};
    /* Where nobody asks for another one, the release of the tutorial's day. */
    struct writer w = {.store = s, .arena = a, .version = version.n > 0 ? version : S("1.16")};
    struct str region = {0};
    void *value = NULL;
    int r = fixture_region(s, a, &region);

    if (r < 0 || region.n > 0)
        return r;
    if (!yaml_read(&file, text, &fixture_shape, &value, ret_why))
        return -EINVAL;
    w.f = value;
    w.now = clock_now(store_clock(s));
    for (size_t i = 0; i < w.f->clusters.n; i++)
        if (!cluster_is_whole(&file, w.f, &w.f->clusters.at[i], ret_why))
            return -EINVAL;
    r = store_begin(s);
    if (r == 0)
        r = write_world(&w);
    if (r == 0)
        return store_commit(s);
    store_rollback(s);
    *ret_why =
        arena_printf(a, "%.*s: two things of one kind have the same name or id", STR_ARG(name));
    return r;
}

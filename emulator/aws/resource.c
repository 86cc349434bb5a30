/* Resources by rule. A rule is a list of patterns parted by '|', each an ARN in which {Member}
 * stands for a member of the input (each element of a list; {List.Member} for those of a list of
 * structures), {Member=otherwise} for one that may be absent, {region} and {account} for the
 * call's, and {kind:Member} for the ARN of what the member names. A pattern whose member is absent
 * gives nothing. Source: Service Authorization Reference; reference aws-eks-iam-ec2 section 2.6. */
#include "aws/resource.h"

#include "aws/iam.h"
#include "base/buf.h"
#include "schema/shape_access.h"
#include "store/tag.h"

enum { LONGEST_ARN = 4096, MOST_RESOURCES = 1000 };

/* --- kinds of names -------------------------------------------------------------------------- */

static struct str entity_arn(struct call *c, enum iam_kind kind, struct str name)
{
    struct iam_entity *e = NULL;

    if (iam_entity_find(c->store, c->arena, kind, c->account, name, &e) == 0 && e != NULL)
        return e->arn;
    return iam_arn(c, iam_kind_name(kind), S("/"), name);
}

static struct str role_arn(struct call *c, struct str name)
{
    return entity_arn(c, IAM_ROLE, name);
}

static struct str user_arn(struct call *c, struct str name)
{
    return name.n == 0 ? c->identity.arn : entity_arn(c, IAM_USER, name);
}

static struct str group_arn(struct call *c, struct str name)
{
    return entity_arn(c, IAM_GROUP, name);
}

static struct str profile_arn(struct call *c, struct str name)
{
    struct iam_profile *p = NULL;

    if (iam_profile_find(c->store, c->arena, c->account, name, &p) == 0 && p != NULL)
        return p->arn;
    return iam_arn(c, "instance-profile", S("/"), name);
}

static struct str certificate_arn(struct call *c, struct str name)
{
    struct iam_certificate *p = NULL;

    if (iam_certificate_find(c->store, c->arena, c->account, name, &p) == 0 && p != NULL)
        return p->arn;
    return iam_arn(c, "server-certificate", S("/"), name);
}

static struct str linked_role_arn(struct call *c, struct str service)
{
    struct str path = arena_printf(c->arena, "/aws-service-role/%.*s/", STR_ARG(service));

    return iam_arn(c, "role", path, iam_linked_role_name(service));
}

static struct str provider_name(struct call *c, struct str url)
{
    struct str name;

    return iam_provider_name(c->arena, url, &name) ? name : url;
}

/* The type of EC2's resources, by the prefix of their ids. */
static const struct {
    const char *prefix, *type;
} ec2_types[] = {
    {"acl-",      "network-acl"                 },
    {"ami-",      "image"                       },
    {"dopt-",     "dhcp-options"                },
    {"eigw-",     "egress-only-internet-gateway"},
    {"eipalloc-", "elastic-ip"                  },
    {"eni-",      "network-interface"           },
    {"i-",        "instance"                    },
    {"igw-",      "internet-gateway"            },
    {"key-",      "key-pair"                    },
    {"lt-",       "launch-template"             },
    {"nat-",      "natgateway"                  },
    {"pcx-",      "vpc-peering-connection"      },
    {"pl-",       "prefix-list"                 },
    {"rtb-",      "route-table"                 },
    {"sg-",       "security-group"              },
    {"sgr-",      "security-group-rule"         },
    {"snap-",     "snapshot"                    },
    {"subnet-",   "subnet"                      },
    {"vol-",      "volume"                      },
    {"vpc-",      "vpc"                         },
    {"vpce-",     "vpc-endpoint"                },
};

static struct str ec2_arn(struct call *c, struct str id)
{
    const char *type = "*";

    for (size_t i = 0; i < ARRAY_LEN(ec2_types); i++)
        if (str_starts(id, str_c(ec2_types[i].prefix)))
            type = ec2_types[i].type;
    return arena_printf(c->arena, "arn:%.*s:ec2:%.*s:%.*s:%s/%.*s", STR_ARG(c->partition),
                        STR_ARG(c->region), STR_ARG(c->account), type, STR_ARG(id));
}

/* What ARNs call a type of load balancer. */
static struct str balancer_type(struct call *c UNUSED, struct str type)
{
    return str_is(type, "network") ? S("net") : str_is(type, "gateway") ? S("gwy") : S("app");
}

static const struct {
    const char *kind;
    struct str (*arn)(struct call *c, struct str name);
    bool absent; /* whether an absent name means something */
} kinds[] = {
    {"role",        role_arn,        false},
    {"user",        user_arn,        true },
    {"group",       group_arn,       false},
    {"profile",     profile_arn,     false},
    {"certificate", certificate_arn, false},
    {"linked",      linked_role_arn, false},
    {"url",         provider_name,   false},
    {"ec2",         ec2_arn,         false},
    {"balancer",    balancer_type,   false},
};

/* --- patterns -------------------------------------------------------------------------------- */

/* The texts of a member, or of a member of each element of a list of structures. */
static struct str_list member_texts(struct call *c, struct str member)
{
    const struct shape *shape = c->model->input;
    struct str list_name, below;
    const struct shape_row *row;
    const struct any_list *list;
    struct str_list texts = {0};

    if (!str_cut(member, '.', &list_name, &below))
        return shape_texts(c->arena, shape, c->input, member);
    row = shape_find(shape, list_name);
    if (row == NULL || row->kind != SHAPE_LIST || !member_is_set(c->input, row))
        return texts;
    list = member_of(c->input, row);
    texts.at = arena_array(c->arena, list->n, sizeof *texts.at);
    for (size_t i = 0; i < list->n; i++) {
        struct str_list one =
            shape_texts(c->arena, row->of, (const char *)list->at + i * row->of->size, below);

        if (one.n > 0)
            texts.at[texts.n++] = one.at[0];
    }
    return texts;
}

/* What stands between braces: its values, none when it is absent. */
static struct str_list values_of(struct call *c, struct str inside)
{
    struct str kind = {0}, member = inside, otherwise = {0};
    struct str_list values = {0}, mapped;
    bool has_default;

    (void)str_cut(inside, ':', &kind, &member);
    has_default = str_cut(member, '=', &member, &otherwise);
    if (str_is(member, "region"))
        values = (struct str_list){&c->region, 1};
    else if (str_is(member, "account"))
        values = (struct str_list){&c->account, 1};
    else if (c->model->input != NULL)
        values = member_texts(c, member);
    if (values.n == 0 && has_default) {
        values.at = arena_alloc(c->arena, sizeof *values.at);
        values.at[values.n++] = otherwise;
    }
    for (size_t k = 0; kind.n > 0 && k < ARRAY_LEN(kinds); k++) {
        if (!str_is(kind, kinds[k].kind))
            continue;
        mapped.at = arena_array(c->arena, values.n + 1, sizeof *mapped.at);
        mapped.n = 0;
        for (size_t i = 0; i < values.n; i++)
            mapped.at[mapped.n++] = kinds[k].arn(c, values.at[i]);
        if (values.n == 0 && kinds[k].absent)
            mapped.at[mapped.n++] = kinds[k].arn(c, (struct str){0});
        return mapped;
    }
    return values;
}

/* The first placeholder of @pattern, with what stands around it. */
static bool cut_placeholder(struct str pattern, struct str *ret_head, struct str *ret_inside,
                            struct str *ret_tail)
{
    return str_cut(pattern, '{', ret_head, ret_inside) &&
           str_cut(*ret_inside, '}', ret_inside, ret_tail);
}

static void add_pattern(struct call *c, struct str pattern, struct str_list *list)
{
    struct str head, inside, tail;
    struct str_list values;

    if (!cut_placeholder(pattern, &head, &inside, &tail)) {
        if (list->n < MOST_RESOURCES)
            list->at[list->n++] = pattern;
        return;
    }
    values = values_of(c, inside);
    for (size_t i = 0; i < values.n; i++)
        add_pattern(c,
                    arena_printf(c->arena, "%.*s%.*s%.*s", STR_ARG(head), STR_ARG(values.at[i]),
                                 STR_ARG(tail)),
                    list);
}

struct str_list resources_of(struct call *c, const char *rule)
{
    struct str_list list = {.at = arena_array(c->arena, MOST_RESOURCES, sizeof *list.at)};
    struct str rest = str_c(rule), pattern;

    while (str_next(&rest, '|', &pattern))
        add_pattern(c, pattern, &list);
    if (list.n == 0)
        list.at[list.n++] = S("*");
    return list;
}

/* --- tags ------------------------------------------------------------------------------------ */

struct str_map resource_tags(struct call *c, struct str arn)
{
    bool iam = str_find(arn, S(":iam:")) != STR_NONE;
    struct iam_label *labels = NULL;
    struct tag *tags = NULL;
    struct str_map map = {0};
    size_t n = 0;

    if (iam)
        (void)iam_tag_list(c->store, c->arena, arn, &labels);
    else if (!str_is(arn, "*"))
        (void)tag_list(c->store, c->arena, S(""), S(""), arn, &tags);
    for (const struct iam_label *l = labels; l != NULL; l = l->next)
        n++;
    for (const struct tag *t = tags; t != NULL; t = t->next)
        n++;
    map.at = arena_array(c->arena, n, sizeof *map.at);
    for (const struct iam_label *l = labels; l != NULL; l = l->next)
        map.at[map.n++] = (struct str_pair){l->key, l->value};
    for (const struct tag *t = tags; t != NULL; t = t->next)
        map.at[map.n++] = (struct str_pair){t->key, t->value};
    return map;
}

/* A text member of a list's element, under either spelling. */
static struct str text_of(const struct shape *shape, const void *value, const char *name,
                          const char *small)
{
    const struct shape_row *row = shape_find(shape, str_c(name));

    if (row == NULL)
        row = shape_find(shape, str_c(small));
    return row != NULL && row->kind == SHAPE_STRING && member_is_set(value, row)
               ? *(const struct str *)member_of(value, row)
               : (struct str){0};
}

struct gatherer {
    struct call *call;
    struct str type; /* only tags for this; empty: all */
    struct request_tags *to;
    size_t room;
};

static void gather_tag(struct gatherer *g, struct str key, struct str value, bool has_value)
{
    struct request_tags *to = g->to;

    if (to->keys.n == g->room) {
        size_t room = g->room * 2 + 16;
        struct str *keys = arena_array(g->call->arena, room, sizeof *keys);
        struct str_pair *pairs = arena_array(g->call->arena, room, sizeof *pairs);

        for (size_t i = 0; i < to->keys.n; i++)
            keys[i] = to->keys.at[i];
        for (size_t i = 0; i < to->tags.n; i++)
            pairs[i] = to->tags.at[i];
        to->keys.at = keys;
        to->tags.at = pairs;
        g->room = room;
    }
    to->keys.at[to->keys.n++] = key;
    if (has_value)
        to->tags.at[to->tags.n++] = (struct str_pair){key, value};
}

static void gather(struct gatherer *g, const struct shape *shape, const void *value);

static void gather_list(struct gatherer *g, const struct shape_row *row,
                        const struct any_list *list, bool specifications)
{
    for (size_t i = 0; i < list->n; i++) {
        const void *element = (const char *)list->at + i * row->of->size;
        const struct shape_row *with_value = shape_find(row->of, S("Value"));

        if (with_value == NULL)
            with_value = shape_find(row->of, S("value"));
        if (!specifications)
            gather_tag(g, text_of(row->of, element, "Key", "key"),
                       text_of(row->of, element, "Value", "value"),
                       with_value != NULL && member_is_set(element, with_value));
        else if (g->type.n == 0 ||
                 str_eq(g->type, text_of(row->of, element, "ResourceType", "resourceType")))
            gather(g, row->of, element);
    }
}

/* Members called tags, of whatever service and form. */
static void gather(struct gatherer *g, const struct shape *shape, const void *value)
{
    for (size_t i = 0; i < shape->count; i++) {
        const struct shape_row *row = &shape->rows[i];
        struct str wire = str_c(row->wire);
        const struct any_list *list = member_of(value, row);
        const struct str_map *map = member_of(value, row);
        const struct str_list *keys = member_of(value, row);
        bool specifications =
            str_ieq(wire, S("TagSpecification")) || str_ieq(wire, S("TagSpecifications"));

        if (!member_is_set(value, row))
            continue;
        if (row->kind == SHAPE_STRINGS && str_ieq(wire, S("TagKeys")))
            for (size_t k = 0; k < keys->n; k++)
                gather_tag(g, keys->at[k], (struct str){0}, false);
        if (!specifications && !str_ieq(wire, S("Tags")) && !str_ieq(wire, S("Tag")))
            continue;
        if (row->kind == SHAPE_LIST)
            gather_list(g, row, list, specifications);
        for (size_t k = 0; row->kind == SHAPE_MAP && k < map->n; k++)
            gather_tag(g, map->at[k].key, map->at[k].value, true);
    }
}

struct request_tags request_tags_of(struct call *c, struct str type)
{
    struct request_tags tags = {0};
    struct gatherer g = {c, type, &tags, 0};

    if (c->model->input != NULL && c->input != NULL)
        gather(&g, c->model->input, c->input);
    return tags;
}

struct str_list tag_specification_types(struct call *c)
{
    const struct shape_row *row =
        c->model->input != NULL ? shape_find(c->model->input, S("TagSpecification")) : NULL;
    struct str_list types = {0};
    const struct any_list *list;

    if (row == NULL || row->kind != SHAPE_LIST || !member_is_set(c->input, row))
        return types;
    list = member_of(c->input, row);
    types.at = arena_array(c->arena, list->n, sizeof *types.at);
    for (size_t i = 0; i < list->n; i++) {
        const void *element = (const char *)list->at + i * row->of->size;

        types.at[types.n++] = text_of(row->of, element, "ResourceType", "resourceType");
    }
    return types;
}

/* Query parameters. Source: aws-sdk-go 1.23, private/protocol/query/queryutil. */
#include "aws_query.h"

#include "base/buf.h"
#include "base/macros.h"
#include "base/percent.h"

enum { FORM_LIMIT = 4 << 20 };

static const char *under(struct query *q, const char *path, const char *name)
{
    return arena_printf(q->a, "%s.%s", path, name).at;
}

static const char *numbered(struct query *q, const char *path, size_t i)
{
    return arena_printf(q->a, "%s.%zu", path, i + 1).at;
}

void query_str(struct query *q, const char *path, struct str value)
{
    if (value.at != NULL)
        *LIST_ADD(q->a, &q->parameters) = (struct pair){str_c(path), value};
}

void query_int(struct query *q, const char *path, int64_t value)
{
    query_str(q, path, arena_printf(q->a, "%lld", (long long)value));
}

/* "Tags.member" was meant, and there is none: "Tags=". */
static void empty_list(struct query *q, const char *path)
{
    struct str list = str_c(path);

    if (str_ends(list, S(".member")))
        list = str_first(list, list.n - strlen(".member"));
    query_str(q, arena_cstr(q->a, list), S(""));
}

void query_strs(struct query *q, const char *path, const struct strs *values)
{
    if (values->n == 0)
        empty_list(q, path);
    for (size_t i = 0; i < values->n; i++)
        query_str(q, numbered(q, path, i), values->at[i]);
}

void query_pairs(struct query *q, const char *path, const struct pairs *values)
{
    if (values->n == 0)
        empty_list(q, path);
    for (size_t i = 0; i < values->n; i++) {
        query_str(q, under(q, numbered(q, path, i), "Key"), values->at[i].key);
        query_str(q, under(q, numbered(q, path, i), "Value"), values->at[i].value);
    }
}

void query_filter(struct query *q, size_t n, const char *name, const struct strs *values)
{
    const char *path = arena_printf(q->a, "Filter.%zu", n).at;

    query_str(q, under(q, path, "Name"), str_c(name));
    query_strs(q, under(q, path, "Value"), values);
}

void query_filter_one(struct query *q, size_t n, const char *name, struct str value)
{
    struct strs values = {&value, 1};

    query_filter(q, n, name, &values);
}

static void add_ranges(struct query *q, const char *path, const struct ip_ranges *ranges,
                       const char *name)
{
    for (size_t i = 0; i < ranges->n; i++) {
        const char *one = numbered(q, path, i);

        query_str(q, under(q, one, name), ranges->at[i].cidr);
        query_str(q, under(q, one, "Description"), ranges->at[i].description);
    }
}

void query_permissions(struct query *q, const struct permissions *p)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct permission *one = &p->at[i];
        const char *path = numbered(q, "IpPermissions", i);

        query_str(q, under(q, path, "IpProtocol"), one->protocol);
        if (one->has_ports) {
            query_int(q, under(q, path, "FromPort"), one->from);
            query_int(q, under(q, path, "ToPort"), one->to);
        }
        add_ranges(q, under(q, path, "IpRanges"), &one->ranges, "CidrIp");
        add_ranges(q, under(q, path, "Ipv6Ranges"), &one->v6_ranges, "CidrIpv6");
        for (size_t g = 0; g < one->groups.n; g++) {
            const char *group = numbered(q, under(q, path, "Groups"), g);

            query_str(q, under(q, group, "GroupId"), one->groups.at[g].group_id);
            query_str(q, under(q, group, "UserId"), one->groups.at[g].user_id);
        }
    }
}

void query_targets(struct query *q, const struct targets *t)
{
    for (size_t i = 0; i < t->n; i++) {
        const char *path = numbered(q, "Targets.member", i);

        query_str(q, under(q, path, "Id"), t->at[i].id);
        query_int(q, under(q, path, "Port"), t->at[i].port);
        query_str(q, under(q, path, "AvailabilityZone"), t->at[i].zone);
    }
}

static void add_parameters(struct query *q, const char *path, const struct action *action)
{
    const char *map = under(q, under(q, path, action_parameters_path(action)),
                            "AuthenticationRequestExtraParams");

    if (action->parameters.n == 0)
        query_str(q, map, S(""));
    for (size_t i = 0; i < action->parameters.n; i++) {
        const char *entry = numbered(q, under(q, map, "entry"), i);

        query_str(q, under(q, entry, "key"), action->parameters.at[i].key);
        query_str(q, under(q, entry, "value"), action->parameters.at[i].value);
    }
}

void query_actions(struct query *q, const char *path, const struct actions *actions)
{
    for (size_t i = 0; i < actions->n; i++) {
        const struct action *action = &actions->at[i];
        const char *one = numbered(q, path, i);

        for (size_t m = 0; m < action->members.n; m++)
            query_str(q, under(q, one, action->members.at[m].key.at), action->members.at[m].value);
        if (action->has_parameters)
            add_parameters(q, one, action);
    }
}

void query_conditions(struct query *q, const struct conditions *conditions)
{
    for (size_t i = 0; i < conditions->n; i++) {
        const char *path = numbered(q, "Conditions.member", i);

        query_str(q, under(q, path, "Field"), conditions->at[i].field);
        query_strs(q, under(q, path, "Values.member"), &conditions->at[i].values);
    }
}

struct str query_form(const struct query *q)
{
    CLEANUP(buf_free) struct buf b = buf_init(FORM_LIMIT);

    for (size_t i = 0; i < q->parameters.n; i++) {
        struct str key = percent_encode(q->a, q->parameters.at[i].key, false);
        struct str value = percent_encode(q->a, q->parameters.at[i].value, false);

        buf_printf(&b, "%s%.*s=%.*s", i == 0 ? "" : "&", STR_ARG(key), STR_ARG(value));
    }
    return arena_str(q->a, buf_str(&b));
}

/* Resource Groups Tagging: every service's tags by one API. It reads and writes the rows that the
 * services themselves do, so there is nothing to be consistent with.
 * Source: Resource Groups Tagging API Reference 2017-01-26. */
#include "schema/aws/tagging.h"
#include "aws/elbv2.h"
#include "aws/services.h"

#include "base/base64.h"
#include "base/macros.h"
#include "store/eks.h"

enum {
    LARGEST_PAGE = 100,
    MOST_TAGS = 50,
    MOST_FILTERS = 50,
    MOST_KEYS_PER_PAGE = 1000,
};

/* A step that has refused. */
enum { REFUSED = 1 };

static int refuse(struct call *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

static int refuse(struct call *c, const char *fmt, ...)
{
    struct str text;
    va_list args;

    va_start(args, fmt);
    text = arena_vprintf(c->arena, fmt, args);
    va_end(args);
    (void)call_fault(c, &tagging_invalid_parameter_exception, "%.*s", STR_ARG(text));
    return REFUSED;
}

static struct done answer(struct call *c, int r, const void *output)
{
    if (r < 0)
        return call_fail(c, r);
    return r == REFUSED ? (struct done){DONE_FAULT} : call_reply(c, output);
}

/* --- what ARNs are --------------------------------------------------------------------------- */

struct arn {
    struct str service, region, account, resource; /* "loadbalancer/app/web/0123…" */
};

static bool read_arn(struct str text, struct arn *ret)
{
    struct str rest = text, part = {0};

    if (!str_next(&rest, ':', &part) || !str_is(part, "arn") || !str_next(&rest, ':', &part) ||
        !str_next(&rest, ':', &ret->service) || !str_next(&rest, ':', &ret->region) ||
        !str_next(&rest, ':', &ret->account))
        return false;
    ret->resource = rest;
    return ret->service.n > 0 && rest.n > 0;
}

/* "subnet-0123" of "subnet/subnet-0123". */
static struct str id_of(const struct arn *a)
{
    size_t slash = str_rchr(a->resource, '/');

    return slash == STR_NONE ? a->resource : str_from(a->resource, slash + 1);
}

/* "subnet/subnet-1" is of the type "ec2:subnet", "loadbalancer/app/web/1" of
 * "elasticloadbalancing:loadbalancer" and of "elasticloadbalancing:loadbalancer/app". */
static bool is_of_type(const struct arn *a, struct str type)
{
    struct str service = type, resource = {0};

    (void)str_cut(type, ':', &service, &resource);
    if (!str_eq(a->service, service))
        return false;
    if (resource.n == 0)
        return true;
    return str_starts(a->resource, resource) &&
           (a->resource.n == resource.n || a->resource.at[resource.n] == '/' ||
            a->resource.at[resource.n] == ':');
}

/* --- which resources there are --------------------------------------------------------------- */

#define EXISTS_IN_REGION(function, of, list)                                       \
    static int function(struct call *c, const struct arn *a, bool *ret)            \
    {                                                                              \
        struct of *found = NULL;                                                   \
        int r = list(c->store, c->arena, c->account, c->region, id_of(a), &found); \
                                                                                   \
        *ret = found != NULL;                                                      \
        return r;                                                                  \
    }

EXISTS_IN_REGION(has_vpc, vpc, vpc_list)
EXISTS_IN_REGION(has_subnet, subnet, subnet_list)
EXISTS_IN_REGION(has_gateway, gateway, gateway_list)
EXISTS_IN_REGION(has_route_table, route_table, route_table_list)
EXISTS_IN_REGION(has_security_group, security_group, security_group_list)
EXISTS_IN_REGION(has_instance, instance, instance_list)
EXISTS_IN_REGION(has_interface, network_interface, interface_list)
EXISTS_IN_REGION(has_cluster, cluster, cluster_find)

static const struct {
    const char *type; /* "service:resource" */
    int (*has)(struct call *c, const struct arn *a, bool *ret);
} kinds[] = {
    {"ec2:vpc",               has_vpc           },
    {"ec2:subnet",            has_subnet        },
    {"ec2:internet-gateway",  has_gateway       },
    {"ec2:route-table",       has_route_table   },
    {"ec2:security-group",    has_security_group},
    {"ec2:instance",          has_instance      },
    {"ec2:network-interface", has_interface     },
    {"eks:cluster",           has_cluster       },
};

/* Whether there is such a resource. Of kinds that no row is for, those are there that have tags. */
static int resource_exists(struct call *c, struct str text, const struct arn *a, bool *ret)
{
    struct tag *tag = NULL;
    int r = 0;

    *ret = false;
    if (!str_eq(a->account, c->account) || !str_eq(a->region, c->region))
        return 0;
    if (str_is(a->service, "elasticloadbalancing")) {
        *ret = elb_resource_exists(c, text, &r);
        return r;
    }
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (is_of_type(a, str_c(kinds[i].type)))
            return kinds[i].has(c, a, ret);
    r = tag_list(c->store, c->arena, c->account, c->region, text, &tag);
    *ret = tag != NULL;
    return r;
}

/* --- reading tags ---------------------------------------------------------------------------- */

/* Tags lie in order of ARN; @first to @last (not included) are one resource's. */
struct resource {
    const struct tag *first, *last;
    size_t n;
};

static struct resource next_resource(const struct tag *first)
{
    struct resource r = {.first = first, .last = first};

    while (r.last != NULL && str_eq(r.last->arn, first->arn)) {
        r.last = r.last->next;
        r.n++;
    }
    return r;
}

static bool has_tag(const struct resource *r, const struct tagging_tag_filter *f)
{
    for (const struct tag *t = r->first; t != r->last; t = t->next)
        if (str_eq(t->key, f->key))
            return f->values.n == 0 || elb_has(f->values.at, f->values.n, t->value);
    return false;
}

static bool is_wanted(const struct resource *r, const struct tagging_get_resources_input *in)
{
    struct arn arn;
    bool typed = in->resource_type_filters.n == 0;

    if (!read_arn(r->first->arn, &arn))
        return false;
    if (in->resource_arn_list.n > 0)
        return elb_has(in->resource_arn_list.at, in->resource_arn_list.n, r->first->arn);
    for (size_t i = 0; i < in->resource_type_filters.n; i++)
        typed = typed || is_of_type(&arn, in->resource_type_filters.at[i]);
    for (size_t i = 0; typed && i < in->tag_filters.n; i++)
        if (!has_tag(r, &in->tag_filters.at[i]))
            return false;
    return typed;
}

static int check_get_resources(struct call *c, const struct tagging_get_resources_input *in)
{
    if (in->resource_arn_list.n > 0 &&
        (in->tag_filters.n > 0 || in->resource_type_filters.n > 0 || in->resources_per_page.set ||
         in->tags_per_page.set || in->pagination_token.n > 0))
        return refuse(c, "ResourceARNList cannot be combined with other parameters");
    if (in->resource_arn_list.n > LARGEST_PAGE)
        return refuse(c, "ResourceARNList can have at most %d ARNs", LARGEST_PAGE);
    if (in->tag_filters.n > MOST_FILTERS)
        return refuse(c, "TagFilters can have at most %d filters", MOST_FILTERS);
    if (in->resources_per_page.set && in->tags_per_page.set)
        return refuse(c, "ResourcesPerPage and TagsPerPage cannot be specified at the same time");
    if (in->resources_per_page.set &&
        (in->resources_per_page.v < 1 || in->resources_per_page.v > LARGEST_PAGE))
        return refuse(c, "ResourcesPerPage must be between 1 and %d", LARGEST_PAGE);
    if (in->tags_per_page.set &&
        (in->tags_per_page.v < 100 || in->tags_per_page.v > 500 || in->tags_per_page.v % 100 != 0))
        return refuse(c, "TagsPerPage must be 100, 200, 300, 400 or 500");
    for (size_t i = 0; i < in->tag_filters.n; i++)
        if (in->tag_filters.at[i].key.n == 0)
            return refuse(c, "A tag filter must have a key");
    for (size_t i = 0; i < in->resource_arn_list.n; i++) {
        struct arn arn;

        if (!read_arn(in->resource_arn_list.at[i], &arn))
            return refuse(c, "'%.*s' is not a valid ARN", STR_ARG(in->resource_arn_list.at[i]));
    }
    return 0;
}

/* A token names the last resource (or key) of the page before. */
static int read_token(struct call *c, struct str token, struct str *ret_after)
{
    *ret_after = (struct str){0};
    if (token.n == 0 || base64_decode(c->arena, token, ret_after))
        return 0;
    return refuse(c, "The pagination token '%.*s' is not valid", STR_ARG(token));
}

static void show_resource(struct call *c, const struct resource *r,
                          struct tagging_resource_tag_mapping *ret)
{
    ret->resource_arn = r->first->arn;
    ret->tags.at = arena_array(c->arena, r->n, sizeof *ret->tags.at);
    for (const struct tag *t = r->first; t != r->last; t = t->next)
        ret->tags.at[ret->tags.n++] = (struct tagging_tag){t->key, elb_text(t->value)};
}

static struct done get_resources(struct call *c, const void *input)
{
    const struct tagging_get_resources_input *in = input;
    size_t most = in->resources_per_page.set ? (size_t)in->resources_per_page.v : LARGEST_PAGE;
    int64_t most_tags = in->tags_per_page.set ? in->tags_per_page.v : INT64_MAX, tags = 0;
    struct tagging_get_resources_output out = {.pagination_token = S("")};
    struct resource r = {0};
    struct str after = {0};
    struct tag *first = NULL;
    int error = check_get_resources(c, in);

    if (error == 0)
        error = read_token(c, in->pagination_token, &after);
    if (error == 0)
        error = tag_list(c->store, c->arena, c->account, c->region, S(""), &first);
    out.resource_tag_mapping_list.at =
        arena_array(c->arena, most, sizeof *out.resource_tag_mapping_list.at);
    for (const struct tag *t = first; error == 0 && t != NULL; t = r.last) {
        size_t *n = &out.resource_tag_mapping_list.n;

        r = next_resource(t);
        if ((after.n > 0 && str_cmp(t->arn, after) <= 0) || !is_wanted(&r, in))
            continue;
        if (*n == most || (*n > 0 && tags + (int64_t)r.n > most_tags)) {
            out.pagination_token =
                base64_encode(c->arena, out.resource_tag_mapping_list.at[*n - 1].resource_arn);
            break;
        }
        tags += (int64_t)r.n;
        show_resource(c, &r, &out.resource_tag_mapping_list.at[(*n)++]);
    }
    return answer(c, error, &out);
}

/* Texts of an account's tags, each once, in byte order; from behind @after on. */
static int list_texts(struct call *c, bool values, struct str key, struct str token,
                      struct str_list *ret, struct str *ret_token)
{
    struct str after = {0};
    struct tag_text *first = NULL;
    size_t n = 0;
    int r = read_token(c, token, &after);

    if (r == 0)
        r = values ? tag_value_list(c->store, c->arena, c->account, c->region, key, &first)
                   : tag_key_list(c->store, c->arena, c->account, c->region, &first);
    ELB_COUNT(n, first);
    ret->at = arena_array(c->arena, n, sizeof *ret->at);
    *ret_token = S("");
    for (; r == 0 && first != NULL; first = first->next) {
        if (token.n > 0 && str_cmp(first->text, after) <= 0)
            continue;
        if (ret->n == MOST_KEYS_PER_PAGE) {
            *ret_token = base64_encode(c->arena, ret->at[ret->n - 1]);
            break;
        }
        ret->at[ret->n++] = elb_text(first->text);
    }
    return r;
}

static struct done get_tag_keys(struct call *c, const void *input)
{
    const struct tagging_get_tag_keys_input *in = input;
    struct tagging_get_tag_keys_output out = {0};

    return answer(
        c, list_texts(c, false, S(""), in->pagination_token, &out.tag_keys, &out.pagination_token),
        &out);
}

static struct done get_tag_values(struct call *c, const void *input)
{
    const struct tagging_get_tag_values_input *in = input;
    struct tagging_get_tag_values_output out = {0};

    return answer(
        c,
        list_texts(c, true, in->key, in->pagination_token, &out.tag_values, &out.pagination_token),
        &out);
}

/* --- writing tags ---------------------------------------------------------------------------- */

static int check_arns(struct call *c, const struct str_list *arns)
{
    for (size_t i = 0; i < arns->n; i++) {
        struct arn arn;

        if (!read_arn(arns->at[i], &arn))
            return refuse(c, "'%.*s' is not a valid ARN", STR_ARG(arns->at[i]));
    }
    return 0;
}

static int check_keys(struct call *c, struct str key)
{
    if (str_starts(key, S("aws:")))
        return refuse(c, "Tag keys starting with 'aws:' are reserved for system use");
    return 0;
}

static int tag_resource(struct call *c, struct str arn, const struct str_map *tags)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < tags->n; i++)
        r = tag_put(c->store, &(struct tag){.account = c->account,
                                            .region = c->region,
                                            .arn = arn,
                                            .key = tags->at[i].key,
                                            .value = tags->at[i].value});
    return r;
}

/* What FailedResourcesMap says of a resource that is not there. */
static void note_failure(struct call *c, struct struct_map *failed, struct str arn)
{
    struct tagging_failure_info *info = arena_alloc(c->arena, sizeof *info);

    *info = (struct tagging_failure_info){
        .status_code = OPT_INT(400),
        .error_code = S("InvalidParameterException"),
        .error_message = arena_printf(c->arena, "The resource '%.*s' does not exist", STR_ARG(arn)),
    };
    failed->at[failed->n++] = (struct struct_pair){arn, info};
}

static struct done tag_resources(struct call *c, const void *input)
{
    const struct tagging_tag_resources_input *in = input;
    struct tagging_tag_resources_output out = {
        .failed_resources_map.at =
            arena_array(c->arena, in->resource_arn_list.n, sizeof *out.failed_resources_map.at)};
    int r = check_arns(c, &in->resource_arn_list);

    if (r == 0 && (in->tags.n == 0 || in->tags.n > MOST_TAGS))
        r = refuse(c, "Between 1 and %d tags must be specified", MOST_TAGS);
    for (size_t i = 0; r == 0 && i < in->tags.n; i++)
        r = check_keys(c, in->tags.at[i].key);
    for (size_t i = 0; r == 0 && i < in->resource_arn_list.n; i++) {
        struct arn arn;
        bool there = false;

        (void)read_arn(in->resource_arn_list.at[i], &arn);
        r = resource_exists(c, in->resource_arn_list.at[i], &arn, &there);
        if (r == 0 && there)
            r = tag_resource(c, in->resource_arn_list.at[i], &in->tags);
        else if (r == 0)
            note_failure(c, &out.failed_resources_map, in->resource_arn_list.at[i]);
    }
    return answer(c, r, &out);
}

static struct done untag_resources(struct call *c, const void *input)
{
    const struct tagging_untag_resources_input *in = input;
    struct tagging_untag_resources_output out = {
        .failed_resources_map.at =
            arena_array(c->arena, in->resource_arn_list.n, sizeof *out.failed_resources_map.at)};
    int r = check_arns(c, &in->resource_arn_list);

    for (size_t i = 0; r == 0 && i < in->tag_keys.n; i++)
        r = check_keys(c, in->tag_keys.at[i]);
    for (size_t i = 0; r == 0 && i < in->resource_arn_list.n; i++) {
        struct arn arn;
        bool there = false;

        (void)read_arn(in->resource_arn_list.at[i], &arn);
        r = resource_exists(c, in->resource_arn_list.at[i], &arn, &there);
        if (r == 0 && !there)
            note_failure(c, &out.failed_resources_map, in->resource_arn_list.at[i]);
        for (size_t k = 0; there && r == 0 && k < in->tag_keys.n; k++)
            r = tag_remove(c->store, in->resource_arn_list.at[i], in->tag_keys.at[k]);
    }
    return answer(c, r, &out);
}

static const struct aws_op ops[] = {
    {"GetResources",   get_resources,   "*", 0        },
    {"GetTagKeys",     get_tag_keys,    "*", 0        },
    {"GetTagValues",   get_tag_values,  "*", 0        },
    {"TagResources",   tag_resources,   "*", OP_WRITES},
    {"UntagResources", untag_resources, "*", OP_WRITES},
};

const struct aws_service tagging_service = AWS_SERVICE(tagging, "tag", ops);

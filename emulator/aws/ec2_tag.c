/* Tags of EC2's things: they lie with all tags under the thing's ARN.
 * Source: Amazon EC2 API Reference, CreateTags; User Guide, "Tag restrictions". */
#include "aws/ec2.h"

#include "store/tag.h"

enum { MOST_TAGS = 50, LONGEST_KEY = 128, LONGEST_VALUE = 256 };

/* Kinds whose ids tell them; the longer prefix comes first where one begins another. */
static const struct ec2_kind *const kinds[] = {
    &ec2_security_group_rule_kind,
    &ec2_security_group_kind,
    &ec2_vpc_kind,
    &ec2_subnet_kind,
    &ec2_instance_kind,
    &ec2_network_interface_kind,
    &ec2_route_table_kind,
    &ec2_internet_gateway_kind,
};

const struct ec2_kind *ec2_kind_of(struct str id)
{
    struct str prefix, rest;
    size_t dash = str_rchr(id, '-');

    if (dash == STR_NONE)
        return NULL;
    prefix = str_first(id, dash);
    rest = str_from(id, dash + 1);
    for (size_t i = 0; rest.n > 0 && i < ARRAY_LEN(kinds); i++)
        if (str_is(prefix, kinds[i]->prefix))
            return kinds[i];
    return NULL;
}

/* --- for other files ------------------------------------------------------------------------- */

struct ec2_tag *ec2_tags(struct call *c, const char *type, struct str id, size_t *ret_n,
                         int *ret_error)
{
    struct tag *first = NULL;
    struct ec2_tag *tags;
    size_t n = 0;
    int r = tag_list(c->store, c->arena, c->account, c->region, ec2_arn(c, type, id), &first);

    if (r < 0)
        *ret_error = r;
    for (const struct tag *t = first; t != NULL; t = t->next)
        n++;
    tags = arena_array(c->arena, n > 0 ? n : 1, sizeof *tags);
    n = 0;
    for (const struct tag *t = first; t != NULL; t = t->next)
        tags[n++] = (struct ec2_tag){t->key, ec2_shown(t->value)};
    *ret_n = n;
    return tags;
}

int ec2_untag(struct call *c, const char *type, struct str id)
{
    return tag_remove_all(c->store, ec2_arn(c, type, id));
}

static int64_t characters(struct str s)
{
    int64_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.at[i] & 0xc0) != 0x80;
    return n;
}

static bool tags_hold(struct call *c, const struct ec2_tag *tags, size_t n, struct done *ret_done)
{
    for (size_t i = 0; i < n; i++) {
        if (tags[i].key.n == 0)
            return ec2_refuse(c, ret_done, "InvalidParameterValue", "Tag key cannot be empty");
        if (characters(tags[i].key) > LONGEST_KEY)
            return ec2_refuse(c, ret_done, "InvalidParameterValue",
                              "Tag key exceeds the maximum length of %d characters", LONGEST_KEY);
        if (characters(tags[i].value) > LONGEST_VALUE)
            return ec2_refuse(c, ret_done, "InvalidParameterValue",
                              "Tag value exceeds the maximum length of %d characters",
                              LONGEST_VALUE);
        if (str_starts(tags[i].key, S("aws:")))
            return ec2_refuse(c, ret_done, "InvalidParameterValue",
                              "Tag keys starting with 'aws:' are reserved for internal use");
        for (size_t k = 0; k < i; k++)
            if (str_eq(tags[i].key, tags[k].key))
                return ec2_refuse(c, ret_done, "InvalidParameterValue",
                                  "Duplicate tag key '%.*s' specified.", STR_ARG(tags[i].key));
    }
    return true;
}

/* "aws:" tags do not count. */
static int count_tags(struct call *c, struct str arn, int64_t *ret_count)
{
    struct tag *first = NULL;
    int r = tag_list(c->store, c->arena, c->account, c->region, arn, &first);

    *ret_count = 0;
    for (; first != NULL; first = first->next)
        *ret_count += !str_starts(first->key, S("aws:"));
    return r;
}

static bool put_tags(struct call *c, struct str arn, const struct ec2_tag *tags, size_t n,
                     struct done *ret_done)
{
    int64_t count = 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = tag_put(c->store, &(struct tag){.account = c->account,
                                            .region = c->region,
                                            .arn = arn,
                                            .key = tags[i].key,
                                            .value = tags[i].value});
    if (r == 0)
        r = count_tags(c, arn, &count);
    if (r < 0)
        return ec2_failed(c, r, ret_done);
    return count <= MOST_TAGS ||
           ec2_refuse(c, ret_done, "TagLimitExceeded",
                      "The maximum number of tags for a resource has been reached.");
}

bool ec2_tag_new(struct call *c, const struct ec2_tag_specification *specs, size_t n,
                 const char *type, struct str id, struct done *ret_done)
{
    for (size_t i = 0; i < n; i++) {
        if (!str_is(specs[i].resource_type, type))
            return ec2_refuse(c, ret_done, "InvalidParameterValue",
                              "'%.*s' is not a valid taggable resource type for this operation.",
                              STR_ARG(specs[i].resource_type));
        if (!tags_hold(c, specs[i].tags.at, specs[i].tags.n, ret_done) ||
            !put_tags(c, ec2_arn(c, type, id), specs[i].tags.at, specs[i].tags.n, ret_done))
            return false;
    }
    return true;
}

/* --- the operations -------------------------------------------------------------------------- */

/* The ARN of each resource, all of which are there. */
static bool need_resources(struct call *c, const struct str_list *ids, struct str *arns,
                           struct done *ret_done)
{
    for (size_t i = 0; i < ids->n; i++) {
        const struct ec2_kind *kind = ec2_kind_of(ids->at[i]);
        void *row;

        if (kind == NULL)
            return ec2_refuse(c, ret_done, "InvalidID", "The ID '%.*s' is not valid",
                              STR_ARG(ids->at[i]));
        if (!ec2_need(c, kind, ids->at[i], &row, ret_done))
            return false;
        arns[i] = ec2_arn(c, kind->type, ids->at[i]);
    }
    return true;
}

struct done ec2_create_tags(struct call *c, const void *input)
{
    const struct ec2_create_tags_request *in = input;
    struct str *arns = arena_array(c->arena, in->resources.n + 1, sizeof *arns);
    struct done done;

    if (in->resources.n == 0)
        return ec2_fault(c, "MissingParameter",
                         "The request must contain the parameter resourceIdSet");
    if (in->tags.n == 0)
        return ec2_fault(c, "MissingParameter", "The request must contain the parameter tagSet");
    if (!tags_hold(c, in->tags.at, in->tags.n, &done) ||
        !need_resources(c, &in->resources, arns, &done))
        return done;
    for (size_t i = 0; i < in->resources.n; i++)
        if (!put_tags(c, arns[i], in->tags.at, in->tags.n, &done))
            return done;
    return ec2_true(c);
}

/* A tag with a value goes only when it has that value; one without goes anyhow. */
static int delete_tag(struct call *c, struct str arn, const struct ec2_tag *wanted)
{
    struct tag *first = NULL;
    int r = tag_list(c->store, c->arena, c->account, c->region, arn, &first);

    for (; r == 0 && first != NULL; first = first->next)
        if (str_eq(first->key, wanted->key) &&
            (wanted->value.at == NULL || str_eq(first->value, wanted->value)))
            r = tag_remove(c->store, arn, first->key);
    return r;
}

static int delete_all_tags(struct call *c, struct str arn)
{
    struct tag *first = NULL;
    int r = tag_list(c->store, c->arena, c->account, c->region, arn, &first);

    for (; r == 0 && first != NULL; first = first->next)
        if (!str_starts(first->key, S("aws:")))
            r = tag_remove(c->store, arn, first->key);
    return r;
}

struct done ec2_delete_tags(struct call *c, const void *input)
{
    const struct ec2_delete_tags_request *in = input;
    struct str *arns = arena_array(c->arena, in->resources.n + 1, sizeof *arns);
    struct done done;
    int r = 0;

    if (in->resources.n == 0)
        return ec2_fault(c, "MissingParameter",
                         "The request must contain the parameter resourceIdSet");
    for (size_t k = 0; k < in->tags.n; k++)
        if (str_starts(in->tags.at[k].key, S("aws:")))
            return ec2_fault(c, "InvalidParameterValue",
                             "Tag keys starting with 'aws:' are reserved for internal use");
    if (!need_resources(c, &in->resources, arns, &done))
        return done;
    for (size_t i = 0; r == 0 && i < in->resources.n; i++) {
        if (in->tags.n == 0)
            r = delete_all_tags(c, arns[i]);
        for (size_t k = 0; r == 0 && k < in->tags.n; k++)
            r = delete_tag(c, arns[i], &in->tags.at[k]);
    }
    return r < 0 ? call_fail(c, r) : ec2_true(c);
}

/* --- describing ------------------------------------------------------------------------------ */

static int list_tags(struct call *c, struct str id UNUSED, void **ret_first)
{
    struct tag *all = NULL, *first = NULL, **tail = &first, *next;
    struct str ours = call_arn(c, "%s", "");
    int r = tag_list(c->store, c->arena, c->account, c->region, (struct str){0}, &all);

    for (; r == 0 && all != NULL; all = next) {
        next = all->next;
        if (!str_starts(all->arn, ours))
            continue;
        all->next = NULL;
        *tail = all;
        tail = &all->next;
    }
    *ret_first = first;
    return r;
}

static int show_tag(struct call *c, const void *row, void *view)
{
    const struct tag *t = row;
    struct ec2_tag_description *v = view;
    struct str rest = str_from(t->arn, call_arn(c, "%s", "").n);

    (void)str_cut(rest, '/', &v->resource_type, &v->resource_id);
    v->key = t->key;
    v->value = ec2_shown(t->value);
    return 0;
}

static const struct ec2_filter_row tag_filters[] = {
    {"key",           "key"         },
    {"value",         "value"       },
    {"resource-id",   "resourceId"  },
    {"resource-type", "resourceType"},
    {"tag-key",       "key"         },
    {"tag-value",     "value"       },
};

static const struct ec2_kind tag_kind = {
    .view = &ec2_tag_description_shape,
    EC2_FILTERS(tag_filters),
    .list = list_tags,
    .show = show_tag,
};

struct done ec2_describe_tags(struct call *c, const void *input)
{
    return ec2_describe(c, input, &tag_kind);
}

/* Prefix lists: AWS's own of S3 and DynamoDB, and the account's. The entries of one lie in a row of
 * their own. Source: Amazon EC2 API Reference, CreateManagedPrefixList,
 * GetManagedPrefixListEntries. */
#include "aws/ec2.h"

#include "aws/cidr.h"

/* The lists that every region has; their ids differ between regions on AWS, not here. */
static const struct aws_list {
    const char *id, *service, *cidrs;
} aws_lists[] = {
    {"pl-61a54008", "s3",       "3.5.152.0/21 16.12.64.0/22 52.219.0.0/20 52.219.16.0/22"},
    {"pl-78a54011", "dynamodb", "3.112.64.0/23 35.71.64.0/22 52.94.8.0/24"               },
};

static struct ec2_item aws_item(struct call *c, const struct aws_list *l)
{
    struct ec2_managed_prefix_list v = {
        .prefix_list_id = str_c(l->id),
        .address_family = S("IPv4"),
        .state = S("create-complete"),
        .prefix_list_arn = arena_printf(c->arena, "arn:aws:ec2:%.*s:aws:prefix-list/%s",
                                        STR_ARG(c->region), l->id),
        .prefix_list_name =
            arena_printf(c->arena, "com.amazonaws.%.*s.%s", STR_ARG(c->region), l->service),
        .owner_id = S("AWS"),
    };

    return (struct ec2_item){.id = v.prefix_list_id,
                             .name = v.prefix_list_name,
                             .document =
                                 document_write(c->arena, &ec2_managed_prefix_list_shape, &v)};
}

static int list_lists(struct call *c, struct str id, void **ret_first)
{
    struct ec2_item *own = NULL, *first, **tail = &first;
    int r = ec2_item_list(c->store, c->arena, "prefix-list", c->account, c->region, id, &own);

    for (size_t i = 0; i < ARRAY_LEN(aws_lists); i++) {
        if (id.n > 0 && !str_is(id, aws_lists[i].id))
            continue;
        *tail = arena_alloc(c->arena, sizeof **tail);
        **tail = aws_item(c, &aws_lists[i]);
        tail = &(*tail)->next;
    }
    *tail = own;
    *ret_first = first;
    return r;
}

static int show_list(struct call *c, const void *row, void *view)
{
    const struct ec2_item *item = row;
    struct ec2_managed_prefix_list *v = view;
    int r = 0;

    *v = *(const struct ec2_managed_prefix_list *)document_read(
        c->arena, &ec2_managed_prefix_list_shape, item->document);
    v->tags.at = ec2_tags(c, "prefix-list", item->id, &v->tags.n, &r);
    return r;
}

static const struct ec2_filter_row list_filters[] = {
    {"owner-id",         "ownerId"       },
    {"prefix-list-id",   "prefixListId"  },
    {"prefix-list-name", "prefixListName"},
};

const struct ec2_kind ec2_prefix_list_kind = {
    .type = "prefix-list",
    .prefix = "pl",
    .missing = "InvalidPrefixListID.NotFound",
    .malformed = "InvalidPrefixListId.Malformed",
    .noun = "prefix list ID",
    .ids = "PrefixListId",
    .view = &ec2_managed_prefix_list_shape,
    EC2_FILTERS(list_filters),
    .list = list_lists,
    .show = show_list,
};

bool ec2_prefix_list_holds(struct call *c, struct str id, struct done *ret_done)
{
    struct ec2_item *item;

    return ec2_need(c, &ec2_prefix_list_kind, id, &item, ret_done);
}

struct done ec2_describe_managed_prefix_lists(struct call *c, const void *input)
{
    return ec2_describe(c, input, &ec2_prefix_list_kind);
}

/* --- the old call, of AWS's lists alone ------------------------------------------------------ */

static int list_aws(struct call *c, struct str id, void **ret_first)
{
    struct ec2_item *all = NULL, *first = NULL, **tail = &first, *next;
    int r = list_lists(c, id, (void **)&all);

    for (; all != NULL; all = next) {
        next = all->next;
        all->next = NULL;
        if (all->kind.n > 0)
            continue;
        *tail = all;
        tail = &all->next;
    }
    *ret_first = first;
    return r;
}

static int show_aws(struct call *c, const void *row, void *view)
{
    const struct ec2_item *item = row;
    struct ec2_prefix_list *v = view;

    v->prefix_list_id = item->id;
    v->prefix_list_name = item->name;
    for (size_t i = 0; i < ARRAY_LEN(aws_lists); i++)
        if (str_is(item->id, aws_lists[i].id))
            v->cidrs = words_split(c->arena, str_c(aws_lists[i].cidrs));
    return 0;
}

static const struct ec2_kind aws_kind = {
    .prefix = "pl",
    .missing = "InvalidPrefixListId.NotFound",
    .noun = "prefix list ID",
    .ids = "PrefixListId",
    .view = &ec2_prefix_list_shape,
    .filters = &list_filters[1],
    .filter_count = 2,
    .list = list_aws,
    .show = show_aws,
};

struct done ec2_describe_prefix_lists(struct call *c, const void *input)
{
    return ec2_describe(c, input, &aws_kind);
}

/* --- entries --------------------------------------------------------------------------------- */

static int read_entries(struct call *c, struct str id,
                        struct ec2_get_managed_prefix_list_entries_result *ret_entries)
{
    struct ec2_item *item = NULL;
    int r =
        ec2_item_list(c->store, c->arena, "prefix-list-entries", c->account, c->region, id, &item);

    memset(ret_entries, 0, sizeof *ret_entries);
    if (item != NULL)
        *ret_entries = *(const struct ec2_get_managed_prefix_list_entries_result *)document_read(
            c->arena, &ec2_get_managed_prefix_list_entries_result_shape, item->document);
    return r;
}

struct done ec2_get_managed_prefix_list_entries(struct call *c, const void *input)
{
    const struct ec2_get_managed_prefix_list_entries_request *in = input;
    struct ec2_get_managed_prefix_list_entries_result out;
    struct ec2_item *list;
    struct str_list cidrs = {0};
    struct done done;
    int r;

    if (!ec2_need(c, &ec2_prefix_list_kind, in->prefix_list_id, &list, &done))
        return done;
    r = read_entries(c, list->id, &out);
    for (size_t i = 0; i < ARRAY_LEN(aws_lists); i++)
        if (str_is(list->id, aws_lists[i].id))
            cidrs = words_split(c->arena, str_c(aws_lists[i].cidrs));
    if (out.entries.at == NULL)
        out.entries.at = arena_array(c->arena, cidrs.n + 1, sizeof *out.entries.at);
    for (size_t i = 0; i < cidrs.n; i++)
        out.entries.at[out.entries.n++].cidr = cidrs.at[i];
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

/* Adds entries, each a block of the list's family and not there yet. */
static bool add_entries(struct call *c, const struct ec2_managed_prefix_list *list,
                        const struct ec2_add_prefix_list_entry *add, size_t n,
                        struct ec2_get_managed_prefix_list_entries_result *entries,
                        struct done *ret_done)
{
    bool six = str_is(list->address_family, "IPv6");
    struct ec2_prefix_list_entry *all =
        arena_array(c->arena, entries->entries.n + n + 1, sizeof *all);

    if (entries->entries.n > 0)
        memcpy(all, entries->entries.at, entries->entries.n * sizeof *all);
    entries->entries.at = all;
    for (size_t i = 0; i < n; i++) {
        struct str cidr;

        if (!(six ? cidr6_canonical(c->arena, add[i].cidr, &cidr)
                  : cidr_canonical(c->arena, add[i].cidr, &cidr)))
            return ec2_refuse(c, ret_done, "InvalidParameterValue",
                              "The CIDR (%.*s) is not a valid CIDR block.", STR_ARG(add[i].cidr));
        for (size_t k = 0; k < entries->entries.n; k++)
            if (str_eq(all[k].cidr, cidr))
                return ec2_refuse(c, ret_done, "InvalidParameterValue",
                                  "The CIDR (%.*s) is in the list already.", STR_ARG(cidr));
        all[entries->entries.n++] = (struct ec2_prefix_list_entry){cidr, add[i].description};
    }
    return (int64_t)entries->entries.n <= list->max_entries.v ||
           ec2_refuse(c, ret_done, "PrefixListMaxEntriesExceeded",
                      "You've reached the maximum number of entries for the prefix list.");
}

static int write_both(struct call *c, struct ec2_item *item,
                      const struct ec2_managed_prefix_list *list,
                      const struct ec2_get_managed_prefix_list_entries_result *entries, bool new)
{
    struct ec2_item own = *item;
    int r;

    item->document = document_write(c->arena, &ec2_managed_prefix_list_shape, list);
    own.kind = S("prefix-list-entries");
    own.name = (struct str){0};
    own.document =
        document_write(c->arena, &ec2_get_managed_prefix_list_entries_result_shape, entries);
    r = new ? ec2_item_insert(c->store, item) : ec2_item_update(c->store, item);
    if (r < 0)
        return r;
    return new ? ec2_item_insert(c->store, &own) : ec2_item_update(c->store, &own);
}

struct done ec2_create_managed_prefix_list(struct call *c, const void *input)
{
    const struct ec2_create_managed_prefix_list_request *in = input;
    struct ec2_get_managed_prefix_list_entries_result entries = {0};
    struct ec2_create_managed_prefix_list_result out = {0};
    struct ec2_item item = {.kind = S("prefix-list"),
                            .id = ec2_id(c, "pl"),
                            .account = c->account,
                            .region = c->region};
    struct ec2_managed_prefix_list v = {
        .prefix_list_id = item.id,
        .address_family = in->address_family,
        .state = S("create-complete"),
        .prefix_list_arn = ec2_arn(c, "prefix-list", item.id),
        .prefix_list_name = in->prefix_list_name,
        .max_entries = in->max_entries,
        .version = OPT_INT(1),
        .owner_id = c->account,
    };
    struct done done;
    int r;

    if (!str_is(in->address_family, "IPv4") && !str_is(in->address_family, "IPv6"))
        return ec2_fault(c, "InvalidParameterValue", "The address family (%.*s) is not valid.",
                         STR_ARG(in->address_family));
    if (str_starts(in->prefix_list_name, S("com.amazonaws")))
        return ec2_fault(c, "InvalidParameterValue",
                         "A prefix list's name cannot start with com.amazonaws.");
    if (!add_entries(c, &v, in->entries.at, in->entries.n, &entries, &done))
        return done;
    r = write_both(c, &item, &v, &entries, true);
    if (r < 0)
        return call_fail(c, r);
    if (!ec2_tag_new(c, in->tag_specifications.at, in->tag_specifications.n, "prefix-list", item.id,
                     &done))
        return done;
    out.prefix_list = ec2_view_of(c, &ec2_prefix_list_kind, &item, &done);
    return out.prefix_list == NULL ? done : call_reply(c, &out);
}

static bool need_own(struct call *c, struct str id, struct ec2_item **ret_item,
                     struct done *ret_done)
{
    return ec2_need(c, &ec2_prefix_list_kind, id, ret_item, ret_done) &&
           ((*ret_item)->kind.n > 0 ||
            ec2_refuse(c, ret_done, "UnauthorizedOperation",
                       "You are not authorized to perform this operation."));
}

struct done ec2_modify_managed_prefix_list(struct call *c, const void *input)
{
    const struct ec2_modify_managed_prefix_list_request *in = input;
    struct ec2_get_managed_prefix_list_entries_result entries;
    struct ec2_modify_managed_prefix_list_result out = {0};
    struct ec2_managed_prefix_list *v;
    struct ec2_item *item;
    struct done done;
    size_t n = 0;
    int r;

    if (!need_own(c, in->prefix_list_id, &item, &done))
        return done;
    v = document_read(c->arena, &ec2_managed_prefix_list_shape, item->document);
    if (in->current_version.set && in->current_version.v != v->version.v)
        return ec2_fault(c, "PrefixListVersionMismatch",
                         "The prefix list has the incorrect version number.");
    r = read_entries(c, item->id, &entries);
    if (r < 0)
        return call_fail(c, r);
    for (size_t i = 0; i < entries.entries.n; i++) {
        bool gone = false;

        for (size_t k = 0; k < in->remove_entries.n; k++)
            gone = gone || str_eq(in->remove_entries.at[k].cidr, entries.entries.at[i].cidr);
        if (!gone)
            entries.entries.at[n++] = entries.entries.at[i];
    }
    entries.entries.n = n;
    if (in->max_entries.set)
        v->max_entries = in->max_entries;
    if (in->prefix_list_name.n > 0)
        v->prefix_list_name = in->prefix_list_name;
    if (!add_entries(c, v, in->add_entries.at, in->add_entries.n, &entries, &done))
        return done;
    if (in->add_entries.n > 0 || in->remove_entries.n > 0)
        v->version = OPT_INT(v->version.v + 1);
    v->state = S("modify-complete");
    r = write_both(c, item, v, &entries, false);
    if (r < 0)
        return call_fail(c, r);
    out.prefix_list = ec2_view_of(c, &ec2_prefix_list_kind, item, &done);
    return out.prefix_list == NULL ? done : call_reply(c, &out);
}

struct done ec2_delete_managed_prefix_list(struct call *c, const void *input)
{
    const struct ec2_delete_managed_prefix_list_request *in = input;
    struct ec2_delete_managed_prefix_list_result out = {0};
    struct ec2_managed_prefix_list *v;
    struct ec2_item *item;
    struct done done;
    int r;

    if (!need_own(c, in->prefix_list_id, &item, &done))
        return done;
    v = ec2_view_of(c, &ec2_prefix_list_kind, item, &done);
    if (v == NULL)
        return done;
    v->state = S("delete-in-progress");
    r = ec2_item_delete(c->store, "prefix-list", item->id);
    if (r == 0)
        r = ec2_item_delete(c->store, "prefix-list-entries", item->id);
    if (r == 0)
        r = ec2_untag(c, "prefix-list", item->id);
    out.prefix_list = v;
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

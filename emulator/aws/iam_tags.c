/* Tags of IAM's resources: one set of rules, seven kinds of things that have them.
 * Source: IAM User Guide, "Tags for IAM resources". */
#include "aws/iam.h"
#include "aws/iam_operations.h"

enum { MOST_TAGS = 50 };

/* Whether @tags[@i]'s key came before. */
static bool repeats(const struct iam_tag *tags, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (str_ieq(tags[k].key, tags[i].key))
            return true;
    return false;
}

bool iam_tags_are_good(struct call *c, const struct iam_tag *tags, size_t n, size_t had,
                       struct done *ret_done)
{
    for (size_t i = 0; i < n; i++) {
        if (str_starts(tags[i].key, S("aws:")) || str_starts(tags[i].key, S("AWS:"))) {
            *ret_done = call_fault(c, &iam_invalid_input_exception,
                                   "Reserved tag keys cannot be used: keys must not begin with "
                                   "aws:");
            return false;
        }
        if (repeats(tags, i)) {
            *ret_done = call_fault(c, &iam_invalid_input_exception,
                                   "Duplicate tag keys found. Please note that Tag keys are case "
                                   "insensitive.");
            return false;
        }
    }
    if (had + n <= MOST_TAGS)
        return true;
    *ret_done = call_fault(c, &iam_limit_exceeded_exception,
                           "The number of tags has reached the maximum limit.");
    return false;
}

int iam_put_tags(struct call *c, struct str arn, const struct iam_tag *tags, size_t n)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = iam_tag_put(c->store, arn, tags[i].key, tags[i].value);
    return r;
}

int iam_move_tags(struct call *c, struct str from, struct str to)
{
    struct iam_tags tags = iam_view_tags(c, from);
    int r = 0;

    for (size_t i = 0; r == 0 && !str_eq(from, to) && i < tags.n; i++) {
        r = iam_tag_remove(c->store, from, tags.at[i].key);
        if (r == 0)
            r = iam_tag_put(c->store, to, tags.at[i].key, tags.at[i].value);
    }
    return r;
}

/* How many tags @arn would keep beside those of @tags. */
static size_t others(struct call *c, struct str arn, const struct iam_tag *tags, size_t n)
{
    struct iam_tags now = iam_view_tags(c, arn);
    size_t count = 0;

    for (size_t i = 0; i < now.n; i++) {
        bool replaced = false;

        for (size_t k = 0; k < n; k++)
            replaced = replaced || str_ieq(now.at[i].key, tags[k].key);
        count += !replaced;
    }
    return count;
}

static struct done tag(struct call *c, struct str arn, const struct iam_tag *tags, size_t n)
{
    struct done done;

    if (!iam_tags_are_good(c, tags, n, others(c, arn, tags, n), &done))
        return done;
    return iam_answer(c, iam_put_tags(c, arn, tags, n));
}

static struct done untag(struct call *c, struct str arn, const struct str_list *keys)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < keys->n; i++)
        r = iam_tag_remove(c->store, arn, keys->at[i]);
    return iam_answer(c, r);
}

/* --- the operations -------------------------------------------------------------------------- */

/* How each kind of resource is found by the member that names it. */
static bool find_role(struct call *c, struct str name, struct str *ret_arn, struct done *ret_done)
{
    struct iam_entity *e;
    bool ok = iam_need_entity(c, IAM_ROLE, name, &e, ret_done);

    *ret_arn = ok ? e->arn : (struct str){0};
    return ok;
}

static bool find_user(struct call *c, struct str name, struct str *ret_arn, struct done *ret_done)
{
    struct iam_entity *e;
    bool ok = iam_need_entity(c, IAM_USER, name, &e, ret_done);

    *ret_arn = ok ? e->arn : (struct str){0};
    return ok;
}

static bool find_policy(struct call *c, struct str name, struct str *ret_arn, struct done *ret_done)
{
    struct iam_managed *p;
    bool ok = iam_need_policy(c, name, &p, ret_done);

    *ret_arn = ok ? p->arn : (struct str){0};
    return ok;
}

static bool find_profile(struct call *c, struct str name, struct str *ret_arn,
                         struct done *ret_done)
{
    struct iam_profile *p;
    bool ok = iam_need_profile(c, name, &p, ret_done);

    *ret_arn = ok ? p->arn : (struct str){0};
    return ok;
}

static bool find_provider(struct call *c, struct str name, struct str *ret_arn,
                          struct done *ret_done)
{
    struct iam_provider *p;
    bool ok = iam_need_provider(c, name, &p, ret_done);

    *ret_arn = ok ? p->arn : (struct str){0};
    return ok;
}

static bool find_certificate(struct call *c, struct str name, struct str *ret_arn,
                             struct done *ret_done)
{
    struct iam_certificate *p;
    bool ok = iam_need_certificate(c, name, &p, ret_done);

    *ret_arn = ok ? p->arn : (struct str){0};
    return ok;
}

/* Tags that one page shows; the marker is a tag's key. */
struct tag_row {
    struct tag_row *next;
    struct iam_tag tag;
};

static struct tag_row *rows_of(struct call *c, struct str arn)
{
    struct iam_tags tags = iam_view_tags(c, arn);
    struct tag_row *rows = arena_array(c->arena, tags.n, sizeof *rows);

    for (size_t i = 0; i < tags.n; i++)
        rows[i] = (struct tag_row){i + 1 < tags.n ? &rows[i + 1] : NULL, tags.at[i]};
    return tags.n > 0 ? rows : NULL;
}

/* Each kind's three operations differ in the names of their shapes only. */
#define TAGGED(what, member, find)                                                             \
    struct done iam_tag_##what(struct call *c, const void *input)                              \
    {                                                                                          \
        const struct iam_tag_##what##_request *in = input;                                     \
        struct done done;                                                                      \
        struct str arn;                                                                        \
                                                                                               \
        return find(c, in->member, &arn, &done) ? tag(c, arn, in->tags.at, in->tags.n) : done; \
    }                                                                                          \
    struct done iam_untag_##what(struct call *c, const void *input)                            \
    {                                                                                          \
        const struct iam_untag_##what##_request *in = input;                                   \
        struct done done;                                                                      \
        struct str arn;                                                                        \
                                                                                               \
        return find(c, in->member, &arn, &done) ? untag(c, arn, &in->tag_keys) : done;         \
    }                                                                                          \
    struct done iam_list_##what##_tags(struct call *c, const void *input)                      \
    {                                                                                          \
        const struct iam_list_##what##_tags_request *in = input;                               \
        struct iam_list_##what##_tags_response out = {0};                                      \
        struct iam_page page;                                                                  \
        struct done done;                                                                      \
        struct str arn;                                                                        \
                                                                                               \
        if (!find(c, in->member, &arn, &done) ||                                               \
            !iam_page_of(c, rows_of(c, arn), offsetof(struct tag_row, tag.key), in->marker,    \
                         in->max_items, &page, &done))                                         \
            return done;                                                                       \
        out.tags.at = arena_array(c->arena, page.n, sizeof *out.tags.at);                      \
        for (const struct tag_row *row = page.first; out.tags.n < page.n; row = row->next)     \
            out.tags.at[out.tags.n++] = row->tag;                                              \
        IAM_SET_PAGE(out, page);                                                               \
        return call_reply(c, &out);                                                            \
    }

TAGGED(role, role_name, find_role)
TAGGED(user, user_name, find_user)
TAGGED(policy, policy_arn, find_policy)
TAGGED(instance_profile, instance_profile_name, find_profile)
TAGGED(open_id_connect_provider, open_id_connect_provider_arn, find_provider)
TAGGED(server_certificate, server_certificate_name, find_certificate)

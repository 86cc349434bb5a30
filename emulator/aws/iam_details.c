/* GetAccountAuthorizationDetails: everything that decides who may do what, in one list of pages.
 * Source: IAM API Reference. */
#include "aws/iam.h"
#include "aws/iam_operations.h"

/* One thing of the list. */
struct detail {
    struct detail *next;
    struct str arn;
    const struct iam_entity *entity; /* else */
    const struct iam_managed *policy;
};

struct gathering {
    struct call *call;
    const struct str_list *filter;
    struct detail *first, **tail;
};

static bool is_wanted(const struct gathering *g, const char *name)
{
    for (size_t i = 0; i < g->filter->n; i++)
        if (str_is(g->filter->at[i], name))
            return true;
    return g->filter->n == 0;
}

static void add(struct gathering *g, struct detail detail)
{
    struct detail *d = arena_alloc(g->call->arena, sizeof *d);

    *d = detail;
    *g->tail = d;
    g->tail = &d->next;
}

static int gather_entities(struct gathering *g, enum iam_kind kind)
{
    struct call *c = g->call;
    struct iam_entity *e = NULL;
    int r = 0;

    if (is_wanted(g, iam_kind_title(kind)))
        r = iam_entity_list(c->store, c->arena, kind, c->account, S("/"), &e);
    for (; e != NULL; e = e->next)
        add(g, (struct detail){.arn = e->arn, .entity = e});
    return r;
}

/* Of AWS's own policies only those in use. */
static int gather_policies(struct gathering *g, const char *name, struct str owner, bool all)
{
    struct call *c = g->call;
    struct iam_managed *p = NULL;
    int r = 0;

    if (is_wanted(g, name))
        r = iam_policy_list(c->store, c->arena, owner, S("/"), &p);
    for (; p != NULL; p = p->next)
        if (all || p->attachments > 0 || p->boundaries > 0)
            add(g, (struct detail){.arn = p->arn, .policy = p});
    return r;
}

/* --- views ----------------------------------------------------------------------------------- */

struct policies {
    struct iam_policy_detail *at;
    size_t n;
};

struct attached {
    struct iam_attached_policy *at;
    size_t n;
};

static struct policies inline_of(struct call *c, const struct iam_entity *e)
{
    struct iam_inline *first = NULL;
    struct policies list = {0};
    size_t n = 0;

    (void)iam_inline_list(c->store, c->arena, e, &first);
    for (const struct iam_inline *i = first; i != NULL; i = i->next)
        n++;
    list.at = arena_array(c->arena, n, sizeof *list.at);
    for (const struct iam_inline *i = first; i != NULL; i = i->next)
        list.at[list.n++] = (struct iam_policy_detail){i->name, iam_document(c, i->document)};
    return list;
}

static struct attached attached_to(struct call *c, const struct iam_entity *e)
{
    struct iam_managed *first = NULL;
    struct attached list = {0};
    size_t n = 0;

    (void)iam_attachment_list(c->store, c->arena, e, &first);
    for (const struct iam_managed *p = first; p != NULL; p = p->next)
        n++;
    list.at = arena_array(c->arena, n, sizeof *list.at);
    for (const struct iam_managed *p = first; p != NULL; p = p->next)
        list.at[list.n++] = (struct iam_attached_policy){p->name, p->arn};
    return list;
}

/* Generated lists of the same elements are each of a type of their own. */
#define SET_LIST(to, from)   \
    do {                     \
        (to).at = (from).at; \
        (to).n = (from).n;   \
    } while (0)

static struct iam_user_detail view_user(struct call *c, const struct iam_entity *e)
{
    struct iam_user_detail view = {
        .path = e->path,
        .user_name = e->name,
        .user_id = e->id,
        .arn = e->arn,
        .create_date = OPT_INT(e->created),
        .permissions_boundary = iam_view_boundary(c, e->boundary),
    };
    struct policies own = inline_of(c, e);
    struct attached attached = attached_to(c, e);
    struct iam_entity *groups = NULL;
    size_t n = 0;

    (void)iam_group_list(c->store, c->arena, IAM_USER, c->account, e->name, &groups);
    for (const struct iam_entity *g = groups; g != NULL; g = g->next)
        n++;
    view.group_list.at = arena_array(c->arena, n, sizeof *view.group_list.at);
    for (; groups != NULL; groups = groups->next)
        view.group_list.at[view.group_list.n++] = groups->name;
    SET_LIST(view.user_policy_list, own);
    SET_LIST(view.attached_managed_policies, attached);
    IAM_SET_TAGS(view, iam_view_tags(c, e->arn));
    return view;
}

static struct iam_group_detail view_group(struct call *c, const struct iam_entity *e)
{
    struct iam_group_detail view = {
        .path = e->path,
        .group_name = e->name,
        .group_id = e->id,
        .arn = e->arn,
        .create_date = OPT_INT(e->created),
    };
    struct policies own = inline_of(c, e);
    struct attached attached = attached_to(c, e);

    SET_LIST(view.group_policy_list, own);
    SET_LIST(view.attached_managed_policies, attached);
    return view;
}

static struct iam_role_detail view_role(struct call *c, const struct iam_entity *e)
{
    struct iam_role_detail view = {
        .path = e->path,
        .role_name = e->name,
        .role_id = e->id,
        .arn = e->arn,
        .create_date = OPT_INT(e->created),
        .assume_role_policy_document = iam_document(c, e->trust),
        .permissions_boundary = iam_view_boundary(c, e->boundary),
        .role_last_used = iam_view_role(c, e, true).role_last_used,
    };
    struct policies own = inline_of(c, e);
    struct attached attached = attached_to(c, e);
    struct iam_profile *profiles = NULL;
    size_t n = 0;

    (void)iam_profile_list(c->store, c->arena, c->account, S("/"), e->name, &profiles);
    for (const struct iam_profile *p = profiles; p != NULL; p = p->next)
        n++;
    view.instance_profile_list.at = arena_array(c->arena, n, sizeof *view.instance_profile_list.at);
    for (; profiles != NULL; profiles = profiles->next)
        view.instance_profile_list.at[view.instance_profile_list.n++] =
            iam_view_profile(c, profiles, false);
    SET_LIST(view.role_policy_list, own);
    SET_LIST(view.attached_managed_policies, attached);
    IAM_SET_TAGS(view, iam_view_tags(c, e->arn));
    return view;
}

static struct iam_managed_policy_detail view_policy(struct call *c, const struct iam_managed *p)
{
    struct iam_policy plain = iam_view_policy(c, p, true);
    struct iam_managed_policy_detail view = {
        .policy_name = plain.policy_name,
        .policy_id = plain.policy_id,
        .arn = plain.arn,
        .path = plain.path,
        .default_version_id = plain.default_version_id,
        .attachment_count = plain.attachment_count,
        .permissions_boundary_usage_count = plain.permissions_boundary_usage_count,
        .is_attachable = plain.is_attachable,
        .description = plain.description,
        .create_date = plain.create_date,
        .update_date = plain.update_date,
    };
    struct iam_version *versions = NULL;
    size_t n = 0;

    (void)iam_version_list(c->store, c->arena, p->arn, &versions);
    for (const struct iam_version *v = versions; v != NULL; v = v->next)
        n++;
    view.policy_version_list.at = arena_array(c->arena, n, sizeof *view.policy_version_list.at);
    for (const struct iam_version *v = versions; v != NULL; v = v->next)
        view.policy_version_list.at[view.policy_version_list.n++] = (struct iam_policy_version){
            .document = iam_document(c, v->document),
            .version_id = iam_version_name(c, v->number),
            .is_default_version = OPT_BOOL(v->number == p->default_version),
            .create_date = OPT_INT(v->created),
        };
    return view;
}

static void put(struct call *c, const struct detail *d,
                struct iam_get_account_authorization_details_response *out)
{
    if (d->policy != NULL)
        out->policies.at[out->policies.n++] = view_policy(c, d->policy);
    else if (d->entity->kind == IAM_USER)
        out->user_detail_list.at[out->user_detail_list.n++] = view_user(c, d->entity);
    else if (d->entity->kind == IAM_GROUP)
        out->group_detail_list.at[out->group_detail_list.n++] = view_group(c, d->entity);
    else
        out->role_detail_list.at[out->role_detail_list.n++] = view_role(c, d->entity);
}

struct done iam_get_account_authorization_details(struct call *c, const void *input)
{
    const struct iam_get_account_authorization_details_request *in = input;
    struct iam_get_account_authorization_details_response out = {0};
    struct gathering g = {.call = c, .filter = &in->filter};
    struct iam_page page;
    struct done done;
    int r;

    g.tail = &g.first;
    r = gather_entities(&g, IAM_USER);
    if (r == 0)
        r = gather_entities(&g, IAM_GROUP);
    if (r == 0)
        r = gather_entities(&g, IAM_ROLE);
    if (r == 0)
        r = gather_policies(&g, "LocalManagedPolicy", c->account, true);
    if (r == 0)
        r = gather_policies(&g, "AWSManagedPolicy", S("aws"), false);
    if (r < 0)
        return call_fail(c, r);
    if (!iam_page_of(c, g.first, offsetof(struct detail, arn), in->marker, in->max_items, &page,
                     &done))
        return done;
    out.user_detail_list.at = arena_array(c->arena, page.n, sizeof *out.user_detail_list.at);
    out.group_detail_list.at = arena_array(c->arena, page.n, sizeof *out.group_detail_list.at);
    out.role_detail_list.at = arena_array(c->arena, page.n, sizeof *out.role_detail_list.at);
    out.policies.at = arena_array(c->arena, page.n, sizeof *out.policies.at);
    for (const struct detail *d = page.first; page.n > 0; d = d->next, page.n--)
        put(c, d, &out);
    IAM_SET_PAGE(out, page);
    return call_reply(c, &out);
}

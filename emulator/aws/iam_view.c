/* Rows as the API shows them. Lists leave out what costs AWS another look: tags, boundaries, last
 * use. Source: IAM API Reference, data types. */
#include "aws/iam.h"

#include "base/percent.h"

struct str iam_document(struct call *c, struct str text)
{
    return percent_encode(c->arena, text, false);
}

struct str iam_version_name(struct call *c, int64_t number)
{
    return arena_printf(c->arena, "v%lld", (long long)number);
}

struct iam_tags iam_view_tags(struct call *c, struct str arn)
{
    struct iam_tags tags = {0};
    struct iam_label *first = NULL;
    size_t n = 0;

    if (iam_tag_list(c->store, c->arena, arn, &first) < 0)
        return tags;
    for (const struct iam_label *l = first; l != NULL; l = l->next)
        n++;
    tags.at = arena_array(c->arena, n, sizeof *tags.at);
    for (const struct iam_label *l = first; l != NULL; l = l->next)
        tags.at[tags.n++] =
            (struct iam_tag){.key = l->key, .value = l->value.n > 0 ? l->value : S("")};
    return tags;
}

/* Answers leave an empty list of tags out. */
static struct iam_tags some_tags(struct call *c, struct str arn)
{
    struct iam_tags tags = iam_view_tags(c, arn);

    return tags.n > 0 ? tags : (struct iam_tags){0};
}

const struct iam_attached_permissions_boundary *iam_view_boundary(struct call *c, struct str arn)
{
    struct iam_attached_permissions_boundary *b;

    if (arn.n == 0)
        return NULL;
    b = arena_alloc(c->arena, sizeof *b);
    b->permissions_boundary_type = S("Policy");
    b->permissions_boundary_arn = arn;
    return b;
}

/* A text that is there or not at all. */
static struct str or_absent(struct str s)
{
    return s.n > 0 ? s : (struct str){0};
}

struct iam_role iam_view_role(struct call *c, const struct iam_entity *e, bool whole)
{
    struct iam_role_last_used *used = arena_alloc(c->arena, sizeof *used);
    struct iam_role view = {
        .path = e->path,
        .role_name = e->name,
        .role_id = e->id,
        .arn = e->arn,
        .create_date = OPT_INT(e->created),
        .assume_role_policy_document = iam_document(c, e->trust),
        .description = or_absent(e->description),
        .max_session_duration = OPT_INT(e->max_session_s),
    };

    if (!whole)
        return view;
    if (e->last_used > 0)
        *used = (struct iam_role_last_used){OPT_INT(e->last_used), e->last_region};
    view.role_last_used = used;
    view.permissions_boundary = iam_view_boundary(c, e->boundary);
    IAM_SET_TAGS(view, some_tags(c, e->arn));
    return view;
}

struct iam_user iam_view_user(struct call *c, const struct iam_entity *e, bool whole)
{
    struct iam_user view = {
        .path = e->path,
        .user_name = e->name,
        .user_id = e->id,
        .arn = e->arn,
        .create_date = OPT_INT(e->created),
    };

    if (!whole)
        return view;
    view.permissions_boundary = iam_view_boundary(c, e->boundary);
    IAM_SET_TAGS(view, some_tags(c, e->arn));
    return view;
}

struct iam_group iam_view_group(const struct iam_entity *e)
{
    return (struct iam_group){
        .path = e->path,
        .group_name = e->name,
        .group_id = e->id,
        .arn = e->arn,
        .create_date = OPT_INT(e->created),
    };
}

struct iam_policy iam_view_policy(struct call *c, const struct iam_managed *p, bool whole)
{
    struct iam_policy view = {
        .policy_name = p->name,
        .policy_id = p->id,
        .arn = p->arn,
        .path = p->path,
        .default_version_id = iam_version_name(c, p->default_version),
        .attachment_count = OPT_INT(p->attachments),
        .permissions_boundary_usage_count = OPT_INT(p->boundaries),
        .is_attachable = OPT_BOOL(true),
        .create_date = OPT_INT(p->created),
        .update_date = OPT_INT(p->updated),
    };

    if (!whole)
        return view;
    view.description = or_absent(p->description);
    IAM_SET_TAGS(view, iam_view_tags(c, p->arn));
    return view;
}

struct iam_instance_profile iam_view_profile(struct call *c, const struct iam_profile *p,
                                             bool whole)
{
    struct iam_instance_profile view = {
        .path = p->path,
        .instance_profile_name = p->name,
        .instance_profile_id = p->id,
        .arn = p->arn,
        .create_date = OPT_INT(p->created),
    };
    struct iam_entity *role = NULL;

    view.roles.at = arena_alloc(c->arena, sizeof *view.roles.at);
    if (p->role.n > 0 &&
        iam_entity_find(c->store, c->arena, IAM_ROLE, p->account, p->role, &role) == 0 &&
        role != NULL)
        view.roles.at[view.roles.n++] = iam_view_role(c, role, false);
    if (whole)
        IAM_SET_TAGS(view, iam_view_tags(c, p->arn));
    return view;
}

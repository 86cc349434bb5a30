/* Instance profiles: what hands a role to an EC2 instance. Source: IAM API Reference,
 * CreateInstanceProfile and its kin. */
#include "aws/iam.h"
#include "aws/iam_operations.h"

struct done iam_create_instance_profile(struct call *c, const void *input)
{
    const struct iam_create_instance_profile_request *in = input;
    struct iam_create_instance_profile_response out = {0};
    struct iam_profile *old = NULL, p = {
                                        .account = c->account,
                                        .name = in->instance_profile_name,
                                        .path = in->path.n > 0 ? in->path : S("/"),
                                        .created = c->now,
                                    };
    struct iam_instance_profile view;
    struct done done;
    int r;

    if (!iam_tags_are_good(c, in->tags.at, in->tags.n, 0, &done))
        return done;
    r = iam_profile_find(c->store, c->arena, c->account, p.name, &old);
    if (r == 0 && old != NULL)
        return call_fault(c, &iam_entity_already_exists_exception,
                          "Instance Profile %.*s already exists.", STR_ARG(p.name));
    p.id = iam_new_id(c, "AIPA");
    p.arn = iam_arn(c, "instance-profile", p.path, p.name);
    if (r == 0)
        r = iam_profile_insert(c->store, &p);
    if (r == 0)
        r = iam_put_tags(c, p.arn, in->tags.at, in->tags.n);
    if (r < 0)
        return call_fail(c, r);
    view = iam_view_profile(c, &p, in->tags.n > 0);
    out.instance_profile = &view;
    return call_reply(c, &out);
}

struct done iam_get_instance_profile(struct call *c, const void *input)
{
    const struct iam_get_instance_profile_request *in = input;
    struct iam_get_instance_profile_response out = {0};
    struct iam_instance_profile view;
    struct iam_profile *p;
    struct done done;

    if (!iam_need_profile(c, in->instance_profile_name, &p, &done))
        return done;
    view = iam_view_profile(c, p, true);
    out.instance_profile = &view;
    return call_reply(c, &out);
}

static struct done reply_page(struct call *c, const struct iam_profile *all, struct str marker,
                              struct opt_int most)
{
    struct iam_list_instance_profiles_response out = {0};
    struct iam_page page;
    struct done done;

    if (!iam_page_of(c, all, offsetof(struct iam_profile, name), marker, most, &page, &done))
        return done;
    out.instance_profiles.at = arena_array(c->arena, page.n, sizeof *out.instance_profiles.at);
    for (const struct iam_profile *p = page.first; out.instance_profiles.n < page.n; p = p->next)
        out.instance_profiles.at[out.instance_profiles.n++] = iam_view_profile(c, p, false);
    IAM_SET_PAGE(out, page);
    return call_reply(c, &out);
}

struct done iam_list_instance_profiles(struct call *c, const void *input)
{
    const struct iam_list_instance_profiles_request *in = input;
    struct iam_profile *all = NULL;
    int r = iam_profile_list(c->store, c->arena, c->account, in->path_prefix, S(""), &all);

    return r < 0 ? call_fail(c, r) : reply_page(c, all, in->marker, in->max_items);
}

struct done iam_list_instance_profiles_for_role(struct call *c, const void *input)
{
    const struct iam_list_instance_profiles_for_role_request *in = input;
    struct iam_profile *all = NULL;
    struct iam_entity *role;
    struct done done;
    int r;

    if (!iam_need_entity(c, IAM_ROLE, in->role_name, &role, &done))
        return done;
    r = iam_profile_list(c->store, c->arena, c->account, S("/"), role->name, &all);
    return r < 0 ? call_fail(c, r) : reply_page(c, all, in->marker, in->max_items);
}

struct done iam_add_role_to_instance_profile(struct call *c, const void *input)
{
    const struct iam_add_role_to_instance_profile_request *in = input;
    struct iam_profile *p;
    struct iam_entity *role;
    struct done done;

    if (!iam_need_profile(c, in->instance_profile_name, &p, &done) ||
        !iam_need_entity(c, IAM_ROLE, in->role_name, &role, &done) ||
        !call_may_pass_role(c, role->arn, "ec2.amazonaws.com", &done))
        return done;
    if (p->role.n > 0)
        return call_fault(c, &iam_limit_exceeded_exception,
                          "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1");
    return iam_answer(c, iam_profile_set_role(c->store, p, role->name));
}

struct done iam_remove_role_from_instance_profile(struct call *c, const void *input)
{
    const struct iam_remove_role_from_instance_profile_request *in = input;
    struct iam_profile *p;
    struct iam_entity *role;
    struct done done;

    if (!iam_need_profile(c, in->instance_profile_name, &p, &done) ||
        !iam_need_entity(c, IAM_ROLE, in->role_name, &role, &done))
        return done;
    if (!str_ieq(p->role, role->name))
        return call_fault(c, &iam_no_such_entity_exception,
                          "The role with name %.*s cannot be found.", STR_ARG(role->name));
    return iam_answer(c, iam_profile_set_role(c->store, p, S("")));
}

struct done iam_delete_instance_profile(struct call *c, const void *input)
{
    const struct iam_delete_instance_profile_request *in = input;
    struct iam_profile *p;
    struct done done;

    if (!iam_need_profile(c, in->instance_profile_name, &p, &done))
        return done;
    if (p->role.n > 0)
        return call_fault(c, &iam_delete_conflict_exception,
                          "Cannot delete entity, must remove roles from instance profile first.");
    return iam_answer(c, iam_profile_delete(c->store, p));
}

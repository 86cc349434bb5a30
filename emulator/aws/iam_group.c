/* Groups and who is in them. Source: IAM API Reference, CreateGroup, AddUserToGroup and kin. */
#include "aws/iam.h"
#include "aws/iam_operations.h"

enum { MOST_GROUPS_OF_USER = 10 };

struct done iam_create_group(struct call *c, const void *input)
{
    const struct iam_create_group_request *in = input;
    struct iam_create_group_response out = {0};
    struct iam_entity *old = NULL, e = {
                                       .kind = IAM_GROUP,
                                       .account = c->account,
                                       .name = in->group_name,
                                       .path = in->path.n > 0 ? in->path : S("/"),
                                       .created = c->now,
                                   };
    struct iam_group view;
    int r = iam_entity_find(c->store, c->arena, IAM_GROUP, c->account, e.name, &old);

    if (r == 0 && old != NULL)
        return call_fault(c, &iam_entity_already_exists_exception,
                          "Group with name %.*s already exists.", STR_ARG(e.name));
    e.id = iam_new_id(c, "AGPA");
    e.arn = iam_arn(c, "group", e.path, e.name);
    if (r == 0)
        r = iam_entity_insert(c->store, &e);
    if (r < 0)
        return call_fail(c, r);
    view = iam_view_group(&e);
    out.group = &view;
    return call_reply(c, &out);
}

struct done iam_get_group(struct call *c, const void *input)
{
    const struct iam_get_group_request *in = input;
    struct iam_get_group_response out = {0};
    struct iam_entity *e, *users = NULL;
    struct iam_group view;
    struct iam_page page;
    struct done done;
    int r;

    if (!iam_need_entity(c, IAM_GROUP, in->group_name, &e, &done))
        return done;
    r = iam_group_list(c->store, c->arena, IAM_GROUP, c->account, e->name, &users);
    if (r < 0)
        return call_fail(c, r);
    if (!iam_page_of(c, users, offsetof(struct iam_entity, name), in->marker, in->max_items, &page,
                     &done))
        return done;
    out.users.at = arena_array(c->arena, page.n, sizeof *out.users.at);
    for (const struct iam_entity *u = page.first; out.users.n < page.n; u = u->next)
        out.users.at[out.users.n++] = iam_view_user(c, u, false);
    view = iam_view_group(e);
    out.group = &view;
    IAM_SET_PAGE(out, page);
    return call_reply(c, &out);
}

/* A page of groups, as ListGroups and ListGroupsForUser give it. */
static struct done reply_page(struct call *c, const struct iam_entity *all, struct str marker,
                              struct opt_int most)
{
    struct iam_list_groups_response out = {0};
    struct iam_page page;
    struct done done;

    if (!iam_page_of(c, all, offsetof(struct iam_entity, name), marker, most, &page, &done))
        return done;
    out.groups.at = arena_array(c->arena, page.n, sizeof *out.groups.at);
    for (const struct iam_entity *e = page.first; out.groups.n < page.n; e = e->next)
        out.groups.at[out.groups.n++] = iam_view_group(e);
    IAM_SET_PAGE(out, page);
    return call_reply(c, &out);
}

struct done iam_list_groups(struct call *c, const void *input)
{
    const struct iam_list_groups_request *in = input;
    struct iam_entity *all = NULL;
    int r = iam_entity_list(c->store, c->arena, IAM_GROUP, c->account, in->path_prefix, &all);

    return r < 0 ? call_fail(c, r) : reply_page(c, all, in->marker, in->max_items);
}

struct done iam_list_groups_for_user(struct call *c, const void *input)
{
    const struct iam_list_groups_for_user_request *in = input;
    struct iam_entity *user, *all = NULL;
    struct done done;
    int r;

    if (!iam_need_entity(c, IAM_USER, in->user_name, &user, &done))
        return done;
    r = iam_group_list(c->store, c->arena, IAM_USER, c->account, user->name, &all);
    return r < 0 ? call_fail(c, r) : reply_page(c, all, in->marker, in->max_items);
}

struct done iam_update_group(struct call *c, const void *input)
{
    const struct iam_update_group_request *in = input;
    struct iam_entity *e;
    struct done done;

    if (!iam_need_entity(c, IAM_GROUP, in->group_name, &e, &done))
        return done;
    return iam_rename(c, e, in->new_group_name, in->new_path);
}

struct done iam_delete_group(struct call *c, const void *input)
{
    const struct iam_delete_group_request *in = input;
    struct iam_entity *e, *users = NULL;
    struct done done;
    const char *conflict;

    if (!iam_need_entity(c, IAM_GROUP, in->group_name, &e, &done))
        return done;
    conflict = iam_policies_of(c, e);
    if (conflict == NULL &&
        iam_group_list(c->store, c->arena, IAM_GROUP, c->account, e->name, &users) == 0 &&
        users != NULL)
        conflict = "Cannot delete entity, must remove users from group first.";
    if (conflict != NULL)
        return call_fault(c, &iam_delete_conflict_exception, "%s", conflict);
    return iam_answer(c, iam_entity_delete(c->store, e));
}

/* --- members --------------------------------------------------------------------------------- */

struct done iam_add_user_to_group(struct call *c, const void *input)
{
    const struct iam_add_user_to_group_request *in = input;
    struct iam_entity *group, *user, *groups = NULL;
    struct done done;
    int n = 0, r;

    if (!iam_need_entity(c, IAM_GROUP, in->group_name, &group, &done) ||
        !iam_need_entity(c, IAM_USER, in->user_name, &user, &done))
        return done;
    r = iam_group_list(c->store, c->arena, IAM_USER, c->account, user->name, &groups);
    if (r < 0)
        return call_fail(c, r);
    for (; groups != NULL; groups = groups->next)
        n += !str_ieq(groups->name, group->name);
    if (n >= MOST_GROUPS_OF_USER)
        return call_fault(c, &iam_limit_exceeded_exception,
                          "Cannot exceed quota for GroupsPerUser: %d", MOST_GROUPS_OF_USER);
    return iam_answer(c, iam_group_add(c->store, c->account, group->name, user->name));
}

struct done iam_remove_user_from_group(struct call *c, const void *input)
{
    const struct iam_remove_user_from_group_request *in = input;
    struct iam_entity *group, *user, *groups = NULL;
    struct done done;
    int r;

    if (!iam_need_entity(c, IAM_GROUP, in->group_name, &group, &done) ||
        !iam_need_entity(c, IAM_USER, in->user_name, &user, &done))
        return done;
    r = iam_group_list(c->store, c->arena, IAM_USER, c->account, user->name, &groups);
    if (r < 0)
        return call_fail(c, r);
    while (groups != NULL && !str_ieq(groups->name, group->name))
        groups = groups->next;
    if (groups == NULL)
        return call_fault(c, &iam_no_such_entity_exception,
                          "The user with name %.*s cannot be found in the group %.*s.",
                          STR_ARG(user->name), STR_ARG(group->name));
    return iam_answer(c, iam_group_remove(c->store, c->account, group->name, user->name));
}

/* Users. Source: IAM API Reference, CreateUser and its kin; reference aws-eks-iam-ec2 2.3, 2.4. */
#include "aws/iam.h"
#include "aws/iam_operations.h"

struct done iam_create_user(struct call *c, const void *input)
{
    const struct iam_create_user_request *in = input;
    struct iam_create_user_response out = {0};
    struct iam_entity *old = NULL, e = {
                                       .kind = IAM_USER,
                                       .account = c->account,
                                       .name = in->user_name,
                                       .path = in->path.n > 0 ? in->path : S("/"),
                                       .created = c->now,
                                       .boundary = in->permissions_boundary,
                                   };
    struct iam_user view;
    struct done done;
    int r;

    if (!iam_tags_are_good(c, in->tags.at, in->tags.n, 0, &done) ||
        (e.boundary.n > 0 && !iam_boundary_is_good(c, e.boundary, &done)))
        return done;
    r = iam_entity_find(c->store, c->arena, IAM_USER, c->account, e.name, &old);
    if (r < 0)
        return call_fail(c, r);
    if (old != NULL)
        return call_fault(c, &iam_entity_already_exists_exception,
                          "User with name %.*s already exists.", STR_ARG(e.name));
    e.id = iam_new_id(c, "AIDA");
    e.arn = iam_arn(c, "user", e.path, e.name);
    r = iam_entity_insert(c->store, &e);
    if (r == 0)
        r = iam_put_tags(c, e.arn, in->tags.at, in->tags.n);
    if (r < 0)
        return call_fail(c, r);
    view = iam_view_user(c, &e, true);
    out.user = &view;
    return call_reply(c, &out);
}

/* The root user as GetUser shows it to itself. */
static struct done reply_root(struct call *c)
{
    struct iam_user view = {
        .user_id = c->account, .arn = c->identity.arn, .create_date = OPT_INT(0)};
    struct iam_get_user_response out = {.user = &view};

    return call_reply(c, &out);
}

struct done iam_get_user(struct call *c, const void *input)
{
    const struct iam_get_user_request *in = input;
    struct iam_get_user_response out = {0};
    struct iam_entity *e;
    struct iam_user view;
    struct done done;

    if (in->user_name.n == 0 && c->identity.root)
        return reply_root(c);
    if (!iam_need_user(c, in->user_name, &e, &done))
        return done;
    view = iam_view_user(c, e, true);
    out.user = &view;
    return call_reply(c, &out);
}

struct done iam_list_users(struct call *c, const void *input)
{
    const struct iam_list_users_request *in = input;
    struct iam_list_users_response out = {0};
    struct iam_entity *all = NULL;
    struct iam_page page;
    struct done done;
    int r = iam_entity_list(c->store, c->arena, IAM_USER, c->account, in->path_prefix, &all);

    if (r < 0)
        return call_fail(c, r);
    if (!iam_page_of(c, all, offsetof(struct iam_entity, name), in->marker, in->max_items, &page,
                     &done))
        return done;
    out.users.at = arena_array(c->arena, page.n, sizeof *out.users.at);
    for (const struct iam_entity *e = page.first; out.users.n < page.n; e = e->next)
        out.users.at[out.users.n++] = iam_view_user(c, e, false);
    IAM_SET_PAGE(out, page);
    return call_reply(c, &out);
}

struct done iam_rename(struct call *c, struct iam_entity *e, struct str name, struct str path)
{
    struct str old_name = e->name, old_arn = e->arn;
    struct iam_entity *other = NULL;
    int r = 0;

    if (name.n > 0)
        e->name = name;
    if (path.n > 0)
        e->path = path;
    if (!str_ieq(e->name, old_name))
        r = iam_entity_find(c->store, c->arena, e->kind, c->account, e->name, &other);
    if (r == 0 && other != NULL)
        return call_fault(c, &iam_entity_already_exists_exception,
                          "%s with name %.*s already exists.", iam_kind_title(e->kind),
                          STR_ARG(e->name));
    e->arn = iam_arn(c, iam_kind_name(e->kind), e->path, e->name);
    if (r == 0)
        r = iam_entity_update(c->store, old_name, e);
    if (r == 0)
        r = iam_move_tags(c, old_arn, e->arn);
    return iam_answer(c, r);
}

struct done iam_update_user(struct call *c, const void *input)
{
    const struct iam_update_user_request *in = input;
    struct iam_entity *e;
    struct done done;

    if (!iam_need_entity(c, IAM_USER, in->user_name, &e, &done))
        return done;
    return iam_rename(c, e, in->new_user_name, in->new_path);
}

/* What still hangs on a user, in the words of DeleteConflict; NULL for nothing. */
static const char *what_hangs_on(struct call *c, const struct iam_entity *e)
{
    struct iam_entity *groups = NULL;
    struct iam_key *keys = NULL;
    struct iam_login *login = NULL;

    if (iam_group_list(c->store, c->arena, IAM_USER, c->account, e->name, &groups) == 0 &&
        groups != NULL)
        return "Cannot delete entity, must remove users from group first.";
    if (iam_key_list(c->store, c->arena, c->account, e->name, &keys) == 0 && keys != NULL)
        return "Cannot delete entity, must delete access keys first.";
    if (iam_login_find(c->store, c->arena, c->account, e->name, &login) == 0 && login != NULL)
        return "Cannot delete entity, must delete login profile first.";
    return iam_policies_of(c, e);
}

struct done iam_delete_user(struct call *c, const void *input)
{
    const struct iam_delete_user_request *in = input;
    struct iam_entity *e;
    struct done done;
    const char *conflict;

    if (!iam_need_entity(c, IAM_USER, in->user_name, &e, &done))
        return done;
    conflict = what_hangs_on(c, e);
    if (conflict != NULL)
        return call_fault(c, &iam_delete_conflict_exception, "%s", conflict);
    return iam_answer(c, iam_entity_delete(c->store, e));
}

/* --- passwords of the console ---------------------------------------------------------------- */

static bool need_login(struct call *c, struct str name, struct iam_entity **ret_user,
                       struct iam_login **ret_login, struct done *ret_done)
{
    int r;

    if (!iam_need_user(c, name, ret_user, ret_done))
        return false;
    r = iam_login_find(c->store, c->arena, c->account, (*ret_user)->name, ret_login);
    if (r < 0)
        *ret_done = call_fail(c, r);
    else if (*ret_login == NULL)
        *ret_done =
            call_fault(c, &iam_no_such_entity_exception,
                       "Login Profile for User %.*s cannot be found.", STR_ARG((*ret_user)->name));
    return r == 0 && *ret_login != NULL;
}

static struct iam_login_profile view_login(const struct iam_login *l)
{
    return (struct iam_login_profile){
        .user_name = l->user,
        .create_date = OPT_INT(l->created),
        .password_reset_required = OPT_BOOL(l->reset_required),
    };
}

struct done iam_create_login_profile(struct call *c, const void *input)
{
    const struct iam_create_login_profile_request *in = input;
    struct iam_create_login_profile_response out = {0};
    struct iam_login *old = NULL, login = {.created = c->now};
    struct iam_login_profile view;
    struct iam_entity *user;
    struct done done;
    int r;

    if (!iam_need_user(c, in->user_name, &user, &done))
        return done;
    r = iam_login_find(c->store, c->arena, c->account, user->name, &old);
    if (r == 0 && old != NULL)
        return call_fault(c, &iam_entity_already_exists_exception,
                          "Login Profile for user %.*s already exists.", STR_ARG(user->name));
    login.account = c->account;
    login.user = user->name;
    login.reset_required = in->password_reset_required.set && in->password_reset_required.v;
    if (r == 0)
        r = iam_login_put(c->store, &login);
    if (r < 0)
        return call_fail(c, r);
    view = view_login(&login);
    out.login_profile = &view;
    return call_reply(c, &out);
}

struct done iam_get_login_profile(struct call *c, const void *input)
{
    const struct iam_get_login_profile_request *in = input;
    struct iam_get_login_profile_response out = {0};
    struct iam_login_profile view;
    struct iam_entity *user;
    struct iam_login *login;
    struct done done;

    if (!need_login(c, in->user_name, &user, &login, &done))
        return done;
    view = view_login(login);
    out.login_profile = &view;
    return call_reply(c, &out);
}

struct done iam_update_login_profile(struct call *c, const void *input)
{
    const struct iam_update_login_profile_request *in = input;
    struct iam_entity *user;
    struct iam_login *login;
    struct done done;

    if (!need_login(c, in->user_name, &user, &login, &done))
        return done;
    if (in->password_reset_required.set)
        login->reset_required = in->password_reset_required.v;
    return iam_answer(c, iam_login_put(c->store, login));
}

struct done iam_delete_login_profile(struct call *c, const void *input)
{
    const struct iam_delete_login_profile_request *in = input;
    struct iam_entity *user;
    struct iam_login *login;
    struct done done;

    if (!need_login(c, in->user_name, &user, &login, &done))
        return done;
    return iam_answer(c, iam_login_delete(c->store, c->account, user->name));
}

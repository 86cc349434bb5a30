/* Roles. Source: IAM API Reference, CreateRole and its kin; reference aws-eks-iam-ec2 sections 2.2,
 * 2.4. */
#include "aws/iam.h"
#include "aws/iam_operations.h"

enum { DEFAULT_SESSION_S = 3600, LARGEST_TRUST = 2048 };

#define LINKED_PATH S("/aws-service-role/")

static bool trust_fits(struct call *c, struct str document, struct done *ret_done)
{
    if (!iam_trust_is_good(c, document, ret_done))
        return false;
    if (iam_document_size(document) <= LARGEST_TRUST)
        return true;
    *ret_done = call_fault(c, &iam_limit_exceeded_exception,
                           "Cannot exceed quota for ACLSizePerRole: %d", LARGEST_TRUST);
    return false;
}

static struct done reply_with(struct call *c, const struct iam_entity *e)
{
    struct iam_role view = iam_view_role(c, e, true);
    struct iam_create_role_response out = {.role = &view};

    view.role_last_used = NULL;
    return call_reply(c, &out);
}

struct done iam_create_role(struct call *c, const void *input)
{
    const struct iam_create_role_request *in = input;
    struct iam_entity *old = NULL,
                      e = {
                          .kind = IAM_ROLE,
                          .account = c->account,
                          .name = in->role_name,
                          .path = in->path.n > 0 ? in->path : S("/"),
                          .created = c->now,
                          .description = in->description,
                          .max_session_s = in->max_session_duration.set ? in->max_session_duration.v
                                                                        : DEFAULT_SESSION_S,
                          .trust = in->assume_role_policy_document,
                          .boundary = in->permissions_boundary,
                      };
    struct done done;
    int r;

    if (str_starts(e.path, LINKED_PATH))
        return call_fault(c, &iam_invalid_input_exception,
                          "Cannot create a role under the path %.*s", STR_ARG(LINKED_PATH));
    if (!trust_fits(c, e.trust, &done) ||
        !iam_tags_are_good(c, in->tags.at, in->tags.n, 0, &done) ||
        (e.boundary.n > 0 && !iam_boundary_is_good(c, e.boundary, &done)))
        return done;
    r = iam_entity_find(c->store, c->arena, IAM_ROLE, c->account, e.name, &old);
    if (r < 0)
        return call_fail(c, r);
    if (old != NULL)
        return call_fault(c, &iam_entity_already_exists_exception,
                          "Role with name %.*s already exists.", STR_ARG(e.name));
    e.id = iam_new_id(c, "AROA");
    e.arn = iam_arn(c, "role", e.path, e.name);
    r = iam_entity_insert(c->store, &e);
    if (r == 0)
        r = iam_put_tags(c, e.arn, in->tags.at, in->tags.n);
    return r < 0 ? call_fail(c, r) : reply_with(c, &e);
}

struct done iam_get_role(struct call *c, const void *input)
{
    const struct iam_get_role_request *in = input;
    struct iam_get_role_response out = {0};
    struct iam_entity *e;
    struct iam_role view;
    struct done done;

    if (!iam_need_entity(c, IAM_ROLE, in->role_name, &e, &done))
        return done;
    view = iam_view_role(c, e, true);
    out.role = &view;
    return call_reply(c, &out);
}

struct done iam_list_roles(struct call *c, const void *input)
{
    const struct iam_list_roles_request *in = input;
    struct iam_list_roles_response out = {0};
    struct iam_entity *all = NULL;
    struct iam_page page;
    struct done done;
    int r = iam_entity_list(c->store, c->arena, IAM_ROLE, c->account, in->path_prefix, &all);

    if (r < 0)
        return call_fail(c, r);
    if (!iam_page_of(c, all, offsetof(struct iam_entity, name), in->marker, in->max_items, &page,
                     &done))
        return done;
    out.roles.at = arena_array(c->arena, page.n, sizeof *out.roles.at);
    for (const struct iam_entity *e = page.first; out.roles.n < page.n; e = e->next)
        out.roles.at[out.roles.n++] = iam_view_role(c, e, false);
    IAM_SET_PAGE(out, page);
    return call_reply(c, &out);
}

/* Roles that belong to a service are the service's to change. */
static bool need_own_role(struct call *c, struct str name, struct iam_entity **ret_role,
                          struct done *ret_done)
{
    if (!iam_need_entity(c, IAM_ROLE, name, ret_role, ret_done))
        return false;
    if (!str_starts((*ret_role)->path, LINKED_PATH))
        return true;
    *ret_done = call_fault(c, &iam_unmodifiable_entity_exception,
                           "Cannot perform the operation on the protected role '%.*s' - this role "
                           "is only modifiable by AWS",
                           STR_ARG(name));
    return false;
}

struct done iam_update_role(struct call *c, const void *input)
{
    const struct iam_update_role_request *in = input;
    struct iam_update_role_response out = {0};
    struct iam_entity *e;
    struct done done;
    int r;

    if (!need_own_role(c, in->role_name, &e, &done))
        return done;
    if (in->description.at != NULL)
        e->description = in->description;
    if (in->max_session_duration.set)
        e->max_session_s = in->max_session_duration.v;
    r = iam_entity_update(c->store, e->name, e);
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

struct done iam_update_role_description(struct call *c, const void *input)
{
    const struct iam_update_role_description_request *in = input;
    struct iam_update_role_description_response out = {0};
    struct iam_entity *e;
    struct iam_role view;
    struct done done;
    int r;

    if (!need_own_role(c, in->role_name, &e, &done))
        return done;
    e->description = in->description;
    r = iam_entity_update(c->store, e->name, e);
    if (r < 0)
        return call_fail(c, r);
    view = iam_view_role(c, e, true);
    out.role = &view;
    return call_reply(c, &out);
}

struct done iam_update_assume_role_policy(struct call *c, const void *input)
{
    const struct iam_update_assume_role_policy_request *in = input;
    struct iam_entity *e;
    struct done done;

    if (!need_own_role(c, in->role_name, &e, &done) || !trust_fits(c, in->policy_document, &done))
        return done;
    e->trust = in->policy_document;
    return iam_answer(c, iam_entity_update(c->store, e->name, e));
}

struct done iam_delete_role(struct call *c, const void *input)
{
    const struct iam_delete_role_request *in = input;
    struct iam_entity *e;
    struct done done;
    struct iam_profile *profiles = NULL;
    const char *conflict;

    if (!need_own_role(c, in->role_name, &e, &done))
        return done;
    conflict = iam_policies_of(c, e);
    if (conflict == NULL &&
        iam_profile_list(c->store, c->arena, c->account, S("/"), e->name, &profiles) == 0 &&
        profiles != NULL)
        conflict = "Cannot delete entity, must remove roles from instance profile first.";
    if (conflict != NULL)
        return call_fault(c, &iam_delete_conflict_exception, "%s", conflict);
    return iam_answer(c, iam_entity_delete(c->store, e));
}

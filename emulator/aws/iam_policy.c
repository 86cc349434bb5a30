/* Managed policies and their versions. Source: IAM User Guide, "Versioning IAM policies"; reference
 * aws-eks-iam-ec2 section 2.4. */
#include "aws/iam.h"
#include "aws/iam_operations.h"

enum { LARGEST_POLICY = 6144, MOST_VERSIONS = 5 };

/* The owner of the policies that everybody has and nobody may change. */
#define AWS_ACCOUNT S("aws")

static bool document_fits(struct call *c, struct str document, struct done *ret_done)
{
    if (!iam_document_is_good(c, document, ret_done))
        return false;
    if (iam_document_size(document) <= LARGEST_POLICY)
        return true;
    *ret_done = call_fault(c, &iam_limit_exceeded_exception,
                           "Cannot exceed quota for PolicySize: %d", LARGEST_POLICY);
    return false;
}

/* A policy of the caller's account: those of AWS are not theirs to change. */
static bool need_own_policy(struct call *c, struct str arn, struct iam_managed **ret_policy,
                            struct done *ret_done)
{
    if (!iam_need_policy(c, arn, ret_policy, ret_done))
        return false;
    if (str_eq((*ret_policy)->account, c->account))
        return true;
    *ret_done = call_fault(c, &(struct fault){"AccessDenied", 403},
                           "User: %.*s is not authorized to perform: iam:%s on resource: policy "
                           "%.*s",
                           STR_ARG(c->identity.arn), c->model->name, STR_ARG(arn));
    return false;
}

struct done iam_create_policy(struct call *c, const void *input)
{
    const struct iam_create_policy_request *in = input;
    struct iam_managed *old = NULL, p = {
                                        .account = c->account,
                                        .name = in->policy_name,
                                        .path = in->path.n > 0 ? in->path : S("/"),
                                        .description = in->description,
                                        .created = c->now,
                                    };
    struct iam_create_policy_response out = {0};
    struct iam_policy view;
    struct done done;
    int r;

    if (!document_fits(c, in->policy_document, &done) ||
        !iam_tags_are_good(c, in->tags.at, in->tags.n, 0, &done))
        return done;
    p.arn = iam_arn(c, "policy", p.path, p.name);
    r = iam_policy_list(c->store, c->arena, c->account, S("/"), &old);
    if (r < 0)
        return call_fail(c, r);
    for (; old != NULL; old = old->next)
        if (str_ieq(old->name, p.name))
            return call_fault(c, &iam_entity_already_exists_exception,
                              "A policy called %.*s already exists. Duplicate names are not "
                              "allowed.",
                              STR_ARG(p.name));
    p.id = iam_new_id(c, "ANPA");
    r = iam_policy_insert(c->store, &p, in->policy_document);
    if (r == 0)
        r = iam_put_tags(c, p.arn, in->tags.at, in->tags.n);
    if (r == 0)
        r = iam_policy_find(c->store, c->arena, p.arn, &old);
    if (r < 0)
        return call_fail(c, r);
    view = iam_view_policy(c, old, true);
    if (in->tags.n == 0)
        view.tags.at = NULL;
    view.description = (struct str){0};
    out.policy = &view;
    return call_reply(c, &out);
}

struct done iam_get_policy(struct call *c, const void *input)
{
    const struct iam_get_policy_request *in = input;
    struct iam_get_policy_response out = {0};
    struct iam_managed *p;
    struct iam_policy view;
    struct done done;

    if (!iam_need_policy(c, in->policy_arn, &p, &done))
        return done;
    view = iam_view_policy(c, p, true);
    out.policy = &view;
    return call_reply(c, &out);
}

/* --- lists ----------------------------------------------------------------------------------- */

static bool is_wanted(const struct iam_list_policies_request *in, const struct iam_managed *p)
{
    bool as_boundary = str_is(in->policy_usage_filter, "PermissionsBoundary");

    if (in->only_attached.set && in->only_attached.v)
        return (as_boundary ? p->boundaries : p->attachments) > 0;
    return !as_boundary || p->boundaries > 0;
}

/* Appends the wanted policies of one owner to *tail. */
static int collect(struct call *c, const struct iam_list_policies_request *in, struct str owner,
                   struct iam_managed ***tail)
{
    struct iam_managed *p = NULL;
    int r = iam_policy_list(c->store, c->arena, owner, in->path_prefix, &p);

    for (; r == 0 && p != NULL; p = p->next)
        if (is_wanted(in, p)) {
            **tail = p;
            *tail = &p->next;
        }
    **tail = NULL;
    return r;
}

struct done iam_list_policies(struct call *c, const void *input)
{
    const struct iam_list_policies_request *in = input;
    struct iam_list_policies_response out = {0};
    struct iam_managed *all = NULL, **tail = &all;
    struct iam_page page;
    struct done done;
    int r = 0;

    if (!str_is(in->scope, "AWS"))
        r = collect(c, in, c->account, &tail);
    if (r == 0 && !str_is(in->scope, "Local"))
        r = collect(c, in, AWS_ACCOUNT, &tail);
    if (r < 0)
        return call_fail(c, r);
    if (!iam_page_of(c, all, offsetof(struct iam_managed, arn), in->marker, in->max_items, &page,
                     &done))
        return done;
    out.policies.at = arena_array(c->arena, page.n, sizeof *out.policies.at);
    for (const struct iam_managed *p = page.first; out.policies.n < page.n; p = p->next)
        out.policies.at[out.policies.n++] = iam_view_policy(c, p, false);
    IAM_SET_PAGE(out, page);
    return call_reply(c, &out);
}

struct done iam_delete_policy(struct call *c, const void *input)
{
    const struct iam_delete_policy_request *in = input;
    struct iam_managed *p;
    struct iam_version *versions = NULL;
    struct done done;
    int r;

    if (!need_own_policy(c, in->policy_arn, &p, &done))
        return done;
    if (p->attachments > 0 || p->boundaries > 0)
        return call_fault(c, &iam_delete_conflict_exception,
                          "Cannot delete a policy attached to entities.");
    r = iam_version_list(c->store, c->arena, p->arn, &versions);
    if (r < 0)
        return call_fail(c, r);
    if (versions->next != NULL)
        return call_fault(c, &iam_delete_conflict_exception,
                          "This policy has more than one version. Before you delete a policy, you "
                          "must delete the policy's versions. The default version is deleted with "
                          "the policy.");
    return iam_answer(c, iam_policy_delete(c->store, p->arn));
}

/* --- versions -------------------------------------------------------------------------------- */

static struct iam_policy_version view_version(struct call *c, const struct iam_managed *p,
                                              const struct iam_version *v, bool whole)
{
    return (struct iam_policy_version){
        .document = whole ? iam_document(c, v->document) : (struct str){0},
        .version_id = iam_version_name(c, v->number),
        .is_default_version = OPT_BOOL(v->number == p->default_version),
        .create_date = OPT_INT(v->created),
    };
}

struct done iam_create_policy_version(struct call *c, const void *input)
{
    const struct iam_create_policy_version_request *in = input;
    bool make_default = in->set_as_default.set && in->set_as_default.v;
    struct iam_create_policy_version_response out = {0};
    struct iam_version *versions = NULL, version = {.document = in->policy_document};
    struct iam_policy_version view;
    struct iam_managed *p;
    struct done done;
    size_t n = 0;
    int r;

    if (!need_own_policy(c, in->policy_arn, &p, &done) ||
        !document_fits(c, in->policy_document, &done))
        return done;
    r = iam_version_list(c->store, c->arena, p->arn, &versions);
    if (r < 0)
        return call_fail(c, r);
    for (const struct iam_version *v = versions; v != NULL; v = v->next)
        n++;
    if (n >= MOST_VERSIONS)
        return call_fault(c, &iam_limit_exceeded_exception,
                          "A managed policy can have up to %d versions. Before you create a new "
                          "version, you must delete an existing version.",
                          MOST_VERSIONS);
    r = iam_version_insert(c->store, c->arena, p->arn, in->policy_document, c->now, make_default,
                           &version.number);
    if (r < 0)
        return call_fail(c, r);
    version.created = c->now;
    if (make_default)
        p->default_version = version.number;
    view = view_version(c, p, &version, false);
    out.policy_version = &view;
    return call_reply(c, &out);
}

/* A policy with one of its versions. */
static bool need_version(struct call *c, const struct iam_managed *p, struct str name,
                         struct iam_version **ret_version, struct done *ret_done)
{
    int r = iam_version_list(c->store, c->arena, p->arn, ret_version);
    int64_t number = 0;

    if (r < 0) {
        *ret_done = call_fail(c, r);
        return false;
    }
    /* "v1", and what the model lets pass beside: "v1.2-x" is no version of ours */
    (void)str_to_int(str_from(name, 1), &number);
    for (; *ret_version != NULL; *ret_version = (*ret_version)->next)
        if ((*ret_version)->number == number)
            return true;
    *ret_done = call_fault(c, &iam_no_such_entity_exception,
                           "Policy %.*s version %.*s does not exist or is not attachable.",
                           STR_ARG(p->arn), STR_ARG(name));
    return false;
}

struct done iam_get_policy_version(struct call *c, const void *input)
{
    const struct iam_get_policy_version_request *in = input;
    struct iam_get_policy_version_response out = {0};
    struct iam_policy_version view;
    struct iam_version *v;
    struct iam_managed *p;
    struct done done;

    if (!iam_need_policy(c, in->policy_arn, &p, &done) ||
        !need_version(c, p, in->version_id, &v, &done))
        return done;
    view = view_version(c, p, v, true);
    out.policy_version = &view;
    return call_reply(c, &out);
}

struct done iam_list_policy_versions(struct call *c, const void *input)
{
    const struct iam_list_policy_versions_request *in = input;
    struct iam_list_policy_versions_response out = {0};
    struct iam_version *v = NULL;
    struct iam_managed *p;
    struct done done;
    int r;

    if (!iam_need_policy(c, in->policy_arn, &p, &done))
        return done;
    r = iam_version_list(c->store, c->arena, p->arn, &v);
    if (r < 0)
        return call_fail(c, r);
    /* At most five: the smallest page that matters is one page. */
    out.versions.at = arena_array(c->arena, MOST_VERSIONS, sizeof *out.versions.at);
    for (; v != NULL && out.versions.n < MOST_VERSIONS; v = v->next)
        out.versions.at[out.versions.n++] = view_version(c, p, v, false);
    out.is_truncated = OPT_BOOL(false);
    return call_reply(c, &out);
}

struct done iam_delete_policy_version(struct call *c, const void *input)
{
    const struct iam_delete_policy_version_request *in = input;
    struct iam_managed *p;
    struct iam_version *v;
    struct done done;

    if (!need_own_policy(c, in->policy_arn, &p, &done) ||
        !need_version(c, p, in->version_id, &v, &done))
        return done;
    if (v->number == p->default_version)
        return call_fault(c, &iam_delete_conflict_exception,
                          "Cannot delete the default version of a policy.");
    return iam_answer(c, iam_version_delete(c->store, p->arn, v->number));
}

struct done iam_set_default_policy_version(struct call *c, const void *input)
{
    const struct iam_set_default_policy_version_request *in = input;
    struct iam_managed *p;
    struct iam_version *v;
    struct done done;

    if (!need_own_policy(c, in->policy_arn, &p, &done) ||
        !need_version(c, p, in->version_id, &v, &done))
        return done;
    return iam_answer(c, iam_version_set_default(c->store, p->arn, v->number, c->now));
}

/* --- who uses it ----------------------------------------------------------------------------- */

/* Entities of one kind, as a row that pages can walk; the marker is the ARN. */
static int collect_entities(struct call *c, const struct iam_list_entities_for_policy_request *in,
                            enum iam_kind kind, bool as_boundary, struct iam_entity ***tail)
{
    static const char *const filters[] = {"User", "Role", "Group"};
    struct iam_entity *e = NULL;
    int r = 0;

    if (in->entity_filter.n > 0 && !str_is(in->entity_filter, filters[kind]))
        return 0;
    r = iam_attached_to(c->store, c->arena, in->policy_arn, kind, as_boundary, &e);
    for (; r == 0 && e != NULL; e = e->next)
        if (str_eq(e->account, c->account) && str_starts(e->path, in->path_prefix)) {
            **tail = e;
            *tail = &e->next;
        }
    **tail = NULL;
    return r;
}

struct done iam_list_entities_for_policy(struct call *c, const void *input)
{
    const struct iam_list_entities_for_policy_request *in = input;
    bool as_boundary = str_is(in->policy_usage_filter, "PermissionsBoundary");
    struct iam_list_entities_for_policy_response out = {0};
    struct iam_entity *all = NULL, **tail = &all;
    struct iam_managed *p;
    struct iam_page page;
    struct done done;
    int r = 0;

    if (!iam_need_policy(c, in->policy_arn, &p, &done))
        return done;
    for (int kind = IAM_USER; r == 0 && kind <= IAM_GROUP; kind++)
        r = collect_entities(c, in, (enum iam_kind)kind, as_boundary, &tail);
    if (r < 0)
        return call_fail(c, r);
    if (!iam_page_of(c, all, offsetof(struct iam_entity, arn), in->marker, in->max_items, &page,
                     &done))
        return done;
    out.policy_users.at = arena_array(c->arena, page.n, sizeof *out.policy_users.at);
    out.policy_roles.at = arena_array(c->arena, page.n, sizeof *out.policy_roles.at);
    out.policy_groups.at = arena_array(c->arena, page.n, sizeof *out.policy_groups.at);
    for (const struct iam_entity *e = page.first; page.n > 0; e = e->next, page.n--) {
        if (e->kind == IAM_USER)
            out.policy_users.at[out.policy_users.n++] =
                (struct iam_policy_user){.user_name = e->name, .user_id = e->id};
        else if (e->kind == IAM_ROLE)
            out.policy_roles.at[out.policy_roles.n++] =
                (struct iam_policy_role){.role_name = e->name, .role_id = e->id};
        else
            out.policy_groups.at[out.policy_groups.n++] =
                (struct iam_policy_group){.group_name = e->name, .group_id = e->id};
    }
    IAM_SET_PAGE(out, page);
    return call_reply(c, &out);
}

/* What binds users, roles and groups: attached and inline policies, and boundaries. The three
 * kinds differ in names and quotas only. Source: IAM API Reference, AttachRolePolicy,
 * PutRolePolicy, PutRolePermissionsBoundary and their kin; reference aws-eks-iam-ec2 2.4. */
#include "aws/iam.h"
#include "aws/iam_operations.h"

enum { MOST_ATTACHED = 10 };

/* Bytes of all inline policies of one entity, white space not counted; by enum iam_kind. */
static const size_t inline_quota[] = {2048, 10240, 5120};

/* --- attached policies ----------------------------------------------------------------------- */

/* A policy that may be attached, in the words that attaching has for one that may not. */
static bool need_attachable(struct call *c, struct str arn, struct done *ret_done)
{
    struct iam_managed *p = NULL;
    int r;

    if (!str_starts(arn, S("arn:"))) {
        *ret_done =
            call_fault(c, &iam_invalid_input_exception, "ARN %.*s is not valid.", STR_ARG(arn));
        return false;
    }
    r = iam_policy_find(c->store, c->arena, arn, &p);
    if (r < 0)
        *ret_done = call_fail(c, r);
    else if (p == NULL || !(str_eq(p->account, c->account) || str_is(p->account, "aws")))
        *ret_done = call_fault(c, &iam_no_such_entity_exception,
                               "Policy %.*s does not exist or is not attachable.", STR_ARG(arn));
    else if (str_starts(p->path, S("/aws-service-role/")))
        *ret_done = call_fault(c, &iam_policy_not_attachable_exception,
                               "Cannot attach a Service Role Policy to a Customer Role.");
    else
        return true;
    return false;
}

static struct done attach(struct call *c, enum iam_kind kind, struct str name, struct str arn)
{
    struct iam_managed *attached = NULL;
    struct iam_entity *e;
    struct done done;
    int n = 0, r;

    if (!iam_need_entity(c, kind, name, &e, &done) || !need_attachable(c, arn, &done))
        return done;
    r = iam_attachment_list(c->store, c->arena, e, &attached);
    if (r < 0)
        return call_fail(c, r);
    for (; attached != NULL; attached = attached->next) {
        if (str_eq(attached->arn, arn))
            return call_reply(c, NULL);
        n++;
    }
    if (n >= MOST_ATTACHED)
        return call_fault(c, &iam_limit_exceeded_exception,
                          "Cannot exceed quota for PoliciesPer%s: %d", iam_kind_title(kind),
                          MOST_ATTACHED);
    return iam_answer(c, iam_attach(c->store, e, arn, c->now));
}

static struct done detach(struct call *c, enum iam_kind kind, struct str name, struct str arn)
{
    struct iam_entity *e;
    struct done done;
    bool changed = false;
    int r;

    if (!iam_need_entity(c, kind, name, &e, &done))
        return done;
    r = iam_detach(c->store, e, arn, &changed);
    if (r == 0 && !changed)
        return call_fault(c, &iam_no_such_entity_exception, "Policy %.*s was not found.",
                          STR_ARG(arn));
    return iam_answer(c, r);
}

/* The page of attached policies below a path. */
static bool attached_page(struct call *c, enum iam_kind kind, struct str name, struct str path,
                          struct str marker, struct opt_int most, struct iam_page *ret_page,
                          struct done *ret_done)
{
    struct iam_managed *all = NULL, *wanted = NULL, **tail = &wanted;
    struct iam_entity *e;
    int r;

    if (!iam_need_entity(c, kind, name, &e, ret_done))
        return false;
    r = iam_attachment_list(c->store, c->arena, e, &all);
    if (r < 0) {
        *ret_done = call_fail(c, r);
        return false;
    }
    for (struct iam_managed *p = all, *next; p != NULL; p = next) {
        next = p->next;
        if (!str_starts(p->path, path))
            continue;
        p->next = NULL;
        *tail = p;
        tail = &p->next;
    }
    return iam_page_of(c, wanted, offsetof(struct iam_managed, arn), marker, most, ret_page,
                       ret_done);
}

/* --- inline policies ------------------------------------------------------------------------- */

static struct done put_inline(struct call *c, enum iam_kind kind, struct str name,
                              struct str policy, struct str document)
{
    size_t size = iam_document_size(document);
    struct iam_inline *own = NULL;
    struct iam_entity *e;
    struct done done;
    int r;

    if (!iam_need_entity(c, kind, name, &e, &done) || !iam_document_is_good(c, document, &done))
        return done;
    r = iam_inline_list(c->store, c->arena, e, &own);
    if (r < 0)
        return call_fail(c, r);
    for (; own != NULL; own = own->next)
        if (!str_ieq(own->name, policy))
            size += iam_document_size(own->document);
    if (size > inline_quota[kind])
        return call_fault(c, &iam_limit_exceeded_exception,
                          "Maximum policy size of %zu bytes exceeded for %s %.*s",
                          inline_quota[kind], iam_kind_name(kind), STR_ARG(name));
    return iam_answer(c, iam_inline_put(c->store, e, policy, document));
}

static struct done no_such_inline(struct call *c, enum iam_kind kind, struct str policy)
{
    return call_fault(c, &iam_no_such_entity_exception,
                      "The %s policy with name %.*s cannot be found.", iam_kind_name(kind),
                      STR_ARG(policy));
}

static bool need_inline(struct call *c, enum iam_kind kind, struct str name, struct str policy,
                        struct iam_entity **ret_entity, struct iam_inline **ret_inline,
                        struct done *ret_done)
{
    int r;

    if (!iam_need_entity(c, kind, name, ret_entity, ret_done))
        return false;
    r = iam_inline_list(c->store, c->arena, *ret_entity, ret_inline);
    if (r < 0) {
        *ret_done = call_fail(c, r);
        return false;
    }
    for (; *ret_inline != NULL; *ret_inline = (*ret_inline)->next)
        if (str_ieq((*ret_inline)->name, policy))
            return true;
    *ret_done = no_such_inline(c, kind, policy);
    return false;
}

static struct done delete_inline(struct call *c, enum iam_kind kind, struct str name,
                                 struct str policy)
{
    struct iam_entity *e;
    struct done done;
    bool changed = false;
    int r;

    if (!iam_need_entity(c, kind, name, &e, &done))
        return done;
    r = iam_inline_delete(c->store, e, policy, &changed);
    return r == 0 && !changed ? no_such_inline(c, kind, policy) : iam_answer(c, r);
}

static bool inline_page(struct call *c, enum iam_kind kind, struct str name, struct str marker,
                        struct opt_int most, struct iam_page *ret_page, struct done *ret_done)
{
    struct iam_inline *own = NULL;
    struct iam_entity *e;
    int r;

    if (!iam_need_entity(c, kind, name, &e, ret_done))
        return false;
    r = iam_inline_list(c->store, c->arena, e, &own);
    if (r < 0) {
        *ret_done = call_fail(c, r);
        return false;
    }
    return iam_page_of(c, own, offsetof(struct iam_inline, name), marker, most, ret_page, ret_done);
}

/* --- boundaries ------------------------------------------------------------------------------ */

bool iam_boundary_is_good(struct call *c, struct str arn, struct done *ret_done)
{
    struct iam_managed *p = NULL;
    int r = iam_policy_find(c->store, c->arena, arn, &p);

    if (r < 0)
        *ret_done = call_fail(c, r);
    else if (p == NULL || !(str_eq(p->account, c->account) || str_is(p->account, "aws")))
        *ret_done =
            call_fault(c, &iam_no_such_entity_exception,
                       "Scope ARN: %.*s does not exist or is not attachable.", STR_ARG(arn));
    else
        return true;
    return false;
}

static struct done put_boundary(struct call *c, enum iam_kind kind, struct str name, struct str arn)
{
    struct iam_entity *e;
    struct done done;

    if (!iam_need_entity(c, kind, name, &e, &done) || !iam_boundary_is_good(c, arn, &done))
        return done;
    e->boundary = arn;
    return iam_answer(c, iam_entity_update(c->store, e->name, e));
}

static struct done delete_boundary(struct call *c, enum iam_kind kind, struct str name)
{
    struct iam_entity *e;
    struct done done;

    if (!iam_need_entity(c, kind, name, &e, &done))
        return done;
    if (e->boundary.n == 0)
        return call_fault(c, &iam_no_such_entity_exception,
                          "No permissions boundary is attached to the %s %.*s.",
                          iam_kind_name(kind), STR_ARG(name));
    e->boundary = (struct str){0};
    return iam_answer(c, iam_entity_update(c->store, e->name, e));
}

/* --- the operations, alike for each kind ----------------------------------------------------- */

#define BINDINGS(what, KIND)                                                                     \
    struct done iam_attach_##what##_policy(struct call *c, const void *input)                    \
    {                                                                                            \
        const struct iam_attach_##what##_policy_request *in = input;                             \
                                                                                                 \
        return attach(c, KIND, in->what##_name, in->policy_arn);                                 \
    }                                                                                            \
    struct done iam_detach_##what##_policy(struct call *c, const void *input)                    \
    {                                                                                            \
        const struct iam_detach_##what##_policy_request *in = input;                             \
                                                                                                 \
        return detach(c, KIND, in->what##_name, in->policy_arn);                                 \
    }                                                                                            \
    struct done iam_list_attached_##what##_policies(struct call *c, const void *input)           \
    {                                                                                            \
        const struct iam_list_attached_##what##_policies_request *in = input;                    \
        struct iam_list_attached_##what##_policies_response out = {0};                           \
        struct iam_page page;                                                                    \
        struct done done;                                                                        \
                                                                                                 \
        if (!attached_page(c, KIND, in->what##_name, in->path_prefix, in->marker, in->max_items, \
                           &page, &done))                                                        \
            return done;                                                                         \
        out.attached_policies.at =                                                               \
            arena_array(c->arena, page.n, sizeof *out.attached_policies.at);                     \
        for (const struct iam_managed *p = page.first; out.attached_policies.n < page.n;         \
             p = p->next)                                                                        \
            out.attached_policies.at[out.attached_policies.n++] =                                \
                (struct iam_attached_policy){.policy_name = p->name, .policy_arn = p->arn};      \
        IAM_SET_PAGE(out, page);                                                                 \
        return call_reply(c, &out);                                                              \
    }                                                                                            \
    struct done iam_put_##what##_policy(struct call *c, const void *input)                       \
    {                                                                                            \
        const struct iam_put_##what##_policy_request *in = input;                                \
                                                                                                 \
        return put_inline(c, KIND, in->what##_name, in->policy_name, in->policy_document);       \
    }                                                                                            \
    struct done iam_get_##what##_policy(struct call *c, const void *input)                       \
    {                                                                                            \
        const struct iam_get_##what##_policy_request *in = input;                                \
        struct iam_get_##what##_policy_response out = {0};                                       \
        struct iam_entity *e;                                                                    \
        struct iam_inline *own;                                                                  \
        struct done done;                                                                        \
                                                                                                 \
        if (!need_inline(c, KIND, in->what##_name, in->policy_name, &e, &own, &done))            \
            return done;                                                                         \
        out.what##_name = e->name;                                                               \
        out.policy_name = own->name;                                                             \
        out.policy_document = iam_document(c, own->document);                                    \
        return call_reply(c, &out);                                                              \
    }                                                                                            \
    struct done iam_list_##what##_policies(struct call *c, const void *input)                    \
    {                                                                                            \
        const struct iam_list_##what##_policies_request *in = input;                             \
        struct iam_list_##what##_policies_response out = {0};                                    \
        struct iam_page page;                                                                    \
        struct done done;                                                                        \
                                                                                                 \
        if (!inline_page(c, KIND, in->what##_name, in->marker, in->max_items, &page, &done))     \
            return done;                                                                         \
        out.policy_names.at = arena_array(c->arena, page.n, sizeof *out.policy_names.at);        \
        for (const struct iam_inline *p = page.first; out.policy_names.n < page.n; p = p->next)  \
            out.policy_names.at[out.policy_names.n++] = p->name;                                 \
        IAM_SET_PAGE(out, page);                                                                 \
        return call_reply(c, &out);                                                              \
    }                                                                                            \
    struct done iam_delete_##what##_policy(struct call *c, const void *input)                    \
    {                                                                                            \
        const struct iam_delete_##what##_policy_request *in = input;                             \
                                                                                                 \
        return delete_inline(c, KIND, in->what##_name, in->policy_name);                         \
    }

#define BOUNDED_KIND(what, KIND)                                                            \
    struct done iam_put_##what##_permissions_boundary(struct call *c, const void *input)    \
    {                                                                                       \
        const struct iam_put_##what##_permissions_boundary_request *in = input;             \
                                                                                            \
        return put_boundary(c, KIND, in->what##_name, in->permissions_boundary);            \
    }                                                                                       \
    struct done iam_delete_##what##_permissions_boundary(struct call *c, const void *input) \
    {                                                                                       \
        const struct iam_delete_##what##_permissions_boundary_request *in = input;          \
                                                                                            \
        return delete_boundary(c, KIND, in->what##_name);                                   \
    }

BINDINGS(role, IAM_ROLE)
BINDINGS(user, IAM_USER)
BINDINGS(group, IAM_GROUP)
BOUNDED_KIND(role, IAM_ROLE)
BOUNDED_KIND(user, IAM_USER)

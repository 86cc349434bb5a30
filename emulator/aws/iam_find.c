/* Finding what a call names. Source: reference aws-eks-iam-ec2 section 2.2 (identifiers), 2.4
 * (the words of NoSuchEntity). */
#include "aws/iam.h"

const char *iam_kind_name(enum iam_kind kind)
{
    return kind == IAM_USER ? "user" : kind == IAM_ROLE ? "role" : "group";
}

const char *iam_kind_title(enum iam_kind kind)
{
    return kind == IAM_USER ? "User" : kind == IAM_ROLE ? "Role" : "Group";
}

struct str iam_arn(struct call *c, const char *kind, struct str path, struct str name)
{
    return arena_printf(c->arena, "arn:%.*s:iam::%.*s:%s%.*s%.*s", STR_ARG(c->partition),
                        STR_ARG(c->account), kind, STR_ARG(path), STR_ARG(name));
}

struct str iam_new_id(struct call *c, const char *prefix)
{
    return arena_printf(c->arena, "%s%.*s", prefix,
                        STR_ARG(ids_from(c->ids, c->arena, 17, IDS_IAM)));
}

struct done iam_answer(struct call *c, int r)
{
    return r < 0 ? call_fail(c, r) : call_reply(c, NULL);
}

const char *iam_policies_of(struct call *c, const struct iam_entity *e)
{
    struct iam_managed *attached = NULL;
    struct iam_inline *own = NULL;

    if (iam_attachment_list(c->store, c->arena, e, &attached) == 0 && attached != NULL)
        return "Cannot delete entity, must detach all policies first.";
    if (iam_inline_list(c->store, c->arena, e, &own) == 0 && own != NULL)
        return "Cannot delete entity, must delete policies first.";
    return NULL;
}

bool iam_need_entity(struct call *c, enum iam_kind kind, struct str name,
                     struct iam_entity **ret_entity, struct done *ret_done)
{
    int r = iam_entity_find(c->store, c->arena, kind, c->account, name, ret_entity);

    if (r < 0)
        *ret_done = call_fail(c, r);
    else if (*ret_entity == NULL)
        *ret_done =
            call_fault(c, &iam_no_such_entity_exception, "The %s with name %.*s cannot be found.",
                       iam_kind_name(kind), STR_ARG(name));
    return r == 0 && *ret_entity != NULL;
}

bool iam_need_user(struct call *c, struct str name, struct iam_entity **ret_user,
                   struct done *ret_done)
{
    if (name.n == 0)
        name = c->identity.name;
    if (name.n > 0)
        return iam_need_entity(c, IAM_USER, name, ret_user, ret_done);
    *ret_done = call_fault(c, &AWS_VALIDATION_ERROR,
                           "Must specify userName when calling with non-User credentials");
    return false;
}

bool iam_need_policy(struct call *c, struct str arn, struct iam_managed **ret_policy,
                     struct done *ret_done)
{
    int r;

    if (!str_starts(arn, S("arn:"))) {
        *ret_done =
            call_fault(c, &iam_invalid_input_exception, "ARN %.*s is not valid.", STR_ARG(arn));
        return false;
    }
    r = iam_policy_find(c->store, c->arena, arn, ret_policy);
    if (r < 0)
        *ret_done = call_fail(c, r);
    else if (*ret_policy == NULL)
        *ret_done = call_fault(c, &iam_no_such_entity_exception, "Policy %.*s was not found.",
                               STR_ARG(arn));
    return r == 0 && *ret_policy != NULL;
}

bool iam_need_profile(struct call *c, struct str name, struct iam_profile **ret_profile,
                      struct done *ret_done)
{
    int r = iam_profile_find(c->store, c->arena, c->account, name, ret_profile);

    if (r < 0)
        *ret_done = call_fail(c, r);
    else if (*ret_profile == NULL)
        *ret_done = call_fault(c, &iam_no_such_entity_exception,
                               "Instance Profile %.*s cannot be found.", STR_ARG(name));
    return r == 0 && *ret_profile != NULL;
}

bool iam_need_certificate(struct call *c, struct str name, struct iam_certificate **ret_certificate,
                          struct done *ret_done)
{
    int r = iam_certificate_find(c->store, c->arena, c->account, name, ret_certificate);

    if (r < 0)
        *ret_done = call_fail(c, r);
    else if (*ret_certificate == NULL)
        *ret_done =
            call_fault(c, &iam_no_such_entity_exception,
                       "The Server Certificate with name %.*s cannot be found.", STR_ARG(name));
    return r == 0 && *ret_certificate != NULL;
}

bool iam_need_provider(struct call *c, struct str arn, struct iam_provider **ret_provider,
                       struct done *ret_done)
{
    int r = iam_provider_find(c->store, c->arena, arn, ret_provider);

    if (r < 0)
        *ret_done = call_fail(c, r);
    else if (*ret_provider == NULL || !str_eq((*ret_provider)->account, c->account))
        *ret_done = call_fault(c, &iam_no_such_entity_exception,
                               "OpenIDConnect Provider not found for arn %.*s", STR_ARG(arn));
    return r == 0 && *ret_provider != NULL && str_eq((*ret_provider)->account, c->account);
}

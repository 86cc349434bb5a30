/* Temporary credentials: what every way to get them has in common. Source: STS API Reference;
 * reference aws-eks-iam-ec2 section 3. */
#include "aws/sts.h"

#include "aws/credential.h"
#include "base/buf.h"
#include "base/json.h"

enum {
    DEFAULT_S = 3600,
    CHAINED_S = 3600,
    LARGEST_POLICIES = 2048,
    MOST_ARNS = 10,
    LARGEST_JSON = 1 << 20
};

/* --- session policies ------------------------------------------------------------------------ */

static bool policy_is_good(struct call *c, struct str document, struct done *ret_done)
{
    CLEANUP(policy_freep) struct policy *policy = NULL;
    struct str why;

    if (policy_parse(c->arena, document, POLICY_IDENTITY, &policy, &why))
        return true;
    *ret_done = call_fault(c, &sts_malformed_policy_document_exception, "%.*s", STR_ARG(why));
    return false;
}

/* The default version of a managed policy of the caller's account or of AWS. */
static bool document_of(struct call *c, struct str arn, struct str *ret_document,
                        struct done *ret_done)
{
    struct iam_managed *p = NULL;
    struct iam_version *v = NULL;
    int r = iam_policy_find(c->store, c->arena, arn, &p);

    if (r == 0 && p != NULL)
        r = iam_version_list(c->store, c->arena, arn, &v);
    if (r < 0) {
        *ret_done = call_fail(c, r);
        return false;
    }
    while (v != NULL && v->number != p->default_version)
        v = v->next;
    if (v == NULL) {
        *ret_done = call_fault(c, &sts_malformed_policy_document_exception,
                               "Policy %.*s does not exist or is not attachable.", STR_ARG(arn));
        return false;
    }
    *ret_document = v->document;
    return true;
}

bool sts_read_limits(struct call *c, const struct sts_limits *limits, struct str *ret_policies,
                     struct opt_int *ret_packed, struct done *ret_done)
{
    CLEANUP(json_freep) cJSON *array = cJSON_CreateArray();
    CLEANUP(buf_free) struct buf b = buf_init(LARGEST_JSON);
    size_t size = limits->policy.n;

    *ret_policies = (struct str){0};
    *ret_packed = (struct opt_int){0};
    if (limits->policy.n > 0) {
        if (!policy_is_good(c, limits->policy, ret_done))
            return false;
        cJSON_AddItemToArray(array, json_new_str(limits->policy));
    }
    if (limits->arn_count > MOST_ARNS) {
        *ret_done =
            call_fault(c, &sts_packed_policy_too_large_exception,
                       "The number of managed policy ARNs exceeds the limit of %d", MOST_ARNS);
        return false;
    }
    for (size_t i = 0; i < limits->arn_count; i++) {
        struct str document;

        if (!document_of(c, limits->arns[i].arn, &document, ret_done))
            return false;
        size += limits->arns[i].arn.n;
        cJSON_AddItemToArray(array, json_new_str(document));
    }
    if (array->child == NULL)
        return true;
    if (size > LARGEST_POLICIES) {
        *ret_done = call_fault(c, &sts_packed_policy_too_large_exception,
                               "Packed policy consumes %zu%% of allotted space, please use "
                               "smaller policy.",
                               size * 100 / LARGEST_POLICIES);
        return false;
    }
    json_write(&b, array);
    *ret_policies = arena_str(c->arena, buf_str(&b));
    *ret_packed = OPT_INT((int64_t)(size * 100 / LARGEST_POLICIES));
    return true;
}

/* --- roles ----------------------------------------------------------------------------------- */

bool sts_find_role(struct call *c, struct str arn, struct iam_entity **ret_role,
                   struct done *ret_done)
{
    struct str part[5], rest = arn;
    bool ok = true;
    int r;

    for (size_t i = 0; ok && i < ARRAY_LEN(part); i++)
        ok = str_cut(rest, ':', &part[i], &rest);
    if (!ok || !str_is(part[0], "arn") || !str_is(part[2], "iam") || part[4].n != 12 ||
        !str_starts(rest, S("role/"))) {
        *ret_done = call_fault(c, &AWS_VALIDATION_ERROR, "Request ARN is invalid");
        return false;
    }
    *ret_role = NULL;
    r = iam_entity_find_by_arn(c->store, c->arena, arn, ret_role);
    if (r < 0)
        *ret_done = call_fail(c, r);
    return r == 0;
}

bool sts_role_seconds(struct call *c, const struct iam_entity *role, struct opt_int asked,
                      bool chained, int64_t *ret_seconds, struct done *ret_done)
{
    int64_t most = role->max_session_s > 0 ? role->max_session_s : DEFAULT_S;
    int64_t seconds = asked.set ? asked.v : DEFAULT_S;

    *ret_seconds = seconds;
    if (chained && seconds > CHAINED_S)
        *ret_done = call_fault(c, &AWS_VALIDATION_ERROR,
                               "The requested DurationSeconds exceeds the 1 hour session limit for "
                               "roles assumed by role chaining");
    else if (seconds > most)
        *ret_done = call_fault(c, &AWS_VALIDATION_ERROR,
                               "The requested DurationSeconds exceeds the MaxSessionDuration set "
                               "for this role.");
    else
        return true;
    return false;
}

void sts_become_role(struct call *c, const struct iam_entity *role, struct str session_name,
                     struct iam_session *x)
{
    x->account = role->account;
    x->kind = IAM_ROLE;
    x->entity = role->name;
    x->arn =
        arena_printf(c->arena, "arn:%.*s:sts::%.*s:assumed-role/%.*s/%.*s", STR_ARG(c->partition),
                     STR_ARG(role->account), STR_ARG(role->name), STR_ARG(session_name));
    x->user_id = arena_printf(c->arena, "%.*s:%.*s", STR_ARG(role->id), STR_ARG(session_name));
}

/* --- issuing --------------------------------------------------------------------------------- */

/* A role knows when it was used last. */
static int note_use(struct call *c, const struct iam_session *x)
{
    struct iam_entity *role = NULL;
    int r = 0;

    if (x->kind == IAM_ROLE)
        r = iam_entity_find(c->store, c->arena, IAM_ROLE, x->account, x->entity, &role);
    if (r < 0 || role == NULL)
        return r;
    role->last_used = c->now;
    role->last_region = c->region;
    return iam_entity_update(c->store, role->name, role);
}

int sts_issue(struct call *c, struct iam_session *x, int64_t seconds,
              struct sts_credentials *ret_credentials)
{
    int r;

    x->id = credential_new_id(c->ids, c->arena, "ASIA");
    x->secret = credential_new_secret(c->ids, c->arena);
    x->token = credential_new_token(c->ids, c->arena);
    x->issued = c->now;
    x->expires = c->now - c->now % 1000 + seconds * 1000; /* shown in whole seconds */
    r = iam_session_insert(c->store, x);
    if (r == 0)
        r = note_use(c, x);
    *ret_credentials = (struct sts_credentials){
        .access_key_id = x->id,
        .secret_access_key = x->secret,
        .session_token = x->token,
        .expiration = OPT_INT(x->expires),
    };
    return r;
}

/* AssumeRole. Two parties decide: the role's trust policy and, unless that names the caller itself,
 * the caller's own policies; across accounts both must allow. Source: STS API Reference; IAM User
 * Guide, "Policy evaluation logic", "Pass session tags in AWS STS"; reference aws-eks-iam-ec2 2.6,
 * 3. */
#include "aws/sts.h"

#include "aws/authorize.h"
#include "aws/context.h"
#include "aws/internal.h"
#include "base/buf.h"
#include "base/json.h"

enum { MOST_TAGS = 50, LARGEST_TAGS = 1 << 16 };

static const struct fault access_denied = {"AccessDenied", 403};

/* --- may they? ------------------------------------------------------------------------------- */

/* What the role's trust says of @action: nothing, yes to the caller's account, or yes to the caller
 * by name. A deny is nothing. */
enum trust { TRUST_NONE, TRUST_ACCOUNT, TRUST_CALLER };

static enum trust trust_of(struct call *c, const struct iam_entity *role, struct str action)
{
    CLEANUP(policy_freep) struct policy *policy = NULL;
    const struct identity *who = &c->identity;
    struct policy_principal named = {.arn = who->arn, .role_arn = who->role_arn}, whole = named;
    struct context_builder b = context_builder_for(c);
    struct request_tags tags = request_tags_of(c, S(""));
    struct policy_request request = {.action = action, .resource = role->arn};
    struct str why;

    whole.account = who->account;
    if (!policy_parse(c->arena, role->trust, POLICY_TRUST, &policy, &why))
        return TRUST_NONE;
    context_put_caller(&b);
    context_put_request(&b, &tags);
    context_put_resource(&b, role->arn);
    request.context = context_of(&b);
    request.principal = &whole;
    if (policy_evaluate(policy, &request) != POLICY_ALLOWS)
        return TRUST_NONE;
    request.principal = &named;
    return policy_evaluate(policy, &request) == POLICY_ALLOWS ? TRUST_CALLER : TRUST_ACCOUNT;
}

static bool may(struct call *c, const struct iam_entity *role, struct str action)
{
    enum trust trust = trust_of(c, role, action);
    struct str reason = {0};
    bool own;

    if (trust == TRUST_NONE)
        return false;
    if (c->aws->o.iam != IAM_ENFORCE)
        return true;
    own = caller_may(c, action, role->arn, &reason);
    if (trust == TRUST_CALLER && str_eq(role->account, c->account))
        return own || str_find(reason, S("explicit deny")) == STR_NONE;
    return own;
}

static struct done denied(struct call *c, struct str action, struct str arn)
{
    return call_fault(c, &access_denied,
                      "User: %.*s is not authorized to perform: %.*s on resource: %.*s",
                      STR_ARG(c->identity.arn), STR_ARG(action), STR_ARG(arn));
}

/* --- session tags ---------------------------------------------------------------------------- */

bool sts_read_tags(struct call *c, const struct sts_tag *tags, size_t n, cJSON *into,
                   struct done *ret_done)
{
    for (size_t i = 0; i < n; i++) {
        if (str_starts(tags[i].key, S("aws:"))) {
            *ret_done = call_fault(c, &AWS_VALIDATION_ERROR,
                                   "Tag keys must not begin with aws:, which is reserved.");
            return false;
        }
        for (size_t k = 0; k < i; k++)
            if (str_ieq(tags[k].key, tags[i].key)) {
                *ret_done = call_fault(c, &(struct fault){"InvalidParameterValue", 400},
                                       "Duplicate tag keys found. Please note that Tag keys are "
                                       "case insensitive.");
                return false;
            }
        json_put_str(into, tags[i].key, tags[i].value);
    }
    return true;
}

struct str sts_tags_text(struct call *c, const cJSON *tags)
{
    CLEANUP(buf_free) struct buf b = buf_init(LARGEST_TAGS);

    if (tags == NULL || tags->child == NULL)
        return (struct str){0};
    json_write(&b, tags);
    return arena_str(c->arena, buf_str(&b));
}

/* Transitive tags of the caller's own session go along, and may not be changed on the way. */
static bool inherit_tags(struct call *c, cJSON *tags, cJSON *transitive, struct done *ret_done)
{
    const struct iam_session *x = c->identity.session;
    CLEANUP(json_freep) cJSON *own = x != NULL ? json_parse(x->tags, NULL) : NULL;
    CLEANUP(json_freep) cJSON *keys = x != NULL ? json_parse(x->transitive, NULL) : NULL;

    JSON_EACH(key, keys) {
        struct str name = json_text(key);

        if (json_member(tags, name) != NULL) {
            *ret_done = call_fault(c, &(struct fault){"InvalidParameterValue", 400},
                                   "One of the specified transitive tag keys can't be set because "
                                   "it conflicts with a transitive tag key from the calling "
                                   "session.");
            return false;
        }
        json_put_str(tags, name, json_text(json_member(own, name)));
        cJSON_AddItemToArray(transitive, json_new_str(name));
    }
    return true;
}

static bool read_session_tags(struct call *c, const struct sts_assume_role_request *in,
                              struct iam_session *x, struct done *ret_done)
{
    CLEANUP(json_freep) cJSON *tags = cJSON_CreateObject();
    CLEANUP(json_freep) cJSON *transitive = cJSON_CreateArray();

    if (!sts_read_tags(c, in->tags.at, in->tags.n, tags, ret_done))
        return false;
    for (size_t i = 0; i < in->transitive_tag_keys.n; i++) {
        struct str key = in->transitive_tag_keys.at[i];

        if (json_member(tags, key) == NULL) {
            *ret_done = call_fault(c, &(struct fault){"InvalidParameterValue", 400},
                                   "The specified transitive tag key must be included in the "
                                   "requested tags.");
            return false;
        }
        cJSON_AddItemToArray(transitive, json_new_str(key));
    }
    if (!inherit_tags(c, tags, transitive, ret_done))
        return false;
    x->tags = sts_tags_text(c, tags);
    x->transitive = transitive->child != NULL ? sts_tags_text(c, transitive) : (struct str){0};
    return true;
}

/* --- the operation --------------------------------------------------------------------------- */

/* The caller's right to all that the request asks for; what it lacks is denied by name. */
static bool is_permitted(struct call *c, const struct sts_assume_role_request *in,
                         const struct iam_entity *role, struct done *ret_done)
{
    const struct iam_session *x = c->identity.session;
    bool tagging = in->tags.n > 0;
    struct str action = S("sts:AssumeRole");
    bool ok = role != NULL && may(c, role, action);

    if (ok && tagging) {
        action = S("sts:TagSession");
        ok = may(c, role, action);
    }
    if (ok && in->source_identity.n > 0 &&
        !(x != NULL && str_eq(x->source_identity, in->source_identity))) {
        action = S("sts:SetSourceIdentity");
        ok = (x == NULL || x->source_identity.n == 0) && may(c, role, action);
    }
    if (!ok)
        *ret_done = denied(c, action, in->role_arn);
    return ok;
}

struct done sts_assume_role(struct call *c, const void *input)
{
    const struct sts_assume_role_request *in = input;
    const struct sts_limits limits = {in->policy, in->policy_arns.at, in->policy_arns.n};
    const struct iam_session *own = c->identity.session;
    bool chained = own != NULL && own->kind == IAM_ROLE;
    struct sts_assume_role_response out = {0};
    struct sts_assumed_role_user user;
    struct sts_credentials credentials;
    struct iam_session x = {.source_identity = in->source_identity};
    struct iam_entity *role;
    int64_t seconds;
    struct done done;
    int r;

    if (!sts_find_role(c, in->role_arn, &role, &done))
        return done;
    if (c->identity.root && c->aws->o.iam == IAM_ENFORCE)
        return call_fault(c, &access_denied, "Roles may not be assumed by root accounts.");
    if (!is_permitted(c, in, role, &done) ||
        !sts_read_limits(c, &limits, &x.policies, &out.packed_policy_size, &done) ||
        !sts_role_seconds(c, role, in->duration_seconds, chained, &seconds, &done) ||
        !read_session_tags(c, in, &x, &done))
        return done;
    if (x.source_identity.n == 0 && own != NULL)
        x.source_identity = own->source_identity;
    sts_become_role(c, role, in->role_session_name, &x);
    r = sts_issue(c, &x, seconds, &credentials);
    if (r < 0)
        return call_fail(c, r);
    user = (struct sts_assumed_role_user){x.user_id, x.arn};
    out.credentials = &credentials;
    out.assumed_role_user = &user;
    if (x.source_identity.n > 0)
        out.source_identity = x.source_identity;
    return call_reply(c, &out);
}

/* Sessions of users: GetSessionToken and GetFederationToken. Source: STS API Reference; IAM User
 * Guide, "Permissions for GetFederationToken". */
#include "aws/sts.h"

#include "base/json.h"

enum { DEFAULT_S = 43200, ROOT_S = 3600 };

static const struct fault access_denied = {"AccessDenied", 403};

/* A policy that gives nothing: what a federated user has when no policy was passed. */
#define NOTHING                                                                               \
    "[\"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Deny\\\"," \
    "\\\"Action\\\":\\\"none:None\\\",\\\"Resource\\\":\\\"*\\\"}]}\"]"

/* Long-lived credentials only. */
static bool is_long_lived(struct call *c, struct done *ret_done)
{
    if (c->identity.session == NULL)
        return true;
    *ret_done =
        call_fault(c, &access_denied, "Cannot call %s with session credentials", c->model->name);
    return false;
}

static int64_t seconds_of(const struct call *c, struct opt_int asked)
{
    int64_t seconds = asked.set ? asked.v : c->identity.root ? ROOT_S : DEFAULT_S;

    return c->identity.root && seconds > ROOT_S ? ROOT_S : seconds;
}

struct done sts_get_session_token(struct call *c, const void *input)
{
    const struct sts_get_session_token_request *in = input;
    struct sts_get_session_token_response out = {0};
    struct sts_credentials credentials;
    struct iam_session x = {
        .account = c->account,
        .kind = IAM_USER,
        .entity = c->identity.name,
        .arn = c->identity.arn,
        .user_id = c->identity.user_id,
    };
    struct done done;
    int r;

    if (!is_long_lived(c, &done))
        return done;
    if (in->serial_number.n > 0 || in->token_code.n > 0)
        return call_fault(c, &access_denied,
                          "MultiFactorAuthentication failed with invalid MFA one time pass code.");
    r = sts_issue(c, &x, seconds_of(c, in->duration_seconds), &credentials);
    out.credentials = &credentials;
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

struct done sts_get_federation_token(struct call *c, const void *input)
{
    const struct sts_get_federation_token_request *in = input;
    const struct sts_limits limits = {in->policy, in->policy_arns.at, in->policy_arns.n};
    CLEANUP(json_freep) cJSON *tags = cJSON_CreateObject();
    struct sts_get_federation_token_response out = {0};
    struct sts_federated_user user;
    struct sts_credentials credentials;
    struct iam_session x = {
        .account = c->account,
        .kind = IAM_USER,
        .entity = c->identity.name,
        .arn = arena_printf(c->arena, "arn:%.*s:sts::%.*s:federated-user/%.*s",
                            STR_ARG(c->partition), STR_ARG(c->account), STR_ARG(in->name)),
        .user_id = arena_printf(c->arena, "%.*s:%.*s", STR_ARG(c->account), STR_ARG(in->name)),
    };
    struct done done;
    int r;

    if (!is_long_lived(c, &done) ||
        !sts_read_limits(c, &limits, &x.policies, &out.packed_policy_size, &done) ||
        !sts_read_tags(c, in->tags.at, in->tags.n, tags, &done))
        return done;
    if (x.policies.n == 0)
        x.policies = S(NOTHING);
    x.tags = sts_tags_text(c, tags);
    r = sts_issue(c, &x, seconds_of(c, in->duration_seconds), &credentials);
    if (r < 0)
        return call_fail(c, r);
    user = (struct sts_federated_user){x.user_id, x.arn};
    out.credentials = &credentials;
    out.federated_user = &user;
    return call_reply(c, &out);
}

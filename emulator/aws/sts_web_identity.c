/* AssumeRoleWithWebIdentity: a token of a registered OIDC provider becomes a role's session. The
 * checks run in the order in which STS makes them. Tokens of this world's clusters are verified
 * with the clusters' own keys. Source: STS API Reference; reference aws-eks-iam-ec2 section 3. */
#include "aws/iam.h"
#include "aws/sts.h"

#include "auth/jwt.h"
#include "base/json.h"
#include "store/eks.h"
#include "store/setting.h"

static const struct fault access_denied = {"AccessDenied", 403};

/* A request, as far as it was understood. */
struct web_identity {
    const struct sts_assume_role_with_web_identity_request *in;
    struct iam_entity *role; /* NULL: there is none */
    struct str account;      /* of the role that is asked for */
    struct jwt token;
    struct str issuer; /* the iss claim as it came */
    struct iam_provider *provider;
};

static void web_identity_deinit(struct web_identity *w)
{
    jwt_deinit(&w->token);
}

/* --- the token ------------------------------------------------------------------------------- */

static bool read_token(struct call *c, struct web_identity *w, struct done *ret_done)
{
    if (jwt_parse(c->arena, w->in->web_identity_token, &w->token)) {
        w->issuer = arena_str(c->arena, json_str(w->token.claims, "iss"));
        return true;
    }
    *ret_done = call_fault(c, &sts_invalid_identity_token_exception,
                           "The ID Token provided is not a valid JWT. (You may see this error if "
                           "you sent an Access Token)");
    return false;
}

static bool find_provider(struct call *c, struct web_identity *w, struct done *ret_done)
{
    struct str url = w->issuer, name;
    int r = 0;

    if (str_find(url, S("://")) == STR_NONE)
        url = arena_printf(c->arena, "https://%.*s", STR_ARG(url));
    if (iam_provider_name(c->arena, url, &name))
        r = iam_provider_find(c->store, c->arena,
                              arena_printf(c->arena, "arn:%.*s:iam::%.*s:oidc-provider/%.*s",
                                           STR_ARG(c->partition), STR_ARG(w->account),
                                           STR_ARG(name)),
                              &w->provider);
    if (r < 0)
        *ret_done = call_fail(c, r);
    else if (w->provider == NULL)
        *ret_done = call_fault(c, &sts_invalid_identity_token_exception,
                               "No OpenIDConnect provider found in your account for %.*s",
                               STR_ARG(w->issuer));
    return w->provider != NULL;
}

/* The key of the cluster whose issuer the provider is; NULL when it is none of this world's. */
static int find_key(struct call *c, const struct iam_provider *provider, struct jwt_key **ret_key)
{
    size_t slash = str_rchr(provider->url, '/');
    struct cluster *cluster = NULL;
    struct str pem = {0};
    int r = 0;

    *ret_key = NULL;
    if (slash != STR_NONE)
        r = cluster_find_by_issuer(c->store, c->arena, str_from(provider->url, slash + 1),
                                   &cluster);
    if (r < 0 || cluster == NULL)
        return r;
    if (!str_eq(cluster_issuer(c->arena, cluster),
                arena_printf(c->arena, "https://%.*s", STR_ARG(provider->url))))
        return 0;
    r = cluster_signing_key(c->store, c->arena, cluster->name, &pem);
    if (r == 0 && pem.n > 0)
        (void)jwt_key_load(pem, ret_key);
    return r;
}

static bool verify_token(struct call *c, struct web_identity *w, struct done *ret_done)
{
    struct jwt_key *key = NULL;
    int r = find_key(c, w->provider, &key);
    struct str kid = json_str(w->token.header, "kid");
    bool known = key != NULL && (kid.n == 0 || str_eq(kid, jwt_key_id(key)));
    bool good = known && jwt_verify(&w->token, key);

    if (r < 0)
        *ret_done = call_fail(c, r);
    else if (key == NULL)
        *ret_done = call_fault(c, &sts_idp_communication_error_exception,
                               "Error communicating with the IdP; the IdP is unreachable");
    else if (!known)
        *ret_done = call_fault(c, &sts_invalid_identity_token_exception,
                               "Couldn't retrieve verification key from your identity provider,  "
                               "please reference AssumeRoleWithWebIdentity documentation for "
                               "requirements");
    else if (!good)
        *ret_done = call_fault(c, &sts_invalid_identity_token_exception,
                               "The web identity token that was passed could not be validated by "
                               "AWS. Get a new identity token from the identity provider and then "
                               "retry the request.");
    jwt_key_free(key);
    return good;
}

static bool is_in_time(struct call *c, struct web_identity *w, struct done *ret_done)
{
    int64_t now = c->now / 1000, until = json_int(w->token.claims, "exp", 0);
    int64_t from = json_int(w->token.claims, "nbf", 0);

    if (until > now && from <= now + 300)
        return true;
    if (until <= now)
        *ret_done = call_fault(c, &sts_expired_token_exception,
                               "Token expired: current date/time %lld must be before the "
                               "expiration date/time%lld",
                               (long long)now, (long long)until);
    else
        *ret_done = call_fault(c, &sts_invalid_identity_token_exception,
                               "The ID Token provided is not a valid JWT: current date/time %lld "
                               "must not be before the not-before date/time %lld",
                               (long long)now, (long long)from);
    return false;
}

static bool is_for_client(struct call *c, struct web_identity *w, struct done *ret_done)
{
    CLEANUP(json_freep) cJSON *clients = json_parse(w->provider->client_ids, NULL);

    JSON_EACH(client, clients)
        if (jwt_has_audience(&w->token, json_text(client)))
            return true;
    *ret_done = call_fault(c, &sts_invalid_identity_token_exception, "Incorrect token audience");
    return false;
}

/* --- the role -------------------------------------------------------------------------------- */

/* A claim's strings: one, or a list of them. */
static struct str_list claim(struct call *c, const struct web_identity *w, const char *name)
{
    const cJSON *item = json_get(w->token.claims, name);
    struct str_list list = {0};

    list.at = arena_array(c->arena, (size_t)cJSON_GetArraySize(item) + 1, sizeof *list.at);
    if (cJSON_IsString(item))
        list.at[list.n++] = arena_str(c->arena, json_text(item));
    JSON_EACH(one, cJSON_IsArray(item) ? item : NULL)
        if (cJSON_IsString(one))
            list.at[list.n++] = arena_str(c->arena, json_text(one));
    return list;
}

static bool trusts(struct call *c, const struct web_identity *w)
{
    CLEANUP(policy_freep) struct policy *trust = NULL;
    struct policy_principal principal = {.federated = w->provider->arn};
    static const char *const claims[] = {"aud", "sub", "amr", "email", "oaud", "azp"};
    struct context_key keys[ARRAY_LEN(claims) + 3];
    struct policy_request request = {.action = S("sts:AssumeRoleWithWebIdentity"),
                                     .principal = &principal};
    struct str why;
    size_t n = 0;

    if (w->role == NULL || !policy_parse(c->arena, w->role->trust, POLICY_TRUST, &trust, &why))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(claims); i++) {
        struct str_list list = claim(c, w, claims[i]);

        if (list.n > 0)
            keys[n++] = (struct context_key){
                arena_printf(c->arena, "%.*s:%s", STR_ARG(w->provider->url), claims[i]), list.at,
                list.n};
    }
    keys[n++] = (struct context_key){S("sts:RoleSessionName"), &w->in->role_session_name, 1};
    keys[n++] = (struct context_key){S("aws:FederatedProvider"), &w->provider->arn, 1};
    keys[n++] = (struct context_key){S("aws:RequestedRegion"), &c->region, 1};
    request.resource = w->role->arn;
    request.context = (struct context){keys, n};
    return policy_evaluate(trust, &request) == POLICY_ALLOWS;
}

static struct done issue(struct call *c, const struct web_identity *w)
{
    const struct sts_assume_role_with_web_identity_request *in = w->in;
    const struct sts_limits limits = {in->policy, in->policy_arns.at, in->policy_arns.n};
    struct sts_assume_role_with_web_identity_response out = {0};
    struct sts_assumed_role_user user = {0};
    struct sts_credentials credentials;
    struct iam_session x = {.federated = w->provider->arn};
    struct str_list audience = claim(c, w, "aud");
    int64_t seconds;
    struct done done;
    int r;

    if (!sts_read_limits(c, &limits, &x.policies, &out.packed_policy_size, &done) ||
        !sts_role_seconds(c, w->role, in->duration_seconds, false, &seconds, &done))
        return done;
    sts_become_role(c, w->role, in->role_session_name, &x);
    r = sts_issue(c, &x, seconds, &credentials);
    if (r < 0)
        return call_fail(c, r);
    c->identity.arn = x.arn; /* who the list of calls shows */
    user = (struct sts_assumed_role_user){x.user_id, x.arn};
    out.credentials = &credentials;
    out.assumed_role_user = &user;
    out.subject_from_web_identity_token = arena_str(c->arena, json_str(w->token.claims, "sub"));
    out.provider = w->provider->arn;
    out.audience = audience.n > 0 ? audience.at[0] : S("");
    return call_reply(c, &out);
}

struct done sts_assume_role_with_web_identity(struct call *c, const void *input)
{
    CLEANUP(web_identity_deinit) struct web_identity w = {.in = input};
    struct str rest = w.in->role_arn;
    struct done done;

    if (!sts_find_role(c, w.in->role_arn, &w.role, &done))
        return done;
    for (int i = 0; i < 5; i++)
        (void)str_next(&rest, ':', &w.account);
    if (!read_token(c, &w, &done) || !find_provider(c, &w, &done) || !verify_token(c, &w, &done) ||
        !is_in_time(c, &w, &done) || !is_for_client(c, &w, &done))
        return done;
    if (!trusts(c, &w))
        return call_fault(c, &access_denied,
                          "Not authorized to perform sts:AssumeRoleWithWebIdentity");
    return issue(c, &w);
}

/* Who signed a call. An access key that Elbow did not issue is the root of an account: a key of 12
 * digits names the account, any other means the default one. A key that it issued must have signed
 * the call, and its session must not be over. Source: reference aws-eks-iam-ec2 section 3. */
#include "aws/authorize.h"

#include "aws/credential.h"
#include "base/sha.h"
#include "store/iam.h"

#define DEFAULT_ACCOUNT "123456789012"

enum { USE_NOTED_MS = 60000 };

static bool is_account(struct str key)
{
    if (key.n != 12)
        return false;
    for (size_t i = 0; i < key.n; i++)
        if (key.at[i] < '0' || key.at[i] > '9')
            return false;
    return true;
}

static void be_root(struct call *c, struct str account, struct str key)
{
    c->identity = (struct identity){
        .root = true,
        .account = account,
        .user_id = account,
        .access_key = key,
        .arn = arena_printf(c->arena, "arn:%.*s:iam::%.*s:root", STR_ARG(c->partition),
                            STR_ARG(account)),
    };
}

static enum refusal unknown_key(struct str *ret_text)
{
    *ret_text = S("The security token included in the request is invalid.");
    return UNKNOWN_KEY;
}

/* Clients sign with this machine's time, wherever the world's clock may be. */
static enum refusal check_signature(const struct sigv4 *sig, const struct sigv4_request *r,
                                    struct str secret, struct str *ret_text)
{
    switch (sigv4_verify(r, sig, secret, clock_machine_now(), HTTP_NO_HEADERS)) {
    case SIGV4_VALID:
        return ALLOWED;
    case SIGV4_EXPIRED:
        *ret_text = S("Signature expired: the request was signed too long ago, or too far in the "
                      "future");
        return NOT_IN_TIME;
    case SIGV4_MISMATCH:
        break;
    }
    *ret_text = S("The request signature we calculated does not match the signature you provided. "
                  "Check your AWS Secret Access Key and signing method. Consult the service "
                  "documentation for details.");
    return BAD_SIGNATURE;
}

/* --- users ----------------------------------------------------------------------------------- */

/* When and where a key was used last; within a minute and one place once is enough. */
static void note_use(struct call *c, const struct iam_key *key)
{
    struct str service = str_c(c->service->prefix);

    if (key->last_used > c->now - USE_NOTED_MS && key->last_used <= c->now &&
        str_eq(key->last_service, service) && str_eq(key->last_region, c->region))
        return;
    if (store_begin(c->store) < 0)
        return;
    if (iam_key_note_use(c->store, key->id, c->now, service, c->region) < 0 ||
        store_commit(c->store) < 0)
        store_rollback(c->store);
}

static enum refusal be_user(struct call *c, const struct iam_key *key, const struct sigv4 *sig,
                            const struct sigv4_request *r, struct str *ret_text)
{
    struct iam_entity *user = NULL;
    enum refusal why;

    if (!key->active ||
        iam_entity_find(c->store, c->arena, IAM_USER, key->account, key->user, &user) < 0 ||
        user == NULL)
        return unknown_key(ret_text);
    c->identity = (struct identity){
        .account = key->account,
        .arn = user->arn,
        .user_id = user->id,
        .name = user->name,
        .access_key = key->id,
    };
    why = check_signature(sig, r, key->secret, ret_text);
    if (why == ALLOWED)
        note_use(c, key);
    return why;
}

/* --- sessions -------------------------------------------------------------------------------- */

/* The entity behind a session, which must still be there: a role's session ends with its role,
 * and a new role of that name is another. NULL for the root user's own session. */
static bool find_entity(struct call *c, const struct iam_session *x, struct iam_entity **ret_entity)
{
    *ret_entity = NULL;
    if (x->entity.n == 0)
        return true;
    return iam_entity_find(c->store, c->arena, x->kind, x->account, x->entity, ret_entity) == 0 &&
           *ret_entity != NULL &&
           (x->kind != IAM_ROLE || str_starts(x->user_id, (*ret_entity)->id));
}

static enum refusal be_session(struct call *c, const struct iam_session *x, const struct sigv4 *sig,
                               const struct sigv4_request *r, struct str *ret_text)
{
    struct iam_entity *entity;

    if (!equal_in_constant_time(sig->token, x->token) || !find_entity(c, x, &entity))
        return unknown_key(ret_text);
    if (entity == NULL)
        be_root(c, x->account, x->id);
    c->identity.account = x->account;
    c->identity.arn = x->arn;
    c->identity.user_id = x->user_id;
    c->identity.access_key = x->id;
    c->identity.session = x;
    if (entity != NULL && x->kind == IAM_ROLE)
        c->identity.role_arn = entity->arn;
    else if (entity != NULL && str_eq(entity->arn, x->arn))
        c->identity.name = entity->name;
    if (x->expires <= c->now) {
        *ret_text = S("The security token included in the request is expired");
        return EXPIRED_SESSION;
    }
    return check_signature(sig, r, x->secret, ret_text);
}

enum refusal authenticate(struct call *c, enum sigv4_found found, const struct sigv4 *sig,
                          const struct sigv4_request *signed_request, struct str *ret_text)
{
    struct iam_session *session = NULL;
    struct iam_key *key = NULL;

    c->identity = (struct identity){.account = S(DEFAULT_ACCOUNT)};
    if (found == SIGV4_BROKEN) {
        *ret_text = S("Authorization header requires existence of Credential, SignedHeaders and "
                      "Signature");
        return BROKEN_SIGNATURE;
    }
    if (found == SIGV4_NONE) {
        *ret_text = S("Request is missing Authentication Token");
        c->identity.anonymous = true;
        return (c->op->flags & OP_UNSIGNED) != 0 ? ALLOWED : NO_SIGNATURE;
    }
    if (!credential_is_ours(sig->access_key)) {
        be_root(c, is_account(sig->access_key) ? sig->access_key : S(DEFAULT_ACCOUNT),
                sig->access_key);
        return ALLOWED;
    }
    if (iam_key_find(c->store, c->arena, sig->access_key, &key) == 0 && key != NULL)
        return be_user(c, key, sig, signed_request, ret_text);
    if (iam_session_find(c->store, c->arena, sig->access_key, &session) == 0 && session != NULL)
        return be_session(c, session, sig, signed_request, ret_text);
    return unknown_key(ret_text);
}

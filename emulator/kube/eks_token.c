/* The check of a token is what aws-iam-authenticator's server does, with the signature verified
 * here instead of by STS. Source: aws-iam-authenticator, "Authenticating to the cluster";
 * aws-eks-iam-ec2.md §4.1. */
#include "kube/eks_token.h"

#include "auth/sigv4.h"
#include "base/base64.h"
#include "store/iam.h"

enum {
    LONGEST_TOKEN = 4096,
    LONGEST_EXPIRES_S = 900,
    LIFE_MS = 15 * 60 * 1000,
    ACCOUNT_DIGITS = 12,
};

/* --- the URL ------------------------------------------------------------------------------- */

struct presigned {
    struct str host, path, query;
};

/* "https://host/?query"; http too, for endpoints that are set by hand. */
static bool cut_url(struct str url, struct presigned *ret)
{
    static const struct str schemes[] = {STR_INIT("https://"), STR_INIT("http://")};
    struct str rest = {0}, authority, tail;

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        if (str_starts(url, schemes[i]))
            rest = str_from(url, schemes[i].n);
    if (rest.n == 0 || !str_cut(rest, '/', &authority, &tail) || tail.n == 0 || tail.at[0] != '?')
        return false;
    *ret = (struct presigned){authority, S("/"), str_from(tail, 1)};
    return authority.n > 0;
}

/* Only what such a call has, each once. */
static bool check_parameters(struct arena *a, struct str query)
{
    static const char *const known[] = {"action",
                                        "version",
                                        "x-amz-algorithm",
                                        "x-amz-credential",
                                        "x-amz-date",
                                        "x-amz-expires",
                                        "x-amz-signedheaders",
                                        "x-amz-signature",
                                        "x-amz-security-token"};
    bool seen[ARRAY_LEN(known)] = {0};
    struct str part, name, value, action = {0};

    while (str_next(&query, '&', &part)) {
        size_t i = 0;

        if (!str_cut(part, '=', &name, &value))
            return false;
        while (i < ARRAY_LEN(known) && !str_ieq(name, str_c(known[i])))
            i++;
        if (i == ARRAY_LEN(known) || seen[i])
            return false;
        seen[i] = true;
        if (i == 0)
            action = arena_str(a, value);
    }
    return str_is(action, "GetCallerIdentity");
}

static bool is_signed(struct str signed_headers, const char *name)
{
    struct str one;

    while (str_next(&signed_headers, ';', &one))
        if (str_ieq(one, str_c(name)))
            return true;
    return false;
}

/* --- who ------------------------------------------------------------------------------------ */

static struct str root_arn(struct arena *a, struct str account)
{
    return arena_printf(a, "arn:aws:iam::%.*s:root", STR_ARG(account));
}

/* A key that Elbow did not issue is the root of an account; which, the key itself may say. */
static struct str account_of(struct str access_key)
{
    if (access_key.n != ACCOUNT_DIGITS)
        return S("123456789012");
    for (size_t i = 0; i < access_key.n; i++)
        if (access_key.at[i] < '0' || access_key.at[i] > '9')
            return S("123456789012");
    return access_key;
}

/* "arn:aws:sts::A:assumed-role/R/S" is the role R in session S. */
static void read_session(struct kube *k, struct arena *a, struct eks_identity *i)
{
    struct str prefix = arena_printf(a, "arn:aws:sts::%.*s:assumed-role/", STR_ARG(i->account));
    struct iam_entity *entity = NULL;
    struct str role, session;

    i->canonical = i->principal = i->arn;
    if (!str_starts(i->arn, prefix) || !str_cut(str_from(i->arn, prefix.n), '/', &role, &session))
        return;
    i->session = session;
    i->canonical =
        arena_printf(a, "arn:aws:iam::%.*s:role/%.*s", STR_ARG(i->account), STR_ARG(role));
    i->principal = i->canonical;
    if (iam_entity_find(k->store, a, IAM_ROLE, i->account, role, &entity) == 0 && entity != NULL)
        i->principal = entity->arn;
}

static bool user_key(struct store *s, struct arena *a, const struct iam_key *key,
                     struct eks_identity *i)
{
    struct iam_entity *user = NULL;

    if (!key->active || iam_entity_find(s, a, IAM_USER, key->account, key->user, &user) < 0 ||
        user == NULL)
        return false;
    i->account = key->account;
    i->arn = user->arn;
    i->user_id = user->id;
    return true;
}

/* Finds the key's owner and secret; an empty secret is one that is not checked. */
static bool find_owner(struct kube *k, struct arena *a, const struct sigv4 *s,
                       struct eks_identity *i, struct str *ret_secret)
{
    struct iam_session *session = NULL;
    struct iam_key *key = NULL;

    if (iam_key_find(k->store, a, s->access_key, &key) < 0 ||
        iam_session_find(k->store, a, s->access_key, &session) < 0)
        return false;
    i->access_key = arena_str(a, s->access_key);
    if (key != NULL) {
        *ret_secret = key->secret;
        return user_key(k->store, a, key, i);
    }
    if (session != NULL) {
        *ret_secret = session->secret;
        i->account = session->account;
        i->arn = session->arn;
        i->user_id = session->user_id;
        return str_eq(session->token, s->token) && clock_now(k->clock) < session->expires;
    }
    *ret_secret = (struct str){0};
    i->account = arena_str(a, account_of(s->access_key));
    i->arn = root_arn(a, i->account);
    i->user_id = i->account;
    return true;
}

/* --- the check ------------------------------------------------------------------------------ */

/* A token holds for fifteen minutes, whatever the URL says of itself. */
static bool is_in_time(const struct sigv4 *s)
{
    int64_t made, now = clock_machine_now(); /* the outside world signed it */

    return s->expires_s >= 0 && s->expires_s <= LONGEST_EXPIRES_S &&
           sigv4_parse_time(s->timestamp, &made) && made <= now + LIFE_MS && now < made + LIFE_MS;
}

static bool is_genuine(const struct sigv4_request *r, struct sigv4 s, struct str secret,
                       struct str cluster)
{
    struct http_header id = {S("x-k8s-aws-id"), cluster};

    if (secret.n == 0)
        return true;
    s.expires_s = LONGEST_EXPIRES_S; /* the time was judged already */
    return sigv4_verify(r, &s, secret, clock_machine_now(), (struct http_headers){&id, 1}) ==
           SIGV4_VALID;
}

bool eks_token_check(struct kube *k, struct arena *a, struct str token, struct str cluster,
                     struct eks_identity *ret_identity)
{
    struct str url, secret = {0};
    struct eks_identity i = {0};
    struct http_header host;
    struct sigv4_request r;
    struct presigned p;
    struct sigv4 s;

    if (token.n > LONGEST_TOKEN || !str_starts(token, EKS_TOKEN_PREFIX) ||
        !base64_decode(a, str_from(token, EKS_TOKEN_PREFIX.n), &url) || !cut_url(url, &p) ||
        !check_parameters(a, p.query))
        return false;
    host = (struct http_header){S("Host"), p.host};
    r = (struct sigv4_request){
        .method = S("GET"), .path = p.path, .query = p.query, .headers = {&host, 1}
    };
    if (sigv4_read(a, &r, &s) != SIGV4_FOUND || !s.presigned ||
        !is_signed(s.signed_headers, "x-k8s-aws-id") || !is_in_time(&s) ||
        !find_owner(k, a, &s, &i, &secret) || !is_genuine(&r, s, secret, cluster))
        return false;
    read_session(k, a, &i);
    *ret_identity = i;
    return true;
}

/* Authentication: client certificates of Elbow's CA, ServiceAccount tokens of this cluster, EKS
 * tokens, else nobody. Source: Kubernetes "Authenticating" and "Managing Service Accounts". */
#include "kube/authn.h"

#include "kube/authz.h"

/* --- users ------------------------------------------------------------------------------ */

static void add_group(struct arena *a, struct rbac_user *u, struct str group)
{
    struct str *more = arena_array(a, u->groups.n + 1, sizeof *more);

    if (rbac_in_group(u, group))
        return;
    if (u->groups.n > 0)
        memcpy(more, u->groups.at, u->groups.n * sizeof *more);
    more[u->groups.n] = group;
    u->groups = (struct rbac_strings){more, u->groups.n + 1};
}

static void set_anonymous(struct kube_call *c)
{
    c->user = (struct rbac_user){.name = S("system:anonymous")};
    add_group(c->arena, &c->user, S("system:unauthenticated"));
}

static bool by_certificate(struct kube_call *c)
{
    const struct tls_peer *peer = &c->request->tls_client;

    if (!peer->present)
        return false;
    c->user = (struct rbac_user){.name = peer->common_name};
    for (size_t i = 0; i < peer->organization_count; i++)
        add_group(c->arena, &c->user, peer->organizations[i]);
    add_group(c->arena, &c->user, S("system:authenticated"));
    return true;
}

/* --- ServiceAccount tokens --------------------------------------------------------------- */

static bool is_current(const struct jwt *jwt, int64_t now_ms)
{
    int64_t now = now_ms / 1000;

    /* A minute of leeway for "not before", as the library that Kubernetes uses has it. */
    return json_int(jwt->claims, "exp", 0) > now && json_int(jwt->claims, "nbf", 0) <= now + 60;
}

/* The object that a token is bound to still lives, with the uid of then. */
static bool bound_lives(struct kube_cluster *c, const cJSON *k8s, const char *member,
                        struct str resource, struct str ns)
{
    const cJSON *bound = json_member(k8s, str_c(member));
    struct object *o;

    if (bound == NULL)
        return true;
    o = cluster_get(c, resource, ns, json_str(bound, "name"));
    return o != NULL && str_eq(o->uid, json_str(bound, "uid"));
}

static void add_extra(cJSON *extra, const char *key, struct str value)
{
    cJSON *list;

    if (value.n == 0)
        return;
    list = cJSON_CreateArray();
    cJSON_AddItemToArray(list, json_new_str(value));
    json_put(extra, str_c(key), list);
}

static cJSON *token_extra(const cJSON *k8s, struct str jti)
{
    cJSON *extra = cJSON_CreateObject();
    CLEANUP(arena_free) struct arena a = {0};

    if (jti.n > 0)
        add_extra(extra, "authentication.kubernetes.io/credential-id",
                  arena_printf(&a, "JTI=%.*s", STR_ARG(jti)));
    add_extra(extra, "authentication.kubernetes.io/node-name", json_str(k8s, "node.name"));
    add_extra(extra, "authentication.kubernetes.io/pod-name", json_str(k8s, "pod.name"));
    add_extra(extra, "authentication.kubernetes.io/pod-uid", json_str(k8s, "pod.uid"));
    return extra;
}

static bool account_user(struct kube_cluster *c, struct arena *a, const struct jwt *jwt,
                         struct rbac_user *ret_user, struct kube_call *owner)
{
    const cJSON *k8s = json_member(jwt->claims, S("kubernetes.io"));
    struct str ns = json_str(k8s, "namespace"), name = json_str(k8s, "serviceaccount.name");
    struct object *account = cluster_get(c, S("serviceaccounts"), ns, name);

    if (account == NULL || !str_eq(account->uid, json_str(k8s, "serviceaccount.uid")) ||
        !bound_lives(c, k8s, "pod", S("pods"), ns) ||
        !bound_lives(c, k8s, "secret", S("secrets"), ns))
        return false;
    *ret_user = (struct rbac_user){
        .name = arena_printf(a, "system:serviceaccount:%.*s:%.*s", STR_ARG(ns), STR_ARG(name)),
        .uid = arena_str(a, account->uid),
        .extra =
            owner == NULL ? NULL : call_own(owner, token_extra(k8s, json_str(jwt->claims, "jti"))),
    };
    add_group(a, ret_user, S("system:serviceaccounts"));
    add_group(a, ret_user, arena_printf(a, "system:serviceaccounts:%.*s", STR_ARG(ns)));
    add_group(a, ret_user, S("system:authenticated"));
    return true;
}

bool authn_token(struct kube_cluster *c, struct arena *a, struct str token, struct str audience,
                 struct rbac_user *ret_user, struct kube_call *owner)
{
    const struct jwt_key *key = c->options.signing_key;
    struct jwt jwt;
    bool known;

    if (key == NULL || !jwt_parse(a, token, &jwt))
        return false;
    known = jwt_verify(&jwt, key) && is_current(&jwt, clock_now(c->kube->clock)) &&
            str_eq(json_str(jwt.claims, "iss"), c->options.issuer) &&
            (jwt_has_audience(&jwt, audience.n > 0 ? audience : API_AUDIENCE) ||
             (audience.n == 0 && jwt_has_audience(&jwt, c->options.issuer))) &&
            account_user(c, a, &jwt, ret_user, owner);
    jwt_deinit(&jwt);
    return known;
}

/* --- the call ----------------------------------------------------------------------------- */

static bool bearer_of(struct kube_call *c, struct str *ret_token)
{
    struct str value = str_trim(http_header_get(c->request->headers, S("Authorization"))), scheme;

    return str_cut(value, ' ', &scheme, ret_token) && str_ieq(scheme, S("Bearer"));
}

static bool may_impersonate(struct kube_call *c, const struct rbac_user *real, struct str resource,
                            struct str ns, struct str name)
{
    struct rbac_request r = {
        .verb = S("impersonate"), .resource = resource, .ns = ns, .name = name};
    struct str reason, why;

    if (rbac_allows(authz_policy(c->cluster), c->arena, real, &r, &reason))
        return true;
    why = authz_denial(c->arena, real, &r, reason);
    return kube_call_fail(
        c, &(struct kube_failure){
               .code = 403,
               .reason = "Forbidden",
               .message = arena_printf(c->arena, "%.*s \"%.*s\" is forbidden: %.*s",
                                       STR_ARG(resource), STR_ARG(name), STR_ARG(why)),
               .name = name,
               .kind = resource,
           });
}

static bool become(struct kube_call *c, const struct rbac_user *real, struct str name)
{
    struct str rest = name, ns, account;

    c->user = (struct rbac_user){.name = name};
    if (!str_starts(name, S("system:serviceaccount:")))
        return may_impersonate(c, real, S("users"), S(""), name);
    rest = str_from(name, sizeof "system:serviceaccount:" - 1);
    if (!str_cut(rest, ':', &ns, &account))
        return may_impersonate(c, real, S("users"), S(""), name);
    if (!may_impersonate(c, real, S("serviceaccounts"), ns, account))
        return false;
    add_group(c->arena, &c->user, S("system:serviceaccounts"));
    add_group(c->arena, &c->user,
              arena_printf(c->arena, "system:serviceaccounts:%.*s", STR_ARG(ns)));
    return true;
}

/* Impersonate-User, -Group (any number of times) and -Uid. */
static bool impersonate(struct kube_call *c)
{
    struct http_headers h = c->request->headers;
    struct str name = http_header_get(h, S("Impersonate-User"));
    struct rbac_user real = c->user;

    if (name.n == 0) {
        if (http_header_has(h, S("Impersonate-Group")) || http_header_has(h, S("Impersonate-Uid")))
            return call_internal(
                c, "requested [{Group  }] without impersonating a user"); /* as upstream words it */
        return true;
    }
    if (!become(c, &real, name))
        return false;
    for (size_t i = 0; i < h.n; i++) {
        if (!str_ieq(h.at[i].name, S("Impersonate-Group")))
            continue;
        if (!may_impersonate(c, &real, S("groups"), S(""), h.at[i].value))
            return false;
        add_group(c->arena, &c->user, h.at[i].value);
    }
    c->user.uid = http_header_get(h, S("Impersonate-Uid"));
    if (!str_is(name, "system:anonymous"))
        add_group(c->arena, &c->user, S("system:authenticated"));
    return true;
}

bool authn_identify(struct kube_call *c)
{
    struct str token;

    if (c->request->tls_client.present && !c->request->tls_client.verified)
        return call_unauthorized(c);
    if (by_certificate(c))
        return impersonate(c);
    if (!bearer_of(c, &token)) {
        set_anonymous(c);
        return true;
    }
    if (!authn_token(c->cluster, c->arena, str_trim(token), S(""), &c->user, c))
        return call_unauthorized(c);
    return impersonate(c);
}

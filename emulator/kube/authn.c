/* Authentication: client certificates of Elbow's CA, ServiceAccount tokens of this cluster, EKS
 * tokens, else nobody. Source: Kubernetes "Authenticating" and "Managing Service Accounts". */
#include "kube/authn.h"

#include "base/percent.h"
#include "kube/authz.h"
#include "kube/eks_token.h"

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
    struct eks_identity identity;
    struct jwt jwt;
    bool known;

    if (str_starts(token, EKS_TOKEN_PREFIX))
        return audience.n == 0 && eks_token_check(c->kube, a, token, c->options.name, &identity) &&
               eks_map_user(c, a, &identity, ret_user, owner);
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

static struct str lower(struct arena *a, struct str text)
{
    char *copy = arena_cstr(a, text);

    for (size_t i = 0; i < text.n; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] + 'a' - 'A');
    return str_n(copy, text.n);
}

static cJSON *extra_list(cJSON *extra, struct str key)
{
    cJSON *list = json_member(extra, key);

    if (list == NULL) {
        list = cJSON_CreateArray();
        json_put(extra, key, list);
    }
    return list;
}

/* Whether the real user may take on what @r names. */
static bool judge(struct kube_call *c, const struct rbac_user *real, const struct rbac_request *r)
{
    struct str reason, why, what;

    if (authz_allows(c->cluster, c->arena, real, r, &reason))
        return true;
    why = authz_denial(c->arena, real, r, reason);
    what = r->group.n == 0
               ? r->resource
               : arena_printf(c->arena, "%.*s.%.*s", STR_ARG(r->resource), STR_ARG(r->group));
    return kube_call_fail(
        c, &(struct kube_failure){
               .code = 403,
               .reason = "Forbidden",
               .message = arena_printf(c->arena, "%.*s \"%.*s\" is forbidden: %.*s", STR_ARG(what),
                                       STR_ARG(r->name), STR_ARG(why)),
               .name = r->name,
               .group = r->group,
               .kind = r->resource,
           });
}

static bool may_impersonate(struct kube_call *c, const struct rbac_user *real, struct str resource,
                            struct str ns, struct str name)
{
    struct rbac_request r = {
        .verb = S("impersonate"), .resource = resource, .ns = ns, .name = name};

    return judge(c, real, &r);
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

/* Impersonate-Extra-<key>: each is a permission of its own. */
static bool take_extras(struct kube_call *c, const struct rbac_user *real)
{
    struct str prefix = S("Impersonate-Extra-");
    cJSON *extra = NULL;

    for (size_t i = 0; i < c->request->headers.n; i++) {
        const struct http_header *h = &c->request->headers.at[i];
        struct rbac_request r = {.verb = S("impersonate"),
                                 .group = S("authentication.k8s.io"),
                                 .resource = S("userextras"),
                                 .name = h->value};
        struct str key;

        if (h->name.n <= prefix.n || !str_ieq(str_first(h->name, prefix.n), prefix) ||
            !percent_decode(c->arena, lower(c->arena, str_from(h->name, prefix.n)), false, &key))
            continue;
        r.subresource = key;
        if (!judge(c, real, &r))
            return false;
        if (extra == NULL)
            extra = call_own(c, cJSON_CreateObject());
        cJSON_AddItemToArray(extra_list(extra, key), json_new_str(h->value));
    }
    c->user.extra = extra;
    return true;
}

/* Impersonate-User, -Group (any number of times), -Uid and -Extra-*. */
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
    if (http_header_has(h, S("Impersonate-Uid"))) {
        struct rbac_request r = {.verb = S("impersonate"),
                                 .group = S("authentication.k8s.io"),
                                 .resource = S("uids"),
                                 .name = http_header_get(h, S("Impersonate-Uid"))};

        if (!judge(c, &real, &r))
            return false;
        c->user.uid = r.name;
    }
    if (!take_extras(c, &real))
        return false;
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

/* ServiceAccount tokens: what TokenRequest answers and what the kubelet mounts are made here.
 * Source: Kubernetes "Managing Service Accounts", API Reference "TokenRequest". */
#include "kube/token.h"

#include "kube/authn.h"
#include "kube/body.h"
#include "kube/write.h"

enum {
    SHORTEST_S = 600,
    DEFAULT_S = 3600,
    LONGEST_S = 86400, /* EKS' --service-account-max-token-expiration */
};

/* What a token is for. */
struct token_terms {
    struct object *account;
    const cJSON *audiences; /* a list; empty or NULL: the API server's own */
    struct object *pod;     /* bound to it; NULL: to none */
    struct object *secret;  /* likewise */
    struct object *node;    /* likewise */
    int64_t seconds;
};

static void put_reference(cJSON *claim, const char *what, struct str name, struct str uid)
{
    cJSON *ref = cJSON_CreateObject();

    json_put_str(ref, S("name"), name);
    if (uid.n > 0)
        json_put_str(ref, S("uid"), uid);
    json_put(claim, str_c(what), ref);
}

/* The node that a bound pod runs on. */
static void put_node(struct kube_cluster *c, cJSON *own, const struct token_terms *t)
{
    struct str name;
    struct object *node = t->node;

    if (node == NULL && t->pod != NULL) {
        name = json_str(object_doc(t->pod), "spec.nodeName");
        node = name.n > 0 ? cluster_get(c, S("nodes"), S(""), name) : NULL;
    }
    if (node != NULL)
        put_reference(own, "node", node->key.name, node->uid);
}

static cJSON *own_claim(struct kube_cluster *c, const struct token_terms *t)
{
    cJSON *own = cJSON_CreateObject();

    json_put_str(own, S("namespace"), t->account->key.ns);
    put_node(c, own, t);
    if (t->pod != NULL)
        put_reference(own, "pod", t->pod->key.name, t->pod->uid);
    if (t->secret != NULL)
        put_reference(own, "secret", t->secret->key.name, t->secret->uid);
    put_reference(own, "serviceaccount", t->account->key.name, t->account->uid);
    return own;
}

/* In @a. */
static struct str make_token(struct kube_cluster *c, struct arena *a, const struct token_terms *t)
{
    CLEANUP(json_freep) cJSON *claims = cJSON_CreateObject();
    int64_t now = clock_now(c->kube->clock) / 1000;

    if (cJSON_GetArraySize(t->audiences) > 0) {
        json_put(claims, S("aud"), cJSON_Duplicate(t->audiences, true));
    } else {
        cJSON *own = json_need_array(claims, "aud");

        if (c->options.issuer.n > 0)
            cJSON_AddItemToArray(own, json_new_str(c->options.issuer));
        cJSON_AddItemToArray(own, json_new_str(API_AUDIENCE));
    }
    json_put_int(claims, S("exp"), now + t->seconds);
    json_put_int(claims, S("iat"), now);
    json_put_str(claims, S("iss"), c->options.issuer);
    json_put_str(claims, S("jti"), ids_uuid(c->kube->ids, a));
    json_put(claims, S("kubernetes.io"), own_claim(c, t));
    json_put_int(claims, S("nbf"), now);
    json_put_str(claims, S("sub"),
                 arena_printf(a, "system:serviceaccount:%.*s:%.*s", STR_ARG(t->account->key.ns),
                              STR_ARG(t->account->key.name)));
    return jwt_sign(c->options.signing_key, a, claims);
}

struct str kube_account_token(struct kube_cluster *c, struct arena *a, struct str ns,
                              struct str name, struct object *pod, struct str audience,
                              int64_t seconds)
{
    CLEANUP(json_freep) cJSON *audiences = cJSON_CreateArray();
    struct token_terms t = {
        .account = cluster_get(c, S("serviceaccounts"), ns, name),
        .audiences = audiences,
        .pod = pod,
        .seconds = seconds,
    };

    if (t.account == NULL || c->options.signing_key == NULL)
        return (struct str){0};
    if (audience.n > 0)
        cJSON_AddItemToArray(audiences, json_new_str(audience));
    return make_token(c, a, &t);
}

/* --- TokenRequest ------------------------------------------------------------------------- */

static bool check_spec(struct kube_call *c, const cJSON *request)
{
    const cJSON *seconds = json_get(request, "spec.expirationSeconds");
    struct field_errors e = field_errors_new(c->arena);
    int64_t wanted = json_int(request, "spec.expirationSeconds", DEFAULT_S);

    if (wanted < SHORTEST_S)
        field_error_add(&e, FIELD_INVALID, S("spec.expirationSeconds"), seconds,
                        "may not specify a duration less than 10 minutes");
    else if (wanted > (int64_t)1 << 32)
        field_error_add(&e, FIELD_INVALID, S("spec.expirationSeconds"), seconds,
                        "may not specify a duration larger than 2^32 seconds");
    return e.n == 0 || call_invalid_kind(c, S("authentication.k8s.io"), S("TokenRequest"),
                                         json_str(request, "metadata.name"), &e);
}

static struct object **bound_place(struct token_terms *t, struct str kind)
{
    if (str_is(kind, "Pod"))
        return &t->pod;
    if (str_is(kind, "Secret"))
        return &t->secret;
    return str_is(kind, "Node") ? &t->node : NULL;
}

/* Finds the object that the token is to be bound to. */
static bool read_bound(struct kube_call *c, const cJSON *ref, struct token_terms *t)
{
    struct str version = json_str(ref, "apiVersion"), kind = json_str(ref, "kind");
    struct str name = json_str(ref, "name"), uid = json_str(ref, "uid");
    struct object **place = str_is(version, "v1") ? bound_place(t, kind) : NULL;
    const struct kind *k;

    if (place == NULL)
        return call_bad_request(c, "cannot bind token to object of type %.*s, Kind=%.*s",
                                STR_ARG(version), STR_ARG(kind));
    k = kind_find_by_kind(0, S(""), S("v1"), kind);
    *place = cluster_get(c->cluster, k->stored,
                         (k->flags & KIND_NAMESPACED) != 0 ? c->target.ns : S(""), name);
    if (*place == NULL)
        return call_not_found(c, k, name);
    if (place == &t->pod &&
        !str_eq(json_str(object_doc(t->pod), "spec.serviceAccountName"), c->target.name))
        return call_bad_request(c,
                                "cannot bind token for serviceaccount \"%.*s\" to pod running with "
                                "different serviceaccount name.",
                                STR_ARG(c->target.name));
    if (uid.n == 0 || str_eq(uid, (*place)->uid))
        return true;
    return kube_call_fail(
        c, &(struct kube_failure){
               .code = 409,
               .reason = "Conflict",
               .message = arena_printf(
                   c->arena,
                   "Operation cannot be fulfilled on %.*s \"%.*s\": the UID in the bound object "
                   "reference (%.*s) does not match the UID in record. The object might have been "
                   "deleted and then recreated",
                   STR_ARG(kind), STR_ARG(name), STR_ARG(uid)),
               .name = name,
               .kind = kind,
           });
}

static void answer_token(struct kube_call *c, cJSON *request, const struct token_terms *t)
{
    struct str until = clock_rfc3339(c->arena, clock_now(c->kube->clock) + t->seconds * 1000);
    cJSON *metadata = json_need_object(request, "metadata"), *status = cJSON_CreateObject();

    json_put_str(metadata, S("name"), c->target.name);
    json_put_str(metadata, S("namespace"), c->target.ns);
    json_put_str(metadata, S("creationTimestamp"), write_now(c));
    json_put_int(json_get(request, "spec"), S("expirationSeconds"), t->seconds);
    if (json_get(request, "spec.boundObjectRef") == NULL)
        json_put(json_get(request, "spec"), S("boundObjectRef"), cJSON_CreateNull());
    json_put_str(status, S("token"), make_token(c->cluster, c->arena, t));
    json_put_str(status, S("expirationTimestamp"), until);
    json_put(request, S("status"), status);
    call_answer_doc(c, 201, call_disown(c, request));
}

void token_request(struct kube_call *c)
{
    cJSON *request = body_read_object(c);
    struct token_terms t = {
        .account = cluster_get(c->cluster, S("serviceaccounts"), c->target.ns, c->target.name),
    };
    const cJSON *ref;

    if (request == NULL)
        return;
    if (t.account == NULL) {
        (void)call_not_found(c, c->target.kind, c->target.name);
        return;
    }
    if (c->cluster->options.signing_key == NULL) {
        (void)kube_call_fail(
            c, &(struct kube_failure){
                   .code = 503,
                   .reason = "ServiceUnavailable",
                   .message = S("the server is currently unable to handle the request")});
        return;
    }
    if (!check_spec(c, request))
        return;
    (void)json_need_object(request, "spec");
    t.seconds = json_int(request, "spec.expirationSeconds", DEFAULT_S);
    if (t.seconds > LONGEST_S)
        t.seconds = LONGEST_S;
    if (cJSON_GetArraySize(json_get(request, "spec.audiences")) == 0) {
        cJSON_AddItemToArray(json_need_array(request, "spec.audiences"),
                             json_new_str(API_AUDIENCE));
    }
    t.audiences = json_get(request, "spec.audiences");
    ref = json_get(request, "spec.boundObjectRef");
    if (cJSON_IsObject(ref) && !read_bound(c, ref, &t))
        return;
    answer_token(c, request, &t);
}

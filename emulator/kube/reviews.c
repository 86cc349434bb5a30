/* Reviews: who may, who is, and what a binding without a pod in its address does.
 * Source: Kubernetes API Reference, groups authentication.k8s.io and authorization.k8s.io. */
#include "kube/reviews.h"

#include "kube/authn.h"
#include "kube/authz.h"
#include "kube/body.h"
#include "kube/subresources.h"
#include "kube/write.h"

static void answer(struct kube_call *c, cJSON *review)
{
    cJSON *metadata = json_need_object(review, "metadata");

    if (json_get(metadata, "creationTimestamp") == NULL)
        json_put(metadata, S("creationTimestamp"), cJSON_CreateNull());
    write_order_members(review);
    call_answer_doc(c, 201, call_disown(c, review));
}

static cJSON *words_of(struct rbac_strings s)
{
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; i < s.n; i++)
        cJSON_AddItemToArray(list, json_new_str(s.at[i]));
    return list;
}

/* --- access --------------------------------------------------------------------------------- */

static bool check_attributes(struct kube_call *c, const cJSON *review, bool names_user)
{
    struct field_errors e = field_errors_new(c->arena);
    const cJSON *spec = json_get(review, "spec");
    const cJSON *resource = json_get(spec, "resourceAttributes");
    const cJSON *path = json_get(spec, "nonResourceAttributes");

    if (resource != NULL && path != NULL)
        field_error_add(&e, FIELD_INVALID, S("spec.nonResourceAttributes"), path,
                        "cannot be specified in combination with resourceAttributes");
    if (resource == NULL && path == NULL)
        field_error_add_text(&e, FIELD_INVALID, S("spec.resourceAttributes"), S("null"),
                             S("exactly one of nonResourceAttributes or resourceAttributes must "
                               "be specified"));
    if (names_user && json_str(spec, "user").n == 0 &&
        cJSON_GetArraySize(json_get(spec, "groups")) == 0)
        field_error_add_text(&e, FIELD_INVALID, S("spec.user"), S("\"\""),
                             S("at least one of user or group must be specified"));
    return e.n == 0 || call_invalid(c, c->target.kind, S(""), &e);
}

static struct rbac_request asked(const cJSON *spec)
{
    const cJSON *resource = json_get(spec, "resourceAttributes");

    if (resource == NULL)
        return (struct rbac_request){
            .verb = json_str(spec, "nonResourceAttributes.verb"),
            .path = json_str(spec, "nonResourceAttributes.path"),
        };
    return (struct rbac_request){
        .verb = json_str(resource, "verb"),
        .group = json_str(resource, "group"),
        .resource = json_str(resource, "resource"),
        .subresource = json_str(resource, "subresource"),
        .ns = json_str(resource, "namespace"),
        .name = json_str(resource, "name"),
    };
}

static struct rbac_user named_user(struct kube_call *c, const cJSON *spec)
{
    const cJSON *groups = json_get(spec, "groups");
    struct str *all = arena_array(c->arena, (size_t)cJSON_GetArraySize(groups) + 1, sizeof *all);
    size_t n = 0;

    JSON_EACH(group, groups)
        all[n++] = json_text(group);
    return (struct rbac_user){
        .name = json_str(spec, "user"), .groups = {all, n}
    };
}

static void review_access(struct kube_call *c, cJSON *review, const struct rbac_user *u)
{
    struct rbac_request r = asked(json_get(review, "spec"));
    cJSON *status = cJSON_CreateObject();
    struct str reason = {0};
    bool allowed = authz_allows(c->cluster, c->arena, u, &r, &reason);

    json_put_bool(status, S("allowed"), allowed);
    if (allowed && reason.n > 0)
        json_put_str(status, S("reason"), reason);
    else if (reason.n > 0)
        json_put_str(status, S("evaluationError"), reason);
    json_put(review, S("status"), status);
    answer(c, review);
}

static void review_own_access(struct kube_call *c, cJSON *review)
{
    if (check_attributes(c, review, false))
        review_access(c, review, &c->user);
}

static void review_users_access(struct kube_call *c, cJSON *review)
{
    struct rbac_user u;

    if (!check_attributes(c, review, true))
        return;
    u = named_user(c, json_get(review, "spec"));
    review_access(c, review, &u);
}

static void review_local_access(struct kube_call *c, cJSON *review)
{
    struct field_errors e = field_errors_new(c->arena);
    const cJSON *ns = json_get(review, "spec.resourceAttributes.namespace");

    if (!str_eq(json_text(ns), c->target.ns)) {
        field_error_add_text(&e, FIELD_INVALID, S("spec.resourceAttributes.namespace"),
                             arena_printf(c->arena, "\"%.*s\"", STR_ARG(json_text(ns))),
                             S("must match metadata.namespace"));
        (void)call_invalid(c, c->target.kind, S(""), &e);
        return;
    }
    review_users_access(c, review);
}

/* --- rules ---------------------------------------------------------------------------------- */

static void put_words(cJSON *rule, const char *member, struct rbac_strings words)
{
    if (words.n > 0)
        json_put(rule, str_c(member), words_of(words));
}

static void review_rules(struct kube_call *c, cJSON *review)
{
    struct str ns = json_str(review, "spec.namespace");
    cJSON *status = cJSON_CreateObject(), *resources, *paths;
    struct rbac_rules rules;

    if (ns.n == 0) {
        cJSON_Delete(status);
        (void)call_bad_request(c, "no namespace on request");
        return;
    }
    resources = json_need_array(status, "resourceRules");
    paths = json_need_array(status, "nonResourceRules");
    rules = rbac_rules_of(authz_policy(c->cluster), c->arena, &c->user, ns);
    for (size_t i = 0; i < rules.n; i++) {
        const struct rbac_rule *r = &rules.at[i];
        cJSON *rule = cJSON_CreateObject();

        put_words(rule, "verbs", r->verbs);
        put_words(rule, "apiGroups", r->groups);
        put_words(rule, "resources", r->resources);
        put_words(rule, "resourceNames", r->names);
        put_words(rule, "nonResourceURLs", r->urls);
        cJSON_AddItemToArray(r->urls.n > 0 ? paths : resources, rule);
    }
    json_put_bool(status, S("incomplete"), false);
    json_put(review, S("status"), status);
    answer(c, review);
}

/* --- identities ----------------------------------------------------------------------------- */

static cJSON *user_info(const struct rbac_user *u)
{
    cJSON *info = cJSON_CreateObject();

    json_put_str(info, S("username"), u->name);
    if (u->uid.n > 0)
        json_put_str(info, S("uid"), u->uid);
    put_words(info, "groups", u->groups);
    if (u->extra != NULL && u->extra->child != NULL)
        json_put(info, S("extra"), cJSON_Duplicate(u->extra, true));
    return info;
}

static void review_self(struct kube_call *c, cJSON *review)
{
    cJSON *status = cJSON_CreateObject();

    json_put(status, S("userInfo"), user_info(&c->user));
    json_put(review, S("status"), status);
    answer(c, review);
}

/* The first of the audiences that the token is for; of none that are asked for, the server's. */
static bool token_holds(struct kube_call *c, const cJSON *spec, struct rbac_user *u,
                        cJSON *audiences)
{
    const cJSON *wanted = json_get(spec, "audiences");
    bool holds = false;

    if (cJSON_GetArraySize(wanted) == 0) {
        cJSON_AddItemToArray(audiences, json_new_str(API_AUDIENCE));
        return authn_token(c->cluster, c->arena, json_str(spec, "token"), S(""), u, c);
    }
    JSON_EACH(audience, wanted) {
        if (!authn_token(c->cluster, c->arena, json_str(spec, "token"), json_text(audience), u, c))
            continue;
        cJSON_AddItemToArray(audiences, cJSON_Duplicate(audience, true));
        holds = true;
    }
    return holds;
}

static void review_token(struct kube_call *c, cJSON *review)
{
    cJSON *status, *audiences;
    struct rbac_user u = {0};

    if (json_str(review, "spec.token").n == 0) {
        (void)call_bad_request(c, "token is required for TokenReview in authentication");
        return;
    }
    status = cJSON_CreateObject();
    audiences = cJSON_CreateArray();
    if (token_holds(c, json_get(review, "spec"), &u, audiences)) {
        json_put_bool(status, S("authenticated"), true);
        json_put(status, S("user"), user_info(&u));
        json_put(status, S("audiences"), audiences);
    } else {
        cJSON_Delete(audiences);
        json_put(status, S("user"), cJSON_CreateObject());
        json_put_str(status, S("error"), S("invalid bearer token"));
    }
    json_put(review, S("status"), status);
    answer(c, review);
}

/* --- bindings ------------------------------------------------------------------------------- */

/* POST …/bindings: the pod is named in the body. */
static void bind_named(struct kube_call *c, cJSON *binding)
{
    c->target.name = arena_str(c->arena, json_str(binding, "metadata.name"));
    binding_apply(c, binding);
}

/* --- the rows ------------------------------------------------------------------------------- */

static const struct {
    const char *plural;
    void (*review)(struct kube_call *c, cJSON *review);
} rows[] = {
    {"bindings",                  bind_named         },
    {"localsubjectaccessreviews", review_local_access},
    {"selfsubjectaccessreviews",  review_own_access  },
    {"selfsubjectreviews",        review_self        },
    {"selfsubjectrulesreviews",   review_rules       },
    {"subjectaccessreviews",      review_users_access},
    {"tokenreviews",              review_token       },
};

bool kube_review(struct kube_call *c)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cJSON *review;

        if (!str_is(c->target.kind->plural, rows[i].plural))
            continue;
        review = body_read_object(c);
        if (review != NULL)
            rows[i].review(c, review);
        return true;
    }
    return false;
}

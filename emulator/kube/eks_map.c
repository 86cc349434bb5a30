/* From an AWS identity to a Kubernetes user. Source: Amazon EKS User Guide, "Grant IAM users access
 * to Kubernetes with a ConfigMap"; aws-eks-iam-ec2.md §4.2. */
#include "kube/eks_token.h"

#include "schema/kube/decode.h"
#include "store/eks.h"

/* --- aws-auth ------------------------------------------------------------------------------- */

/* One of the lists of the ConfigMap, as a tree; NULL when there is none, or it is no list. */
static cJSON *read_list(struct kube_cluster *c, const char *key)
{
    struct object *o = cluster_get(c, S("configmaps"), S("kube-system"), S("aws-auth"));
    struct kube_problems problems = {0};
    CLEANUP(arena_free) struct arena a = {0};
    struct str text;
    cJSON *list;

    if (o == NULL)
        return NULL;
    text = json_text(json_member(json_get(object_doc(o), "data"), str_c(key)));
    if (str_trim(text).n == 0)
        return NULL;
    problems.arena = &a;
    list = kube_parse_yaml(text, &problems);
    if (cJSON_IsArray(list))
        return list;
    cJSON_Delete(list);
    return NULL;
}

/* "ip-192-168-1-2.ap-northeast-1.compute.internal": of the node that the session is named after. */
static struct str node_of_session(struct kube_cluster *c, struct arena *a, struct str session)
{
    struct object_list nodes = object_list(c->kube->objects, a, c->options.name, S("nodes"), S(""));

    for (size_t i = 0; i < nodes.n; i++)
        if (str_ends(json_str(object_doc(nodes.at[i]), "spec.providerID"), session))
            return nodes.at[i]->key.name;
    return session;
}

static struct str without_at(struct arena *a, struct str session)
{
    char *copy = arena_cstr(a, session);

    for (size_t i = 0; i < session.n; i++)
        if (copy[i] == '@')
            copy[i] = '-';
    return str_n(copy, session.n);
}

/* A template with what the identity has in its places. */
static struct str filled(struct kube_cluster *c, struct arena *a, struct str text,
                         const struct eks_identity *id)
{
    const struct {
        struct str place, value;
    } places[] = {
        {S("{{EC2PrivateDNSName}}"), node_of_session(c,    a, id->session)},
        {S("{{AccountID}}"),              id->account                                 },
        {S("{{SessionName}}"),  without_at(a,id->session)},
        {S("{{SessionNameRaw}}"),             id->session                                },
        {S("{{AccessKeyID}}"),    id->access_key},
    };

    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        size_t at = str_find(text, places[i].place);

        if (at != STR_NONE)
            text = arena_printf(a, "%.*s%.*s%.*s", STR_ARG(str_first(text, at)),
                                STR_ARG(places[i].value),
                                STR_ARG(str_from(text, at + places[i].place.n)));
    }
    return arena_str(a, text);
}

static void set_groups(struct kube_cluster *c, struct arena *a, struct rbac_user *u,
                       const cJSON *groups, const struct eks_identity *id)
{
    struct str *all = arena_array(a, (size_t)cJSON_GetArraySize(groups) + 1, sizeof *all);
    size_t n = 0;

    JSON_EACH(group, groups)
        if (cJSON_IsString(group))
            all[n++] = filled(c, a, json_text(group), id);
    all[n++] = S("system:authenticated");
    u->groups = (struct rbac_strings){all, n};
}

/* By the rows of one list, whose member @arn_of names the principal. */
static bool by_rows(struct kube_cluster *c, struct arena *a, const char *key, const char *arn_of,
                    const struct eks_identity *id, struct rbac_user *u)
{
    CLEANUP(json_freep) cJSON *rows = read_list(c, key);

    JSON_EACH(row, rows) {
        struct str name = json_str(row, "username");

        if (!str_ieq(json_str(row, arn_of), id->canonical))
            continue;
        u->name = name.n > 0 ? filled(c, a, name, id) : id->arn;
        set_groups(c, a, u, json_get(row, "groups"), id);
        return true;
    }
    return false;
}

static bool by_account(struct kube_cluster *c, struct arena *a, const struct eks_identity *id,
                       struct rbac_user *u)
{
    CLEANUP(json_freep) cJSON *accounts = read_list(c, "mapAccounts");

    JSON_EACH(account, accounts) {
        struct str text = json_text(account);

        if (cJSON_IsNumber(account))
            text = arena_printf(a, "%012lld", (long long)account->valuedouble);
        if (!str_eq(text, id->account))
            continue;
        u->name = id->canonical;
        set_groups(c, a, u, NULL, id);
        return true;
    }
    return false;
}

/* --- access entries ------------------------------------------------------------------------- */

static bool by_entry(struct kube_cluster *c, struct arena *a, const struct eks_identity *id,
                     struct rbac_user *u)
{
    CLEANUP(json_freep) cJSON *groups = NULL;
    struct access_entry *entry = NULL;

    if (access_entry_list(c->kube->store, a, c->options.name, id->principal, &entry) < 0 ||
        entry == NULL)
        return false;
    groups = json_parse(entry->kubernetes_groups, NULL);
    u->name = entry->username.n > 0 ? filled(c, a, entry->username, id) : id->arn;
    set_groups(c, a, u, groups, id);
    return true;
}

/* --- the whole ------------------------------------------------------------------------------ */

static void put_one(cJSON *extra, const char *key, struct str value)
{
    cJSON *list = cJSON_CreateArray();

    cJSON_AddItemToArray(list, json_new_str(value));
    json_put(extra, str_c(key), list);
}

static cJSON *extra_of(const struct eks_identity *id)
{
    cJSON *extra = cJSON_CreateObject();

    put_one(extra, "accessKeyId", id->access_key);
    put_one(extra, "arn", id->arn);
    put_one(extra, "canonicalArn", id->canonical);
    put_one(extra, "principalId", id->user_id);
    put_one(extra, "sessionName", id->session);
    return extra;
}

/* "API", "CONFIG_MAP" or "API_AND_CONFIG_MAP". */
static struct str mode_of(struct kube_cluster *c, struct arena *a)
{
    struct cluster *row = NULL;

    if (cluster_find(c->kube->store, a, S(""), S(""), c->options.name, &row) < 0 || row == NULL ||
        row->authentication.n == 0)
        return S("CONFIG_MAP");
    return row->authentication;
}

static bool by_creation(struct kube_cluster *c, struct arena *a, const struct eks_identity *id,
                        struct rbac_user *u)
{
    CLEANUP(json_freep) cJSON *groups = NULL;

    if (!str_ieq(id->principal, c->options.creator_arn))
        return false;
    groups = cJSON_CreateArray();
    cJSON_AddItemToArray(groups, json_new_str(S("system:masters")));
    u->name = S("kubernetes-admin");
    set_groups(c, a, u, groups, id);
    return true;
}

bool eks_map_user(struct kube_cluster *c, struct arena *a, const struct eks_identity *id,
                  struct rbac_user *ret_user, struct kube_call *owner)
{
    struct str principal = id->user_id, head, tail, mode = mode_of(c, a);
    bool api = str_starts(mode, S("API")), config = !str_is(mode, "API");
    bool root = str_ends(id->arn, S(":root")); /* cannot be taken out of its own cluster */
    struct rbac_user u = {0};

    if (!(api && by_entry(c, a, id, &u)) && !((config || root) && by_creation(c, a, id, &u)) &&
        !(config && (by_rows(c, a, "mapRoles", "rolearn", id, &u) ||
                     by_rows(c, a, "mapUsers", "userarn", id, &u) || by_account(c, a, id, &u))))
        return false;
    if (str_cut(principal, ':', &head, &tail)) /* of a session: "AROA…:name" */
        principal = head;
    u.uid = arena_printf(a, "aws-iam-authenticator:%.*s:%.*s", STR_ARG(id->account),
                         STR_ARG(principal));
    u.extra = owner == NULL ? NULL : call_own(owner, extra_of(id));
    *ret_user = u;
    return true;
}

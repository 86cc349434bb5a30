/* IAM roles for service accounts, as EKS' webhook mutates pods: a token for STS, and the variables
 * that SDKs look for. Source: aws/amazon-eks-pod-identity-webhook, its README; Amazon EKS User
 * Guide, "IAM roles for service accounts". */
#include "kube/admission_plugins.h"

#define PREFIX     "eks.amazonaws.com/"
#define VOLUME     "aws-iam-token"
#define MOUNT_PATH "/var/run/secrets/eks.amazonaws.com/serviceaccount"
#define TOKEN_FILE MOUNT_PATH "/token"

enum { SHORTEST_S = 600, LONGEST_S = 86400, REGIONAL_SINCE = 22 };

/* What the annotations of the account and of the pod say. */
struct identity {
    struct str role, audience, region;
    int64_t seconds;
    bool regional; /* STS of the region, not the global one */
    struct str skipped;
};

static struct str note_of(const cJSON *doc, struct str name)
{
    return json_text(json_member(json_get(doc, "metadata.annotations"), name));
}

static int64_t seconds_of(struct str text, int64_t otherwise)
{
    int64_t seconds;

    if (!str_to_int(text, &seconds))
        return otherwise;
    if (seconds < SHORTEST_S)
        return SHORTEST_S;
    return seconds > LONGEST_S ? LONGEST_S : seconds;
}

static struct identity read_identity(const struct kube_call *c, const cJSON *account,
                                     const cJSON *pod)
{
    struct str regional = note_of(account, S(PREFIX "sts-regional-endpoints"));
    struct identity i = {
        .role = note_of(account, S(PREFIX "role-arn")),
        .audience = note_of(account, S(PREFIX "audience")),
        .region = c->cluster->options.region,
        .regional = regional.n > 0 ? str_is(regional, "true") : c->cluster->minor >= REGIONAL_SINCE,
        .skipped = note_of(pod, S(PREFIX "skip-containers")),
    };

    if (i.audience.n == 0)
        i.audience = S("sts.amazonaws.com");
    i.seconds = seconds_of(note_of(account, S(PREFIX "token-expiration")), LONGEST_S);
    i.seconds = seconds_of(note_of(pod, S(PREFIX "token-expiration")), i.seconds);
    return i;
}

static bool is_skipped(const struct identity *i, struct str container)
{
    struct str rest = i->skipped, one;

    while (str_next(&rest, ',', &one))
        if (str_eq(str_trim(one), container))
            return true;
    return false;
}

static bool has_env(const cJSON *container, struct str name)
{
    JSON_EACH(env, json_get(container, "env"))
        if (str_eq(json_str(env, "name"), name))
            return true;
    return false;
}

static void add_env(cJSON *container, struct str name, struct str value)
{
    cJSON *env = cJSON_CreateObject();

    json_put_str(env, S("name"), name);
    json_put_str(env, S("value"), value);
    cJSON_AddItemToArray(json_need_array(container, "env"), env);
}

/* Each pair is left alone when one of it is set already. */
static void add_variables(cJSON *container, const struct identity *i)
{
    const struct {
        struct str names[2], values[2];
        bool wanted;
    } pairs[] = {
        {{S("AWS_STS_REGIONAL_ENDPOINTS")},                     {S("regional")},          i->regional    },
        {{S("AWS_DEFAULT_REGION"), S("AWS_REGION")},            {i->region, i->region},   i->region.n > 0},
        {{S("AWS_ROLE_ARN"), S("AWS_WEB_IDENTITY_TOKEN_FILE")}, {i->role, S(TOKEN_FILE)}, true           },
    };

    for (size_t p = 0; p < ARRAY_LEN(pairs); p++) {
        if (!pairs[p].wanted || has_env(container, pairs[p].names[0]) ||
            (pairs[p].names[1].n > 0 && has_env(container, pairs[p].names[1])))
            continue;
        for (size_t n = 0; n < 2 && pairs[p].names[n].n > 0; n++)
            add_env(container, pairs[p].names[n], pairs[p].values[n]);
    }
}

static void add_mount(cJSON *container)
{
    cJSON *mount;

    JSON_EACH(m, json_get(container, "volumeMounts"))
        if (str_is(json_str(m, "name"), VOLUME) || str_is(json_str(m, "mountPath"), MOUNT_PATH))
            return;
    mount = cJSON_CreateObject();
    json_put_str(mount, S("name"), S(VOLUME));
    json_put_bool(mount, S("readOnly"), true);
    json_put_str(mount, S("mountPath"), S(MOUNT_PATH));
    cJSON_AddItemToArray(json_need_array(container, "volumeMounts"), mount);
}

/* A container that set up its identity by itself: nothing of the set is missing. */
static bool is_complete(const cJSON *container, const struct identity *i)
{
    return has_env(container, S("AWS_ROLE_ARN")) &&
           has_env(container, S("AWS_WEB_IDENTITY_TOKEN_FILE")) &&
           has_env(container, S("AWS_DEFAULT_REGION")) && has_env(container, S("AWS_REGION")) &&
           (!i->regional || has_env(container, S("AWS_STS_REGIONAL_ENDPOINTS")));
}

static bool mutate(cJSON *containers, const struct identity *i)
{
    bool changed = false;

    JSON_EACH(container, containers) {
        if (!cJSON_IsObject(container) || is_skipped(i, json_str(container, "name")) ||
            is_complete(container, i))
            continue;
        add_variables(container, i);
        add_mount(container);
        changed = true;
    }
    return changed;
}

static void add_volume(cJSON *spec, const struct identity *i)
{
    cJSON *volume, *source, *token;

    JSON_EACH(v, json_get(spec, "volumes"))
        if (str_is(json_str(v, "name"), VOLUME))
            return;
    source = cJSON_CreateObject();
    token = json_need_object(source, "serviceAccountToken");
    json_put_str(token, S("audience"), i->audience);
    json_put_int(token, S("expirationSeconds"), i->seconds);
    json_put_str(token, S("path"), S("token"));
    volume = cJSON_CreateObject();
    json_put_str(volume, S("name"), S(VOLUME));
    json_put_int(json_need_object(volume, "projected"), S("defaultMode"), 0644);
    cJSON_AddItemToArray(json_need_array(volume, "projected.sources"), source);
    json_insert(json_need_array(spec, "volumes"), 0, volume);
}

bool admit_pod_identity(struct kube_call *c, cJSON *doc)
{
    cJSON *spec = json_need_object(doc, "spec");
    struct object *account = cluster_get(c->cluster, S("serviceaccounts"), c->target.ns,
                                         json_str(spec, "serviceAccountName"));
    struct identity i;
    bool init, rest;

    if (account == NULL)
        return true;
    i = read_identity(c, object_doc(account), doc);
    if (i.role.n == 0)
        return true;
    init = mutate(json_get(spec, "initContainers"), &i);
    rest = mutate(json_get(spec, "containers"), &i);
    if (init || rest)
        add_volume(spec, &i);
    return true;
}

/* The ServiceAccount plugin. Source: Kubernetes "Configure Service Accounts for Pods",
 * "Bound service account token volume mechanism". */
#include "kube/admission_plugins.h"

enum { TOKEN_SECONDS = 3607, DEFAULT_MODE = 0644 };

#define MOUNT_PATH    "/var/run/secrets/kubernetes.io/serviceaccount"
#define VOLUME_PREFIX "kube-api-access-"

/* serviceAccount is the older name of serviceAccountName; both always say the same. */
static struct str settle_name(struct kube_call *c, cJSON *spec)
{
    struct str name = json_str(spec, "serviceAccountName");

    if (name.n == 0)
        name = json_str(spec, "serviceAccount");
    name = name.n == 0 ? S("default") : arena_str(c->arena, name);
    json_put_str(spec, S("serviceAccountName"), name);
    json_put_str(spec, S("serviceAccount"), name);
    return name;
}

static bool wants_token(const cJSON *spec, const cJSON *account)
{
    return json_bool(spec, "automountServiceAccountToken",
                     json_bool(account, "automountServiceAccountToken", true));
}

static cJSON *token_source(void)
{
    cJSON *source = cJSON_CreateObject(), *token = json_need_object(source, "serviceAccountToken");

    json_put_int(token, S("expirationSeconds"), TOKEN_SECONDS);
    json_put_str(token, S("path"), S("token"));
    return source;
}

static cJSON *ca_source(void)
{
    cJSON *source = cJSON_CreateObject(), *map = json_need_object(source, "configMap");
    cJSON *item = cJSON_CreateObject();

    json_put_str(item, S("key"), S("ca.crt"));
    json_put_str(item, S("path"), S("ca.crt"));
    cJSON_AddItemToArray(json_need_array(map, "items"), item);
    json_put_str(map, S("name"), S("kube-root-ca.crt"));
    return source;
}

static cJSON *namespace_source(void)
{
    cJSON *source = cJSON_CreateObject(), *item = cJSON_CreateObject(), *ref;

    ref = json_need_object(item, "fieldRef");
    json_put_str(ref, S("apiVersion"), S("v1"));
    json_put_str(ref, S("fieldPath"), S("metadata.namespace"));
    json_put_str(item, S("path"), S("namespace"));
    cJSON_AddItemToArray(json_need_array(source, "downwardAPI.items"), item);
    return source;
}

static void add_volume(cJSON *spec, struct str name)
{
    cJSON *volume = cJSON_CreateObject(), *projected, *sources;

    json_put_str(volume, S("name"), name);
    projected = json_need_object(volume, "projected");
    json_put_int(projected, S("defaultMode"), DEFAULT_MODE);
    sources = json_need_array(projected, "sources");
    cJSON_AddItemToArray(sources, token_source());
    cJSON_AddItemToArray(sources, ca_source());
    cJSON_AddItemToArray(sources, namespace_source());
    cJSON_AddItemToArray(json_need_array(spec, "volumes"), volume);
}

/* A volume that an earlier admission made: a template copied from a running pod. */
static struct str volume_there(const cJSON *spec)
{
    JSON_EACH(volume, json_get(spec, "volumes"))
        if (str_starts(json_str(volume, "name"), S(VOLUME_PREFIX)))
            return json_str(volume, "name");
    return (struct str){0};
}

static bool has_mount(const cJSON *container, struct str path)
{
    JSON_EACH(mount, json_get(container, "volumeMounts"))
        if (str_eq(json_str(mount, "mountPath"), path))
            return true;
    return false;
}

static bool mount_in(cJSON *containers, struct str volume)
{
    bool mounted = false;

    JSON_EACH(container, containers) {
        cJSON *mount;

        if (!cJSON_IsObject(container) || has_mount(container, S(MOUNT_PATH)))
            continue;
        mount = cJSON_CreateObject();
        json_put_str(mount, S("name"), volume);
        json_put_bool(mount, S("readOnly"), true);
        json_put_str(mount, S("mountPath"), S(MOUNT_PATH));
        cJSON_AddItemToArray(json_need_array(container, "volumeMounts"), mount);
        mounted = true;
    }
    return mounted;
}

static void mount_token(struct kube_call *c, cJSON *spec)
{
    struct str there = volume_there(spec), name = there, tail;
    bool init, rest;

    if (there.n == 0) {
        tail = ids_from(c->kube->ids, c->arena, 5, IDS_KUBE);
        name = arena_printf(c->arena, VOLUME_PREFIX "%.*s", STR_ARG(tail));
    }
    init = mount_in(json_get(spec, "initContainers"), name);
    rest = mount_in(json_get(spec, "containers"), name);
    if (there.n == 0 && (init || rest))
        add_volume(spec, name);
}

bool admit_service_account(struct kube_call *c, cJSON *doc)
{
    cJSON *spec = json_need_object(doc, "spec");
    const cJSON *secrets;
    struct object *o;
    struct str name;

    if (json_member(json_get(doc, "metadata.annotations"), S("kubernetes.io/config.mirror")) !=
        NULL)
        return true; /* a mirror pod has none */
    name = settle_name(c, spec);
    o = cluster_get(c->cluster, S("serviceaccounts"), c->target.ns, name);
    if (o == NULL)
        return call_forbidden(c, c->target.kind, json_str(doc, "metadata.name"),
                              "error looking up service account %.*s/%.*s: serviceaccount "
                              "\"%.*s\" not found",
                              STR_ARG(c->target.ns), STR_ARG(name), STR_ARG(name));
    if (wants_token(spec, object_doc(o)))
        mount_token(c, spec);
    secrets = json_get(object_doc(o), "imagePullSecrets");
    if (cJSON_GetArraySize(json_get(spec, "imagePullSecrets")) == 0 &&
        cJSON_GetArraySize(secrets) > 0)
        json_put(spec, S("imagePullSecrets"), cJSON_Duplicate(secrets, true));
    return true;
}

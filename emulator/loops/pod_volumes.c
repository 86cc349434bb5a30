/* Volumes as files. What has no files (emptyDir, hostPath, claims) is an empty folder. */
#include "loops/pod_volumes.h"

#include <errno.h>

#include "base/macros.h"
#include "loops/container_spec.h"

enum {
    MS = 1000,
    TOKEN_SECONDS = 3600,
    RENEW_AT_PERCENT = 80,
    LONGEST_RENEWAL_MS = 24 * 3600 * MS,
    TOKEN_MODE = 0600,
};

struct volume_writer {
    struct controller *controller;
    struct arena *arena;
    struct str cluster;
    const cJSON *pod, *volume;
    int64_t renew_ms;
    struct str why;
};

static int put(struct volume_writer *w, struct str path, struct str content, unsigned mode)
{
    return pod_runtime_put_file(w->controller->world->runtime, json_str(w->pod, "metadata.uid"),
                                json_str(w->volume, "name"), path, content, mode);
}

static unsigned mode_of(const cJSON *source, const cJSON *item)
{
    enum { DEFAULT_MODE = 0644 };

    return (unsigned)json_int(item, "mode", json_int(source, "defaultMode", DEFAULT_MODE)) & 0777U;
}

/* --- ConfigMaps and Secrets ------------------------------------------------------------- */

static int put_items(struct volume_writer *w, const cJSON *source, const cJSON *doc,
                     const char *kind)
{
    JSON_EACH(item, json_get(source, "items")) {
        struct str value = config_value(w->arena, doc, json_str(item, "key"));

        if (value.at == NULL && json_bool(source, "optional", false))
            continue;
        if (value.at == NULL) {
            w->why = arena_printf(w->arena, "references non-existent %s key: %.*s", kind,
                                  STR_ARG(json_str(item, "key")));
            return -ENOENT;
        }
        if (put(w, json_str(item, "path"), value, mode_of(source, item)) < 0)
            return -EIO;
    }
    return 0;
}

static int put_all_keys(struct volume_writer *w, const cJSON *source, const cJSON *doc)
{
    static const char *const lists[] = {"data", "binaryData"};
    int r = 0;

    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        JSON_EACH(item, json_get(doc, lists[i])) {
            struct str key = str_c(item->string);

            if (r == 0)
                r = put(w, key, config_value(w->arena, doc, key), mode_of(source, NULL));
        }
    return r;
}

static int put_config(struct volume_writer *w, const cJSON *source, const char *resource,
                      const char *kind, struct str name)
{
    struct object_key key =
        key_of(w->cluster, resource, json_str(w->pod, "metadata.namespace"), name);
    struct object *o = object_get(w->controller->world->objects, key);

    if (o == NULL && json_bool(source, "optional", false))
        return 0;
    if (o == NULL) {
        w->why = arena_printf(w->arena, "%s \"%.*s\" not found", kind, STR_ARG(name));
        return -ENOENT;
    }
    if (json_get(source, "items") != NULL)
        return put_items(w, source, object_doc(o), kind);
    return put_all_keys(w, source, object_doc(o));
}

static int put_config_map(struct volume_writer *w, const cJSON *source)
{
    return put_config(w, source, "configmaps", "configmap", json_str(source, "name"));
}

static int put_secret(struct volume_writer *w, const cJSON *source)
{
    struct str name = json_str(source, "secretName");

    return put_config(w, source, "secrets", "secret", name.n > 0 ? name : json_str(source, "name"));
}

/* --- the downward API ------------------------------------------------------------------- */

static int put_downward(struct volume_writer *w, const cJSON *source)
{
    int r = 0;

    JSON_EACH(item, json_get(source, "items"))
        if (r == 0)
            r = put(w, json_str(item, "path"),
                    downward_field(w->arena, w->pod, json_str(item, "fieldRef.fieldPath")),
                    mode_of(source, item));
    return r;
}

/* --- tokens ----------------------------------------------------------------------------- */

static struct object *find_account(const struct volume_writer *w)
{
    struct str name = json_str(w->pod, "spec.serviceAccountName");
    struct object_key key =
        key_of(w->cluster, "serviceaccounts", json_str(w->pod, "metadata.namespace"), name);

    return object_get(w->controller->world->objects, key);
}

static void put_reference(cJSON *claim, const char *what, struct str name, struct str uid)
{
    cJSON *ref = json_need_object(claim, what);

    json_put_str(ref, S("name"), name);
    if (uid.n > 0)
        json_put_str(ref, S("uid"), uid);
}

static cJSON *token_claims(const struct volume_writer *w, const struct loop_cluster *cluster,
                           struct object *account, struct str audience, int64_t seconds)
{
    int64_t now = clock_now(w->controller->world->clock) / MS;
    cJSON *claims = cJSON_CreateObject(), *aud = json_need_array(claims, "aud"), *own;
    struct str ns = json_str(w->pod, "metadata.namespace");

    cJSON_AddItemToArray(aud, json_new_str(audience.n > 0 ? audience : cluster->issuer));
    if (audience.n == 0)
        cJSON_AddItemToArray(aud, cJSON_CreateString("https://kubernetes.default.svc"));
    json_put_int(claims, S("exp"), now + seconds);
    json_put_int(claims, S("iat"), now);
    json_put_str(claims, S("iss"), cluster->issuer);
    json_put_str(claims, S("jti"), ids_uuid(w->controller->world->ids, w->arena));
    own = cJSON_CreateObject();
    json_put(claims, S("kubernetes.io"), own);
    json_put_str(own, S("namespace"), ns);
    put_reference(own, "node", json_str(w->pod, "spec.nodeName"), (struct str){0});
    put_reference(own, "pod", json_str(w->pod, "metadata.name"), json_str(w->pod, "metadata.uid"));
    put_reference(own, "serviceaccount", account->key.name, account->uid);
    json_put_int(claims, S("nbf"), now);
    json_put_str(claims, S("sub"),
                 arena_printf(w->arena, "system:serviceaccount:%.*s:%.*s", STR_ARG(ns),
                              STR_ARG(account->key.name)));
    return claims;
}

static void renew_in(struct volume_writer *w, int64_t seconds)
{
    int64_t ms = seconds * MS * RENEW_AT_PERCENT / 100;

    if (ms > LONGEST_RENEWAL_MS)
        ms = LONGEST_RENEWAL_MS;
    if (w->renew_ms == 0 || ms < w->renew_ms)
        w->renew_ms = ms;
}

static int put_token(struct volume_writer *w, const cJSON *source)
{
    const struct loop_cluster *cluster = world_cluster(w->controller->world, w->cluster);
    int64_t seconds = json_int(source, "expirationSeconds", TOKEN_SECONDS);
    struct object *account = find_account(w);

    if (cluster->signing_key == NULL)
        return 0;
    if (account == NULL) {
        w->why = arena_printf(w->arena, "failed to fetch token: serviceaccounts \"%.*s\" not found",
                              STR_ARG(json_str(w->pod, "spec.serviceAccountName")));
        return -ENOENT;
    }
    CLEANUP(json_freep)
    cJSON *claims = token_claims(w, cluster, account, json_str(source, "audience"), seconds);
    renew_in(w, seconds);
    return put(w, json_str(source, "path"), jwt_sign(cluster->signing_key, w->arena, claims),
               TOKEN_MODE);
}

/* --- kinds of volumes ------------------------------------------------------------------- */

typedef int put_cb(struct volume_writer *w, const cJSON *source);

static const struct {
    const char *name;
    put_cb *put;
} sources[] = {
    {"configMap",           put_config_map},
    {"secret",              put_secret    },
    {"downwardAPI",         put_downward  },
    {"serviceAccountToken", put_token     },
};

static int put_source(struct volume_writer *w, const cJSON *holder)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(sources); i++) {
        const cJSON *source = json_get(holder, sources[i].name);

        if (source != NULL)
            r = sources[i].put(w, source);
    }
    return r;
}

static int put_volume(struct volume_writer *w)
{
    int r = put_source(w, w->volume);

    JSON_EACH(source, json_get(w->volume, "projected.sources"))
        if (r == 0)
            r = put_source(w, source);
    return r;
}

int pod_volumes_write(struct controller *c, struct arena *a, struct str cluster, const cJSON *pod,
                      int64_t *ret_renew_ms, struct str *ret_volume, struct str *ret_why)
{
    struct volume_writer w = {.controller = c, .arena = a, .cluster = cluster, .pod = pod};

    JSON_EACH(volume, json_get(pod, "spec.volumes")) {
        int r;

        w.volume = volume;
        r = put_volume(&w);
        if (r == 0)
            continue;
        *ret_volume = json_str(volume, "name");
        *ret_why = w.why.n > 0 ? w.why : S("cannot write its files");
        return r;
    }
    *ret_renew_ms = w.renew_ms;
    return 0;
}

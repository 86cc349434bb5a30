/* The store of watched objects. */
#include "objects.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

#define KEEP(...) \
    ((const char *const[]){"metadata.name", "metadata.resourceVersion", __VA_ARGS__, NULL})

static const struct kind kinds[KIND_COUNT] = {
    [KIND_INGRESS] = {"/apis/extensions/v1beta1", "ingresses",    "Ingress",            "*v1beta1.Ingress",          true,
                      NULL                                                                                                                                                                              },
    [KIND_SERVICE] = {            "/api/v1",                "services",      "Service",        "*v1.Service",                        true,
                      KEEP("metadata.namespace",                                                                                                                                  "metadata.annotations", "spec.type",
                      "spec.ports")},
    [KIND_ENDPOINTS] = { "/api/v1",                          "endpoints",                                "Endpoints",                "*v1.Endpoints", true,
                      KEEP("metadata.namespace",                                                "subsets")},
    [KIND_NODE] = {                                                                                                                                                                       "/api/v1",                          "nodes",                                "Node",                    "*v1.Node",          false,
                      KEEP("metadata.labels",                                                "spec.providerID", "spec.externalID",
                      "status.nodeInfo.kubeletVersion")},
    [KIND_SECRET] = {                                                                                                                                                                          "/api/v1",         "secrets",          "Secret",                              "*v1.Secret",                                                 true,
                      KEEP("metadata.namespace",                                                                                                "data.clientId", "data.clientSecret")},
    [KIND_POD] = {"/api/v1",  "pods", "Pod", "*v1.Pod",                            true,                                                  KEEP("metadata.namespace")},
    [KIND_CONFIG_MAP] = {                                                                                                             "/api/v1",                      "configmaps",          "ConfigMap",                              "*v1.ConfigMap",                      true,
                      KEEP("metadata.namespace",   "data")},
};

const struct kind *kind_of(enum object_kind k)
{
    return &kinds[k];
}

/* Moves the value at @path from @from to the same place in @to. */
static void move_path(cJSON *to, cJSON *from, const char *path)
{
    struct str all = str_c(path);
    size_t dot = str_rchr(all, '.');
    struct str head = dot == STR_NONE ? (struct str){0} : str_first(all, dot);
    const char *name = dot == STR_NONE ? path : path + dot + 1;
    char *parent = xcalloc(head.n + 1);
    cJSON *value = json_get(from, path), *holder;

    if (head.n > 0)
        memcpy(parent, head.at, head.n);
    if (value != NULL) {
        holder = head.n == 0 ? from : json_get(from, parent);
        value = cJSON_DetachItemViaPointer(holder, value);
        json_put(head.n == 0 ? to : json_need_object(to, parent), str_c(name), value);
    }
    free(parent);
}

static cJSON *cut_down(cJSON *doc, const char *const *keep)
{
    cJSON *small;

    if (keep == NULL) {
        cJSON *metadata = json_get(doc, "metadata");

        if (metadata != NULL)
            json_remove(metadata, S("managedFields"));
        return doc;
    }
    small = cJSON_CreateObject();
    for (; *keep != NULL; keep++)
        move_path(small, doc, *keep);
    cJSON_Delete(doc);
    return small;
}

char *objects_key(const cJSON *doc)
{
    struct str namespace = json_str(doc, "metadata.namespace");
    struct str name = json_str(doc, "metadata.name");
    char *key = xcalloc(namespace.n + name.n + 2);

    if (namespace.n > 0) {
        memcpy(key, namespace.at, namespace.n);
        key[namespace.n] = '/';
    }
    if (name.n > 0)
        memcpy(key + (namespace.n > 0 ? namespace.n + 1 : 0), name.at, name.n);
    return key;
}

const cJSON *objects_put(struct objects *o, enum object_kind k, cJSON *doc, cJSON **ret_old)
{
    CLEANUP(freep) char *key = NULL;
    struct object *object;

    *ret_old = NULL;
    doc = cut_down(doc, kinds[k].keep);
    key = objects_key(doc);
    if (json_str(doc, "metadata.name").n == 0) {
        cJSON_Delete(doc);
        return NULL;
    }
    object = map_get(&o->of[k], str_c(key));
    if (object != NULL) {
        *ret_old = object->doc;
        object->doc = doc;
        return doc;
    }
    object = xcalloc(sizeof *object);
    *object = (struct object){TAKE(key), doc};
    map_put(&o->of[k], str_c(object->key), object);
    return doc;
}

static void object_free(struct object *object)
{
    if (object == NULL)
        return;
    cJSON_Delete(object->doc);
    free(object->key);
    free(object);
}

static void remember_service(struct objects *o, const struct object *service)
{
    struct object *copy = xcalloc(sizeof *copy);

    *copy = (struct object){xstrdup(service->key), cJSON_Duplicate(service->doc, true)};
    object_free(map_remove(&o->former_services, str_c(copy->key)));
    map_put(&o->former_services, str_c(copy->key), copy);
}

cJSON *objects_remove(struct objects *o, enum object_kind k, struct str key)
{
    struct object *object = map_remove(&o->of[k], key);
    cJSON *doc;

    if (object == NULL)
        return NULL;
    if (k == KIND_SERVICE)
        remember_service(o, object);
    doc = object->doc;
    object->doc = NULL;
    object_free(object);
    return doc;
}

const cJSON *objects_get(const struct objects *o, enum object_kind k, struct str key)
{
    const struct object *object = map_get(&o->of[k], key);

    return object == NULL ? NULL : object->doc;
}

const cJSON *objects_former_service(const struct objects *o, struct str key)
{
    const struct object *object = map_get(&o->former_services, key);

    return object == NULL ? NULL : object->doc;
}

static void free_all(struct map *m)
{
    size_t at = 0;
    struct map_entry *e;

    while ((e = map_next(m, &at)) != NULL)
        object_free(e->value);
    map_free(m);
}

void objects_free(struct objects *o)
{
    for (size_t k = 0; k < KIND_COUNT; k++)
        free_all(&o->of[k]);
    free_all(&o->former_services);
}

/* A function for each kind. */
#include "triggers.h"

#include "annotations.h"
#include "base/memory.h"
#include "go_json.h"
#include "model.h"

struct change {
    const struct settings *settings;
    const struct objects *objects;
    const cJSON *old, *now;
    trigger_cb *enqueue;
    void *data;
};

static const cJSON *either(const struct change *c)
{
    return c->now != NULL ? c->now : c->old;
}

static struct str namespace_of(const struct change *c)
{
    return json_str(either(c), "metadata.namespace");
}

void triggers_find_all(const struct settings *s, const struct objects *o, struct str namespace,
                       trigger_cb *enqueue, void *data)
{
    size_t at = 0;
    struct map_entry *e;

    while ((e = map_next(&o->of[KIND_INGRESS], &at)) != NULL) {
        const struct object *ingress = e->value;

        if ((namespace.n == 0 || str_eq(json_str(ingress->doc, "metadata.namespace"), namespace)) &&
            model_is_ours(s, ingress->doc))
            enqueue(data, e->key);
    }
}

static void enqueue_namespace(const struct change *c)
{
    triggers_find_all(c->settings, c->objects, namespace_of(c), c->enqueue, c->data);
}

/* One that changes its class to another's is looked at once more, as if it were still ours. */
static void on_ingress(const struct change *c)
{
    char *key;

    if ((c->old == NULL || !model_is_ours(c->settings, c->old)) &&
        (c->now == NULL || !model_is_ours(c->settings, c->now)))
        return;
    key = objects_key(either(c));
    c->enqueue(c->data, str_c(key));
    freep(&key);
}

static void on_service(const struct change *c)
{
    enqueue_namespace(c);
}

static void on_endpoints(const struct change *c)
{
    if (c->old == NULL || c->now == NULL ||
        !json_equal(json_get(c->old, "subsets"), json_get(c->now, "subsets")))
        enqueue_namespace(c);
}

/* What only changes in a Node does not matter. */
static void on_node(const struct change *c)
{
    if (c->old == NULL || c->now == NULL)
        triggers_find_all(c->settings, c->objects, (struct str){0}, c->enqueue, c->data);
}

static bool names_secret(const struct change *c, const cJSON *doc, struct str secret)
{
    struct arena a = {0};
    struct str text = annotations_find(&a, c->settings, "auth-idp-oidc",
                                       json_get(doc, "metadata.annotations"), NULL);
    struct str trouble;
    CLEANUP(json_freep) cJSON *tree = text.at == NULL ? NULL : go_json_parse(&a, text, &trouble);
    bool names = tree != NULL && str_eq(json_text(go_json_member(tree, S("SecretName"))), secret);

    arena_free(&a);
    return names && str_eq(json_str(doc, "metadata.namespace"), namespace_of(c));
}

/* The Ingresses that name it, and all around a Service that names it. */
static void on_secret(const struct change *c)
{
    struct str secret = json_str(either(c), "metadata.name");
    size_t at = 0;
    struct map_entry *e;

    while ((e = map_next(&c->objects->of[KIND_INGRESS], &at)) != NULL) {
        const struct object *ingress = e->value;

        if (model_is_ours(c->settings, ingress->doc) && names_secret(c, ingress->doc, secret))
            c->enqueue(c->data, e->key);
    }
    at = 0;
    while ((e = map_next(&c->objects->of[KIND_SERVICE], &at)) != NULL) {
        const struct object *service = e->value;

        if (names_secret(c, service->doc, secret))
            enqueue_namespace(c);
    }
}

void triggers_find(const struct settings *s, const struct objects *o, enum object_kind kind,
                   const cJSON *old, const cJSON *now, trigger_cb *enqueue, void *data)
{
    static void (*const handlers[KIND_COUNT])(const struct change *) = {
        [KIND_INGRESS] = on_ingress, [KIND_SERVICE] = on_service, [KIND_ENDPOINTS] = on_endpoints,
        [KIND_NODE] = on_node,       [KIND_SECRET] = on_secret,
    };
    struct change c = {s, o, old, now, enqueue, data};

    if (handlers[kind] != NULL)
        handlers[kind](&c);
}

/* Scale of Deployments, ReplicaSets, ReplicationControllers and StatefulSets: a view of the
 * object, written back through the object's own update.
 * Source: Kubernetes API Reference, "Scale v1 autoscaling". */
#include "kube/scale.h"

#include "kube/answer.h"
#include "kube/body.h"
#include "kube/label_selector.h"
#include "kube/patch.h"
#include "kube/write.h"

/* The Scale of @doc, which is in any version; the caller's. */
static cJSON *scale_of(struct kube_call *c, const cJSON *doc)
{
    static const char *const copied[] = {"name", "namespace", "uid", "resourceVersion",
                                         "creationTimestamp"};
    cJSON *scale = cJSON_CreateObject(), *metadata;

    json_put_str(scale, S("kind"), S("Scale"));
    json_put_str(scale, S("apiVersion"), S("autoscaling/v1"));
    metadata = json_need_object(scale, "metadata");
    for (size_t i = 0; i < ARRAY_LEN(copied); i++)
        json_put_str(metadata, str_c(copied[i]), json_str(json_get(doc, "metadata"), copied[i]));
    (void)json_need_object(scale, "spec");
    if (json_int(doc, "spec.replicas", 0) != 0)
        json_put_int(json_get(scale, "spec"), S("replicas"), json_int(doc, "spec.replicas", 0));
    (void)json_need_object(scale, "status");
    json_put_int(json_get(scale, "status"), S("replicas"), json_int(doc, "status.replicas", 0));
    json_put_str(json_get(scale, "status"), S("selector"),
                 label_selector_print(c->arena, json_get(doc, "spec.selector")));
    return scale;
}

static void answer_scale(struct kube_call *c, int status, struct object *o)
{
    call_answer_doc(c, status, scale_of(c, object_doc(o)));
}

static bool check_scale(struct kube_call *c, const cJSON *scale)
{
    struct field_errors e = field_errors_new(c->arena);
    struct str name = json_str(scale, "metadata.name"), ns = json_str(scale, "metadata.namespace");

    if (name.n > 0 && !str_eq(name, c->target.name))
        return call_bad_request(
            c, "the name of the object (%.*s) does not match the name on the URL (%.*s)",
            STR_ARG(name), STR_ARG(c->target.name));
    if (ns.n > 0 && !str_eq(ns, c->target.ns))
        return call_bad_request(c, "the namespace of the provided object does not match the "
                                   "namespace sent on the request");
    if (json_int(scale, "spec.replicas", 0) < 0)
        field_error_add(&e, FIELD_INVALID, S("spec.replicas"), json_get(scale, "spec.replicas"),
                        "must be greater than or equal to 0");
    return e.n == 0 || call_invalid_kind(c, S("autoscaling"), S("Scale"), c->target.name, &e);
}

/* Writes the object with the replicas of @scale; its resourceVersion is the lock. */
static void write_scale(struct kube_call *c, struct object *old, const cJSON *scale)
{
    cJSON *doc = call_own(c, answer_object_doc(c->target.kind, old));
    struct str rv = json_str(scale, "metadata.resourceVersion");

    if (rv.n > 0)
        json_put_str(json_get(doc, "metadata"), S("resourceVersion"), rv);
    json_put_int(json_need_object(doc, "spec"), S("replicas"), json_int(scale, "spec.replicas", 0));
    c->target.sub = S(""); /* the whole object is written, admission and all */
    write_update(c, old, doc);
    if (c->state == CALL_OBJECT && c->status < 300)
        answer_scale(c, c->status, c->object);
    else if (c->state == CALL_DOC && c->status < 300) /* a dry run */
        call_answer_doc(c, c->status, scale_of(c, c->doc));
}

static cJSON *patched_scale(struct kube_call *c, struct object *old)
{
    cJSON *scale = call_own(c, scale_of(c, object_doc(old))), *patch;
    enum patch_type type;

    if (!patch_read_type(c, &type))
        return NULL;
    patch = body_read_patch(c);
    if (patch == NULL)
        return NULL;
    /* A Scale has no lists: what a strategic merge or an apply says is what a merge says. */
    scale = patch_apply(c, type == PATCH_JSON ? PATCH_JSON : PATCH_MERGE, scale, patch);
    return scale != NULL && body_check_patched(c, scale) ? scale : NULL;
}

void scale_answer(struct kube_call *c)
{
    struct object *old =
        cluster_get(c->cluster, c->target.kind->stored, c->target.ns, c->target.name);
    cJSON *scale = NULL;

    if (old == NULL) {
        (void)call_not_found(c, c->target.kind, c->target.name);
        return;
    }
    if (str_is(c->target.verb, "get")) {
        answer_scale(c, 200, old);
        return;
    }
    scale = str_is(c->target.verb, "patch") ? patched_scale(c, old) : body_read_object(c);
    if (scale != NULL && check_scale(c, scale))
        write_scale(c, old, scale);
}

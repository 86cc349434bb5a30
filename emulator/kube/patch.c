/* Patches: the object in the version of the request is changed, checked as a body would be, and
 * written as an update. Source: RFC 6902, RFC 7386; Kubernetes API Concepts, "Patches". */
#include "kube/patch.h"

#include "kube/answer.h"
#include "kube/apply.h"
#include "kube/body.h"
#include "kube/json_patch.h"
#include "kube/write.h"

enum { MOST_OPERATIONS = 10000 };

static const struct {
    struct str media_type;
    enum patch_type type;
} media_types[] = {
    {STR_INIT("application/json-patch+json"),            PATCH_JSON     },
    {STR_INIT("application/merge-patch+json"),           PATCH_MERGE    },
    {STR_INIT("application/strategic-merge-patch+json"), PATCH_STRATEGIC},
    {STR_INIT("application/apply-patch+yaml"),           PATCH_APPLY    },
};

bool patch_read_type(struct kube_call *c, enum patch_type *ret_type)
{
    struct str given, head, tail;

    if (c->request == NULL) {
        *ret_type = (enum patch_type)c->given_patch;
        return true;
    }
    given = http_header_get(c->request->headers, S("Content-Type"));
    if (str_cut(given, ';', &head, &tail))
        given = head;
    given = str_trim(given);
    for (size_t i = 0; i < ARRAY_LEN(media_types); i++)
        if (str_ieq(given, media_types[i].media_type)) {
            *ret_type = media_types[i].type;
            return true;
        }
    return kube_call_fail(
        c, &(struct kube_failure){
               .code = 415,
               .reason = "UnsupportedMediaType",
               .message = S("the body of the request was in an unknown format - accepted media "
                            "types include: application/json-patch+json, "
                            "application/merge-patch+json, application/apply-patch+yaml, "
                            "application/strategic-merge-patch+json"),
           });
}

static cJSON *reject(struct kube_call *c)
{
    (void)kube_call_fail(c,
                         &(struct kube_failure){
                             .code = 422,
                             .reason = "Invalid",
                             .message = S("the server rejected our request due to an error in our "
                                          "request"),
                         });
    return NULL;
}

static cJSON *apply_json(struct kube_call *c, cJSON *doc, const cJSON *patch)
{
    bool done;

    if (!cJSON_IsArray(patch)) {
        (void)call_bad_request(c, "error decoding patch: json: cannot unmarshal object into Go "
                                  "value of type jsonpatch.Patch");
        return NULL;
    }
    if (cJSON_GetArraySize(patch) > MOST_OPERATIONS) {
        (void)kube_call_fail(c, &(struct kube_failure){
                                    .code = 413,
                                    .reason = "RequestEntityTooLarge",
                                    .message = arena_printf(c->arena,
                                                            "Request entity too large: The allowed "
                                                            "maximum operations in a JSON patch is "
                                                            "10000, got %d",
                                                            cJSON_GetArraySize(patch))});
        return NULL;
    }
    doc = call_disown(c, doc);
    done = json_patch_apply(&doc, patch);
    doc = call_own(c, doc);
    return done && cJSON_IsObject(doc) ? doc : reject(c);
}

static cJSON *apply_strategic(struct kube_call *c, cJSON *doc, const cJSON *patch)
{
    struct str why = {0};

    if (!cJSON_IsObject(patch))
        return reject(c);
    if (!body_strategic_merge(c, doc, patch, &why)) {
        (void)call_bad_request(c, "%.*s", STR_ARG(why));
        return NULL;
    }
    return doc;
}

cJSON *patch_apply(struct kube_call *c, enum patch_type type, cJSON *doc, const cJSON *patch)
{
    if (type == PATCH_JSON)
        return apply_json(c, doc, patch);
    if (type == PATCH_STRATEGIC)
        return apply_strategic(c, doc, patch);
    if (!cJSON_IsObject(patch))
        return reject(c);
    doc = call_disown(c, doc);
    json_merge_apply(&doc, patch);
    return call_own(c, doc);
}

/* What a patch may not touch: it would be another object. */
static bool same_object(struct kube_call *c, struct object *old, const cJSON *doc)
{
    struct str name = json_str(doc, "metadata.name"), ns = json_str(doc, "metadata.namespace");
    struct str uid = json_str(doc, "metadata.uid");
    struct field_errors e = field_errors_new(c->arena);

    if (!str_eq(name, old->key.name))
        return call_bad_request(
            c, "the name of the object (%.*s) does not match the name on the URL (%.*s)",
            STR_ARG(name), STR_ARG(old->key.name));
    if (!str_eq(ns, old->key.ns))
        return call_bad_request(c, "the namespace of the provided object does not match the "
                                   "namespace sent on the request");
    if (!str_eq(uid, old->uid)) {
        field_error_add(&e, FIELD_INVALID, S("metadata.uid"), json_get(doc, "metadata.uid"),
                        "field is immutable");
        return call_invalid(c, c->target.kind, old->key.name, &e);
    }
    return true;
}

void kube_patch(struct kube_call *c)
{
    struct object *old = object_get(c->kube->objects, write_key(c, c->target.name));
    enum patch_type type;
    cJSON *patch, *doc;

    if (!patch_read_type(c, &type))
        return;
    if (type == PATCH_APPLY) {
        kube_apply(c, old);
        return;
    }
    patch = body_read_patch(c);
    if (patch == NULL)
        return;
    if (old == NULL) {
        (void)call_not_found(c, c->target.kind, c->target.name);
        return;
    }
    doc = call_own(c, answer_object_doc(c->target.kind, old));
    doc = patch_apply(c, type, doc, patch);
    if (doc == NULL || !body_check_patched(c, doc) || !same_object(c, old, doc))
        return;
    write_update(c, old, doc);
}

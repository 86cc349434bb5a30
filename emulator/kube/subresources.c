/* The subresources that have rules of their own: one row each. */
#include "kube/subresources.h"

#include "kube/eviction.h"
#include "kube/exec.h"
#include "kube/pod_log.h"
#include "kube/port_forward.h"
#include "kube/proxy.h"
#include "kube/scale.h"
#include "kube/token.h"
#include "kube/write.h"

/* --- binding ------------------------------------------------------------------------------ */

static bool check_binding(struct kube_call *c, const cJSON *binding)
{
    static const char *const kinds_bound[] = {"Node", "<empty>"};
    struct field_errors e = field_errors_new(c->arena);
    const cJSON *kind = json_get(binding, "target.kind");

    if (json_text(kind).n > 0 && !str_is(json_text(kind), "Node"))
        field_error_unsupported(&e, S("target.kind"), kind, kinds_bound, ARRAY_LEN(kinds_bound));
    if (json_str(binding, "target.name").n == 0)
        field_error_add(&e, FIELD_REQUIRED, S("target.name"), NULL, "%s", "");
    return e.n == 0 || call_invalid_kind(c, S(""), S("Binding"), c->target.name, &e);
}

static bool refuse_binding(struct kube_call *c, struct str why)
{
    return kube_call_fail(
        c, &(struct kube_failure){
               .code = 409,
               .reason = "Conflict",
               .message = arena_printf(
                   c->arena, "Operation cannot be fulfilled on pods/binding \"%.*s\": %.*s",
                   STR_ARG(c->target.name), STR_ARG(why)),
               .name = c->target.name,
               .kind = S("pods/binding"),
           });
}

/* Whether the pod may be assigned at all. */
static bool check_unbound(struct kube_call *c, const cJSON *pod)
{
    struct str name = c->target.name, node = json_str(pod, "spec.nodeName");

    if (json_str(pod, "metadata.deletionTimestamp").n > 0)
        return refuse_binding(c, arena_printf(c->arena,
                                              "pod %.*s is being deleted, cannot be assigned to a "
                                              "host",
                                              STR_ARG(name)));
    if (node.n > 0)
        return refuse_binding(c, arena_printf(c->arena,
                                              "pod %.*s is already assigned to node \"%.*s\"",
                                              STR_ARG(name), STR_ARG(node)));
    if (cJSON_GetArraySize(json_get(pod, "spec.schedulingGates")) > 0)
        return refuse_binding(
            c,
            arena_printf(c->arena, "pod %.*s has non-empty .spec.schedulingGates", STR_ARG(name)));
    return true;
}

static void set_scheduled(struct kube_call *c, cJSON *pod)
{
    cJSON *list = json_need_array(pod, "status.conditions"), *condition = NULL;

    JSON_EACH(item, list)
        if (str_is(json_str(item, "type"), "PodScheduled"))
            condition = item;
    if (condition == NULL) {
        condition = cJSON_CreateObject();
        cJSON_AddItemToArray(list, condition);
    } else if (str_is(json_str(condition, "status"), "True")) {
        return;
    }
    json_put_str(condition, S("type"), S("PodScheduled"));
    json_put_str(condition, S("status"), S("True"));
    json_put(condition, S("lastProbeTime"), cJSON_CreateNull());
    json_put_str(condition, S("lastTransitionTime"), write_now(c));
    json_remove(condition, S("reason"));
    json_remove(condition, S("message"));
}

void binding_apply(struct kube_call *c, const cJSON *binding)
{
    struct object *old = cluster_get(c->cluster, S("pods"), c->target.ns, c->target.name);
    cJSON *pod;

    if (!check_binding(c, binding))
        return;
    if (old == NULL) {
        (void)call_not_found(c, kind_of_stored(S("pods")), c->target.name);
        return;
    }
    pod = call_own(c, object_copy_doc(old));
    if (!check_unbound(c, pod))
        return;
    json_put_str(json_need_object(pod, "spec"), S("nodeName"), json_str(binding, "target.name"));
    JSON_EACH(note, json_get(binding, "metadata.annotations"))
        json_put_str(json_need_object(pod, "metadata.annotations"), str_c(note->string),
                     json_text(note));
    set_scheduled(c, pod);
    if (write_keep(c, old, old->key, pod) != NULL || c->query.dry_run)
        call_answer_success(c, 201);
}

static void bind_pod(struct kube_call *c)
{
    cJSON *binding = body_read_object(c);

    if (binding != NULL)
        binding_apply(c, binding);
}

/* --- the rows ----------------------------------------------------------------------------- */

static const struct {
    const char *sub;
    void (*handle)(struct kube_call *c);
} rows[] = {
    {"attach",      attach_answer      },
    {"binding",     bind_pod           },
    {"eviction",    eviction_pod       },
    {"exec",        exec_answer        },
    {"log",         pod_log_answer     },
    {"portforward", port_forward_answer},
    {"proxy",       proxy_answer       },
    {"scale",       scale_answer       },
    {"token",       token_request      },
};

bool kube_subresource(struct kube_call *c)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_is(c->target.sub, rows[i].sub)) {
            rows[i].handle(c);
            return true;
        }
    return false;
}

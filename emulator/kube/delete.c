/* Deleting: preconditions, grace, finalizers, propagation. What depends on an object is the
 * garbage collector's (loops/). Source: Kubernetes "Garbage Collection", "Finalizers", "Pod
 * Lifecycle". */
#include "kube/delete.h"

#include "kube/admission.h"
#include "kube/answer.h"
#include "kube/body.h"
#include "kube/read.h"
#include "kube/write.h"

enum policy { POLICY_BACKGROUND, POLICY_ORPHAN, POLICY_FOREGROUND, POLICY_UNTOUCHED };

/* --- options ---------------------------------------------------------------------------- */

/* Options come in the body, or (of old clients) in the query. */
static cJSON *read_options(struct kube_call *c)
{
    cJSON *options = body_read_delete_options(c);
    struct str text, query = c->request == NULL ? S("") : c->request->query;
    int64_t seconds;

    if (options == NULL)
        return NULL;
    if (http_query_get(c->arena, query, S("gracePeriodSeconds"), &text) &&
        str_to_int(text, &seconds))
        json_put_int(options, S("gracePeriodSeconds"), seconds);
    if (http_query_get(c->arena, query, S("propagationPolicy"), &text))
        json_put_str(options, S("propagationPolicy"), text);
    if (http_query_get(c->arena, query, S("orphanDependents"), &text))
        json_put_bool(options, S("orphanDependents"), str_is(text, "true"));
    if (str_is(json_text(cJSON_GetArrayItem(json_get(options, "dryRun"), 0)), "All"))
        c->query.dry_run = true;
    return options;
}

static bool check_policy(struct kube_call *c, const cJSON *options)
{
    static const char *const policies[] = {"Background", "Foreground", "Orphan"};
    const cJSON *given = json_get(options, "propagationPolicy");
    struct field_errors e = field_errors_new(c->arena);

    if (given != NULL && json_get(options, "orphanDependents") != NULL)
        field_error_add(&e, FIELD_INVALID, S("propagationPolicy"), given,
                        "orphanDependents and deletionPropagation cannot be both set");
    else if (given != NULL && !str_is(json_text(given), "Background") &&
             !str_is(json_text(given), "Foreground") && !str_is(json_text(given), "Orphan"))
        field_error_unsupported(&e, S("propagationPolicy"), given, policies, ARRAY_LEN(policies));
    return e.n == 0 || call_invalid_kind(c, S("meta.k8s.io"), S("DeleteOptions"), S(""), &e);
}

static bool check_preconditions(struct kube_call *c, const cJSON *options, struct object *o)
{
    struct str uid = json_str(options, "preconditions.uid");
    struct str rv = json_str(options, "preconditions.resourceVersion"), has;

    if (uid.n > 0 && !str_eq(uid, o->uid))
        return call_conflict(c, c->target.kind, o->key.name,
                             "the UID in the precondition (%.*s) does not match the UID in record "
                             "(%.*s). The object might have been deleted and then recreated",
                             STR_ARG(uid), STR_ARG(o->uid));
    has = arena_printf(c->arena, "%lld", (long long)o->rv);
    if (rv.n > 0 && !str_eq(rv, has))
        return call_conflict(
            c, c->target.kind, o->key.name,
            "the ResourceVersion in the precondition (%.*s) does not match the "
            "ResourceVersion in record (%.*s). The object might have been modified",
            STR_ARG(rv), STR_ARG(has));
    return true;
}

/* --- finalizers ------------------------------------------------------------------------- */

static enum policy policy_of(const struct kube_call *c, const cJSON *options)
{
    struct str policy = json_str(options, "propagationPolicy");
    const cJSON *orphan = json_get(options, "orphanDependents");

    if (str_is(policy, "Orphan") || (orphan != NULL && cJSON_IsTrue(orphan)))
        return POLICY_ORPHAN;
    if (str_is(policy, "Foreground"))
        return POLICY_FOREGROUND;
    if (str_is(policy, "Background") || orphan != NULL)
        return POLICY_BACKGROUND;
    if (str_is(c->target.kind->stored, "replicationcontrollers") ||
        str_is(c->target.kind->stored, "batch/jobs"))
        return POLICY_ORPHAN;
    return POLICY_UNTOUCHED;
}

static void set_finalizer(cJSON *doc, struct str name, bool want)
{
    cJSON *list =
        want ? json_need_array(doc, "metadata.finalizers") : json_get(doc, "metadata.finalizers");

    JSON_EACH(item, list)
        if (str_eq(json_text(item), name)) {
            if (!want)
                cJSON_Delete(cJSON_DetachItemViaPointer(list, item));
            return;
        }
    if (want)
        cJSON_AddItemToArray(list, json_new_str(name));
}

static void apply_policy(enum policy policy, cJSON *doc)
{
    if (policy == POLICY_UNTOUCHED)
        return;
    set_finalizer(doc, S("orphan"), policy == POLICY_ORPHAN);
    set_finalizer(doc, S("foregroundDeletion"), policy == POLICY_FOREGROUND);
    if (cJSON_GetArraySize(json_get(doc, "metadata.finalizers")) == 0)
        json_remove(json_get(doc, "metadata"), S("finalizers"));
}

/* --- grace ------------------------------------------------------------------------------ */

/* Seconds that a pod gets to end; 0: it goes at once. */
static int64_t grace_of(const cJSON *options, const cJSON *pod)
{
    struct str phase = json_str(pod, "status.phase");
    int64_t grace = json_int(options, "gracePeriodSeconds",
                             json_int(pod, "spec.terminationGracePeriodSeconds", 30));

    if (json_str(pod, "spec.nodeName").n == 0 || str_is(phase, "Succeeded") ||
        str_is(phase, "Failed"))
        return 0;
    return grace < 0 ? 1 : grace;
}

static void mark_deleted(struct kube_call *c, cJSON *doc, int64_t grace)
{
    cJSON *metadata = json_need_object(doc, "metadata");
    int64_t generation = json_int(metadata, "generation", 0);

    json_put_str(metadata, S("deletionTimestamp"),
                 clock_rfc3339(c->arena, clock_now(c->kube->clock) + grace * 1000));
    json_put_int(metadata, S("deletionGracePeriodSeconds"), grace);
    if (generation > 0)
        json_put_int(metadata, S("generation"), generation + 1);
}

/* What a namespace shows while it empties. */
static void mark_namespace(cJSON *doc)
{
    json_put_str(json_need_object(doc, "status"), S("phase"), S("Terminating"));
}

/* --- one object --------------------------------------------------------------------------- */

/* The object after the deletion began or was done; NULL: refused. *ret_gone: it is removed. */
static struct object *delete_one(struct kube_call *c, struct object *o, const cJSON *options,
                                 bool *ret_gone)
{
    cJSON *doc = call_own(c, object_copy_doc(o));
    bool marked = json_str(doc, "metadata.deletionTimestamp").n > 0;
    bool pod = str_is(o->key.resource, "pods"), ns = str_is(o->key.resource, "namespaces");
    int64_t grace = pod ? grace_of(options, doc) : 0;
    bool held;

    *ret_gone = false;
    apply_policy(policy_of(c, options), doc);
    held = cJSON_GetArraySize(json_get(doc, "metadata.finalizers")) > 0 ||
           (ns && cJSON_GetArraySize(json_get(doc, "spec.finalizers")) > 0);
    if (grace == 0 && !held) {
        *ret_gone = true;
        return write_remove(c, o);
    }
    if (ns)
        mark_namespace(doc);
    /* A second deletion may only shorten the grace. */
    if (!marked || (pod && grace < json_int(doc, "metadata.deletionGracePeriodSeconds", 0)))
        mark_deleted(c, doc, grace);
    return write_keep(c, o, o->key, doc);
}

static bool answers_itself(const struct kind *k)
{
    return (k->flags & KIND_ANSWERS_SELF) != 0;
}

static void answer_gone(struct kube_call *c, struct object *o)
{
    cJSON *status = cJSON_CreateObject(), *details;

    json_put_str(status, S("kind"), S("Status"));
    json_put_str(status, S("apiVersion"), S("v1"));
    json_put(status, S("metadata"), cJSON_CreateObject());
    json_put_str(status, S("status"), S("Success"));
    details = json_need_object(status, "details");
    json_put_str(details, S("name"), o->key.name);
    if (c->target.kind->group.n > 0)
        json_put_str(details, S("group"), c->target.kind->group);
    json_put_str(details, S("kind"), c->target.kind->plural);
    json_put_str(details, S("uid"), o->uid);
    c->form = FORM_JSON;
    call_answer_doc(c, 200, status);
}

static void warn_of_orphans(struct kube_call *c, const cJSON *options)
{
    if (str_is(c->target.kind->stored, "batch/jobs") &&
        json_get(options, "propagationPolicy") == NULL &&
        json_get(options, "orphanDependents") == NULL)
        call_warn(c, S("child pods are preserved by default when jobs are deleted; set "
                       "propagationPolicy=Background to remove them or set "
                       "propagationPolicy=Orphan to suppress this warning"));
}

void kube_delete(struct kube_call *c)
{
    struct object *o =
        cluster_get(c->cluster, c->target.kind->stored, c->target.ns, c->target.name);
    cJSON *options = read_options(c);
    bool gone;

    if (options == NULL || !check_policy(c, options))
        return;
    if (o == NULL) {
        (void)call_not_found(c, c->target.kind, c->target.name);
        return;
    }
    if (!check_preconditions(c, options, o) || !admission_delete(c, o))
        return;
    warn_of_orphans(c, options);
    o = delete_one(c, o, options, &gone);
    if (o == NULL) {
        if (c->state == CALL_DOC && c->status == 200 && c->query.dry_run)
            json_put_str(c->doc, S("kind"), c->target.kind->kind);
        return;
    }
    if (gone && !answers_itself(c->target.kind))
        answer_gone(c, o);
    else
        call_answer_object(c, 200, o);
}

void kube_delete_collection(struct kube_call *c)
{
    cJSON *options = read_options(c);
    struct kube_filter filter;
    struct object_list list, done = {0};
    struct buf *b = &c->bytes;
    bool gone;

    if (options == NULL || !check_policy(c, options) || !filter_read(c, &filter))
        return;
    list = object_list(c->kube->objects, c->arena, c->cluster->options.name, c->target.kind->stored,
                       filter.ns);
    done.at = arena_array(c->arena, list.n + 1, sizeof *done.at);
    for (size_t i = 0; i < list.n; i++) {
        if (!filter_matches(&filter, list.at[i]))
            continue;
        if (!admission_delete(c, list.at[i]))
            return;
        done.at[done.n] = delete_one(c, list.at[i], options, &gone);
        if (done.at[done.n] == NULL && c->status >= 400)
            return;
        if (done.at[done.n] == NULL)
            done.at[done.n] = list.at[i]; /* a dry run */
        done.n++;
    }
    *b = buf_init(LARGEST_ANSWER);
    buf_printf(b,
               "{\"kind\":\"%.*sList\",\"apiVersion\":\"%.*s\",\"metadata\":{"
               "\"resourceVersion\":\"%lld\"},\"items\":[",
               STR_ARG(c->target.kind->kind), STR_ARG(kind_api_version(c->target.kind, c->arena)),
               (long long)objects_rv(c->kube->objects));
    for (size_t i = 0; i < done.n; i++) {
        if (i > 0)
            buf_char(b, ',');
        answer_write_object(b, c->target.kind, done.at[i]);
    }
    buf_add(b, S("]}"));
    call_answer_raw(c, 200, S("application/json"), buf_str(b));
}

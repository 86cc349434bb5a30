/* Which pods go to Fargate: those that a profile selects when they are made.
 * Source: Amazon EKS User Guide, "Define which Pods use AWS Fargate when launched". */
#include "kube/admission_plugins.h"

#include "auth/pattern.h"
#include "store/eks.h"

#define PROFILE_LABEL "eks.amazonaws.com/fargate-profile"

static bool has_label(const cJSON *labels, struct str key, struct str value)
{
    JSON_EACH(label, labels)
        if (pattern_matches(key, str_c(label->string), false) &&
            pattern_matches(value, json_text(label), false))
            return true;
    return false;
}

/* One selector: the namespace, and every label of it. */
static bool selects(const cJSON *selector, struct str ns, const cJSON *labels)
{
    if (!pattern_matches(json_str(selector, "namespace"), ns, false))
        return false;
    JSON_EACH(wanted, json_get(selector, "labels"))
        if (!has_label(labels, str_c(wanted->string), json_text(wanted)))
            return false;
    return true;
}

static bool profile_selects(const struct fargate_profile *p, struct str ns, const cJSON *labels)
{
    CLEANUP(json_freep) cJSON *selectors = json_parse(p->selectors, NULL);

    JSON_EACH(selector, selectors)
        if (selects(selector, ns, labels))
            return true;
    return false;
}

/* What is never taken: pods of DaemonSets, and those that say they want an instance. */
static bool is_exempt(const cJSON *doc)
{
    struct str type = json_text(
        json_member(json_get(doc, "metadata.annotations"), S("eks.amazonaws.com/compute-type")));

    if (str_is(type, "ec2"))
        return true;
    JSON_EACH(owner, json_get(doc, "metadata.ownerReferences"))
        if (str_is(json_str(owner, "kind"), "DaemonSet"))
            return true;
    return false;
}

static const struct fargate_profile *choose(const struct fargate_profile *first, struct str ns,
                                            const cJSON *labels)
{
    struct str named = json_text(json_member(labels, S(PROFILE_LABEL)));
    const struct fargate_profile *best = NULL;

    for (const struct fargate_profile *p = first; p != NULL; p = p->next) {
        if (!str_is(p->status, "ACTIVE") || (named.n > 0 && !str_eq(named, p->name)) ||
            !profile_selects(p, ns, labels))
            continue;
        if (best == NULL || str_cmp(p->name, best->name) < 0)
            best = p;
    }
    return best;
}

bool admit_fargate(struct kube_call *c, cJSON *doc)
{
    cJSON *spec = json_need_object(doc, "spec");
    struct fargate_profile *first = NULL;
    const struct fargate_profile *p;
    int r;

    if (is_exempt(doc) || json_str(spec, "nodeName").n > 0)
        return true;
    r = fargate_profile_list(c->kube->store, c->arena, c->cluster->options.name, &first);
    if (r < 0)
        return call_store_failed(c, r);
    p = choose(first, c->target.ns, json_get(doc, "metadata.labels"));
    if (p == NULL)
        return true;
    json_put_str(json_need_object(doc, "metadata.labels"), S(PROFILE_LABEL), p->name);
    json_put_str(spec, S("schedulerName"), S("fargate-scheduler"));
    json_put_str(spec, S("priorityClassName"), S("system-node-critical"));
    json_put_int(spec, S("priority"), 2000001000);
    return true;
}

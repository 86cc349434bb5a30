/* The order of StatefulSets. */
#include "loops/statefulset_plan.h"

/* Whether a pod that is made now at index @i is of the newest template. */
static bool made_fresh(const struct stateful_plan *p, size_t i)
{
    if (p->on_delete)
        return true;
    return i >= (p->has_partition ? p->partition : p->current_replicas);
}

/* The wanted pods in order; true when the next step has to wait. */
static bool fill_up(struct stateful_plan *p)
{
    for (size_t i = 0; i < p->wanted_n; i++) {
        struct stateful_pod *pod = &p->wanted[i];

        if (pod->exists && pod->over && !pod->terminating)
            pod->drop = true;
        if (!pod->exists || (pod->over && !pod->terminating)) {
            pod->make = true;
            pod->make_fresh = made_fresh(p, i);
            if (!p->parallel)
                return true;
            continue;
        }
        if (!p->parallel && (pod->terminating || !pod->healthy))
            return true;
    }
    return false;
}

/* The pods beyond the wanted ones, the last first. */
static bool scale_down(struct stateful_plan *p)
{
    for (size_t i = p->extra_n; i-- > 0;) {
        struct stateful_pod *pod = &p->extra[i];

        if (pod->terminating) {
            if (!p->parallel)
                return true;
            continue;
        }
        pod->drop = true;
        if (!p->parallel)
            return true;
    }
    return false;
}

/* Pods of old templates, the last first, one at a time. */
static void roll(struct stateful_plan *p)
{
    size_t least = p->has_partition ? p->partition : 0;

    for (size_t i = p->wanted_n; i-- > least;) {
        struct stateful_pod *pod = &p->wanted[i];

        if (!pod->exists || pod->make)
            return;
        if (!pod->fresh && !pod->terminating) {
            pod->drop = true;
            return;
        }
        if (!pod->healthy)
            return;
    }
}

void statefulset_plan(struct stateful_plan *p)
{
    if (p->deleting || fill_up(p) || scale_down(p) || p->on_delete)
        return;
    roll(p);
}

/* The rules of DaemonSets. */
#include "loops/daemonset_plan.h"

#include "loops/scheduler_plan.h"

enum daemon_verdict daemon_verdict(const cJSON *pod, struct str node, struct labels labels,
                                   const cJSON *taints)
{
    const cJSON *taint = untolerated_taint(taints, pod);

    if (!node_selected(pod, node, labels))
        return DAEMON_GOES;
    if (taint == NULL)
        return DAEMON_WANTED;
    return str_is(json_str(taint, "effect"), "NoExecute") ? DAEMON_GOES : DAEMON_STAYS;
}

/* The pods of one node, sorted into those that count. */
struct daemon_node {
    struct daemon_pod *fresh, *old; /* the oldest living one of each */
    size_t deleting;
};

/* Of two that do the same, the one that is available stays, then the older one. */
static struct daemon_pod *better(struct daemon_pod *a, struct daemon_pod *b)
{
    if (a == NULL)
        return b;
    if (a->available != b->available)
        return a->available ? a : b;
    return a->created <= b->created ? a : b;
}

static struct daemon_node look_at(const struct daemon_plan *p, size_t node)
{
    struct daemon_node n = {0};

    for (size_t i = 0; i < p->pods_n; i++) {
        struct daemon_pod *pod = &p->pods[i];

        if (pod->node != node)
            continue;
        if (pod->deleting) {
            n.deleting++;
        } else if (pod->over) {
            pod->doomed = true;
            pod->say_failed = pod->failed;
        } else if (pod->fresh) {
            n.fresh = better(n.fresh, pod);
        } else {
            n.old = better(n.old, pod);
        }
    }
    return n;
}

static void doom_all(const struct daemon_plan *p, size_t node)
{
    for (size_t i = 0; i < p->pods_n; i++)
        p->pods[i].doomed |= p->pods[i].node == node && !p->pods[i].deleting;
}

/* More than one of a kind on one node: the worse ones go. */
static void doom_extra(const struct daemon_plan *p, size_t node, const struct daemon_node *n)
{
    for (size_t i = 0; i < p->pods_n; i++) {
        struct daemon_pod *pod = &p->pods[i];

        if (pod->node == node && !pod->deleting && pod != n->fresh && pod != n->old)
            pod->doomed = true;
    }
}

/* How many wanted nodes have no available pod, counting what this plan removes. */
static int64_t count_unavailable(const struct daemon_plan *p, const struct daemon_node *nodes)
{
    int64_t unavailable = 0;

    for (size_t i = 0; i < p->nodes_n; i++)
        if (p->nodes[i] == DAEMON_WANTED)
            unavailable += !((nodes[i].fresh != NULL && nodes[i].fresh->available) ||
                             (nodes[i].old != NULL && nodes[i].old->available));
    return unavailable;
}

/* Without surge: old pods that are of no use go at once, the others as far as may be missing. */
static void roll_by_deletion(const struct daemon_plan *p, struct daemon_node *nodes)
{
    int64_t room = p->max_unavailable - count_unavailable(p, nodes);

    for (size_t i = 0; i < p->nodes_n; i++) {
        struct daemon_pod *old = nodes[i].old;

        if (old == NULL || nodes[i].fresh != NULL || p->nodes[i] != DAEMON_WANTED)
            continue;
        if (!old->available) {
            old->doomed = true;
        } else if (room > 0) {
            old->doomed = true;
            room--;
        }
    }
}

/* With surge: new pods beside old ones, which go when the new ones are available. */
static void roll_by_surge(const struct daemon_plan *p, struct daemon_node *nodes)
{
    int64_t room = p->max_surge;

    for (size_t i = 0; i < p->nodes_n; i++)
        room -= nodes[i].old != NULL && nodes[i].fresh != NULL;
    for (size_t i = 0; i < p->nodes_n; i++) {
        struct daemon_pod *old = nodes[i].old;

        if (old == NULL || p->nodes[i] != DAEMON_WANTED)
            continue;
        if (nodes[i].fresh != NULL) {
            old->doomed = nodes[i].fresh->available;
        } else if (!old->available) {
            p->create[i] = true;
        } else if (room > 0) {
            p->create[i] = true;
            room--;
        }
    }
}

void daemonset_plan(struct arena *a, struct daemon_plan *p)
{
    struct daemon_node *nodes = arena_array(a, p->nodes_n, sizeof *nodes);

    p->create = arena_array(a, p->nodes_n, sizeof *p->create);
    for (size_t i = 0; i < p->nodes_n; i++) {
        nodes[i] = look_at(p, i);
        if (p->nodes[i] == DAEMON_GOES) {
            doom_all(p, i);
            nodes[i] = (struct daemon_node){0};
            continue;
        }
        doom_extra(p, i, &nodes[i]);
        if (nodes[i].fresh != NULL && nodes[i].old != NULL && p->max_surge == 0)
            nodes[i].old->doomed = true;
        p->create[i] = p->nodes[i] == DAEMON_WANTED && nodes[i].fresh == NULL &&
                       nodes[i].old == NULL && nodes[i].deleting == 0;
    }
    if (p->on_delete)
        return;
    if (p->max_surge > 0)
        roll_by_surge(p, nodes);
    else
        roll_by_deletion(p, nodes);
}

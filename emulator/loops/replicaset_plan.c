/* The order of deletion. */
#include "loops/replicaset_plan.h"

#include <stdlib.h>

static int order(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare(const void *left, const void *right)
{
    const struct rank_pod *a = left, *b = right;
    const int orders[] = {
        order(a->assigned, b->assigned),       /* unassigned first */
        order(a->phase, b->phase),             /* Pending, Unknown, Running */
        order(a->ready, b->ready),             /* not ready first */
        order(a->cost, b->cost),               /* cheap first */
        order(b->same_node, a->same_node),     /* from crowded nodes first */
        order(b->ready_since, a->ready_since), /* ready for a short time first */
        order(b->restarts, a->restarts),       /* many restarts first */
        order(b->created, a->created),         /* new ones first */
        order((int64_t)a->index, (int64_t)b->index),
    };

    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        if (orders[i] != 0)
            return orders[i];
    return 0;
}

void rank_for_deletion(struct rank_pod *pods, size_t n)
{
    if (n > 1)
        qsort(pods, n, sizeof *pods, compare);
}

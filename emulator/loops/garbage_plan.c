/* The garbage collector's rules. */
#include "loops/garbage_plan.h"

static size_t count(const struct garbage_view *v, enum owner_state state)
{
    size_t n = 0;

    for (size_t i = 0; i < v->owners_n; i++)
        n += v->owners[i] == state;
    return n;
}

/* Of an object that is being deleted: what its finalizers ask for. */
static enum garbage_action finish(const struct garbage_view *v)
{
    if (v->orphan)
        return GARBAGE_ORPHAN_DEPENDENTS;
    if (!v->foreground)
        return GARBAGE_NONE;
    return v->blocking_dependents > 0 ? GARBAGE_DELETE_DEPENDENTS : GARBAGE_END_FOREGROUND;
}

enum garbage_action garbage_plan(const struct garbage_view *v)
{
    size_t living = count(v, OWNER_LIVES);

    if (v->deleting)
        return finish(v);
    if (v->owners_n == 0 || living == v->owners_n)
        return GARBAGE_NONE;
    if (living > 0)
        return GARBAGE_DROP_REFS;
    if (count(v, OWNER_WAITING) > 0 && v->dependents > 0)
        return v->dependent_waits ? GARBAGE_UNBLOCK : GARBAGE_DELETE_FOREGROUND;
    if (v->orphan)
        return GARBAGE_DELETE_ORPHAN;
    return v->foreground ? GARBAGE_DELETE_FOREGROUND : GARBAGE_DELETE;
}

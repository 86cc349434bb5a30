/* What the garbage collector does about an object, from what is known of its owners and dependents.
 * Pure. Source: kubernetes-api.md §6.3 (GC); pkg/controller/garbagecollector, attemptToDeleteItem.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum owner_state {
    OWNER_LIVES,   /* and keeps its dependents */
    OWNER_GONE,    /* there is none of this uid, kind and name where it should be */
    OWNER_WAITING, /* is being deleted in the foreground: it waits for its dependents */
};

struct garbage_view {
    const enum owner_state *owners;
    size_t owners_n;
    bool deleting;              /* a deletion timestamp is set */
    bool foreground, orphan;    /* finalizers */
    size_t dependents;          /* that there are */
    size_t blocking_dependents; /* of these with blockOwnerDeletion */
    bool dependent_waits;       /* one of them is deleted in the foreground itself: a circle */
};

enum garbage_action {
    GARBAGE_NONE,
    GARBAGE_DROP_REFS,         /* drop the references to owners that are not OWNER_LIVES */
    GARBAGE_DELETE,            /* in the background */
    GARBAGE_DELETE_FOREGROUND, /* it has dependents and its owner waits */
    GARBAGE_DELETE_ORPHAN,     /* its own wish, said by the finalizer */
    GARBAGE_UNBLOCK,           /* as GARBAGE_DELETE_FOREGROUND, and nobody is to wait for it */
    GARBAGE_DELETE_DEPENDENTS, /* it waits for them: look at each */
    GARBAGE_END_FOREGROUND,    /* nothing blocks it any more: its finalizer goes */
    GARBAGE_ORPHAN_DEPENDENTS, /* they forget it, then its finalizer goes */
};

enum garbage_action garbage_plan(const struct garbage_view *v);

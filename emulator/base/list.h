/* A doubly linked list whose links are members of the objects (no memory of its own).
 * The head is a link too; an empty head points at itself. */
#pragma once

#include <stdbool.h>

#include "base/macros.h"

struct link {
    struct link *next, *prev;
};

static inline void list_init(struct link *head)
{
    head->next = head->prev = head;
}

static inline bool list_empty(const struct link *head)
{
    return head->next == head;
}

static inline void list_append(struct link *head, struct link *l)
{
    l->prev = head->prev;
    l->next = head;
    head->prev->next = l;
    head->prev = l;
}

static inline void list_prepend(struct link *head, struct link *l)
{
    list_append(head->next, l);
}

/* Takes @l out of its list; harmless when it is in none (zeroed, or removed before). */
static inline void list_remove(struct link *l)
{
    if (l->next == NULL)
        return;
    l->prev->next = l->next;
    l->next->prev = l->prev;
    l->next = l->prev = NULL;
}

/* Walks @head; the current object may be removed meanwhile.
 * LIST_EACH(struct watch, w, &server->watches, link) */
#define LIST_EACH(type, var, head, member)                                                       \
    for (struct link *at_##var = (head)->next, *next_##var = at_##var->next; at_##var != (head); \
         at_##var = next_##var, next_##var = at_##var->next)                                     \
        for (type *var = container_of(at_##var, type, member); var != NULL; var = NULL)

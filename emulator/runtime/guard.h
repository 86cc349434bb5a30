/* A small process that outlives a killed server for a moment: it knows the process groups of the
 * running containers, and when the server is gone, however it died, it ends them. */
#pragma once

#include <sys/types.h>

struct guard;

/* Forks it. NULL when that failed (logged): containers then may outlive a killed server. */
struct guard *guard_new(void);

/* A group to end with the server, and one that has ended by itself. NULL is fine. */
void guard_add(struct guard *g, pid_t group);
void guard_remove(struct guard *g, pid_t group);

/* Ends the guard, and with it every group that is still known. NULL is fine. */
void guard_free(struct guard *g);

/* The fake runtime, for tests: nothing happens but what the test says, and at once. No loop. */
#pragma once

#include "runtime/pod_runtime.h"

struct pod_runtime *fake_runtime_new(const struct runtime_options *o);

/* The running container exits; false when there is none. */
bool fake_runtime_exit(struct pod_runtime *rt, struct str pod_uid, struct str container, int code);

/* It writes to its stdout. */
bool fake_runtime_print(struct pod_runtime *rt, struct str pod_uid, struct str container,
                        struct str text);

/* The ends of the containers that were stopped since the last call; how many there were. */
size_t fake_runtime_finish_stops(struct pod_runtime *rt);

/* The last content put into a volume's file; empty when there is none. */
struct str fake_runtime_file(struct pod_runtime *rt, struct str pod_uid, struct str volume,
                             struct str path);

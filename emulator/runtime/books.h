/* The books that every runtime keeps: pods, their containers and logs. For the files of runtime/
 * only; everybody else includes runtime/pod_runtime.h. */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "runtime/image_catalogue.h"
#include "runtime/pod_runtime.h"

struct runtime_pod;
struct container_slot;

/* How a runtime differs from the others. @c of start is fresh, its base members are set. */
struct pod_runtime_ops {
    const char *name;
    size_t container_size; /* of its container type, whose first member is struct container */
    int (*start)(struct container *c, struct arena *a, const struct container_spec *spec,
                 struct str *ret_why);
    void (*stop)(struct container *c, int64_t grace_ms);
    int (*put_file)(struct pod_runtime *rt, struct runtime_pod *pod, struct str volume,
                    struct str path, struct str content, unsigned mode); /* NULL: no files */
    void (*remove_pod)(struct pod_runtime *rt, struct runtime_pod *pod); /* NULL: nothing to do */
    int (*exec)(struct container *c, struct arena *a, const struct str *argv, size_t argv_n,
                const struct exec_callbacks *callbacks, struct container_exec **ret_exec,
                struct str *ret_why); /* NULL: not possible */
    void (*exec_write)(struct container_exec *e, struct str bytes);
    void (*exec_kill)(struct container_exec *e);
    /* Every container was told to stop at once and has no callbacks any more; call
     * runtime_closed when the loop holds nothing. */
    void (*close)(struct pod_runtime *rt);
};

struct pod_runtime {
    const struct pod_runtime_ops *ops;
    uv_loop_t *loop;
    const struct clock *clock;
    struct fabric *fabric;
    const struct image_catalogue *catalogue;
    struct arena arena; /* what lives as long as the runtime */
    struct str program_folder;
    bool needs_programs; /* an image whose program is missing cannot run */
    struct map pods;     /* struct runtime_pod by uid */
    bool closing;
    void (*on_closed)(void *data);
    void *closed_data;
};

struct runtime_pod {
    struct arena arena;
    struct pod_sandbox sandbox; /* in the arena */
    struct link slots;          /* struct container_slot */
};

/* One container of a pod, over its restarts. */
struct container_slot {
    struct link link;
    struct str name;               /* in the pod's arena */
    struct container *running;     /* NULL between two instances */
    struct container_log *log;     /* of the running or last instance; NULL before the first */
    struct container_log *earlier; /* of the one before */
};

/* One running instance. The first member of each runtime's own container type. */
struct container {
    struct pod_runtime *rt;
    struct runtime_pod *pod;
    struct container_slot *slot;
    const struct image_recipe *recipe;
    struct container_log *log; /* a reference */
    container_exit_cb *on_exit;
    void *data;
};

/* The first member of each runtime's own exec type. */
struct container_exec {
    struct pod_runtime *rt;
    struct exec_callbacks callbacks;
};

/* Fills the common members. */
void runtime_init(struct pod_runtime *rt, const struct pod_runtime_ops *ops,
                  const struct runtime_options *o);

/* The container has ended: closes its log, frees @c, tells the kubelet. */
void container_ended(struct container *c, struct container_exit how);

/* Nothing of the runtime is in the loop any more: frees the books and @rt, tells the owner. */
void runtime_closed(struct pod_runtime *rt);

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
    /* Of containers with a stdin; NULL: there are none. */
    void (*write)(struct container *c, struct str bytes);
    size_t (*unsent)(const struct container *c);
    void (*resize)(struct container *c, uint16_t columns, uint16_t rows);
    const struct exec_ops *exec; /* NULL: nothing can be run beside a container */
    /* Every container was told to stop at once and has no callbacks any more; call
     * runtime_closed when the loop holds nothing. */
    void (*close)(struct pod_runtime *rt);
};

/* Commands beside containers. @e of start is fresh, its base members are set. */
struct exec_ops {
    size_t size; /* of the runtime's exec type, whose first member is struct container_exec */
    int (*start)(struct container_exec *e, struct container *c, struct arena *a,
                 const struct exec_options *o, struct str *ret_why);
    void (*write)(struct container_exec *e, struct str bytes);
    size_t (*unsent)(const struct container_exec *e);
    void (*hold)(struct container_exec *e, bool held);
    void (*resize)(struct container_exec *e, uint16_t columns, uint16_t rows);
    void (*kill)(struct container_exec *e);
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
    struct link joined; /* struct container_exec: attached, or run beside it */
    bool stdin_once;
};

/* The first member of each runtime's own exec type; an attachment is nothing more. */
struct container_exec {
    struct link link; /* the container's */
    struct pod_runtime *rt;
    struct container *attached; /* NULL: a command of its own */
    struct exec_callbacks callbacks;
};

/* Fills the common members. */
void runtime_init(struct pod_runtime *rt, const struct pod_runtime_ops *ops,
                  const struct runtime_options *o);

/* The container wrote: to its log, and to who is attached. */
void container_output(struct container *c, enum log_stream stream, struct str bytes);

/* A command wrote, and has ended: frees @e. */
void exec_output(struct container_exec *e, enum log_stream stream, struct str bytes);
void exec_ended(struct container_exec *e, struct container_exit how);

/* The container that @e joined is gone: an attachment ends with it, a command is killed. */
void exec_container_ended(struct container_exec *e, struct container_exit how);

/* The container has ended: closes its log, ends what joined it, frees @c, tells
 * the kubelet. */
void container_ended(struct container *c, struct container_exit how);

/* Nothing of the runtime is in the loop any more: frees the books and @rt, tells the owner. */
void runtime_closed(struct pod_runtime *rt);

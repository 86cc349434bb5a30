/* What joins a running container: commands run beside it, and who is attached to it. The books of
 * both, and the front of pod_runtime.h's exec part; how a command runs is the runtime's.
 * Ownership: a container_exec is in its container's list until one of both ends; an attachment is
 * freed then, a command when the runtime says that it has ended. */
#include "runtime/books.h"

#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"

static struct container_exec *join(struct container *c, size_t size,
                                   const struct exec_callbacks *callbacks)
{
    struct container_exec *e = xcalloc(size);

    e->rt = c->rt;
    e->callbacks = *callbacks;
    list_append(&c->joined, &e->link);
    return e;
}

int pod_runtime_exec(struct container *c, struct arena *a, const struct exec_options *o,
                     const struct exec_callbacks *callbacks, struct container_exec **ret_exec,
                     struct str *ret_why)
{
    const struct exec_ops *ops = c->rt->ops->exec;
    struct container_exec *e;
    int r;

    if (ops == NULL || o->argv_n == 0 || c->recipe->run == IMAGE_STATIC || c->rt->closing) {
        *ret_why = S("nothing runs in this container that a command could be run beside");
        return -ENOTSUP;
    }
    e = join(c, ops->size, callbacks);
    r = ops->start(e, c, a, o, ret_why);
    if (r < 0) {
        list_remove(&e->link);
        free(e);
        return r;
    }
    *ret_exec = e;
    return 0;
}

struct container_exec *pod_runtime_attach(struct container *c,
                                          const struct exec_callbacks *callbacks)
{
    struct container_exec *e = join(c, sizeof *e, callbacks);

    e->attached = c;
    return e;
}

/* --- what comes from below ---------------------------------------------------------------- */

void exec_output(struct container_exec *e, enum log_stream stream, struct str bytes)
{
    if (e->callbacks.on_output != NULL)
        e->callbacks.on_output(e->callbacks.data, stream, bytes);
}

void exec_ended(struct container_exec *e, struct container_exit how)
{
    struct exec_callbacks callbacks = e->callbacks;

    list_remove(&e->link);
    free(e);
    if (callbacks.on_exit != NULL)
        callbacks.on_exit(callbacks.data, &how);
}

void exec_container_ended(struct container_exec *e, struct container_exit how)
{
    list_remove(&e->link);
    if (e->attached != NULL)
        exec_ended(e, how);
    else
        e->rt->ops->exec->kill(e);
}

/* --- what comes from above ---------------------------------------------------------------- */

void container_exec_write(struct container_exec *e, struct str bytes)
{
    if (e->attached == NULL)
        e->rt->ops->exec->write(e, bytes);
    else if (e->rt->ops->write != NULL && (bytes.n > 0 || e->attached->stdin_once))
        e->rt->ops->write(e->attached, bytes);
}

size_t container_exec_unsent(const struct container_exec *e)
{
    if (e->attached == NULL)
        return e->rt->ops->exec->unsent(e);
    return e->rt->ops->unsent == NULL ? 0 : e->rt->ops->unsent(e->attached);
}

void container_exec_hold(struct container_exec *e, bool held)
{
    if (e->attached == NULL)
        e->rt->ops->exec->hold(e, held);
}

void container_exec_resize(struct container_exec *e, uint16_t columns, uint16_t rows)
{
    if (e->attached == NULL)
        e->rt->ops->exec->resize(e, columns, rows);
    else if (e->rt->ops->resize != NULL)
        e->rt->ops->resize(e->attached, columns, rows);
}

void container_exec_kill(struct container_exec *e)
{
    if (e->attached == NULL)
        e->rt->ops->exec->kill(e);
}

void container_exec_release(struct container_exec *e)
{
    e->callbacks = (struct exec_callbacks){0};
    if (e->attached == NULL) {
        e->rt->ops->exec->kill(e);
        return;
    }
    if (e->attached->stdin_once && e->rt->ops->write != NULL)
        e->rt->ops->write(e->attached, (struct str){0});
    list_remove(&e->link);
    free(e);
}

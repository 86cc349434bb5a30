/* The books of every runtime, and the front of pod_runtime.h: looks up, then hands to the runtime's
 * own operations. Owns pods, slots and (between start and container_ended) containers. */
#include "runtime/books.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/sha.h"

enum { LOG_CAP = 1 << 20 }; /* bytes of log kept for an instance */

/* Where the running program lies; empty when the system does not tell. */
static struct str own_folder(struct arena *a)
{
    char path[PATH_MAX] = "";
    size_t n = sizeof path;

    if (uv_exepath(path, &n) < 0)
        return (struct str){0};
    return arena_str(a, str_first(str_n(path, n), str_rchr(str_n(path, n), '/')));
}

void runtime_init(struct pod_runtime *rt, const struct pod_runtime_ops *ops,
                  const struct runtime_options *o)
{
    rt->ops = ops;
    rt->loop = o->loop;
    rt->clock = o->clock;
    rt->fabric = o->fabric;
    rt->catalogue = o->catalogue;
    rt->program_folder =
        o->program_folder.n > 0 ? arena_str(&rt->arena, o->program_folder) : own_folder(&rt->arena);
}

const char *pod_runtime_name(const struct pod_runtime *rt)
{
    return rt->ops->name;
}

/* --- pods ------------------------------------------------------------------------------- */

static struct runtime_pod *find_pod(const struct pod_runtime *rt, struct str uid)
{
    return map_get(&rt->pods, uid);
}

int pod_runtime_add_pod(struct pod_runtime *rt, const struct pod_sandbox *pod)
{
    struct runtime_pod *p = find_pod(rt, pod->uid);

    if (p != NULL)
        return 0;
    p = xcalloc(sizeof *p);
    p->sandbox = (struct pod_sandbox){
        .uid = arena_str(&p->arena, pod->uid),
        .namespace = arena_str(&p->arena, pod->namespace),
        .name = arena_str(&p->arena, pod->name),
        .address = arena_str(&p->arena, pod->address),
        .kube_host = arena_str(&p->arena, pod->kube_host),
        .kube_port = pod->kube_port,
    };
    list_init(&p->slots);
    (void)map_put(&rt->pods, p->sandbox.uid, p);
    return 0;
}

bool pod_runtime_has_pod(const struct pod_runtime *rt, struct str uid)
{
    return find_pod(rt, uid) != NULL;
}

static void free_slot(struct container_slot *s)
{
    list_remove(&s->link);
    container_log_unref(s->log);
    container_log_unref(s->earlier);
    free(s);
}

static void free_pod(struct runtime_pod *p)
{
    LIST_EACH(struct container_slot, s, &p->slots, link)
        free_slot(s);
    arena_free(&p->arena);
    free(p);
}

void pod_runtime_remove_pod(struct pod_runtime *rt, struct str uid)
{
    struct runtime_pod *p = map_remove(&rt->pods, uid);

    if (p == NULL)
        return;
    if (rt->ops->remove_pod != NULL)
        rt->ops->remove_pod(rt, p);
    free_pod(p);
}

static bool is_inside(struct str path)
{
    struct str part;

    if (path.n == 0 || path.at[0] == '/')
        return false;
    while (str_next(&path, '/', &part))
        if (part.n == 0 || str_is(part, "..") || str_is(part, "."))
            return false;
    return true;
}

int pod_runtime_put_file(struct pod_runtime *rt, struct str uid, struct str volume, struct str path,
                         struct str content, unsigned mode)
{
    struct runtime_pod *p = find_pod(rt, uid);

    if (p == NULL || !is_inside(volume) || !is_inside(path))
        return -EINVAL;
    return rt->ops->put_file == NULL ? 0 : rt->ops->put_file(rt, p, volume, path, content, mode);
}

/* --- images ----------------------------------------------------------------------------- */

static struct str missing_program(struct arena *a, const struct image_recipe *r)
{
    if (r->package.n > 0)
        return arena_printf(a,
                            "%.*s is not on this machine; install the package %.*s, or name "
                            "another program with --image %.*s=PATH",
                            STR_ARG(r->program), STR_ARG(r->package), STR_ARG(r->pattern));
    return arena_printf(a, "%.*s is not on this machine; name a program with --image %.*s=PATH",
                        STR_ARG(r->program), STR_ARG(r->pattern));
}

enum pull_result pod_runtime_pull(struct pod_runtime *rt, struct arena *a, struct str image,
                                  struct pulled_image *ret_image)
{
    const struct image_recipe *recipe;
    uint8_t digest[SHA256_BYTES];

    *ret_image = (struct pulled_image){0};
    if (!image_name_normalise(a, image, &ret_image->name)) {
        ret_image->why = arena_printf(a,
                                      "Failed to apply default image tag \"%.*s\": couldn't parse "
                                      "image name \"%.*s\": invalid reference format",
                                      STR_ARG(image), STR_ARG(image));
        return PULL_INVALID;
    }
    recipe = image_catalogue_find(rt->catalogue, ret_image->name);
    if (recipe == NULL) {
        ret_image->why = image_unknown_message(rt->catalogue, a, ret_image->name);
        return PULL_UNKNOWN;
    }
    sha256(ret_image->name, digest);
    ret_image->digest =
        arena_printf(a, "sha256:%.*s", STR_ARG(hex_encode(a, digest, sizeof digest)));
    /* some megabytes, the same for the same name */
    ret_image->bytes = 20000000 + digest[0] * 65536 + digest[1] * 256 + digest[2];
    if (!rt->needs_programs || recipe->run != IMAGE_PROGRAM ||
        image_find_program(a, recipe->program, rt->program_folder) != NULL)
        return PULL_OK;
    ret_image->why = missing_program(a, recipe);
    return PULL_BROKEN;
}

/* --- containers ------------------------------------------------------------------------- */

static struct container_slot *find_slot(const struct runtime_pod *p, struct str name)
{
    LIST_EACH(struct container_slot, s, &p->slots, link)
        if (str_eq(s->name, name))
            return s;
    return NULL;
}

static struct container_slot *need_slot(struct runtime_pod *p, struct str name)
{
    struct container_slot *s = find_slot(p, name);

    if (s != NULL)
        return s;
    s = xcalloc(sizeof *s);
    s->name = arena_str(&p->arena, name);
    list_append(&p->slots, &s->link);
    return s;
}

/* The instance that starts now writes to a log of its own. */
static void turn_log(struct container_slot *s, const struct clock *clock)
{
    container_log_unref(s->earlier);
    s->earlier = s->log;
    s->log = container_log_new(clock, LOG_CAP);
}

int pod_runtime_start(struct pod_runtime *rt, struct arena *a, const struct container_spec *spec,
                      container_exit_cb *on_exit, void *data, struct container **ret_container,
                      struct str *ret_why)
{
    struct runtime_pod *p = find_pod(rt, spec->pod_uid);
    const struct image_recipe *recipe = NULL;
    struct container_slot *slot;
    struct container *c;
    struct str name;
    int r;

    if (p != NULL && image_name_normalise(a, spec->image, &name))
        recipe = image_catalogue_find(rt->catalogue, name);
    if (recipe == NULL || rt->closing) {
        *ret_why = S("the image was not pulled");
        return -EINVAL;
    }
    slot = need_slot(p, spec->name);
    if (slot->running != NULL) {
        *ret_why = S("the container runs already");
        return -EBUSY;
    }
    turn_log(slot, rt->clock);
    c = xcalloc(rt->ops->container_size);
    *c = (struct container){.rt = rt,
                            .pod = p,
                            .slot = slot,
                            .recipe = recipe,
                            .log = container_log_ref(slot->log),
                            .on_exit = on_exit,
                            .data = data,
                            .stdin_once = spec->stdin_once};
    list_init(&c->joined);
    r = rt->ops->start(c, a, spec, ret_why);
    if (r < 0) {
        container_log_end(c->log);
        container_log_unref(c->log);
        free(c);
        return r;
    }
    slot->running = c;
    *ret_container = c;
    return 0;
}

void pod_runtime_stop(struct container *c, int64_t grace_ms)
{
    c->rt->ops->stop(c, grace_ms);
}

void pod_runtime_detach(struct container *c)
{
    c->on_exit = NULL;
}

bool container_is_real(const struct container *c)
{
    return c->rt->needs_programs && c->recipe->run != IMAGE_STATIC;
}

void container_output(struct container *c, enum log_stream stream, struct str bytes)
{
    container_log_add(c->log, stream, bytes);
    LIST_EACH(struct container_exec, e, &c->joined, link)
        if (e->attached != NULL)
            exec_output(e, stream, bytes);
}

void container_ended(struct container *c, struct container_exit how)
{
    container_exit_cb *on_exit = c->on_exit;
    void *data = c->data;

    while (!list_empty(&c->joined))
        exec_container_ended(container_of(c->joined.next, struct container_exec, link), how);
    container_log_end(c->log);
    container_log_unref(c->log);
    c->slot->running = NULL;
    free(c);
    if (on_exit != NULL)
        on_exit(data, &how);
}

struct container_log *pod_runtime_log(struct pod_runtime *rt, struct str pod_uid,
                                      struct str container, bool previous)
{
    const struct runtime_pod *p = find_pod(rt, pod_uid);
    const struct container_slot *s = p == NULL ? NULL : find_slot(p, container);

    if (s == NULL)
        return NULL;
    return previous ? s->earlier : s->log;
}

struct container *pod_runtime_find(struct pod_runtime *rt, struct str pod_uid, struct str container)
{
    const struct runtime_pod *p = find_pod(rt, pod_uid);
    const struct container_slot *s = p == NULL ? NULL : find_slot(p, container);

    return s == NULL ? NULL : s->running;
}

bool pod_runtime_locate(const struct pod_runtime *rt, struct str pod_uid, uint16_t port,
                        struct sockaddr_in *ret_where)
{
    const struct runtime_pod *p = find_pod(rt, pod_uid);
    uint32_t address;

    return p != NULL && rt->fabric != NULL && fabric_parse_address(p->sandbox.address, &address) &&
           fabric_locate(rt->fabric, address, port, ret_where);
}

/* --- the end ---------------------------------------------------------------------------- */

void pod_runtime_close(struct pod_runtime *rt, void (*on_closed)(void *data), void *data)
{
    const struct map_entry *e;
    size_t at = 0;

    if (rt == NULL)
        return;
    rt->closing = true;
    rt->on_closed = on_closed;
    rt->closed_data = data;
    while ((e = map_next(&rt->pods, &at)) != NULL) {
        const struct runtime_pod *p = e->value;

        LIST_EACH(struct container_slot, s, &p->slots, link) {
            if (s->running == NULL)
                continue;
            s->running->on_exit = NULL;
            rt->ops->stop(s->running, 0);
        }
    }
    rt->ops->close(rt);
}

void runtime_closed(struct pod_runtime *rt)
{
    void (*on_closed)(void *data) = rt->on_closed;
    void *data = rt->closed_data;
    struct map_entry *e;
    size_t at = 0;

    while ((e = map_next(&rt->pods, &at)) != NULL) {
        struct runtime_pod *p = e->value;

        if (rt->ops->remove_pod != NULL)
            rt->ops->remove_pod(rt, p);
        free_pod(p);
    }
    map_free(&rt->pods);
    arena_free(&rt->arena);
    free(rt);
    if (on_closed != NULL)
        on_closed(data);
}

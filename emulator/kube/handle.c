/* The way of a request: who, what, may they, do it, answer.
 * Source: Kubernetes "Controlling Access to the Kubernetes API". */
#include <assert.h>

#include "kube/answer.h"
#include "kube/authn.h"
#include "kube/authz.h"
#include "kube/delete.h"
#include "kube/patch.h"
#include "kube/paths.h"
#include "kube/read.h"
#include "kube/reviews.h"
#include "kube/routes.h"
#include "kube/subresources.h"
#include "kube/watch.h"
#include "kube/write.h"
#include "kube/writer.h"

static const struct {
    const char *verb;
    void (*handle)(struct kube_call *c);
    bool in_part; /* subresources that are parts of the object have it too */
} verbs[] = {
    {"get",              kube_get,               true },
    {"list",             kube_list,              false},
    {"watch",            kube_watch,             false},
    {"create",           kube_create,            false},
    {"update",           kube_update,            true },
    {"patch",            kube_patch,             true },
    {"delete",           kube_delete,            false},
    {"deletecollection", kube_delete_collection, false},
};

static bool has_word(const char *words, struct str word)
{
    struct str rest = str_c(words), one;

    while (str_next(&rest, ' ', &one))
        if (str_eq(one, word))
            return true;
    return false;
}

static bool could_not_find(struct kube_call *c)
{
    return kube_call_fail(
        c, &(struct kube_failure){.code = 404,
                                  .reason = "NotFound",
                                  .message = S("the server could not find the requested resource"),
                                  .empty_details = true});
}

static bool unknown_resource(struct kube_call *c)
{
    int minor = c->cluster->options.serve_minor;

    if (kind_group_exists(minor, c->target.group, c->target.version))
        return could_not_find(c);
    call_answer_raw(c, 404, S("text/plain; charset=utf-8"), S("404 page not found\n"));
    return false;
}

/* Whether the address and the verb fit the kind. */
static bool check_target(struct kube_call *c)
{
    struct kube_target *t = &c->target;
    bool namespaced, one;

    if (t->kind == NULL)
        return unknown_resource(c);
    namespaced = (t->kind->flags & KIND_NAMESPACED) != 0;
    one = t->name.n > 0;
    if (t->sub.n > 0 && t->kind_sub == NULL)
        return could_not_find(c);
    if (!namespaced && t->ns.n > 0 && !str_is(t->resource, "namespaces"))
        return could_not_find(c);
    if (!has_word(t->kind_sub != NULL ? t->kind_sub->verbs : kind_verbs(t->kind), t->verb))
        return call_method_not_allowed(c);
    if (namespaced && t->ns.n == 0 && (one || str_is(t->verb, "create")))
        return call_method_not_allowed(c);
    if (t->sub.n == 0 && str_is(t->verb, "create") && one)
        return call_method_not_allowed(c);
    if (!one && (str_is(t->verb, "update") || str_is(t->verb, "patch")))
        return call_method_not_allowed(c);
    return true;
}

static void warn_of_version(struct kube_call *c)
{
    const char *deprecated = c->target.kind->deprecated;

    /* Servers say so since 1.19. */
    if (deprecated != NULL && c->cluster->minor >= 19)
        call_warn(c, str_c(deprecated));
}

static void dispatch(struct kube_call *c)
{
    warn_of_version(c);
    if (str_is(c->target.resource, "namespaces")) /* a namespace is in none */
        c->target.ns = S("");
    if (c->target.sub.n > 0 && kube_subresource(c))
        return;
    if ((c->target.kind->flags & KIND_CREATE_ONLY) != 0 && kube_review(c))
        return;
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (str_is(c->target.verb, verbs[i].verb) && (c->target.sub.n == 0 || verbs[i].in_part)) {
            verbs[i].handle(c);
            return;
        }
    (void)call_method_not_allowed(c);
}

static void handle(struct kube_call *c)
{
    const struct http_request *r = c->request;

    route_target(c, r->method, r->path, r->query);
    if (!authn_identify(c) || !authz_check(c))
        return;
    if (!c->target.is_resource) {
        kube_path(c);
        return;
    }
    if (!check_target(c) || !answer_negotiate(c) || !route_query(c, r->query))
        return;
    dispatch(c);
}

void kube_handle(struct kube_cluster *cluster, struct kube_out *out, const struct http_request *r)
{
    struct kube_call *c = arena_alloc(r->arena, sizeof *c);
    bool ended = false;

    c->ended = &ended;
    c->cluster = cluster;
    c->kube = cluster->kube;
    c->arena = r->arena;
    c->out = out;
    c->request = r;
    handle(c);
    if (ended)
        return; /* the arena went with the exchange */
    c->ended = NULL;
    if (c->state == CALL_OPEN)
        (void)call_internal(c, "no answer");
    answer_send(c);
}

/* --- loops' writes ------------------------------------------------------------------------- */

static const struct {
    enum object_verb verb;
    const char *word;
    enum patch_type patch;
} loop_verbs[] = {
    {OBJECT_CREATE,          "create", PATCH_MERGE    },
    {OBJECT_UPDATE,          "update", PATCH_MERGE    },
    {OBJECT_MERGE_PATCH,     "patch",  PATCH_MERGE    },
    {OBJECT_STRATEGIC_PATCH, "patch",  PATCH_STRATEGIC},
    {OBJECT_DELETE,          "delete", PATCH_MERGE    },
};

static void name_user(struct kube_call *c, struct str name)
{
    struct str *groups = arena_array(c->arena, 2, sizeof *groups);

    groups[0] = S("system:masters");
    groups[1] = S("system:authenticated");
    c->user = (struct rbac_user){
        .name = name, .groups = {groups, 2}
    };
}

static void tell_loop(struct kube_call *c, object_written_cb *done, void *data)
{
    const cJSON *answer = c->state == CALL_OBJECT ? object_doc(c->object) : c->doc;

    if (done != NULL)
        done(data, c->status, answer);
}

/* The kind that a write is about: its key's resource, or (when that is empty) what its body says.
 */
static const struct kind *kind_of_write(const struct object_write *what)
{
    struct str group = {0}, version = json_str(what->body, "apiVersion");

    if (what->key.resource.n > 0)
        return kind_of_stored(what->key.resource);
    (void)str_cut(version, '/', &group, &version);
    return kind_find_by_kind(0, group, version, json_str(what->body, "kind"));
}

static void write_for_loop(struct object_writer *writer, const struct object_write *what,
                           object_written_cb *done, void *data)
{
    struct kube *k = container_of(writer, struct kube, writer);
    CLEANUP(arena_free) struct arena arena = {0};
    struct kube_call c = {.kube = k, .arena = &arena, .given_body = what->body};
    struct kube_target *t = &c.target;

    c.cluster = kube_cluster_find(k, what->key.cluster);
    t->kind = kind_of_write(what);
    assert(!store_in_transaction(k->store));
    if (c.cluster == NULL || t->kind == NULL) {
        (void)kube_call_fail(&c, &(struct kube_failure){.code = 404,
                                                        .reason = "NotFound",
                                                        .message = S("no such cluster")});
        tell_loop(&c, done, data);
        call_deinit(&c);
        return;
    }
    name_user(&c, what->user);
    t->is_resource = true;
    t->verb = str_c(loop_verbs[what->verb].word);
    t->group = t->kind->group;
    t->version = t->kind->version;
    t->resource = t->kind->plural;
    t->ns = what->key.ns;
    t->name = what->key.name;
    t->sub = what->subresource;
    t->kind_sub = t->sub.n > 0 ? kind_sub_find(t->kind, t->sub) : NULL;
    c.given_patch = loop_verbs[what->verb].patch;
    c.query.validation = S("Ignore");
    c.query.manager = what->user;
    dispatch(&c);
    if (c.state == CALL_OPEN)
        (void)call_internal(&c, "no answer");
    tell_loop(&c, done, data);
    call_deinit(&c);
}

void writer_init(struct kube *k)
{
    k->writer.write = write_for_loop;
}

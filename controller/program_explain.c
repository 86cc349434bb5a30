/* --explain: the objects are listed once, in a thread that may wait while the loop carries the
 * calls; nothing is written anywhere. */
#include <stdio.h>
#include <stdlib.h>

#include "base/macros.h"
#include "explain.h"
#include "klog.h"
#include "kube_client.h"
#include "program.h"

enum { FATAL = 255, TEXT_LIMIT = 16 << 20 };

struct telling {
    struct settings *settings;
    struct kube_client *client;
    struct mailbox *mailbox;
    struct blocking_http *waiting;
    uv_thread_t thread;
    struct arena arena;
    struct objects objects;
    struct str error;
};

static const char *variable(const char *name)
{
    return getenv(name);
}

static void keep_items(struct telling *t, enum object_kind k, cJSON *tree)
{
    cJSON *items = json_get(tree, "items");

    while (items != NULL && items->child != NULL) {
        cJSON *old = NULL;

        (void)objects_put(&t->objects, k, cJSON_DetachItemViaPointer(items, items->child), &old);
        cJSON_Delete(old);
    }
}

static bool list(struct telling *t, enum object_kind k, struct str namespace)
{
    const struct kind *kind = kind_of(k);
    struct str path = kind->namespaced
                          ? arena_printf(&t->arena, "%s/namespaces/%.*s/%s", kind->prefix,
                                         STR_ARG(namespace), kind->plural)
                          : arena_printf(&t->arena, "%s/%s", kind->prefix, kind->plural);
    struct kube_answer answer = kube_client_wait(t->client, t->waiting, &t->arena, path);
    CLEANUP(json_freep) cJSON *tree = answer.ok ? json_parse(answer.body, NULL) : NULL;

    if (tree == NULL) {
        t->error = arena_printf(&t->arena, "failed to list %s: %.*s", kind->plural,
                                STR_ARG(answer.ok ? S("the answer is no JSON") : answer.error));
        return false;
    }
    keep_items(t, k, tree);
    return true;
}

static void on_listed(void *data)
{
    struct telling *t = data;

    (void)uv_thread_join(&t->thread);
    kube_client_close(t->client);
    mailbox_close(t->mailbox);
}

static void list_all(void *data)
{
    static const enum object_kind kinds[] = {KIND_INGRESS, KIND_SERVICE, KIND_ENDPOINTS, KIND_NODE,
                                             KIND_SECRET};
    struct telling *t = data;
    struct str namespace, name;
    bool ok = str_cut(t->settings->explain, '/', &namespace, &name);

    if (!ok)
        t->error = S("--explain takes NAMESPACE/NAME");
    for (size_t i = 0; i < ARRAY_LEN(kinds) && ok; i++)
        ok = list(t, kinds[i], namespace);
    if (ok && t->settings->restrict_scheme)
        (void)list(t, KIND_CONFIG_MAP, t->settings->restrict_scheme_namespace);
    mailbox_post(t->mailbox, on_listed, t);
}

static int tell(struct telling *t)
{
    CLEANUP(buf_free) struct buf text = buf_init(TEXT_LIMIT);
    bool ok;

    if (t->error.n > 0) {
        klog_write(KLOG_FATAL, "explain", "%.*s", STR_ARG(t->error));
        return FATAL;
    }
    ok = explain_ingress(&text, t->settings, &t->objects, t->settings->explain);
    (void)printf("%.*s", STR_ARG(buf_str(&text)));
    return ok ? 0 : 1;
}

int program_explain(struct settings *s)
{
    struct telling t = {.settings = s};
    struct kube_config_request request = {s->apiserver_host, s->kubeconfig, variable};
    struct kube_config config = {0};
    uv_loop_t loop;
    int status;

    if (kube_config_load(&t.arena, &request, &config, &t.error)) {
        (void)uv_loop_init(&loop);
        t.mailbox = mailbox_new(&loop);
        t.waiting = blocking_http_new(t.mailbox);
        t.client = kube_client_new(&loop, &config);
        (void)uv_thread_create(&t.thread, list_all, &t);
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        (void)uv_loop_close(&loop);
        blocking_http_free(t.waiting);
    }
    status = tell(&t);
    kube_config_clear(&config);
    objects_free(&t.objects);
    arena_free(&t.arena);
    return status;
}

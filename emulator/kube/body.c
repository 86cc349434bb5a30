/* Decoding what requests carry, by the shapes of schema/kube.
 * Source: Kubernetes API Concepts, "Field validation"; kubernetes-api reference §1.4, §4.1. */
#include "kube/body.h"

#include "schema/kube/defaults.h"
#include "schema/kube/patch.h"

/* The scheme's place in the API server's sources, which it names. */
#define SCHEME "pkg/api/legacyscheme/scheme.go:30"

/* What a body is to be: the target's kind, or that of the subresource. */
struct wanted {
    struct str group, version, kind;
    const struct kube_type *type; /* NULL: nobody knows its shape */
};

static struct wanted wanted_of(const struct kube_call *c)
{
    const struct kind_sub *sub = c->target.kind_sub;
    const struct kind *k = c->target.kind;
    struct wanted w = {k->group, k->version, k->kind, NULL};

    if (sub != NULL && sub->kind != NULL)
        w = (struct wanted){str_c(sub->group), str_c(sub->version), str_c(sub->kind), NULL};
    w.type = kube_type_find(w.group, w.version, w.kind);
    return w;
}

static struct str group_version(struct arena *a, struct str group, struct str version)
{
    return group.n == 0 ? version : arena_printf(a, "%.*s/%.*s", STR_ARG(group), STR_ARG(version));
}

static void cut_version(struct str api_version, struct str *ret_group, struct str *ret_version)
{
    *ret_group = (struct str){0};
    *ret_version = api_version;
    (void)str_cut(api_version, '/', ret_group, ret_version);
}

/* --- bytes ------------------------------------------------------------------------------- */

static bool unsupported_media(struct kube_call *c)
{
    return kube_call_fail(
        c, &(struct kube_failure){
               .code = 415,
               .reason = "UnsupportedMediaType",
               .message = S("the body of the request was in an unknown format - accepted media "
                            "types include: application/json, application/yaml, "
                            "application/vnd.kubernetes.protobuf"),
           });
}

static bool check_size(struct kube_call *c)
{
    if (c->request->body.n <= LARGEST_BODY)
        return true;
    return kube_call_fail(
        c, &(struct kube_failure){
               .code = 413,
               .reason = "RequestEntityTooLarge",
               .message =
                   arena_printf(c->arena, "Request entity too large: limit is %d", LARGEST_BODY),
           });
}

static bool open_body(struct kube_call *c, struct str kind, struct str version,
                      struct kube_body *body, struct kube_problems *p)
{
    enum kube_media media = kube_media_of(http_header_get(c->request->headers, S("Content-Type")));

    if (media == KUBE_MEDIA_NONE)
        return unsupported_media(c);
    if (!check_size(c))
        return false;
    if (kube_body_open(body, media, c->request->body, p))
        return true;
    return call_bad_request(c, "%.*s",
                            STR_ARG(kube_decode_failure(c->arena, body, version, kind, p->error)));
}

/* --- what was complained of --------------------------------------------------------------- */

static bool is_strict(const struct kube_call *c)
{
    return str_is(c->query.validation, "Strict");
}

/* Warns of what strict decoding found, unless nobody wants to know. */
static void warn(struct kube_call *c, const struct kube_problems *p)
{
    if (str_is(c->query.validation, "Ignore"))
        return;
    for (const struct kube_complaint *s = p->strict; s != NULL; s = s->next)
        call_warn(c, s->text);
}

/* --- objects -------------------------------------------------------------------------------- */

static bool unfit(struct kube_call *c, const struct kube_body *body, const struct wanted *w,
                  struct str why)
{
    return call_bad_request(c, "%.*s",
                            STR_ARG(kube_decode_failure(c->arena, body, w->version, w->kind, why)));
}

/* The package of a kind as Go names it in "converting (v1.Pod) to (core.Service)". */
static struct str internal_package(struct str group)
{
    struct str head, tail;

    if (group.n == 0)
        return S("core");
    return str_cut(group, '.', &head, &tail) ? head : group;
}

/* Whether the body is of the wanted kind, of any version; *ret_type is its shape. */
static bool check_kind(struct kube_call *c, const struct kube_body *body, const struct wanted *w,
                       const struct kube_type **ret_type)
{
    struct str given =
        body->api_version.n > 0 ? body->api_version : group_version(c->arena, w->group, w->version);
    struct str kind = body->kind.n > 0 ? body->kind : w->kind, group, version;
    const struct kube_type *type;

    cut_version(given, &group, &version);
    if (str_eq(kind, w->kind) && str_eq(group, w->group) && str_eq(version, w->version)) {
        *ret_type = w->type;
        return true;
    }
    type = kube_type_find(group, version, kind);
    if (type == NULL)
        return unfit(c, body, w,
                     arena_printf(c->arena,
                                  "no kind \"%.*s\" is registered for version \"%.*s\" in scheme "
                                  "\"" SCHEME "\"",
                                  STR_ARG(kind), STR_ARG(given)));
    if (!str_eq(kind, w->kind))
        return unfit(c, body, w,
                     arena_printf(c->arena,
                                  "converting (%.*s.%.*s) to (%.*s.%.*s): unknown conversion",
                                  STR_ARG(version), STR_ARG(kind),
                                  STR_ARG(internal_package(w->group)), STR_ARG(w->kind)));
    *ret_type = type;
    return true;
}

/* A kind with an address of its own is taken in the version of the address alone; evictions and
 * the like in any. */
static bool check_version(struct kube_call *c, const struct kube_body *body, const struct wanted *w)
{
    struct str version = group_version(c->arena, w->group, w->version);

    if (body->api_version.n == 0 || str_eq(body->api_version, version) ||
        !str_eq(w->kind, c->target.kind->kind))
        return true;
    return call_bad_request(
        c, "the API version in the data (%.*s) does not match the expected API version (%.*s)",
        STR_ARG(body->api_version), STR_ARG(version));
}

static void finish(struct kube_call *c, const struct wanted *w, cJSON *doc)
{
    json_put_str(doc, S("apiVersion"), group_version(c->arena, w->group, w->version));
    json_put_str(doc, S("kind"), w->kind);
    if (w->type != NULL)
        kube_default(w->type, doc);
}

/* What a loop hands in is taken as it is meant. */
static cJSON *read_given(struct kube_call *c, const struct wanted *w)
{
    struct kube_problems p = kube_problems_new(c->arena);
    cJSON *doc;

    if (w->type == NULL)
        return call_own(c, cJSON_Duplicate(c->given_body, true));
    doc = call_own(c, kube_normalise(w->type, c->given_body, &p));
    if (doc == NULL)
        (void)call_bad_request(c, "%.*s", STR_ARG(p.error));
    return doc;
}

static cJSON *read_sent(struct kube_call *c, const struct wanted *w)
{
    struct kube_problems p = kube_problems_new(c->arena);
    CLEANUP(kube_body_close) struct kube_body body = {0};
    const struct kube_type *type;
    cJSON *doc;

    if (!open_body(c, w->kind, w->version, &body, &p) || !check_kind(c, &body, w, &type))
        return NULL;
    if (type == NULL)
        return call_own(c, TAKE(body.tree));
    doc = call_own(c, kube_body_decode(&body, type, &p));
    if (doc == NULL) {
        (void)unfit(c, &body, w, p.error);
        return NULL;
    }
    if (is_strict(c) && p.strict != NULL) {
        (void)unfit(c, &body, w, kube_strict_error(&p));
        return NULL;
    }
    if (!check_version(c, &body, w))
        return NULL;
    warn(c, &p);
    return doc;
}

cJSON *body_read_object(struct kube_call *c)
{
    struct wanted w = wanted_of(c);
    cJSON *doc = c->given_body != NULL ? read_given(c, &w) : read_sent(c, &w);

    if (doc != NULL)
        finish(c, &w, doc);
    return doc;
}

cJSON *body_read_delete_options(struct kube_call *c)
{
    const struct kube_type *type = kube_type_named(S("meta/v1"), S("DeleteOptions"));
    struct kube_problems p = kube_problems_new(c->arena);
    CLEANUP(kube_body_close) struct kube_body body = {0};
    cJSON *doc;

    if (c->given_body != NULL)
        return call_own(c, cJSON_Duplicate(c->given_body, true));
    if (c->request == NULL || c->request->body.n == 0)
        return call_own(c, cJSON_CreateObject());
    if (!open_body(c, S("DeleteOptions"), S("v1"), &body, &p))
        return NULL;
    if (body.kind.n > 0 && !str_is(body.kind, "DeleteOptions")) {
        (void)call_bad_request(c, "decoded object cannot be converted to DeleteOptions");
        return NULL;
    }
    doc = call_own(c, kube_body_decode(&body, type, &p));
    if (doc == NULL)
        (void)call_bad_request(
            c, "%.*s",
            STR_ARG(kube_decode_failure(c->arena, &body, S("v1"), S("DeleteOptions"), p.error)));
    return doc;
}

/* --- patches ---------------------------------------------------------------------------------- */

cJSON *body_read_patch(struct kube_call *c)
{
    struct kube_problems p = kube_problems_new(c->arena);
    cJSON *patch;

    if (c->given_body != NULL)
        return call_own(c, cJSON_Duplicate(c->given_body, true));
    if (!check_size(c))
        return NULL;
    patch = call_own(c, kube_parse_json(c->request->body, &p));
    if (patch == NULL)
        (void)call_bad_request(c, "error decoding patch: %.*s", STR_ARG(p.error));
    else
        c->patch_text = kube_go_text(c->arena, patch);
    return patch;
}

/* The refusal of what a patch made: ` "" is invalid: patch: Invalid value: …`. */
static bool unfit_patch(struct kube_call *c, struct str why)
{
    struct field_errors e = field_errors_new(c->arena);
    CLEANUP(json_freep) cJSON *value = json_new_str(c->patch_text);

    field_error_add(&e, FIELD_INVALID, S("patch"), value, "%.*s", STR_ARG(why));
    return call_invalid_kind(c, S(""), S(""), S(""), &e);
}

bool body_check_patched(struct kube_call *c, cJSON *doc)
{
    struct wanted w = wanted_of(c);
    struct kube_problems p = kube_problems_new(c->arena);
    CLEANUP(json_freep) cJSON *now = NULL;
    cJSON *child;

    if (w.type == NULL)
        return true;
    now = kube_normalise(w.type, doc, &p);
    if (now == NULL)
        return unfit_patch(c, p.error);
    if (is_strict(c) && p.strict != NULL)
        return unfit_patch(c, kube_strict_error(&p));
    warn(c, &p);
    finish(c, &w, now);
    child = doc->child;
    doc->child = now->child;
    now->child = child;
    return true;
}

bool body_strategic_merge(struct kube_call *c, cJSON *doc, const cJSON *patch, struct str *ret_why)
{
    struct wanted w = wanted_of(c);
    struct kube_problems p = kube_problems_new(c->arena);
    CLEANUP(json_freep) cJSON *now = NULL;
    cJSON *child;

    if (w.type == NULL) {
        *ret_why = S("strategic merge patch is not supported for this kind");
        return false;
    }
    now = kube_strategic_merge(w.type, doc, patch, &p);
    if (now == NULL) {
        *ret_why = p.error;
        return false;
    }
    child = doc->child;
    doc->child = now->child;
    now->child = child;
    return true;
}

/* --- shapes of kinds ------------------------------------------------------------------------- */

static const struct kube_type *type_of(const struct kind *k)
{
    return kube_type_find(k->group, k->version, k->kind);
}

void body_default(const struct kind *k, cJSON *doc)
{
    const struct kube_type *type = type_of(k);

    if (type != NULL)
        kube_default(type, doc);
}

void body_arrange(const struct kind *k, cJSON *doc)
{
    const struct kube_type *type = type_of(k);

    if (type != NULL)
        kube_arrange(type, doc);
}

/* A call's own memory and its answers, refusals as Status documents.
 * Source: k8s.io/apimachinery pkg/api/errors for reasons and words. */
#include "kube/call.h"

#include <stdlib.h>

cJSON *call_own(struct kube_call *c, cJSON *tree)
{
    struct call_tree *t;

    if (tree == NULL)
        return NULL;
    t = arena_alloc(c->arena, sizeof *t);
    *t = (struct call_tree){c->trees, tree};
    c->trees = t;
    return tree;
}

cJSON *call_disown(struct kube_call *c, cJSON *tree)
{
    for (struct call_tree *t = c->trees; t != NULL; t = t->next)
        if (t->tree == tree)
            t->tree = NULL;
    return tree;
}

void call_warn(struct kube_call *c, struct str text)
{
    struct call_warning *w;

    for (w = c->warnings; w != NULL; w = w->next)
        if (str_eq(w->text, text))
            return;
    w = arena_alloc(c->arena, sizeof *w);
    w->text = arena_str(c->arena, text);
    if (c->warning_tail == NULL)
        c->warning_tail = &c->warnings;
    *c->warning_tail = w;
    c->warning_tail = &w->next;
}

void call_deinit(struct kube_call *c)
{
    for (struct call_tree *t = c->trees; t != NULL; t = t->next)
        cJSON_Delete(t->tree);
    c->trees = NULL;
    object_unref(TAKE(c->object));
    buf_free(&c->bytes);
}

/* --- answers ---------------------------------------------------------------------------- */

void call_answer_object(struct kube_call *c, int status, struct object *o)
{
    c->state = CALL_OBJECT;
    c->status = status;
    object_unref(c->object);
    c->object = object_ref(o);
}

void call_answer_doc(struct kube_call *c, int status, cJSON *doc)
{
    c->state = CALL_DOC;
    c->status = status;
    c->doc = call_own(c, doc);
}

void call_answer_raw(struct kube_call *c, int status, struct str content_type, struct str body)
{
    c->state = CALL_RAW;
    c->status = status;
    c->content_type = content_type;
    c->raw = body;
}

void call_answer_success(struct kube_call *c, int status)
{
    cJSON *doc = cJSON_CreateObject();

    json_put_str(doc, S("kind"), S("Status"));
    json_put_str(doc, S("apiVersion"), S("v1"));
    json_put(doc, S("metadata"), cJSON_CreateObject());
    json_put_str(doc, S("status"), S("Success"));
    json_put_int(doc, S("code"), status);
    c->form = FORM_JSON;
    call_answer_doc(c, status, doc);
}

void call_add_header(struct kube_call *c, struct str name, struct str value)
{
    if (c->extra_count < ARRAY_LEN(c->extra))
        c->extra[c->extra_count++] = (struct http_header){name, value};
}

/* --- refusals --------------------------------------------------------------------------- */

static void put_some(cJSON *object, const char *key, struct str value)
{
    if (value.n > 0)
        json_put_str(object, str_c(key), value);
}

static void put_details(cJSON *status, const struct kube_failure *f)
{
    cJSON *details = cJSON_CreateObject(), *causes;

    put_some(details, "name", f->name);
    put_some(details, "group", f->group);
    put_some(details, "kind", f->kind);
    put_some(details, "uid", f->uid);
    if (f->retry_after > 0)
        json_put_int(details, S("retryAfterSeconds"), f->retry_after);
    if (f->cause_count > 0) {
        causes = json_need_array(details, "causes");
        for (size_t i = 0; i < f->cause_count; i++) {
            cJSON *cause = cJSON_CreateObject();

            put_some(cause, "reason", str_c(f->causes[i].reason));
            put_some(cause, "message", f->causes[i].message);
            put_some(cause, "field", f->causes[i].field);
            cJSON_AddItemToArray(causes, cause);
        }
    }
    if (details->child == NULL && !f->empty_details)
        cJSON_Delete(details);
    else
        json_put(status, S("details"), details);
}

bool kube_call_fail(struct kube_call *c, const struct kube_failure *f)
{
    cJSON *status = cJSON_CreateObject();

    json_put_str(status, S("kind"), S("Status"));
    json_put_str(status, S("apiVersion"), S("v1"));
    json_put(status, S("metadata"), cJSON_CreateObject());
    json_put_str(status, S("status"), S("Failure"));
    json_put_str(status, S("message"), f->message);
    put_some(status, "reason", str_c(f->reason));
    put_details(status, f);
    json_put_int(status, S("code"), f->code);
    c->form = FORM_JSON; /* errors are never tables */
    call_answer_doc(c, f->code, status);
    return false;
}

bool call_bad_request(struct kube_call *c, const char *fmt, ...)
{
    struct str message;
    va_list args;

    va_start(args, fmt);
    message = arena_vprintf(c->arena, fmt, args);
    va_end(args);
    return kube_call_fail(
        c, &(struct kube_failure){.code = 400, .reason = "BadRequest", .message = message});
}

bool call_internal(struct kube_call *c, const char *fmt, ...)
{
    struct str message;
    va_list args;

    va_start(args, fmt);
    message = arena_vprintf(c->arena, fmt, args);
    va_end(args);
    return kube_call_fail(
        c, &(struct kube_failure){
               .code = 500,
               .reason = "InternalError",
               .message = arena_printf(c->arena, "Internal error occurred: %.*s", STR_ARG(message)),
               .causes = &(struct kube_cause){.message = message},
               .cause_count = 1,
           });
}

bool call_store_failed(struct kube_call *c, int error)
{
    return call_internal(c, "the store failed (%d)", error);
}

bool call_unauthorized(struct kube_call *c)
{
    return kube_call_fail(c, &(struct kube_failure){.code = 401,
                                                    .reason = "Unauthorized",
                                                    .message = S("Unauthorized")});
}

/* The failure with the details that errors about one object have. */
static struct kube_failure about(const struct kind *k, struct str name, int code,
                                 const char *reason, struct str message)
{
    return (struct kube_failure){.code = code,
                                 .reason = reason,
                                 .message = message,
                                 .name = name,
                                 .group = k->group,
                                 .kind = k->plural};
}

bool call_not_found(struct kube_call *c, const struct kind *k, struct str name)
{
    struct str what = kind_qualified(k, c->arena);
    struct kube_failure f =
        about(k, name, 404, "NotFound",
              arena_printf(c->arena, "%.*s \"%.*s\" not found", STR_ARG(what), STR_ARG(name)));

    return kube_call_fail(c, &f);
}

bool call_exists(struct kube_call *c, const struct kind *k, struct str name)
{
    struct str what = kind_qualified(k, c->arena);
    struct kube_failure f =
        about(k, name, 409, "AlreadyExists",
              arena_printf(c->arena, "%.*s \"%.*s\" already exists", STR_ARG(what), STR_ARG(name)));

    return kube_call_fail(c, &f);
}

bool call_conflict(struct kube_call *c, const struct kind *k, struct str name, const char *fmt, ...)
{
    struct str what = kind_qualified(k, c->arena), why;
    struct kube_failure f;
    va_list args;

    va_start(args, fmt);
    why = arena_vprintf(c->arena, fmt, args);
    va_end(args);
    f = about(k, name, 409, "Conflict",
              arena_printf(c->arena, "Operation cannot be fulfilled on %.*s \"%.*s\": %.*s",
                           STR_ARG(what), STR_ARG(name), STR_ARG(why)));
    return kube_call_fail(c, &f);
}

bool call_modified(struct kube_call *c, const struct kind *k, struct str name)
{
    return call_conflict(c, k, name,
                         "the object has been modified; please apply your changes to the latest "
                         "version and try again");
}

bool call_forbidden(struct kube_call *c, const struct kind *k, struct str name, const char *fmt,
                    ...)
{
    struct str what = kind_qualified(k, c->arena), why;
    struct kube_failure f;
    va_list args;

    va_start(args, fmt);
    why = arena_vprintf(c->arena, fmt, args);
    va_end(args);
    if (name.n > 0)
        what = arena_printf(c->arena, "%.*s \"%.*s\"", STR_ARG(what), STR_ARG(name));
    f = about(k, name, 403, "Forbidden",
              arena_printf(c->arena, "%.*s is forbidden: %.*s", STR_ARG(what), STR_ARG(why)));
    return kube_call_fail(c, &f);
}

bool call_method_not_allowed(struct kube_call *c)
{
    return kube_call_fail(c,
                          &(struct kube_failure){
                              .code = 405,
                              .reason = "MethodNotAllowed",
                              .message = S("the server does not allow this method on the requested "
                                           "resource")});
}

bool call_invalid_kind(struct kube_call *c, struct str group, struct str kind, struct str name,
                       const struct field_errors *errors)
{
    struct kube_cause *causes = arena_array(c->arena, errors->n + 1, sizeof *causes);
    struct str all = {0};
    size_t n = 0;

    for (const struct field_error *e = errors->first; e != NULL; e = e->next) {
        struct str body = field_error_body(c->arena, e);

        causes[n++] = (struct kube_cause){field_error_reason(e->type), body, e->field};
        all = arena_printf(c->arena, "%.*s%s%.*s: %.*s", STR_ARG(all), all.n > 0 ? ", " : "",
                           STR_ARG(e->field), STR_ARG(body));
    }
    return kube_call_fail(
        c, &(struct kube_failure){
               .code = 422,
               .reason = "Invalid",
               .message =
                   arena_printf(c->arena, "%.*s%s%.*s \"%.*s\" is invalid: %s%.*s%s", STR_ARG(kind),
                                group.n > 0 ? "." : "", STR_ARG(group), STR_ARG(name),
                                n > 1 ? "[" : "", STR_ARG(all), n > 1 ? "]" : ""),
               .name = name,
               .group = group,
               .kind = kind,
               .causes = causes,
               .cause_count = n,
           });
}

bool call_invalid(struct kube_call *c, const struct kind *k, struct str name,
                  const struct field_errors *errors)
{
    return call_invalid_kind(c, k->group, k->kind, name, errors);
}

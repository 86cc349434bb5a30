/* One request on its way through the API server: who, what, and what it is answered. Everything
 * in it lives in the request's arena; trees handed to call_own die with the call. */
#pragma once

#include <stdbool.h>

#include "auth/rbac.h"
#include "base/buf.h"
#include "kube/cluster.h"
#include "kube/field_error.h"
#include "kube/kinds.h"
#include "kube/selector.h"

/* How the answer's objects are to look. */
enum kube_form { FORM_JSON, FORM_YAML, FORM_TABLE, FORM_PARTIAL };

struct kube_target {
    struct str verb;  /* "get", "list", "watch", "create", "update", "patch", "delete",
                         "deletecollection"; of a path the method in lower case */
    bool is_resource; /* else only `path` means something */
    struct str path;
    struct str group, version, resource, sub, ns, name;
    struct str rest;         /* of the path behind the subresource */
    const struct kind *kind; /* NULL when no such resource is served */
    const struct kind_sub *kind_sub;
};

struct kube_query {
    bool watch, bookmarks, dry_run, force, initial_events, has_initial_events, pretty;
    struct str resource_version, match, label_selector, field_selector, continue_token;
    struct str manager, validation, include_object;
    int64_t limit, timeout_seconds;
};

struct call_tree {
    struct call_tree *next;
    cJSON *tree;
};

struct call_warning {
    struct call_warning *next;
    struct str text;
};

enum call_state { CALL_OPEN, CALL_OBJECT, CALL_DOC, CALL_RAW, CALL_STREAM };

struct kube_call {
    struct kube_cluster *cluster;
    struct kube *kube;
    struct arena *arena;
    struct kube_out *out;               /* NULL for a loop's write */
    const struct http_request *request; /* likewise */
    struct rbac_user user;
    struct kube_target target;
    struct kube_query query;
    enum kube_form form;
    struct str table_version; /* "v1" or "v1beta1" */
    const cJSON *given_body;  /* of a loop's write, instead of the request's; may be NULL */
    int given_patch;          /* enum patch_type of it */
    cJSON *managed;           /* managedFields that an apply settled; NULL: none */
    bool is_managed;          /* it did */
    struct str patch_text;    /* of the patch at hand, as Go prints maps: errors show it */
    struct call_tree *trees;
    struct call_warning *warnings, **warning_tail;

    /* Set by who ends the exchange, and with it the call, while it is still being handled; NULL
     * once it is not. */
    bool *ended;

    /* The answer: set by one of the functions below. */
    enum call_state state;
    int status;
    struct object *object;        /* CALL_OBJECT; referenced */
    cJSON *doc;                   /* CALL_DOC: in the version of the request, owned by the call */
    struct str raw, content_type; /* CALL_RAW */
    struct buf bytes;             /* may hold raw's text */
    struct http_header extra[4];
    size_t extra_count;
};

/* --- life ------------------------------------------------------------------------------- */

/* @tree dies with the call; given back. NULL is fine. */
cJSON *call_own(struct kube_call *c, cJSON *tree);

/* Takes @tree back from the call: the caller's again. */
cJSON *call_disown(struct kube_call *c, cJSON *tree);

/* The client is told in a Warning header; each text once. */
void call_warn(struct kube_call *c, struct str text);

/* Frees what the call owns; the arena stays the exchange's. */
void call_deinit(struct kube_call *c);

/* --- answers ---------------------------------------------------------------------------- */

void call_answer_object(struct kube_call *c, int status, struct object *o);

/* @doc is owned by the call from now on; it is in the request's version, apiVersion and kind set.
 */
void call_answer_doc(struct kube_call *c, int status, cJSON *doc);
void call_answer_raw(struct kube_call *c, int status, struct str content_type, struct str body);

/* A Status of success, as operations without an object of their own answer. */
void call_answer_success(struct kube_call *c, int status);
void call_add_header(struct kube_call *c, struct str name, struct str value);

/* --- refusals: all return false ---------------------------------------------------------- */

struct kube_cause {
    const char *reason;
    struct str message, field;
};

struct kube_failure {
    int code;
    const char *reason; /* NULL: none is told */
    struct str message;
    struct str name, group, kind, uid; /* details; all empty and no causes: none */
    const struct kube_cause *causes;
    size_t cause_count;
    int64_t retry_after; /* seconds; 0: not told */
    bool empty_details;  /* told even when there is nothing in them: clients look there */
};

bool kube_call_fail(struct kube_call *c, const struct kube_failure *f);
bool call_bad_request(struct kube_call *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool call_internal(struct kube_call *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool call_unauthorized(struct kube_call *c);

/* About one object of @k: details name it, and the message begins with it where the API's does. */
bool call_not_found(struct kube_call *c, const struct kind *k, struct str name);
bool call_exists(struct kube_call *c, const struct kind *k, struct str name);
bool call_conflict(struct kube_call *c, const struct kind *k, struct str name, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
bool call_forbidden(struct kube_call *c, const struct kind *k, struct str name, const char *fmt,
                    ...) PRINTF_LIKE(4, 5);
bool call_method_not_allowed(struct kube_call *c);
bool call_invalid(struct kube_call *c, const struct kind *k, struct str name,
                  const struct field_errors *errors);

/* As call_invalid for one error, about options ("PatchOptions.meta.k8s.io") or another kind. */
bool call_invalid_kind(struct kube_call *c, struct str group, struct str kind, struct str name,
                       const struct field_errors *errors);

/* A negative error of the store. */
bool call_store_failed(struct kube_call *c, int error);

/* `the object has been modified; please apply your changes …`. */
bool call_modified(struct kube_call *c, const struct kind *k, struct str name);

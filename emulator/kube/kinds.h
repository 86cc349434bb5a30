/* The kinds that the API server serves: one row a (group, version, resource). Discovery, routing,
 * CRUD, watch, tables, RBAC and conversion all work off the rows.
 *
 * Several rows may share one stored form (Ingress is served in three group/versions and kept in
 * one); `stored` names it as store/object.h does. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

enum kind_flag {
    KIND_NAMESPACED = 1 << 0,
    KIND_STATUS = 1 << 1,        /* has a status subresource */
    KIND_GENERATION = 1 << 2,    /* counts changes of its spec in metadata.generation */
    KIND_UPSERT = 1 << 3,        /* PUT of a missing one creates it */
    KIND_LOCKED = 1 << 4,        /* PUT must name the resourceVersion */
    KIND_ANSWERS_SELF = 1 << 5,  /* DELETE answers the object, not a Status */
    KIND_CREATE_ONLY = 1 << 6,   /* a question that is answered, never stored: reviews, bindings */
    KIND_PATH_NAME = 1 << 7,     /* names are path segments: RBAC */
    KIND_NO_COLLECTION = 1 << 8, /* no DELETE on the collection */
};

/* A part of an object with an address of its own. Answers of another kind name it. */
struct kind_sub {
    const char *name;                   /* "status", "scale", "log" … */
    const char *group, *version, *kind; /* what it takes and gives; NULL: the parent's own */
    const char *verbs;                  /* space separated, in byte order: "get patch update" */
};

struct kind {
    struct str group, version, plural, kind;
    struct str singular;
    const char *shorts;     /* short names, space separated; NULL when none */
    const char *categories; /* likewise: "all" */
    unsigned flags;
    struct str stored;                       /* store/object.h's resource of the stored form */
    struct str stored_group, stored_version; /* of the stored form */
    const struct kind_sub *subs;
    size_t sub_count;
    int since, until;       /* the first and the first-no-more 1.NN that serves it; 0: no bound */
    const char *deprecated; /* the Warning of a deprecated version, or NULL */
};

/* All rows: groups by descending priority, the preferred version of each first; resources of a
 * group/version stand together in byte order of their plural. */
extern const struct kind kinds[];
extern const size_t kind_count;

/* Whether a server of release 1.@minor serves @k; @minor 0 serves everything. */
bool kind_is_served(const struct kind *k, int minor);

/* The row, or NULL. @minor as above. */
const struct kind *kind_find(int minor, struct str group, struct str version, struct str plural);
const struct kind *kind_find_by_kind(int minor, struct str group, struct str version,
                                     struct str kind);

/* The row of the stored form of @resource ("apps/deployments"), or NULL. */
const struct kind *kind_of_stored(struct str resource);

/* The row under which @k's objects are kept; @k itself for most. */
const struct kind *kind_stored_form(const struct kind *k);

/* Whether any row is of that group (and version). */
bool kind_group_exists(int minor, struct str group, struct str version);

const struct kind_sub *kind_sub_find(const struct kind *k, struct str name);

/* The verbs of the main resource, space separated in byte order. */
const char *kind_verbs(const struct kind *k);

/* "v1", "apps/v1". In @a. */
struct str kind_api_version(const struct kind *k, struct arena *a);

/* "deployments.apps", "pods": how errors name a resource. In @a. */
struct str kind_qualified(const struct kind *k, struct arena *a);

/* "Deployment.apps", "Pod": how errors of validation name a kind. In @a. */
struct str kind_qualified_kind(const struct kind *k, struct arena *a);

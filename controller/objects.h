/* What the controller knows of the cluster: the objects of each kind that it watches, by key.
 * Filled by the informers, read by the model; the loop's thread only. Documents are cut down to
 * what the controller reads, so that thousands of nodes cost little. */
#pragma once

#include "base/json.h"
#include "base/map.h"
#include "base/str.h"

enum object_kind {
    KIND_INGRESS,
    KIND_SERVICE,
    KIND_ENDPOINTS,
    KIND_NODE,
    KIND_SECRET,
    KIND_POD, /* watched, as v1.1.4 does it, and not kept */
    KIND_CONFIG_MAP,
    KIND_COUNT,
};

struct kind {
    const char *prefix, *plural; /* "/api/v1", "services" */
    const char *name, *go_type;  /* "Service", "*v1.Service" */
    bool namespaced;
    const char *const *keep; /* the paths that are kept, NULL at the end; NULL: all */
};

const struct kind *kind_of(enum object_kind k);

struct objects {
    struct map of[KIND_COUNT];  /* key -> struct object */
    struct map former_services; /* likewise, Services that were there once */
};

/* "namespace/name", or "name" of what has no namespace. */
struct object {
    char *key;
    cJSON *doc;
};

/* "namespace/name" of a document; yours to free. */
char *objects_key(const cJSON *doc);

/* Takes @doc over, cut down. *ret_old is the document that it replaces (yours now) or NULL; the
 * result is the one that is stored, borrowed. NULL, with @doc freed, when it has no name. */
const cJSON *objects_put(struct objects *o, enum object_kind k, cJSON *doc, cJSON **ret_old);

/* Takes an object out; yours to free, NULL when there is none. A copy of a Service is kept. */
cJSON *objects_remove(struct objects *o, enum object_kind k, struct str key);

/* Borrowed until the next change of that object; NULL when there is none. */
const cJSON *objects_get(const struct objects *o, enum object_kind k, struct str key);

/* A Service that is gone, as it was last, or NULL: v1.1.4 never forgets a Service's annotations. */
const cJSON *objects_former_service(const struct objects *o, struct str key);

void objects_free(struct objects *o);

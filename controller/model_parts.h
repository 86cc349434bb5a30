/* The parts that model.c is put together from. */
#pragma once

#include "model.h"

/* What a model is built from; borrowed. */
struct model_input {
    struct arena *a;
    const struct settings *settings;
    const struct objects *objects;
    const cJSON *ingress;
    struct wanted *wanted; /* what is there so far */
};

/* One backend of an Ingress as v1.1.4 sees it. */
struct backend {
    struct str service, port; /* the port as text */
    bool numeric_port;
};

/* False when @item is no backend. Slices in @a. */
bool backend_read(struct arena *a, const cJSON *item, struct backend *ret);

/* The backend names an `actions.<service>` annotation and no Service. */
bool backend_uses_annotation(const struct backend *b);

/* spec.backend first, then the paths of the rules. */
void model_add_target_groups(struct model_input *m);

/* Listeners with default actions and rules; after the target groups. */
void model_add_listeners(struct model_input *m);

/* The authentication in front of @b on a listener of @protocol: adds an action to @actions or
 * none. The result is empty, or what is wrong. */
struct str model_add_authentication(struct model_input *m, const struct backend *b,
                                    struct str protocol, struct actions *actions);

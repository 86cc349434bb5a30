/* Actions of listeners and rules: forward, fixed-response, redirect, authentication. An action is
 * a flat list of members by their wire path ("RedirectConfig.Host"), in the order of one table, so
 * that writing, reading and comparing are one walk each. Pure. */
#pragma once

#include "base/json.h"
#include "values.h"

struct action {
    struct pairs members;
    struct pairs parameters; /* AuthenticationRequestExtraParams, by key */
    bool has_parameters;     /* given, perhaps empty: an absent map differs from an empty one */
    size_t target_group;     /* 1 + index of the wanted target group to forward to; 0: none */
};

struct actions {
    struct action *at;
    size_t n;
};

struct condition {
    struct str field;
    struct strs values;
    bool typed; /* the answer also had a …Config, which v1.1.4 never sends and takes for a
                 * difference */
};

struct conditions {
    struct condition *at;
    size_t n;
};

/* A member's value, or an empty slice with at == NULL when it is not there. */
struct str action_get(const struct action *action, const char *path);

/* Sets a member of the table, keeping its order. */
void action_set(struct arena *a, struct action *action, const char *path, struct str value);

/* Reads the JSON of an `actions.<name>` annotation, checks it as v1.1.4 does and fills in the
 * redirect's defaults. False and *ret_error in @a when it is refused. */
bool action_parse(struct arena *a, struct str name, struct str json, struct action *ret_action,
                  struct str *ret_error);

/* What a listener answers where no rule and no default backend does: 404 without a body. */
struct action action_not_found(struct arena *a);

/* The member paths of the table, in order; NULL at the end of it. */
const char *action_member_path(size_t i);

/* "AuthenticateOidcConfig" or "AuthenticateCognitoConfig", where the parameters belong; or NULL. */
const char *action_parameters_path(const struct action *action);

bool actions_equal(const struct actions *a, const struct actions *b);

/* Whether the redirect among @actions, under @conditions, would lead to the listener it stands
 * on: such a rule is left out. */
bool actions_loop(const struct actions *actions, const struct conditions *conditions, int64_t port,
                  struct str protocol);

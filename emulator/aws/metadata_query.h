/* What the files of the metadata service share. */
#pragma once

#include "aws/internal.h"
#include "store/ec2.h"

enum { METADATA_LARGEST = 64 << 10 }; /* of one answer */

struct instance_session;

struct metadata {
    struct instance_session *sessions; /* metadata_role.c */
    char secret[32];                   /* of the tokens */
};

/* One request, and the instance that it is about. */
struct metadata_query {
    struct aws *aws;
    struct metadata *m;
    struct arena *arena;
    struct store *store;
    const struct http_request *request;
    struct instance *instance;
    struct network_interface *interfaces; /* its own, the first first */
    int64_t now;
};

/* The value at a path below the version ("meta-data/mac"); nothing (n == 0) where there is none. */
struct str metadata_value(struct metadata_query *q, struct str path);

/* --- the role of the instance (metadata_role.c) ---------------------------------------------- */

/* iam/info. */
struct str metadata_profile(struct metadata_query *q);
/* iam/security-credentials/: the role's name, and with it as @name its credentials. */
struct str metadata_credentials(struct metadata_query *q, struct str name);
void metadata_forget_sessions(struct metadata *m);

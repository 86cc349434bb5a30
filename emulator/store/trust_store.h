/* Trust stores of load balancers: bundles of CA certificates and their revocation lists. Inside the
 * caller's transaction; changes announce CHANGE_LOAD_BALANCING with the trust store's ARN. */
#pragma once

#include "store/row.h"

extern const char trust_store_schema_1[];

/* clang-format off */
#define TRUST_STORE_COLUMNS(X)                                                        \
    X(TEXT, arn) X(TEXT, account) X(TEXT, region) X(TEXT, name) X(TEXT, status)       \
    X(TEXT, bundle) X(INT, certificates)
/* clang-format on */
struct trust_store { /* bundle: PEM; certificates: how many are in it */
    struct trust_store *next;
    ROW_FIELDS(TRUST_STORE_COLUMNS)
};
extern const struct row_table trust_store_table;

/* clang-format off */
#define TRUST_STORE_REVOCATION_COLUMNS(X)                                             \
    X(TEXT, trust_store) X(INT, id) X(TEXT, type) X(TEXT, content) X(INT, entries)
/* clang-format on */
struct trust_store_revocation { /* content: a CRL in PEM */
    struct trust_store_revocation *next;
    ROW_FIELDS(TRUST_STORE_REVOCATION_COLUMNS)
};
extern const struct row_table trust_store_revocation_table;

/* In order of creation. */
int trust_store_list(struct store *s, struct arena *a, struct str account, struct str region,
                     struct trust_store **ret_first);
int trust_store_find(struct store *s, struct arena *a, struct str arn,
                     struct trust_store **ret_store);
int trust_store_find_by_name(struct store *s, struct arena *a, struct str account,
                             struct str region, struct str name, struct trust_store **ret_store);
int trust_store_revocation_list(struct store *s, struct arena *a, struct str trust_store,
                                struct trust_store_revocation **ret_first);

int trust_store_insert(struct store *s, const struct trust_store *t);
int trust_store_update(struct store *s, const struct trust_store *t);
/* With its revocations. */
int trust_store_delete(struct store *s, struct str arn);
int trust_store_revocation_insert(struct store *s, const struct trust_store_revocation *r);
int trust_store_revocation_remove(struct store *s, struct str trust_store, int64_t id);

/* Things of services that others seldom ask for by column: certificates of ACM, web ACLs and what
 * they protect, parameters, stacks. A row has its ARN and what it is found by; the document is the
 * service's own JSON of the rest. Changes are made inside the caller's transaction. */
#pragma once

#include "store/row.h"

extern const char resource_schema_1[];

/* @kind: "acm/certificate"; @name: unique in kind, account and region where it is not empty;
 * @parent: what it hangs on, an ARN mostly; @secret: what is never shown (a private key). */
#define RESOURCE_COLUMNS(X)                                                          \
    X(TEXT, kind)                                                                    \
    X(TEXT, arn)                                                                     \
    X(TEXT, account) X(TEXT, region) X(TEXT, name) X(TEXT, parent) X(TEXT, document) \
        X(TEXT, secret) X(INT, created)
struct resource {
    struct resource *next;
    ROW_FIELDS(RESOURCE_COLUMNS)
};
extern const struct row_table resource_table;

/* All of a kind in an account's region, by creation. */
int resource_list(struct store *s, struct arena *a, const char *kind, struct str account,
                  struct str region, struct resource **ret_first);
/* The one of that ARN in any account, or of that name, or NULL. */
int resource_find(struct store *s, struct arena *a, const char *kind, struct str arn,
                  struct resource **ret_resource);
int resource_find_by_name(struct store *s, struct arena *a, const char *kind, struct str account,
                          struct str region, struct str name, struct resource **ret_resource);
int resource_list_by_parent(struct store *s, struct arena *a, const char *kind, struct str parent,
                            struct resource **ret_first);

int resource_insert(struct store *s, const struct resource *r);
/* By kind and ARN. */
int resource_update(struct store *s, const struct resource *r);
int resource_delete(struct store *s, const char *kind, struct str arn);

/* What a TLS listener presents for a certificate's ARN: its chain and its private key. ACM and IAM
 * write a row beside what they know of the certificate themselves, in the same transaction, and
 * remove it with the certificate; whoever compiles listeners reads it. */
#pragma once

#include "store/row.h"

extern const char tls_material_schema_1[];

/* @chain: PEM, the leaf first, then its issuers as they are sent. @private_key: PEM. */
#define TLS_MATERIAL_COLUMNS(X) X(TEXT, arn) X(TEXT, chain) X(TEXT, private_key)
struct tls_material {
    struct tls_material *next;
    ROW_FIELDS(TLS_MATERIAL_COLUMNS)
};
extern const struct row_table tls_material_table;

/* *ret_material is NULL when there is none of that ARN. 0 or a negative error of the store. */
int tls_material_find(struct store *s, struct arena *a, struct str arn,
                      struct tls_material **ret_material);

/* Sets or replaces it, inside the caller's transaction; announces CHANGE_CERTIFICATE. */
int tls_material_put(struct store *s, const struct tls_material *m);

/* No error when there is none. */
int tls_material_remove(struct store *s, struct str arn);

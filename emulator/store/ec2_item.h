/* What EC2 has besides networks, groups, instances and interfaces: gateways for NAT, addresses,
 * network ACLs, options, templates, key pairs, endpoints … A row has what others ask for by column;
 * the document is the API's own JSON of the rest. Changes are made inside the caller's transaction
 * and announce CHANGE_NETWORK with the id. */
#pragma once

#include "store/row.h"

extern const char ec2_item_schema_1[];

/* @kind: as in ARNs ("natgateway"); @name is unique in its kind, account and region where it is not
 * empty; @parent: what it belongs to besides its VPC (a subnet, a template). */
#define EC2_ITEM_COLUMNS(X) \
    X(TEXT, kind)           \
    X(TEXT, id)             \
    X(TEXT, account) X(TEXT, region) X(TEXT, vpc) X(TEXT, parent) X(TEXT, name) X(TEXT, document)
struct ec2_item {
    struct ec2_item *next;
    ROW_FIELDS(EC2_ITEM_COLUMNS)
};
extern const struct row_table ec2_item_table;

/* Of a kind in an account's region, by creation; one when @id is not empty. */
int ec2_item_list(struct store *s, struct arena *a, const char *kind, struct str account,
                  struct str region, struct str id, struct ec2_item **ret_first);
int ec2_item_list_of_vpc(struct store *s, struct arena *a, const char *kind, struct str vpc,
                         struct ec2_item **ret_first);
int ec2_item_list_of_parent(struct store *s, struct arena *a, const char *kind, struct str parent,
                            struct ec2_item **ret_first);
/* The one of that name, or NULL. */
int ec2_item_find_by_name(struct store *s, struct arena *a, const char *kind, struct str account,
                          struct str region, struct str name, struct ec2_item **ret_item);

int ec2_item_insert(struct store *s, const struct ec2_item *i);
/* By kind and id. */
int ec2_item_update(struct store *s, const struct ec2_item *i);
int ec2_item_delete(struct store *s, const char *kind, struct str id);

/* EC2 and VPC: networks, security groups, instances and interfaces. Typed rows; ids are unique in
 * the world. What AWS derives is a query. Changes are made inside the caller's transaction and
 * announce CHANGE_NETWORK with the id. Finders leave NULL where there is none. */
#pragma once

#include "store/row.h"

extern const char ec2_schema_1[];

#define VPC_COLUMNS(X)    \
    X(TEXT, id)           \
    X(TEXT, account)      \
    X(TEXT, region)       \
    X(TEXT, cidr)         \
    X(FLAG, is_default)   \
    X(TEXT, dhcp_options) \
    X(FLAG, dns_support) X(FLAG, dns_hostnames) X(FLAG, usage_metrics) X(TEXT, settings)
struct vpc { /* settings, here and below: what the API only echoes, in its JSON */
    struct vpc *next;
    ROW_FIELDS(VPC_COLUMNS)
};
extern const struct row_table vpc_table;

#define VPC_CIDR_COLUMNS(X) X(TEXT, id) X(TEXT, vpc) X(TEXT, cidr)
struct vpc_cidr { /* the primary block too */
    struct vpc_cidr *next;
    ROW_FIELDS(VPC_CIDR_COLUMNS)
};
extern const struct row_table vpc_cidr_table;

#define SUBNET_COLUMNS(X) \
    X(TEXT, id)           \
    X(TEXT, account)      \
    X(TEXT, region)       \
    X(TEXT, vpc)          \
    X(TEXT, zone) X(TEXT, cidr) X(FLAG, map_public) X(FLAG, default_for_az) X(TEXT, settings)
struct subnet {
    struct subnet *next;
    ROW_FIELDS(SUBNET_COLUMNS)
};
extern const struct row_table subnet_table;

#define GATEWAY_COLUMNS(X) X(TEXT, id) X(TEXT, account) X(TEXT, region) X(TEXT, vpc)
struct gateway { /* internet gateway; vpc is empty while it is attached to none */
    struct gateway *next;
    ROW_FIELDS(GATEWAY_COLUMNS)
};
extern const struct row_table gateway_table;

#define ROUTE_TABLE_COLUMNS(X) \
    X(TEXT, id) X(TEXT, account) X(TEXT, region) X(TEXT, vpc) X(FLAG, main)
struct route_table {
    struct route_table *next;
    ROW_FIELDS(ROUTE_TABLE_COLUMNS)
};
extern const struct row_table route_table_table;

#define ROUTE_COLUMNS(X) X(TEXT, route_table) X(TEXT, destination) X(TEXT, target)
struct vpc_route { /* target: "local", "igw-…", "nat-…", "eni-…" */
    struct vpc_route *next;
    ROW_FIELDS(ROUTE_COLUMNS)
};
extern const struct row_table vpc_route_table;

#define ROUTE_ASSOCIATION_COLUMNS(X) X(TEXT, id) X(TEXT, route_table) X(TEXT, subnet)
struct route_association { /* subnet is empty for the main one */
    struct route_association *next;
    ROW_FIELDS(ROUTE_ASSOCIATION_COLUMNS)
};
extern const struct row_table route_association_table;

#define SECURITY_GROUP_COLUMNS(X) \
    X(TEXT, id) X(TEXT, account) X(TEXT, region) X(TEXT, vpc) X(TEXT, name) X(TEXT, description)
struct security_group {
    struct security_group *next;
    ROW_FIELDS(SECURITY_GROUP_COLUMNS)
};
extern const struct row_table security_group_table;

/* One rule has one peer: an IPv4 or IPv6 block, a prefix list, or a group. Protocol as EC2 shows
 * it ("tcp", "-1", "50"); ports are -1 where the protocol has none. */
#define SECURITY_GROUP_RULE_COLUMNS(X)                                            \
    X(TEXT, id)                                                                   \
    X(TEXT, group_id)                                                             \
    X(FLAG, egress)                                                               \
    X(TEXT, protocol)                                                             \
    X(INT, from_port)                                                             \
    X(INT, to_port)                                                               \
    X(TEXT, cidr)                                                                 \
    X(TEXT, cidr6) X(TEXT, prefix_list) X(TEXT, peer_group) X(TEXT, peer_account) \
        X(TEXT, description)
struct security_group_rule {
    struct security_group_rule *next;
    ROW_FIELDS(SECURITY_GROUP_RULE_COLUMNS)
};
extern const struct row_table security_group_rule_table;

#define INSTANCE_COLUMNS(X)                                                                     \
    X(TEXT, id)                                                                                 \
    X(TEXT, account)                                                                            \
    X(TEXT, region)                                                                             \
    X(TEXT, reservation)                                                                        \
    X(TEXT, type)                                                                               \
    X(TEXT, image)                                                                              \
    X(INT, state)                                                                               \
    X(TEXT, subnet) X(TEXT, vpc) X(TEXT, zone) X(TEXT, private_dns) X(TEXT, key_name)           \
        X(TEXT, profile) X(INT, launched) X(TEXT, cluster) X(TEXT, nodegroup) X(TEXT, settings) \
            X(TEXT, user_data) X(TEXT, token)
struct instance { /* cluster and nodegroup are empty where EKS did not make it */
    struct instance *next;
    ROW_FIELDS(INSTANCE_COLUMNS)
};
extern const struct row_table instance_table;
enum {
    INSTANCE_PENDING = 0,
    INSTANCE_RUNNING = 16,
    INSTANCE_SHUTTING_DOWN = 32,
    INSTANCE_TERMINATED = 48,
    INSTANCE_STOPPING = 64,
    INSTANCE_STOPPED = 80
};

/* @owner is what it was made for: an instance id, a load balancer's ARN, "pod/<uid>". */
#define INTERFACE_COLUMNS(X)                                                                    \
    X(TEXT, id)                                                                                 \
    X(TEXT, account)                                                                            \
    X(TEXT, region)                                                                             \
    X(TEXT, subnet)                                                                             \
    X(TEXT, vpc)                                                                                \
    X(TEXT, zone)                                                                               \
    X(TEXT, description)                                                                        \
    X(TEXT, type) X(TEXT, requester) X(FLAG, managed) X(TEXT, mac) X(TEXT, address)             \
        X(TEXT, public_address) X(TEXT, instance) X(TEXT, attachment) X(TEXT, attachment_owner) \
            X(INT, device_index) X(TEXT, owner) X(INT, attached) X(TEXT, settings)
struct network_interface {
    struct network_interface *next;
    ROW_FIELDS(INTERFACE_COLUMNS)
};
extern const struct row_table network_interface_table;

/* Every private address in use; the primary ones too. @owner: "" or "pod/<uid>". */
#define ADDRESS_COLUMNS(X) \
    X(TEXT, subnet) X(TEXT, address) X(TEXT, interface) X(FLAG, is_primary) X(TEXT, owner)
struct private_address {
    struct private_address *next;
    ROW_FIELDS(ADDRESS_COLUMNS)
};
extern const struct row_table private_address_table;

#define INTERFACE_GROUP_COLUMNS(X) X(TEXT, interface) X(TEXT, group_id)
struct interface_group {
    struct interface_group *next;
    ROW_FIELDS(INTERFACE_GROUP_COLUMNS)
};
extern const struct row_table interface_group_table;

/* --- reading: by account and region; @id empty for all, in order of creation ---------------- */

int vpc_list(struct store *s, struct arena *a, struct str account, struct str region, struct str id,
             struct vpc **ret_first);
int vpc_cidr_list(struct store *s, struct arena *a, struct str vpc, struct vpc_cidr **ret_first);
int subnet_list(struct store *s, struct arena *a, struct str account, struct str region,
                struct str id, struct subnet **ret_first);
int subnet_list_of_vpc(struct store *s, struct arena *a, struct str vpc, struct subnet **ret_first);
/* Whether the subnet's route table (its own, else the VPC's main one) has a default route to an
 * internet gateway. */
int subnet_is_public(struct store *s, const struct subnet *subnet, bool *ret_public);
int gateway_list(struct store *s, struct arena *a, struct str account, struct str region,
                 struct str id, struct gateway **ret_first);
int route_table_list(struct store *s, struct arena *a, struct str account, struct str region,
                     struct str id, struct route_table **ret_first);
int route_list(struct store *s, struct arena *a, struct str route_table,
               struct vpc_route **ret_first);
int route_association_list(struct store *s, struct arena *a, struct str route_table,
                           struct route_association **ret_first);
int security_group_list(struct store *s, struct arena *a, struct str account, struct str region,
                        struct str id, struct security_group **ret_first);
int security_group_rule_list(struct store *s, struct arena *a, struct str group_id,
                             struct security_group_rule **ret_first);
/* Of all groups of an account's region, one when @id is not empty. */
int security_group_rule_list_in(struct store *s, struct arena *a, struct str account,
                                struct str region, struct str id,
                                struct security_group_rule **ret_first);
/* Rules of any group that name @group_id as their peer. */
int security_group_rule_list_by_peer(struct store *s, struct arena *a, struct str group_id,
                                     struct security_group_rule **ret_first);
/* The association of that id, or NULL. */
int route_association_find(struct store *s, struct arena *a, struct str id,
                           struct route_association **ret_association);
int route_association_find_by_subnet(struct store *s, struct arena *a, struct str subnet,
                                     struct route_association **ret_association);
int instance_list(struct store *s, struct arena *a, struct str account, struct str region,
                  struct str id, struct instance **ret_first);
/* The instance of that id in any account, or NULL. */
int instance_find(struct store *s, struct arena *a, struct str id, struct instance **ret_instance);
/* Those of any account in a state (its number as text), in order of creation. */
int instance_list_by_state(struct store *s, struct arena *a, struct str state,
                           struct instance **ret_first);
/* Of a node group (all of the cluster when @nodegroup is empty), but terminated ones. */
int instance_list_of_cluster(struct store *s, struct arena *a, struct str cluster,
                             struct str nodegroup, struct instance **ret_first);
int interface_list(struct store *s, struct arena *a, struct str account, struct str region,
                   struct str id, struct network_interface **ret_first);
/* The interface of that id in any account, or NULL. */
int interface_find(struct store *s, struct arena *a, struct str id,
                   struct network_interface **ret_interface);
int interface_list_by_owner(struct store *s, struct arena *a, struct str owner,
                            struct network_interface **ret_first);
int interface_list_by_instance(struct store *s, struct arena *a, struct str instance,
                               struct network_interface **ret_first);
int interface_list_by_group(struct store *s, struct arena *a, struct str group_id,
                            struct network_interface **ret_first);
/* The interface that has @address in @vpc (secondary addresses too), or NULL. */
int interface_find_by_address(struct store *s, struct arena *a, struct str vpc, struct str address,
                              struct network_interface **ret_interface);
int private_address_list(struct store *s, struct arena *a, struct str interface,
                         struct private_address **ret_first);
int private_address_find_by_owner(struct store *s, struct arena *a, struct str owner,
                                  struct private_address **ret_address);
int private_address_list_of_subnet(struct store *s, struct arena *a, struct str subnet,
                                   struct private_address **ret_first);
int interface_group_list(struct store *s, struct arena *a, struct str interface,
                         struct interface_group **ret_first);

/* --- writing ------------------------------------------------------------------------------- */

/* Inserts a row of one of the tables above, and announces @id. */
int ec2_insert(struct store *s, const struct row_table *t, const void *row, struct str id);
/* Deletes a row and what hangs on it: a VPC's blocks, a group's rules, a route table's routes and
 * associations, an interface's addresses and groups; the tags of its ARN are the caller's. */
int vpc_delete(struct store *s, struct str id);
int subnet_delete(struct store *s, struct str id);
int gateway_delete(struct store *s, struct str id);
int gateway_attach(struct store *s, struct str id, struct str vpc);
int route_table_delete(struct store *s, struct str id);
int route_delete(struct store *s, struct str route_table, struct str destination);
int route_association_delete(struct store *s, struct str id);
int security_group_delete(struct store *s, struct str id);
int security_group_rule_delete(struct store *s, struct str id, struct str group_id);
int interface_delete(struct store *s, struct str id);
int interface_set_groups(struct store *s, struct str id, const struct str *groups, size_t n);
int instance_set_state(struct store *s, struct str id, int64_t state);
int private_address_delete(struct store *s, struct str owner);
/* These write all columns of a row, found by its id. */
int vpc_update(struct store *s, const struct vpc *v);
int subnet_update(struct store *s, const struct subnet *v);
int instance_update(struct store *s, const struct instance *i);
int interface_update(struct store *s, const struct network_interface *i);
int security_group_rule_update(struct store *s, const struct security_group_rule *r);
int vpc_cidr_delete(struct store *s, struct str id);
int private_address_delete_one(struct store *s, struct str interface, struct str address);
/* Moves a route table's association (of a subnet, or the main one) to another table; the row gets
 * the new id. */
int route_association_move(struct store *s, struct str id, struct str new_id,
                           struct str route_table);
/* Makes the table the main one of its VPC. */
int route_table_set_main(struct store *s, struct str vpc, struct str id);

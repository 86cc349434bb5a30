/* EC2 and VPC: what its files share. Every kind of thing is a row (struct ec2_kind): how ids look,
 * what is said of one that is not there, how a stored row becomes what the API shows, and by which
 * filters it is found. Describing is then one function for all. */
#pragma once

#include "aws/document.h"
#include "aws/ec2_operations.h"
#include "aws/page.h"
#include "aws/service.h"
#include "schema/aws/ec2.h"
#include "store/ec2.h"
#include "store/ec2_item.h"

/* A filter by name and where its value is in the view: member names as in answers, parted by dots
 * ("ipPermissions.groups.groupId"); through lists all of them count. */
struct ec2_filter_row {
    const char *name, *path;
};

struct ec2_kind {
    const char *type;                /* in ARNs and TagSpecifications: "security-group" */
    const char *prefix;              /* of ids: "sg"; NULL: ids have no form */
    const char *missing, *malformed; /* error codes; malformed NULL: as missing */
    const char *noun;                /* "The subnet ID 'x' does not exist": "subnet ID" */
    const char *ids;                 /* the request's list of ids: "SubnetId"; NULL: none */
    const struct shape *view;
    const struct ec2_filter_row *filters;
    size_t filter_count;
    /* Rows of the call's account and region, one when @id is not empty; their first member links
     * them. */
    int (*list)(struct call *c, struct str id, void **ret_first);
    /* What the API shows of a row; @view is zeroed. */
    int (*show)(struct call *c, const void *row, void *view);
};

#define EC2_FILTERS(rows) .filters = (rows), .filter_count = ARRAY_LEN(rows)

/* Views of one kind, in order. */
struct ec2_views {
    void *at; /* of kind->view->size each */
    size_t n;
    struct str next; /* the token of the next page */
};

/* --- ec2_describe.c -------------------------------------------------------------------------- */

/* What the request's ids, filters and page ask for. False, and the error, for an id that is not
 * there, an unknown filter, a bad token. */
bool ec2_collect(struct call *c, const void *input, const struct ec2_kind *kind,
                 struct ec2_views *ret_views, struct done *ret_done);

/* Collects and answers: the output's one list and its nextToken. */
struct done ec2_describe(struct call *c, const void *input, const struct ec2_kind *kind);

/* The view of one thing, or the error that it is not there. */
bool ec2_need(struct call *c, const struct ec2_kind *kind, struct str id, void *ret_row,
              struct done *ret_done);
/* The view of a row; NULL and the answer when the store fails. */
void *ec2_view_of(struct call *c, const struct ec2_kind *kind, const void *row,
                  struct done *ret_done);

/* --- ec2.c ----------------------------------------------------------------------------------- */

/* An EC2 error: 400 with a code. */
struct done ec2_fault(struct call *c, const char *code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* For `return` of bool helpers: the error, and false. */
bool ec2_refuse(struct call *c, struct done *ret_done, const char *code, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
bool ec2_failed(struct call *c, int error, struct done *ret_done);

/* <return>true</return>. */
struct done ec2_true(struct call *c);

struct str ec2_id(struct call *c, const char *prefix);
struct str ec2_arn(struct call *c, const char *type, struct str id);

/* A slice that is not absent, for members which EC2 shows empty. */
struct str ec2_shown(struct str s);

/* --- ec2_tag.c ------------------------------------------------------------------------------- */

/* The tags of one thing, never absent. */
struct ec2_tag *ec2_tags(struct call *c, const char *type, struct str id, size_t *ret_n,
                         int *ret_error);
/* Sets what the TagSpecifications say of @type; false and the error for a bad tag, or another
 * type. */
bool ec2_tag_new(struct call *c, const struct ec2_tag_specification *specs, size_t n,
                 const char *type, struct str id, struct done *ret_done);
int ec2_untag(struct call *c, const char *type, struct str id);
/* The kind that an id belongs to by its prefix, or NULL. */
const struct ec2_kind *ec2_kind_of(struct str id);

/* --- kinds ----------------------------------------------------------------------------------- */

extern const struct ec2_kind ec2_vpc_kind, ec2_subnet_kind, ec2_security_group_kind,
    ec2_security_group_rule_kind, ec2_network_interface_kind, ec2_instance_kind,
    ec2_internet_gateway_kind, ec2_route_table_kind, ec2_nat_gateway_kind, ec2_peering_kind,
    ec2_egress_gateway_kind, ec2_address_kind, ec2_prefix_list_kind;

/* --- what several files need ----------------------------------------------------------------- */

/* ec2_security_group.c: names of groups, as instances and interfaces show them. */
struct ec2_group_identifier *ec2_groups_of(struct call *c, struct str interface, size_t *ret_n,
                                           int *ret_error);
/* The groups exist and are in @vpc; @ids none: the VPC's default group alone, in *ret_ids. */
bool ec2_groups_hold(struct call *c, const struct str_list *ids, struct str vpc,
                     struct str_list *ret_ids, struct done *ret_done);
/* By id, or by name in the default VPC. */
bool ec2_need_group(struct call *c, struct str id, struct str name,
                    struct security_group **ret_group, struct done *ret_done);
/* ec2_vpc.c: whether an active peering connection joins two VPCs. */
bool ec2_vpcs_are_peered(struct call *c, struct str one, struct str other);
/* ec2_prefix_list.c: a prefix list of AWS's or the account's. */
bool ec2_prefix_list_holds(struct call *c, struct str id, struct done *ret_done);
/* ec2_region.c: "apne1-az4" of "ap-northeast-1a", empty for no zone of the region; the zones. */
struct str ec2_zone_id(struct call *c, struct str zone);
struct str_list ec2_zones(struct call *c);

/* ec2_vpc.c: makes @vpc with what each has; and whether @given is a block that EC2 allows. */
int ec2_make_vpc(struct call *c, struct vpc *vpc);
bool ec2_block_holds(struct call *c, struct str given, const char *range_code,
                     struct str *ret_block, struct done *ret_done);
/* ec2_default_vpc.c: the account's default VPC of the region is there from the first call on. */
int ec2_need_region(struct call *c);
int ec2_make_default_vpc(struct call *c, struct str *ret_id);
int ec2_make_default_subnet(struct call *c, struct str vpc, struct str zone, size_t i,
                            struct str *ret_id);

/* ec2_network_interface.c */
struct str ec2_private_name(struct call *c, struct str address);
struct str ec2_public_name(struct call *c, struct str address);
int ec2_show_interface(struct call *c, const struct network_interface *i,
                       struct ec2_network_interface *v);
/* The address lies in the subnet; and the error of taking one with result @r, if it is one. */
bool ec2_address_holds(struct call *c, const struct subnet *s, struct str address,
                       struct done *ret_done);
bool ec2_address_failed(struct call *c, int r, struct str address, struct done *ret_done);

/* ec2_address.c: an elastic address goes to an interface, and leaves it. */
int ec2_address_join(struct call *c, struct ec2_item *item, struct network_interface *eni);
int ec2_address_part(struct call *c, struct ec2_item *item);

/* ec2_instance.c */
const struct ec2_instance_state *ec2_state(struct call *c, int64_t code);
/* A switch of an instance that stands in no view ("disableApiTermination"); empty: never set. */
int ec2_instance_switch(struct call *c, struct str id, const char *attribute,
                        struct str *ret_value);

/* Rows of gateways and endpoints that were deleted are shown for a while; they have no VPC. */
static inline bool ec2_item_is_gone(const struct ec2_item *item)
{
    return item->vpc.n == 0;
}

/* "a, b". */
struct str ec2_joined(struct call *c, const struct str_list *words);

/* Every handler, by its operation. */
#define EC2_HANDLER(name, handler, resource, flags) aws_handler ec2_##handler;
EC2_OPERATIONS(EC2_HANDLER)

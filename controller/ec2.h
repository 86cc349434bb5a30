/* The calls of EC2 that find things, and their answers as values. */
#pragma once

#include "found.h"
#include "pass.h"

/* One filter beside the VPC's. */
bool ec2_list_subnets(struct pass *p, const char *filter, const struct strs *values,
                      struct subnets *ret);
bool ec2_list_groups(struct pass *p, const char *filter, const struct strs *values,
                     struct security_groups *ret);

/* By ids, within the VPC. */
bool ec2_list_groups_by_id(struct pass *p, const struct strs *ids, struct security_groups *ret);

/* By its name; *ret_there is false when there is none. */
bool ec2_find_group(struct pass *p, struct str name, bool *ret_there, struct security_group *ret);

/* The interfaces with device index 0. */
bool ec2_list_primary_interfaces(struct pass *p, const struct strs *instances,
                                 struct network_interfaces *ret);
bool ec2_list_interfaces_by_address(struct pass *p, const struct strs *addresses,
                                    struct network_interfaces *ret);
bool ec2_list_interfaces_by_group(struct pass *p, struct str group, struct network_interfaces *ret);

bool ec2_is_running(struct pass *p, struct str instance, bool *ret_running);

/* The IPv4 blocks of the VPC. */
bool ec2_list_vpc_blocks(struct pass *p, struct strs *ret_cidrs);

/* @action: AuthorizeSecurityGroupIngress or RevokeSecurityGroupIngress. */
bool ec2_change_permissions(struct pass *p, const char *action, struct str group,
                            const struct permissions *permissions);

/* Repeats it for two minutes while something still depends on the group. */
bool ec2_delete_group(struct pass *p, struct str id);

/* Targets and what lies between them and their load balancer: where they are, whether they can
 * take traffic at all, whether security groups let it pass. For the files of routing only. */
#pragma once

#include "dataplane/verdict.h"
#include "loops/routing_balancer.h"
#include "store/ec2.h"

/* One end of a connection in the VPC: its addresses and its security groups. */
struct routed_end {
    const uint32_t *addresses;
    size_t address_count;
    const struct str *groups;
    size_t group_count;
    const struct sg_permission *inbound, *outbound;
    size_t inbound_count, outbound_count;
};

/* A load balancer's side, and what its zones are. */
struct routed_front {
    struct routed_end end;
    struct load_balancer_zone *zones;
    struct str vpc;
};

/* The permissions of security groups, both directions; in @c->arena. */
int routing_read_groups(struct routing_compiler *c, struct routed_end *end);

/* Fills in where a registered target is and what its state is; *ret_health is what
 * DescribeTargetHealth is to say. @group is compiled but for its targets. */
int routing_compile_target(struct routing_compiler *c, const struct routed_front *front,
                           const struct target_group *group, const struct target *from,
                           struct dp_target *to, struct target_health *ret_health);

/* Remembers that a change of @id concerns what is being compiled. */
void routing_use(struct routing_compiler *c, struct str id);

/* Security groups: may this peer reach that port? Pure functions over permissions. */
#pragma once

#include "dataplane/dp_config.h"

enum { VERDICT_TCP = 6, VERDICT_ANY = 255 };

/* One permission of one security group, inbound or outbound. It names a block of addresses, or a
 * group whose members it means. */
struct sg_permission {
    uint8_t protocol; /* VERDICT_ANY for "-1" */
    uint16_t first_port, last_port;
    bool by_group;
    struct dp_prefix prefix;
    struct str group;
};

/* The other end, as the network knows it. */
struct sg_peer {
    uint32_t address;
    const struct str *groups; /* of its network interface */
    size_t group_count;
};

/* Whether one of the permissions lets TCP to @port pass between us and @peer. */
bool verdict_allows(const struct sg_permission *permissions, size_t n, uint16_t port,
                    const struct sg_peer *peer);

/* "tcp", "6", "-1" …; false for a protocol that carries no TCP. */
bool verdict_carries_tcp(struct str protocol, uint8_t *ret_protocol);

/* "10.0.0.0/8"; false when it is no IPv4 block. */
bool verdict_parse_prefix(struct str text, struct dp_prefix *ret_prefix);

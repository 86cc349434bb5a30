/* The fabric: VPC addresses on loopback. A VPC address keeps its low 16 bits and lies in a block
 * 127.B.0.0/16 that belongs to its upper 16 bits: 192.168.34.12 is reached at 127.168.34.12. The
 * block is the address's second octet where that is free, else the next free one: several servers
 * on one machine take different blocks. Nothing but the data plane and the pod runtimes knows.
 *
 * DIFFERS: two VPCs with the same upper 16 bits share a block, so equal addresses in them meet.
 * Control thread only; what it gives out are plain socket addresses. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct fabric;

/* Claims a block for a server, or gives up; the test's own in unit tests. True when 127.@block/16
 * is ours from now on. */
typedef bool fabric_claim_cb(void *data, uint8_t block);

struct fabric_options {
    fabric_claim_cb *claim;           /* NULL: by binding a marker port on the machine */
    void *data;                       /* for claim */
    bool one_address;                 /* only 127.0.0.1 exists: a port for each (address, port) */
    uint16_t first_unprivileged_port; /* lower ports are moved up; 0: every port may be bound */
};

/* What this machine allows: whether 127.0.0.2 can be bound, and from which port on. */
struct fabric_options fabric_probe(void);

struct fabric *fabric_new(const struct fabric_options *o);

/* Gives the claimed blocks back. NULL is fine. */
void fabric_free(struct fabric *f);

/* Where (@address, @port) of a VPC is on this machine. @address is in host byte order. False
 * when no block is left. Repeating a question gives the same answer. */
bool fabric_locate(struct fabric *f, uint32_t address, uint16_t port, struct sockaddr_in *ret_addr);

/* The VPC address and port that live at a socket address; false when none do. */
bool fabric_identify(const struct fabric *f, const struct sockaddr_in *addr, uint32_t *ret_address,
                     uint16_t *ret_port);

/* "192.168.34.12" to a number in host byte order; false when it is no such address. */
bool fabric_parse_address(struct str text, uint32_t *ret_address);

/* Blocks of addresses, as EC2 takes and shows them. Source: RFC 4632, RFC 5952. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/* "10.1.2.3/8": *ret_base is its network address, *ret_bits the prefix length. False for anything
 * else. */
bool cidr_parse(struct str text, uint32_t *ret_base, int *ret_bits);

/* "10.0.0.0/8" of "10.1.2.3/8", in @a; the same of IPv6, in its short form. False for no block. */
bool cidr_canonical(struct arena *a, struct str text, struct str *ret_text);
bool cidr6_canonical(struct arena *a, struct str text, struct str *ret_text);

/* Whether two IPv4 blocks share an address; whether @outer has all of @inner. */
bool cidr_overlaps(struct str a, struct str b);
bool cidr_contains(struct str outer, struct str inner);

/* Whether the address (no block) lies in the block. */
bool cidr_has(struct str block, struct str address);

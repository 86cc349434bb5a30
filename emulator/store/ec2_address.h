/* Addresses of subnets, and interfaces that hold them: for whatever lives in a VPC (instances,
 * pods, load balancers). Inside the caller's transaction. */
#pragma once

#include "store/ec2.h"

/* Takes a free address of @subnet for @interface; AWS keeps the first four and the last one.
 * 0 and *ret_address in @a, -ENOSPC when none is free, or a negative error of the store. */
int private_address_take(struct store *s, struct arena *a, const struct subnet *subnet,
                         struct str interface, bool primary, struct str owner,
                         struct str *ret_address);

/* Takes the address @wanted instead; -EEXIST when somebody has it. */
int private_address_take_this(struct store *s, const struct subnet *subnet, struct str interface,
                              bool primary, struct str owner, struct str wanted);

/* Makes an interface in @subnet and in the security groups @groups, with an address of its own:
 * i->address where the caller set it, else any free one. Fills in what follows from the subnet,
 * the id and the MAC address, and the type where there is none; the rest (description, owner,
 * requester …) is the caller's. 0, or a negative error as above. */
int interface_make(struct store *s, struct arena *a, const struct subnet *subnet,
                   struct network_interface *i, const struct str *groups, size_t n);

/* How many addresses of @subnet nobody has. */
int subnet_free_addresses(struct store *s, const struct subnet *subnet, int64_t *ret_count);

/* A public address, as an internet-facing interface shows it. In @a. */
struct str public_address_make(struct store *s, struct arena *a);

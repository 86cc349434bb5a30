/* Addresses of subnets, and interfaces.
 * Source: Amazon VPC User Guide, "Subnet sizing for IPv4". */
#include "store/ec2_address.h"

#include <arpa/inet.h>
#include <errno.h>

enum { RANDOM_TRIES = 16, LOWEST_HOST = 4, RESERVED = 5 };

/* Where a subnet begins and how many addresses it has; false for a block that is none. */
static bool read_block(struct str cidr, uint32_t *ret_base, uint32_t *ret_size)
{
    struct str network, length;
    struct in_addr at;
    char text[INET_ADDRSTRLEN];
    int64_t bits;

    if (!str_cut(cidr, '/', &network, &length) || network.n >= sizeof text ||
        !str_to_int(length, &bits) || bits < 8 || bits > 28)
        return false;
    memcpy(text, network.at, network.n);
    text[network.n] = '\0';
    if (inet_pton(AF_INET, text, &at) != 1)
        return false;
    *ret_base = ntohl(at.s_addr);
    *ret_size = UINT32_C(1) << (32 - bits);
    return true;
}

int private_address_take_this(struct store *s, const struct subnet *subnet, struct str interface,
                              bool primary, struct str owner, struct str wanted)
{
    struct private_address row = {.subnet = subnet->id,
                                  .interface = interface,
                                  .is_primary = primary,
                                  .owner = owner,
                                  .address = wanted};

    return row_insert(s, &private_address_table, &row);
}

int private_address_take(struct store *s, struct arena *a, const struct subnet *subnet,
                         struct str interface, bool primary, struct str owner,
                         struct str *ret_address)
{
    uint32_t base, size, usable, first;

    if (!read_block(subnet->cidr, &base, &size))
        return -ENOSPC;
    usable = size - RESERVED;
    first = (uint32_t)ids_below(store_ids(s), usable);
    /* Some random ones, then one after the other: a subnet that is nearly full has one left. */
    for (uint32_t i = 0; i < RANDOM_TRIES + usable; i++) {
        uint32_t host =
            i < RANDOM_TRIES ? (uint32_t)ids_below(store_ids(s), usable) : (first + i) % usable;
        uint32_t at = base + LOWEST_HOST + host;
        struct str address =
            arena_printf(a, "%u.%u.%u.%u", at >> 24, at >> 16 & 255, at >> 8 & 255, at & 255);
        int r = private_address_take_this(s, subnet, interface, primary, owner, address);

        if (r == 0)
            *ret_address = address;
        if (r != -EEXIST)
            return r;
    }
    return -ENOSPC;
}

static struct str mac_address(struct store *s, struct arena *a)
{
    uint64_t n = ids_next(store_ids(s));

    return arena_printf(a, "06:%02x:%02x:%02x:%02x:%02x", (unsigned)(n & 255),
                        (unsigned)(n >> 8 & 255), (unsigned)(n >> 16 & 255),
                        (unsigned)(n >> 24 & 255), (unsigned)(n >> 32 & 255));
}

int interface_make(struct store *s, struct arena *a, const struct subnet *subnet,
                   struct network_interface *i, const struct str *groups, size_t n)
{
    int r;

    i->id = arena_printf(a, "eni-%.*s", STR_ARG(ids_hex(store_ids(s), a, 17)));
    i->account = subnet->account;
    i->region = subnet->region;
    i->subnet = subnet->id;
    i->vpc = subnet->vpc;
    i->zone = subnet->zone;
    i->mac = mac_address(s, a);
    if (i->type.n == 0)
        i->type = S("interface");
    r = i->address.n > 0 ? private_address_take_this(s, subnet, i->id, true, i->owner, i->address)
                         : private_address_take(s, a, subnet, i->id, true, i->owner, &i->address);
    if (r == 0)
        r = ec2_insert(s, &network_interface_table, i, i->id);
    return r < 0 ? r : interface_set_groups(s, i->id, groups, n);
}

int subnet_free_addresses(struct store *s, const struct subnet *subnet, int64_t *ret_count)
{
    static const char sql[] = "SELECT count(*) AS used FROM private_address WHERE subnet = :subnet";
    CLEANUP(stmt_done) struct stmt q = {0};
    uint32_t base, size;
    int r = stmt_open(s, &q, sql);

    if (r < 0)
        return r;
    stmt_bind_str(&q, ":subnet", subnet->id);
    r = stmt_step(&q);
    if (r < 0)
        return r;
    *ret_count = read_block(subnet->cidr, &base, &size)
                     ? (int64_t)size - RESERVED - stmt_int(&q, "used")
                     : 0;
    return 0;
}

struct str public_address_make(struct store *s, struct arena *a)
{
    uint64_t n = ids_next(store_ids(s));

    return arena_printf(a, "54.%u.%u.%u", (unsigned)(n & 255), (unsigned)(n >> 8 & 255),
                        (unsigned)(n >> 16 & 255));
}

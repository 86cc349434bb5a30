/* Judging traffic by security groups. Groups only allow, and all groups of an interface count
 * together; answers follow their request (they are stateful), so one direction is asked.
 * Source: Amazon VPC User Guide, "Control traffic to your AWS resources using security groups". */
#include "dataplane/verdict.h"

#include <arpa/inet.h>

static bool is_member(const struct sg_peer *peer, struct str group)
{
    for (size_t i = 0; i < peer->group_count; i++)
        if (str_eq(peer->groups[i], group))
            return true;
    return false;
}

bool verdict_allows(const struct sg_permission *permissions, size_t n, uint16_t port,
                    const struct sg_peer *peer)
{
    for (size_t i = 0; i < n; i++) {
        const struct sg_permission *p = &permissions[i];

        if (p->protocol != VERDICT_ANY &&
            (p->protocol != VERDICT_TCP || port < p->first_port || port > p->last_port))
            continue;
        if (p->by_group ? is_member(peer, p->group)
                        : (peer->address & p->prefix.mask) == (p->prefix.address & p->prefix.mask))
            return true;
    }
    return false;
}

bool verdict_carries_tcp(struct str protocol, uint8_t *ret_protocol)
{
    if (str_eq(protocol, S("-1")))
        *ret_protocol = VERDICT_ANY;
    else if (str_ieq(protocol, S("tcp")) || str_eq(protocol, S("6")))
        *ret_protocol = VERDICT_TCP;
    else
        return false;
    return true;
}

bool verdict_parse_prefix(struct str text, struct dp_prefix *ret_prefix)
{
    struct str address = text, length = S("32");
    char room[INET_ADDRSTRLEN];
    struct in_addr in;
    int64_t bits;

    (void)str_cut(text, '/', &address, &length);
    if (address.n == 0 || address.n >= sizeof room || !str_to_int(length, &bits) || bits < 0 ||
        bits > 32)
        return false;
    memcpy(room, address.at, address.n);
    room[address.n] = '\0';
    if (inet_pton(AF_INET, room, &in) != 1)
        return false;
    ret_prefix->mask = bits == 0 ? 0 : UINT32_MAX << (32 - bits);
    ret_prefix->address = ntohl(in.s_addr) & ret_prefix->mask;
    return true;
}

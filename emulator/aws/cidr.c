/* Blocks of addresses. */
#include "aws/cidr.h"

#include <arpa/inet.h>
#include <string.h>

static bool split(struct str text, char *ret_address, size_t room, int most, int *ret_bits)
{
    struct str address, length;
    int64_t bits;

    if (!str_cut(text, '/', &address, &length) || address.n == 0 || address.n >= room ||
        length.n == 0 || length.n > 3 || length.at[0] == '-' || !str_to_int(length, &bits) ||
        bits > most)
        return false;
    memcpy(ret_address, address.at, address.n);
    ret_address[address.n] = '\0';
    *ret_bits = (int)bits;
    return true;
}

static uint32_t mask(int bits)
{
    return bits == 0 ? 0 : UINT32_MAX << (32 - bits);
}

bool cidr_parse(struct str text, uint32_t *ret_base, int *ret_bits)
{
    char address[INET_ADDRSTRLEN];
    struct in_addr at;

    if (!split(text, address, sizeof address, 32, ret_bits) ||
        inet_pton(AF_INET, address, &at) != 1)
        return false;
    *ret_base = ntohl(at.s_addr) & mask(*ret_bits);
    return true;
}

bool cidr_canonical(struct arena *a, struct str text, struct str *ret_text)
{
    uint32_t base;
    int bits;

    if (!cidr_parse(text, &base, &bits))
        return false;
    *ret_text = arena_printf(a, "%u.%u.%u.%u/%d", base >> 24, base >> 16 & 255, base >> 8 & 255,
                             base & 255, bits);
    return true;
}

bool cidr6_canonical(struct arena *a, struct str text, struct str *ret_text)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr at;
    int bits;

    if (!split(text, address, sizeof address, 128, &bits) || inet_pton(AF_INET6, address, &at) != 1)
        return false;
    for (int i = bits; i < 128; i++)
        at.s6_addr[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
    if (inet_ntop(AF_INET6, &at, address, sizeof address) == NULL)
        return false;
    *ret_text = arena_printf(a, "%s/%d", address, bits);
    return true;
}

bool cidr_contains(struct str outer, struct str inner)
{
    uint32_t outer_base, inner_base;
    int outer_bits, inner_bits;

    return cidr_parse(outer, &outer_base, &outer_bits) &&
           cidr_parse(inner, &inner_base, &inner_bits) && outer_bits <= inner_bits &&
           (inner_base & mask(outer_bits)) == outer_base;
}

bool cidr_overlaps(struct str a, struct str b)
{
    return cidr_contains(a, b) || cidr_contains(b, a);
}

bool cidr_has(struct str block, struct str address)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr at;
    uint32_t base;
    int bits;

    if (address.n >= sizeof text || !cidr_parse(block, &base, &bits))
        return false;
    memcpy(text, address.at, address.n);
    text[address.n] = '\0';
    return inet_pton(AF_INET, text, &at) == 1 && (ntohl(at.s_addr) & mask(bits)) == base;
}

/* NO_PROXY. Source: golang.org/x/net/http/httpproxy. */
#include "net/http_proxy.h"

#include <arpa/inet.h>

#include "net/dns.h"

static bool read_v4(struct str s, uint32_t *ret_address)
{
    struct sockaddr_storage addr;

    if (!dns_resolve_now(s, 0, &addr) || addr.ss_family != AF_INET)
        return false;
    *ret_address = ntohl(((const struct sockaddr_in *)(const void *)&addr)->sin_addr.s_addr);
    return true;
}

static bool is_loopback(struct str host)
{
    struct sockaddr_storage addr;

    if (!dns_resolve_now(host, 0, &addr))
        return false;
    if (addr.ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)&addr)->sin6_addr);
    return ntohl(((const struct sockaddr_in *)(const void *)&addr)->sin_addr.s_addr) >> 24 == 127;
}

static bool in_block(struct str block, struct str host)
{
    struct str network, bits;
    uint32_t base, address;
    int64_t n;

    if (!str_cut(block, '/', &network, &bits) || !str_to_int(bits, &n) || n < 0 || n > 32)
        return false;
    if (!read_v4(network, &base) || !read_v4(host, &address))
        return false;
    return n == 0 || (base ^ address) >> (32 - n) == 0;
}

static bool entry_matches(struct str entry, struct str host, uint16_t port)
{
    struct str name = entry;
    uint16_t only = 0;

    if (str_is(entry, "*") || in_block(entry, host))
        return true;
    if (str_chr(entry, ':') != STR_NONE && http_cut_authority(entry, 1, &name, &only) &&
        only != port)
        return false;
    if (str_starts(name, S("*.")))
        name = str_from(name, 1);
    if (name.n > 0 && name.at[0] == '.')
        return host.n > name.n && str_ieq(str_from(host, host.n - name.n), name);
    if (str_ieq(name, host))
        return name.n > 0;
    return name.n > 0 && host.n > name.n && host.at[host.n - name.n - 1] == '.' &&
           str_ieq(str_from(host, host.n - name.n), name);
}

bool http_proxy_is_bypassed(struct str no_proxy, struct str host, uint16_t port)
{
    struct str entry;

    if (is_loopback(host))
        return true;
    while (str_next(&no_proxy, ',', &entry))
        if (entry_matches(str_trim(entry), host, port))
            return true;
    return false;
}

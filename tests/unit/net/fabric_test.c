/* VPC addresses on loopback. */
#include "net/fabric.h"

#include <arpa/inet.h>

#include "test.h"

static bool claim(void *data, uint8_t block)
{
    const bool *taken = data;

    return taken == NULL || !taken[block];
}

static const struct {
    const char *label;
    uint16_t unprivileged;
    bool one_address;
    const char *vpc;
    uint16_t port;
    const char *want;
    uint16_t want_port;
} places[] = {
    {"the low half stays, the block is the second octet", 0,    false, "192.168.34.12", 8080,
     "127.168.34.12",                                                                                         8080 },
    {"a second octet of 0 moves",                         0,    false, "10.0.3.4",      80,   "127.1.3.4",    80   },
    {"a second octet of 255 moves",                       0,    false, "10.255.3.4",    80,   "127.1.3.4",    80   },
    {"ports that may not be bound move up",               1024, false, "192.168.0.20",  80,   "127.168.0.20", 61080},
    {"others stay",                                       1024, false, "192.168.0.20",  1024, "127.168.0.20", 1024 },
    {"one address: ports tell the places apart",          1024, true,  "192.168.0.20",  80,   "127.0.0.1",    0    },
};

TEST(a_place_has_one_socket_address)
{
    CASE_EACH(c, places) {
        struct fabric_options o = {.claim = claim,
                                   .one_address = c->one_address,
                                   .first_unprivileged_port = c->unprivileged};
        struct fabric *f = fabric_new(&o);
        struct sockaddr_in addr, again;
        uint32_t vpc, back;
        uint16_t port;
        char text[INET_ADDRSTRLEN] = "";

        CHECK(c->label, fabric_parse_address(str_c(c->vpc), &vpc));
        CHECK(c->label, fabric_locate(f, vpc, c->port, &addr));
        CHECK(c->label, fabric_locate(f, vpc, c->port, &again));
        CHECK("the same each time",
              addr.sin_port == again.sin_port && addr.sin_addr.s_addr == again.sin_addr.s_addr);
        (void)inet_ntop(AF_INET, &addr.sin_addr, text, sizeof text);
        CHECK_STR(c->label, str_c(text), str_c(c->want));
        CHECK(c->label, c->want_port == 0 || ntohs(addr.sin_port) == c->want_port);
        CHECK(c->label, fabric_identify(f, &addr, &back, &port));
        CHECK("and the way back", back == vpc && port == c->port);
        fabric_free(f);
    }
}

TEST(blocks_are_shared_with_nobody)
{
    bool taken[256] = {[168] = true, [169] = true};
    struct fabric_options o = {.claim = claim, .data = taken};
    struct fabric *f = fabric_new(&o);
    struct sockaddr_in addr;

    CHECK("found", fabric_locate(f, 0xc0a80001, 80, &addr)); /* 192.168.0.1 */
    CHECK("the next free block", ntohl(addr.sin_addr.s_addr) == 0x7faa0001);
    CHECK("found", fabric_locate(f, 0x0aaa0001, 80, &addr)); /* 10.170.0.1 */
    CHECK("another VPC with that octet moves on", ntohl(addr.sin_addr.s_addr) == 0x7fab0001);
    for (size_t i = 0; i < 256; i++)
        taken[i] = true;
    CHECK("known ones stay", fabric_locate(f, 0xc0a80002, 80, &addr));
    CHECK("no block, no place", !fabric_locate(f, 0x0a100001, 80, &addr));
    fabric_free(f);
}

TEST(two_places_on_one_address_never_meet)
{
    struct fabric_options o = {.one_address = true};
    struct fabric *f = fabric_new(&o);
    bool seen[65536] = {0};

    for (uint32_t i = 0; i < 3000; i++) {
        struct sockaddr_in addr;

        CHECK("a place", fabric_locate(f, 0xc0a80000 + i, (uint16_t)(80 + i % 3), &addr));
        CHECK("of its own", !seen[ntohs(addr.sin_port)]);
        seen[ntohs(addr.sin_port)] = true;
    }
    fabric_free(f);
}

TEST(two_fabrics_on_one_machine_take_different_blocks)
{
    struct fabric_options o = fabric_probe();
    struct fabric *one = fabric_new(&o), *two = fabric_new(&o);
    struct sockaddr_in a, b;

    if (!o.one_address) {
        CHECK("one", fabric_locate(one, 0xc0a80001, 8080, &a));
        CHECK("two", fabric_locate(two, 0xc0a80001, 8080, &b));
        CHECK("apart", a.sin_addr.s_addr != b.sin_addr.s_addr);
    }
    fabric_free(one);
    fabric_free(two);
}

TEST_MAIN(T(a_place_has_one_socket_address), T(blocks_are_shared_with_nobody),
          T(two_places_on_one_address_never_meet),
          T(two_fabrics_on_one_machine_take_different_blocks))

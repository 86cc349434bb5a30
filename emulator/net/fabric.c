/* VPC addresses on loopback. A fabric owns the marker sockets of the blocks it claimed: while one
 * is bound, no other server takes the block. */
#include "net/fabric.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"

enum {
    FIRST_BLOCK = 1, /* block 0 holds 127.0.0.1 and the machine's own services */
    LAST_BLOCK = 254,
    MARKER_PORT = 4565,
    MARKER_HOST = 0xfffe, /* 127.B.255.254: no /24 subnet of a /16 VPC hands this one out */
    /* Ports that may not be bound move here: above Linux's ephemeral range and the NodePorts. */
    MOVED_PORTS = 61000,
    /* One-address machines: a port for each (address, port), out of this range. */
    FIRST_SHARED_PORT = 20000,
    SHARED_PORTS = 10000,
};

struct shared_port {
    uint32_t address; /* 0: free */
    uint16_t port;
};

struct fabric {
    struct fabric_options options;
    uint16_t upper[256]; /* the VPC address's upper half that each block stands for */
    bool taken[256];
    int markers[256];           /* -1: none */
    struct shared_port *shared; /* SHARED_PORTS of them, on one-address machines */
};

static int bind_loopback(uint32_t address, uint16_t port)
{
    struct sockaddr_in addr = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(address),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (bind(fd, (const struct sockaddr *)&addr, sizeof addr) < 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static bool can_bind(uint32_t address, uint16_t port)
{
    int fd = bind_loopback(address, port);

    if (fd < 0)
        return false;
    (void)close(fd);
    return true;
}

/* The kernel's first port that everybody may bind; 1024 where it does not say. */
static uint16_t first_unprivileged_port(void)
{
    char text[16] = "";
    int fd = open("/proc/sys/net/ipv4/ip_unprivileged_port_start", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    int64_t port;

    if (fd >= 0)
        (void)close(fd);
    if (n <= 0 || !str_to_int(str_trim(str_n(text, (size_t)n)), &port) || port < 0 || port > 65535)
        return 1024;
    return (uint16_t)port;
}

struct fabric_options fabric_probe(void)
{
    struct fabric_options o = {.one_address = !can_bind(0x7f000002, 0)};
    uint16_t first = first_unprivileged_port();

    /* Root, or CAP_NET_BIND_SERVICE: a port that hardly anybody uses tells. */
    if (first > 1 && !can_bind(o.one_address ? INADDR_LOOPBACK : 0x7f000002, 3))
        o.first_unprivileged_port = first;
    return o;
}

struct fabric *fabric_new(const struct fabric_options *o)
{
    struct fabric *f = xcalloc(sizeof *f);

    f->options = *o;
    for (size_t i = 0; i < 256; i++)
        f->markers[i] = -1;
    if (o->one_address)
        f->shared = xcalloc(SHARED_PORTS * sizeof *f->shared);
    return f;
}

void fabric_free(struct fabric *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < 256; i++)
        if (f->markers[i] >= 0)
            (void)close(f->markers[i]);
    free(f->shared);
    free(f);
}

static bool claim(struct fabric *f, uint8_t block)
{
    if (f->options.claim != NULL)
        return f->options.claim(f->options.data, block);
    f->markers[block] =
        bind_loopback(0x7f000000u | (uint32_t)block << 16 | MARKER_HOST, MARKER_PORT);
    return f->markers[block] >= 0;
}

/* The block of VPC addresses that begin with @upper; claimed when it is the first such. */
static bool block_of(struct fabric *f, uint16_t upper, uint8_t *ret_block)
{
    unsigned wanted = upper & 0xff;

    if (wanted < FIRST_BLOCK || wanted > LAST_BLOCK)
        wanted = FIRST_BLOCK;
    for (unsigned b = FIRST_BLOCK; b <= LAST_BLOCK; b++)
        if (f->taken[b] && f->upper[b] == upper) {
            *ret_block = (uint8_t)b;
            return true;
        }
    for (unsigned i = 0; i < LAST_BLOCK; i++) {
        unsigned b = FIRST_BLOCK + (wanted - FIRST_BLOCK + i) % LAST_BLOCK;

        if (f->taken[b] || !claim(f, (uint8_t)b))
            continue;
        f->taken[b] = true;
        f->upper[b] = upper;
        *ret_block = (uint8_t)b;
        return true;
    }
    return false;
}

static uint16_t moved(const struct fabric *f, uint16_t port)
{
    return port > 0 && port < f->options.first_unprivileged_port ? (uint16_t)(MOVED_PORTS + port)
                                                                 : port;
}

static struct sockaddr_in socket_address(uint32_t address, uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(address),
    };
}

/* A port of the one address, found by hashing; the first asker of a place keeps it. */
static bool locate_shared(struct fabric *f, uint32_t address, uint16_t port,
                          struct sockaddr_in *ret_addr)
{
    uint32_t hash = (address * 2654435761u) ^ (port * 40503u);

    for (uint32_t i = 0; i < SHARED_PORTS; i++) {
        uint32_t at = (hash + i) % SHARED_PORTS;
        struct shared_port *s = &f->shared[at];

        if (s->address != 0 && (s->address != address || s->port != port))
            continue;
        *s = (struct shared_port){address, port};
        *ret_addr = socket_address(INADDR_LOOPBACK, (uint16_t)(FIRST_SHARED_PORT + at));
        return true;
    }
    return false;
}

bool fabric_locate(struct fabric *f, uint32_t address, uint16_t port, struct sockaddr_in *ret_addr)
{
    uint8_t block;

    if (f->options.one_address)
        return locate_shared(f, address, port, ret_addr);
    if (!block_of(f, (uint16_t)(address >> 16), &block))
        return false;
    *ret_addr =
        socket_address(0x7f000000u | (uint32_t)block << 16 | (address & 0xffff), moved(f, port));
    return true;
}

bool fabric_identify(const struct fabric *f, const struct sockaddr_in *addr, uint32_t *ret_address,
                     uint16_t *ret_port)
{
    uint32_t host = ntohl(addr->sin_addr.s_addr);
    uint16_t port = ntohs(addr->sin_port);
    uint8_t block = (uint8_t)(host >> 16);

    if (f->options.one_address) {
        const struct shared_port *s;

        if (port < FIRST_SHARED_PORT || port >= FIRST_SHARED_PORT + SHARED_PORTS)
            return false;
        s = &f->shared[port - FIRST_SHARED_PORT];
        *ret_address = s->address;
        *ret_port = s->port;
        return s->address != 0;
    }
    if (host >> 24 != 127 || !f->taken[block])
        return false;
    *ret_address = (uint32_t)f->upper[block] << 16 | (host & 0xffff);
    *ret_port = port;
    if (port >= MOVED_PORTS && port < MOVED_PORTS + f->options.first_unprivileged_port)
        *ret_port = (uint16_t)(port - MOVED_PORTS);
    return true;
}

bool fabric_parse_address(struct str text, uint32_t *ret_address)
{
    char copy[INET_ADDRSTRLEN];
    struct in_addr address;

    if (text.n == 0 || text.n >= sizeof copy)
        return false;
    memcpy(copy, text.at, text.n);
    copy[text.n] = '\0';
    if (inet_pton(AF_INET, copy, &address) != 1)
        return false;
    *ret_address = ntohl(address.s_addr);
    return true;
}

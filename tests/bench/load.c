/* A load generator for the benchmarks: keep-alive HTTP/1.1 over one thread and epoll.
 *   bench_load PORT CONNECTIONS SECONDS HOST PATH [close]
 * PATH may be @FILE: the request is what is in the file, byte for byte.
 * Prints "requests seconds p50_us p99_us bytes errors". With "close", a connection a request. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 64 * 1024, MAX_CONNECTIONS = 20000, MAX_SAMPLES = 1 << 22 };

struct client {
    int fd;
    bool in_body;
    int64_t left; /* of the body */
    char head[4096];
    size_t head_n;
    int64_t began_us;
};

struct load {
    int epoll;
    struct sockaddr_in at;
    char request[4096];
    size_t request_n;
    bool close_each;
    uint64_t done, bytes, errors;
    uint32_t *samples;
    size_t sample_count;
    struct client *clients;
};

static int64_t now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void send_request(struct load *l, struct client *c)
{
    c->began_us = now_us();
    c->in_body = false;
    c->head_n = 0;
    if (send(c->fd, l->request, l->request_n, MSG_NOSIGNAL) != (ssize_t)l->request_n)
        l->errors++;
}

static void open_client(struct load *l, struct client *c)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    struct linger abrupt = {.l_onoff = 1};
    int yes = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt);
    if (connect(c->fd, (const struct sockaddr *)&l->at, sizeof l->at) < 0) {
        perror("connect");
        exit(1);
    }
    (void)fcntl(c->fd, F_SETFL, O_NONBLOCK);
    (void)epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &e);
    send_request(l, c);
}

static void finish(struct load *l, struct client *c)
{
    if (l->sample_count < MAX_SAMPLES)
        l->samples[l->sample_count++] = (uint32_t)(now_us() - c->began_us);
    l->done++;
    if (!l->close_each) {
        send_request(l, c);
        return;
    }
    (void)close(c->fd);
    open_client(l, c);
}

/* Adds to the head until it is complete; returns how many bytes were the head's. */
static size_t take_head(struct load *l, struct client *c, const char *at, size_t n)
{
    size_t room = sizeof c->head - 1 - c->head_n, before = c->head_n;
    const char *end, *length;

    if (n > room)
        n = room;
    memcpy(c->head + c->head_n, at, n);
    c->head_n += n;
    c->head[c->head_n] = '\0';
    end = strstr(c->head, "\r\n\r\n");
    if (end == NULL)
        return n;
    if (strncmp(c->head, "HTTP/1.1 200", 12) != 0)
        l->errors++;
    length = strcasestr(c->head, "\ncontent-length:");
    c->left = length == NULL ? 0 : atoll(length + 16);
    c->in_body = true;
    return (size_t)(end + 4 - c->head) - before;
}

static void take_bytes(struct load *l, struct client *c, const char *at, size_t n)
{
    size_t used = 0;

    l->bytes += n;
    if (!c->in_body)
        used = take_head(l, c, at, n);
    if (!c->in_body)
        return;
    c->left -= (int64_t)(n - used);
    if (c->left <= 0)
        finish(l, c);
}

static void serve(struct load *l, struct client *c, char *room)
{
    ssize_t n = recv(c->fd, room, ROOM, 0);

    if (n > 0) {
        take_bytes(l, c, room, (size_t)n);
        return;
    }
    if (n < 0 && errno == EAGAIN)
        return;
    l->errors++;
    (void)close(c->fd);
    open_client(l, c);
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void print_result(struct load *l, int64_t us)
{
    uint32_t p50 = 0, p99 = 0;

    qsort(l->samples, l->sample_count, sizeof *l->samples, by_value);
    if (l->sample_count > 0) {
        p50 = l->samples[l->sample_count / 2];
        p99 = l->samples[l->sample_count * 99 / 100];
    }
    (void)printf("%llu %.3f %u %u %llu %llu\n", (unsigned long long)l->done, (double)us / 1e6, p50,
                 p99, (unsigned long long)l->bytes, (unsigned long long)l->errors);
}

static bool read_request(struct load *l, const char *path)
{
    FILE *f = fopen(path, "rb");

    if (f == NULL)
        return false;
    l->request_n = fread(l->request, 1, sizeof l->request, f);
    return fclose(f) == 0 && l->request_n > 0;
}

int main(int argc, char **argv)
{
    struct load l = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
    struct epoll_event events[256];
    int64_t begin, until;
    char *room = malloc(ROOM);
    int connections;

    if (argc < 6) {
        (void)fprintf(stderr, "bench_load PORT CONNECTIONS SECONDS HOST PATH [close]\n");
        return 2;
    }
    connections = atoi(argv[2]);
    if (connections < 1 || connections > MAX_CONNECTIONS || room == NULL)
        return 2;
    l.at.sin_family = AF_INET;
    l.at.sin_port = htons((uint16_t)atoi(argv[1]));
    l.at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    l.close_each = argc > 6;
    l.request_n = (size_t)snprintf(l.request, sizeof l.request,
                                   "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\n"
                                   "Accept: */*\r\n\r\n",
                                   argv[5], argv[4]);
    if (argv[5][0] == '@' && !read_request(&l, argv[5] + 1))
        return 2;
    l.samples = calloc(MAX_SAMPLES, sizeof *l.samples);
    l.clients = calloc((size_t)connections, sizeof *l.clients);
    begin = now_us();
    until = begin + (int64_t)(atof(argv[3]) * 1e6);
    for (int i = 0; i < connections; i++)
        open_client(&l, &l.clients[i]);
    while (now_us() < until) {
        int n = epoll_wait(l.epoll, events, 256, 100);

        for (int i = 0; i < n; i++)
            serve(&l, events[i].data.ptr, room);
    }
    print_result(&l, now_us() - begin);
    free(l.clients);
    free(l.samples);
    free(room);
    return l.errors > 0;
}

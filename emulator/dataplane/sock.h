/* One TCP connection of a worker, as client connections, back-end connections and health checks
 * share it: what can leave now leaves now, without a copy; the rest is queued and tells when it
 * has gone. TLS (secure.h) lies in here, between the owner and the socket: the owner reads and
 * writes plain bytes either way. */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "dataplane/text.h"

enum sock_marks {
    SOCK_HIGH_WATER = 128 * 1024, /* queued bytes above which the other side stops reading */
    SOCK_LOW_WATER = 32 * 1024,   /* below which it goes on */
    SOCK_READ_ROOM = 64 * 1024,   /* the most that one read brings */
    SOCK_RECORD = 16 * 1024,      /* the most that one TLS record holds */
};

/* Rooms that the sockets of one loop share; each is in use within one callback only. */
struct sock_rooms {
    char *read;         /* SOCK_READ_ROOM bytes: what the kernel gave */
    char *plain;        /* as many: what TLS made of it */
    char *record;       /* SOCK_RECORD: small pieces that go into one record */
    struct text cipher; /* records on their way to the kernel */
    struct bio_method_st *bio;
};

/* Once for each loop, and its end. */
void sock_rooms_init(struct sock_rooms *rooms);
void sock_rooms_free(struct sock_rooms *rooms);

struct secure;

struct sock {
    uv_tcp_t tcp; /* .data is the owner's */
    uv_shutdown_t shutdown;
    struct sock_rooms *rooms;
    struct secure *secure; /* NULL: in clear */
    bool connected, closing;
    bool reading;
    bool nowhere; /* a security group swallows what is sent: there is no connection */
    /* The owner's. on_read gets @n > 0 bytes, borrowed for the call; or a negative UV_* error,
     * UV_EOF at the end, UV_EPROTO when TLS failed, UV_EPROTONOSUPPORT when the other end does not
     * speak TLS at all. */
    void (*on_read)(struct sock *s, ssize_t n, const char *at);
    void (*on_secured)(struct sock *s);           /* the TLS handshake is over; may be NULL */
    void (*on_drained)(struct sock *s);           /* the queue fell below the low mark */
    void (*on_failed)(struct sock *s, int error); /* a queued write failed */
};

int sock_init(struct sock *s, uv_loop_t *loop, struct sock_rooms *rooms);

/* Sends all of @bufs, or queues a copy of what does not leave at once; while it is connecting all
 * is queued. Returns 0 or a negative UV_* error, after which the owner closes. */
int sock_write(struct sock *s, uv_buf_t *bufs, unsigned n);

size_t sock_queued(const struct sock *s);
bool sock_is_full(const struct sock *s);

/* Idempotent. */
void sock_read_start(struct sock *s);
void sock_read_stop(struct sock *s);

/* Finishes sending behind what is queued. */
void sock_end(struct sock *s);

/* Closes it; @on_closed frees what it is in. Once. */
void sock_close(struct sock *s, uv_close_cb on_closed);

/* The other end's IPv4 address in host byte order, and port; 0 when unknown. */
void sock_peer(const struct sock *s, uint32_t *ret_address, uint16_t *ret_port);

/* Bytes as they are, past TLS. For secure.c. */
int sock_send_raw(struct sock *s, uv_buf_t *bufs, unsigned n);

/* What one callback wants to send on one socket, gathered for a single writev: heads are written
 * into the room of @text, content stays where it was read. */
enum { GATHER_MAX = 64, GATHER_ROOM = 96 * 1024 };

struct gather {
    struct sock *to;
    uv_buf_t bufs[GATHER_MAX];
    unsigned n;
    struct text text; /* .at is GATHER_ROOM bytes of the worker's */
    int error;        /* of an earlier flush; cleared by gather_begin */
};

/* Begins to gather for @to. Nothing may be waiting for another socket. */
void gather_begin(struct gather *g, struct sock *to);

/* Adds bytes that stay put until the flush. */
void gather_add(struct gather *g, struct str bytes);

/* Adds a copy of a few bytes. */
void gather_copy(struct gather *g, struct str bytes);

/* What was written into g->text since @from becomes part of what is sent. */
void gather_text(struct gather *g, size_t from);

/* Sends everything. 0 or a negative UV_* error (also of an earlier flush since the beginning). */
int gather_flush(struct gather *g);

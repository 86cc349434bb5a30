/* The controller's own HTTP endpoints, port 10254 by default: /healthz, /metrics, /build, /stop.
 * Loop thread. */
#pragma once

#include "aws_client.h"
#include "metrics.h"

struct own_server;

struct own_server_options {
    uv_loop_t *loop;
    struct aws_client *aws; /* borrowed, as everything here */
    struct metrics *metrics;
    struct str region, banner;
    uint16_t port;
    const char *address; /* NULL: every address of the machine */
};

/* 0 and *ret_server, or a negative UV_* error. Free with own_server_close. */
int own_server_start(const struct own_server_options *o, struct own_server **ret_server);
void own_server_close(struct own_server *s);

/* Whether the port can be bound: -EADDRINUSE, as v1.1.4 asks before anything else. */
int own_server_try_port(uv_loop_t *loop, const char *address, uint16_t port);

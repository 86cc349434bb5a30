/* The AWS port: every AWS API in clear and in TLS, a forward proxy for clients that know no
 * endpoint setting, and Elbow's own API under /_elbow/. Who gets a request is decided here; what
 * is done with it is not. */
#pragma once

#include <uv.h>

#include "base/clock.h"
#include "net/ca.h"
#include "net/http_server.h"

struct door;

struct door_options {
    uv_loop_t *loop;
    const struct clock *clock;
    const struct ca *ca; /* issues a certificate for each AWS name; borrowed */
    struct str address;  /* to listen on; port 0 takes a free one */
    uint16_t port;
    struct str lb_domain;                /* what load balancer names end in, beside amazonaws.com */
    struct sockaddr_in front, front_tls; /* the load balancers' common doors; port 0: none */
    http_handle_cb *aws;                 /* requests of AWS clients */
    http_handle_cb *console;             /* requests below /_elbow/ */
    void *data;                          /* for both */
};

/* Opens the door. 0, *ret_door and the port it got; or a negative UV_* error. */
int door_open(const struct door_options *o, struct door **ret_door, uint16_t *ret_port);

/* Where load balancers listen in common, once that is known. */
void door_set_front(struct door *d, struct sockaddr_in http, struct sockaddr_in https);

/* Closes it; @on_closed (may be NULL) when the loop holds nothing of it any more. */
void door_close(struct door *d, void (*on_closed)(void *data), void *data);

/* Names to addresses without blocking the loop. Literal addresses and localhost (with every name
 * under it, RFC 6761 §6.3) are settled at once; the rest is getaddrinfo's, in libuv's pool. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/str.h"

enum { DNS_MOST_ADDRESSES = 8 };

/* @error is 0 or a negative UV_* error; @addresses are borrowed for the call. */
typedef void dns_cb(void *data, int error, const struct sockaddr_storage *addresses, size_t n);

struct dns_query;

/* Calls @on_resolved once, later, from the loop. Returns the query, for dns_cancel until then. */
struct dns_query *dns_resolve(uv_loop_t *loop, struct str host, uint16_t port, dns_cb *on_resolved,
                              void *data);

/* The callback will not come. NULL is fine. */
void dns_cancel(struct dns_query *q);

/* What needs no question: a literal address or a localhost name. False for all others. */
bool dns_resolve_now(struct str host, uint16_t port, struct sockaddr_storage *ret_addr);

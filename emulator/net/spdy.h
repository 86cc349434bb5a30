/* SPDY/3.1 as far as Kubernetes' clients speak it: streams over one connection, the server's side.
 * There is no flow control: their library (moby/spdystream) has none either.
 * Source: SPDY Protocol, Draft 3.1. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct spdy;

struct spdy_header {
    struct str name, value;
};

struct spdy_events {
    /* The client opens a stream; headers are borrowed. @fin: it will send nothing on it. */
    void (*on_stream)(void *data, uint32_t id, const struct spdy_header *headers, size_t n,
                      bool fin);
    void (*on_data)(void *data, uint32_t id, struct str bytes, bool fin);
    void (*on_reset)(void *data, uint32_t id);
    /* Bytes for the client; borrowed. */
    void (*write)(void *data, struct str bytes);
};

enum spdy_status { SPDY_PROTOCOL_ERROR = 1, SPDY_REFUSED_STREAM = 3, SPDY_CANCEL = 5 };

struct spdy *spdy_new(const struct spdy_events *events, void *data);
/* NULL is fine. Not from one of its callbacks. */
void spdy_free(struct spdy *s);

/* Takes what was read. 0, or -EPROTO when the client breaks the protocol: close the connection. */
int spdy_feed(struct spdy *s, struct str bytes);

/* Accepts a stream. */
void spdy_reply(struct spdy *s, uint32_t id);
void spdy_data(struct spdy *s, uint32_t id, struct str bytes, bool fin);
void spdy_reset(struct spdy *s, uint32_t id, enum spdy_status status);
void spdy_goaway(struct spdy *s);

/* The value of a header, whose name is in lower case on the wire; empty when there is none. */
struct str spdy_header_get(const struct spdy_header *headers, size_t n, struct str name);

/* Clients that speak HTTP/2: see http2.c. For front.c. Worker thread only. */
#pragma once

#include "dataplane/front.h"

extern const struct conn_protocol http2_protocol;

/* What all HTTP/2 connections of a worker share; NULL is fine to free. */
struct http2_shared;
struct http2_shared *http2_shared_new(void);
void http2_shared_free(struct http2_shared *s);

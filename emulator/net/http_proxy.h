/* Which proxy a request goes through, by the variables that all clients know.
 * Source: golang.org/x/net/http/httpproxy, the rules that AWS's and Kubernetes' tools follow. */
#pragma once

#include <stdbool.h>

#include "base/str.h"
#include "net/http.h"

/* Whether @host:@port goes direct: loopback always; else an entry of @no_proxy (commas between)
 * that is "*", the host, a domain above it (with or without a leading dot), an address, a CIDR
 * block or any of the first with a port. */
bool http_proxy_is_bypassed(struct str no_proxy, struct str host, uint16_t port);

/* Who asks: the facts of a client's connection that its requests, log lines and answers need. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct client {
    uint32_t machine; /* the TCP peer, as the machine has it */
    uint32_t address; /* the same in the VPC's eyes; set when a request is routed */
    uint16_t port;
    uint16_t listener_port;
    struct str zone; /* of the address that it came to; empty at a common door */
    bool tls;
    const char *tls_version, *tls_cipher; /* OpenSSL's spelling; NULL in clear */
    struct str server_name, certificate;  /* asked for by SNI; the ARN of the one that was used */
    uint64_t trace[2];                    /* of the connection, for its log lines */
    unsigned mutual;                      /* enum dp_mutual_mode */
    const struct str *told; /* of its certificate, by enum dp_tls_header; may be NULL */
};

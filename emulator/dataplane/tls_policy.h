/* Security policies of TLS listeners: which protocol versions and ciphers each allows. Pure data,
 * for the data plane and for DescribeSSLPolicies.
 * Source: Application Load Balancers User Guide, "Security policies for your Application Load
 * Balancer". */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum tls_version { TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 };

struct tls_policy {
    struct str name; /* "ELBSecurityPolicy-2016-08" */
    enum tls_version lowest, highest;
    unsigned groups; /* of ciphers */
};

/* All of them, the default first. */
const struct tls_policy *tls_policies(size_t *ret_n);

/* NULL when there is none of that name. */
const struct tls_policy *tls_policy_find(struct str name);

/* "TLSv1.2". */
struct str tls_version_name(enum tls_version v);

/* The cipher at @at (from 0, in order of preference) of a policy, by OpenSSL's name; empty behind
 * the last. */
struct str tls_policy_cipher(const struct tls_policy *p, size_t at);

/* Whether a cipher is one of TLS 1.3. */
bool tls_cipher_is_13(struct str cipher);

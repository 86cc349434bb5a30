/* Every identifier and every random choice of the emulated world comes from one generator, so
 * that with a seed two runs of the same calls give the same bytes. Control thread only; a worker
 * gets a generator of its own (ids_fork). Not for keys: those come from OpenSSL. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct ids {
    uint64_t state[4];
};

/* Seeds from @seed; with @seed == 0 from the system's randomness. */
void ids_init(struct ids *ids, uint64_t seed);

/* A generator whose sequence is settled by @ids's state now. */
struct ids ids_fork(struct ids *ids);

uint64_t ids_next(struct ids *ids);

/* A number below @n (n > 0), without bias. */
uint64_t ids_below(struct ids *ids, uint64_t n);

/* @n characters of lower-case hex, as in ELB ARNs and EC2 ids. In @a. */
struct str ids_hex(struct ids *ids, struct arena *a, size_t n);

/* @n characters drawn from @alphabet. In @a. */
struct str ids_from(struct ids *ids, struct arena *a, size_t n, const char *alphabet);

/* A version-4 UUID, lower case. In @a. */
struct str ids_uuid(struct ids *ids, struct arena *a);

/* The letters of Kubernetes' generated names (k8s.io/apimachinery/pkg/util/rand) and of IAM's
 * unique ids (AIDA…, AROA…). */
#define IDS_KUBE   "bcdfghjklmnpqrstvwxz2456789"
#define IDS_IAM    "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
#define IDS_DIGITS "0123456789"

/* The kubeconfig that the server writes: every cluster, and an administrator with a client
 * certificate. */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "net/ca.h"

/* @clusters as clusters_document gives them; the first is the current context. In @a; empty when
 * no certificate can be issued. */
struct str kubeconfig_text(struct arena *a, const struct ca *ca, const struct clock *clock,
                           const cJSON *clusters);

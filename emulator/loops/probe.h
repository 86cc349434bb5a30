/* One probe of a container: an HTTP request or a TCP connection to the pod's address on the fabric,
 * or a command beside the container. */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "base/json.h"
#include "base/str.h"
#include "net/fabric.h"
#include "runtime/pod_runtime.h"

struct probe;

struct probe_target {
    uv_loop_t *loop;
    struct fabric *fabric;
    struct str address;         /* the pod's VPC address */
    const cJSON *handler;       /* httpGet, tcpSocket or exec, in a probe's JSON */
    const cJSON *container;     /* its spec, for port names */
    struct container *instance; /* for exec */
    int64_t timeout_ms;         /* real */
};

/* @message: the kubelet's words for a failure ("HTTP probe failed with statuscode: 503"). */
typedef void probe_cb(void *data, bool ok, struct str message);

/* Sends it; @done is called once, later, from the loop. Everything is copied. */
struct probe *probe_send(const struct probe_target *t, probe_cb *done, void *data);

/* @done does not come any more. NULL is fine. */
void probe_cancel(struct probe *p);

/* The number of a port given as a number or by name; 0 when there is none. */
uint16_t probe_port(const cJSON *port, const cJSON *container);

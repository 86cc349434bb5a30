/* The rows of all loops; each is defined in the file of its name. */
#pragma once

#include "loops/controller.h"

extern const struct controller_kind namespace_loop;
extern const struct controller_kind namespace_defaults_loop;
extern const struct controller_kind deployment_loop;
extern const struct controller_kind replicaset_loop;
extern const struct controller_kind replication_loop;
extern const struct controller_kind daemonset_loop;
extern const struct controller_kind statefulset_loop;
extern const struct controller_kind cronjob_loop;
extern const struct controller_kind job_loop;
extern const struct controller_kind endpoints_loop;
extern const struct controller_kind endpoint_slice_loop;
extern const struct controller_kind scheduler_loop;
extern const struct controller_kind kubelet_loop;
extern const struct controller_kind garbage_loop;
extern const struct controller_kind event_ttl_loop;
extern const struct controller_kind furnish_loop;

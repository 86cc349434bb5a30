/* The flags of the command line, with v1.1.4's names and defaults, and the old environment
 * variables that override some of them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "values.h"

struct settings {
    bool show_version;
    struct str explain; /* "namespace/name": only tell what would be made of it */
    struct str apiserver_host, kubeconfig;
    bool election;
    struct str election_id, election_namespace;
    struct str watch_namespace;
    int64_t sync_period_ms, health_check_period_ms;
    int64_t healthz_port;
    bool profiling;
    struct str vpc_id, region;
    int64_t max_retries;
    bool api_debug;
    struct str cluster_name, ingress_class, annotations_prefix, name_prefix;
    struct pairs default_tags;
    struct str target_type, backend_protocol;
    struct str sync_rate_limit;
    int64_t max_concurrent_reconciles;
    bool restrict_scheme;
    struct str restrict_scheme_namespace;
    bool feature_waf;
};

/* Defaults, then flags, then the environment (an array of "NAME=value", NULL at the end), then
 * the checks. Everything is in @a. True when the program may go on; else *ret_error says why
 * (empty after --help and --version, which are complete), and *ret_usage whether the flags
 * themselves were wrong. */
bool settings_read(struct arena *a, int argc, char **argv, char **environment,
                   struct settings *ret_settings, struct str *ret_error, bool *ret_usage);

/* What --help prints. In @a. */
struct str settings_usage(struct arena *a);

/* Go's durations: "60m", "1h30m", "500ms". */
bool settings_parse_duration(struct str s, int64_t *ret_ms);

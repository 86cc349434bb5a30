/* What the control thread tells the workers: each load balancer as one immutable, compiled
 * object, and each Service's node ports as another. A builder makes one, fills its public members
 * with memory of its arena, seals it and hands it over; after that nobody changes it, and the
 * last reference frees it. Nothing in here asks the store, the fabric or the clock.
 * Source: Elastic Load Balancing User Guide for Application Load Balancers. */
#pragma once

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/* IPv4 addresses are in host byte order throughout, socket addresses excepted. */
struct dp_prefix {
    uint32_t address, mask;
};

/* --- conditions and rules ---------------------------------------------------------------- */

enum dp_field { DP_HOST, DP_PATH, DP_HEADER, DP_METHOD, DP_QUERY, DP_SOURCE_IP };

struct pcre2_real_code_8;

/* A text with wildcards, or a regular expression. The builder gives @text; sealing prepares the
 * rest. */
struct dp_pattern {
    struct str text;
    size_t literal;                  /* bytes of @text before its first wildcard or escape */
    bool plain;                      /* there is no wildcard and no escape */
    struct pcre2_real_code_8 *regex; /* of a condition with regular expressions */
};

/* Values are ORed: @values for text fields, @keys beside them for DP_QUERY (an empty key text
 * means any key), @sources for DP_SOURCE_IP. */
struct dp_condition {
    enum dp_field field;
    bool regex;        /* the values are regular expressions: DP_HOST, DP_PATH, DP_HEADER */
    struct str header; /* DP_HEADER: its name */
    struct dp_pattern *values, *keys;
    struct dp_prefix *sources;
    size_t count;
};

struct dp_group;
struct dp_tls;
struct rule_index;

struct dp_weighted {
    struct dp_group *group; /* of the same load balancer */
    uint32_t weight;
};

enum dp_action_kind { DP_FORWARD, DP_FIXED_RESPONSE, DP_REDIRECT };

struct dp_action {
    enum dp_action_kind kind;
    /* DP_FORWARD */
    struct dp_weighted *groups;
    size_t group_count;
    uint64_t weight_sum; /* sealed */
    int64_t sticky_ms;   /* a client keeps its group for so long; 0: no */
    /* DP_FIXED_RESPONSE and DP_REDIRECT */
    uint16_t status;
    struct str content_type, body;
    struct str protocol, host, port, path, query; /* with placeholders, never absent but query */
};

/* The first occurrence of a regular expression is replaced; "$1" in @by is a group. */
struct dp_rewrite {
    struct str pattern, by;
    struct pcre2_real_code_8 *regex; /* sealed; NULL: it is none */
};

struct dp_rule {
    int32_t priority; /* 0 is the default rule */
    struct str arn;
    struct dp_condition *conditions;
    size_t condition_count;
    struct dp_action action;
    struct dp_rewrite *host_rewrite, *url_rewrite; /* of what goes to targets; NULL: as it came */
};

enum dp_protocol { DP_HTTP, DP_HTTPS };

/* What a TLS listener may tell targets of the client; each header's name can be changed. */
enum dp_tls_header {
    DP_TLS_VERSION,
    DP_TLS_CIPHER,
    DP_MTLS_CHAIN,
    DP_MTLS_SERIAL,
    DP_MTLS_ISSUER,
    DP_MTLS_SUBJECT,
    DP_MTLS_VALIDITY,
    DP_MTLS_LEAF,
    DP_TLS_HEADERS
};

struct dp_header {
    struct str name, value;
};

struct dp_listener {
    struct str arn;
    uint16_t port;
    struct str tls_names[DP_TLS_HEADERS]; /* empty: the usual name; sealing fills it in */
    bool hides_server;                    /* no Server header in any response */
    struct dp_header *response_headers;   /* of every response, in the place of the target's */
    size_t response_header_count;
    enum dp_protocol protocol;
    struct dp_tls *tls;    /* DP_HTTPS: a reference of the load balancer's; NULL: nobody gets in */
    struct dp_rule *rules; /* sealing sorts them: ascending, the default one last */
    size_t rule_count;
    struct rule_index *index; /* sealed; NULL: there are few rules */
};

/* --- target groups ----------------------------------------------------------------------- */

enum dp_target_state {
    DP_TARGET_INITIAL,
    DP_TARGET_HEALTHY,
    DP_TARGET_UNHEALTHY,
    DP_TARGET_DRAINING,
    DP_TARGET_UNUSED,
    DP_TARGET_UNAVAILABLE, /* health checks are disabled: gets traffic */
};

struct dp_target {
    struct str id; /* instance id or address, as registered */
    uint16_t port;
    uint32_t address;                 /* in the VPC: node's or pod's */
    struct sockaddr_in at, health_at; /* where the machine has it */
    uint16_t health_port;             /* as the API names it */
    bool reachable, health_reachable; /* by the security groups of both ends */
    enum dp_target_state state;
    struct str zone; /* its Availability Zone; empty: not known, or all */
    uint64_t name;   /* sealed: what cookies call it */
    size_t slot;     /* sealed: its number among all targets of the load balancer */
};

struct dp_code_range {
    uint16_t first, last;
};

struct dp_health_settings {
    bool enabled;
    bool tcp; /* a connection is enough; else HTTP */
    bool tls; /* HTTP over TLS */
    int64_t interval_ms, timeout_ms;
    uint32_t healthy_threshold, unhealthy_threshold;
    struct str path;
    struct dp_code_range *matcher;
    size_t matcher_count;
};

enum dp_algorithm { DP_ROUND_ROBIN, DP_LEAST_OUTSTANDING, DP_WEIGHTED_RANDOM };

/* What targets are asked to speak. */
enum dp_version { DP_HTTP1, DP_HTTP2, DP_GRPC };

/* Whether a load balancer's node uses targets of all zones. */
enum dp_zones { DP_ZONES_DEFAULT, DP_ZONES_ALL, DP_ZONES_OWN };

enum dp_sticky_kind { DP_LB_COOKIE, DP_APP_COOKIE };

struct dp_group {
    struct str arn;
    enum dp_protocol protocol;
    enum dp_version version;
    enum dp_zones zones;
    int64_t slow_start_ms; /* 0: off */
    bool sticky;
    enum dp_sticky_kind sticky_kind;
    int64_t lb_cookie_ms, app_cookie_ms; /* 0 reads as a day */
    struct str app_cookie;               /* the application's own */
    uint64_t name;                       /* sealed: what cookies call it */
    struct dp_health_settings health;
    enum dp_algorithm algorithm;
    uint32_t minimum_healthy_count;      /* 0 reads as 1 */
    uint32_t minimum_healthy_percentage; /* 0 is off */
    struct dp_target *targets;
    size_t target_count;
    size_t index;              /* sealed: its number within the load balancer */
    struct dp_target **usable; /* sealed: who gets new requests, by health and fail-open */
    size_t usable_count;
};

/* --- load balancers ---------------------------------------------------------------------- */

enum dp_xff_mode { DP_XFF_APPEND, DP_XFF_PRESERVE, DP_XFF_REMOVE };
enum dp_desync_mode { DP_DESYNC_DEFENSIVE, DP_DESYNC_MONITOR, DP_DESYNC_STRICTEST };

/* Where log lines go, in the layout of S3. */
struct dp_log_place {
    bool enabled;
    struct str bucket, prefix;
};

struct dp_attributes {
    int64_t idle_timeout_ms;      /* 0 reads as 60 s */
    int64_t client_keep_alive_ms; /* 0 reads as 3600 s */
    enum dp_xff_mode xff_mode;
    enum dp_desync_mode desync_mode;
    bool xff_client_port;
    bool preserve_host;
    bool drop_invalid_headers;
    bool http2;       /* TLS listeners offer it */
    bool tls_headers; /* X-Amzn-Tls-Version and X-Amzn-Tls-Cipher-Suite */
    struct dp_log_place access_log, connection_log;
};

/* Who may reach which ports of the load balancer, by its security groups. */
struct dp_ingress {
    struct dp_prefix source;
    uint16_t first_port, last_port;
};

/* A block of VPC addresses and where the fabric has it; both by their upper 16 bits. */
struct dp_block {
    uint16_t vpc, loopback;
};

struct dp_balancer {
    atomic_uint refs;
    struct arena arena;

    struct str arn;
    struct str dns_name; /* what requests without a Host get */
    struct str *names;   /* all it answers to at the front door; sealing makes them lower case */
    size_t name_count;
    uint32_t *addresses;       /* of its network interfaces, in the VPC */
    struct sockaddr_in *doors; /* where each listener of each address is opened */
    uint16_t *door_ports;      /* the listener's port of each door */
    struct str *address_zones,
        *door_zones; /* the zone of each address, of each door; may be NULL */
    size_t address_count, door_count;
    struct dp_block *blocks; /* so that a client's address is shown as the VPC's */
    size_t block_count;
    bool ingress_enforced; /* false: everybody may */
    struct dp_ingress *ingress;
    size_t ingress_count;
    struct dp_attributes attributes;
    struct dp_listener *listeners;
    size_t listener_count;
    struct dp_group *groups;
    size_t group_count;
    size_t target_count; /* sealed: slots in use */
};

/* An empty one with one reference; all that it points at is allocated in its arena. */
struct dp_balancer *dp_balancer_new(struct str arn);

/* Compiles it: rules in matching order, patterns prepared, targets numbered, usable targets
 * chosen. After this it never changes. */
void dp_balancer_seal(struct dp_balancer *b);

struct dp_balancer *dp_balancer_ref(struct dp_balancer *b);
void dp_balancer_unref(struct dp_balancer *b); /* NULL is fine; safe from any thread */

/* The listener at @port, or NULL. */
const struct dp_listener *dp_balancer_listener(const struct dp_balancer *b, uint16_t port);

/* Whether the security groups let @source (in the VPC's eyes) reach @port. */
bool dp_balancer_admits(const struct dp_balancer *b, uint32_t source, uint16_t port);

/* A client's address as the VPC sees it: addresses of the fabric are turned back. */
uint32_t dp_balancer_identify(const struct dp_balancer *b, uint32_t address);

/* --- node ports --------------------------------------------------------------------------- */

/* One listening address of kube-proxy, and the pods behind it; with no pod, connections are
 * refused. */
struct dp_forward {
    struct sockaddr_in at;
    struct sockaddr_in *pods;
    size_t pod_count;
};

struct dp_service {
    atomic_uint refs;
    struct arena arena;
    struct str key; /* "cluster/namespace/name" */
    struct dp_forward *forwards;
    size_t forward_count;
};

struct dp_service *dp_service_new(struct str key);
struct dp_service *dp_service_ref(struct dp_service *s);
void dp_service_unref(struct dp_service *s);

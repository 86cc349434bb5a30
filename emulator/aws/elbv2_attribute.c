/* Attributes of load balancers, target groups and listeners: tables of keys, and the six operations
 * over them. Only what was set is kept; the rest is the table's default.
 * Source: ELB API Reference 2015-12-01, LoadBalancerAttribute, TargetGroupAttribute,
 * ListenerAttribute; error texts as AWS gives them. */
#include "aws/elbv2.h"

#include "base/macros.h"

/* What a value may be. */
enum value_kind {
    VALUE_WORD,         /* one of the words */
    VALUE_NUMBER,       /* least to most */
    VALUE_OFF_OR_COUNT, /* "off", or least to most */
    VALUE_SLOW_START,   /* 0, or least to most */
    VALUE_TEXT,
};

#define YES_NO "true|false"

/* Whose attribute it is: a load balancer's type, a target group's family, a listener's kind. */
enum {
    OF_ALB = 1,
    OF_NLB = 2,
    OF_GWLB = 4,
    OF_ANY_TYPE = 7,
    OF_HTTP = 8, /* target groups */
    OF_TCP = 16, /* TCP, TLS */
    OF_UDP = 32, /* UDP, TCP_UDP, QUIC, TCP_QUIC */
    OF_GENEVE = 64,
    OF_LAMBDA = 128,
    OF_ANY_GROUP = OF_HTTP | OF_TCP | OF_UDP | OF_GENEVE | OF_LAMBDA,
    OF_HTTPS = 256, /* listeners: beside OF_ALB */
};

struct attribute {
    const char *key;
    unsigned of;
    const char *value; /* the default */
    enum value_kind kind;
    const char *words;
    int64_t least, most;
};

static const struct attribute balancer_attributes[] = {
    {"access_logs.s3.enabled",                                   OF_ALB | OF_NLB, "false",                 VALUE_WORD,   YES_NO, 0,  0     },
    {"access_logs.s3.bucket",                                    OF_ALB | OF_NLB, "",                      VALUE_TEXT,   NULL,   0,  0     },
    {"access_logs.s3.prefix",                                    OF_ALB | OF_NLB, "",                      VALUE_TEXT,   NULL,   0,  0     },
    {"idle_timeout.timeout_seconds",                             OF_ALB,          "60",                    VALUE_NUMBER, NULL,   1,  4000  },
    {"deletion_protection.enabled",                              OF_ANY_TYPE,     "false",                 VALUE_WORD,   YES_NO, 0,  0     },
    {"routing.http2.enabled",                                    OF_ALB,          "true",                  VALUE_WORD,   YES_NO, 0,  0     },
    {"routing.http.drop_invalid_header_fields.enabled",          OF_ALB,          "false",                 VALUE_WORD,   YES_NO, 0,  0     },
    {"routing.http.xff_client_port.enabled",                     OF_ALB,          "false",                 VALUE_WORD,   YES_NO, 0,  0     },
    {"routing.http.preserve_host_header.enabled",                OF_ALB,          "false",                 VALUE_WORD,   YES_NO, 0,  0     },
    {"routing.http.xff_header_processing.mode",                  OF_ALB,          "append",                VALUE_WORD,
     "append|preserve|remove",                                                                                                   0,  0     },
    {"routing.http.desync_mitigation_mode",                      OF_ALB,          "defensive",             VALUE_WORD,
     "monitor|defensive|strictest",                                                                                              0,  0     },
    {"routing.http.x_amzn_tls_version_and_cipher_suite.enabled", OF_ALB,          "false",                 VALUE_WORD,
     YES_NO,                                                                                                                     0,  0     },
    {"load_balancing.cross_zone.enabled",                        OF_ANY_TYPE,     "false",                 VALUE_WORD,   YES_NO, 0,  0     },
    {"waf.fail_open.enabled",                                    OF_ALB,          "false",                 VALUE_WORD,   YES_NO, 0,  0     },
    {"connection_logs.s3.enabled",                               OF_ALB,          "false",                 VALUE_WORD,   YES_NO, 0,  0     },
    {"connection_logs.s3.bucket",                                OF_ALB,          "",                      VALUE_TEXT,   NULL,   0,  0     },
    {"connection_logs.s3.prefix",                                OF_ALB,          "",                      VALUE_TEXT,   NULL,   0,  0     },
    {"health_check_logs.s3.enabled",                             OF_ALB,          "false",                 VALUE_WORD,   YES_NO, 0,  0     },
    {"health_check_logs.s3.bucket",                              OF_ALB,          "",                      VALUE_TEXT,   NULL,   0,  0     },
    {"health_check_logs.s3.prefix",                              OF_ALB,          "",                      VALUE_TEXT,   NULL,   0,  0     },
    {"client_keep_alive.seconds",                                OF_ALB,          "3600",                  VALUE_NUMBER, NULL,   60, 604800},
    {"zonal_shift.config.enabled",                               OF_ALB | OF_NLB, "false",                 VALUE_WORD,   YES_NO, 0,  0     },
    {"ipv6.deny_all_igw_traffic",                                OF_ALB | OF_NLB, "false",                 VALUE_WORD,   YES_NO, 0,  0     },
    {"dns_record.client_routing_policy",                         OF_NLB,          "any_availability_zone", VALUE_WORD,
     "availability_zone_affinity|partial_availability_zone_affinity|any_availability_zone",                                      0,  0     },
    {"secondary_ips.auto_assigned.per_subnet",                   OF_NLB,          "0",                     VALUE_NUMBER, NULL,   0,  7     },
};

#define HEALTHY(of) "target_group_health." of ".minimum_healthy_targets."

static const struct attribute group_attributes[] = {
    {"deregistration_delay.timeout_seconds",                         OF_ANY_GROUP & ~OF_LAMBDA, "300",                     VALUE_NUMBER,       NULL,
     0,                                                                                                                                                                                          3600  },
    {"stickiness.enabled",                                           OF_ANY_GROUP & ~OF_LAMBDA, "false",                   VALUE_WORD,         YES_NO,                                       0,  0     },
    {"stickiness.type",                                              OF_HTTP,                   "lb_cookie",               VALUE_WORD,         "lb_cookie|app_cookie",                       0,  0     },
    {"stickiness.type",                                              OF_TCP | OF_UDP,           "source_ip",               VALUE_WORD,         "source_ip",                                  0,  0     },
    {"stickiness.type",                                              OF_GENEVE,                 "source_ip_dest_ip_proto", VALUE_WORD,
     "source_ip_dest_ip|source_ip_dest_ip_proto",                                                                                                                                            0,  0     },
    {"stickiness.lb_cookie.duration_seconds",                        OF_HTTP,                   "86400",                   VALUE_NUMBER,       NULL,                                         1,  604800},
    {"stickiness.app_cookie.duration_seconds",                       OF_HTTP,                   "86400",                   VALUE_NUMBER,       NULL,                                         1,  604800},
    {"stickiness.app_cookie.cookie_name",                            OF_HTTP,                   "",                        VALUE_TEXT,         NULL,                                         0,  0     },
    {"slow_start.duration_seconds",                                  OF_HTTP,                   "0",                       VALUE_SLOW_START,   NULL,                                         30, 900   },
    {"load_balancing.algorithm.type",                                OF_HTTP,                   "round_robin",             VALUE_WORD,
     "round_robin|least_outstanding_requests|weighted_random",                                                                                                                               0,  0     },
    {"load_balancing.algorithm.anomaly_mitigation",                  OF_HTTP,                   "off",                     VALUE_WORD,         "on|off",                                     0,  0     },
    {"load_balancing.cross_zone.enabled",                            OF_HTTP | OF_TCP | OF_UDP,
     "use_load_balancer_configuration",                                                                                    VALUE_WORD,         "true|false|use_load_balancer_configuration", 0,
     0                                                                                                                                                                                                 },
    {HEALTHY("unhealthy_state_routing") "count",                     OF_HTTP | OF_TCP | OF_UDP, "1",                       VALUE_NUMBER,       NULL,
     1,                                                                                                                                                                                          1000  },
    {HEALTHY("unhealthy_state_routing") "percentage",                OF_HTTP | OF_TCP | OF_UDP, "off",
     VALUE_OFF_OR_COUNT,                                                                                                                       NULL,                                         1,  100   },
    {HEALTHY("dns_failover") "count",                                OF_HTTP | OF_TCP | OF_UDP, "1",                       VALUE_OFF_OR_COUNT, NULL,                                         1,
     1000                                                                                                                                                                                              },
    {HEALTHY("dns_failover") "percentage",                           OF_HTTP | OF_TCP | OF_UDP, "off",                     VALUE_OFF_OR_COUNT,
     NULL,                                                                                                                                                                                   1,  100   },
    {"lambda.multi_value_headers.enabled",                           OF_LAMBDA,                 "false",                   VALUE_WORD,         YES_NO,                                       0,  0     },
    {"proxy_protocol_v2.enabled",                                    OF_TCP | OF_UDP,           "false",                   VALUE_WORD,         YES_NO,                                       0,  0     },
    {"preserve_client_ip.enabled",                                   OF_TCP | OF_UDP,           "true",                    VALUE_WORD,         YES_NO,                                       0,  0     },
    {"deregistration_delay.connection_termination.enabled",          OF_TCP,                    "false",                   VALUE_WORD,         YES_NO,                                       0,
     0                                                                                                                                                                                                 },
    {"deregistration_delay.connection_termination.enabled",          OF_UDP,                    "true",                    VALUE_WORD,         YES_NO,                                       0,
     0                                                                                                                                                                                                 },
    {"target_health_state.unhealthy.connection_termination.enabled", OF_TCP,                    "true",                    VALUE_WORD,
     YES_NO,                                                                                                                                                                                 0,  0     },
    {"target_health_state.unhealthy.draining_interval_seconds",      OF_TCP,                    "0",                       VALUE_NUMBER,       NULL,                                         0,
     360000                                                                                                                                                                                            },
    {"target_failover.on_deregistration",                            OF_GENEVE,                 "no_rebalance",            VALUE_WORD,
     "rebalance|no_rebalance",                                                                                                                                                               0,  0     },
    {"target_failover.on_unhealthy",                                 OF_GENEVE,                 "no_rebalance",            VALUE_WORD,
     "rebalance|no_rebalance",                                                                                                                                                               0,  0     },
};

#define RENAMED(of, header)                                                           \
    {                                                                                 \
        "routing.http.request." header ".header_name", of, "", VALUE_TEXT, NULL, 0, 0 \
    }
#define ADDED(header, kind, words)                                                                \
    {                                                                                             \
        "routing.http.response." header ".header_value", OF_ALB | OF_HTTPS, "", kind, words, 0, 0 \
    }

static const struct attribute listener_attributes[] = {
    {"tcp.idle_timeout.seconds",             OF_NLB | OF_GWLB,  "350",  VALUE_NUMBER, NULL,   60, 6000},
    {"routing.http.response.server.enabled", OF_ALB | OF_HTTPS, "true", VALUE_WORD,   YES_NO, 0,  0   },
    ADDED("strict_transport_security", VALUE_TEXT, NULL),
    ADDED("access_control_allow_origin", VALUE_TEXT, NULL),
    ADDED("access_control_allow_methods", VALUE_TEXT, NULL),
    ADDED("access_control_allow_headers", VALUE_TEXT, NULL),
    ADDED("access_control_allow_credentials", VALUE_WORD, "true"),
    ADDED("access_control_expose_headers", VALUE_TEXT, NULL),
    ADDED("access_control_max_age", VALUE_NUMBER, NULL),
    ADDED("content_security_policy", VALUE_TEXT, NULL),
    ADDED("x_content_type_options", VALUE_WORD, "nosniff"),
    ADDED("x_frame_options", VALUE_TEXT, NULL),
    RENAMED(OF_HTTPS, "x_amzn_mtls_clientcert_serial_number"),
    RENAMED(OF_HTTPS, "x_amzn_mtls_clientcert_issuer"),
    RENAMED(OF_HTTPS, "x_amzn_mtls_clientcert_subject"),
    RENAMED(OF_HTTPS, "x_amzn_mtls_clientcert_validity"),
    RENAMED(OF_HTTPS, "x_amzn_mtls_clientcert_leaf"),
    RENAMED(OF_HTTPS, "x_amzn_mtls_clientcert"),
    RENAMED(OF_HTTPS, "x_amzn_tls_version"),
    RENAMED(OF_HTTPS, "x_amzn_tls_cipher_suite"),
};

/* Whose attributes a call is about. */
struct owner {
    const struct attribute *table;
    size_t count;
    struct str arn;
    unsigned of;
    const char *called; /* "Load balancer" */
    const struct load_balancer *lb;
    const struct target_group *g;
};

/* Every set of attributes is a list of pairs under another name; their structs are alike. */
struct pair {
    struct str key, value;
};
_Static_assert(sizeof(struct pair) == sizeof(struct elbv2_load_balancer_attribute) &&
                   sizeof(struct pair) == sizeof(struct elbv2_target_group_attribute) &&
                   sizeof(struct pair) == sizeof(struct elbv2_listener_attribute),
               "attributes are pairs");

static const struct attribute *find_attribute(const struct owner *o, struct str key)
{
    for (size_t i = 0; i < o->count; i++)
        if (str_is(key, o->table[i].key) && (o->table[i].of & o->of) != 0)
            return &o->table[i];
    return NULL;
}

static bool is_known(const struct owner *o, struct str key)
{
    for (size_t i = 0; i < o->count; i++)
        if (str_is(key, o->table[i].key))
            return true;
    return false;
}

/* --- reading --------------------------------------------------------------------------------- */

int elb_attribute(struct call *c, struct str arn, const char *key, struct str *ret_value)
{
    struct lb_attribute *a = NULL;
    int r = lb_attribute_list(c->store, c->arena, arn, &a);

    *ret_value = (struct str){0};
    for (; a != NULL; a = a->next)
        if (str_is(a->key, key))
            *ret_value = a->value;
    return r;
}

/* Defaults that hang on more than the kind of thing. */
static struct str default_of(const struct owner *o, const struct attribute *a)
{
    struct str key = str_c(a->key);

    if (o->lb != NULL && str_is(key, "ipv6.deny_all_igw_traffic"))
        return str_is(o->lb->scheme, "internal") ? S("true") : S("false");
    if (o->lb != NULL && str_is(key, "load_balancing.cross_zone.enabled"))
        return str_is(o->lb->type, "application") ? S("true") : S("false");
    if (o->g != NULL && str_is(key, "preserve_client_ip.enabled"))
        return o->of == OF_TCP && str_is(o->g->target_type, "ip") ? S("false") : S("true");
    return str_c(a->value);
}

static struct str value_of(const struct owner *o, const struct lb_attribute *set,
                           const struct attribute *a)
{
    for (; set != NULL; set = set->next)
        if (str_is(set->key, a->key))
            return elb_text(set->value);
    return default_of(o, a);
}

/* IPv4 load balancers have nothing to deny to an IPv6 gateway. */
static bool is_shown(const struct owner *o, const struct attribute *a)
{
    return (a->of & o->of) != 0 &&
           !(o->lb != NULL && strcmp(a->key, "ipv6.deny_all_igw_traffic") == 0 &&
             str_is(o->lb->ip_address_type, "ipv4"));
}

static int show_all(struct call *c, const struct owner *o, struct pair **ret_at, size_t *ret_n)
{
    struct lb_attribute *set = NULL;
    int r = lb_attribute_list(c->store, c->arena, o->arn, &set);

    *ret_at = arena_array(c->arena, o->count, sizeof **ret_at);
    *ret_n = 0;
    for (size_t i = 0; i < o->count; i++)
        if (is_shown(o, &o->table[i]))
            (*ret_at)[(*ret_n)++] =
                (struct pair){str_c(o->table[i].key), value_of(o, set, &o->table[i])};
    return r;
}

/* --- checking -------------------------------------------------------------------------------- */

static int refuse_range(struct call *c, const struct attribute *a, struct str value)
{
    return elb_refuse(c, &AWS_VALIDATION_ERROR,
                      "'%s' value '%.*s' must be between '%lld-%lld' inclusive", a->key,
                      STR_ARG(value), (long long)a->least, (long long)a->most);
}

/* "[true, false]" of "true|false". */
static struct str shown_words(struct call *c, const char *words)
{
    char *text = arena_cstr(c->arena, arena_printf(c->arena, "[%s]", words));
    struct str rest = str_c(text), one, all = {0};

    while (str_next(&rest, '|', &one))
        all = all.n == 0 ? one : arena_printf(c->arena, "%.*s, %.*s", STR_ARG(all), STR_ARG(one));
    return all;
}

static int check_value(struct call *c, const struct attribute *a, struct str value)
{
    int64_t n = 0, most = a->most > 0 ? a->most : INT64_MAX;
    bool number = str_to_int(value, &n);

    switch (a->kind) {
    case VALUE_WORD:
        if (elb_is_word(value, a->words) || (value.n == 0 && a->value[0] == '\0'))
            return 0;
        return elb_refuse(c, &AWS_VALIDATION_ERROR, "'%s' value '%.*s' must be one of %.*s", a->key,
                          STR_ARG(value), STR_ARG(shown_words(c, a->words)));
    case VALUE_OFF_OR_COUNT:
        if (str_is(value, "off"))
            return 0;
        break;
    case VALUE_SLOW_START:
        if (str_is(value, "0"))
            return 0;
        break;
    case VALUE_NUMBER:
        if (value.n == 0 && a->value[0] == '\0')
            return 0;
        break;
    case VALUE_TEXT:
        return 0;
    }
    return number && n >= a->least && n <= most ? 0 : refuse_range(c, a, value);
}

/* A key that this thing cannot have. */
static int refuse_key(struct call *c, const struct owner *o, struct str key)
{
    if (!is_known(o, key))
        return elb_refuse(c, &AWS_VALIDATION_ERROR, "%s attribute key '%.*s' is not recognized",
                          o->called, STR_ARG(key));
    if (o->lb != NULL && o->g == NULL && o->table == balancer_attributes)
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "Load balancer attribute key '%.*s' is not supported on load balancers "
                          "with type '%.*s'",
                          STR_ARG(key), STR_ARG(o->lb->type));
    if (o->g != NULL && o->of == OF_LAMBDA)
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "A target group with target type 'lambda' does not support the attribute "
                          "%.*s",
                          STR_ARG(key));
    if (o->g != NULL)
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "The provided target group attribute is not supported");
    return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                      "Listener attribute key '%.*s' is not supported on this listener",
                      STR_ARG(key));
}

static int check_balancer_pair(struct call *c, const struct owner *o, struct str key,
                               struct str value)
{
    if (str_is(key, "load_balancing.cross_zone.enabled") && str_is(o->lb->type, "application") &&
        !str_is(value, "true"))
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "Cross-zone load balancing cannot be disabled on load balancers with "
                          "type 'application'");
    if (str_is(key, "ipv6.deny_all_igw_traffic") && str_is(o->lb->ip_address_type, "ipv4"))
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "Load balancer attribute key 'ipv6.deny_all_igw_traffic' is not "
                          "supported on load balancers with IP address type 'ipv4'");
    return 0;
}

static int check_group_pair(struct call *c, const struct owner *o, struct str key, struct str value)
{
    if (str_is(key, "stickiness.enabled") && str_is(value, "true") && str_is(o->g->protocol, "TLS"))
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "You cannot enable stickiness on target groups with the TLS protocol");
    if (str_is(key, "stickiness.type") && !elb_is_word(value, find_attribute(o, key)->words) &&
        elb_is_word(value, "lb_cookie|app_cookie|source_ip|source_ip_dest_ip|"
                           "source_ip_dest_ip_proto"))
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "Stickiness type '%.*s' is not supported for target groups with the %.*s "
                          "protocol",
                          STR_ARG(value), STR_ARG(o->g->protocol));
    if (str_is(key, "preserve_client_ip.enabled") && o->of == OF_UDP && str_is(value, "false"))
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "Client IP preservation cannot be disabled for target groups with the "
                          "%.*s protocol",
                          STR_ARG(o->g->protocol));
    if (str_is(key, "stickiness.app_cookie.cookie_name") && (str_starts(value, S("AWSALB"))))
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "The application cookie name '%.*s' starts with a reserved prefix",
                          STR_ARG(value));
    return 0;
}

static int check_pair(struct call *c, const struct owner *o, const struct pair *p)
{
    const struct attribute *a = find_attribute(o, p->key);
    int r = 0;

    if (a == NULL)
        return refuse_key(c, o, p->key);
    if (o->g != NULL)
        r = check_group_pair(c, o, p->key, p->value);
    else if (o->table == balancer_attributes)
        r = check_balancer_pair(c, o, p->key, p->value);
    return r == 0 ? check_value(c, a, p->value) : r;
}

/* What values together must not be, once all are written. */
static int check_group_whole(struct call *c, const struct owner *o, const struct pair *at, size_t n)
{
    struct {
        struct str enabled, type, name, algorithm, mitigation, slow, on_deregistration,
            on_unhealthy;
    } v = {0};
    const struct {
        const char *key;
        struct str *to;
    } reads[] = {
        {"stickiness.enabled",                          &v.enabled          },
        {"stickiness.type",                             &v.type             },
        {"stickiness.app_cookie.cookie_name",           &v.name             },
        {"load_balancing.algorithm.type",               &v.algorithm        },
        {"load_balancing.algorithm.anomaly_mitigation", &v.mitigation       },
        {"slow_start.duration_seconds",                 &v.slow             },
        {"target_failover.on_deregistration",           &v.on_deregistration},
        {"target_failover.on_unhealthy",                &v.on_unhealthy     },
    };

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < ARRAY_LEN(reads); k++)
            if (str_is(at[i].key, reads[k].key))
                *reads[k].to = at[i].value;
    if (str_is(v.enabled, "true") && str_is(v.type, "app_cookie") && v.name.n == 0)
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "You must set an application cookie name to enable stickiness of type "
                          "'app_cookie'");
    if (str_is(v.mitigation, "on") && !str_is(v.algorithm, "weighted_random"))
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "Anomaly mitigation can only be enabled with the 'weighted_random' "
                          "algorithm");
    if (v.slow.n > 0 && !str_is(v.slow, "0") && !str_is(v.algorithm, "round_robin"))
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "Slow start is not supported with the '%.*s' algorithm",
                          STR_ARG(v.algorithm));
    if (o->of == OF_GENEVE && !str_eq(v.on_deregistration, v.on_unhealthy))
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "The values of target_failover.on_deregistration and "
                          "target_failover.on_unhealthy must be the same");
    return 0;
}

static int check_logs(struct call *c, const struct pair *at, size_t n)
{
    static const char *const logs[] = {"access_logs", "connection_logs", "health_check_logs"};

    for (size_t l = 0; l < ARRAY_LEN(logs); l++) {
        struct str enabled = {0}, bucket = {0};

        for (size_t i = 0; i < n; i++) {
            if (str_eq(at[i].key, arena_printf(c->arena, "%s.s3.enabled", logs[l])))
                enabled = at[i].value;
            if (str_eq(at[i].key, arena_printf(c->arena, "%s.s3.bucket", logs[l])))
                bucket = at[i].value;
        }
        if (str_is(enabled, "true") && bucket.n == 0)
            return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                              "The value of '%s.s3.bucket' cannot be empty when '%s.s3.enabled' is "
                              "'true'",
                              logs[l], logs[l]);
    }
    return 0;
}

/* --- writing --------------------------------------------------------------------------------- */

static int put_all(struct call *c, const struct owner *o, const struct pair *at, size_t n)
{
    struct pair *whole = NULL;
    size_t whole_n = 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = check_pair(c, o, &at[i]);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = lb_attribute_put(c->store, &(struct lb_attribute){
                                           .arn = o->arn, .key = at[i].key, .value = at[i].value});
    if (r == 0)
        r = show_all(c, o, &whole, &whole_n);
    if (r == 0 && o->g != NULL)
        r = check_group_whole(c, o, whole, whole_n);
    if (r == 0 && o->table == balancer_attributes)
        r = check_logs(c, whole, whole_n);
    return r;
}

/* What was modified, as it is now: AWS answers with every attribute. */
#define SHOW(c, o, out) \
    show_all(c, o, (struct pair **)(void *)&(out)->attributes.at, &(out)->attributes.n)

/* --- load balancers -------------------------------------------------------------------------- */

static int find_balancer(struct call *c, struct str arn, struct owner *ret)
{
    struct load_balancer *lb = NULL;
    int r = elb_need_balancer(c, arn, &lb);

    if (r == 0)
        *ret = (struct owner){
            .table = balancer_attributes,
            .count = ARRAY_LEN(balancer_attributes),
            .arn = lb->arn,
            .of = str_is(lb->type, "network")   ? OF_NLB
                  : str_is(lb->type, "gateway") ? OF_GWLB
                                                : OF_ALB,
            .called = "Load balancer",
            .lb = lb,
        };
    return r;
}

struct done elb_describe_load_balancer_attributes(struct call *c, const void *input)
{
    const struct elbv2_describe_load_balancer_attributes_input *in = input;
    struct elbv2_describe_load_balancer_attributes_output out = {0};
    struct owner o;
    int r = find_balancer(c, in->load_balancer_arn, &o);

    return elb_answer(c, r == 0 ? SHOW(c, &o, &out) : r, &out);
}

struct done elb_modify_load_balancer_attributes(struct call *c, const void *input)
{
    const struct elbv2_modify_load_balancer_attributes_input *in = input;
    struct elbv2_modify_load_balancer_attributes_output out = {0};
    struct owner o;
    int r = find_balancer(c, in->load_balancer_arn, &o);

    if (r == 0)
        r = put_all(c, &o, (const struct pair *)(const void *)in->attributes.at, in->attributes.n);
    return elb_answer(c, r == 0 ? SHOW(c, &o, &out) : r, &out);
}

/* --- target groups --------------------------------------------------------------------------- */

static unsigned family_of(const struct target_group *g)
{
    return str_is(g->target_type, "lambda")         ? OF_LAMBDA
           : elb_is_word(g->protocol, "HTTP|HTTPS") ? OF_HTTP
           : elb_is_word(g->protocol, "TCP|TLS")    ? OF_TCP
           : str_is(g->protocol, "GENEVE")          ? OF_GENEVE
                                                    : OF_UDP;
}

static int find_group(struct call *c, struct str arn, struct owner *ret)
{
    struct target_group *g = NULL;
    int r = elb_need_group(c, arn, &g);

    if (r == 0)
        *ret = (struct owner){
            .table = group_attributes,
            .count = ARRAY_LEN(group_attributes),
            .arn = g->arn,
            .of = family_of(g),
            .called = "Target group",
            .g = g,
        };
    return r;
}

struct done elb_describe_target_group_attributes(struct call *c, const void *input)
{
    const struct elbv2_describe_target_group_attributes_input *in = input;
    struct elbv2_describe_target_group_attributes_output out = {0};
    struct owner o;
    int r = find_group(c, in->target_group_arn, &o);

    return elb_answer(c, r == 0 ? SHOW(c, &o, &out) : r, &out);
}

struct done elb_modify_target_group_attributes(struct call *c, const void *input)
{
    const struct elbv2_modify_target_group_attributes_input *in = input;
    struct elbv2_modify_target_group_attributes_output out = {0};
    struct owner o;
    int r = find_group(c, in->target_group_arn, &o);

    if (r == 0)
        r = put_all(c, &o, (const struct pair *)(const void *)in->attributes.at, in->attributes.n);
    return elb_answer(c, r == 0 ? SHOW(c, &o, &out) : r, &out);
}

/* --- listeners ------------------------------------------------------------------------------- */

static int find_listener(struct call *c, struct str arn, struct owner *ret)
{
    struct listener *l = NULL;
    int r = elb_need_listener(c, arn, &l);

    if (r == 0)
        *ret = (struct owner){
            .table = listener_attributes,
            .count = ARRAY_LEN(listener_attributes),
            .arn = l->arn,
            .of = str_is(l->protocol, "HTTPS")                  ? OF_ALB | OF_HTTPS
                  : str_is(l->protocol, "HTTP")                 ? OF_ALB
                  : str_find(l->arn, S("/gwy/")) != STR_NONE    ? OF_GWLB
                  : elb_is_word(l->protocol, "TCP|TCP_UDP|TLS") ? OF_NLB
                                                                : 0,
            .called = "Listener",
        };
    return r;
}

struct done elb_describe_listener_attributes(struct call *c, const void *input)
{
    const struct elbv2_describe_listener_attributes_input *in = input;
    struct elbv2_describe_listener_attributes_output out = {0};
    struct owner o;
    int r = find_listener(c, in->listener_arn, &o);

    return elb_answer(c, r == 0 ? SHOW(c, &o, &out) : r, &out);
}

struct done elb_modify_listener_attributes(struct call *c, const void *input)
{
    const struct elbv2_modify_listener_attributes_input *in = input;
    struct elbv2_modify_listener_attributes_output out = {0};
    struct owner o;
    int r = find_listener(c, in->listener_arn, &o);

    if (r == 0)
        r = put_all(c, &o, (const struct pair *)(const void *)in->attributes.at, in->attributes.n);
    return elb_answer(c, r == 0 ? SHOW(c, &o, &out) : r, &out);
}

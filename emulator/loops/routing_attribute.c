/* One table for each kind of owner: key, kind of value, member.
 * Source: ELB API Reference 2015-12-01, LoadBalancerAttribute, ListenerAttribute,
 * TargetGroupAttribute. */
#include "loops/routing_attribute.h"

#include "base/macros.h"

enum kind {
    FLAG,    /* bool: "true" */
    NEGATED, /* bool: "false" */
    SECONDS, /* int64_t in milliseconds */
    NUMBER,  /* uint32_t; "off" is 0 */
    WORD,    /* an enum: the place of the value in `words` */
    TEXT,    /* struct str */
};

struct attribute {
    const char *key;
    enum kind kind;
    size_t member;
    const char *words; /* of WORD, parted by '|', in the enum's order */
};

#define BALANCER(member) offsetof(struct dp_attributes, member)
#define LISTENER(member) offsetof(struct dp_listener, member)
#define GROUP(member)    offsetof(struct dp_group, member)

static const struct attribute balancer_attributes[] = {
    {"idle_timeout.timeout_seconds",                             SECONDS, BALANCER(idle_timeout_ms),        NULL                    },
    {"client_keep_alive.seconds",                                SECONDS, BALANCER(client_keep_alive_ms),   NULL                    },
    {"routing.http2.enabled",                                    FLAG,    BALANCER(http2),                  NULL                    },
    {"routing.http.xff_client_port.enabled",                     FLAG,    BALANCER(xff_client_port),        NULL                    },
    {"routing.http.preserve_host_header.enabled",                FLAG,    BALANCER(preserve_host),          NULL                    },
    {"routing.http.drop_invalid_header_fields.enabled",          FLAG,    BALANCER(drop_invalid_headers),   NULL                    },
    {"routing.http.x_amzn_tls_version_and_cipher_suite.enabled", FLAG,    BALANCER(tls_headers),            NULL                    },
    {"routing.http.xff_header_processing.mode",                  WORD,    BALANCER(xff_mode),               "append|preserve|remove"},
    {"routing.http.desync_mitigation_mode",                      WORD,    BALANCER(desync_mode),
     "defensive|monitor|strictest"                                                                                                  },
    {"access_logs.s3.enabled",                                   FLAG,    BALANCER(access_log.enabled),     NULL                    },
    {"access_logs.s3.bucket",                                    TEXT,    BALANCER(access_log.bucket),      NULL                    },
    {"access_logs.s3.prefix",                                    TEXT,    BALANCER(access_log.prefix),      NULL                    },
    {"connection_logs.s3.enabled",                               FLAG,    BALANCER(connection_log.enabled), NULL                    },
    {"connection_logs.s3.bucket",                                TEXT,    BALANCER(connection_log.bucket),  NULL                    },
    {"connection_logs.s3.prefix",                                TEXT,    BALANCER(connection_log.prefix),  NULL                    },
};

#define RENAMED(header, id)                                                                \
    {                                                                                      \
        "routing.http.request." header ".header_name", TEXT, LISTENER(tls_names[id]), NULL \
    }

static const struct attribute listener_attributes[] = {
    {"routing.http.response.server.enabled", NEGATED, LISTENER(hides_server), NULL},
    RENAMED("x_amzn_tls_version", DP_TLS_VERSION),
    RENAMED("x_amzn_tls_cipher_suite", DP_TLS_CIPHER),
    RENAMED("x_amzn_mtls_clientcert", DP_MTLS_CHAIN),
    RENAMED("x_amzn_mtls_clientcert_serial_number", DP_MTLS_SERIAL),
    RENAMED("x_amzn_mtls_clientcert_issuer", DP_MTLS_ISSUER),
    RENAMED("x_amzn_mtls_clientcert_subject", DP_MTLS_SUBJECT),
    RENAMED("x_amzn_mtls_clientcert_validity", DP_MTLS_VALIDITY),
    RENAMED("x_amzn_mtls_clientcert_leaf", DP_MTLS_LEAF),
};

/* Of responses: the header that each attribute sets. */
static const struct {
    const char *key; /* routing.http.response.KEY.header_value */
    struct str header;
} response_headers[] = {
    {"strict_transport_security",        STR_INIT("Strict-Transport-Security")       },
    {"access_control_allow_origin",      STR_INIT("Access-Control-Allow-Origin")     },
    {"access_control_allow_methods",     STR_INIT("Access-Control-Allow-Methods")    },
    {"access_control_allow_headers",     STR_INIT("Access-Control-Allow-Headers")    },
    {"access_control_allow_credentials", STR_INIT("Access-Control-Allow-Credentials")},
    {"access_control_expose_headers",    STR_INIT("Access-Control-Expose-Headers")   },
    {"access_control_max_age",           STR_INIT("Access-Control-Max-Age")          },
    {"content_security_policy",          STR_INIT("Content-Security-Policy")         },
    {"x_content_type_options",           STR_INIT("X-Content-Type-Options")          },
    {"x_frame_options",                  STR_INIT("X-Frame-Options")                 },
};

#define MINIMUM "target_group_health.unhealthy_state_routing.minimum_healthy_targets."

static const struct attribute group_attributes[] = {
    {"load_balancing.algorithm.type",          WORD,    GROUP(algorithm),
     "round_robin|least_outstanding_requests|weighted_random"                                                    },
    {"load_balancing.cross_zone.enabled",      WORD,    GROUP(zones),
     "use_load_balancer_configuration|true|false"                                                                },
    {"slow_start.duration_seconds",            SECONDS, GROUP(slow_start_ms),              NULL                  },
    {MINIMUM "count",                          NUMBER,  GROUP(minimum_healthy_count),      NULL                  },
    {MINIMUM "percentage",                     NUMBER,  GROUP(minimum_healthy_percentage), NULL                  },
    {"stickiness.enabled",                     FLAG,    GROUP(sticky),                     NULL                  },
    {"stickiness.type",                        WORD,    GROUP(sticky_kind),                "lb_cookie|app_cookie"},
    {"stickiness.lb_cookie.duration_seconds",  SECONDS, GROUP(lb_cookie_ms),               NULL                  },
    {"stickiness.app_cookie.duration_seconds", SECONDS, GROUP(app_cookie_ms),              NULL                  },
    {"stickiness.app_cookie.cookie_name",      TEXT,    GROUP(app_cookie),                 NULL                  },
};

/* The place of @word; the first one's for a word that is not there. */
static unsigned place_of(const char *words, struct str word)
{
    struct str rest = str_c(words), one;

    for (unsigned i = 0; str_next(&rest, '|', &one); i++)
        if (str_eq(one, word))
            return i;
    return 0;
}

static void set(struct arena *a, char *owner, const struct attribute *at, struct str value)
{
    void *member = owner + at->member;
    int64_t n = 0;

    (void)str_to_int(value, &n);
    switch (at->kind) {
    case FLAG:
        *(bool *)member = str_is(value, "true");
        break;
    case NEGATED:
        *(bool *)member = str_is(value, "false");
        break;
    case SECONDS:
        *(int64_t *)member = n * 1000;
        break;
    case NUMBER:
        *(uint32_t *)member = n > 0 && n < UINT32_MAX ? (uint32_t)n : 0;
        break;
    case WORD:
        *(unsigned *)member = place_of(at->words, value);
        break;
    case TEXT:
        *(struct str *)member = arena_str(a, value);
        break;
    }
}

static void read_all(struct arena *a, const struct lb_attribute *first,
                     const struct attribute *table, size_t n, void *owner)
{
    for (; first != NULL; first = first->next)
        for (size_t i = 0; i < n; i++)
            if (str_is(first->key, table[i].key))
                set(a, owner, &table[i], first->value);
}

void routing_read_balancer_attributes(struct arena *a, const struct lb_attribute *first,
                                      struct dp_attributes *to)
{
    to->http2 = true;
    read_all(a, first, balancer_attributes, ARRAY_LEN(balancer_attributes), to);
}

static void add_response_header(struct arena *a, struct dp_listener *to, struct str key,
                                struct str value)
{
    static const char before[] = "routing.http.response.", behind[] = ".header_value";
    size_t n = sizeof before - 1;

    if (!str_starts(key, S("routing.http.response.")) || !str_ends(key, S(".header_value")) ||
        value.n == 0)
        return;
    key = str_n(key.at + n, key.n - n - (sizeof behind - 1));
    for (size_t i = 0; i < ARRAY_LEN(response_headers); i++)
        if (str_is(key, response_headers[i].key))
            to->response_headers[to->response_header_count++] =
                (struct dp_header){response_headers[i].header, arena_str(a, value)};
}

void routing_read_listener_attributes(struct arena *a, const struct lb_attribute *first,
                                      struct dp_listener *to)
{
    read_all(a, first, listener_attributes, ARRAY_LEN(listener_attributes), to);
    to->response_headers =
        arena_array(a, ARRAY_LEN(response_headers), sizeof *to->response_headers);
    for (; first != NULL; first = first->next)
        add_response_header(a, to, first->key, first->value);
}

void routing_read_group_attributes(struct arena *a, const struct lb_attribute *first,
                                   struct dp_group *to)
{
    read_all(a, first, group_attributes, ARRAY_LEN(group_attributes), to);
}

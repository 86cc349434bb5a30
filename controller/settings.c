/* One table of flags and one walker. Source: aws-alb-ingress-controller v1.1.4, cmd/options.go and
 * internal/{aws,ingress/controller/config}/config.go; spf13/pflag for the forms and the errors. */
#include "settings.h"

#include <stddef.h>

#include "base/buf.h"
#include "go_text.h"
#include "klog.h"
#include "names.h"

enum flag_kind { BOOLEAN, TEXT, NUMBER, REAL, DURATION, TAGS, GATES, IGNORED, IGNORED_BOOLEAN };

struct flag {
    const char *name;
    enum flag_kind kind;
    size_t offset;
    const char *otherwise;   /* the default, as it would be typed */
    const char *environment; /* an old variable that overrides the flag, or NULL */
    const char *help;
};

#define AT(member) offsetof(struct settings, member)

static const struct flag flags[] = {
    {"version",                   BOOLEAN,         AT(show_version),              "false",                         NULL,                             "Print the version and exit"           },
    {"explain",                   TEXT,            AT(explain),                   "",                              NULL,
     "Only tell what would be made of this Ingress (NAMESPACE/NAME), and why"                                                                                                               },
    {"apiserver-host",            TEXT,            AT(apiserver_host),            "",                              NULL,
     "Address of the Kubernetes API server; from inside the cluster it is found by itself"                                                                                                  },
    {"kubeconfig",                TEXT,            AT(kubeconfig),                "",                              NULL,                             "A kubeconfig file"                    },
    {"election",                  BOOLEAN,         AT(election),                  "true",                          NULL,                             "Elect one leader among several copies"},
    {"election-id",               TEXT,            AT(election_id),               "ingress-controller-leader-alb", NULL,
     "Name of the leader's ConfigMap"                                                                                                                                                       },
    {"election-namespace",        TEXT,            AT(election_namespace),        "",                              NULL,
     "Namespace of the leader's ConfigMap; the controller's own by default"                                                                                                                 },
    {"watch-namespace",           TEXT,            AT(watch_namespace),           "",                              NULL,
     "The only namespace to watch; all by default"                                                                                                                                          },
    {"sync-period",               DURATION,        AT(sync_period_ms),            "60m",                           NULL,
     "How often every Ingress is looked at again"                                                                                                                                           },
    {"health-check-period",       DURATION,        AT(health_check_period_ms),    "1m",                            NULL,                             "Has no effect"                        },
    {"healthz-port",              NUMBER,          AT(healthz_port),              "10254",                         NULL,                             "Port of /healthz and /metrics"        },
    {"profiling",                 BOOLEAN,         AT(profiling),                 "true",                          NULL,                             "Has no effect here"                   },
    {"aws-vpc-id",                TEXT,            AT(vpc_id),                    "",                              "AWS_VPC_ID",                     "The cluster's VPC"                    },
    {"aws-region",                TEXT,            AT(region),                    "",                              "AWS_REGION",                     "The cluster's region"                 },
    {"aws-max-retries",           NUMBER,          AT(max_retries),               "10",                            "AWS_MAX_RETRIES",
     "How often an AWS call is repeated"                                                                                                                                                    },
    {"aws-api-debug",             BOOLEAN,         AT(api_debug),                 "false",                         NULL,                             "Log every AWS call"                   },
    {"cluster-name",              TEXT,            AT(cluster_name),              "",                              "CLUSTER_NAME",
     "Name of the Kubernetes cluster (required)"                                                                                                                                            },
    {"ingress-class",             TEXT,            AT(ingress_class),             "",                              NULL,
     "The class of the Ingresses to serve; empty: none or \"alb\""                                                                                                                          },
    {"annotations-prefix",        TEXT,            AT(annotations_prefix),        "alb.ingress.kubernetes.io",     NULL,
     "What the annotations begin with"                                                                                                                                                      },
    {"alb-name-prefix",           TEXT,            AT(name_prefix),               "",                              "ALB_PREFIX",
     "What the names of AWS resources begin with, 12 characters at most"                                                                                                                    },
    {"default-tags",              TAGS,            AT(default_tags),              "",                              NULL,                             "Tags for all resources: k=v,k2=v2"    },
    {"target-type",               TEXT,            AT(target_type),               "instance",                      NULL,
     "instance or ip, where no annotation says it"                                                                                                                                          },
    {"backend-protocol",          TEXT,            AT(backend_protocol),          "HTTP",                          NULL,
     "HTTP or HTTPS, for health checks"                                                                                                                                                     },
    {"sync-rate-limit",           REAL,            AT(sync_rate_limit),           "0.3",                           NULL,                             "Has no effect"                        },
    {"max-concurrent-reconciles", NUMBER,          AT(max_concurrent_reconciles), "1",                             NULL,
     "How many Ingresses are worked on at a time"                                                                                                                                           },
    {"restrict-scheme",           BOOLEAN,         AT(restrict_scheme),           "false",                         "ALB_CONTROLLER_RESTRICT_SCHEME",
     "Only listed Ingresses may be internet-facing"                                                                                                                                         },
    {"restrict-scheme-namespace", TEXT,            AT(restrict_scheme_namespace), "default",
     "ALB_CONTROLLER_RESTRICT_SCHEME_CONFIG_NAMESPACE",                                                                                              "Namespace of that list's ConfigMap"   },
    {"feature-gates",             GATES,           AT(feature_waf),               "waf=true",                      NULL,                             "key=bool pairs; waf"                  },
    {"aws-sync-period",           IGNORED,         0,                             "",                              NULL,                             "Has no effect"                        },
    {"default-backend-service",   IGNORED,         0,                             "",                              NULL,                             "Has no effect"                        },
    {"v",                         IGNORED,         0,                             "0",                             NULL,                             "Has no effect here"                   },
    {"vmodule",                   IGNORED,         0,                             "",                              NULL,                             "Has no effect here"                   },
    {"logtostderr",               IGNORED_BOOLEAN, 0,                             "true",                          NULL,                             "Always so here"                       },
    {"alsologtostderr",           IGNORED_BOOLEAN, 0,                             "false",                         NULL,                             "Has no effect here"                   },
    {"skip_headers",              IGNORED_BOOLEAN, 0,                             "false",                         NULL,                             "Has no effect here"                   },
    {"stderrthreshold",           IGNORED,         0,                             "2",                             NULL,                             "Has no effect here"                   },
    {"log_dir",                   IGNORED,         0,                             "",                              NULL,                             "Has no effect here"                   },
    {"log_file",                  IGNORED,         0,                             "",                              NULL,                             "Has no effect here"                   },
    {"log_backtrace_at",          IGNORED,         0,                             "",                              NULL,                             "Has no effect here"                   },
};

enum { LONGEST_NAME_PREFIX = 12 };

bool settings_parse_duration(struct str s, int64_t *ret_ms)
{
    static const struct {
        struct str name;
        int64_t ms;
    } units[] = {
        {STR_INIT("ms"), 1          },
        {STR_INIT("s"),  1000       },
        {STR_INIT("m"),  60 * 1000  },
        {STR_INIT("h"),  3600 * 1000}
    };
    int64_t total = 0, n;

    if (str_is(s, "0")) {
        *ret_ms = 0;
        return true;
    }
    if (s.n == 0)
        return false;
    while (s.n > 0) {
        size_t digits = 0, unit = ARRAY_LEN(units), letters = 0;

        while (digits < s.n && s.at[digits] >= '0' && s.at[digits] <= '9')
            digits++;
        while (digits + letters < s.n && s.at[digits + letters] >= 'a')
            letters++;
        for (size_t i = 0; i < ARRAY_LEN(units); i++)
            if (str_eq(units[i].name, str_n(s.at + digits, letters)))
                unit = i;
        if (digits == 0 || unit == ARRAY_LEN(units) || !str_to_int(str_first(s, digits), &n) ||
            n > INT32_MAX)
            return false;
        total += n * units[unit].ms;
        s = str_from(s, digits + letters);
    }
    *ret_ms = total;
    return true;
}

static struct str set_tags(struct arena *a, struct pairs *tags, struct str text)
{
    struct str part, key, value;

    *tags = (struct pairs){0};
    while (str_next(&text, ',', &part)) {
        if (!str_cut(part, '=', &key, &value))
            return arena_printf(a, "%.*s must be formatted as key=value", STR_ARG(part));
        pairs_put(a, tags, key, value);
    }
    return (struct str){0};
}

static struct str set_gates(struct arena *a, bool *waf, struct str text)
{
    static const char trouble[] = "failed to parse feature-gate settings due to invalid "
                                  "mapStringBool: %.*s";
    struct str part, key, value;
    bool on;

    while (str_next(&text, ',', &part)) {
        if (part.n == 0)
            continue;
        if (!str_cut(part, '=', &key, &value) || !go_parse_bool(str_trim(value), &on))
            return arena_printf(a, trouble, STR_ARG(part));
        if (!str_is(str_trim(key), "waf"))
            return arena_printf(a, "unknown feature: %.*s", STR_ARG(str_trim(key)));
        *waf = on;
    }
    return (struct str){0};
}

/* Sets the flag's member; the result is empty, or what is wrong with @value. */
static struct str set_flag(struct arena *a, struct settings *s, const struct flag *f,
                           struct str value)
{
    void *at = (char *)s + f->offset;
    struct str quoted = go_quote(a, value);
    bool ok = true;

    switch (f->kind) {
    case BOOLEAN:
        ok = go_parse_bool(value, at);
        return ok ? (struct str){0}
                  : arena_printf(a, "strconv.ParseBool: parsing %.*s: invalid syntax",
                                 STR_ARG(quoted));
    case NUMBER:
        ok = go_parse_int(value, at);
        return ok ? (struct str){0}
                  : arena_printf(a, "strconv.ParseInt: parsing %.*s: invalid syntax",
                                 STR_ARG(quoted));
    case DURATION:
        ok = settings_parse_duration(value, at);
        return ok ? (struct str){0}
                  : arena_printf(a, "time: invalid duration %.*s", STR_ARG(value));
    case TAGS:
        return set_tags(a, at, value);
    case GATES:
        return set_gates(a, at, value);
    case TEXT:
    case REAL:
        *(struct str *)at = value;
        return (struct str){0};
    case IGNORED:
    case IGNORED_BOOLEAN:
        break;
    }
    return (struct str){0};
}

static const struct flag *find_flag(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        if (str_is(name, flags[i].name))
            return &flags[i];
    return NULL;
}

/* --name=value, --name value, --name (booleans). */
static struct str read_flags(struct arena *a, struct settings *s, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct str word = str_c(argv[i]), name, value, trouble;
        const struct flag *f;
        bool cut;

        if (str_is(word, "--"))
            break;
        if (!str_starts(word, S("-")) || word.n < 2)
            continue; /* pflag collects what is no flag, and nobody looks at it */
        if (str_is(word, "-v") || str_starts(word, S("-v=")))
            word = arena_printf(a, "-%.*s", STR_ARG(word));
        if (!str_starts(word, S("--")))
            return arena_printf(a, "unknown shorthand flag: '%c' in %.*s", word.at[1],
                                STR_ARG(word));
        cut = str_cut(str_from(word, 2), '=', &name, &value);
        if (!cut)
            name = str_from(word, 2);
        f = find_flag(name);
        if (f == NULL)
            return arena_printf(a, "unknown flag: --%.*s", STR_ARG(name));
        if (!cut && (f->kind == BOOLEAN || f->kind == IGNORED_BOOLEAN))
            value = S("true");
        else if (!cut && i + 1 == argc)
            return arena_printf(a, "flag needs an argument: --%.*s", STR_ARG(name));
        else if (!cut)
            value = str_c(argv[++i]);
        trouble = set_flag(a, s, f, value);
        if (trouble.n > 0) {
            struct str quoted = go_quote(a, value);

            return arena_printf(a, "invalid argument %.*s for \"--%s\" flag: %.*s", STR_ARG(quoted),
                                f->name, STR_ARG(trouble));
        }
    }
    return (struct str){0};
}

static const char *find_variable(char **environment, const char *name)
{
    size_t n = strlen(name);

    for (; environment != NULL && *environment != NULL; environment++)
        if (strncmp(*environment, name, n) == 0 && (*environment)[n] == '=')
            return *environment + n + 1;
    return NULL;
}

static struct str read_environment(struct arena *a, struct settings *s, char **environment)
{
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        const struct flag *f = &flags[i];
        const char *value =
            f->environment == NULL ? NULL : find_variable(environment, f->environment);

        if (value == NULL)
            continue;
        klog_write(KLOG_WARNING, "config.go:43",
                   "Environment variable configuration is deprecated, switch to the --%s flag.",
                   f->name);
        if (set_flag(a, s, f, str_c(value)).n > 0)
            return arena_printf(a, "%s environment variable must be %s. Value was: %s",
                                f->environment,
                                f->kind == BOOLEAN ? "either true or false" : "an integer", value);
    }
    return (struct str){0};
}

static struct str check(struct arena *a, struct settings *s)
{
    if (str_is(s->target_type, "pod")) {
        klog_write(KLOG_WARNING, "config.go:115",
                   "The target type parameter for 'pod' has changed to 'ip' to better match AWS "
                   "APIs and documentation.");
        s->target_type = S("ip");
    }
    if (s->cluster_name.n == 0)
        return S("clusterName must be specified");
    if (s->name_prefix.n > LONGEST_NAME_PREFIX)
        return S("ALBNamePrefix must be 12 characters or less");
    if (s->name_prefix.n == 0)
        s->name_prefix = name_prefix(a, s->cluster_name);
    if (s->max_concurrent_reconciles < 1)
        s->max_concurrent_reconciles = 1;
    return (struct str){0};
}

bool settings_read(struct arena *a, int argc, char **argv, char **environment,
                   struct settings *ret_settings, struct str *ret_error, bool *ret_usage)
{
    struct settings s = {0};
    struct str error = {0};

    *ret_error = error;
    *ret_usage = false;
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        (void)set_flag(a, &s, &flags[i], str_c(flags[i].otherwise));
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            *ret_usage = true;
            return false;
        }
    error = read_flags(a, &s, argc, argv);
    if (error.n > 0)
        *ret_usage = true;
    if (error.n == 0)
        error = read_environment(a, &s, environment);
    if (error.n == 0 && s.show_version)
        return false;
    if (error.n == 0)
        error = check(a, &s);
    *ret_error = error;
    *ret_settings = s;
    return error.n == 0;
}

struct str settings_usage(struct arena *a)
{
    CLEANUP(buf_free) struct buf b = buf_init(1 << 16);

    buf_add(&b, S("Usage of alb-ingress-controller:\n"));
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        buf_printf(&b, "      --%-28s %s%s%s%s\n", flags[i].name, flags[i].help,
                   flags[i].otherwise[0] != 0 ? " (default " : "", flags[i].otherwise,
                   flags[i].otherwise[0] != 0 ? ")" : "");
    return arena_str(a, buf_str(&b));
}

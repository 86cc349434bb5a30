/* Security policies of HTTPS and TLS listeners.
 * Source: Application Load Balancers User Guide, "Security policies for HTTPS listeners". */
#include "aws/elbv2.h"

#include "base/macros.h"

/* Groups of cipher suites in the order in which the server prefers them. */
enum {
    TLS13 = 1 << 0,     /* the three of TLS 1.3 */
    ECDHE_128 = 1 << 1, /* ECDHE-*-AES128-GCM-SHA256 */
    ECDHE_128_CBC = 1 << 2,
    ECDHE_128_SHA = 1 << 3,
    ECDHE_256 = 1 << 4,
    ECDHE_256_CBC = 1 << 5,
    ECDHE_256_SHA = 1 << 6,
    RSA_GCM = 1 << 7,
    RSA_CBC = 1 << 8,
    RSA_SHA = 1 << 9,
    DES = 1 << 10,
    TLS13_AES = 1 << 11, /* the two that FIPS allows */

    GCM = ECDHE_128 | ECDHE_256,
    FORWARD = GCM | ECDHE_128_CBC | ECDHE_256_CBC,
    FORWARD_SHA = FORWARD | ECDHE_128_SHA | ECDHE_256_SHA,
    NO_SHA = FORWARD | RSA_GCM | RSA_CBC,
    ALL = FORWARD_SHA | RSA_GCM | RSA_CBC | RSA_SHA,
};

static const struct {
    const char *name;
    unsigned group;
} ciphers[] = {
    {"TLS_AES_128_GCM_SHA256",        TLS13 | TLS13_AES},
    {"TLS_AES_256_GCM_SHA384",        TLS13 | TLS13_AES},
    {"TLS_CHACHA20_POLY1305_SHA256",  TLS13            },
    {"ECDHE-ECDSA-AES128-GCM-SHA256", ECDHE_128        },
    {"ECDHE-RSA-AES128-GCM-SHA256",   ECDHE_128        },
    {"ECDHE-ECDSA-AES128-SHA256",     ECDHE_128_CBC    },
    {"ECDHE-RSA-AES128-SHA256",       ECDHE_128_CBC    },
    {"ECDHE-ECDSA-AES128-SHA",        ECDHE_128_SHA    },
    {"ECDHE-RSA-AES128-SHA",          ECDHE_128_SHA    },
    {"ECDHE-ECDSA-AES256-GCM-SHA384", ECDHE_256        },
    {"ECDHE-RSA-AES256-GCM-SHA384",   ECDHE_256        },
    {"ECDHE-ECDSA-AES256-SHA384",     ECDHE_256_CBC    },
    {"ECDHE-RSA-AES256-SHA384",       ECDHE_256_CBC    },
    {"ECDHE-RSA-AES256-SHA",          ECDHE_256_SHA    },
    {"ECDHE-ECDSA-AES256-SHA",        ECDHE_256_SHA    },
    {"AES128-GCM-SHA256",             RSA_GCM          },
    {"AES128-SHA256",                 RSA_CBC          },
    {"AES128-SHA",                    RSA_SHA          },
    {"AES256-GCM-SHA384",             RSA_GCM          },
    {"AES256-SHA256",                 RSA_CBC          },
    {"AES256-SHA",                    RSA_SHA          },
    {"DES-CBC3-SHA",                  DES              },
};

static const char *const versions[] = {"TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1"};

/* @newest to @oldest count in versions[]. */
static const struct policy {
    const char *name; /* behind "ELBSecurityPolicy-" */
    size_t newest, oldest;
    unsigned groups;
} policies[] = {
    {"2016-08",                        1, 3, ALL                    },
    {"TLS13-1-3-2021-06",              0, 0, TLS13                  },
    {"TLS13-1-2-2021-06",              0, 1, TLS13 | FORWARD        },
    {"TLS13-1-2-Res-2021-06",          0, 1, TLS13 | GCM            },
    {"TLS13-1-2-Ext1-2021-06",         0, 1, TLS13 | NO_SHA         },
    {"TLS13-1-2-Ext2-2021-06",         0, 1, TLS13 | ALL            },
    {"TLS13-1-1-2021-06",              0, 2, TLS13 | ALL            },
    {"TLS13-1-0-2021-06",              0, 3, TLS13 | ALL            },
    {"TLS13-1-3-PQ-2025-09",           0, 0, TLS13                  },
    {"TLS13-1-2-PQ-2025-09",           0, 1, TLS13 | FORWARD        },
    {"TLS13-1-2-Res-PQ-2025-09",       0, 1, TLS13 | GCM            },
    {"TLS13-1-2-Ext1-PQ-2025-09",      0, 1, TLS13 | NO_SHA         },
    {"TLS13-1-2-Ext2-PQ-2025-09",      0, 1, TLS13 | ALL            },
    {"TLS13-1-0-PQ-2025-09",           0, 3, TLS13 | ALL            },
    {"TLS13-1-3-FIPS-2023-04",         0, 0, TLS13_AES              },
    {"TLS13-1-2-Res-FIPS-2023-04",     0, 1, TLS13_AES | GCM        },
    {"TLS13-1-2-FIPS-2023-04",         0, 1, TLS13_AES | FORWARD    },
    {"TLS13-1-2-Ext0-FIPS-2023-04",    0, 1, TLS13_AES | FORWARD_SHA},
    {"TLS13-1-2-Ext1-FIPS-2023-04",    0, 1, TLS13_AES | NO_SHA     },
    {"TLS13-1-2-Ext2-FIPS-2023-04",    0, 1, TLS13_AES | ALL        },
    {"TLS13-1-1-FIPS-2023-04",         0, 2, TLS13_AES | ALL        },
    {"TLS13-1-0-FIPS-2023-04",         0, 3, TLS13_AES | ALL        },
    {"TLS13-1-3-FIPS-PQ-2025-09",      0, 0, TLS13_AES              },
    {"TLS13-1-2-Res-FIPS-PQ-2025-09",  0, 1, TLS13_AES | GCM        },
    {"TLS13-1-2-FIPS-PQ-2025-09",      0, 1, TLS13_AES | FORWARD    },
    {"TLS13-1-2-Ext0-FIPS-PQ-2025-09", 0, 1, TLS13_AES | FORWARD_SHA},
    {"TLS13-1-2-Ext1-FIPS-PQ-2025-09", 0, 1, TLS13_AES | NO_SHA     },
    {"TLS13-1-2-Ext2-FIPS-PQ-2025-09", 0, 1, TLS13_AES | ALL        },
    {"TLS13-1-1-FIPS-PQ-2025-09",      0, 2, TLS13_AES | ALL        },
    {"TLS13-1-0-FIPS-PQ-2025-09",      0, 3, TLS13_AES | ALL        },
    {"FS-1-2-Res-2020-10",             1, 1, GCM                    },
    {"FS-1-2-Res-2019-08",             1, 1, FORWARD                },
    {"FS-1-2-2019-08",                 1, 1, FORWARD_SHA            },
    {"FS-1-1-2019-08",                 1, 2, FORWARD_SHA            },
    {"FS-2018-06",                     1, 3, FORWARD_SHA            },
    {"TLS-1-2-Ext-2018-06",            1, 1, ALL                    },
    {"TLS-1-2-2017-01",                1, 1, NO_SHA                 },
    {"TLS-1-1-2017-01",                1, 2, ALL                    },
    {"2015-05",                        1, 3, ALL                    },
    {"TLS-1-0-2015-04",                1, 3, ALL | DES              },
};

static const struct str prefix = STR_INIT("ELBSecurityPolicy-");

static const struct policy *find_policy(struct str name)
{
    for (size_t i = 0; str_starts(name, prefix) && i < ARRAY_LEN(policies); i++)
        if (str_is(str_from(name, prefix.n), policies[i].name))
            return &policies[i];
    return NULL;
}

bool elb_is_ssl_policy(struct str name)
{
    return find_policy(name) != NULL;
}

static void show_policy(struct call *c, const struct policy *p, struct elbv2_ssl_policy *ret)
{
    static struct str types[] = {STR_INIT("application"), STR_INIT("network")};

    ret->name = arena_printf(c->arena, "%.*s%s", STR_ARG(prefix), p->name);
    ret->ssl_protocols.at = arena_array(c->arena, ARRAY_LEN(versions), sizeof(struct str));
    for (size_t i = p->newest; i <= p->oldest; i++)
        ret->ssl_protocols.at[ret->ssl_protocols.n++] = str_c(versions[i]);
    ret->ciphers.at = arena_array(c->arena, ARRAY_LEN(ciphers), sizeof *ret->ciphers.at);
    for (size_t i = 0; i < ARRAY_LEN(ciphers); i++)
        if ((ciphers[i].group & p->groups) != 0) {
            ret->ciphers.at[ret->ciphers.n] =
                (struct elbv2_cipher){str_c(ciphers[i].name), OPT_INT((int64_t)ret->ciphers.n + 1)};
            ret->ciphers.n++;
        }
    ret->supported_load_balancer_types = (struct str_list){types, ARRAY_LEN(types)};
}

static int show_named(struct call *c, const struct str_list *names,
                      struct elbv2_describe_ssl_policies_output *out)
{
    out->ssl_policies.at = arena_array(c->arena, names->n, sizeof *out->ssl_policies.at);
    for (size_t i = 0; i < names->n; i++) {
        const struct policy *p = find_policy(names->at[i]);

        if (p == NULL)
            return elb_refuse(c, &elbv2_ssl_policy_not_found_exception,
                              "SSL policy '%.*s' not found", STR_ARG(names->at[i]));
        show_policy(c, p, &out->ssl_policies.at[out->ssl_policies.n++]);
    }
    return 0;
}

struct done elb_describe_ssl_policies(struct call *c, const void *input)
{
    const struct elbv2_describe_ssl_policies_input *in = input;
    struct elbv2_describe_ssl_policies_output out = {0};
    size_t from = 0, n = 0;
    int r;

    if (in->names.n > 0)
        return elb_answer(c, show_named(c, &in->names, &out), &out);
    out.ssl_policies.at = arena_array(c->arena, ARRAY_LEN(policies), sizeof *out.ssl_policies.at);
    /* Gateway load balancers end no TLS. */
    if (str_is(in->load_balancer_type, "gateway"))
        return elb_answer(c, 0, &out);
    r = elb_page_list(c, in->marker, in->page_size, ARRAY_LEN(policies), &from, &n,
                      &out.next_marker);
    for (size_t i = 0; r == 0 && i < n; i++)
        show_policy(c, &policies[from + i], &out.ssl_policies.at[out.ssl_policies.n++]);
    return elb_answer(c, r, &out);
}

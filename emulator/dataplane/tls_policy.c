/* The table of security policies. Ciphers come in groups that policies have or have not; the order
 * within a policy is always the table's.
 * DIFFERS: the key exchange of the PQ policies is that of their twins without PQ, since OpenSSL 3.0
 * knows no ML-KEM. */
#include "dataplane/tls_policy.h"

#include "base/macros.h"

enum cipher_group {
    G13 = 1, /* TLS 1.3 */
    G13_CHACHA = 2,
    G_GCM = 4,   /* ECDHE with AES-GCM */
    G_SHA2 = 8,  /* ECDHE with AES-CBC and SHA-2 */
    G_SHA1 = 16, /* ECDHE with AES-CBC and SHA-1 */
    G_RSA_GCM = 32,
    G_RSA_SHA2 = 64,
    G_RSA_SHA1 = 128,
    G_DES = 256,
    /* What the policies are made of. */
    P13_FIPS = G13,
    P13 = G13 | G13_CHACHA,
    P_STRONG = G_GCM | G_SHA2,
    P_ECDHE = P_STRONG | G_SHA1,
    P_RSA = G_RSA_GCM | G_RSA_SHA2,
    P_18 = P_ECDHE | P_RSA | G_RSA_SHA1,
};

static const struct {
    struct str name;
    enum cipher_group group;
} ciphers[] = {
    {STR_INIT("TLS_AES_128_GCM_SHA256"),        G13       },
    {STR_INIT("TLS_AES_256_GCM_SHA384"),        G13       },
    {STR_INIT("TLS_CHACHA20_POLY1305_SHA256"),  G13_CHACHA},
    {STR_INIT("ECDHE-ECDSA-AES128-GCM-SHA256"), G_GCM     },
    {STR_INIT("ECDHE-RSA-AES128-GCM-SHA256"),   G_GCM     },
    {STR_INIT("ECDHE-ECDSA-AES128-SHA256"),     G_SHA2    },
    {STR_INIT("ECDHE-RSA-AES128-SHA256"),       G_SHA2    },
    {STR_INIT("ECDHE-ECDSA-AES128-SHA"),        G_SHA1    },
    {STR_INIT("ECDHE-RSA-AES128-SHA"),          G_SHA1    },
    {STR_INIT("ECDHE-ECDSA-AES256-GCM-SHA384"), G_GCM     },
    {STR_INIT("ECDHE-RSA-AES256-GCM-SHA384"),   G_GCM     },
    {STR_INIT("ECDHE-ECDSA-AES256-SHA384"),     G_SHA2    },
    {STR_INIT("ECDHE-RSA-AES256-SHA384"),       G_SHA2    },
    {STR_INIT("ECDHE-RSA-AES256-SHA"),          G_SHA1    },
    {STR_INIT("ECDHE-ECDSA-AES256-SHA"),        G_SHA1    },
    {STR_INIT("AES128-GCM-SHA256"),             G_RSA_GCM },
    {STR_INIT("AES128-SHA256"),                 G_RSA_SHA2},
    {STR_INIT("AES128-SHA"),                    G_RSA_SHA1},
    {STR_INIT("AES256-GCM-SHA384"),             G_RSA_GCM },
    {STR_INIT("AES256-SHA256"),                 G_RSA_SHA2},
    {STR_INIT("AES256-SHA"),                    G_RSA_SHA1},
    {STR_INIT("DES-CBC3-SHA"),                  G_DES     },
};

#define POLICY(name, lowest, highest, groups)                                          \
    {                                                                                  \
        STR_INIT("ELBSecurityPolicy-" name), TLS_1_##lowest, TLS_1_##highest, (groups) \
    }

static const struct tls_policy policies[] = {
    POLICY("2016-08", 0, 2, P_18),
    POLICY("TLS13-1-3-2021-06", 3, 3, P13),
    POLICY("TLS13-1-3-PQ-2025-09", 3, 3, P13),
    POLICY("TLS13-1-2-2021-06", 2, 3, P13 | P_STRONG),
    POLICY("TLS13-1-2-PQ-2025-09", 2, 3, P13 | P_STRONG),
    POLICY("TLS13-1-2-Res-2021-06", 2, 3, P13 | G_GCM),
    POLICY("TLS13-1-2-Res-PQ-2025-09", 2, 3, P13 | G_GCM),
    POLICY("TLS13-1-2-Ext1-2021-06", 2, 3, P13 | P_STRONG | P_RSA),
    POLICY("TLS13-1-2-Ext1-PQ-2025-09", 2, 3, P13 | P_STRONG | P_RSA),
    POLICY("TLS13-1-2-Ext2-2021-06", 2, 3, P13 | P_18),
    POLICY("TLS13-1-2-Ext2-PQ-2025-09", 2, 3, P13 | P_18),
    POLICY("TLS13-1-1-2021-06", 1, 3, P13 | P_18),
    POLICY("TLS13-1-0-2021-06", 0, 3, P13 | P_18),
    POLICY("TLS13-1-0-PQ-2025-09", 0, 3, P13 | P_18),
    POLICY("TLS13-1-3-FIPS-2023-04", 3, 3, P13_FIPS),
    POLICY("TLS13-1-2-Res-FIPS-2023-04", 2, 3, P13_FIPS | G_GCM),
    POLICY("TLS13-1-2-FIPS-2023-04", 2, 3, P13_FIPS | P_STRONG),
    POLICY("TLS13-1-2-Ext0-FIPS-2023-04", 2, 3, P13_FIPS | P_ECDHE),
    POLICY("TLS13-1-2-Ext1-FIPS-2023-04", 2, 3, P13_FIPS | P_STRONG | P_RSA),
    POLICY("TLS13-1-2-Ext2-FIPS-2023-04", 2, 3, P13_FIPS | P_18),
    POLICY("TLS13-1-1-FIPS-2023-04", 1, 3, P13_FIPS | P_18),
    POLICY("TLS13-1-0-FIPS-2023-04", 0, 3, P13_FIPS | P_18),
    POLICY("TLS13-1-3-FIPS-PQ-2025-09", 3, 3, P13_FIPS),
    POLICY("TLS13-1-2-Res-FIPS-PQ-2025-09", 2, 3, P13_FIPS | G_GCM),
    POLICY("TLS13-1-2-FIPS-PQ-2025-09", 2, 3, P13_FIPS | P_STRONG),
    POLICY("TLS13-1-2-Ext0-FIPS-PQ-2025-09", 2, 3, P13_FIPS | P_ECDHE),
    POLICY("TLS13-1-2-Ext1-FIPS-PQ-2025-09", 2, 3, P13_FIPS | P_STRONG | P_RSA),
    POLICY("TLS13-1-2-Ext2-FIPS-PQ-2025-09", 2, 3, P13_FIPS | P_18),
    POLICY("TLS13-1-1-FIPS-PQ-2025-09", 1, 3, P13_FIPS | P_18),
    POLICY("TLS13-1-0-FIPS-PQ-2025-09", 0, 3, P13_FIPS | P_18),
    POLICY("FS-1-2-Res-2020-10", 2, 2, G_GCM),
    POLICY("FS-1-2-Res-2019-08", 2, 2, P_STRONG),
    POLICY("FS-1-2-2019-08", 2, 2, P_ECDHE),
    POLICY("FS-1-1-2019-08", 1, 2, P_ECDHE),
    POLICY("FS-2018-06", 0, 2, P_ECDHE),
    POLICY("TLS-1-2-Ext-2018-06", 2, 2, P_18),
    POLICY("TLS-1-2-2017-01", 2, 2, P_STRONG | P_RSA),
    POLICY("TLS-1-1-2017-01", 1, 2, P_18),
    POLICY("2015-05", 0, 2, P_18),
    POLICY("TLS-1-0-2015-04", 0, 2, P_18 | G_DES),
};

const struct tls_policy *tls_policies(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(policies);
    return policies;
}

const struct tls_policy *tls_policy_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(policies); i++)
        if (str_eq(policies[i].name, name))
            return &policies[i];
    return NULL;
}

struct str tls_version_name(enum tls_version v)
{
    static const struct str names[] = {
        [TLS_1_0] = STR_INIT("TLSv1"),
        [TLS_1_1] = STR_INIT("TLSv1.1"),
        [TLS_1_2] = STR_INIT("TLSv1.2"),
        [TLS_1_3] = STR_INIT("TLSv1.3"),
    };

    return names[v];
}

struct str tls_policy_cipher(const struct tls_policy *p, size_t at)
{
    for (size_t i = 0; i < ARRAY_LEN(ciphers); i++)
        if ((p->groups & ciphers[i].group) != 0 && at-- == 0)
            return ciphers[i].name;
    return (struct str){0};
}

bool tls_cipher_is_13(struct str cipher)
{
    return str_starts(cipher, S("TLS_"));
}

/* Names, ARNs and DNS names of load balancing.
 * Source: ELB API Reference 2015-12-01; Service Authorization Reference, "Resource types defined by
 * Elastic Load Balancing"; AWS General Reference, "Elastic Load Balancing endpoints and quotas"
 * (the hosted zones). */
#include "aws/elbv2.h"

#include "aws/aws.h"
#include "base/macros.h"

enum { ID_LENGTH = 16, LONGEST_NAME = 32 };

/* --- ARNs ----------------------------------------------------------------------------------- */

/* The resource part of each kind: its first word, how many words follow the type where it has
 * one, and what AWS calls it. */
static const struct kind {
    enum elb_kind kind;
    const char *word;
    size_t parts; /* behind the word */
    bool typed;   /* the first part is app, net or gwy */
    const char *called;
} kinds[] = {
    {ELB_BALANCER,    "loadbalancer",  3, true,  "load balancer"},
    {ELB_GROUP,       "targetgroup",   2, false, "target group" },
    {ELB_LISTENER,    "listener",      4, true,  "listener"     },
    {ELB_RULE,        "listener-rule", 5, true,  "listener rule"},
    {ELB_TRUST_STORE, "truststore",    2, false, "trust store"  },
};

static const struct kind *kind_of(enum elb_kind kind)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].kind == kind)
            return &kinds[i];
    return &kinds[0];
}

const char *elb_type_word(struct str type)
{
    return str_is(type, "network") ? "net" : str_is(type, "gateway") ? "gwy" : "app";
}

static bool is_type_word(struct str word)
{
    return str_is(word, "app") || str_is(word, "net") || str_is(word, "gwy");
}

static bool is_id(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.at[i] >= '0' && s.at[i] <= '9') || (s.at[i] >= 'a' && s.at[i] <= 'f')))
            return false;
    return s.n == ID_LENGTH;
}

/* The resource part of an ARN of this call's account and region; empty for any other. */
static struct str resource_of(struct call *c, struct str arn)
{
    struct str prefix = call_arn(c, "%s", "");

    return str_starts(arn, prefix) ? str_from(arn, prefix.n) : (struct str){0};
}

bool elb_arn_is(struct call *c, struct str arn, enum elb_kind kind)
{
    const struct kind *k = kind_of(kind);
    struct str rest = resource_of(c, arn), part = {0};
    size_t n = 0;

    if (!str_next(&rest, '/', &part) || !str_is(part, k->word))
        return false;
    while (str_next(&rest, '/', &part))
        if (part.n == 0 || (n++ == 0 && k->typed && !is_type_word(part)))
            return false;
    return n == k->parts && is_id(part);
}

int elb_check_arn(struct call *c, struct str arn, enum elb_kind kind)
{
    if (elb_arn_is(c, arn, kind))
        return 0;
    return elb_refuse(c, &AWS_VALIDATION_ERROR, "'%.*s' is not a valid %s ARN", STR_ARG(arn),
                      kind_of(kind)->called);
}

struct str elb_arn_id(struct str arn)
{
    size_t slash = str_rchr(arn, '/');

    return slash == STR_NONE ? (struct str){0} : str_from(arn, slash + 1);
}

struct str elb_arn_path(struct str arn)
{
    size_t slash = str_chr(arn, '/');

    return slash == STR_NONE ? (struct str){0} : str_from(arn, slash + 1);
}

static struct str new_arn_below(struct call *c, const char *word, struct str arn)
{
    struct str path = elb_arn_path(arn), id = ids_hex(c->ids, c->arena, ID_LENGTH);

    return call_arn(c, "%s/%.*s/%.*s", word, STR_ARG(path), STR_ARG(id));
}

struct str elb_new_listener_arn(struct call *c, struct str balancer_arn)
{
    return new_arn_below(c, "listener", balancer_arn);
}

struct str elb_new_rule_arn(struct call *c, struct str listener_arn)
{
    return new_arn_below(c, "listener-rule", listener_arn);
}

/* --- names ---------------------------------------------------------------------------------- */

static bool is_alphanumeric_or_hyphen(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char b = s.at[i];

        if (!((b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') ||
              b == '-'))
            return false;
    }
    return true;
}

int elb_check_name(struct call *c, const char *what, struct str name)
{
    if (name.n == 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR, "%s name cannot be empty", what);
    if (name.n > LONGEST_NAME)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "%s name '%.*s' cannot be longer than '%d' characters", what,
                          STR_ARG(name), LONGEST_NAME);
    if (!is_alphanumeric_or_hyphen(name))
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "%s name '%.*s' can only contain characters that are alphanumeric "
                          "characters or hyphens(-)",
                          what, STR_ARG(name));
    if (name.at[0] == '-' || name.at[name.n - 1] == '-')
        return elb_refuse(c, &AWS_VALIDATION_ERROR, "%s name '%.*s' cannot begin or end with '-'",
                          what, STR_ARG(name));
    return 0;
}

/* What the names end in: the chosen domain; China has one of its own under Amazon's. */
static struct str domain_of(struct call *c)
{
    struct str domain = aws_options_of(c->aws)->lb_domain;

    if (domain.n == 0)
        return S("localhost");
    if (str_is(domain, "amazonaws.com") && str_starts(c->region, S("cn-")))
        return S("amazonaws.com.cn");
    return domain;
}

struct str elb_new_dns_name(struct call *c, const struct load_balancer *lb)
{
    struct str domain = domain_of(c), id = elb_arn_id(lb->arn);

    if (str_is(lb->type, "network"))
        return arena_printf(c->arena, "%.*s-%.*s.elb.%.*s.%.*s", STR_ARG(lb->name), STR_ARG(id),
                            STR_ARG(c->region), STR_ARG(domain));
    if (str_is(lb->type, "gateway"))
        return S("");
    return arena_printf(c->arena, "%s%.*s-%llu.%.*s.elb.%.*s",
                        str_is(lb->scheme, "internal") ? "internal-" : "", STR_ARG(lb->name),
                        (unsigned long long)ids_below(c->ids, UINT64_C(2147483647)) + 1,
                        STR_ARG(c->region), STR_ARG(domain));
}

static const struct {
    const char *region, *application, *network;
} zones[] = {
    {"us-east-1",      "Z35SXDOTRQ7X7K",        "Z26RNL4JYFTOTI"       },
    {"us-east-2",      "Z3AADJGX6KTTL2",        "ZLMOA37VPKANP"        },
    {"us-west-1",      "Z368ELLRRE2KJ0",        "Z24FKFUX50B4VW"       },
    {"us-west-2",      "Z1H1FL5HABSF5",         "Z18D5FSROUN65G"       },
    {"ap-northeast-1", "Z14GRHDCWA56QT",        "Z31USIVHYNEOWT"       },
    {"ap-northeast-2", "ZWKZPGTI48KDX",         "ZIBE1TIR4HY56"        },
    {"ap-northeast-3", "Z5LXEXXYW11ES",         "Z1GWIQ4HH19I5X"       },
    {"ap-south-1",     "ZP97RAFLXTNZK",         "ZVDDRBQ08TROA"        },
    {"ap-south-2",     "Z0173938T07WNTVAEPZN",  "Z0711778386UTO08407HT"},
    {"ap-southeast-1", "Z1LMS91P8CMLE5",        "ZKVM4W9LS7TM"         },
    {"ap-southeast-2", "Z1GM3OXH4ZPM65",        "ZCT6FZBF4DROD"        },
    {"ap-southeast-3", "Z08888821HLRG5A9ZRTER", "Z01971771FYVNCOVWJU1G"},
    {"ap-east-1",      "Z3DQVH9N71FHZ0",        "Z12Y7K3UBGUAD1"       },
    {"us-gov-west-1",  "Z33AYJ8TM3BH4J",        "ZMG1MZ2THAWF1"        },
    {"us-gov-east-1",  "Z166TLBEWOO7G0",        "Z1ZSMQQ6Q24QQ8"       },
    {"cn-north-1",     "Z1GDH35T77C1KE",        "Z3QFB96KMJ7ED6"       },
    {"cn-northwest-1", "ZM7IZAIOVVDZF",         "ZQEIKTCZ8352D"        },
    {"eu-west-1",      "Z32O12XQLNTSW2",        "Z2IFOLAFXWLO4F"       },
    {"eu-west-2",      "ZHURV8PSTC4K8",         "ZD4D7Y8KGAS4G"        },
    {"eu-west-3",      "Z3Q77PNBQS71R4",        "Z1CMS0P5QUZ6D5"       },
    {"eu-central-1",   "Z215JYRZR1TBD5",        "Z3F0SRJ5LGBH90"       },
    {"eu-central-2",   "Z06391101F2ZOEP8P5EB3", "Z02239872DOALSIDCX66S"},
    {"eu-north-1",     "Z23TAZ6LKFMNIO",        "Z1UDT6IFJ4EJM"        },
    {"eu-south-1",     "Z3ULH7SSC9OV64",        "Z23146JA1KNAFP"       },
    {"eu-south-2",     "Z0956581394HF5D5LXGAP", "Z1011216NVTVYADP1SSV" },
    {"me-south-1",     "ZS929ML54UICD",         "Z3QSRYVP46NYYV"       },
    {"me-central-1",   "Z08230872XQRWHG2XF6I",  "Z00282643NTTLPANJJG2P"},
    {"sa-east-1",      "Z2P70J7HTTTPLU",        "ZTK26PT1VY4CU"        },
    {"ca-central-1",   "ZQSVJUPU6J1EY",         "Z2EPGBW3API2WT"       },
    {"af-south-1",     "Z268VQBMOI5EKX",        "Z203XCE67M25HM"       },
};

struct str elb_hosted_zone(struct str region, struct str type)
{
    for (size_t i = 0; i < ARRAY_LEN(zones); i++)
        if (str_is(region, zones[i].region))
            return str_c(str_is(type, "network") ? zones[i].network : zones[i].application);
    return S("Z35SXDOTRQ7X7K"); /* a region that is newer than the table */
}

/* --- finding -------------------------------------------------------------------------------- */

int elb_need_balancer(struct call *c, struct str arn, struct load_balancer **ret)
{
    int r = elb_check_arn(c, arn, ELB_BALANCER);

    *ret = NULL;
    if (r == 0)
        r = load_balancer_find(c->store, c->arena, arn, ret);
    if (r == 0 && *ret == NULL)
        r = elb_refuse(c, &elbv2_load_balancer_not_found_exception,
                       "Load balancer '%.*s' not found", STR_ARG(arn));
    return r;
}

int elb_need_group(struct call *c, struct str arn, struct target_group **ret)
{
    int r = elb_check_arn(c, arn, ELB_GROUP);

    *ret = NULL;
    if (r == 0)
        r = target_group_find(c->store, c->arena, arn, ret);
    if (r == 0 && *ret == NULL)
        r = elb_refuse(c, &elbv2_target_group_not_found_exception, "Target group '%.*s' not found",
                       STR_ARG(arn));
    return r;
}

int elb_need_listener(struct call *c, struct str arn, struct listener **ret)
{
    int r = elb_check_arn(c, arn, ELB_LISTENER);

    *ret = NULL;
    if (r == 0)
        r = listener_find(c->store, c->arena, arn, ret);
    if (r == 0 && *ret == NULL)
        r = elb_refuse(c, &elbv2_listener_not_found_exception, "One or more listeners not found");
    return r;
}

int elb_need_rule(struct call *c, struct str arn, struct listener_rule **ret)
{
    int r = elb_check_arn(c, arn, ELB_RULE);

    *ret = NULL;
    if (r == 0)
        r = listener_rule_find(c->store, c->arena, arn, ret);
    if (r == 0 && *ret == NULL)
        r = elb_refuse(c, &elbv2_rule_not_found_exception, "One or more rules not found");
    return r;
}

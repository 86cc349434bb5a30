/* IAM policies: what is malformed, what matches, and who wins. */
#include "auth/policy.h"

#include "base/buf.h"
#include "test.h"

static const struct {
    const char *label;
    enum policy_kind kind;
    struct str document, complaint;
} malformed[] = {
    {"a bare file name is no JSON",        POLICY_IDENTITY, STR_INIT("policy.json"),
     STR_INIT("Syntax errors in policy.")                                                  },
    {"keys mind their case",               POLICY_IDENTITY, STR_INIT("{\"statement\":[]}"),
     STR_INIT("Syntax errors in policy.")                                                  },
    {"no empty list of statements",        POLICY_IDENTITY, STR_INIT("{\"Statement\":[]}"),
     STR_INIT("Syntax errors in policy.")                                                  },
    {"no other effect",                    POLICY_IDENTITY,
     STR_INIT("{\"Statement\":{\"Effect\":\"allow\",\"Action\":\"a:b\",\"Resource\":\"*\"}}"),
     STR_INIT("Syntax errors in policy.")                                                  },
    {"a key once",                         POLICY_IDENTITY,
     STR_INIT("{\"Statement\":{\"Effect\":\"Allow\",\"Effect\":\"Deny\",\"Action\":\"a:b\","
              "\"Resource\":\"*\"}}"),
     STR_INIT("Syntax errors in policy.")                                                  },
    {"actions are needed",                 POLICY_IDENTITY,
     STR_INIT("{\"Statement\":{\"Effect\":\"Allow\",\"Resource\":\"*\"}}"),
     STR_INIT("Policy statement must contain actions.")                                    },
    {"resources are needed",               POLICY_IDENTITY,
     STR_INIT("{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"a:b\"}}"),
     STR_INIT("Policy statement must contain resources.")                                  },
    {"actions have a vendor",              POLICY_IDENTITY,
     STR_INIT("{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"b\",\"Resource\":\"*\"}}"),
     STR_INIT("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")},
    {"and one colon",                      POLICY_IDENTITY,
     STR_INIT("{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"a:b:c\",\"Resource\":\"*\"}}"),
     STR_INIT("Actions/Condition can contain only one colon.")                             },
    {"resources are ARNs",                 POLICY_IDENTITY,
     STR_INIT("{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"a:b\",\"Resource\":\"x\"}}"),
     STR_INIT("Resource x must be in ARN format or \"*\".")                                },
    {"no principal in an identity policy", POLICY_IDENTITY,
     STR_INIT("{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"a:b\",\"Resource\":\"*\","
              "\"Principal\":\"*\"}}"),
     STR_INIT("Policy document should not specify a principal.")                           },
    {"no unknown operator",                POLICY_IDENTITY,
     STR_INIT("{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"a:b\",\"Resource\":\"*\","
              "\"Condition\":{\"StringIs\":{\"a\":\"b\"}}}}"),
     STR_INIT("Syntax errors in policy.")                                                  },
    {"Sids differ",                        POLICY_IDENTITY,
     STR_INIT(
         "{\"Statement\":[{\"Sid\":\"1\",\"Effect\":\"Allow\",\"Action\":\"a:b\",\"Resource\":\"*"
         "\"},{\"Sid\":\"1\",\"Effect\":\"Allow\",\"Action\":\"a:b\",\"Resource\":\"*\"}]}"),
     STR_INIT("Statement IDs (SID) in a single policy must be unique.")                    },
    {"trust names no resource",            POLICY_TRUST,
     STR_INIT("{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\",\"Principal\":\"*"
              "\",\"Resource\":\"*\"}}"),
     STR_INIT("Has prohibited field Resource")                                             },
    {"trust names a principal",            POLICY_TRUST,
     STR_INIT("{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\"}}"),
     STR_INIT("Missing required field Principal")                                          },
    {"trust is about STS",                 POLICY_TRUST,
     STR_INIT("{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"s3:Get\",\"Principal\":\"*\"}}"),
     STR_INIT("AssumeRole policy may only specify STS AssumeRole actions.")                },
};

TEST(malformed_documents_are_refused_in_aws_words)
{
    CASE_EACH(c, malformed) {
        struct policy *p = NULL;
        struct arena a = {0};
        struct str why = {0};

        CHECK(c->label, !policy_parse(&a, c->document, c->kind, &p, &why) && p == NULL);
        CHECK_STR(c->label, why, c->complaint);
        arena_free(&a);
    }
}

/* The context that the cases are judged in. */
static const struct str team[] = {STR_INIT("blue")}, keys[] = {STR_INIT("team"), STR_INIT("env")},
                        address[] = {STR_INIT("10.1.2.3")}, name[] = {STR_INIT("ann")},
                        when[] = {STR_INIT("2026-11-24T00:00:00Z")}, ttl[] = {STR_INIT("30")};
static const struct context_key context_keys[] = {
    {STR_INIT("aws:RequestTag/Team"), team,    1},
    {STR_INIT("aws:TagKeys"),         keys,    2},
    {STR_INIT("aws:SourceIp"),        address, 1},
    {STR_INIT("aws:username"),        name,    1},
    {STR_INIT("aws:CurrentTime"),     when,    1},
    {STR_INIT("x:ttl"),               ttl,     1},
};

static const struct {
    const char *label, *rest; /* of one Allow statement's JSON, behind its effect */
    struct str action, resource;
    bool allowed;
} statements[] = {
    {"actions ignore case",               "\"Action\":\"EC2:describe*\",\"Resource\":\"*\"",
     STR_INIT("ec2:DescribeVpcs"),                                                                                       STR_INIT("*"), true },
    {"? is one character",                "\"Action\":\"ec2:Describe?\",\"Resource\":\"*\"",
     STR_INIT("ec2:DescribeVpcs"),                                                                                       STR_INIT("*"), false},
    {"NotAction is everything else",      "\"NotAction\":\"iam:*\",\"Resource\":\"*\"",
     STR_INIT("ec2:DescribeVpcs"),                                                                                       STR_INIT("*"), true },
    {"resources mind case",               "\"Action\":\"*\",\"Resource\":\"arn:aws:s3:::B\"",        STR_INIT("s3:Get"),
     STR_INIT("arn:aws:s3:::b"),                                                                                                        false},
    {"a * spans segments",                "\"Action\":\"*\",\"Resource\":\"arn:aws:*/x\"",           STR_INIT("s3:Get"),
     STR_INIT("arn:aws:s3:::b/c/x"),                                                                                                    true },
    {"a given ARN does not allow *",      "\"Action\":\"*\",\"Resource\":\"arn:aws:s3:::b\"",
     STR_INIT("s3:List"),                                                                                                STR_INIT("*"), false},
    {"variables are replaced",
     "\"Action\":\"*\",\"Resource\":\"arn:aws:s3:::home/${aws:username}\"",                          STR_INIT("s3:Get"),
     STR_INIT("arn:aws:s3:::home/ann"),                                                                                                 true },
    {"defaults stand in",
     "\"Action\":\"*\",\"Resource\":\"arn:aws:s3:::home/${aws:nobody, 'all'}\"",                     STR_INIT("s3:Get"),
     STR_INIT("arn:aws:s3:::home/all"),                                                                                                 true },
    {"an unknown variable never matches",
     "\"Action\":\"*\",\"Resource\":\"arn:aws:s3:::home/${aws:nobody}*\"",                           STR_INIT("s3:Get"),
     STR_INIT("arn:aws:s3:::home/all"),                                                                                                 false},
    {"condition keys ignore case",
     "\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"AWS:requesttag/"
     "team\":\"blue\"}}",                                                                            STR_INIT("a:b"),    STR_INIT("*"), true },
    {"condition values do not",
     "\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"aws:RequestTag/"
     "Team\":\"Blue\"}}",                                                                            STR_INIT("a:b"),    STR_INIT("*"), false},
    {"values are ORed",
     "\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"aws:RequestTag/"
     "Team\":[\"red\",\"blue\"]}}",                                                                  STR_INIT("a:b"),    STR_INIT("*"), true },
    {"negated values are NORed",
     "\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringNotEquals\":{\"aws:RequestTag/"
     "Team\":[\"red\",\"blue\"]}}",                                                                  STR_INIT("a:b"),    STR_INIT("*"), false},
    {"a missing key fails",
     "\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringLike\":{\"aws:nobody\":\"*\"}}",    STR_INIT("a:b"),    STR_INIT("*"), false},
    {"a missing key passes when negated",
     "\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringNotLike\":{\"aws:nobody\":\"*\"}}", STR_INIT("a:b"),    STR_INIT("*"), true },
    {"IfExists passes a missing key",
     "\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringEqualsIfExists\":{\"aws:nobody\":"
     "\"x\"}}",                                                                                      STR_INIT("a:b"),    STR_INIT("*"), true },
    {"Null true asks for absence",
     "\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"Null\":{\"aws:RequestTag/"
     "Team\":\"true\"}}",                                                                            STR_INIT("a:b"),    STR_INIT("*"), false},
    {"Null false asks for presence",
     "\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"Null\":{\"aws:RequestTag/"
     "Team\":\"false\"}}",                                                                           STR_INIT("a:b"),    STR_INIT("*"), true },
    {"ForAllValues needs all",
     "\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"ForAllValues:StringEquals\":{\"aws:"
     "TagKeys\":[\"team\"]}}",                                                                       STR_INIT("a:b"),    STR_INIT("*"), false},
    {"ForAnyValue needs one",
     "\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"ForAnyValue:StringEquals\":{\"aws:"
     "TagKeys\":[\"team\"]}}",                                                                       STR_INIT("a:b"),    STR_INIT("*"), true },
    {"ForAllValues passes a missing key",
     "\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"ForAllValues:StringEquals\":{\"aws:"
     "nobody\":\"x\"}}",                                                                             STR_INIT("a:b"),    STR_INIT("*"), true },
    {"addresses by prefix",
     "\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0."
     "0/12\"}}",                                                                                     STR_INIT("a:b"),    STR_INIT("*"), true },
    {"numbers by value",
     "\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"NumericLessThan\":{\"x:ttl\":100}}",      STR_INIT("a:b"),    STR_INIT("*"), true },
    {"dates by time",
     "\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"DateGreaterThan\":{\"aws:CurrentTime\":"
     "\"2026-11-23T23:59:59Z\"}}",                                                                   STR_INIT("a:b"),    STR_INIT("*"), true },
    {"all operators hold",
     "\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringLike\":{\"aws:username\":\"a*\"},"
     "\"NumericEquals\":{\"x:ttl\":\"31\"}}",                                                        STR_INIT("a:b"),    STR_INIT("*"), false},
};

static struct policy *parsed(struct arena *a, const char *effect, const char *rest)
{
    struct str why = {0};
    struct policy *p = NULL;

    CHECK("the document is well-formed",
          policy_parse(
              a,
              arena_printf(a, "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"%s\",%s}}",
                           effect, rest),
              POLICY_IDENTITY, &p, &why));
    return p;
}

TEST(statements_match_as_documented)
{
    CASE_EACH(c, statements) {
        struct arena a = {0};
        CLEANUP(policy_freep) struct policy *p = parsed(&a, "Allow", c->rest);
        struct policy_request r = {
            .action = c->action,
            .resource = c->resource,
            .context = {context_keys, ARRAY_LEN(context_keys)}
        };

        CHECK(c->label, (policy_evaluate(p, &r) == POLICY_ALLOWS) == c->allowed);
        arena_free(&a);
    }
}

TEST(a_deny_wins_and_the_reason_is_worded)
{
    struct arena a = {0};
    CLEANUP(policy_freep)
    struct policy *allow = parsed(&a, "Allow", "\"Action\":\"a:*\",\"Resource\":\"*\"");
    CLEANUP(policy_freep)
    struct policy *deny = parsed(&a, "Deny", "\"Action\":\"a:b\",\"Resource\":\"*\"");
    struct policy *both[] = {allow, deny};
    struct policy_set set = {.identity = both, .identity_count = 2};
    struct policy_request r = {.action = S("a:b"), .resource = S("*")};
    struct str reason;

    CHECK("denied", !policy_allows(&a, &set, &r, &reason));
    CHECK_STR("explicitly", reason, S(" with an explicit deny in an identity-based policy"));
    r.action = S("c:d");
    CHECK("nothing allows", !policy_allows(&a, &set, &r, &reason));
    CHECK_STR("implicitly", reason, S(" because no identity-based policy allows the c:d action"));
    r.action = S("a:c");
    CHECK("allowed", policy_allows(&a, &set, &r, &reason));
    set.boundary = deny;
    CHECK("a boundary must allow too", !policy_allows(&a, &set, &r, &reason));
    CHECK_STR("and says so", reason, S(" because no permissions boundary allows the a:c action"));
    arena_free(&a);
}

static const struct {
    const char *label;
    struct str principal; /* JSON */
    bool trusted;
} trusts[] = {
    {"the provider's ARN",
     STR_INIT("{\"Federated\":\"arn:aws:iam::123456789012:oidc-provider/x\"}"),                               true },
    {"another provider",           STR_INIT("{\"Federated\":\"arn:aws:iam::123456789012:oidc-provider/y\"}"),
     false                                                                                                         },
    {"a service is somebody else", STR_INIT("{\"Service\":\"ec2.amazonaws.com\"}"),                           false},
    {"everybody",                  STR_INIT("\"*\""),                                                         true },
};

TEST(trust_policies_name_who_may_assume)
{
    CASE_EACH(c, trusts) {
        struct arena a = {0};
        struct policy_principal who = {.federated = S("arn:aws:iam::123456789012:oidc-provider/x")};
        struct policy_request r = {
            .action = S("sts:AssumeRoleWithWebIdentity"), .resource = S("*"), .principal = &who};
        CLEANUP(policy_freep) struct policy *p = NULL;
        struct str why = {0};

        CHECK(c->label,
              policy_parse(&a,
                           arena_printf(&a,
                                        "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"sts:"
                                        "AssumeRoleWithWebIdentity\",\"Principal\":%.*s}]}",
                                        STR_ARG(c->principal)),
                           POLICY_TRUST, &p, &why));
        CHECK(c->label, (policy_evaluate(p, &r) == POLICY_ALLOWS) == c->trusted);
        arena_free(&a);
    }
}

static const struct {
    const char *label;
    struct str principal; /* of the trust */
    bool whole, named;    /* asked with the caller's account, and without */
} names[] = {
    {"the account",     STR_INIT("{\"AWS\":\"123456789012\"}"),                       true,  false},
    {"its root",        STR_INIT("{\"AWS\":\"arn:aws:iam::123456789012:root\"}"),     true,  false},
    {"everybody",       STR_INIT("\"*\""),                                            true,  false},
    {"everybody, long", STR_INIT("{\"AWS\":\"*\"}"),                                  true,  false},
    {"the caller",      STR_INIT("{\"AWS\":\"arn:aws:iam::123456789012:user/me\"}"),  true,  true },
    {"somebody else",   STR_INIT("{\"AWS\":\"arn:aws:iam::123456789012:user/you\"}"), false, false},
    {"another account", STR_INIT("{\"AWS\":\"210987654321\"}"),                       false, false},
};

TEST(a_caller_is_named_itself_or_by_its_account)
{
    CASE_EACH(c, names) {
        struct policy_principal whole = {.arn = S("arn:aws:iam::123456789012:user/me"),
                                         .account = S("123456789012")},
                                named = {.arn = whole.arn};
        struct policy_request r = {.action = S("sts:AssumeRole"), .resource = S("*")};
        struct policy *p = NULL;
        struct arena a = {0};
        struct str why,
            document =
                arena_printf(&a,
                             "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\","
                             "\"Principal\":%.*s}}",
                             STR_ARG(c->principal));

        CHECK(c->label, policy_parse(&a, document, POLICY_TRUST, &p, &why));
        r.principal = &whole;
        CHECK(c->label, (policy_evaluate(p, &r) == POLICY_ALLOWS) == c->whole);
        r.principal = &named;
        CHECK(c->label, (policy_evaluate(p, &r) == POLICY_ALLOWS) == c->named);
        policy_free(p);
        arena_free(&a);
    }
}

static void collect(void *data, struct str key)
{
    buf_printf(data, "%.*s ", STR_ARG(key));
}

TEST(a_policy_tells_what_it_asks_for_and_which_statements_match)
{
    static const char document[] =
        "{\"Version\":\"2012-10-17\",\"Statement\":["
        "{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"arn:x:${aws:username}/${*}\"},"
        "{\"Effect\":\"Deny\",\"Action\":\"s3:Put\",\"Resource\":\"*\","
        "\"Condition\":{\"Null\":{\"aws:a\":\"true\"}}},"
        "{\"Effect\":\"Allow\",\"Action\":\"s3:Get\",\"Resource\":\"*\"}]}";
    CLEANUP(buf_free) struct buf asked = buf_init(1024);
    struct policy_request r = {.action = S("s3:Put"), .resource = S("arn:y")};
    struct policy_match matches[4];
    struct policy *p = NULL;
    struct arena a = {0};
    struct str why;

    CHECK("it is good", policy_parse(&a, str_c(document), POLICY_IDENTITY, &p, &why));
    policy_context_keys(p, collect, &asked);
    CHECK_STR("conditions and variables", buf_str(&asked), S("aws:username aws:a "));
    CHECK("the deny matches",
          policy_matches(p, &r, matches, 4) == 1 && matches[0].denies && matches[0].statement == 1);
    r.action = S("s3:Get");
    CHECK("so does the last", policy_matches(p, &r, matches, 4) == 1 && !matches[0].denies &&
                                  matches[0].statement == 2);
    CHECK("no more than there is room for", policy_matches(p, &r, matches, 0) == 0);
    policy_free(p);
    arena_free(&a);
}

TEST_MAIN(T(malformed_documents_are_refused_in_aws_words), T(statements_match_as_documented),
          T(a_deny_wins_and_the_reason_is_worded), T(trust_policies_name_who_may_assume),
          T(a_caller_is_named_itself_or_by_its_account),
          T(a_policy_tells_what_it_asks_for_and_which_statements_match))

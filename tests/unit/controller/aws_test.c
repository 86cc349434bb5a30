/* Signing, addresses, answers. Source: AWS General Reference, "Signature Version 4"; aws-sdk-go
 * 1.23. */
#include "aws_client.h"
#include "aws_sign.h"
#include "settings.h"
#include "test.h"

TEST(signing)
{
    struct arena a = {0};
    struct http_headers headers = aws_sign(
        &a, &(struct aws_signing){
                .keys = {S("AKIDEXAMPLE"), S("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), {0}},
                .service = S("service"),
                .region = S("us-east-1"),
                .host = S("example.amazonaws.com"),
                .content_type = S("application/x-www-form-urlencoded"),
                .body = S("Param1=value1"),
                .now_ms = 1440938160000,
    });

    CHECK_STR("the published vector post-x-www-form-urlencoded",
              http_header_get(headers, S("Authorization")),
              S("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                "SignedHeaders=content-type;host;x-amz-date, "
                "Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"));
    CHECK_STR("its date", http_header_get(headers, S("x-amz-date")), S("20150830T123600Z"));
    CHECK("no token without one", !http_header_has(headers, S("x-amz-security-token")));
    arena_free(&a);
}

static const struct {
    const char *label;
    enum aws_service service;
    struct str region, endpoint, want;
} endpoints[] = {
    {"regional",                   AWS_EC2, S("us-west-2"),  S(""),                    S("https://ec2.us-west-2.amazonaws.com")    },
    {"a region that nobody knows", AWS_ELB, S("xx-1"),       S(""),
     S("https://elasticloadbalancing.xx-1.amazonaws.com")                                                                          },
    {"IAM is everywhere the same", AWS_IAM, S("us-west-2"),  S(""),                    S("https://iam.amazonaws.com")              },
    {"so is STS",                  AWS_STS, S("us-west-2"),  S(""),                    S("https://sts.amazonaws.com")              },
    {"but for some regions",       AWS_STS, S("me-south-1"), S(""),
     S("https://sts.me-south-1.amazonaws.com")                                                                                     },
    {"China",                      AWS_EC2, S("cn-north-1"), S(""),                    S("https://ec2.cn-north-1.amazonaws.com.cn")},
    {"an endpoint for all",        AWS_WAF, S("us-west-2"),  S("http://127.0.0.1:1/"),
     S("http://127.0.0.1:1")                                                                                                       },
};

TEST(addresses)
{
    struct arena a = {0};

    CASE_EACH(c, endpoints)
        CHECK_STR(c->label, aws_endpoint(&a, c->service, c->region, c->endpoint), c->want);
    CHECK("WAF where the SDK knew it", aws_has_service(AWS_WAF, S("us-west-2")));
    CHECK("and not elsewhere", !aws_has_service(AWS_WAF, S("af-south-1")));
    CHECK("the others are taken to be everywhere", aws_has_service(AWS_EC2, S("af-south-1")));
    arena_free(&a);
}

TEST(answers)
{
    static const char text[] =
        "<?xml version=\"1.0\"?><R xmlns=\"http://x/\"><Result><Tags><member><Key>a</Key>"
        "<Value/></member><member><Key>b</Key></member></Tags><Port>80</Port></Result></R>";
    struct arena a = {0};
    struct xml_node *root = NULL;
    size_t n = 0;

    CHECK("it is XML", xml_parse(&a, str_c(text), &root));
    CHECK("a number", xml_int_at(root, "Result.Port", -1) == 80);
    CHECK("a number that is not there", xml_int_at(root, "Result.Other", -1) == -1);
    CHECK("an empty text", xml_text_at(root, "Result.Tags.member.Value").at != NULL);
    CHECK("is not an absent one", xml_text_at(root, "Result.Tags.member.Other").at == NULL);
    XML_EACH(member, xml_at(root, "Result.Tags"), "member")
    n++;
    CHECK("both members", n == 2);
    CHECK("half a document is none", !xml_parse(&a, S("<a><b></a>"), &root));
    arena_free(&a);
}

static const struct {
    const char *label;
    struct str text;
    bool ok;
    int64_t ms;
} durations[] = {
    {"minutes",         S("60m"),   true,  3600000},
    {"parts add up",    S("1h30m"), true,  5400000},
    {"milliseconds",    S("500ms"), true,  500    },
    {"nothing",         S("0"),     true,  0      },
    {"no unit",         S("5"),     false, 0      },
    {"an unknown unit", S("5d"),    false, 0      },
    {"no number",       S("m"),     false, 0      },
};

TEST(duration)
{
    CASE_EACH(c, durations) {
        int64_t ms = 0;

        CHECK(c->label, settings_parse_duration(c->text, &ms) == c->ok && ms == c->ms);
    }
}

static const struct {
    const char *label;
    const char *arguments[4];
    const char *variable;
    struct str error;
    bool usage;
} flags[] = {
    {"a cluster's name is all it needs", {"--cluster-name=demo"},    NULL,                S(""),                                                                                       false},
    {"in two words",                     {"--cluster-name", "demo"}, NULL,                S(""),                                                                                       false},
    {"no cluster",                       {NULL},                     NULL,                S("clusterName must be specified"),                                                          false},
    {"by its old variable",              {NULL},                     "CLUSTER_NAME=demo", S(""),                                                                                       false},
    {"too long a prefix",
     {"--cluster-name=demo", "--alb-name-prefix=1234567890123"},
     NULL,                                                                                S("ALBNamePrefix must be 12 characters or less"),
     false                                                                                                                                                                                  },
    {"an unknown feature",
     {"--feature-gates=shield=true"},
     NULL,                                                                                S("invalid argument \"shield=true\" for \"--feature-gates\" flag: unknown feature: shield"),
     true                                                                                                                                                                                   },
    {"no value",                         {"--cluster-name"},         NULL,                S("flag needs an argument: --cluster-name"),                                                 true },
    {"a variable that is no number",
     {"--cluster-name=demo"},
     "AWS_MAX_RETRIES=many",                                                              S("AWS_MAX_RETRIES environment variable must be an integer. Value was: many"),
     false                                                                                                                                                                                  },
};

TEST(command_line)
{
    struct arena a = {0};

    CASE_EACH(c, flags) {
        char *argv[6] = {arena_cstr(&a, S("alb-ingress-controller"))};
        char *environment[] = {NULL, NULL};
        struct settings s;
        struct str error;
        int argc = 1;
        bool usage, ok;

        for (size_t i = 0; i < 4 && c->arguments[i] != NULL; i++)
            argv[argc++] = arena_cstr(&a, str_c(c->arguments[i]));
        if (c->variable != NULL)
            environment[0] = arena_cstr(&a, str_c(c->variable));
        ok = settings_read(&a, argc, argv, environment, &s, &error, &usage);
        CHECK(c->label, ok == (c->error.n == 0) && usage == c->usage);
        CHECK_STR(c->label, error, c->error);
        if (ok)
            CHECK_STR("the prefix is the cluster's", s.name_prefix, S("d642dfa0"));
    }
    arena_free(&a);
}

TEST_MAIN(T(signing), T(addresses), T(answers), T(duration), T(command_line))

/* Signatures made by botocore are found valid, and nothing else is. */
#include "auth/sigv4.h"

#include "base/macros.h"

#include "test.h"

#define SECRET         S("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
#define SCOPE(service) "Credential=AKIDEXAMPLE/20261124/ap-northeast-1/" service "/aws4_request"

static const struct http_header form[] = {
    {STR_INIT("content-type"),  STR_INIT("application/x-www-form-urlencoded; charset=utf-8") },
    {STR_INIT("Host"),          STR_INIT("127.0.0.1:4566")                                   },
    {STR_INIT("X-Amz-Date"),    STR_INIT("20261124T131100Z")                                 },
    {STR_INIT("Authorization"),
     STR_INIT("AWS4-HMAC-SHA256 " SCOPE(
         "sts") ", SignedHeaders=content-type;host;x-amz-date, "
                "Signature=9ea928cdee7abb8092cf43afc8d68d7277b0d6afce5e85e4ece2c8f1bd32b07b")},
};
static const struct http_header rest[] = {
    {STR_INIT("host"),                 STR_INIT("eks.ap-northeast-1.amazonaws.com")          },
    {STR_INIT("x-spaces"),             STR_INIT("  a   b ")                                  },
    {STR_INIT("X-Amz-Date"),           STR_INIT("20261124T131100Z")                          },
    {STR_INIT("X-Amz-Security-Token"), STR_INIT("TOKEN")                                     },
    {STR_INIT("Authorization"),
     STR_INIT("AWS4-HMAC-SHA256 " SCOPE(
         "eks") ", SignedHeaders=host;x-amz-date;x-amz-security-token;x-spaces, "
                "Signature=8ac7c88823cff6dba4f0df6df8e59150d54f77f1757d8e959e22f2c29bdce494")},
};
static const struct http_header token[] = {
    {STR_INIT("host"),         STR_INIT("sts.ap-northeast-1.amazonaws.com")},
    {STR_INIT("x-k8s-aws-id"), STR_INIT("sample")                          },
};

#define PRESIGNED                                                                            \
    "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256"           \
    "&X-Amz-Credential=AKIDEXAMPLE%2F20261124%2Fap-northeast-1%2Fsts%2Faws4_request"         \
    "&X-Amz-Date=20261124T131100Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id" \
    "&X-Amz-Signature=28041bafbd6c6de6b83e918c25fc8db22113501e1af096163f519a7a7acfa61b"

/* 2026-11-24T13:11:00Z */
#define SIGNED_AT INT64_C(1795525860000)

static const struct {
    const char *label;
    struct sigv4_request request;
    int64_t late_ms;
    enum sigv4_verdict verdict;
} cases[] = {
    {"a form",
     {STR_INIT("POST"),
      STR_INIT("/"),
      {0},
      {form, 4},
      STR_INIT("Action=GetCallerIdentity&Version=2011-06-15")},
     0,       SIGV4_VALID   },
    {"another body",
     {STR_INIT("POST"),
      STR_INIT("/"),
      {0},
      {form, 4},
      STR_INIT("Action=GetCallerIdentity&Version=2011-06-16")},
     0,       SIGV4_MISMATCH},
    {"another method",
     {STR_INIT("GET"),
      STR_INIT("/"),
      {0},
      {form, 4},
      STR_INIT("Action=GetCallerIdentity&Version=2011-06-15")},
     0,       SIGV4_MISMATCH},
    {"five minutes are allowed",
     {STR_INIT("POST"),
      STR_INIT("/"),
      {0},
      {form, 4},
      STR_INIT("Action=GetCallerIdentity&Version=2011-06-15")},
     300000,  SIGV4_VALID   },
    {"more are not",
     {STR_INIT("POST"),
      STR_INIT("/"),
      {0},
      {form, 4},
      STR_INIT("Action=GetCallerIdentity&Version=2011-06-15")},
     300001,  SIGV4_EXPIRED },
    {"nor from the future",
     {STR_INIT("POST"),
      STR_INIT("/"),
      {0},
      {form, 4},
      STR_INIT("Action=GetCallerIdentity&Version=2011-06-15")},
     -300001,
     SIGV4_EXPIRED          },
    {"paths are encoded twice, the query is sorted, spaces fold",
     {STR_INIT("GET"),
      STR_INIT("/clusters/a%20b/node-groups"),
      STR_INIT("nextToken=x%2By&maxResults=5&flag"),
      {rest, 5},
      {0}},
     0,       SIGV4_VALID   },
    {"another path",
     {STR_INIT("GET"),
      STR_INIT("/clusters/a%20c/node-groups"),
      STR_INIT("nextToken=x%2By&maxResults=5&flag"),
      {rest, 5},
      {0}},
     0,       SIGV4_MISMATCH},
    {"a presigned URL",
     {STR_INIT("GET"), STR_INIT("/"), STR_INIT(PRESIGNED), {token, 2}, {0}},
     899000,  SIGV4_VALID   },
    {"until it expires",
     {STR_INIT("GET"), STR_INIT("/"), STR_INIT(PRESIGNED), {token, 2}, {0}},
     900001,  SIGV4_EXPIRED },
    {"for one cluster",
     {STR_INIT("GET"), STR_INIT("/"), STR_INIT(PRESIGNED), {token, 1}, {0}},
     0,       SIGV4_MISMATCH},
};

TEST(signatures)
{
    CASE_EACH(c, cases) {
        struct arena a = {0};
        struct sigv4 s = {0};

        CHECK(c->label, sigv4_read(&a, &c->request, &s) == SIGV4_FOUND);
        CHECK_STR(c->label, s.access_key, S("AKIDEXAMPLE"));
        CHECK(c->label, sigv4_verify(&c->request, &s, SECRET, SIGNED_AT + c->late_ms,
                                     HTTP_NO_HEADERS) == c->verdict);
        arena_free(&a);
    }
}

static const struct {
    const char *label;
    struct str authorization;
    enum sigv4_found found;
} headers[] = {
    {"none",                STR_INIT(""),                                                            SIGV4_NONE},
    {"another scheme",      STR_INIT("Bearer x"),                                                    SIGV4_NONE},
    {"no signature",
     STR_INIT("AWS4-HMAC-SHA256 Credential=A/20261124/r/s/aws4_request, SignedHeaders=host"),
     SIGV4_BROKEN                                                                                              },
    {"a short scope",
     STR_INIT("AWS4-HMAC-SHA256 Credential=A/20261124/r, SignedHeaders=host, Signature=x"),
     SIGV4_BROKEN                                                                                              },
    {"no key",
     STR_INIT(
         "AWS4-HMAC-SHA256 Credential=/20261124/r/s/aws4_request, SignedHeaders=host, Signature=x"),
     SIGV4_BROKEN                                                                                              },
    {"spaces are optional",
     STR_INIT(
         "AWS4-HMAC-SHA256 Credential=A/20261124/r/s/aws4_request,SignedHeaders=host,Signature=x"),
     SIGV4_FOUND                                                                                               },
};

TEST(authorization_headers)
{
    CASE_EACH(c, headers) {
        struct http_header header = {S("Authorization"), c->authorization};
        struct sigv4_request r = {
            .method = S("GET"), .path = S("/"), .headers = {&header, 1}
        };
        struct arena a = {0};
        struct sigv4 s;

        CHECK(c->label, sigv4_read(&a, &r, &s) == c->found);
        arena_free(&a);
    }
}

TEST_MAIN(T(signatures), T(authorization_headers))

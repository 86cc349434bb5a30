/* Source: Amazon VPC User Guide, "Control traffic to your AWS resources using security groups". */
#include "test.h"

#include "dataplane/verdict.h"

static const struct sg_permission web[] = {
    {VERDICT_TCP, 80,  80,  false, {0, 0},                   {0}              },
    {VERDICT_TCP, 443, 444, false, {0x0a000000, 0xff000000}, {0}              },
    {VERDICT_ANY, 0,   0,   true,  {0, 0},                   STR_INIT("sg-lb")},
};

static const struct str members[] = {STR_INIT("sg-other"), STR_INIT("sg-lb")};

static const struct {
    const char *label;
    uint16_t port;
    uint32_t address;
    size_t groups;
    bool want;
} cases[] = {
    {"an open port is open to all",       80,    0x01020304, 0, true },
    {"another port is not",               81,    0x01020304, 0, false},
    {"a block holds its addresses",       443,   0x0a020304, 0, true },
    {"and no others",                     443,   0x0b020304, 0, false},
    {"a range of ports has its end",      444,   0x0a020304, 0, true },
    {"and ends there",                    445,   0x0a020304, 0, false},
    {"a member of the group may do all",  30080, 0x01020304, 2, true },
    {"who is in another group only, not", 30080, 0x01020304, 1, false},
};

TEST(allows)
{
    CASE_EACH(c, cases) {
        struct sg_peer peer = {.address = c->address, .groups = members, .group_count = c->groups};

        CHECK(c->label, verdict_allows(web, ARRAY_LEN(web), c->port, &peer) == c->want);
    }
    CHECK("no permission, no traffic",
          !verdict_allows(NULL, 0, 80, &(struct sg_peer){.address = 0x01020304}));
}

static const struct {
    const char *label;
    struct str text;
    bool want;
    struct dp_prefix prefix;
} prefixes[] = {
    {"everything",             S("0.0.0.0/0"),   true,  {0, 0}                  },
    {"a block",                S("10.0.0.0/8"),  true,  {0x0a000000, 0xff000000}},
    {"one address",            S("1.2.3.4/32"),  true,  {0x01020304, 0xffffffff}},
    {"bits behind it go",      S("10.1.2.3/8"),  true,  {0x0a000000, 0xff000000}},
    {"too long",               S("10.0.0.0/33"), false, {0, 0}                  },
    {"no address",             S("10.0.0/8"),    false, {0, 0}                  },
    {"nothing",                S(""),            false, {0, 0}                  },
    {"IPv6 is another matter", S("::/0"),        false, {0, 0}                  },
};

TEST(prefix)
{
    CASE_EACH(c, prefixes) {
        struct dp_prefix p = {0};

        CHECK(c->label, verdict_parse_prefix(c->text, &p) == c->want);
        CHECK(c->label, p.address == c->prefix.address && p.mask == c->prefix.mask);
    }
}

TEST_MAIN(T(allows), T(prefix))

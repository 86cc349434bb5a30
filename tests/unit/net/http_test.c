/* Headers, targets, percent codes, NO_PROXY and certificates: values in, values out. */
#include "base/percent.h"
#include "net/http.h"

#include "net/ca.h"
#include "net/dns.h"
#include "net/http_proxy.h"

#include "test.h"

static const struct {
    const char *label;
    struct str text;
    bool ok;
    struct str want;
} codes[] = {
    {"plain text stays",              STR_INIT("a-b"),    true,  STR_INIT("a-b")},
    {"codes are read in either case", STR_INIT("%2f%2F"), true,  STR_INIT("//") },
    {"plus is a space in queries",    STR_INIT("a+b"),    true,  STR_INIT("a b")},
    {"a code at the end",             STR_INIT("a%41"),   true,  STR_INIT("aA") },
    {"a cut code is none",            STR_INIT("a%4"),    false, STR_INIT("")   },
    {"a lone percent is none",        STR_INIT("%"),      false, STR_INIT("")   },
    {"other digits are none",         STR_INIT("%zz"),    false, STR_INIT("")   },
};

TEST(percent_codes)
{
    CASE_EACH(c, codes) {
        struct arena a = {0};
        struct str got = {0};

        CHECK(c->label, percent_decode(&a, c->text, true, &got) == c->ok);
        CHECK_STR(c->label, got, c->want);
        arena_free(&a);
    }
}

static const struct {
    const char *label;
    struct str text;
    bool ok;
    struct str host;
    uint16_t port;
} authorities[] = {
    {"a bare host has the default port", STR_INIT("h"),          true,  STR_INIT("h"),   80  },
    {"a port is read",                   STR_INIT("h:8080"),     true,  STR_INIT("h"),   8080},
    {"brackets hold IPv6",               STR_INIT("[::1]:8080"), true,  STR_INIT("::1"), 8080},
    {"and need no port",                 STR_INIT("[::1]"),      true,  STR_INIT("::1"), 80  },
    {"bare IPv6 is ambiguous",           STR_INIT("::1"),        false, STR_INIT(""),    0   },
    {"an empty port is the default one", STR_INIT("h:"),         true,  STR_INIT("h"),   80  },
    {"0 is no port",                     STR_INIT("h:0"),        false, STR_INIT(""),    0   },
    {"65536 is no port",                 STR_INIT("h:65536"),    false, STR_INIT(""),    0   },
    {"nothing is no host",               STR_INIT(""),           false, STR_INIT(""),    0   },
    {"nor is a port alone",              STR_INIT(":80"),        false, STR_INIT(""),    0   },
};

TEST(hosts_and_ports)
{
    CASE_EACH(c, authorities) {
        struct str host = {0};
        uint16_t port = 0;

        CHECK(c->label, http_cut_authority(c->text, 80, &host, &port) == c->ok);
        CHECK_STR(c->label, host, c->host);
        CHECK(c->label, port == c->port);
    }
}

static const struct {
    const char *label;
    struct str url;
    bool ok, tls;
    struct str host;
    uint16_t port;
    struct str target;
} urls[] = {
    {"https and its port",         STR_INIT("https://h/p?q"), true,  true,  STR_INIT("h"), 443,
     STR_INIT("/p?q")                                                                                        },
    {"an empty path is /",         STR_INIT("http://h:81"),   true,  false, STR_INIT("h"), 81,  STR_INIT("/")},
    {"the fragment stays at home", STR_INIT("http://h/a#b"),  true,  false, STR_INIT("h"), 80,
     STR_INIT("/a")                                                                                          },
    {"other schemes are refused",  STR_INIT("ftp://h/"),      false, false, STR_INIT(""),  0,
     STR_INIT("")                                                                                            },
    {"so is user info",            STR_INIT("http://u:p@h/"), false, false, STR_INIT(""),  0,   STR_INIT("") },
    {"so is no host",              STR_INIT("http:///p"),     false, false, STR_INIT(""),  0,   STR_INIT("") },
};

TEST(whole_urls)
{
    CASE_EACH(c, urls) {
        struct http_url url = {0};

        CHECK(c->label, http_parse_url(c->url, &url) == c->ok);
        CHECK(c->label, url.tls == c->tls && url.port == c->port);
        CHECK_STR(c->label, url.host, c->host);
        CHECK_STR(c->label, url.target, c->target);
    }
}

static const struct {
    const char *label;
    struct str list, host;
    bool want;
} bypasses[] = {
    {"loopback always",                    STR_INIT(""),                    STR_INIT("localhost"),     true },
    {"127/8 too",                          STR_INIT(""),                    STR_INIT("127.168.0.4"),   true },
    {"others not",                         STR_INIT(""),                    STR_INIT("example.com"),   false},
    {"a star is all",                      STR_INIT("*"),                   STR_INIT("example.com"),   true },
    {"a host",                             STR_INIT("a.test, example.com"), STR_INIT("Example.com"),   true },
    {"and what is under it",               STR_INIT("example.com"),         STR_INIT("a.example.com"), true },
    {"but not what ends alike",            STR_INIT("ample.com"),           STR_INIT("example.com"),   false},
    {"a dot in front means under it only", STR_INIT(".example.com"),        STR_INIT("example.com"),
     false                                                                                                  },
    {"under it",                           STR_INIT(".example.com"),        STR_INIT("a.example.com"), true },
    {"a block of addresses",               STR_INIT("10.0.0.0/8"),          STR_INIT("10.9.8.7"),      true },
    {"not beside it",                      STR_INIT("10.0.0.0/8"),          STR_INIT("11.9.8.7"),      false},
    {"an entry with another port",         STR_INIT("example.com:80"),      STR_INIT("example.com"),   false},
    {"an entry with the port",             STR_INIT("example.com:443"),     STR_INIT("example.com"),   true },
};

TEST(no_proxy)
{
    CASE_EACH(c, bypasses)
        CHECK(c->label, http_proxy_is_bypassed(c->list, c->host, 443) == c->want);
}

TEST(a_stored_authority_is_the_same_again)
{
    struct arena a = {0};
    struct clock clock;
    struct ca *ca, *again;
    struct certificate *c, *loaded;
    struct ca_request bad = {
        .common_name = S("x"), .names = (struct str[]){S("a,IP:1.2.3.4")}, .name_count = 1};
    struct ca_request good = {
        .common_name = S("x"), .names = (struct str[]){S("a.test")}, .name_count = 1};

    clock_init(&clock);
    CHECK("made", ca_new(&clock, S("Elbow"), &ca) == 0);
    CHECK("read", ca_load(ca_key_pem(ca, &a), ca_certificate_pem(ca, &a), &again) == 0);
    CHECK_STR("the same certificate", ca_thumbprint(again, &a), ca_thumbprint(ca, &a));
    CHECK("a thumbprint has 40 digits", ca_thumbprint(ca, &a).n == 40);
    CHECK("a name cannot smuggle in another", ca_issue(ca, &clock, &bad, &c) < 0);
    CHECK("issued", ca_issue(ca, &clock, &good, &c) == 0);
    CHECK("read back",
          certificate_load(certificate_key_pem(c, &a), certificate_chain_pem(c, &a), &loaded) == 0);
    CHECK("a key of another certificate is refused",
          certificate_load(ca_key_pem(ca, &a), certificate_chain_pem(c, &a), &loaded) < 0 ||
              loaded == NULL);
    certificate_free(loaded);
    certificate_free(c);
    ca_free(again);
    ca_free(ca);
    arena_free(&a);
}

TEST_MAIN(T(percent_codes), T(hosts_and_ports), T(whole_urls), T(no_proxy),
          T(a_stored_authority_is_the_same_again))

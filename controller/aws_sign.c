/* Signing of POST / requests with a body: all that the query and JSON protocols need. */
#include "aws_sign.h"

#include <time.h>

#include "base/sha.h"

struct signed_header {
    const char *name;
    struct str value;
};

/* YYYYMMDD'T'HHMMSS'Z'. */
static struct str format_time(struct arena *a, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    return arena_printf(a, "%04d%02d%02dT%02d%02d%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                        tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* HMAC chain over date, region, service and "aws4_request". */
static struct str signing_key(struct arena *a, const struct aws_signing *s, struct str date)
{
    struct str parts[] = {date, s->region, s->service, S("aws4_request")};
    struct str key = arena_printf(a, "AWS4%.*s", STR_ARG(s->keys.secret));

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        uint8_t *digest = arena_alloc(a, SHA256_BYTES);

        hmac_sha256(key, parts[i], digest);
        key = str_n((const char *)digest, SHA256_BYTES);
    }
    return key;
}

struct http_headers aws_sign(struct arena *a, const struct aws_signing *s)
{
    struct str time = format_time(a, s->now_ms), date = str_first(time, 8);
    struct str body_hash = sha256_hex(a, s->body), names = {0}, lines = {0};
    struct signed_header headers[] = {
        {"content-type",         s->content_type},
        {"host",                 s->host        },
        {"x-amz-date",           time           },
        {"x-amz-security-token", s->keys.token  },
        {"x-amz-target",         s->target      },
    };
    struct http_header *out = arena_array(a, 6, sizeof *out);
    struct str scope, canonical, hash, to_sign, key;
    uint8_t digest[SHA256_BYTES];
    size_t n = 0;

    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        if (headers[i].value.n == 0)
            continue;
        names =
            arena_printf(a, "%.*s%s%s", STR_ARG(names), names.n > 0 ? ";" : "", headers[i].name);
        lines = arena_printf(a, "%.*s%s:%.*s\n", STR_ARG(lines), headers[i].name,
                             STR_ARG(headers[i].value));
        if (i != 1)
            out[n++] = (struct http_header){str_c(headers[i].name), headers[i].value};
    }
    canonical = arena_printf(a, "POST\n/\n\n%.*s\n%.*s\n%.*s", STR_ARG(lines), STR_ARG(names),
                             STR_ARG(body_hash));
    hash = sha256_hex(a, canonical);
    scope = arena_printf(a, "%.*s/%.*s/%.*s/aws4_request", STR_ARG(date), STR_ARG(s->region),
                         STR_ARG(s->service));
    to_sign = arena_printf(a, "AWS4-HMAC-SHA256\n%.*s\n%.*s\n%.*s", STR_ARG(time), STR_ARG(scope),
                           STR_ARG(hash));
    key = signing_key(a, s, date);
    hmac_sha256(key, to_sign, digest);
    hash = hex_encode(a, digest, SHA256_BYTES);
    out[n++] = (struct http_header){
        S("Authorization"),
        arena_printf(a, "AWS4-HMAC-SHA256 Credential=%.*s/%.*s, SignedHeaders=%.*s, Signature=%.*s",
                     STR_ARG(s->keys.id), STR_ARG(scope), STR_ARG(names), STR_ARG(hash)),
    };
    return (struct http_headers){out, n};
}

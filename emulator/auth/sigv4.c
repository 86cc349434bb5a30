/* Signature Version 4: the canonical request, the string to sign, the derived key. */
#include "auth/sigv4.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/percent.h"
#include "base/sha.h"

enum {
    MOST_PARAMETERS = 4096,
    LARGEST_CANONICAL = 1 << 22,
    SKEW_MS = 300000,
    LONGEST_EXPIRES_S = 604800
};

static const struct str algorithm = STR_INIT("AWS4-HMAC-SHA256");

/* --- reading ------------------------------------------------------------------------------- */

/* "AKID/20261124/us-east-1/sts/aws4_request"; the key may hold no slash. */
static bool read_scope(struct str credential, struct sigv4 *s)
{
    struct str last;

    return str_cut(credential, '/', &s->access_key, &credential) &&
           str_cut(credential, '/', &s->date, &credential) &&
           str_cut(credential, '/', &s->region, &credential) &&
           str_cut(credential, '/', &s->service, &last) && str_is(last, "aws4_request") &&
           s->access_key.n > 0 && s->date.n == 8;
}

static bool read_header(struct str value, struct sigv4 *s)
{
    struct str rest = str_trim(str_from(value, algorithm.n)), part;
    bool scoped = false;

    while (str_next(&rest, ',', &part)) {
        struct str name, text;

        if (!str_cut(str_trim(part), '=', &name, &text))
            return false;
        if (str_is(name, "Credential"))
            scoped = read_scope(text, s);
        else if (str_is(name, "SignedHeaders"))
            s->signed_headers = text;
        else if (str_is(name, "Signature"))
            s->signature = text;
    }
    return scoped && s->signed_headers.n > 0 && s->signature.n > 0;
}

static bool read_query(struct arena *a, struct str query, struct sigv4 *s)
{
    struct str credential, expires;

    s->presigned = true;
    if (!http_query_get(a, query, S("X-Amz-Credential"), &credential) ||
        !http_query_get(a, query, S("X-Amz-SignedHeaders"), &s->signed_headers) ||
        !http_query_get(a, query, S("X-Amz-Signature"), &s->signature) ||
        !http_query_get(a, query, S("X-Amz-Date"), &s->timestamp) || !read_scope(credential, s))
        return false;
    (void)http_query_get(a, query, S("X-Amz-Security-Token"), &s->token);
    s->expires_s = 0;
    if (http_query_get(a, query, S("X-Amz-Expires"), &expires) &&
        (!str_to_int(expires, &s->expires_s) || s->expires_s < 0 ||
         s->expires_s > LONGEST_EXPIRES_S))
        return false;
    return true;
}

enum sigv4_found sigv4_read(struct arena *a, const struct sigv4_request *r, struct sigv4 *ret_sigv4)
{
    struct str value = http_header_get(r->headers, S("Authorization")), named;
    struct sigv4 s = {0};
    bool whole;

    if (str_starts(value, algorithm)) {
        whole = read_header(value, &s);
        s.timestamp = http_header_get(r->headers, S("X-Amz-Date"));
        s.token = http_header_get(r->headers, S("X-Amz-Security-Token"));
    } else if (http_query_get(a, r->query, S("X-Amz-Algorithm"), &named)) {
        whole = str_eq(named, algorithm) && read_query(a, r->query, &s);
    } else {
        return SIGV4_NONE;
    }
    if (!whole)
        return SIGV4_BROKEN;
    *ret_sigv4 = s;
    return SIGV4_FOUND;
}

bool sigv4_parse_time(struct str t, int64_t *ret_ms)
{
    struct arena a = {0};
    struct str text;
    bool ok = false;

    if (t.n == 16 && t.at[8] == 'T' && t.at[15] == 'Z') {
        text = arena_printf(&a, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", t.at, t.at + 4, t.at + 6,
                            t.at + 9, t.at + 11, t.at + 13);
        ok = clock_parse_rfc3339(text, ret_ms);
    }
    arena_free(&a);
    return ok;
}

/* --- the canonical request ----------------------------------------------------------------- */

/* Every service but S3 encodes the path once more than it stands on the wire. */
static struct str canonical_path(struct arena *a, struct str path, struct str service)
{
    struct str plain = path.n > 0 ? path : S("/");

    return str_is(service, "s3") ? plain : percent_encode(a, plain, true);
}

struct parameter {
    struct str name, value; /* encoded as RFC 3986 wants */
};

static int by_name_and_value(const void *left, const void *right)
{
    const struct parameter *l = left, *r = right;
    int order = str_cmp(l->name, r->name);

    return order != 0 ? order : str_cmp(l->value, r->value);
}

static struct str encoded_again(struct arena *a, struct str raw)
{
    struct str plain;

    return percent_decode(a, raw, false, &plain) ? percent_encode(a, plain, false) : raw;
}

static void add_canonical_query(struct arena *a, struct buf *b, struct str query, bool presigned)
{
    struct parameter *list = arena_array(a, MOST_PARAMETERS, sizeof *list);
    struct str part;
    size_t n = 0;

    while (n < MOST_PARAMETERS && str_next(&query, '&', &part)) {
        struct parameter p = {part, {0}};

        if (part.n == 0)
            continue;
        (void)str_cut(part, '=', &p.name, &p.value);
        if (presigned && str_is(p.name, "X-Amz-Signature"))
            continue;
        list[n++] = (struct parameter){encoded_again(a, p.name), encoded_again(a, p.value)};
    }
    qsort(list, n, sizeof *list, by_name_and_value);
    for (size_t i = 0; i < n; i++)
        buf_printf(b, "%s%.*s=%.*s", i > 0 ? "&" : "", STR_ARG(list[i].name),
                   STR_ARG(list[i].value));
}

/* Trimmed, with runs of spaces folded into one. */
static void add_folded(struct buf *b, struct str value)
{
    value = str_trim(value);
    for (size_t i = 0; i < value.n; i++)
        if (value.at[i] != ' ' || value.at[i - 1] != ' ')
            buf_char(b, value.at[i]);
}

/* All values of one header, parted by commas in the order that they came. */
static void add_header(struct buf *b, struct http_headers headers, struct http_headers extra,
                       struct str name)
{
    const struct http_headers both[] = {headers, extra};
    bool first = true;

    buf_add(b, name);
    buf_char(b, ':');
    for (size_t k = 0; k < ARRAY_LEN(both); k++)
        for (size_t i = 0; i < both[k].n; i++) {
            if (!str_ieq(both[k].at[i].name, name))
                continue;
            if (!first)
                buf_char(b, ',');
            add_folded(b, both[k].at[i].value);
            first = false;
        }
    buf_char(b, '\n');
}

static struct str body_hash(struct arena *a, const struct sigv4_request *r, const struct sigv4 *s)
{
    struct str given = http_header_get(r->headers, S("X-Amz-Content-Sha256"));

    if (given.n > 0)
        return given;
    if (s->presigned && str_is(s->service, "s3"))
        return S("UNSIGNED-PAYLOAD");
    return sha256_hex(a, r->body);
}

static struct str canonical_request(struct arena *a, const struct sigv4_request *r,
                                    const struct sigv4 *s, struct http_headers extra)
{
    CLEANUP(buf_free) struct buf b = buf_init(LARGEST_CANONICAL);
    struct str names = s->signed_headers, name;

    buf_printf(&b, "%.*s\n%.*s\n", STR_ARG(r->method),
               STR_ARG(canonical_path(a, r->path, s->service)));
    add_canonical_query(a, &b, r->query, s->presigned);
    buf_char(&b, '\n');
    while (str_next(&names, ';', &name))
        add_header(&b, r->headers, extra, name);
    buf_printf(&b, "\n%.*s\n%.*s", STR_ARG(s->signed_headers), STR_ARG(body_hash(a, r, s)));
    return arena_str(a, buf_str(&b));
}

/* --- the signature ------------------------------------------------------------------------- */

static struct str signature_of(struct arena *a, const struct sigv4_request *r,
                               const struct sigv4 *s, struct str secret, struct http_headers extra)
{
    struct str scope = arena_printf(a, "%.*s/%.*s/%.*s/aws4_request", STR_ARG(s->date),
                                    STR_ARG(s->region), STR_ARG(s->service));
    struct str text =
        arena_printf(a, "%.*s\n%.*s\n%.*s\n%.*s", STR_ARG(algorithm), STR_ARG(s->timestamp),
                     STR_ARG(scope), STR_ARG(sha256_hex(a, canonical_request(a, r, s, extra))));
    const struct str parts[] = {s->date, s->region, s->service, S("aws4_request"), text};
    struct str key = arena_printf(a, "AWS4%.*s", STR_ARG(secret));
    uint8_t digest[2][SHA256_BYTES];

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        hmac_sha256(key, parts[i], digest[i % 2]);
        key = str_n((const char *)digest[i % 2], SHA256_BYTES);
    }
    return hex_encode(a, (const uint8_t *)key.at, SHA256_BYTES);
}

static bool is_in_time(const struct sigv4 *s, int64_t now)
{
    int64_t signed_at;

    if (!sigv4_parse_time(s->timestamp, &signed_at) || !str_eq(str_first(s->timestamp, 8), s->date))
        return false;
    if (s->presigned)
        return now >= signed_at - SKEW_MS && now <= signed_at + s->expires_s * 1000;
    return now >= signed_at - SKEW_MS && now <= signed_at + SKEW_MS;
}

enum sigv4_verdict sigv4_verify(const struct sigv4_request *r, const struct sigv4 *s,
                                struct str secret, int64_t now, struct http_headers extra)
{
    struct arena a = {0};
    bool same = equal_in_constant_time(signature_of(&a, r, s, secret, extra), s->signature);

    arena_free(&a);
    if (!same)
        return SIGV4_MISMATCH;
    return is_in_time(s, now) ? SIGV4_VALID : SIGV4_EXPIRED;
}

struct str sigv4_authorization(struct arena *a, const struct sigv4_request *r,
                               const struct sigv4 *scope, struct str secret)
{
    struct str signature = signature_of(a, r, scope, secret, HTTP_NO_HEADERS);

    return arena_printf(a,
                        "%.*s Credential=%.*s/%.*s/%.*s/%.*s/aws4_request, SignedHeaders=%.*s, "
                        "Signature=%.*s",
                        STR_ARG(algorithm), STR_ARG(scope->access_key), STR_ARG(scope->date),
                        STR_ARG(scope->region), STR_ARG(scope->service),
                        STR_ARG(scope->signed_headers), STR_ARG(signature));
}

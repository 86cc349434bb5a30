/* The instance metadata service: what a program on an EC2 instance asks at 169.254.169.254. It is
 * reached as a plain request through the proxy. Whose metadata it is, is told by the user name of
 * the proxy ("http://i-0123@127.0.0.1:4566"); without one it is the first running instance.
 * Both versions answer: with a session token, and without.
 * Source: EC2 User Guide, "Instance metadata and user data"; reference aws-eks-iam-ec2 5.8. */
#include "aws/metadata.h"

#include <stdlib.h>

#include "aws/metadata_query.h"
#include "base/base64.h"
#include "base/memory.h"
#include "base/sha.h"

enum { LONGEST_TOKEN_S = 21600 };

void metadata_free(struct metadata *m)
{
    if (m != NULL)
        metadata_forget_sessions(m);
    free(m);
}

/* --- tokens: an expiry, and a digest of it that nobody else can make ------------------------- */

static struct str token_of(struct metadata_query *q, int64_t expires)
{
    struct str number = arena_printf(q->arena, "%lld", (long long)expires);
    uint8_t mac[SHA256_BYTES];

    hmac_sha256(str_n(q->m->secret, sizeof q->m->secret), number, mac);
    return base64url_encode(q->arena, arena_printf(q->arena, "%.*s.%.*s", STR_ARG(number),
                                                   STR_ARG(hex_encode(q->arena, mac, 16))));
}

static bool token_holds(struct metadata_query *q, struct str token)
{
    struct str text, number, mac;
    int64_t expires;

    return base64_decode(q->arena, token, &text) && str_cut(text, '.', &number, &mac) &&
           str_to_int(number, &expires) && expires > q->now &&
           equal_in_constant_time(token_of(q, expires), token);
}

/* --- requests -------------------------------------------------------------------------------- */

static void answer(struct http_exchange *x, int status, struct str type_, struct str body)
{
    http_answer(x, status, HTTP_HEADERS({S("Content-Type"), type_}, {S("Server"), S("EC2ws")}),
                body);
}

static void answer_token(struct metadata_query *q, struct http_exchange *x)
{
    struct str ttl =
        http_header_get(q->request->headers, S("X-aws-ec2-metadata-token-ttl-seconds"));
    int64_t seconds;

    if (!str_to_int(ttl, &seconds) || seconds < 1 || seconds > LONGEST_TOKEN_S) {
        answer(x, 400, S("text/html"), S("Bad Request"));
        return;
    }
    http_answer(x, 200,
                HTTP_HEADERS({S("Content-Type"), S("text/plain")}, {S("Server"), S("EC2ws")},
                             {S("X-Aws-Ec2-Metadata-Token-Ttl-Seconds"), ttl}),
                token_of(q, q->now + seconds * 1000));
}

/* The instance that the proxy's user name says, else the first that runs. */
static struct instance *find_instance(struct metadata_query *q)
{
    struct str header = http_header_get(q->request->headers, S("Proxy-Authorization"));
    struct str text = {0}, id = {0}, password;
    struct instance *i = NULL;

    if (str_starts(header, S("Basic ")) &&
        base64_decode(q->arena, str_from(header, strlen("Basic ")), &text) &&
        str_cut(text, ':', &id, &password) && str_starts(id, S("i-")))
        (void)instance_find(q->store, q->arena, id, &i);
    if (id.n == 0)
        (void)instance_list_by_state(q->store, q->arena,
                                     arena_printf(q->arena, "%d", INSTANCE_RUNNING), &i);
    return i != NULL && i->state == INSTANCE_RUNNING ? i : NULL;
}

static struct metadata *metadata_new(struct ids *ids)
{
    struct metadata *m = xcalloc(sizeof *m);

    for (size_t i = 0; i < sizeof m->secret; i++)
        m->secret[i] = (char)ids_below(ids, 256);
    return m;
}

static bool is_json(struct str body)
{
    return body.n > 0 && body.at[0] == '{';
}

static void answer_query(struct metadata_query *q, struct http_exchange *x)
{
    const struct http_request *r = q->request;
    struct str token = http_header_get(r->headers, S("X-aws-ec2-metadata-token"));
    struct str rest = str_from(r->path, 1), version, path = {0}, body;

    if (str_is(r->path, "/latest/api/token")) {
        if (str_is(r->method, "PUT"))
            answer_token(q, x);
        else
            answer(x, 405, S("text/html"), S("Method Not Allowed"));
        return;
    }
    if (!str_is(r->method, "GET") && !str_is(r->method, "HEAD")) {
        answer(x, 405, S("text/html"), S("Method Not Allowed"));
        return;
    }
    if (token.n > 0 && !token_holds(q, token)) {
        answer(x, 401, S("text/html"), S("Unauthorized"));
        return;
    }
    if (!str_cut(rest, '/', &version, &path)) {
        answer(x, 200, S("text/plain"), rest.n == 0 ? S("latest") : S("dynamic\nmeta-data"));
        return;
    }
    body = metadata_value(q, path);
    if (body.n > 0)
        answer(x, 200, is_json(body) ? S("application/json") : S("text/plain"), body);
    else
        answer(x, 404, S("text/html"), S("Not Found"));
}

bool metadata_is_for(const struct http_request *r)
{
    return str_is(r->host, "169.254.169.254") || str_is(r->host, "fd00:ec2::254") ||
           str_is(r->host, "[fd00:ec2::254]") ||
           (str_starts(r->path, S("/latest/")) &&
            str_find(r->host, S("amazonaws.com")) == STR_NONE);
}

bool metadata_handle(struct aws *aws, struct http_exchange *x, const struct http_request *r)
{
    struct metadata_query q = {.aws = aws, .arena = r->arena, .store = aws->o.store, .request = r};

    if (!metadata_is_for(r))
        return false;
    if (aws->metadata == NULL)
        aws->metadata = metadata_new(store_ids(q.store));
    q.m = aws->metadata;
    q.now = clock_now(store_clock(q.store));
    q.instance = find_instance(&q);
    if (q.instance == NULL) {
        answer(x, 404, S("text/html"), S("Not Found"));
        return true;
    }
    (void)interface_list_by_instance(q.store, q.arena, q.instance->id, &q.interfaces);
    answer_query(&q, x);
    return true;
}

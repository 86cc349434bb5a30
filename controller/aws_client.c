/* The AWS client. Source: aws-sdk-go 1.23: endpoints, retryer, error envelopes. */
#include "aws_client.h"

#include <stdlib.h>

#include "aws_sign.h"
#include "base/memory.h"
#include "credentials.h"
#include "go_text.h"
#include "klog.h"
#include "metrics.h"

enum protocol { QUERY, EC2_QUERY, JSON };

struct service {
    const char *host, *version; /* the API's version; of JSON services the target's prefix */
    enum protocol protocol;
    bool global; /* one host for all regions, signed for us-east-1 */
};

static const struct service services[] = {
    [AWS_EC2] = {"ec2",                  "2016-11-15",                        EC2_QUERY, false},
    [AWS_ELB] = {"elasticloadbalancing", "2015-12-01",                        QUERY,     false},
    [AWS_TAGGING] = {"tagging",              "ResourceGroupsTaggingAPI_20170126", JSON,      false},
    [AWS_WAF] = {"waf-regional",         "AWSWAF_Regional_20161128",          JSON,      false},
    [AWS_ACM] = {"acm",                  "CertificateManager",                JSON,      false},
    [AWS_IAM] = {"iam",                  "2010-05-08",                        QUERY,     true },
    [AWS_STS] = {"sts",                  "2011-06-15",                        QUERY,     true },
};

struct aws_client {
    struct aws_client_options o;
    struct arena arena; /* of the strings in o */
};

struct aws_client *aws_client_new(const struct aws_client_options *o)
{
    struct aws_client *c = xcalloc(sizeof *c);

    c->o = *o;
    c->o.region = arena_str(&c->arena, o->region);
    c->o.endpoint = arena_str(&c->arena, o->endpoint);
    return c;
}

void aws_client_free(struct aws_client *c)
{
    if (c == NULL)
        return;
    arena_free(&c->arena);
    free(c);
}

void aws_answer_free(struct aws_answer *answer)
{
    cJSON_Delete(answer->json);
    answer->json = NULL;
}

static bool in_list(struct str word, const char *list)
{
    struct str rest = str_c(list), one;

    while (str_next(&rest, ' ', &one))
        if (str_eq(one, word))
            return true;
    return false;
}

bool aws_has_service(enum aws_service service, struct str region)
{
    static const char waf[] = "ap-northeast-1 ap-northeast-2 ap-south-1 ap-southeast-1 "
                              "ap-southeast-2 ca-central-1 eu-central-1 eu-north-1 eu-west-1 "
                              "eu-west-2 eu-west-3 sa-east-1 us-east-1 us-east-2 us-west-1 "
                              "us-west-2 us-gov-west-1";

    if (service == AWS_ACM)
        return in_list(region, waf) || in_list(region, "ap-east-1 me-south-1 us-gov-east-1");
    return service != AWS_WAF || in_list(region, waf);
}

struct str aws_endpoint(struct arena *a, enum aws_service service, struct str region,
                        struct str endpoint)
{
    /* STS answers under a regional name only where the region must be opted into. */
    bool regional =
        !services[service].global ||
        (service == AWS_STS && in_list(region, "ap-east-1 ap-northeast-2 me-south-1 us-gov-east-1 "
                                               "us-gov-west-1 cn-north-1 cn-northwest-1"));
    const char *suffix = str_starts(region, S("cn-")) ? ".cn" : "";

    if (endpoint.n > 0)
        return str_ends(endpoint, S("/")) ? str_first(endpoint, endpoint.n - 1) : endpoint;
    if (!regional)
        return arena_printf(a, "https://%s.amazonaws.com%s", services[service].host, suffix);
    return arena_printf(a, "https://%s.%.*s.amazonaws.com%s", services[service].host,
                        STR_ARG(region), suffix);
}

/* --- one call, with its retries -------------------------------------------------------------- */

struct call {
    struct aws_client *c;
    struct arena *a;
    enum aws_service service;
    const char *action;
    struct str body;
    struct http_result result;
    struct aws_answer *answer;
    struct str message, request_id;
};

static struct http_headers sign(struct call *k, const struct aws_keys *keys, struct str url)
{
    const struct service *s = &services[k->service];
    struct http_url parts = {0};

    (void)http_parse_url(url, &parts);
    return aws_sign(
        k->a, &(struct aws_signing){
                  .keys = *keys,
                  .service = str_c(s->host),
                  .region = s->global ? S("us-east-1") : k->c->o.region,
                  .host = parts.authority,
                  .content_type = s->protocol == JSON
                                      ? S("application/x-amz-json-1.1")
                                      : S("application/x-www-form-urlencoded; charset=utf-8"),
                  .target = s->protocol == JSON ? arena_printf(k->a, "%s.%s", s->version, k->action)
                                                : (struct str){0},
                  .body = k->body,
                  .now_ms = clock_now(k->c->o.clock),
              });
}

static void read_json_error(struct call *k)
{
    CLEANUP(json_freep) cJSON *tree = json_parse(k->result.body, NULL);
    struct str type = json_str(tree, "__type");
    size_t hash = str_rchr(type, '#');

    k->answer->code = arena_str(k->a, hash == STR_NONE ? type : str_from(type, hash + 1));
    k->message =
        arena_str(k->a, json_str(tree, json_str(tree, "message").n > 0 ? "message" : "Message"));
    k->request_id = http_header_get(k->result.headers, S("x-amzn-RequestId"));
}

static void read_xml_error(struct call *k)
{
    struct xml_node *root = NULL;
    const struct xml_node *error;

    (void)xml_parse(k->a, k->result.body, &root);
    error = xml_at(root, "Error");
    if (error == NULL)
        error = xml_at(root, "Errors.Error");
    k->answer->code = xml_text_at(error, "Code");
    k->message = xml_text_at(error, "Message");
    k->request_id = xml_text_at(root, "RequestId");
    if (k->request_id.at == NULL)
        k->request_id = xml_text_at(root, "RequestID");
}

static void read_error(struct call *k)
{
    if (services[k->service].protocol == JSON)
        read_json_error(k);
    else
        read_xml_error(k);
    if (k->answer->code.n == 0) {
        k->answer->code = S("SerializationError");
        k->message = S("failed to unmarshal error message");
    }
    k->answer->error = arena_printf(k->a, "%.*s: %.*s\n\tstatus code: %d, request id: %.*s",
                                    STR_ARG(k->answer->code), STR_ARG(k->message), k->result.status,
                                    STR_ARG(k->request_id));
}

static bool read_answer(struct call *k)
{
    struct xml_node *root = NULL;

    if (services[k->service].protocol == JSON) {
        k->answer->json = json_parse(k->result.body, NULL);
        if (k->answer->json != NULL || k->result.body.n == 0)
            return true;
    } else if (xml_parse(k->a, k->result.body, &root)) {
        k->answer->xml = root;
        return true;
    }
    k->answer->code = S("SerializationError");
    k->answer->error = arena_printf(k->a,
                                    "SerializationError: failed decoding response\n\tstatus code: "
                                    "%d, request id: ",
                                    k->result.status);
    return false;
}

static bool is_throttled(const struct call *k)
{
    static const char codes[] =
        "Throttling ThrottlingException RequestLimitExceeded RequestThrottled "
        "RequestThrottledException TooManyRequestsException "
        "ProvisionedThroughputExceededException PriorRequestNotComplete "
        "TransactionInProgressException";
    int status = k->result.status;

    return in_list(k->answer->code, codes) || status == 429 || status == 502 || status == 503 ||
           status == 504;
}

static bool is_worth_retrying(const struct call *k)
{
    static const char codes[] = "RequestError RequestTimeout ResponseTimeout "
                                "RequestTimeoutException ExpiredToken ExpiredTokenException "
                                "RequestExpired";

    if (k->result.error == -ECANCELED)
        return false;
    return k->result.error != 0 || (k->result.status >= 500 && k->result.status != 501) ||
           is_throttled(k) || in_list(k->answer->code, codes);
}

/* (30-60 ms) * 2^n, and (500-1000 ms) * 2^n for throttling, n at most 8. */
static int64_t delay(const struct call *k, unsigned tries)
{
    unsigned n = tries < 8 ? tries : 8;
    int64_t base = is_throttled(k) ? 500 : 30, after;
    struct str wait = http_header_get(k->result.headers, S("Retry-After"));

    if ((k->result.status == 429 || k->result.status == 503) && str_to_int(wait, &after) &&
        after >= 0 && after < 600)
        return after * 1000;
    return (base + clock_steady_us() % base) << n;
}

static bool send_once(struct call *k, const struct aws_keys *keys)
{
    struct aws_client *c = k->c;
    struct str url = aws_endpoint(k->a, k->service, c->o.region, c->o.endpoint);
    struct http_headers headers;

    url = arena_printf(k->a, "%.*s/", STR_ARG(url));
    headers = sign(k, keys, url);
    metrics_count(c->o.metrics, "aws_api_requests", "operation", str_c(k->action), "service",
                  str_c(services[k->service].host));
    *k->answer = (struct aws_answer){0};
    k->result = blocking_http_call(
        c->o.http, c->o.connections, k->a,
        &(struct http_call_options){
            .method = S("POST"), .url = url, .headers = headers, .body = k->body});
    if (k->result.error != 0) {
        k->answer->code = S("RequestError");
        k->answer->error =
            arena_printf(k->a, "RequestError: send request failed\ncaused by: Post %.*s: %.*s",
                         STR_ARG(url), STR_ARG(k->result.why));
        return false;
    }
    if (k->result.status / 100 == 2)
        return read_answer(k);
    read_error(k);
    return false;
}

static void log_call(const struct call *k, bool ok)
{
    struct str body = ok ? k->result.body : k->answer->error;

    if (k->c->o.debug)
        klog_write(ok ? KLOG_INFO : KLOG_ERROR, "request.go:506", "%s: %s/%s, %s: %.*s",
                   ok ? "Response" : "Failed request", services[k->service].host, k->action,
                   ok ? "Body" : "Error", STR_ARG(body));
}

static bool call(struct call *k)
{
    struct aws_client *c = k->c;
    const char *host = services[k->service].host;

    if (c->o.debug)
        klog_write(KLOG_INFO, "session.go:34", "Request: %s/%s, Payload: %.*s", host, k->action,
                   STR_ARG(k->body));
    for (unsigned tries = 0;; tries++) {
        struct aws_keys keys;
        bool ok = credentials_get(c->o.credentials, k->a, &keys, &k->answer->error) &&
                  send_once(k, &keys);

        log_call(k, ok);
        if (ok)
            return true;
        if (in_list(k->answer->code, "ExpiredToken ExpiredTokenException RequestExpired"))
            credentials_expire(c->o.credentials);
        if ((int64_t)tries >= c->o.max_retries || !is_worth_retrying(k) ||
            !blocking_http_sleep(c->o.http, delay(k, tries)))
            break;
        metrics_count(c->o.metrics, "aws_api_retries", "operation", str_c(k->action), "service",
                      str_c(host));
    }
    metrics_count(c->o.metrics, "aws_api_errors", "operation", str_c(k->action), "service",
                  str_c(host));
    return false;
}

bool aws_call_query(struct aws_client *c, struct arena *a, enum aws_service service,
                    const char *action, const struct query *q, struct aws_answer *ret)
{
    struct query all = {.a = a};
    struct call k = {c, a, service, action, .answer = ret};

    *ret = (struct aws_answer){0};
    query_str(&all, "Action", str_c(action));
    query_str(&all, "Version", str_c(services[service].version));
    for (size_t i = 0; i < q->parameters.n; i++)
        query_str(&all, q->parameters.at[i].key.at, q->parameters.at[i].value);
    k.body = query_form(&all);
    return call(&k);
}

bool aws_call_json(struct aws_client *c, struct arena *a, enum aws_service service,
                   const char *action, const cJSON *body, struct aws_answer *ret)
{
    CLEANUP(buf_free) struct buf text = buf_init(4 << 20);
    struct call k = {c, a, service, action, .answer = ret};

    *ret = (struct aws_answer){0};
    json_write(&text, body);
    k.body = arena_str(a, buf_str(&text));
    return call(&k);
}

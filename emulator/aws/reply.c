/* Answers and errors in each protocol's envelope.
 * Source: reference elastic-load-balancing D1, aws-eks-iam-ec2 sections 2.4, 2.7, 3, 5.1, 6.1. */
#include "aws/internal.h"

#include <errno.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/xml.h"

const struct fault AWS_VALIDATION_ERROR = {"ValidationError", 400};

static enum aws_protocol protocol_of(const struct call *c)
{
    return c->service != NULL ? c->service->model->protocol : AWS_QUERY;
}

static void keep_body(struct call *c, const struct buf *b)
{
    c->body = arena_str(c->arena, buf_str(b));
}

/* --- success -------------------------------------------------------------------------------- */

static void write_query_reply(struct call *c, struct buf *b, const void *output)
{
    const struct aws_model *m = c->service->model;
    struct xml_style style = {.whole_seconds =
                                  str_is(str_c(m->name), "iam") || str_is(str_c(m->name), "sts")};

    buf_printf(b, "<%sResponse xmlns=\"%s\">", c->model->name, m->xmlns);
    if (c->model->wrapper != NULL)
        xml_open(b, str_c(c->model->wrapper));
    if (c->model->output != NULL && output != NULL)
        xml_encode(b, c->model->output, output, &style);
    if (c->model->wrapper != NULL)
        xml_close(b, str_c(c->model->wrapper));
    buf_printf(b, "<ResponseMetadata><RequestId>%.*s</RequestId></ResponseMetadata></%sResponse>",
               STR_ARG(c->request_id), c->model->name);
}

/* The Query services answer in JSON too, for those who ask (aws-iam-authenticator does). */
static bool wants_json(const struct call *c)
{
    return protocol_of(c) == AWS_QUERY &&
           http_header_lists(c->request->headers, S("Accept"), S("application/json"));
}

static void write_query_json(struct call *c, struct buf *b, const void *output)
{
    buf_printf(b, "{\"%sResponse\":{", c->model->name);
    if (c->model->wrapper != NULL) {
        buf_printf(b, "\"%s\":", c->model->wrapper);
        if (c->model->output != NULL && output != NULL)
            json_encode(b, c->model->output, output);
        else
            buf_add(b, S("{}"));
        buf_char(b, ',');
    }
    buf_printf(b, "\"ResponseMetadata\":{\"RequestId\":\"%.*s\"}}}", STR_ARG(c->request_id));
}

static void write_ec2_reply(struct call *c, struct buf *b, const void *output)
{
    struct xml_style style = {.ec2 = true};

    buf_printf(b,
               "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%sResponse xmlns=\"%s\"><requestId>"
               "%.*s</requestId>",
               c->model->name, c->service->model->xmlns, STR_ARG(c->request_id));
    if (c->model->output != NULL && output != NULL)
        xml_encode(b, c->model->output, output, &style);
    else
        buf_add(b, S("<return>true</return>"));
    buf_printf(b, "</%sResponse>", c->model->name);
}

static struct str json_type(const struct call *c)
{
    return protocol_of(c) == AWS_REST_JSON      ? S("application/json")
           : c->service->model->json_minor == 1 ? S("application/x-amz-json-1.1")
                                                : S("application/x-amz-json-1.0");
}

struct done call_reply(struct call *c, const void *output)
{
    CLEANUP(buf_free) struct buf b = buf_init(LARGEST_ANSWER);

    c->status = c->model->status;
    c->content_type = S("text/xml;charset=UTF-8");
    switch (protocol_of(c)) {
    case AWS_QUERY:
        c->content_type = wants_json(c) ? S("application/json") : S("text/xml");
        if (wants_json(c))
            write_query_json(c, &b, output);
        else
            write_query_reply(c, &b, output);
        break;
    case AWS_EC2_QUERY:
        write_ec2_reply(c, &b, output);
        break;
    case AWS_JSON:
    case AWS_REST_JSON:
        c->content_type = json_type(c);
        if (c->model->output != NULL && output != NULL)
            json_encode(&b, c->model->output, output);
        else
            buf_add(&b, S("{}"));
        break;
    }
    if (b.full)
        return call_fail(c, -EFBIG);
    keep_body(c, &b);
    return (struct done){DONE_REPLY};
}

/* --- errors --------------------------------------------------------------------------------- */

static void write_query_error(struct call *c, struct buf *b, struct str message)
{
    const char *xmlns = c->service != NULL && c->service->model->xmlns != NULL
                            ? c->service->model->xmlns
                            : "http://webservices.amazon.com/AWSFault/2005-15-09";

    buf_printf(b, "<ErrorResponse xmlns=\"%s\"><Error><Type>%s</Type>", xmlns,
               c->status >= 500 ? "Receiver" : "Sender");
    xml_element(b, S("Code"), c->code);
    xml_element(b, S("Message"), message);
    buf_printf(b, "</Error><RequestId>%.*s</RequestId></ErrorResponse>", STR_ARG(c->request_id));
}

static void write_query_json_error(struct call *c, struct buf *b, struct str message)
{
    buf_printf(b,
               "{\"Error\":{\"Type\":\"%s\",\"Code\":", c->status >= 500 ? "Receiver" : "Sender");
    json_write_str(b, c->code);
    buf_add(b, S(",\"Message\":"));
    json_write_str(b, message);
    buf_printf(b, "},\"RequestId\":\"%.*s\"}", STR_ARG(c->request_id));
}

static void write_ec2_error(struct call *c, struct buf *b, struct str message)
{
    buf_add(b, S("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>"));
    xml_element(b, S("Code"), c->code);
    xml_element(b, S("Message"), message);
    buf_printf(b, "</Error></Errors><RequestID>%.*s</RequestID></Response>",
               STR_ARG(c->request_id));
}

static void write_json_error(struct call *c, struct buf *b, struct str message)
{
    buf_char(b, '{');
    if (protocol_of(c) == AWS_JSON) {
        buf_add(b, S("\"__type\":"));
        json_write_str(b, c->code);
        buf_char(b, ',');
    }
    /* Denials of the JSON services have the capital letter, modelled errors the small one. */
    buf_add(b, str_is(c->code, "AccessDeniedException") && protocol_of(c) == AWS_JSON
                   ? S("\"Message\":")
                   : S("\"message\":"));
    json_write_str(b, message);
    buf_char(b, '}');
}

void reply_error(struct call *c, struct str code, int status, struct str message)
{
    CLEANUP(buf_free) struct buf b = buf_init(LARGEST_ANSWER);

    c->status = status;
    c->code = code;
    c->content_type = S("text/xml;charset=UTF-8");
    switch (protocol_of(c)) {
    case AWS_QUERY:
        c->content_type = wants_json(c) ? S("application/json") : S("text/xml");
        if (wants_json(c))
            write_query_json_error(c, &b, message);
        else
            write_query_error(c, &b, message);
        break;
    case AWS_EC2_QUERY:
        write_ec2_error(c, &b, message);
        break;
    case AWS_JSON:
    case AWS_REST_JSON:
        c->content_type = json_type(c);
        write_json_error(c, &b, message);
        break;
    }
    keep_body(c, &b);
}

struct done call_fault(struct call *c, const struct fault *fault, const char *fmt, ...)
{
    struct str message;
    va_list args;

    va_start(args, fmt);
    message = arena_vprintf(c->arena, fmt, args);
    va_end(args);
    reply_error(c, str_c(fault->code), fault->status, message);
    return (struct done){DONE_FAULT};
}

struct done call_fail(struct call *c, int error)
{
    log_error("aws", "%s:%s failed (%d)", c->service->prefix, c->model->name, error);
    reply_error(c, protocol_of(c) == AWS_EC2_QUERY ? S("InternalError") : S("InternalFailure"), 500,
                S("An internal error has occurred"));
    return (struct done){DONE_FAULT};
}

/* Refusals have another code and status in each protocol; the rows are reference section 3. */
static const struct refusal_words {
    enum refusal why;
    struct {
        const char *code;
        int status;
    } by_protocol[4]; /* in the order of enum aws_protocol */
} refusal_words[] = {
    {UNKNOWN_KEY,
     {{"InvalidClientTokenId", 403},
      {"AuthFailure", 401},
      {"UnrecognizedClientException", 400},
      {"UnrecognizedClientException", 403}}        },
    {BAD_SIGNATURE,
     {{"SignatureDoesNotMatch", 403},
      {"AuthFailure", 401},
      {"InvalidSignatureException", 400},
      {"InvalidSignatureException", 403}}          },
    {BROKEN_SIGNATURE,
     {{"IncompleteSignature", 400},
      {"AuthFailure", 401},
      {"IncompleteSignatureException", 400},
      {"IncompleteSignatureException", 403}}       },
    {EXPIRED_SESSION,
     {{"ExpiredToken", 403},
      {"RequestExpired", 400},
      {"ExpiredTokenException", 400},
      {"ExpiredTokenException", 403}}              },
    {NOT_IN_TIME,
     {{"SignatureDoesNotMatch", 403},
      {"RequestExpired", 400},
      {"InvalidSignatureException", 400},
      {"InvalidSignatureException", 403}}          },
    {NO_SIGNATURE,
     {{"MissingAuthenticationToken", 403},
      {"AuthFailure", 401},
      {"MissingAuthenticationTokenException", 400},
      {"MissingAuthenticationTokenException", 403}}},
    {DENIED,
     {{"AccessDenied", 403},
      {"UnauthorizedOperation", 403},
      {"AccessDeniedException", 400},
      {"AccessDeniedException", 403}}              },
};

void reply_refusal(struct call *c, enum refusal why, struct str message)
{
    if (protocol_of(c) == AWS_EC2_QUERY && why != DENIED) /* EC2 does not go into details */
        message = why == EXPIRED_SESSION || why == NOT_IN_TIME
                      ? S("Request has expired.")
                      : S("AWS was not able to validate the provided access credentials");
    for (size_t i = 0; i < ARRAY_LEN(refusal_words); i++)
        if (refusal_words[i].why == why)
            reply_error(c, str_c(refusal_words[i].by_protocol[protocol_of(c)].code),
                        refusal_words[i].by_protocol[protocol_of(c)].status, message);
}

void reply_send(struct call *c)
{
    struct http_header headers[] = {
        {S("Content-Type"),     c->content_type},
        {S("x-amzn-RequestId"), c->request_id  },
        {S("x-amzn-ErrorType"), c->code        },
    };
    bool json_error = c->code.n > 0 && protocol_of(c) >= AWS_JSON;

    calls_note(c->aws, c);
    http_answer(c->exchange, c->status, (struct http_headers){headers, json_error ? 3 : 2},
                c->body);
}

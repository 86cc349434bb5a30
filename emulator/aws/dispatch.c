/* From a request to a handler and back: find the service and the operation, know who asks, decode
 * and check the input, ask IAM, run the handler in its transaction, answer after the commit. */
#include "aws/internal.h"
#include "aws/metadata.h"
#include "aws/services.h"

#include <stdlib.h>

#include "base/memory.h"

struct aws *aws_new(const struct aws_options *o)
{
    struct aws *aws = xcalloc(sizeof *aws);

    aws->o = *o;
    return aws;
}

void aws_free(struct aws *aws)
{
    if (aws == NULL)
        return;
    calls_free(aws);
    policy_cache_free(aws->policies);
    metadata_free(aws->metadata);
    free(aws);
}

const struct aws_options *aws_options_of(const struct aws *aws)
{
    return &aws->o;
}

struct str call_arn(struct call *c, const char *fmt, ...)
{
    struct str rest;
    va_list args;

    va_start(args, fmt);
    rest = arena_vprintf(c->arena, fmt, args);
    va_end(args);
    return arena_printf(c->arena, "arn:%.*s:%s:%.*s:%.*s:%.*s", STR_ARG(c->partition),
                        c->service->prefix, STR_ARG(c->region), STR_ARG(c->account), STR_ARG(rest));
}

struct done call_later(struct call *c UNUSED)
{
    return (struct done){DONE_LATER};
}

void call_resume(struct call *c, struct done done)
{
    if (done.how != DONE_LATER)
        reply_send(c);
}

/* --- finding the operation ------------------------------------------------------------------ */

static const struct aws_model_operation *find_model(const struct aws_model *m, struct str name)
{
    size_t low = 0, high = m->operation_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = str_cmp(name, str_c(m->operations[middle].name));

        if (order == 0)
            return &m->operations[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static const struct aws_op *find_op(const struct aws_service *s, const char *name)
{
    for (size_t i = 0; i < s->op_count; i++)
        if (strcmp(s->ops[i].name, name) == 0)
            return &s->ops[i];
    return NULL;
}

static const struct aws_model_operation *find_rest_model(const struct aws_model *m,
                                                         const struct http_request *r)
{
    for (size_t i = 0; i < m->operation_count; i++)
        if (str_is(r->method, m->operations[i].method) &&
            rest_path_matches(m->operations[i].uri, r->path))
            return &m->operations[i];
    return NULL;
}

/* What the request calls its operation, as its protocol has it. */
static struct str action_of(const struct call *c, const struct form *form)
{
    struct str target = http_header_get(c->request->headers, S("X-Amz-Target")), action = {0};
    size_t dot = str_rchr(target, '.');

    if (c->service->model->protocol == AWS_JSON)
        return dot == STR_NONE ? (struct str){0} : str_from(target, dot + 1);
    (void)form_get(form, S("Action"), &action);
    return action;
}

static void refuse_action(struct call *c, struct str action)
{
    const struct aws_model *m = c->service->model;
    struct arena *a = c->arena;

    switch (m->protocol) {
    case AWS_QUERY:
        if (action.n == 0)
            reply_error(c, S("MissingAction"), 400, S("Missing Action"));
        else
            reply_error(c, S("InvalidAction"), 400,
                        arena_printf(a, "Could not find operation %.*s for version %s",
                                     STR_ARG(action), m->version));
        break;
    case AWS_EC2_QUERY:
        if (action.n == 0)
            reply_error(c, S("MissingParameter"), 400,
                        S("The request must contain the parameter Action"));
        else
            reply_error(c, S("InvalidAction"), 400,
                        arena_printf(a, "The action %.*s is not valid for this web service.",
                                     STR_ARG(action)));
        break;
    case AWS_JSON:
        reply_error(c, S("UnknownOperationException"), 400,
                    arena_printf(a, "There is no operation %.*s of %s", STR_ARG(action), m->name));
        break;
    case AWS_REST_JSON:
        reply_error(c, S("UnknownOperationException"), 404,
                    arena_printf(a, "There is no operation %.*s %.*s of %s",
                                 STR_ARG(c->request->method), STR_ARG(c->request->path), m->name));
    }
}

static bool find_operation(struct call *c, const struct form *form)
{
    struct str action;

    if (c->service->model->protocol == AWS_REST_JSON) {
        action = c->request->path;
        c->model = find_rest_model(c->service->model, c->request);
    } else {
        action = action_of(c, form);
        c->model = find_model(c->service->model, action);
    }
    c->op = c->model != NULL ? find_op(c->service, c->model->name) : NULL;
    if (c->op != NULL)
        return true;
    refuse_action(c, action);
    return false;
}

/* --- the input ------------------------------------------------------------------------------ */

static struct str rest_header(const void *data, struct str name)
{
    const struct http_request *r = data;

    return http_header_get(r->headers, name);
}

static const void *decode_input(struct call *c, const struct form *form, struct problems *p,
                                bool *ret_parsed)
{
    static const struct shape nothing = {"", sizeof(char), NULL, 0};
    const struct shape *shape = c->model->input != NULL ? c->model->input : &nothing;
    enum aws_protocol protocol = c->service->model->protocol;
    CLEANUP(json_freep) cJSON *body = NULL;
    struct rest_request rest;
    const void *input;

    *ret_parsed = true;
    if (protocol == AWS_QUERY || protocol == AWS_EC2_QUERY)
        return query_decode(c->arena, shape, form, protocol == AWS_EC2_QUERY, p);
    if (str_trim(c->request->body).n > 0) {
        body = json_parse(c->request->body, NULL);
        *ret_parsed = cJSON_IsObject(body);
    }
    rest =
        (struct rest_request){c->request->path, c->request->query, body, rest_header, c->request};
    input = protocol == AWS_JSON ? json_decode(c->arena, shape, body, p)
                                 : rest_decode(c->arena, shape, c->model->uri, &rest, p);
    /* Strings of the input lie in the tree: the exchange's arena cannot own it, so they move. */
    shape_own(c->arena, shape, (void *)(uintptr_t)input);
    return input;
}

/* The code that a service has for input that breaks its model. */
static struct str validation_code(const struct call *c)
{
    static const struct {
        const char *service, *code;
    } codes[] = {
        {"eks",          "InvalidParameterException"   },
        {"tagging",      "InvalidParameterException"   },
        {"acm",          "ValidationException"         },
        {"waf_regional", "WAFInvalidParameterException"},
        {"wafv2",        "WAFInvalidParameterException"},
        {"shield",       "InvalidParameterException"   },
    };

    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (strcmp(codes[i].service, c->service->model->name) == 0)
            return str_c(codes[i].code);
    return S("ValidationError");
}

/* IAM has sentences of its own for names and paths with characters that they may not have. */
static struct str validation_text(const struct call *c, const struct problems *p)
{
    const struct problem *first = p->first;
    bool is_name = str_ends(first->member, S("Name")), is_path = str_ends(first->member, S("ath"));

    if (strcmp(c->service->model->name, "iam") != 0 || p->count != 1 || !(is_name || is_path) ||
        str_find(first->constraint, S("regular expression")) == STR_NONE)
        return problems_text(c->arena, p);
    return arena_printf(c->arena, "The specified value for %.*s is invalid. It must %s",
                        STR_ARG(first->member),
                        is_name ? "contain only alphanumeric characters and/or the following: "
                                  "+=,.@_-"
                                : "begin and end with / and contain only alphanumeric characters "
                                  "and/or / characters.");
}

/* EC2 tells the first problem only, each kind with a code of its own. */
static void refuse_ec2_input(struct call *c, const struct problem *first)
{
    struct str name = first->member;

    if (first->kind == PROBLEM_UNKNOWN) {
        reply_error(c, S("UnknownParameter"), 400,
                    arena_printf(c->arena, "The parameter %.*s is not recognized", STR_ARG(name)));
    } else if (first->kind == PROBLEM_MISSING) {
        reply_error(
            c, S("MissingParameter"), 400,
            arena_printf(c->arena, "The request must contain the parameter %.*s", STR_ARG(name)));
    } else {
        reply_error(c, S("InvalidParameterValue"), 400,
                    arena_printf(c->arena, "Value (%.*s) for parameter %.*s is invalid. %.*s",
                                 STR_ARG(first->value), STR_ARG(name), STR_ARG(first->constraint)));
    }
}

static bool read_input(struct call *c, const struct form *form)
{
    struct problems p;
    bool parsed;

    problems_init(&p);
    c->input = decode_input(c, form, &p, &parsed);
    if (!parsed) {
        reply_error(c, S("SerializationException"), 400, S("The body is no JSON object"));
        return false;
    }
    if (c->model->input != NULL)
        shape_validate(c->arena, c->model->input, c->input, &p);
    if (p.count == 0)
        return true;
    if (c->service->model->protocol == AWS_EC2_QUERY)
        refuse_ec2_input(c, p.first);
    else
        reply_error(c, validation_code(c), 400, validation_text(c, &p));
    return false;
}

/* --- the call -------------------------------------------------------------------------------- */

static bool is_allowed(struct call *c, enum sigv4_found found, const struct sigv4 *sig)
{
    const struct http_request *r = c->request;
    struct sigv4_request signed_request = {r->method, r->path, r->query, r->headers, r->body};
    struct str text = {0};
    enum refusal why = authenticate(c, found, sig, &signed_request, &text);

    c->account = c->identity.account;
    if (why != ALLOWED)
        reply_refusal(c, why, text);
    return why == ALLOWED;
}

static struct done run_handler(struct call *c)
{
    struct done done;
    int r = (c->op->flags & OP_WRITES) != 0 ? store_begin(c->store) : 0;

    if (r < 0)
        return call_fail(c, r);
    done = c->op->handle(c, c->input);
    if ((c->op->flags & OP_WRITES) == 0)
        return done;
    if (done.how != DONE_REPLY) {
        store_rollback(c->store);
        return done;
    }
    r = store_commit(c->store);
    return r < 0 ? call_fail(c, r) : done;
}

/* EC2 lets a caller ask whether IAM would let them. */
static bool is_dry_run(struct call *c)
{
    struct str_list value = {0};

    if (c->service->model->protocol == AWS_EC2_QUERY && c->model->input != NULL)
        value = shape_texts(c->arena, c->model->input, c->input, S("dryRun"));
    if (value.n == 0 && c->service->model->protocol == AWS_EC2_QUERY && c->model->input != NULL)
        value = shape_texts(c->arena, c->model->input, c->input, S("DryRun"));
    return value.n > 0 && str_is(value.at[0], "true");
}

/* Everything up to the answer, which may come later. */
static struct done serve(struct call *c, const struct form *form, enum sigv4_found found,
                         const struct sigv4 *sig)
{
    struct done answered = {DONE_FAULT};
    enum refusal why;
    struct str text = {0};

    if (!find_operation(c, form) || !is_allowed(c, found, sig) || !read_input(c, form))
        return answered;
    why = (c->op->flags & OP_ALWAYS) != 0 || c->identity.anonymous ? ALLOWED : authorize(c, &text);
    if (why != ALLOWED) {
        reply_refusal(c, why, text);
        return answered;
    }
    if (is_dry_run(c)) {
        reply_error(c, S("DryRunOperation"), 412,
                    S("Request would have succeeded, but DryRun flag is set."));
        return answered;
    }
    return run_handler(c);
}

static void refuse_unknown_service(struct call *c, struct str name)
{
    reply_error(c, S("UnknownService"), 400,
                arena_printf(c->arena,
                             "Elbow has no service '%.*s'; see docs/aws-support.md for "
                             "those it has",
                             STR_ARG(name)));
}

/* The region of the scope, of the host, or the default one. */
static struct str region_of(const struct aws *aws, const struct http_request *r,
                            const struct sigv4 *sig)
{
    struct str rest = r->host, label;

    if (sig->region.n > 0)
        return sig->region;
    if (str_next(&rest, '.', &label) && str_next(&rest, '.', &label) &&
        str_starts(rest, S("amazonaws.com")))
        return label;
    return aws->o.region;
}

static struct str partition_of(struct str region)
{
    return str_starts(region, S("cn-"))       ? S("aws-cn")
           : str_starts(region, S("us-gov-")) ? S("aws-us-gov")
                                              : S("aws");
}

static void handle_call(struct aws *aws, struct http_exchange *x, const struct http_request *r)
{
    struct call *c = arena_alloc(r->arena, sizeof *c);
    struct sigv4_request signed_request = {r->method, r->path, r->query, r->headers, r->body};
    struct sigv4 sig = {0};
    enum sigv4_found found = sigv4_read(r->arena, &signed_request, &sig);
    struct str type = http_header_get(r->headers, S("Content-Type")), name;
    bool is_form = r->body.n > 0 && str_starts(type, S("application/x-www-form-urlencoded"));
    struct form form = {0};

    policy_cache_trim(aws);
    *c = (struct call){.aws = aws,
                       .arena = r->arena,
                       .store = aws->o.store,
                       .clock = store_clock(aws->o.store),
                       .ids = store_ids(aws->o.store),
                       .request = r,
                       .exchange = x};
    c->now = clock_now(c->clock);
    c->request_id = ids_uuid(c->ids, c->arena);
    c->region = region_of(aws, r, &sig);
    c->partition = partition_of(c->region);
    if (!form_parse(c->arena, is_form ? r->body : r->query, &form)) {
        reply_error(c, S("MalformedQueryString"), 400, S("The parameters cannot be read"));
        reply_send(c);
        return;
    }
    c->service = aws_route(c->arena, r, sig.service, &form, &name);
    if (c->service == NULL)
        refuse_unknown_service(c, name);
    else if (serve(c, &form, found, &sig).how == DONE_LATER)
        return;
    reply_send(c);
}

void aws_handle(void *data, struct http_exchange *x, const struct http_request *r)
{
    struct aws *aws = data;

    if (!issuer_handle(aws, x, r) && !metadata_handle(aws, x, r))
        handle_call(aws, x, r);
}

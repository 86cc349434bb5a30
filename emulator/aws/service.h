/* What a service is made of: a table of operations, each a row with its handler. The dispatcher
 * has checked the signature, decoded and validated the input, asked IAM and begun a transaction
 * (OP_WRITES) before a handler runs; the answer leaves after the commit. A handler holds rules
 * only and never blocks.
 *
 *     static struct done create_rule(struct call *c, const void *input);
 *     static const struct aws_op ops[] = {
 *         {"CreateRule", create_rule, "{ListenerArn}", OP_WRITES},
 *     };
 *     const struct aws_service elbv2_service = AWS_SERVICE(elbv2, "elasticloadbalancing", ops);
 */
#pragma once

#include "auth/policy.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/ids.h"
#include "net/http_server.h"
#include "schema/codec.h"
#include "schema/shape.h"
#include "store/store.h"

struct aws;
struct aws_service;
struct aws_op;
struct iam_session;

/* Who asks. The root user of an account may do everything; what Elbow issued is bound by its
 * policies. */
struct identity {
    bool root;
    bool anonymous;      /* no signature at all */
    struct str account;  /* 12 digits */
    struct str arn;      /* user, or session: arn:aws:sts::A:assumed-role/R/S */
    struct str user_id;  /* "AIDA…", "AROA…:S", or the account for its root */
    struct str role_arn; /* of a session; else empty */
    struct str name;     /* of a user; empty for root and sessions of roles */
    struct str access_key;
    const struct iam_session *session; /* of temporary credentials, else NULL (store/iam.h) */
};

/* One call, from its request to its answer. Lives in its exchange's arena. */
struct call {
    struct aws *aws;
    struct arena *arena;
    struct store *store;
    struct clock *clock;
    struct ids *ids;
    const struct aws_service *service;
    const struct aws_op *op;
    const struct aws_model_operation *model;
    const struct http_request *request;
    struct http_exchange *exchange;
    const void *input;
    struct identity identity;
    struct str account; /* whose things the call is about: the identity's */
    struct str region;
    struct str partition; /* "aws" */
    struct str request_id;
    int64_t now; /* of the world, ms; the same throughout the call */
    /* the answer */
    int status;
    struct str code; /* of a fault */
    struct str body;
    struct str content_type;
};

/* Made by the functions below only, so that no handler can forget to answer. */
struct done {
    enum { DONE_REPLY, DONE_FAULT, DONE_LATER } how;
};

/* Answers with @output, of the operation's output shape (NULL where it has none); it is encoded
 * now and nothing of it is kept. */
struct done call_reply(struct call *c, const void *output);

/* Answers with a modelled error. What the call wrote is undone. */
struct done call_fault(struct call *c, const struct fault *fault, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* Something of ours failed with @error (logged by then): InternalFailure. What was written is
 * undone. */
struct done call_fail(struct call *c, int error);

/* The answer comes later, through call_resume with what call_reply, call_fault or call_fail gave.
 * Not for operations with OP_WRITES. */
struct done call_later(struct call *c);
void call_resume(struct call *c, struct done done);

/* "arn:aws:elasticloadbalancing:<region>:<account>:<rest>" for this call's service. In its
 * arena. */
struct str call_arn(struct call *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Whether the caller may hand @role_arn to @service ("ec2.amazonaws.com"): iam:PassRole. Else
 * *ret_done is the denial. */
bool call_may_pass_role(struct call *c, struct str role_arn, const char *service,
                        struct done *ret_done);

typedef struct done aws_handler(struct call *c, const void *input);

enum op_flag {
    OP_WRITES = 1,   /* runs in a transaction */
    OP_UNSIGNED = 2, /* may be called without a signature */
    OP_ALWAYS = 4,   /* IAM is not asked (sts:GetCallerIdentity) */
};

/* @resource is what IAM is asked about: NULL for operations without resource types, else ARNs
 * parted by '|', each of which is asked for. In them {Member} stands for a member of the input (a
 * list asks for each of its elements, {List.Member} for those of a list of structures; an absent
 * one drops the ARN), {Member=otherwise} for one with
 * a default, {region} and {account} for the call's, and {kind:Member} for the ARN of what a name
 * means (resource.c has the kinds: "{ec2:GroupId}", "{role:RoleName}"). "{ListenerArn}" is a whole
 * ARN from the request. Tags that a call gives to what it creates are asked for by themselves
 * (authorize.c). */
struct aws_op {
    const char *name;
    aws_handler *handle;
    const char *resource;
    unsigned flags;
};

struct aws_service {
    const struct aws_model *model;
    const char *prefix; /* of its actions in policies, and in its ARNs */
    const struct aws_op *ops;
    size_t op_count;
};

#define AWS_SERVICE(name, prefix, ops)             \
    {                                              \
        &name##_model, prefix, ops, ARRAY_LEN(ops) \
    }

/* Errors that every service has. */
extern const struct fault AWS_VALIDATION_ERROR;

/* IAM policies: parsed once, judged often. Pure: no store, no clock, no I/O.
 * Source: IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements reference". */
#pragma once

#include <stdbool.h>

#include "auth/condition.h"
#include "base/arena.h"
#include "base/str.h"

enum policy_kind {
    POLICY_IDENTITY, /* of users, groups, roles; session policies and boundaries too */
    POLICY_TRUST,    /* of a role: who may assume it */
};

struct policy;

/* Reads a document. *ret_policy is to be freed; or NULL is left and *ret_why (in @a) says what is
 * wrong in the words of MalformedPolicyDocument. */
bool policy_parse(struct arena *a, struct str document, enum policy_kind kind,
                  struct policy **ret_policy, struct str *ret_why);
void policy_free(struct policy *p);
/* For CLEANUP. */
void policy_freep(struct policy **p);

/* Who asks, as trust policies name principals; empty where it is none of that. Without its account
 * a principal is only matched where it is named itself, not where its whole account or everybody
 * is. */
struct policy_principal {
    struct str arn;       /* user or session ARN: arn:aws:sts::A:assumed-role/R/S */
    struct str role_arn;  /* of an assumed role: arn:aws:iam::A:role/R */
    struct str account;   /* 12 digits */
    struct str service;   /* "ec2.amazonaws.com" */
    struct str federated; /* ARN of the OIDC provider */
};

struct policy_request {
    struct str action;   /* "elasticloadbalancing:CreateLoadBalancer" */
    struct str resource; /* an ARN, or "*" for actions without resource types */
    struct context context;
    const struct policy_principal *principal; /* for trust policies; else may be NULL */
};

enum policy_verdict { POLICY_SILENT, POLICY_ALLOWS, POLICY_DENIES };

/* What one policy says; a deny beats an allow. */
enum policy_verdict policy_evaluate(const struct policy *p, const struct policy_request *r);

/* A statement that matched, counted from 0. */
struct policy_match {
    size_t statement;
    bool denies;
};

/* Which statements match; at most @most of them, in order, at @matches. */
size_t policy_matches(const struct policy *p, const struct policy_request *r,
                      struct policy_match *matches, size_t most);

/* Calls @tell for each context key that conditions and variables of the policy ask for; one may
 * come several times. */
void policy_context_keys(const struct policy *p, void (*tell)(void *data, struct str key),
                         void *data);

/* Where something stands in a document, both counted from 1. */
struct policy_position {
    int64_t line, column;
};

/* Where statement @index of a well-formed document begins, and where its last character is
 * (policy_source.c). False when there is no such statement. */
bool policy_statement_span(struct str document, size_t index, struct policy_position *ret_start,
                           struct policy_position *ret_end);

/* The policies that bind one principal. A NULL boundary or no session policies do not bind. */
struct policy_set {
    struct policy *const *identity;
    size_t identity_count;
    const struct policy *boundary;
    struct policy *const *session;
    size_t session_count;
};

/* Decides by the whole algorithm for a call within one account. On refusal *ret_reason (may be
 * NULL; in @a) is what AWS puts behind "… on resource: R": " because no identity-based policy
 * allows the X action", " with an explicit deny in an identity-based policy" … */
bool policy_allows(struct arena *a, const struct policy_set *set, const struct policy_request *r,
                   struct str *ret_reason);

/* Who signed a call, and whether IAM lets them. */
#pragma once

#include "auth/sigv4.h"
#include "aws/service.h"

/* A refusal before or instead of a handler, in its protocol's words. */
enum refusal {
    ALLOWED,
    UNKNOWN_KEY,
    BAD_SIGNATURE,
    BROKEN_SIGNATURE,
    EXPIRED_SESSION,
    NOT_IN_TIME,
    NO_SIGNATURE,
    DENIED,
};

/* Fills c->identity from the signature; *ret_text (in the call's arena) is the message of a
 * refusal. An access key that Elbow did not issue is the root of an account, unchecked; one that
 * it issued is verified. */
enum refusal authenticate(struct call *c, enum sigv4_found found, const struct sigv4 *sig,
                          const struct sigv4_request *signed_request, struct str *ret_text);

/* Asks IAM for the operation on each of its resources, and for the tagging that it does. */
enum refusal authorize(struct call *c, struct str *ret_text);

/* Asks IAM for one more action on one resource, as some calls need ("iam:PassRole"). */
enum refusal authorize_action(struct call *c, struct str action, struct str resource,
                              struct str *ret_text);

/* What the policies of the caller alone say of an action, in a context that is theirs and the
 * request's, with nothing logged and --iam off not looked at: for AssumeRole, whose trust policies
 * have a say too. */
bool caller_may(struct call *c, struct str action, struct str resource, struct str *ret_reason);

/* What the dispatcher's files share; handlers see aws/service.h only. */
#pragma once

#include "aws/authorize.h"
#include "aws/aws.h"
#include "aws/service.h"

enum { MOST_CALLS = 2048, LARGEST_ANSWER = 64 << 20 };

/* One remembered call; its texts are one heap block, pointed at by @texts. */
struct call_note {
    int64_t time;
    int status;
    char *texts;
    struct str service, action, principal, code;
};

struct policy_cache;
struct metadata;

struct aws {
    struct aws_options o;
    struct policy_cache *policies; /* compiled (principal.c); NULL at first */
    struct metadata *metadata;     /* of instances (metadata.c); NULL at first */
    struct call_note *notes;       /* a ring */
    size_t note_count, note_next;
};

/* --- reply.c ------------------------------------------------------------------------------ */

/* Words an error in the call's protocol, in place of whatever answer there was. */
void reply_error(struct call *c, struct str code, int status, struct str message);

/* Words a refusal of the dispatcher (authorize.h). */
void reply_refusal(struct call *c, enum refusal why, struct str message);

/* Sends the answer. Ends the exchange. */
void reply_send(struct call *c);

/* --- calls.c ------------------------------------------------------------------------------ */

void calls_note(struct aws *aws, const struct call *c);
void calls_free(struct aws *aws);

/* --- principal.c -------------------------------------------------------------------------- */

void policy_cache_free(struct policy_cache *cache);
/* Forgets compiled policies when they have become many. Between calls only. */
void policy_cache_trim(struct aws *aws);

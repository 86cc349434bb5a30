/* The codecs of the AWS protocols. All walk the same shapes (schema/shape.h): a request becomes
 * the input struct of its operation, a struct becomes an answer. Decoded values lie in the arena
 * and in the request. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "schema/form.h"
#include "schema/shape.h"

/* What is wrong with a request's members, in the order in which AWS would tell it. */
struct problem {
    struct problem *next;
    enum problem_kind {
        PROBLEM_MISSING, /* a required member was not given */
        PROBLEM_TYPE,    /* a value is not of its type */
        PROBLEM_VALUE,   /* a bound, an enumeration or a pattern does not hold */
        PROBLEM_UNKNOWN, /* no such member (EC2 only) */
    } kind;
    struct str member;     /* its wire name, with the path to it: "Tags.member.1.Key" */
    struct str value;      /* as given; at == NULL for none */
    struct str constraint; /* "Member must not be null" … */
};

struct problems {
    struct problem *first, **tail;
    size_t count;
};

static inline void problems_init(struct problems *p)
{
    *p = (struct problems){.tail = &p->first};
}

/* "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must
 * not be null", as most services word it. In @a. */
struct str problems_text(struct arena *a, const struct problems *p);

/* --- requests ----------------------------------------------------------------------------- */

/* Query and EC2 Query: "Tags.member.1.Key=…", and "Tag.1.Key=…". Returns the input struct in @a;
 * values of a wrong type are noted in @p and left absent. @ignored are names that are no members
 * ("Action", "Version" …): everything else that is unknown is noted for EC2 and passed over for
 * Query. */
void *query_decode(struct arena *a, const struct shape *shape, const struct form *form, bool ec2,
                   struct problems *p);

/* JSON: from a parsed object (NULL: an empty one). */
void *json_decode(struct arena *a, const struct shape *shape, const cJSON *body,
                  struct problems *p);

/* REST-JSON: labels of the path, the query and headers on top of a body. @header looks one up. */
struct rest_request {
    struct str path; /* raw */
    struct str query;
    const cJSON *body;
    struct str (*header)(const void *data, struct str name);
    const void *data;
};

/* Whether @path fits @uri ("/clusters/{name}/node-groups"). */
bool rest_path_matches(const char *uri, struct str path);
void *rest_decode(struct arena *a, const struct shape *shape, const char *uri,
                  const struct rest_request *r, struct problems *p);

/* Moves every text of @value that a JSON tree owns into @a, so that the tree may go. */
void shape_own(struct arena *a, const struct shape *shape, void *value);

/* Presence, bounds, enumerations and patterns of everything in @value. */
void shape_validate(struct arena *a, const struct shape *shape, const void *value,
                    struct problems *p);

/* A member of @value by its wire name: strings as they are, numbers and booleans as text, a list
 * of strings as its elements. The texts lie in @a. None when absent. */
struct str_list shape_texts(struct arena *a, const struct shape *shape, const void *value,
                            struct str name);

/* --- answers ------------------------------------------------------------------------------ */

struct xml_style {
    bool ec2;           /* lists as <xSet><item>, booleans and times in EC2's form */
    bool whole_seconds; /* times without milliseconds */
};

void xml_encode(struct buf *b, const struct shape *shape, const void *value,
                const struct xml_style *style);
void json_encode(struct buf *b, const struct shape *shape, const void *value);

/* The keys of a call's context, which conditions of policies ask for. */
#pragma once

#include "aws/resource.h"

/* A context that grows. In the call's arena. */
struct context_builder {
    struct call *call;
    struct context_key *keys;
    size_t n, room;
};

/* Empty. */
struct context_builder context_builder_for(struct call *c);

/* Adds a key; without values, or with an empty one, nothing is added. Texts are borrowed. */
void context_put(struct context_builder *b, struct str name, struct str value);
void context_put_list(struct context_builder *b, struct str name, const struct str *values,
                      size_t n);

/* Who asks, from where and when: the keys that every request has. */
void context_put_caller(struct context_builder *b);

/* What the input says: tags, and the keys of the service. */
void context_put_request(struct context_builder *b, const struct request_tags *tags);

/* The tags of the resource that is asked about. */
void context_put_resource(struct context_builder *b, struct str arn);

struct context context_of(const struct context_builder *b);

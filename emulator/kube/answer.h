/* How answers become bytes: the form the client accepts, objects in the version it asked in. */
#pragma once

#include "base/buf.h"
#include "kube/call.h"

/* Everything one answer may be: all objects of a large cluster in one list. */
enum { LARGEST_ANSWER = 1 << 30 };

/* Chooses c->form by the Accept header. False: 406. */
bool answer_negotiate(struct kube_call *c);

/* The JSON of @o in the version of @k. */
void answer_write_object(struct buf *b, const struct kind *k, struct object *o);

/* A tree of @o in the version of @k; the caller's. */
cJSON *answer_object_doc(const struct kind *k, struct object *o);

/* {kind: PartialObjectMetadata, …} of @o. */
void answer_write_partial(struct buf *b, struct object *o);

/* Sends what the call was answered, and ends it. */
void answer_send(struct kube_call *c);

/* The headers of every answer, for streams; in the call's arena. */
struct http_headers answer_headers(struct kube_call *c, struct str content_type);

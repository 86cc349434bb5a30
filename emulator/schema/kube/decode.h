/* From bytes to normalised documents, as the API server's decoder followed by its encoder would
 * make them: unknown members dropped (and told), scalars in their one canonical form, members in
 * the order of the Go structs, empty ones left out where Go leaves them out and written where Go
 * writes them.
 * Source: kubernetes-api reference §1.4, §4.2; sigs.k8s.io/json for the words of errors. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/json.h"
#include "schema/kube/type.h"

/* One complaint of strict decoding: `unknown field "spec.foo"`, `duplicate field "spec.bar"`. */
struct kube_complaint {
    struct kube_complaint *next;
    struct str text;
};

/* What decoding and patching have to say. All memory is of @arena. */
struct kube_problems {
    struct arena *arena;
    struct str error; /* why there is no document; empty: there is one */
    struct kube_complaint *strict, *last;
    size_t strict_count; /* at most KUBE_MOST_COMPLAINTS are kept, as by the API server */
};

enum { KUBE_MOST_COMPLAINTS = 100 };

struct kube_problems kube_problems_new(struct arena *a);

/* Notes the text as the error unless there is one already. Returns NULL, for `return`. */
void *kube_refuse(struct kube_problems *p, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Notes a complaint of strict decoding; the same text is kept once. */
void kube_complain(struct kube_problems *p, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The complaints as one text: `strict decoding error: unknown field "a", unknown field "b"`.
 * In the arena; empty when there are none. */
struct str kube_strict_error(const struct kube_problems *p);

/* How a body is written. */
enum kube_media { KUBE_MEDIA_NONE, KUBE_MEDIA_JSON, KUBE_MEDIA_YAML, KUBE_MEDIA_PROTOBUF };

/* The form that a Content-Type names; an absent one means JSON. KUBE_MEDIA_NONE: 415. */
enum kube_media kube_media_of(struct str content_type);

/* A request's body, opened: its kind is known, its members are not yet judged. */
struct kube_body {
    enum kube_media media;
    struct str text;              /* borrowed */
    bool is_typed;                /* apiVersion and kind could be read (and may be empty) */
    struct str api_version, kind; /* as in the body; in the problems' arena */
    cJSON *tree;                  /* of JSON and YAML; owned */
    struct str raw;               /* of protobuf: the message within the envelope; borrowed */
};

/* Opens @text. False when it is no such text; p->error tells why in the API server's words. Close
 * it in both cases. */
bool kube_body_open(struct kube_body *b, enum kube_media media, struct str text,
                    struct kube_problems *p);

/* For CLEANUP too. */
void kube_body_close(struct kube_body *b);

/* The normalised document of shape @t, the caller's; apiVersion and kind are those of the body.
 * NULL with p->error. */
cJSON *kube_body_decode(const struct kube_body *b, const struct kube_type *t,
                        struct kube_problems *p);

/* The BadRequest message for a body that could not be opened or decoded into @kind:
 * `Deployment in version "v1" cannot be handled as a Deployment: json: cannot …`. @version is the
 * one of the request, which a body without any has; @why is p->error, or kube_strict_error(p).
 * In @a. */
struct str kube_decode_failure(struct arena *a, const struct kube_body *b, struct str version,
                               struct str kind, struct str why);

/* The normalised form of @tree (not changed; of a body or a patched document), the caller's.
 * NULL with p->error when a member is of a wrong type. */
cJSON *kube_normalise(const struct kube_type *t, const cJSON *tree, struct kube_problems *p);

/* As kube_normalise, but of what @tree says alone: nothing is filled in, and zeros stay. What a
 * client applies is read so. */
cJSON *kube_read_sparse(const struct kube_type *t, const cJSON *tree, struct kube_problems *p);

/* Parses JSON; NULL with p->error in the words of Go's encoding/json. Numbers keep their text in
 * valuestring, doubled keys stay. */
cJSON *kube_parse_json(struct str text, struct kube_problems *p);

/* Parses one YAML document into the tree that sigs.k8s.io/yaml would give. Doubled keys are
 * complaints. NULL with p->error. */
cJSON *kube_parse_yaml(struct str text, struct kube_problems *p);

/* The normalised form of a protobuf message of shape @t, the caller's. NULL with p->error. */
cJSON *kube_parse_protobuf(const struct kube_type *t, struct str message, struct kube_problems *p);

/* Puts the members of all objects in @tree into byte order, as Go writes maps. */
void kube_sort_tree(cJSON *tree);

/* @tree as Go's %v prints it: "map[spec:map[replicas:2]]". In @a. */
struct str kube_go_text(struct arena *a, const cJSON *tree);

/* Writes @tree as YAML, with keys in byte order (what kubectl and the API server print). */
void kube_write_yaml(struct buf *b, const cJSON *tree);

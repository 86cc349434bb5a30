/* What IAM's files share: finders that fault, views of rows, paging, checks of documents. */
#pragma once

#include "aws/service.h"
#include "schema/aws/iam.h"
#include "store/iam.h"

/* --- finding (iam_find.c) -------------------------------------------------------------------- */

/* Each finds what a call names, or leaves the answer (NoSuchEntity, or a failure of ours) in
 * *ret_done and says false. */
bool iam_need_entity(struct call *c, enum iam_kind kind, struct str name,
                     struct iam_entity **ret_entity, struct done *ret_done);
bool iam_need_policy(struct call *c, struct str arn, struct iam_managed **ret_policy,
                     struct done *ret_done);
bool iam_need_profile(struct call *c, struct str name, struct iam_profile **ret_profile,
                      struct done *ret_done);
bool iam_need_certificate(struct call *c, struct str name, struct iam_certificate **ret_certificate,
                          struct done *ret_done);
bool iam_need_provider(struct call *c, struct str arn, struct iam_provider **ret_provider,
                       struct done *ret_done);

/* The user that an optional UserName means: the caller, when it is empty. */
bool iam_need_user(struct call *c, struct str name, struct iam_entity **ret_user,
                   struct done *ret_done);

/* "role", "user", "group"; and with a capital letter. */
const char *iam_kind_name(enum iam_kind kind);
const char *iam_kind_title(enum iam_kind kind);

/* "arn:aws:iam::<account>:<kind><path><name>". */
struct str iam_arn(struct call *c, const char *kind, struct str path, struct str name);

/* What @service's linked role is called ("*" for a service that has none; iam_linked_role.c). */
struct str iam_linked_role_name(struct str service);

/* A new unique id: four letters of its kind and 17 more. */
struct str iam_new_id(struct call *c, const char *prefix);

/* The policies that still hang on an entity, in the words of DeleteConflict; NULL for none. */
const char *iam_policies_of(struct call *c, const struct iam_entity *e);

/* Gives a user or group another name and path (either may be empty), and answers (iam_user.c). */
struct done iam_rename(struct call *c, struct iam_entity *e, struct str name, struct str path);

/* What an operation without output answers, after a change that gave @r. */
struct done iam_answer(struct call *c, int r);

/* --- views (iam_view.c): rows as the API shows them, in the call's arena --------------------- */

struct iam_tags { /* as the generated lists of tags are laid out */
    struct iam_tag *at;
    size_t n;
};

/* The tags of @arn; none when the store fails, which is logged there. */
struct iam_tags iam_view_tags(struct call *c, struct str arn);
const struct iam_attached_permissions_boundary *iam_view_boundary(struct call *c, struct str arn);
/* @whole: with what lists leave out (tags, boundary, last use). */
struct iam_role iam_view_role(struct call *c, const struct iam_entity *e, bool whole);
struct iam_user iam_view_user(struct call *c, const struct iam_entity *e, bool whole);
struct iam_group iam_view_group(const struct iam_entity *e);
struct iam_policy iam_view_policy(struct call *c, const struct iam_managed *p, bool whole);
struct iam_instance_profile iam_view_profile(struct call *c, const struct iam_profile *p,
                                             bool whole);
/* "v3". */
struct str iam_version_name(struct call *c, int64_t number);
/* A document as answers carry it: percent-encoded. */
struct str iam_document(struct call *c, struct str text);

/* Fills the .tags of a view; lists of tags are all laid out alike. */
#define IAM_SET_TAGS(view, tags_)       \
    do {                                \
        struct iam_tags set_ = (tags_); \
        (view).tags.at = set_.at;       \
        (view).tags.n = set_.n;         \
    } while (0)

/* --- pages (iam_page.c) ---------------------------------------------------------------------- */

/* A part of a list of rows. */
struct iam_page {
    const void *first; /* of @n rows */
    size_t n;
    bool truncated;
    struct str marker; /* for the next page */
};

/* The page of @rows (each begins with `next`, and has a name at @name_offset) behind @marker, of
 * @most rows (100 by default). False, with *ret_done, for a marker that is none of ours. */
bool iam_page_of(struct call *c, const void *rows, size_t name_offset, struct str marker,
                 struct opt_int most, struct iam_page *ret_page, struct done *ret_done);

/* The row behind @row. */
const void *iam_next(const void *row);

/* Sets the paging members of an output. */
#define IAM_SET_PAGE(out, page)                          \
    do {                                                 \
        (out).is_truncated = OPT_BOOL((page).truncated); \
        if ((page).truncated)                            \
            (out).marker = (page).marker;                \
    } while (0)

/* --- documents (iam_document.c) -------------------------------------------------------------- */

/* Characters that are no white space, which is what quotas count. */
size_t iam_document_size(struct str document);

/* Whether a policy may be stored; else *ret_done says MalformedPolicyDocument. */
bool iam_document_is_good(struct call *c, struct str document, struct done *ret_done);
/* Likewise for a role's trust policy, whose principals must exist. */
bool iam_trust_is_good(struct call *c, struct str document, struct done *ret_done);

/* Whether a policy may bound an entity (iam_attachment.c). */
bool iam_boundary_is_good(struct call *c, struct str arn, struct done *ret_done);

/* --- tags (iam_tags.c) ----------------------------------------------------------------------- */

/* Whether tags may be put on a resource that has @had: number, keys, the aws: prefix. */
bool iam_tags_are_good(struct call *c, const struct iam_tag *tags, size_t n, size_t had,
                       struct done *ret_done);
/* Puts them; 0 or a negative error of the store. */
int iam_put_tags(struct call *c, struct str arn, const struct iam_tag *tags, size_t n);
/* What was renamed keeps its tags. */
int iam_move_tags(struct call *c, struct str from, struct str to);

/* --- providers (iam_provider.c) -------------------------------------------------------------- */

/* How a provider is known: the host and path of its https URL, without the port. False when it is
 * no such URL. */
bool iam_provider_name(struct arena *a, struct str url, struct str *ret_name);

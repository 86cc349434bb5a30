/* Identity: users, roles, groups, policies, providers, profiles, certificates, keys and sessions
 * of every account. What AWS derives (attachment counts, who uses a policy) is a query.
 *
 * All finders put their result in @a and leave NULL where there is none; all return 0 or a
 * negative error of the store. Changes are made inside the caller's transaction and announce
 * CHANGE_IAM. Names are unique without regard to case and keep it. Times are milliseconds. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "store/store.h"

extern const char iam_schema_1[];
extern const char iam_schema_2[];

/* --- users, roles, groups (iam_entity.c) ------------------------------------------------ */

enum iam_kind { IAM_USER, IAM_ROLE, IAM_GROUP };

struct iam_entity {
    struct iam_entity *next;
    enum iam_kind kind;
    struct str account, name, path;
    struct str id; /* AIDA…, AROA…, AGPA… */
    struct str arn;
    int64_t created;
    struct str boundary; /* ARN of the permissions boundary; empty: none */
    /* Roles only. */
    struct str description;
    int64_t max_session_s;
    struct str trust;  /* the policy document */
    int64_t last_used; /* 0: never */
    struct str last_region;
};

int iam_entity_find(struct store *s, struct arena *a, enum iam_kind kind, struct str account,
                    struct str name, struct iam_entity **ret_entity);
int iam_entity_find_by_arn(struct store *s, struct arena *a, struct str arn,
                           struct iam_entity **ret_entity);
/* By name, those whose path begins with @path_prefix. */
int iam_entity_list(struct store *s, struct arena *a, enum iam_kind kind, struct str account,
                    struct str path_prefix, struct iam_entity **ret_first);
int iam_entity_insert(struct store *s, const struct iam_entity *e);
/* Writes what may change: path, name (to e->name, from @old_name), ARN, description, session
 * length, trust, boundary, last use. Attachments, inline policies and keys follow a new name. */
int iam_entity_update(struct store *s, struct str old_name, const struct iam_entity *e);
/* With its tags; attachments, inline policies, keys and memberships go along. */
int iam_entity_delete(struct store *s, const struct iam_entity *e);

int iam_group_add(struct store *s, struct str account, struct str group, struct str user);
int iam_group_remove(struct store *s, struct str account, struct str group, struct str user);
/* The groups of @name (kind IAM_USER), or the users of the group @name (kind IAM_GROUP). */
int iam_group_list(struct store *s, struct arena *a, enum iam_kind kind, struct str account,
                   struct str name, struct iam_entity **ret_first);

/* --- policies (iam_policy.c) ------------------------------------------------------------ */

/* A managed policy; the account of those that AWS manages is "aws". */
struct iam_managed {
    struct iam_managed *next;
    struct str arn, account, name, path, id, description;
    int64_t created, updated;
    int64_t default_version, next_version;
    int64_t attachments, boundaries; /* how many entities use it, counted */
};

struct iam_version {
    struct iam_version *next;
    int64_t number; /* 1 is "v1" */
    struct str document;
    int64_t created;
};

int iam_policy_find(struct store *s, struct arena *a, struct str arn,
                    struct iam_managed **ret_policy);
/* By name; of one account ("aws" too), those whose path begins with @path_prefix. */
int iam_policy_list(struct store *s, struct arena *a, struct str account, struct str path_prefix,
                    struct iam_managed **ret_first);
/* With its first version, whose number is default_version (0: 1). */
int iam_policy_insert(struct store *s, const struct iam_managed *p, struct str document);
/* With its versions and tags. */
int iam_policy_delete(struct store *s, struct str arn);

/* Newest first. */
int iam_version_list(struct store *s, struct arena *a, struct str arn,
                     struct iam_version **ret_first);
/* Takes the policy's next number; *ret_number. */
int iam_version_insert(struct store *s, struct arena *a, struct str arn, struct str document,
                       int64_t now, bool make_default, int64_t *ret_number);
int iam_version_set_default(struct store *s, struct str arn, int64_t number, int64_t now);
int iam_version_delete(struct store *s, struct str arn, int64_t number);

/* Attaching twice, and detaching what is not attached, changes nothing; *ret_changed tells. */
int iam_attach(struct store *s, const struct iam_entity *e, struct str policy_arn, int64_t now);
int iam_detach(struct store *s, const struct iam_entity *e, struct str policy_arn,
               bool *ret_changed);
/* The policies attached to @e, in the order of attaching. */
int iam_attachment_list(struct store *s, struct arena *a, const struct iam_entity *e,
                        struct iam_managed **ret_first);
/* The entities of one kind that the policy is attached to (or bounds: @as_boundary), by name. */
int iam_attached_to(struct store *s, struct arena *a, struct str policy_arn, enum iam_kind kind,
                    bool as_boundary, struct iam_entity **ret_first);

struct iam_inline {
    struct iam_inline *next;
    struct str name, document;
};

int iam_inline_put(struct store *s, const struct iam_entity *e, struct str name,
                   struct str document);
int iam_inline_delete(struct store *s, const struct iam_entity *e, struct str name,
                      bool *ret_changed);
/* By name. */
int iam_inline_list(struct store *s, struct arena *a, const struct iam_entity *e,
                    struct iam_inline **ret_first);

/* The documents that bind @e: inline and attached ones, of a user's groups too; and of its
 * boundary. *ret_first has the names of what they come from. */
int iam_document_list(struct store *s, struct arena *a, const struct iam_entity *e,
                      struct iam_inline **ret_first, struct str *ret_boundary);

/* --- tags, of whatever has an ARN (iam_tag.c) ------------------------------------------- */

struct iam_label {
    struct iam_label *next;
    struct str key, value;
};

/* By key. */
int iam_tag_list(struct store *s, struct arena *a, struct str arn, struct iam_label **ret_first);
int iam_tag_put(struct store *s, struct str arn, struct str key, struct str value);
int iam_tag_remove(struct store *s, struct str arn, struct str key);

/* --- OIDC providers, instance profiles, server certificates (iam_resource.c) ------------- */

struct iam_provider {
    struct iam_provider *next;
    struct str account, arn;
    struct str url; /* without scheme and port: "oidc.eks.R.amazonaws.com/id/X" */
    int64_t created;
    struct str client_ids, thumbprints; /* JSON arrays of strings */
};

int iam_provider_find(struct store *s, struct arena *a, struct str arn,
                      struct iam_provider **ret_provider);
int iam_provider_list(struct store *s, struct arena *a, struct str account,
                      struct iam_provider **ret_first);
/* Inserts, or replaces the lists of the one with that ARN. */
int iam_provider_put(struct store *s, const struct iam_provider *p);
int iam_provider_delete(struct store *s, struct str arn);

struct iam_profile {
    struct iam_profile *next;
    struct str account, name, path, id, arn;
    int64_t created;
    struct str role; /* its role's name; empty: none */
};

int iam_profile_find(struct store *s, struct arena *a, struct str account, struct str name,
                     struct iam_profile **ret_profile);
/* By name, those whose path begins with @path_prefix; of one role where @role is not empty. */
int iam_profile_list(struct store *s, struct arena *a, struct str account, struct str path_prefix,
                     struct str role, struct iam_profile **ret_first);
int iam_profile_insert(struct store *s, const struct iam_profile *p);
int iam_profile_set_role(struct store *s, const struct iam_profile *p, struct str role);
int iam_profile_delete(struct store *s, const struct iam_profile *p);

struct iam_certificate {
    struct iam_certificate *next;
    struct str account, name, path, id, arn;
    int64_t uploaded, expires;
    struct str body, chain, key; /* PEM */
};

int iam_certificate_find(struct store *s, struct arena *a, struct str account, struct str name,
                         struct iam_certificate **ret_certificate);
int iam_certificate_list(struct store *s, struct arena *a, struct str account,
                         struct str path_prefix, struct iam_certificate **ret_first);
int iam_certificate_insert(struct store *s, const struct iam_certificate *c);
/* To a new name, path and ARN. */
int iam_certificate_update(struct store *s, struct str old_name, const struct iam_certificate *c);
int iam_certificate_delete(struct store *s, const struct iam_certificate *c);

/* --- credentials (iam_credential.c) ----------------------------------------------------- */

/* A user's long-lived key. */
struct iam_key {
    struct iam_key *next;
    struct str id; /* AKIA… */
    struct str account, user, secret;
    bool active;
    int64_t created;
    int64_t last_used; /* 0: never */
    struct str last_service, last_region;
};

int iam_key_find(struct store *s, struct arena *a, struct str id, struct iam_key **ret_key);
int iam_key_list(struct store *s, struct arena *a, struct str account, struct str user,
                 struct iam_key **ret_first);
int iam_key_insert(struct store *s, const struct iam_key *k);
int iam_key_set_active(struct store *s, struct str id, bool active);
int iam_key_delete(struct store *s, struct str id);

/* Notes that the key was used, for @service in @region. Announces nothing. */
int iam_key_note_use(struct store *s, struct str id, int64_t now, struct str service,
                     struct str region);

/* A user's way into the console (iam_login.c). */
struct iam_login {
    struct str account, user;
    int64_t created;
    bool reset_required;
};

int iam_login_find(struct store *s, struct arena *a, struct str account, struct str user,
                   struct iam_login **ret_login);
/* Inserts, or changes whether the password must be reset. */
int iam_login_put(struct store *s, const struct iam_login *l);
int iam_login_delete(struct store *s, struct str account, struct str user);

/* What STS gave out: a session of a role, or of a user (GetSessionToken), or of the account. */
struct iam_session {
    struct str id; /* ASIA… */
    struct str account, secret, token;
    struct str arn;     /* of the principal: the session's, or the user's */
    struct str user_id; /* "AROA…:name", "AIDA…" or the account */
    enum iam_kind kind;
    struct str entity; /* the role's or user's name; empty: the account's root */
    int64_t issued, expires;
    struct str policies;   /* JSON array of session policy documents; empty: none */
    struct str tags;       /* JSON object of session tags; empty: none */
    struct str transitive; /* JSON array of the keys of those that go on to the next role */
    struct str federated;  /* ARN of the OIDC provider; empty: none */
    struct str source_identity;
};

int iam_session_find(struct store *s, struct arena *a, struct str id,
                     struct iam_session **ret_session);
/* Also forgets sessions that have been over for a day. */
int iam_session_insert(struct store *s, const struct iam_session *x);

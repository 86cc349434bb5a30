/* The role of an instance and its credentials. Those are issued when they are asked for, and kept
 * until they are about to end. Source: EC2 User Guide, "IAM roles for Amazon EC2". */
#include "aws/metadata_query.h"

#include <stdlib.h>

#include "aws/sts.h"
#include "base/buf.h"
#include "base/memory.h"
#include "store/eks.h"

enum { SESSION_S = 21600, RENEW_MS = 300000 };

/* Credentials that an instance has now. */
struct instance_session {
    struct instance_session *next;
    int64_t expires;
    struct str instance, role; /* their texts lie behind the struct, with the document's */
    struct str document;
    char text[];
};

void metadata_forget_sessions(struct metadata *m)
{
    while (m->sessions != NULL) {
        struct instance_session *next = m->sessions->next;

        free(m->sessions);
        m->sessions = next;
    }
}

/* --- the role -------------------------------------------------------------------------------- */

/* The role of the instance's profile; of its node group, where EKS made the profile. */
static struct iam_entity *role_of(struct metadata_query *q)
{
    struct str name = str_from(q->instance->profile, str_rchr(q->instance->profile, '/') + 1);
    struct nodegroup *group = NULL;
    struct iam_profile *profile = NULL;
    struct iam_entity *role = NULL;

    if (q->instance->profile.n > 0)
        (void)iam_profile_find(q->store, q->arena, q->instance->account, name, &profile);
    if (profile != NULL && profile->role.n > 0)
        (void)iam_entity_find(q->store, q->arena, IAM_ROLE, q->instance->account, profile->role,
                              &role);
    if (profile == NULL && q->instance->nodegroup.n > 0)
        (void)nodegroup_find(q->store, q->arena, q->instance->cluster, q->instance->nodegroup,
                             &group);
    if (group != NULL)
        (void)iam_entity_find_by_arn(q->store, q->arena, group->node_role, &role);
    return role;
}

static struct str json_text_of(struct metadata_query *q, const cJSON *document)
{
    CLEANUP(buf_free) struct buf b = buf_init(METADATA_LARGEST);

    json_write(&b, document);
    return arena_str(q->arena, buf_str(&b));
}

static bool trusts_ec2(struct metadata_query *q, const struct iam_entity *role)
{
    CLEANUP(policy_freep) struct policy *trust = NULL;
    struct policy_principal ec2 = {.service = S("ec2.amazonaws.com")};
    struct policy_request request = {
        .action = S("sts:AssumeRole"), .resource = role->arn, .principal = &ec2};
    struct str why;

    return policy_parse(q->arena, role->trust, POLICY_TRUST, &trust, &why) &&
           policy_evaluate(trust, &request) == POLICY_ALLOWS;
}

/* New credentials of @role for the instance. 0 or a negative error of the store. */
static int issue(struct metadata_query *q, const struct iam_entity *role,
                 struct sts_credentials *ret_credentials)
{
    struct call call = {
        .aws = q->aws,
        .arena = q->arena,
        .store = q->store,
        .clock = store_clock(q->store),
        .ids = store_ids(q->store),
        .account = role->account,
        .region = q->instance->region,
        .partition = S("aws"),
        .now = q->now,
    };
    struct iam_session x = {0};
    int r = store_begin(q->store);

    if (r < 0)
        return r;
    sts_become_role(&call, role, q->instance->id, &x);
    r = sts_issue(&call, &x, SESSION_S, ret_credentials);
    if (r == 0)
        return store_commit(q->store);
    store_rollback(q->store);
    return r;
}

static struct str credentials_document(struct metadata_query *q, const struct sts_credentials *c)
{
    CLEANUP(json_freep) cJSON *document = cJSON_CreateObject();

    json_put_str(document, S("Code"), S("Success"));
    json_put_str(document, S("LastUpdated"), clock_rfc3339(q->arena, q->now));
    json_put_str(document, S("Type"), S("AWS-HMAC"));
    json_put_str(document, S("AccessKeyId"), c->access_key_id);
    json_put_str(document, S("SecretAccessKey"), c->secret_access_key);
    json_put_str(document, S("Token"), c->session_token);
    json_put_str(document, S("Expiration"), clock_rfc3339(q->arena, c->expiration.v));
    return json_text_of(q, document);
}

/* A document without credentials, that says why. */
static struct str failure_document(struct metadata_query *q, const char *code, struct str message)
{
    CLEANUP(json_freep) cJSON *document = cJSON_CreateObject();

    json_put_str(document, S("Code"), str_c(code));
    json_put_str(document, S("Message"), message);
    json_put_str(document, S("LastUpdated"), clock_rfc3339(q->arena, q->now));
    return json_text_of(q, document);
}

static void keep_session(struct metadata_query *q, const struct iam_entity *role, int64_t expires,
                         struct str document)
{
    size_t n = q->instance->id.n + role->arn.n + document.n;
    struct instance_session *s = xcalloc(sizeof *s + n + 1);
    char *at = s->text;

    memcpy(at, q->instance->id.at, q->instance->id.n);
    s->instance = str_n(at, q->instance->id.n);
    at += q->instance->id.n;
    memcpy(at, role->arn.at, role->arn.n);
    s->role = str_n(at, role->arn.n);
    at += role->arn.n;
    memcpy(at, document.at, document.n);
    s->document = str_n(at, document.n);
    s->expires = expires;
    s->next = q->m->sessions;
    q->m->sessions = s;
}

/* The session that the instance has for its role, unless it ends soon; old ones are dropped. */
static struct instance_session *kept_session(struct metadata_query *q,
                                             const struct iam_entity *role)
{
    struct instance_session **at = &q->m->sessions;

    while (*at != NULL) {
        struct instance_session *s = *at;
        bool ours = str_eq(s->instance, q->instance->id);
        bool fresh = s->expires > q->now + RENEW_MS && s->expires <= q->now + SESSION_S * 1000;

        if (ours && fresh && str_eq(s->role, role->arn))
            return s;
        if (ours || !fresh) {
            *at = s->next;
            free(s);
        } else {
            at = &s->next;
        }
    }
    return NULL;
}

static struct str credentials(struct metadata_query *q, const struct iam_entity *role)
{
    struct instance_session *kept = kept_session(q, role);
    struct sts_credentials fresh;
    struct str document;

    if (kept != NULL)
        return kept->document;
    if (!trusts_ec2(q, role))
        return failure_document(
            q, "AssumeRoleUnauthorizedAccess",
            arena_printf(q->arena,
                         "EC2 cannot assume the role %.*s. Please see documentation at "
                         "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
                         "troubleshoot_iam-ec2.html#troubleshoot_iam-ec2_errors-info-doc.",
                         STR_ARG(role->name)));
    if (issue(q, role, &fresh) < 0)
        return failure_document(q, "InternalError", S("The credentials cannot be made"));
    document = credentials_document(q, &fresh);
    keep_session(q, role, fresh.expiration.v, document);
    return document;
}

struct str metadata_profile(struct metadata_query *q)
{
    CLEANUP(json_freep) cJSON *document = cJSON_CreateObject();
    struct iam_profile *profile = NULL;
    struct str name = str_from(q->instance->profile, str_rchr(q->instance->profile, '/') + 1);

    if (q->instance->profile.n == 0)
        return (struct str){0};
    (void)iam_profile_find(q->store, q->arena, q->instance->account, name, &profile);
    json_put_str(document, S("Code"), S("Success"));
    json_put_str(document, S("LastUpdated"), clock_rfc3339(q->arena, q->now));
    json_put_str(document, S("InstanceProfileArn"), q->instance->profile);
    json_put_str(document, S("InstanceProfileId"),
                 profile != NULL ? profile->id : S("AIPAELBOWNODEGROUP000"));
    return json_text_of(q, document);
}

/* What lies below iam/security-credentials/: the role's name, and its credentials below that. */
struct str metadata_credentials(struct metadata_query *q, struct str name)
{
    const struct iam_entity *role = role_of(q);

    if (role == NULL || (name.n > 0 && !str_eq(name, role->name)))
        return (struct str){0};
    return name.n > 0 ? credentials(q, role) : role->name;
}

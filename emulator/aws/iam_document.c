/* Whether a policy document may be stored. Its grammar is auth/policy's; who may be named in a
 * trust policy is only known here. Source: reference aws-eks-iam-ec2 section 2.4; IAM User Guide,
 * "AWS JSON policy elements: Principal". */
#include "aws/iam.h"

#include "base/json.h"

size_t iam_document_size(struct str document)
{
    size_t n = 0;

    for (size_t i = 0; i < document.n; i++)
        n += strchr(" \t\r\n", document.at[i]) == NULL;
    return n;
}

static bool is_good(struct call *c, struct str document, enum policy_kind kind,
                    struct done *ret_done)
{
    CLEANUP(policy_freep) struct policy *policy = NULL;
    struct str why;

    if (policy_parse(c->arena, document, kind, &policy, &why))
        return true;
    *ret_done = call_fault(c, &iam_malformed_policy_document_exception, "%.*s", STR_ARG(why));
    return false;
}

bool iam_document_is_good(struct call *c, struct str document, struct done *ret_done)
{
    return is_good(c, document, POLICY_IDENTITY, ret_done);
}

/* --- principals ------------------------------------------------------------------------------ */

static bool is_account(struct str s)
{
    if (s.n != 12)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
    return true;
}

/* "arn:aws:iam::A:user/x", "…:role/x", "…:root", "arn:aws:sts::A:assumed-role/R/S",
 * "arn:aws:sts::A:federated-user/x". */
static bool arn_exists(struct call *c, struct str arn)
{
    struct str part[5], rest = arn;
    struct iam_entity *entity = NULL;

    for (size_t i = 0; i < ARRAY_LEN(part); i++)
        if (!str_cut(rest, ':', &part[i], &rest))
            return false;
    if (!str_is(part[0], "arn") || !is_account(part[4]))
        return false;
    if (str_is(part[2], "sts"))
        return str_starts(rest, S("assumed-role/")) || str_starts(rest, S("federated-user/"));
    if (!str_is(part[2], "iam"))
        return false;
    return str_is(rest, "root") || (iam_entity_find_by_arn(c->store, c->arena, arn, &entity) == 0 &&
                                    entity != NULL && entity->kind != IAM_GROUP);
}

static bool aws_principal_exists(struct call *c, struct str name)
{
    return str_is(name, "*") || is_account(name) || arn_exists(c, name) ||
           (name.n == 21 && (str_starts(name, S("AROA")) || str_starts(name, S("AIDA"))));
}

static bool service_exists(struct call *c UNUSED, struct str name)
{
    return str_ends(name, S(".amazonaws.com")) || str_ends(name, S(".amazonaws.com.cn")) ||
           str_ends(name, S(".amazon.com")) || str_is(name, "*");
}

static bool federation_exists(struct call *c UNUSED, struct str name)
{
    static const char *const known[] = {"cognito-identity.amazonaws.com", "www.amazon.com",
                                        "graph.facebook.com", "accounts.google.com", "*"};

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_is(name, known[i]))
            return true;
    return str_starts(name, S("arn:")) && (str_find(name, S(":oidc-provider/")) != STR_NONE ||
                                           str_find(name, S(":saml-provider/")) != STR_NONE);
}

static const struct principal_kind {
    const char *name, *shown;
    bool (*exists)(struct call *c, struct str name);
} principal_kinds[] = {
    {"AWS",       "AWS",       aws_principal_exists},
    {"Service",   "SERVICE",   service_exists      },
    {"Federated", "FEDERATED", federation_exists   },
};

/* The first name of @names ("string or list") that nobody has; empty when all are known. */
static struct str unknown_of(struct call *c, const struct principal_kind *k, const cJSON *names)
{
    if (cJSON_IsString(names))
        return k->exists(c, json_text(names)) ? (struct str){0} : json_text(names);
    JSON_EACH(one, names)
        if (!k->exists(c, json_text(one)))
            return json_text(one);
    return (struct str){0};
}

static bool principals_exist(struct call *c, const cJSON *principal, struct done *ret_done)
{
    for (size_t i = 0; cJSON_IsObject(principal) && i < ARRAY_LEN(principal_kinds); i++) {
        const cJSON *names = json_get(principal, principal_kinds[i].name);
        struct str unknown = {0};

        if (names != NULL)
            unknown = unknown_of(c, &principal_kinds[i], names);
        if (unknown.n == 0)
            continue;
        *ret_done = call_fault(c, &iam_malformed_policy_document_exception,
                               "Invalid principal in policy: \"%s\":\"%.*s\"",
                               principal_kinds[i].shown, STR_ARG(unknown));
        return false;
    }
    return true;
}

bool iam_trust_is_good(struct call *c, struct str document, struct done *ret_done)
{
    CLEANUP(json_freep) cJSON *tree = NULL;
    const cJSON *statements;

    if (!is_good(c, document, POLICY_TRUST, ret_done))
        return false;
    tree = json_parse(document, NULL);
    statements = json_get(tree, "Statement");
    if (cJSON_IsObject(statements))
        return principals_exist(c, json_get(statements, "Principal"), ret_done);
    JSON_EACH(statement, statements)
        if (!principals_exist(c, json_get(statement, "Principal"), ret_done))
            return false;
    return true;
}

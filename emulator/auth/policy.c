/* Policies are kept as the document's tree: statements are few, and what they say is judged where
 * it stands. Parsing has checked every shape, so that judging trusts it. */
#include "auth/policy.h"

#include <stdlib.h>

#include "auth/pattern.h"
#include "base/json.h"
#include "base/memory.h"

struct policy {
    cJSON *document;
    bool variables; /* Version 2012-10-17: ${…} means something */
};

void policy_free(struct policy *p)
{
    if (p == NULL)
        return;
    cJSON_Delete(p->document);
    free(p);
}

void policy_freep(struct policy **p)
{
    policy_free(*p);
}

/* --- checking a document ------------------------------------------------------------------ */

static const struct str syntax_error = STR_INIT("Syntax errors in policy.");

static bool is_one_of(const char *key, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(key, names[i]) == 0)
            return true;
    return false;
}

/* Only known keys, each once. */
static bool keys_are_known(const cJSON *object, const char *const *names, size_t n)
{
    JSON_EACH(item, object)
        if (!is_one_of(item->string, names, n) || json_member(object, str_c(item->string)) != item)
            return false;
    return true;
}

/* A string, or a list of at least one string. */
static bool is_strings(const cJSON *item)
{
    if (cJSON_IsString(item))
        return true;
    if (!cJSON_IsArray(item) || item->child == NULL)
        return false;
    JSON_EACH(one, item)
        if (!cJSON_IsString(one))
            return false;
    return true;
}

static bool is_scalars(const cJSON *item)
{
    if (!cJSON_IsArray(item))
        return cJSON_IsString(item) || cJSON_IsNumber(item) || cJSON_IsBool(item);
    JSON_EACH(one, item)
        if (cJSON_IsArray(one) || cJSON_IsObject(one) || cJSON_IsNull(one))
            return false;
    return true;
}

static struct str check_action(struct str action)
{
    struct str vendor, rest;

    if (str_is(action, "*"))
        return S("");
    if (!str_cut(action, ':', &vendor, &rest) || vendor.n == 0)
        return S("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
    if (str_chr(rest, ':') != STR_NONE)
        return S("Actions/Condition can contain only one colon.");
    return S("");
}

static struct str check_resource(struct arena *a, struct str resource)
{
    if (str_is(resource, "*") || str_starts(resource, S("arn:")))
        return S("");
    return arena_printf(a, "Resource %.*s must be in ARN format or \"*\".", STR_ARG(resource));
}

/* Checks each string of a "string or list"; the first complaint, or nothing. */
static struct str check_each_action(const cJSON *item)
{
    struct str why = S("");

    if (cJSON_IsString(item))
        return check_action(json_text(item));
    JSON_EACH(one, item)
        why = why.n > 0 ? why : check_action(json_text(one));
    return why;
}

static struct str check_each_resource(struct arena *a, const cJSON *item)
{
    struct str why = S("");

    if (cJSON_IsString(item))
        return check_resource(a, json_text(item));
    JSON_EACH(one, item)
        why = why.n > 0 ? why : check_resource(a, json_text(one));
    return why;
}

static struct str check_condition(const cJSON *block)
{
    if (block == NULL)
        return S("");
    if (!cJSON_IsObject(block))
        return syntax_error;
    JSON_EACH(by_operator, block) {
        if (!condition_operator_known(str_c(by_operator->string)) || !cJSON_IsObject(by_operator))
            return syntax_error;
        JSON_EACH(wanted, by_operator)
            if (!is_scalars(wanted))
                return syntax_error;
    }
    return S("");
}

static struct str check_principal(const cJSON *principal)
{
    static const char *const names[] = {"AWS", "Service", "Federated", "CanonicalUser"};

    if (cJSON_IsString(principal))
        return str_is(json_text(principal), "*") ? S("") : syntax_error;
    if (!cJSON_IsObject(principal) || principal->child == NULL ||
        !keys_are_known(principal, names, ARRAY_LEN(names)))
        return syntax_error;
    JSON_EACH(of_kind, principal)
        if (!is_strings(of_kind))
            return syntax_error;
    return S("");
}

/* What only one kind of policy may, or must, have. */
static struct str check_identity_statement(struct arena *a, const cJSON *statement)
{
    const cJSON *resource = json_get(statement, "Resource");
    const cJSON *others = json_get(statement, "NotResource");

    if (json_get(statement, "Principal") != NULL || json_get(statement, "NotPrincipal") != NULL)
        return S("Policy document should not specify a principal.");
    if (resource == NULL && others == NULL)
        return S("Policy statement must contain resources.");
    if ((resource != NULL) == (others != NULL) || !is_strings(resource != NULL ? resource : others))
        return syntax_error;
    return check_each_resource(a, resource != NULL ? resource : others);
}

static struct str check_trust_statement(const cJSON *statement)
{
    const cJSON *principal = json_get(statement, "Principal");
    const cJSON *others = json_get(statement, "NotPrincipal"),
                *actions = json_get(statement, "Action");

    if (json_get(statement, "Resource") != NULL || json_get(statement, "NotResource") != NULL)
        return S("Has prohibited field Resource");
    if (principal == NULL && others == NULL)
        return S("Missing required field Principal");
    if (cJSON_IsString(actions) && !str_starts(json_text(actions), S("sts:")))
        return S("AssumeRole policy may only specify STS AssumeRole actions.");
    JSON_EACH(action, cJSON_IsArray(actions) ? actions : NULL)
        if (!str_starts(json_text(action), S("sts:")))
            return S("AssumeRole policy may only specify STS AssumeRole actions.");
    return check_principal(principal != NULL ? principal : others);
}

static struct str check_statement(struct arena *a, const cJSON *statement, enum policy_kind kind)
{
    static const char *const names[] = {"Sid",       "Effect",       "Action",
                                        "NotAction", "Resource",     "NotResource",
                                        "Principal", "NotPrincipal", "Condition"};
    const cJSON *action = json_get(statement, "Action"), *others = json_get(statement, "NotAction");
    struct str effect = json_str(statement, "Effect"), why;

    if (!cJSON_IsObject(statement) || !keys_are_known(statement, names, ARRAY_LEN(names)) ||
        !(str_is(effect, "Allow") || str_is(effect, "Deny")))
        return syntax_error;
    if (action == NULL && others == NULL)
        return S("Policy statement must contain actions.");
    if ((action != NULL) == (others != NULL) || !is_strings(action != NULL ? action : others))
        return syntax_error;
    why = check_each_action(action != NULL ? action : others);
    if (why.n == 0)
        why = kind == POLICY_TRUST ? check_trust_statement(statement)
                                   : check_identity_statement(a, statement);
    return why.n > 0 ? why : check_condition(json_get(statement, "Condition"));
}

static bool sid_repeats(const cJSON *statements, const cJSON *statement)
{
    struct str sid = json_str(statement, "Sid");

    if (sid.n == 0)
        return false;
    JSON_EACH(other, statements)
        if (other != statement && str_eq(json_str(other, "Sid"), sid))
            return true;
    return false;
}

static struct str check_document(struct arena *a, const cJSON *document, enum policy_kind kind)
{
    static const char *const names[] = {"Version", "Id", "Statement"};
    const cJSON *version = json_get(document, "Version"), *all = json_get(document, "Statement");
    struct str why = S("");

    if (!cJSON_IsObject(document) || !keys_are_known(document, names, ARRAY_LEN(names)) ||
        (version != NULL && !str_is(json_text(version), "2012-10-17") &&
         !str_is(json_text(version), "2008-10-17")))
        return syntax_error;
    if (cJSON_IsObject(all))
        return check_statement(a, all, kind);
    if (!cJSON_IsArray(all) || all->child == NULL)
        return syntax_error;
    JSON_EACH(statement, all) {
        if (why.n == 0)
            why = check_statement(a, statement, kind);
        if (why.n == 0 && sid_repeats(all, statement))
            why = S("Statement IDs (SID) in a single policy must be unique.");
    }
    return why;
}

bool policy_parse(struct arena *a, struct str document, enum policy_kind kind,
                  struct policy **ret_policy, struct str *ret_why)
{
    CLEANUP(json_freep) cJSON *tree = json_parse(document, NULL);
    struct str why = tree == NULL ? syntax_error : check_document(a, tree, kind);
    struct policy *p;

    if (why.n > 0) {
        *ret_why = why;
        return false;
    }
    p = xcalloc(sizeof *p);
    p->variables = str_is(json_str(tree, "Version"), "2012-10-17");
    p->document = TAKE(tree);
    *ret_policy = p;
    return true;
}

/* --- judging ------------------------------------------------------------------------------ */

typedef bool matches_cb(struct arena *a, const struct policy *p, const struct policy_request *r,
                        struct str wanted);

static bool any_matches(struct arena *a, const struct policy *p, const struct policy_request *r,
                        const cJSON *item, matches_cb *matches)
{
    if (cJSON_IsString(item))
        return matches(a, p, r, json_text(item));
    JSON_EACH(one, item)
        if (matches(a, p, r, json_text(one)))
            return true;
    return false;
}

static bool action_matches(struct arena *a UNUSED, const struct policy *p UNUSED,
                           const struct policy_request *r, struct str wanted)
{
    return pattern_matches(wanted, r->action, true);
}

static bool resource_matches(struct arena *a, const struct policy *p,
                             const struct policy_request *r, struct str wanted)
{
    if (p->variables && str_find(wanted, S("${")) != STR_NONE &&
        !condition_expand(a, wanted, &r->context, &wanted))
        return false;
    return pattern_matches(wanted, r->resource, false);
}

/* "123456789012", "arn:aws:iam::123456789012:root", a user's, role's or session's ARN, "*". */
static bool aws_principal_matches(struct arena *a, const struct policy *p UNUSED,
                                  const struct policy_request *r, struct str wanted)
{
    const struct policy_principal *who = r->principal;

    if (who->arn.n > 0 && str_eq(wanted, who->arn))
        return true;
    if (who->role_arn.n > 0 && str_eq(wanted, who->role_arn))
        return true;
    return who->account.n > 0 &&
           (str_is(wanted, "*") || str_eq(wanted, who->account) ||
            str_eq(wanted, arena_printf(a, "arn:aws:iam::%.*s:root", STR_ARG(who->account))));
}

static bool service_matches(struct arena *a UNUSED, const struct policy *p UNUSED,
                            const struct policy_request *r, struct str wanted)
{
    return r->principal->service.n > 0 && str_eq(wanted, r->principal->service);
}

static bool federated_matches(struct arena *a UNUSED, const struct policy *p UNUSED,
                              const struct policy_request *r, struct str wanted)
{
    return r->principal->federated.n > 0 && str_eq(wanted, r->principal->federated);
}

static bool principal_matches(struct arena *a, const struct policy *p,
                              const struct policy_request *r, const cJSON *principal)
{
    static const struct {
        const char *kind;
        matches_cb *matches;
    } kinds[] = {
        {"AWS",       aws_principal_matches},
        {"Service",   service_matches      },
        {"Federated", federated_matches    },
    };

    if (r->principal == NULL || cJSON_IsString(principal)) /* "*": anybody */
        return r->principal != NULL &&
               r->principal->account.n + r->principal->federated.n + r->principal->service.n > 0;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const cJSON *item = json_get(principal, kinds[i].kind);

        if (item != NULL && any_matches(a, p, r, item, kinds[i].matches))
            return true;
    }
    return false;
}

/* An element or its "Not" twin; a statement has one of them, or none where neither applies. */
static bool element_matches(struct arena *a, const struct policy *p, const struct policy_request *r,
                            const cJSON *statement, const char *name, const char *not_name,
                            matches_cb *matches)
{
    const cJSON *item = json_get(statement, name), *others = json_get(statement, not_name);

    if (item != NULL)
        return any_matches(a, p, r, item, matches);
    return others == NULL || !any_matches(a, p, r, others, matches);
}

static bool statement_matches(struct arena *a, const struct policy *p,
                              const struct policy_request *r, const cJSON *statement)
{
    const cJSON *principal = json_get(statement, "Principal");
    const cJSON *others = json_get(statement, "NotPrincipal");

    return element_matches(a, p, r, statement, "Action", "NotAction", action_matches) &&
           element_matches(a, p, r, statement, "Resource", "NotResource", resource_matches) &&
           (principal == NULL || principal_matches(a, p, r, principal)) &&
           (others == NULL || !principal_matches(a, p, r, others)) &&
           condition_holds(json_get(statement, "Condition"), &r->context, p->variables);
}

enum policy_verdict policy_evaluate(const struct policy *p, const struct policy_request *r)
{
    const cJSON *all = json_get(p->document, "Statement");
    const cJSON *first = cJSON_IsObject(all) ? all : all->child;
    enum policy_verdict verdict = POLICY_SILENT;
    struct arena a = {0};

    for (const cJSON *s = first; s != NULL; s = cJSON_IsObject(all) ? NULL : s->next) {
        if (!statement_matches(&a, p, r, s))
            continue;
        if (str_is(json_str(s, "Effect"), "Deny")) {
            verdict = POLICY_DENIES;
            break;
        }
        verdict = POLICY_ALLOWS;
    }
    arena_free(&a);
    return verdict;
}

size_t policy_matches(const struct policy *p, const struct policy_request *r,
                      struct policy_match *matches, size_t most)
{
    const cJSON *all = json_get(p->document, "Statement");
    const cJSON *first = cJSON_IsObject(all) ? all : all->child;
    struct arena a = {0};
    size_t n = 0, index = 0;

    for (const cJSON *s = first; s != NULL; s = cJSON_IsObject(all) ? NULL : s->next, index++)
        if (n < most && statement_matches(&a, p, r, s))
            matches[n++] = (struct policy_match){index, str_is(json_str(s, "Effect"), "Deny")};
    arena_free(&a);
    return n;
}

/* --- what it asks for ------------------------------------------------------------------------ */

struct key_teller {
    void (*tell)(void *data, struct str key);
    void *data;
};

/* The names in "${…}" of one text, but those that stand for a character. */
static void tell_variables(const struct key_teller *t, struct str text)
{
    size_t open;

    while ((open = str_find(text, S("${"))) != STR_NONE) {
        struct str inside, name;

        if (!str_cut(str_from(text, open + 2), '}', &inside, &text))
            return;
        name = str_trim(str_first(inside, str_chr(inside, ',')));
        if (name.n > 1)
            t->tell(t->data, name);
    }
}

static void tell_all_variables(const struct key_teller *t, const cJSON *item)
{
    if (cJSON_IsString(item))
        tell_variables(t, json_text(item));
    JSON_EACH(one, cJSON_IsString(item) ? NULL : item)
        tell_all_variables(t, one);
}

static void tell_conditions(const struct key_teller *t, const cJSON *statement)
{
    JSON_EACH(by_operator, json_get(statement, "Condition"))
        JSON_EACH(wanted, by_operator)
            t->tell(t->data, str_c(wanted->string));
}

void policy_context_keys(const struct policy *p, void (*tell)(void *data, struct str key),
                         void *data)
{
    const cJSON *all = json_get(p->document, "Statement");
    const cJSON *first = cJSON_IsObject(all) ? all : all->child;
    const struct key_teller t = {tell, data};

    for (const cJSON *s = first; s != NULL; s = cJSON_IsObject(all) ? NULL : s->next) {
        tell_conditions(&t, s);
        if (p->variables)
            tell_all_variables(&t, s);
    }
}

static enum policy_verdict evaluate_all(struct policy *const *policies, size_t n,
                                        const struct policy_request *r)
{
    enum policy_verdict verdict = POLICY_SILENT;

    for (size_t i = 0; i < n; i++) {
        enum policy_verdict one = policy_evaluate(policies[i], r);

        if (one == POLICY_DENIES)
            return one;
        if (one == POLICY_ALLOWS)
            verdict = one;
    }
    return verdict;
}

bool policy_allows(struct arena *a, const struct policy_set *set, const struct policy_request *r,
                   struct str *ret_reason)
{
    struct policy *boundary = (struct policy *)(uintptr_t)set->boundary;
    const struct {
        const char *name; /* as AWS words it, with its article */
        struct policy *const *policies;
        size_t count;
        bool binds;
    } layers[] = {
        {"an identity-based policy", set->identity, set->identity_count, true                  },
        {"a permissions boundary",   &boundary,     1,                   set->boundary != NULL },
        {"a session policy",         set->session,  set->session_count,  set->session_count > 0},
    };
    enum policy_verdict verdicts[ARRAY_LEN(layers)] = {0};
    struct str reason = {0};

    for (size_t i = 0; i < ARRAY_LEN(layers); i++) {
        verdicts[i] =
            layers[i].binds ? evaluate_all(layers[i].policies, layers[i].count, r) : POLICY_ALLOWS;
        if (verdicts[i] == POLICY_DENIES && reason.n == 0)
            reason = arena_printf(a, " with an explicit deny in %s", layers[i].name);
    }
    for (size_t i = 0; reason.n == 0 && i < ARRAY_LEN(layers); i++)
        if (verdicts[i] == POLICY_SILENT)
            reason = arena_printf(a, " because no %s allows the %.*s action",
                                  strchr(layers[i].name, ' ') + 1, STR_ARG(r->action));
    if (ret_reason != NULL)
        *ret_reason = reason;
    return reason.n == 0;
}

/* The policy simulator: what policies would say, without asking for anything. It is the engine that
 * judges calls, with a context that the caller makes up. Source: IAM API Reference,
 * SimulatePrincipalPolicy, SimulateCustomPolicy, GetContextKeysForPrincipalPolicy. */
#include "aws/iam.h"
#include "aws/iam_operations.h"

#include "aws/principal.h"

enum {
    MOST_POLICIES = 200,
    MOST_KEYS = 512,
    MOST_MATCHES = 64,
    MOST_RESULTS = 1000,
    DEFAULT_PAGE = 100
};

/* A policy that takes part, with how results name it. */
struct taking_part {
    struct str id, type, document;
    struct policy *policy;
};

/* One simulation. */
struct simulation {
    struct call *call;
    struct taking_part all[MOST_POLICIES]; /* identity policies, then boundaries */
    size_t count, identity_count;
    struct str_list actions, resources;
    struct context context;
    struct str_list missing; /* context keys that are asked for and not given */
};

/* --- the policies ---------------------------------------------------------------------------- */

static bool add_policy(struct simulation *s, struct str id, struct str type, struct str document,
                       struct done *ret_done)
{
    struct taking_part *p = &s->all[s->count];

    if (s->count == MOST_POLICIES) {
        *ret_done = call_fault(s->call, &iam_invalid_input_exception,
                               "A simulation takes at most %d policies.", MOST_POLICIES);
        return false;
    }
    *p = (struct taking_part){id, type, document, policy_of_document(s->call, document)};
    if (p->policy == NULL) {
        *ret_done = call_fault(s->call, &iam_invalid_input_exception,
                               "Invalid input: the policy %.*s is "
                               "malformed",
                               STR_ARG(id));
        return false;
    }
    s->count++;
    return true;
}

static bool add_list(struct simulation *s, const struct str_list *documents, const char *name,
                     struct done *ret_done)
{
    for (size_t i = 0; i < documents->n; i++)
        if (!add_policy(s, arena_printf(s->call->arena, "%s.%zu", name, i + 1), S("IAM Policy"),
                        documents->at[i], ret_done))
            return false;
    return true;
}

/* The policies of one entity: "user_bob_inline", and managed ones by their names. */
static bool add_entity(struct simulation *s, const struct iam_entity *e, struct done *ret_done)
{
    struct call *c = s->call;
    struct iam_inline *documents = NULL;
    struct str boundary = {0};
    int r = iam_document_list(c->store, c->arena, e, &documents, &boundary);

    if (r < 0) {
        *ret_done = call_fail(c, r);
        return false;
    }
    for (const struct iam_inline *i = documents; i != NULL; i = i->next)
        if (!add_policy(s,
                        arena_printf(c->arena, "%s_%.*s_%.*s", iam_kind_name(e->kind),
                                     STR_ARG(e->name), STR_ARG(i->name)),
                        S("IAM Policy"), i->document, ret_done))
            return false;
    return true;
}

/* The boundary of the entity itself, unless the request has its own. */
static bool add_boundary(struct simulation *s, const struct iam_entity *e,
                         const struct str_list *given, struct done *ret_done)
{
    struct call *c = s->call;
    struct iam_inline *documents = NULL;
    struct str boundary = {0};

    if (given->n > 0 || e == NULL)
        return add_list(s, given, "PermissionsBoundaryPolicyInputList", ret_done);
    if (iam_document_list(c->store, c->arena, e, &documents, &boundary) < 0 || boundary.n == 0)
        return true;
    return add_policy(s, str_from(e->boundary, str_rchr(e->boundary, '/') + 1),
                      S("IAM Permissions Boundary Policy"), boundary, ret_done);
}

/* --- the context ----------------------------------------------------------------------------- */

static void read_context(struct simulation *s, const struct iam_context_entry *entries, size_t n)
{
    struct context_key *keys = arena_array(s->call->arena, n, sizeof *keys);

    for (size_t i = 0; i < n; i++)
        keys[i] =
            (struct context_key){entries[i].context_key_name, entries[i].context_key_values.at,
                                 entries[i].context_key_values.n};
    s->context = (struct context){keys, n};
}

/* A set of keys, each once whatever its case. */
struct key_set {
    struct str_list list;
    const struct context *without;
};

static void note_key(void *data, struct str key)
{
    struct key_set *set = data;

    if (set->without != NULL && context_find(set->without, key) != NULL)
        return;
    for (size_t i = 0; i < set->list.n; i++)
        if (str_ieq(set->list.at[i], key))
            return;
    if (set->list.n < MOST_KEYS)
        set->list.at[set->list.n++] = key;
}

static struct str_list keys_of(struct simulation *s, const struct context *without)
{
    struct key_set set = {.without = without};

    set.list.at = arena_array(s->call->arena, MOST_KEYS, sizeof *set.list.at);
    for (size_t i = 0; i < s->count; i++)
        policy_context_keys(s->all[i].policy, note_key, &set);
    return set.list;
}

/* --- results --------------------------------------------------------------------------------- */

static struct iam_statement view_statement(struct simulation *s, const struct taking_part *p,
                                           size_t index)
{
    struct iam_position *places = arena_array(s->call->arena, 2, sizeof *places);
    struct policy_position start, end;
    struct iam_statement view = {.source_policy_id = p->id, .source_policy_type = p->type};

    if (!policy_statement_span(p->document, index, &start, &end))
        return view;
    places[0] = (struct iam_position){OPT_INT(start.line), OPT_INT(start.column)};
    places[1] = (struct iam_position){OPT_INT(end.line), OPT_INT(end.column)};
    view.start_position = &places[0];
    view.end_position = &places[1];
    return view;
}

/* The statements that made the decision: the denying ones, or the allowing ones. */
static void collect_statements(struct simulation *s, const struct policy_request *request,
                               bool denies, struct iam_evaluation_result *result)
{
    struct policy_match matches[MOST_MATCHES];

    result->matched_statements.at =
        arena_array(s->call->arena, MOST_MATCHES, sizeof *result->matched_statements.at);
    for (size_t i = 0; i < s->count; i++) {
        size_t n = policy_matches(s->all[i].policy, request, matches, MOST_MATCHES);

        for (size_t k = 0; k < n && result->matched_statements.n < MOST_MATCHES; k++)
            if (matches[k].denies == denies)
                result->matched_statements.at[result->matched_statements.n++] =
                    view_statement(s, &s->all[i], matches[k].statement);
    }
}

static struct iam_evaluation_result evaluate(struct simulation *s, struct str action,
                                             struct str resource)
{
    struct policy *identity[MOST_POLICIES], *boundary[MOST_POLICIES];
    struct policy_request request = {.action = action, .resource = resource, .context = s->context};
    struct policy_set set = {.identity = identity, .identity_count = s->identity_count};
    struct iam_permissions_boundary_decision_detail *detail;
    struct iam_evaluation_result result = {.eval_action_name = action,
                                           .eval_resource_name = resource};
    bool allowed, bounded = true, denied;
    struct str reason = {0};

    for (size_t i = 0; i < s->count; i++) {
        if (i < s->identity_count)
            identity[i] = s->all[i].policy;
        else
            boundary[i - s->identity_count] = s->all[i].policy;
    }
    allowed = policy_allows(s->call->arena, &set, &request, &reason);
    if (s->count > s->identity_count) {
        struct policy_set bounds = {.identity = boundary,
                                    .identity_count = s->count - s->identity_count};
        struct str why = {0};

        bounded = policy_allows(s->call->arena, &bounds, &request, &why);
        if (reason.n == 0 || str_find(why, S("explicit deny")) != STR_NONE)
            reason = why;
        detail = arena_alloc(s->call->arena, sizeof *detail);
        detail->allowed_by_permissions_boundary = OPT_BOOL(bounded);
        result.permissions_boundary_decision_detail = detail;
    }
    denied = str_find(reason, S("explicit deny")) != STR_NONE;
    result.eval_decision = denied               ? S("explicitDeny")
                           : allowed && bounded ? S("allowed")
                                                : S("implicitDeny");
    collect_statements(s, &request, denied, &result);
    result.missing_context_values = s->missing;
    return result;
}

/* The results from @marker on: it is a number of results that were given before. */
static struct done reply(struct simulation *s, struct str marker, struct opt_int most)
{
    struct call *c = s->call;
    struct str_list any = {
        &(struct str){"*", 1},
         1
    };
    const struct str_list *resources = s->resources.n > 0 ? &s->resources : &any;
    size_t total = s->actions.n * resources->n, limit = most.set ? (size_t)most.v : DEFAULT_PAGE;
    struct iam_simulate_policy_response out = {0};
    int64_t from = 0;

    if (marker.n > 0 && (!str_to_int(marker, &from) || from < 0 || (size_t)from >= total))
        return call_fault(c, &iam_invalid_input_exception, "Invalid Marker.");
    out.evaluation_results.at =
        arena_array(c->arena, limit < total ? limit : total, sizeof *out.evaluation_results.at);
    s->missing = keys_of(s, &s->context);
    for (size_t i = (size_t)from; i < total && out.evaluation_results.n < limit; i++)
        out.evaluation_results.at[out.evaluation_results.n++] =
            evaluate(s, s->actions.at[i / resources->n], resources->at[i % resources->n]);
    out.is_truncated = OPT_BOOL((size_t)from + out.evaluation_results.n < total);
    if (out.is_truncated.v)
        out.marker = arena_printf(c->arena, "%zu", (size_t)from + out.evaluation_results.n);
    return call_reply(c, &out);
}

static bool actions_are_good(struct call *c, const struct str_list *actions, struct done *ret_done)
{
    for (size_t i = 0; i < actions->n; i++)
        if (str_chr(actions->at[i], ':') == STR_NONE || str_chr(actions->at[i], '*') != STR_NONE) {
            *ret_done = call_fault(c, &iam_invalid_input_exception,
                                   "Invalid Action: %.*s. The name of an action is its service, a "
                                   "colon and an operation.",
                                   STR_ARG(actions->at[i]));
            return false;
        }
    if (actions->n <= MOST_RESULTS)
        return true;
    *ret_done = call_fault(c, &iam_invalid_input_exception, "Too many actions.");
    return false;
}

/* --- the operations -------------------------------------------------------------------------- */

/* The user, role or group that a simulation is about, and what it inherits. */
static bool add_principal(struct simulation *s, struct str arn, struct iam_entity **ret_entity,
                          struct done *ret_done)
{
    struct call *c = s->call;
    int r = iam_entity_find_by_arn(c->store, c->arena, arn, ret_entity);

    if (r < 0) {
        *ret_done = call_fail(c, r);
        return false;
    }
    if (*ret_entity == NULL || !str_eq((*ret_entity)->account, c->account)) {
        *ret_done = call_fault(c, &iam_no_such_entity_exception,
                               "The entity with ARN %.*s cannot be found.", STR_ARG(arn));
        return false;
    }
    return add_entity(s, *ret_entity, ret_done);
}

struct done iam_simulate_principal_policy(struct call *c, const void *input)
{
    const struct iam_simulate_principal_policy_request *in = input;
    struct simulation *s = arena_alloc(c->arena, sizeof *s);
    struct iam_entity *e = NULL;
    struct done done;

    *s =
        (struct simulation){.call = c, .actions = in->action_names, .resources = in->resource_arns};
    if (!actions_are_good(c, &s->actions, &done) ||
        !add_principal(s, in->policy_source_arn, &e, &done) ||
        !add_list(s, &in->policy_input_list, "PolicyInputList", &done))
        return done;
    s->identity_count = s->count;
    if (!add_boundary(s, e, &in->permissions_boundary_policy_input_list, &done))
        return done;
    read_context(s, in->context_entries.at, in->context_entries.n);
    return reply(s, in->marker, in->max_items);
}

struct done iam_simulate_custom_policy(struct call *c, const void *input)
{
    const struct iam_simulate_custom_policy_request *in = input;
    struct simulation *s = arena_alloc(c->arena, sizeof *s);
    struct done done;

    *s =
        (struct simulation){.call = c, .actions = in->action_names, .resources = in->resource_arns};
    if (!actions_are_good(c, &s->actions, &done) ||
        !add_list(s, &in->policy_input_list, "PolicyInputList", &done))
        return done;
    s->identity_count = s->count;
    if (!add_boundary(s, NULL, &in->permissions_boundary_policy_input_list, &done))
        return done;
    read_context(s, in->context_entries.at, in->context_entries.n);
    return reply(s, in->marker, in->max_items);
}

static struct done reply_keys(struct simulation *s)
{
    struct iam_get_context_keys_for_policy_response out = {.context_key_names = keys_of(s, NULL)};

    return call_reply(s->call, &out);
}

struct done iam_get_context_keys_for_custom_policy(struct call *c, const void *input)
{
    const struct iam_get_context_keys_for_custom_policy_request *in = input;
    struct simulation *s = arena_alloc(c->arena, sizeof *s);
    struct done done;

    *s = (struct simulation){.call = c};
    return add_list(s, &in->policy_input_list, "PolicyInputList", &done) ? reply_keys(s) : done;
}

struct done iam_get_context_keys_for_principal_policy(struct call *c, const void *input)
{
    const struct iam_get_context_keys_for_principal_policy_request *in = input;
    struct simulation *s = arena_alloc(c->arena, sizeof *s);
    struct iam_entity *e = NULL;
    struct done done;

    *s = (struct simulation){.call = c};
    if (!add_principal(s, in->policy_source_arn, &e, &done) ||
        !add_list(s, &in->policy_input_list, "PolicyInputList", &done))
        return done;
    return reply_keys(s);
}

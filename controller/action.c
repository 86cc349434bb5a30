/* Actions. Source: aws-alb-ingress-controller v1.1.4, internal/ingress/annotations/action and
 * internal/alb/ls/rules.go; aws-sdk-go 1.23 for the shapes and the client-side validation. */
#include "action.h"

#include <stdio.h>

#include "go_json.h"
#include "validation.h"

enum member_kind { TEXT, INTEGER };

struct member {
    const char *path;
    enum member_kind kind;
    bool required;         /* where its structure is there */
    unsigned least;        /* length */
    const char *otherwise; /* a redirect's default */
};

/* In the order in which the SDK checks and prints them: nested structures by name. */
static const struct member members[] = {
    {"AuthenticateCognitoConfig.OnUnauthenticatedRequest", TEXT,    false, 0, NULL         },
    {"AuthenticateCognitoConfig.Scope",                    TEXT,    false, 0, NULL         },
    {"AuthenticateCognitoConfig.SessionCookieName",        TEXT,    false, 0, NULL         },
    {"AuthenticateCognitoConfig.SessionTimeout",           INTEGER, false, 0, NULL         },
    {"AuthenticateCognitoConfig.UserPoolArn",              TEXT,    true,  0, NULL         },
    {"AuthenticateCognitoConfig.UserPoolClientId",         TEXT,    true,  0, NULL         },
    {"AuthenticateCognitoConfig.UserPoolDomain",           TEXT,    true,  0, NULL         },
    {"AuthenticateOidcConfig.AuthorizationEndpoint",       TEXT,    true,  0, NULL         },
    {"AuthenticateOidcConfig.ClientId",                    TEXT,    true,  0, NULL         },
    {"AuthenticateOidcConfig.ClientSecret",                TEXT,    false, 0, NULL         },
    {"AuthenticateOidcConfig.Issuer",                      TEXT,    true,  0, NULL         },
    {"AuthenticateOidcConfig.OnUnauthenticatedRequest",    TEXT,    false, 0, NULL         },
    {"AuthenticateOidcConfig.Scope",                       TEXT,    false, 0, NULL         },
    {"AuthenticateOidcConfig.SessionCookieName",           TEXT,    false, 0, NULL         },
    {"AuthenticateOidcConfig.SessionTimeout",              INTEGER, false, 0, NULL         },
    {"AuthenticateOidcConfig.TokenEndpoint",               TEXT,    true,  0, NULL         },
    {"AuthenticateOidcConfig.UserInfoEndpoint",            TEXT,    true,  0, NULL         },
    {"FixedResponseConfig.ContentType",                    TEXT,    false, 0, NULL         },
    {"FixedResponseConfig.MessageBody",                    TEXT,    false, 0, NULL         },
    {"FixedResponseConfig.StatusCode",                     TEXT,    true,  0, NULL         },
    {"Order",                                              INTEGER, false, 0, NULL         },
    {"RedirectConfig.Host",                                TEXT,    false, 1, "#{host}"    },
    {"RedirectConfig.Path",                                TEXT,    false, 1, "/#{path}"   },
    {"RedirectConfig.Port",                                TEXT,    false, 0, "#{port}"    },
    {"RedirectConfig.Protocol",                            TEXT,    false, 0, "#{protocol}"},
    {"RedirectConfig.Query",                               TEXT,    false, 0, "#{query}"   },
    {"RedirectConfig.StatusCode",                          TEXT,    true,  0, NULL         },
    {"TargetGroupArn",                                     TEXT,    false, 0, NULL         },
    {"Type",                                               TEXT,    true,  0, NULL         },
};

/* The structures, with the names that Go's JSON errors give them. */
static const struct {
    struct str name, go_type;
} structures[] = {
    {STR_INIT("AuthenticateCognitoConfig"), STR_INIT("AuthenticateCognitoActionConfig")},
    {STR_INIT("AuthenticateOidcConfig"),    STR_INIT("AuthenticateOidcActionConfig")   },
    {STR_INIT("FixedResponseConfig"),       STR_INIT("FixedResponseActionConfig")      },
    {STR_INIT("RedirectConfig"),            STR_INIT("RedirectActionConfig")           },
};

const char *action_member_path(size_t i)
{
    return i < ARRAY_LEN(members) ? members[i].path : NULL;
}

struct str action_get(const struct action *action, const char *path)
{
    const struct str *value = pairs_get(&action->members, str_c(path));

    return value == NULL ? (struct str){0} : *value;
}

/* pairs_put sorts by path, and the table is sorted by path. */
void action_set(struct arena *a, struct action *action, const char *path, struct str value)
{
    pairs_put(a, &action->members, str_c(path), value);
}

static bool has_structure(const struct action *action, struct str name)
{
    for (size_t i = 0; i < action->members.n; i++) {
        struct str path = action->members.at[i].key;

        if (str_starts(path, name) && path.n > name.n && path.at[name.n] == '.')
            return true;
    }
    return false;
}

/* --- from an annotation ----------------------------------------------------------------- */

struct parsing {
    struct arena *a;
    struct action action;
    bool present[ARRAY_LEN(structures)]; /* also where a structure has no members */
    struct str error;                    /* the first wrong type */
};

/* "json: cannot unmarshal number into Go struct field FixedResponseActionConfig.FixedResponse
 * Config.StatusCode of type string" */
static void wrong_type(struct parsing *p, const cJSON *value, struct str go_type, const char *path,
                       const char *wanted)
{
    char number[32] = "";

    if (p->error.n > 0)
        return;
    if (cJSON_IsNumber(value) && strcmp(wanted, "int64") == 0)
        snprintf(number, sizeof number, " %.17g", value->valuedouble);
    p->error =
        arena_printf(p->a, "json: cannot unmarshal %s%s into Go struct field %.*s.%s of type %s",
                     go_json_kind(value), number, STR_ARG(go_type), path, wanted);
}

static void take_member(struct parsing *p, const cJSON *object, const struct member *m,
                        struct str name, struct str go_type)
{
    const cJSON *value = go_json_member(object, name);
    struct str text = json_text(value);

    if (value == NULL)
        return;
    if (m->kind == TEXT && !cJSON_IsString(value)) {
        wrong_type(p, value, go_type, m->path, "string");
        return;
    }
    if (m->kind == INTEGER && !go_json_is_int(value)) {
        wrong_type(p, value, go_type, m->path, "int64");
        return;
    }
    if (m->kind == INTEGER)
        text = arena_printf(p->a, "%lld", (long long)value->valuedouble);
    action_set(p->a, &p->action, m->path, arena_str(p->a, text));
}

static void take_members(struct parsing *p, const cJSON *object)
{
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        struct str structure, name;

        if (!str_cut(str_c(members[i].path), '.', &structure, &name)) {
            take_member(p, object, &members[i], str_c(members[i].path), S("Action"));
            continue;
        }
        for (size_t s = 0; s < ARRAY_LEN(structures); s++)
            if (str_eq(structures[s].name, structure))
                take_member(p, go_json_member(object, structure), &members[i], name,
                            structures[s].go_type);
    }
}

static void take_structures(struct parsing *p, const cJSON *object)
{
    for (size_t s = 0; s < ARRAY_LEN(structures); s++) {
        const cJSON *value = go_json_member(object, structures[s].name);

        p->present[s] = value != NULL;
        if (value != NULL && !cJSON_IsObject(value)) {
            struct str go_type = arena_printf(p->a, "elbv2.%.*s", STR_ARG(structures[s].go_type));

            wrong_type(p, value, S("Action"), structures[s].name.at, go_type.at);
        }
    }
}

/* The checks that the SDK makes before it would send anything. */
static struct str validate(struct parsing *p)
{
    struct validation v = {.a = p->a};
    int64_t order;

    if (str_to_int(action_get(&p->action, "Order"), &order) && order < 1)
        validation_min_value(&v, 1, "Action.Order");
    if (action_get(&p->action, "Type").at == NULL)
        validation_required(&v, "Action.Type");
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        struct str value = action_get(&p->action, members[i].path), structure, name;
        bool present = false;

        if (!str_cut(str_c(members[i].path), '.', &structure, &name))
            continue;
        for (size_t s = 0; s < ARRAY_LEN(structures); s++)
            present |= p->present[s] && str_eq(structures[s].name, structure);
        if (!present)
            continue;
        if (members[i].required && value.at == NULL)
            validation_required(&v, arena_printf(p->a, "Action.%s", members[i].path).at);
        if (value.at != NULL && value.n < members[i].least)
            validation_min_size(&v, members[i].least,
                                arena_printf(p->a, "Action.%s", members[i].path).at);
    }
    return validation_error(&v);
}

static bool has(const struct parsing *p, const char *structure)
{
    for (size_t s = 0; s < ARRAY_LEN(structures); s++)
        if (p->present[s] && str_is(structures[s].name, structure))
            return true;
    return false;
}

static struct str check_type(struct parsing *p, struct str name)
{
    static const char lacks[] = "%.*s is type %s but did not include a valid %s configuration";
    struct str type = action_get(&p->action, "Type");

    if (str_is(type, "fixed-response"))
        return has(p, "FixedResponseConfig")
                   ? (struct str){0}
                   : arena_printf(p->a, lacks, STR_ARG(name), "fixed-response",
                                  "FixedResponseConfig");
    if (str_is(type, "redirect"))
        return has(p, "RedirectConfig")
                   ? (struct str){0}
                   : arena_printf(p->a, lacks, STR_ARG(name), "redirect", "RedirectConfig");
    if (str_is(type, "forward"))
        return action_get(&p->action, "TargetGroupArn").at != NULL
                   ? (struct str){0}
                   : arena_printf(p->a, lacks, STR_ARG(name), "forward", "TargetGroupArn");
    return arena_printf(p->a, "an invalid action type %.*s was configured in %.*s", STR_ARG(type),
                        STR_ARG(name));
}

static void fill_defaults(struct parsing *p)
{
    if (!has(p, "RedirectConfig"))
        return;
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (members[i].otherwise != NULL && action_get(&p->action, members[i].path).at == NULL)
            action_set(p->a, &p->action, members[i].path, str_c(members[i].otherwise));
}

bool action_parse(struct arena *a, struct str name, struct str json, struct action *ret_action,
                  struct str *ret_error)
{
    struct parsing p = {.a = a};
    CLEANUP(json_freep) cJSON *tree = go_json_parse(a, json, &p.error);

    if (tree != NULL && !cJSON_IsObject(tree))
        p.error = arena_printf(a, "json: cannot unmarshal %s into Go value of type elbv2.Action",
                               go_json_kind(tree));
    if (p.error.n == 0) {
        take_structures(&p, tree);
        take_members(&p, tree);
    }
    if (p.error.n == 0)
        p.error = validate(&p);
    if (p.error.n == 0)
        p.error = check_type(&p, name);
    if (p.error.n > 0) {
        *ret_error = p.error;
        return false;
    }
    fill_defaults(&p);
    *ret_action = p.action;
    return true;
}

struct action action_not_found(struct arena *a)
{
    struct action action = {0};

    action_set(a, &action, "Type", S("fixed-response"));
    action_set(a, &action, "FixedResponseConfig.ContentType", S("text/plain"));
    action_set(a, &action, "FixedResponseConfig.StatusCode", S("404"));
    return action;
}

/* --- comparing -------------------------------------------------------------------------- */

const char *action_parameters_path(const struct action *action)
{
    if (has_structure(action, S("AuthenticateOidcConfig")))
        return "AuthenticateOidcConfig";
    if (has_structure(action, S("AuthenticateCognitoConfig")))
        return "AuthenticateCognitoConfig";
    return NULL;
}

bool actions_equal(const struct actions *a, const struct actions *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (a->at[i].has_parameters != b->at[i].has_parameters ||
            !pairs_equal(&a->at[i].members, &b->at[i].members) ||
            !pairs_equal(&a->at[i].parameters, &b->at[i].parameters))
            return false;
    return true;
}

/* A redirect's part stays what it was: it is the placeholder, or what the request had anyhow. */
static bool stays(struct str part, const char *placeholder, struct str now)
{
    return str_is(part, placeholder) || (now.at != NULL && str_eq(part, now));
}

bool actions_loop(const struct actions *actions, const struct conditions *conditions, int64_t port,
                  struct str protocol)
{
    struct str host = {0}, path = {0};
    int64_t number;

    for (size_t i = 0; i < conditions->n; i++) {
        if (str_is(conditions->at[i].field, "host-header"))
            host = conditions->at[i].values.at[0];
        if (str_is(conditions->at[i].field, "path-pattern"))
            path = conditions->at[i].values.at[0];
    }
    for (size_t i = 0; i < actions->n; i++) {
        const struct action *action = &actions->at[i];
        struct str to_port = action_get(action, "RedirectConfig.Port");

        if (!has_structure(action, S("RedirectConfig")))
            continue;
        return stays(action_get(action, "RedirectConfig.Host"), "#{host}", host) &&
               stays(action_get(action, "RedirectConfig.Path"), "/#{path}", path) &&
               (str_is(to_port, "#{port}") || (str_to_int(to_port, &number) && number == port)) &&
               str_is(action_get(action, "RedirectConfig.Query"), "#{query}") &&
               stays(action_get(action, "RedirectConfig.Protocol"), "#{protocol}", protocol);
    }
    return false;
}

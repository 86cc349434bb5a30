/* Authentication actions, on HTTPS listeners. Annotations of the Service win over those of the
 * Ingress. Source: aws-alb-ingress-controller v1.1.4, internal/ingress/auth and
 * internal/alb/ls/rules.go. */
#include "base/base64.h"
#include "go_json.h"
#include "go_text.h"
#include "model_parts.h"

struct reading {
    struct model_input *m;
    const cJSON *service, *ingress; /* their annotations, NULL for none */
    struct action action;
    struct str error;
};

/* A member of the provider's JSON and where it goes. */
struct provider_member {
    const char *name, *path;
};

struct provider {
    const char *type, *annotation, *action_type, *structure, *go_type;
    const struct provider_member *members; /* NULL name at the end */
};

static const struct provider_member cognito_members[] = {
    {"UserPoolArn",      "AuthenticateCognitoConfig.UserPoolArn"     },
    {"UserPoolClientId", "AuthenticateCognitoConfig.UserPoolClientId"},
    {"UserPoolDomain",   "AuthenticateCognitoConfig.UserPoolDomain"  },
    {NULL,               NULL                                        },
};

static const struct provider_member oidc_members[] = {
    {"AuthorizationEndpoint", "AuthenticateOidcConfig.AuthorizationEndpoint"},
    {"Issuer",                "AuthenticateOidcConfig.Issuer"               },
    {"TokenEndpoint",         "AuthenticateOidcConfig.TokenEndpoint"        },
    {"UserInfoEndpoint",      "AuthenticateOidcConfig.UserInfoEndpoint"     },
    {NULL,                    NULL                                          },
};

static const struct provider providers[] = {
    {"cognito", "auth-idp-cognito", "authenticate-cognito", "AuthenticateCognitoConfig",
     "IDPCognito",              cognito_members},
    {"oidc",    "auth-idp-oidc",    "authenticate-oidc",    "AuthenticateOidcConfig",
     "AnnotationSchemaIDPOIDC", oidc_members   },
};

static struct str find(struct reading *r, const char *name)
{
    return annotations_find(r->m->a, r->m->settings, name, r->service, r->ingress);
}

static void set(struct reading *r, const struct provider *p, const char *member, struct str value)
{
    struct str path = arena_printf(r->m->a, "%s.%s", p->structure, member);

    action_set(r->m->a, &r->action, path.at, arena_str(r->m->a, value));
}

/* The settings that both kinds of provider share. */
static void read_common(struct reading *r, const struct provider *p)
{
    static const struct {
        const char *annotation, *member, *otherwise;
    } rows[] = {
        {"auth-on-unauthenticated-request", "OnUnauthenticatedRequest", "authenticate"           },
        {"auth-scope",                      "Scope",                    "openid"                 },
        {"auth-session-cookie",             "SessionCookieName",        "AWSELBAuthSessionCookie"},
        {"auth-session-timeout",            "SessionTimeout",           "604800"                 },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str value = find(r, rows[i].annotation);

        set(r, p, rows[i].member, value.at == NULL ? str_c(rows[i].otherwise) : value);
    }
}

/* A bad time-out is an error even where nobody has to authenticate. */
static void check_timeout(struct reading *r)
{
    struct str value = find(r, "auth-session-timeout"), quoted;
    int64_t seconds;

    if (value.at == NULL || go_parse_int(value, &seconds))
        return;
    quoted = go_quote(r->m->a, value);
    r->error =
        arena_printf(r->m->a,
                     "failed to parse annotation, %.*s/auth-session-timeout: %.*s: "
                     "strconv.ParseInt: parsing %.*s: invalid syntax",
                     STR_ARG(r->m->settings->annotations_prefix), STR_ARG(value), STR_ARG(quoted));
}

static void read_parameters(struct reading *r, const cJSON *tree)
{
    JSON_EACH(item, go_json_member(tree, S("AuthenticationRequestExtraParams")))
        pairs_put(r->m->a, &r->action.parameters, arena_str(r->m->a, str_c(item->string)),
                  arena_str(r->m->a, json_text(item)));
    r->action.has_parameters = true;
}

static struct str read_members(struct reading *r, const struct provider *p, const cJSON *tree)
{
    for (const struct provider_member *pm = p->members; pm->name != NULL; pm++) {
        const cJSON *item = go_json_member(tree, str_c(pm->name));

        if (item != NULL && !cJSON_IsString(item))
            return arena_printf(r->m->a,
                                "json: cannot unmarshal %s into Go struct field %s.%s of type "
                                "string",
                                go_json_kind(item), p->go_type, pm->name);
        action_set(r->m->a, &r->action, pm->path, arena_str(r->m->a, json_text(item)));
    }
    read_parameters(r, tree);
    return (struct str){0};
}

/* An OIDC client's id and secret stand in a Secret of the same namespace. */
static void read_secret(struct reading *r, const cJSON *tree)
{
    struct str name = json_text(go_json_member(tree, S("SecretName"))), text;
    struct str key =
        arena_printf(r->m->a, "%.*s/%.*s", STR_ARG(r->m->wanted->namespace), STR_ARG(name));
    const cJSON *secret = objects_get(r->m->objects, KIND_SECRET, key);
    static const char *const members[][2] = {
        {"data.clientId",     "AuthenticateOidcConfig.ClientId"    },
        {"data.clientSecret", "AuthenticateOidcConfig.ClientSecret"},
    };

    if (secret == NULL) {
        r->error =
            arena_printf(r->m->a, "failed to load k8s secret: %.*s: Secret \"%.*s\" not found",
                         STR_ARG(key), STR_ARG(name));
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        if (!base64_decode(r->m->a, json_str(secret, members[i][0]), &text))
            text = (struct str){0};
        action_set(r->m->a, &r->action, members[i][1], arena_str(r->m->a, text));
    }
}

static void read_provider(struct reading *r, const struct provider *p)
{
    struct str text = find(r, p->annotation), trouble = {0};
    CLEANUP(json_freep) cJSON *tree = NULL;
    bool oidc = strcmp(p->type, "oidc") == 0;

    if (text.at == NULL) {
        r->error = arena_printf(r->m->a, "annotation %s is required when authType == %s",
                                p->annotation, p->type);
        return;
    }
    tree = go_json_parse(r->m->a, text, &trouble);
    if (tree != NULL)
        trouble = read_members(r, p, tree);
    if (trouble.n > 0) {
        r->error = arena_printf(r->m->a, "%sfailed to parse annotation, %.*s/%s: %.*s: %.*s",
                                oidc ? "failed to load configuration for IDP OIDC: " : "",
                                STR_ARG(r->m->settings->annotations_prefix), p->annotation,
                                STR_ARG(text), STR_ARG(trouble));
        return;
    }
    if (oidc)
        read_secret(r, tree);
}

struct str model_add_authentication(struct model_input *m, const struct backend *b,
                                    struct str protocol, struct actions *actions)
{
    struct reading r = {.m = m, .ingress = json_get(m->ingress, "metadata.annotations")};
    struct str key =
        arena_printf(m->a, "%.*s/%.*s", STR_ARG(m->wanted->namespace), STR_ARG(b->service));
    const cJSON *service = objects_get(m->objects, KIND_SERVICE, key);
    struct str type;

    if (!str_is(protocol, "HTTPS"))
        return r.error;
    if (!backend_uses_annotation(b) && service == NULL)
        return arena_printf(m->a, "failed to get service %.*s: Service \"%.*s\" not found",
                            STR_ARG(key), STR_ARG(b->service));
    if (!backend_uses_annotation(b))
        r.service = json_get(service, "metadata.annotations");
    check_timeout(&r);
    type = find(&r, "auth-type");
    for (size_t i = 0; i < ARRAY_LEN(providers) && r.error.n == 0; i++) {
        if (!str_is(type, providers[i].type))
            continue;
        action_set(m->a, &r.action, "Type", str_c(providers[i].action_type));
        read_common(&r, &providers[i]);
        read_provider(&r, &providers[i]);
        if (r.error.n == 0)
            *LIST_ADD(m->a, actions) = r.action;
    }
    return r.error;
}

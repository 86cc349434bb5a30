/* Actions of listeners and rules: what is allowed together, what is filled in, and which target
 * groups they reach.
 * Source: ELB API Reference 2015-12-01, Action; Application Load Balancers User Guide, "Rule action
 * types"; error texts as AWS gives them. */
#include "aws/elbv2.h"

#include "base/macros.h"

/* One reading of a list of actions. */
struct reading {
    struct call *c;
    const struct elb_action_place *place;
    struct elb_actions *out;
};

static const struct kind {
    const char *type;
    const char *config; /* the member that it needs */
    bool routes;        /* ends a list of actions */
    bool https_only;
} kinds[] = {
    {"forward",              "TargetGroupArn",            true,  false},
    {"redirect",             "RedirectConfig",            true,  false},
    {"fixed-response",       "FixedResponseConfig",       true,  false},
    {"authenticate-oidc",    "AuthenticateOidcConfig",    false, true },
    {"authenticate-cognito", "AuthenticateCognitoConfig", false, true },
    {"jwt-validation",       "JwtValidationConfig",       false, true },
};

static const struct kind *kind_of(const struct elbv2_action *a)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_is(a->type, kinds[i].type))
            return &kinds[i];
    return &kinds[0]; /* the model lets no other through */
}

static bool has_config(const struct elbv2_action *a)
{
    return str_is(a->type, "forward")    ? a->target_group_arn.n > 0 || a->forward_config != NULL
           : str_is(a->type, "redirect") ? a->redirect_config != NULL
           : str_is(a->type, "fixed-response")       ? a->fixed_response_config != NULL
           : str_is(a->type, "authenticate-oidc")    ? a->authenticate_oidc_config != NULL
           : str_is(a->type, "authenticate-cognito") ? a->authenticate_cognito_config != NULL
                                                     : a->jwt_validation_config != NULL;
}

/* --- the list as a whole --------------------------------------------------------------------- */

static int64_t order_of(const struct elbv2_action *a)
{
    return a->order.set ? a->order.v : 0;
}

static int check_orders(struct call *c, const struct elbv2_action *at, size_t n)
{
    for (size_t i = 0; n > 1 && i < n; i++) {
        if (!at[i].order.set)
            return elb_refuse(c, &elbv2_invalid_load_balancer_action_exception,
                              "An order must be specified for every action when there are multiple "
                              "actions");
        for (size_t k = 0; k < i; k++)
            if (at[i].order.v == at[k].order.v)
                return elb_refuse(c, &elbv2_invalid_load_balancer_action_exception,
                                  "Action order '%lld' is specified more than once",
                                  (long long)at[i].order.v);
    }
    return 0;
}

static int check_kinds(struct call *c, const struct elb_action_place *place,
                       const struct elbv2_action *at, size_t n)
{
    size_t routing = 0, others = 0, last = 0;

    for (size_t i = 0; i < n; i++) {
        const struct kind *k = kind_of(&at[i]);

        if (!has_config(&at[i]))
            return elb_refuse(c, &elbv2_invalid_load_balancer_action_exception,
                              "For actions of type '%s', you must specify the following fields: "
                              "'%s'",
                              k->type, k->config);
        if (!str_is(place->lb->type, "application") && strcmp(k->type, "forward") != 0)
            return elb_refuse(c, &elbv2_invalid_load_balancer_action_exception,
                              "Actions of type '%s' are not supported for load balancers with type "
                              "'%.*s'",
                              k->type, STR_ARG(place->lb->type));
        if (k->https_only && !str_is(place->protocol, "HTTPS"))
            return elb_refuse(c, &elbv2_invalid_load_balancer_action_exception,
                              "Actions of type '%s' are supported only on HTTPS listeners",
                              k->type);
        routing += k->routes;
        others += !k->routes;
        if (order_of(&at[i]) >= order_of(&at[last]))
            last = i;
    }
    if (routing != 1)
        return elb_refuse(c, &elbv2_invalid_load_balancer_action_exception,
                          "You must specify exactly one action of type 'forward', 'redirect' or "
                          "'fixed-response'");
    if (!kind_of(&at[last])->routes)
        return elb_refuse(c, &elbv2_invalid_load_balancer_action_exception,
                          "The last action must be of type 'forward', 'redirect' or "
                          "'fixed-response'");
    if (others > 1)
        return elb_refuse(c, &elbv2_too_many_actions_exception,
                          "You've reached the limit on the number of actions per rule");
    return 0;
}

/* --- fixed responses and redirects ----------------------------------------------------------- */

static int read_fixed_response(struct call *c, const struct elbv2_action *a)
{
    static const char *const types[] = {"text/html", "application/json", "application/javascript",
                                        "text/css", "text/plain"};
    struct str type = a->fixed_response_config->content_type;

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (type.n == 0 || str_is(type, types[i]))
            return 0;
    return elb_refuse(c, &elbv2_invalid_load_balancer_action_exception,
                      "The ContentType must be one of:'text/html', 'application/json', "
                      "'application/javascript', 'text/css', 'text/plain'");
}

static struct str or_default(struct str s, struct str otherwise)
{
    return s.at != NULL ? s : otherwise;
}

/* Placeholders are words between #{ and }; only some may stand in each member. */
static bool holds_only(struct str text, const char *words)
{
    size_t at;

    while ((at = str_find(text, S("#{"))) != STR_NONE) {
        struct str name, rest = str_c(words), word;
        bool known = false;

        text = str_from(text, at + 2);
        if (!str_cut(text, '}', &name, &text))
            return false;
        while (str_next(&rest, '|', &word))
            known = known || str_eq(word, name);
        if (!known)
            return false;
    }
    return true;
}

static int check_redirect(struct call *c, const struct elb_action_place *place,
                          const struct elbv2_redirect_action_config *r)
{
    const struct {
        const char *member;
        struct str value;
        const char *words;
    } parts[] = {
        {"Protocol", r->protocol, "protocol"                     },
        {"Host",     r->host,     "host"                         },
        {"Port",     r->port,     "port"                         },
        {"Path",     r->path,     "host|path|port"               },
        {"Query",    r->query,    "protocol|host|port|path|query"},
    };
    int64_t port = 0;

    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (!holds_only(parts[i].value, parts[i].words))
            return elb_refuse(c, &elbv2_invalid_load_balancer_action_exception,
                              "The redirect %s '%.*s' is not valid", parts[i].member,
                              STR_ARG(parts[i].value));
    if (!str_is(r->port, "#{port}") && (!str_to_int(r->port, &port) || port < 1 || port > 65535))
        return elb_refuse(c, &elbv2_invalid_load_balancer_action_exception,
                          "The redirect Port '%.*s' must be '#{port}' or between '1-65535' "
                          "inclusive",
                          STR_ARG(r->port));
    if (r->path.n == 0 || r->path.at[0] != '/')
        return elb_refuse(c, &elbv2_invalid_load_balancer_action_exception,
                          "The redirect Path '%.*s' must begin with '/'", STR_ARG(r->path));
    if (str_is(place->protocol, "HTTPS") && str_is(r->protocol, "HTTP"))
        return elb_refuse(c, &elbv2_invalid_load_balancer_action_exception,
                          "Redirects from HTTPS to HTTP are not supported");
    if (str_is(r->protocol, "#{protocol}") && str_is(r->host, "#{host}") &&
        str_is(r->port, "#{port}") && str_is(r->path, "/#{path}"))
        return elb_refuse(c, &elbv2_invalid_load_balancer_action_exception,
                          "The redirect configuration is not valid because it creates a loop.");
    return 0;
}

static int read_redirect(struct reading *p, struct elbv2_action *a)
{
    struct elbv2_redirect_action_config *r = arena_alloc(p->c->arena, sizeof *r);

    *r = *a->redirect_config;
    r->protocol = or_default(r->protocol, S("#{protocol}"));
    r->host = or_default(r->host, S("#{host}"));
    r->port = or_default(r->port, S("#{port}"));
    r->path = or_default(r->path, S("/#{path}"));
    r->query = or_default(r->query, S("#{query}"));
    a->redirect_config = r;
    return check_redirect(p->c, p->place, r);
}

/* --- forwards -------------------------------------------------------------------------------- */

/* Which groups each listener protocol may forward to. */
static bool protocols_fit(struct str listener, const struct target_group *g)
{
    static const struct {
        const char *listener, *groups;
    } pairs[] = {
        {"HTTP",     "HTTP|HTTPS" },
        {"HTTPS",    "HTTP|HTTPS" },
        {"TCP",      "TCP|TCP_UDP"},
        {"TLS",      "TCP|TLS"    },
        {"UDP",      "UDP|TCP_UDP"},
        {"TCP_UDP",  "TCP_UDP"    },
        {"QUIC",     "QUIC"       },
        {"TCP_QUIC", "TCP_QUIC"   },
        {"",         "GENEVE"     },
    };

    if (str_is(g->target_type, "lambda"))
        return elb_is_word(listener, "HTTP|HTTPS");
    if (str_is(g->target_type, "alb"))
        return str_is(listener, "TCP");
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        if (str_is(listener, pairs[i].listener))
            return elb_is_word(g->protocol, pairs[i].groups);
    return false;
}

static int check_association(struct call *c, const struct elb_action_place *place,
                             const struct target_group *g)
{
    struct load_balancer *user = NULL;
    int r = load_balancer_list_by_target_group(c->store, c->arena, g->arn, &user);

    for (; r == 0 && user != NULL; user = user->next)
        if (!str_eq(user->arn, place->lb->arn))
            return elb_refuse(c, &elbv2_target_group_association_limit_exception,
                              "The following target groups cannot be associated with more than one "
                              "load balancer: %.*s",
                              STR_ARG(g->arn));
    return r;
}

static int check_group(struct call *c, const struct elb_action_place *place,
                       const struct target_group *g)
{
    if (!str_is(g->target_type, "lambda") && !str_eq(g->vpc, place->lb->vpc))
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "The following target groups are not in the VPC of the load balancer: "
                          "%.*s",
                          STR_ARG(g->arn));
    if (!protocols_fit(place->protocol, g))
        return elb_refuse(c, &elbv2_incompatible_protocols_exception,
                          "The listener and the following target groups have incompatible "
                          "protocols: %.*s",
                          STR_ARG(g->arn));
    if (str_is(place->protocol, "HTTP") && elb_is_word(g->protocol_version, "HTTP2|GRPC"))
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "Listener protocol 'HTTP' is not supported with a target group with the "
                          "protocol-version '%.*s'",
                          STR_ARG(g->protocol_version));
    return check_association(c, place, g);
}

/* One group of a forward: there, fitting, and noted. */
static int use_group(struct reading *p, struct str arn)
{
    struct target_group *g = NULL;
    int r;

    if (elb_has(p->out->groups, p->out->group_count, arn))
        return 0;
    r = elb_need_group(p->c, arn, &g);
    if (r == 0)
        r = check_group(p->c, p->place, g);
    if (r != 0)
        return r;
    p->out->groups[p->out->group_count++] = g->arn;
    return 0;
}

static int check_weights(struct call *c, const struct elb_action_place *place,
                         const struct elbv2_forward_action_config *f)
{
    const char *limit = str_is(place->lb->type, "application")
                            ? "target-groups-per-action-on-application-load-balancer"
                            : "target-groups-per-action-on-network-load-balancer";
    int64_t most = elb_limit(c, limit);

    if (f->target_groups.n == 0)
        return elb_refuse(c, &elbv2_invalid_load_balancer_action_exception,
                          "A target group must be specified in the ForwardConfig");
    if ((int64_t)f->target_groups.n > most)
        return elb_refuse(c, &elbv2_invalid_load_balancer_action_exception,
                          "The maximum number of target groups in an action is '%lld'",
                          (long long)most);
    for (size_t i = 0; i < f->target_groups.n; i++) {
        const struct elbv2_target_group_tuple *t = &f->target_groups.at[i];

        if (t->target_group_arn.n == 0)
            return elb_refuse(c, &AWS_VALIDATION_ERROR, "A target group ARN must be specified");
        if (t->weight.set && (t->weight.v < 0 || t->weight.v > 999))
            return elb_refuse(c, &AWS_VALIDATION_ERROR,
                              "Target group weight '%lld' must be between '0-999' inclusive",
                              (long long)t->weight.v);
        for (size_t k = 0; k < i; k++)
            if (str_eq(t->target_group_arn, f->target_groups.at[k].target_group_arn))
                return elb_refuse(c, &elbv2_invalid_load_balancer_action_exception,
                                  "Target group '%.*s' is specified more than once in an action",
                                  STR_ARG(t->target_group_arn));
    }
    return 0;
}

static int check_group_stickiness(struct call *c,
                                  const struct elbv2_target_group_stickiness_config *s)
{
    if (s == NULL || !s->enabled.set || !s->enabled.v)
        return 0;
    if (!s->duration_seconds.set)
        return elb_refuse(c, &elbv2_invalid_load_balancer_action_exception,
                          "DurationSeconds must be specified when target group stickiness is "
                          "enabled");
    if (s->duration_seconds.v < 1 || s->duration_seconds.v > 604800)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "Target group stickiness duration '%lld' must be between '1-604800' "
                          "inclusive",
                          (long long)s->duration_seconds.v);
    return 0;
}

/* Several groups and the stickiness of their targets. */
static int check_target_stickiness(struct reading *p, const struct elbv2_forward_action_config *f)
{
    bool together =
        f->target_group_stickiness_config != NULL && f->target_group_stickiness_config->enabled.v;
    int r = 0;

    for (size_t i = 0; r == 0 && f->target_groups.n > 1 && i < f->target_groups.n; i++) {
        struct str arn = f->target_groups.at[i].target_group_arn, enabled = {0}, type = {0};

        r = elb_attribute(p->c, arn, "stickiness.enabled", &enabled);
        if (r == 0)
            r = elb_attribute(p->c, arn, "stickiness.type", &type);
        if (r != 0 || !str_is(enabled, "true"))
            continue;
        if (str_is(type, "app_cookie"))
            r = elb_refuse(p->c, &elbv2_invalid_load_balancer_action_exception,
                           "When configuring a rule with multiple target groups, none of them can "
                           "have stickiness of type 'app_cookie' enabled");
        else if (!together)
            r = elb_refuse(p->c, &elbv2_invalid_load_balancer_action_exception,
                           "You must enable group stickiness on a rule if you enabled target "
                           "stickiness on one of its target groups");
    }
    return r;
}

/* A forward is kept whole: one group in both forms, weights and stickiness filled in. */
static int read_forward(struct reading *p, struct elbv2_action *a)
{
    struct elbv2_forward_action_config *f = arena_alloc(p->c->arena, sizeof *f);
    struct elbv2_target_group_stickiness_config *s = arena_alloc(p->c->arena, sizeof *s);
    const struct elbv2_forward_action_config *given = a->forward_config;
    size_t n = given != NULL ? given->target_groups.n : 1;
    int r;

    f->target_groups.at = arena_array(p->c->arena, n, sizeof *f->target_groups.at);
    f->target_groups.n = n;
    if (given == NULL)
        f->target_groups.at[0].target_group_arn = a->target_group_arn;
    else if (n > 0)
        memcpy(f->target_groups.at, given->target_groups.at, n * sizeof *f->target_groups.at);
    if (given != NULL && a->target_group_arn.n > 0 &&
        (n != 1 || !str_eq(f->target_groups.at[0].target_group_arn, a->target_group_arn)))
        return elb_refuse(
            p->c, &elbv2_invalid_load_balancer_action_exception,
            "If you specify both ForwardConfig and TargetGroupArn, you can specify "
            "only one target group using ForwardConfig and it must be the same target "
            "group specified in TargetGroupArn");
    if (given != NULL && given->target_group_stickiness_config != NULL)
        *s = *given->target_group_stickiness_config;
    if (!s->enabled.set)
        s->enabled = OPT_BOOL(false);
    f->target_group_stickiness_config = s;
    r = check_weights(p->c, p->place, f);
    if (r == 0)
        r = check_group_stickiness(p->c, s);
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (!f->target_groups.at[i].weight.set)
            f->target_groups.at[i].weight = OPT_INT(1);
        r = use_group(p, f->target_groups.at[i].target_group_arn);
    }
    if (r == 0)
        r = check_target_stickiness(p, f);
    a->forward_config = f;
    a->target_group_arn = n == 1 ? f->target_groups.at[0].target_group_arn : (struct str){0};
    return r;
}

/* --- authentication -------------------------------------------------------------------------- */

static int check_session(struct call *c, struct opt_int timeout, const struct str_map *extra)
{
    if (timeout.set && (timeout.v < 1 || timeout.v > 604800))
        return elb_refuse(c, &elbv2_invalid_load_balancer_action_exception,
                          "SessionTimeout '%lld' must be between '1-604800' inclusive",
                          (long long)timeout.v);
    if (extra->n > 10)
        return elb_refuse(c, &elbv2_invalid_load_balancer_action_exception,
                          "The maximum number of AuthenticationRequestExtraParams is '10'");
    return 0;
}

#define FILL_SESSION(config)                                                         \
    do {                                                                             \
        (config)->session_cookie_name =                                              \
            or_default((config)->session_cookie_name, S("AWSELBAuthSessionCookie")); \
        (config)->scope = or_default((config)->scope, S("openid"));                  \
        (config)->on_unauthenticated_request =                                       \
            or_default((config)->on_unauthenticated_request, S("authenticate"));     \
        if (!(config)->session_timeout.set)                                          \
            (config)->session_timeout = OPT_INT(604800);                             \
    } while (0)

static bool is_https_url(struct str s)
{
    return str_starts(s, S("https://")) && s.n > 8;
}

static int check_endpoints(struct call *c, const struct elbv2_authenticate_oidc_action_config *o)
{
    const struct {
        const char *member;
        struct str url;
    } endpoints[] = {
        {"Issuer",                o->issuer                },
        {"AuthorizationEndpoint", o->authorization_endpoint},
        {"TokenEndpoint",         o->token_endpoint        },
        {"UserInfoEndpoint",      o->user_info_endpoint    },
    };

    for (size_t i = 0; i < ARRAY_LEN(endpoints); i++)
        if (!is_https_url(endpoints[i].url))
            return elb_refuse(c, &elbv2_invalid_load_balancer_action_exception,
                              "The '%s' '%.*s' must be a full URL with the HTTPS protocol",
                              endpoints[i].member, STR_ARG(endpoints[i].url));
    return 0;
}

/* The secret that an earlier version of these actions has for the same client. */
static struct str old_secret(const struct elb_action_place *place, struct str client)
{
    for (size_t i = 0; i < place->before_count; i++) {
        const struct elbv2_authenticate_oidc_action_config *o =
            place->before[i].authenticate_oidc_config;

        if (o != NULL && str_eq(o->client_id, client))
            return o->client_secret;
    }
    return (struct str){0};
}

static int read_oidc(struct reading *p, struct elbv2_action *a)
{
    struct elbv2_authenticate_oidc_action_config *o = arena_alloc(p->c->arena, sizeof *o);
    int r;

    *o = *a->authenticate_oidc_config;
    FILL_SESSION(o);
    if (o->use_existing_client_secret.v && o->client_secret.n == 0)
        o->client_secret = old_secret(p->place, o->client_id);
    o->use_existing_client_secret = (struct opt_bool){0};
    a->authenticate_oidc_config = o;
    r = check_endpoints(p->c, o);
    if (r == 0 && o->client_secret.n == 0)
        r = elb_refuse(p->c, &elbv2_invalid_load_balancer_action_exception,
                       "A client secret must be specified");
    return r == 0 ? check_session(p->c, o->session_timeout, &o->authentication_request_extra_params)
                  : r;
}

static int read_cognito(struct reading *p, struct elbv2_action *a)
{
    struct elbv2_authenticate_cognito_action_config *o = arena_alloc(p->c->arena, sizeof *o);

    *o = *a->authenticate_cognito_config;
    FILL_SESSION(o);
    a->authenticate_cognito_config = o;
    if (!str_starts(o->user_pool_arn, S("arn:")) ||
        str_find(o->user_pool_arn, S(":cognito-idp:")) == STR_NONE)
        return elb_refuse(p->c, &elbv2_invalid_load_balancer_action_exception,
                          "The user pool ARN '%.*s' is not valid", STR_ARG(o->user_pool_arn));
    return check_session(p->c, o->session_timeout, &o->authentication_request_extra_params);
}

static int read_jwt(struct reading *p, const struct elbv2_action *a)
{
    static const char reserved[] = "exp|iss|nbf|iat";
    const struct elbv2_jwt_validation_action_config *j = a->jwt_validation_config;

    if (!is_https_url(j->jwks_endpoint))
        return elb_refuse(p->c, &elbv2_invalid_load_balancer_action_exception,
                          "The 'JwksEndpoint' '%.*s' must be a full URL with the HTTPS protocol",
                          STR_ARG(j->jwks_endpoint));
    for (size_t i = 0; i < j->additional_claims.n; i++)
        if (elb_is_word(j->additional_claims.at[i].name, reserved))
            return elb_refuse(p->c, &elbv2_invalid_load_balancer_action_exception,
                              "The claim '%.*s' cannot be an additional claim",
                              STR_ARG(j->additional_claims.at[i].name));
    return 0;
}

/* --- all together ---------------------------------------------------------------------------- */

static int read_action(struct reading *p, struct elbv2_action *a)
{
    /* Members of other types say nothing. */
    struct elbv2_action kept = {.type = a->type, .order = a->order};
    int r;

    if (str_is(a->type, "forward")) {
        kept.target_group_arn = a->target_group_arn;
        kept.forward_config = a->forward_config;
        r = read_forward(p, &kept);
    } else if (str_is(a->type, "redirect")) {
        kept.redirect_config = a->redirect_config;
        r = read_redirect(p, &kept);
    } else if (str_is(a->type, "fixed-response")) {
        kept.fixed_response_config = a->fixed_response_config;
        r = read_fixed_response(p->c, &kept);
    } else if (str_is(a->type, "authenticate-oidc")) {
        kept.authenticate_oidc_config = a->authenticate_oidc_config;
        r = read_oidc(p, &kept);
    } else if (str_is(a->type, "authenticate-cognito")) {
        kept.authenticate_cognito_config = a->authenticate_cognito_config;
        r = read_cognito(p, &kept);
    } else {
        kept.jwt_validation_config = a->jwt_validation_config;
        r = read_jwt(p, &kept);
    }
    *a = kept;
    return r;
}

/* Groups of one load balancer that are new to it must not become too many. */
static int check_unique_groups(struct reading *p)
{
    struct target_group *have = NULL;
    size_t n = 0, fresh = 0;
    int r;

    if (p->out->group_count == 0)
        return 0;
    r = target_group_list_by_load_balancer(p->c->store, p->c->arena, p->place->lb->arn, &have);
    ELB_COUNT(n, have);
    for (size_t i = 0; i < p->out->group_count; i++) {
        bool known = false;

        for (const struct target_group *g = have; g != NULL; g = g->next)
            known = known || str_eq(g->arn, p->out->groups[i]);
        fresh += !known;
    }
    if (r != 0 || fresh == 0 || !str_is(p->place->lb->type, "application"))
        return r;
    return elb_check_limit(p->c, "target-groups-per-application-load-balancer",
                           (int64_t)(n + fresh),
                           &elbv2_too_many_unique_target_groups_per_load_balancer_exception);
}

static size_t count_groups(const struct elbv2_action *at, size_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += 1 + (at[i].forward_config != NULL ? at[i].forward_config->target_groups.n : 0);
    return count;
}

int elb_read_actions(struct call *c, const struct elb_action_place *place,
                     const struct elbv2_action *at, size_t n, struct elb_actions *ret)
{
    struct reading p = {.c = c, .place = place, .out = ret};
    size_t most = count_groups(at, n);
    int r;

    if (n == 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR, "An action must be specified");
    ret->groups = arena_array(c->arena, most, sizeof *ret->groups);
    ret->group_count = 0;
    ret->at = arena_array(c->arena, n, sizeof *ret->at);
    ret->n = n;
    memcpy(ret->at, at, n * sizeof *at);
    r = check_orders(c, at, n);
    if (r == 0)
        r = check_kinds(c, place, at, n);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = read_action(&p, &ret->at[i]);
    if (r == 0)
        r = check_unique_groups(&p);
    if (r == 0)
        ret->json = elb_write_list(c, &elbv2_action_shape, ret->at, n);
    return r;
}

struct elbv2_action *elb_show_actions(struct call *c, struct str json, size_t *ret_n)
{
    struct elbv2_action *at = elb_read_list(c, &elbv2_action_shape, json, ret_n);

    for (size_t i = 0; i < *ret_n; i++) {
        struct elbv2_authenticate_oidc_action_config *o;

        if (at[i].authenticate_oidc_config == NULL)
            continue;
        o = arena_alloc(c->arena, sizeof *o);
        *o = *at[i].authenticate_oidc_config;
        o->client_secret = (struct str){0};
        at[i].authenticate_oidc_config = o;
    }
    return at;
}

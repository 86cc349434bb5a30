/* The model's listeners and rules. Source: aws-alb-ingress-controller v1.1.4, internal/alb/ls. */
#include "model_parts.h"

/* The action behind a backend: its annotation's, or a forward to its target group. */
static struct str add_backend_action(struct model_input *m, const struct backend *b,
                                     struct actions *actions)
{
    const struct wanted *w = m->wanted;
    struct action forward = {0};

    if (backend_uses_annotation(b)) {
        for (size_t i = 0; i < w->annotations.actions.n; i++)
            if (str_eq(w->annotations.actions.at[i].name, b->service)) {
                struct action copy = {.parameters = w->annotations.actions.at[i].action.parameters};

                pairs_put_all(m->a, &copy.members, &w->annotations.actions.at[i].action.members);
                *LIST_ADD(m->a, actions) = copy;
                return (struct str){0};
            }
        return arena_printf(m->a,
                            "backend with `servicePort: use-annotation` was configured with "
                            "`serviceName: %.*s` but an action annotation for %.*s is not set",
                            STR_ARG(b->service), STR_ARG(b->service));
    }
    action_set(m->a, &forward, "Type", S("forward"));
    for (size_t i = 0; i < w->target_groups.n; i++)
        if (str_eq(w->target_groups.at[i].service, b->service) &&
            str_eq(w->target_groups.at[i].port, b->port) &&
            w->target_groups.at[i].numeric_port == b->numeric_port)
            forward.target_group = i + 1;
    *LIST_ADD(m->a, actions) = forward;
    return (struct str){0};
}

static void number_actions(struct arena *a, struct actions *actions)
{
    for (size_t i = 0; i < actions->n; i++)
        action_set(a, &actions->at[i], "Order", arena_printf(a, "%zu", i + 1));
}

/* Authentication first, then the backend. */
static struct str build_actions(struct model_input *m, const struct backend *b, struct str protocol,
                                struct actions *ret)
{
    struct str error = model_add_authentication(m, b, protocol, ret);

    if (error.n == 0)
        error = add_backend_action(m, b, ret);
    if (error.n == 0)
        number_actions(m->a, ret);
    return error;
}

static void build_default(struct model_input *m, struct wanted_listener *l)
{
    struct backend b;

    if (backend_read(m->a, json_get(m->ingress, "spec.backend"), &b)) {
        l->default_error = build_actions(m, &b, l->protocol, &l->default_actions);
        return;
    }
    /* The 404 is an action like any other: authentication comes before it too. */
    b = (struct backend){S("Default 404"), S("use-annotation"), false};
    l->default_error = model_add_authentication(m, &b, l->protocol, &l->default_actions);
    *LIST_ADD(m->a, &l->default_actions) = action_not_found(m->a);
    number_actions(m->a, &l->default_actions);
}

static void add_condition(struct arena *a, struct conditions *c, const char *field,
                          struct str value)
{
    struct condition one = {.field = str_c(field)};

    strs_add(a, &one.values, arena_str(a, value));
    *LIST_ADD(a, c) = one;
}

static struct conditions build_conditions(struct arena *a, struct str host, struct str path)
{
    struct conditions c = {0};

    if (host.n > 0)
        add_condition(a, &c, "host-header", host);
    if (path.n > 0)
        add_condition(a, &c, "path-pattern", path);
    else if (c.n == 0)
        add_condition(a, &c, "path-pattern", S("/*"));
    return c;
}

static struct str add_rule(struct model_input *m, struct wanted_listener *l, struct str host,
                           const cJSON *path)
{
    struct wanted_rule rule = {.priority = (int64_t)l->rules.n + 1};
    struct backend b = {0};
    struct str error;

    (void)backend_read(m->a, json_get(path, "backend"), &b);
    error = build_actions(m, &b, l->protocol, &rule.actions);
    if (error.n > 0)
        return error;
    rule.conditions = build_conditions(m->a, host, json_str(path, "path"));
    if (!actions_loop(&rule.actions, &rule.conditions, l->port, l->protocol))
        *LIST_ADD(m->a, &l->rules) = rule;
    return error;
}

static void build_rules(struct model_input *m, struct wanted_listener *l)
{
    JSON_EACH(rule, json_get(m->ingress, "spec.rules")) {
        JSON_EACH(path, json_get(rule, "http.paths")) {
            l->rules_error = add_rule(m, l, json_str(rule, "host"), path);
            if (l->rules_error.n > 0)
                return;
        }
    }
}

/* Every host that a certificate must be found for. */
static void collect_hosts(struct model_input *m)
{
    struct strs hosts = {0};

    JSON_EACH(rule, json_get(m->ingress, "spec.rules"))
        if (json_str(rule, "host").n > 0)
            strs_add(m->a, &hosts, arena_str(m->a, json_str(rule, "host")));
    JSON_EACH(tls, json_get(m->ingress, "spec.tls"))
        JSON_EACH(host, json_get(tls, "hosts"))
            strs_add(m->a, &hosts, arena_str(m->a, json_text(host)));
    m->wanted->hosts = strs_set(m->a, &hosts);
}

void model_add_listeners(struct model_input *m)
{
    const struct ingress_annotations *in = &m->wanted->annotations;

    collect_hosts(m);
    for (size_t i = 0; i < in->ports.n; i++) {
        struct wanted_listener l = {.port = in->ports.at[i].port,
                                    .protocol = in->ports.at[i].protocol};

        if (str_is(l.protocol, "HTTPS")) {
            l.ssl_policy = in->ssl_policy;
            l.certificates = in->certificates;
        }
        build_default(m, &l);
        build_rules(m, &l);
        *LIST_ADD(m->a, &m->wanted->listeners) = l;
    }
}

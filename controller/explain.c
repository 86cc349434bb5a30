/* The model in words. Each line ends with where it comes from: an annotation (of the Service, where
 * that wins), a flag, or a default. */
#include "explain.h"

#include "base/macros.h"
#include "model.h"

struct account {
    struct arena arena;
    struct buf *out;
    const struct settings *settings;
    const struct objects *objects;
    const cJSON *ingress;
    const struct wanted *wanted;
    bool ok;
};

/* --- where a value comes from ---------------------------------------------------------------- */

static bool has(struct account *a, const cJSON *object, const char *name)
{
    return object != NULL && annotations_find(&a->arena, a->settings, name,
                                              json_get(object, "metadata.annotations"), NULL)
                                     .at != NULL;
}

/* The end of a line about the annotation @name (and its @older name, or NULL). */
static void why(struct account *a, const cJSON *service, const char *name, const char *older)
{
    const char *given = has(a, service, name) || has(a, a->ingress, name) ? name
                        : older != NULL && (has(a, service, older) || has(a, a->ingress, older))
                            ? older
                            : NULL;
    const char *whose = given != NULL && has(a, service, given) ? "Service's " : "";

    if (given != NULL)
        buf_printf(a->out, "   <- %s%.*s/%s\n", whose, STR_ARG(a->settings->annotations_prefix),
                   given);
    else
        buf_printf(a->out, "   (default; %s changes it)\n", name);
}

static void trouble(struct account *a, struct str error)
{
    if (error.n == 0)
        return;
    a->ok = false;
    buf_printf(a->out, "  ! here it would fail: %.*s\n", STR_ARG(error));
}

static void say_pairs(struct account *a, const char *what, const struct pairs *p)
{
    buf_printf(a->out, "  %s\n", what);
    for (size_t i = 0; i < p->n; i++)
        buf_printf(a->out, "    %.*s=%.*s\n", STR_ARG(p->at[i].key), STR_ARG(p->at[i].value));
}

/* --- the load balancer ----------------------------------------------------------------------- */

static void say_subnets(struct account *a)
{
    const struct ingress_annotations *in = &a->wanted->annotations;
    struct str given = strs_join(&a->arena, &in->subnets, ", ");
    const char *role = str_is(in->scheme, "internal") ? "internal-elb" : "elb";

    if (in->subnets.n > 0)
        buf_printf(a->out, "  subnets %.*s", STR_ARG(given));
    else
        buf_printf(a->out,
                   "  subnets: the first of each zone that is tagged kubernetes.io/cluster/%.*s="
                   "owned or shared and kubernetes.io/role/%s=1 or empty; two zones at least",
                   STR_ARG(a->settings->cluster_name), role);
    why(a, NULL, "subnets", NULL);
}

static void say_ranges(struct account *a, const struct permission *p, const struct ip_ranges *r)
{
    for (size_t i = 0; i < r->n; i++)
        buf_printf(a->out, "    tcp %lld from %.*s\n", (long long)p->from, STR_ARG(r->at[i].cidr));
}

static void say_security_groups(struct account *a)
{
    const struct wanted *w = a->wanted;
    struct str given = strs_join(&a->arena, &w->annotations.security_groups, ", ");

    if (given.n > 0) {
        buf_printf(a->out, "  security groups %.*s; the nodes' groups are left alone",
                   STR_ARG(given));
        why(a, NULL, "security-groups", NULL);
        return;
    }
    buf_printf(a->out,
               "  a security group of its own, %.*s; the targets' groups let it in on every port",
               STR_ARG(w->load_balancer_name));
    why(a, NULL, "security-groups", NULL);
    buf_add(a->out, S("  open for"));
    why(a, NULL, "inbound-cidrs", "security-group-inbound-cidrs");
    for (size_t i = 0; i < w->permissions.n; i++) {
        say_ranges(a, &w->permissions.at[i], &w->permissions.at[i].ranges);
        say_ranges(a, &w->permissions.at[i], &w->permissions.at[i].v6_ranges);
    }
}

static void say_load_balancer(struct account *a)
{
    const struct wanted *w = a->wanted;

    buf_printf(a->out, "load balancer %.*s\n  scheme %.*s", STR_ARG(w->load_balancer_name),
               STR_ARG(w->annotations.scheme));
    why(a, NULL, "scheme", NULL);
    if (w->not_allowed)
        trouble(a, arena_printf(&a->arena, "ingress %.*s is not in internetFacing whitelist",
                                STR_ARG(w->key)));
    buf_printf(a->out, "  addresses %.*s", STR_ARG(w->annotations.ip_address_type));
    why(a, NULL, "ip-address-type", NULL);
    say_subnets(a);
    say_security_groups(a);
    if (w->annotations.web_acl.n > 0) {
        buf_printf(a->out, "  web ACL %.*s", STR_ARG(w->annotations.web_acl));
        why(a, NULL, "web-acl-id", "waf-acl-id");
    }
    buf_add(a->out, S("  attributes"));
    why(a, NULL, "load-balancer-attributes", "attributes");
    for (size_t i = 0; i < w->attributes.n; i++)
        buf_printf(a->out, "    %.*s=%.*s\n", STR_ARG(w->attributes.at[i].key),
                   STR_ARG(w->attributes.at[i].value));
    trouble(a, w->attributes_error);
    say_pairs(a, "tags", &w->load_balancer_tags);
}

/* --- target groups --------------------------------------------------------------------------- */

/* What a line says about a target group, and the annotations that decide it. */
static const struct line {
    const char *format, *annotation, *older;
    size_t text; /* offset of a struct str in service_annotations, or */
    size_t number;
    bool is_number;
} lines[] = {
#define TEXT(format, annotation, older, member)                                           \
    {                                                                                     \
        format, annotation, older, offsetof(struct service_annotations, member), 0, false \
    }
#define NUMBER(format, annotation, member)                                              \
    {                                                                                   \
        format, annotation, NULL, 0, offsetof(struct service_annotations, member), true \
    }
    TEXT("target type", "target-type", NULL, target_type),
    TEXT("protocol", "backend-protocol", NULL, backend_protocol),
    TEXT("health check protocol", "healthcheck-protocol", NULL, health_protocol),
    TEXT("health check port", "healthcheck-port", NULL, health_port),
    TEXT("health check path", "healthcheck-path", NULL, health_path),
    NUMBER("seconds between checks", "healthcheck-interval-seconds", health_interval),
    NUMBER("seconds until a check has failed", "healthcheck-timeout-seconds", health_timeout),
    NUMBER("checks until healthy", "healthy-threshold-count", healthy_count),
    NUMBER("checks until unhealthy", "unhealthy-threshold-count", unhealthy_count),
    TEXT("status codes of success", "success-codes", "successCodes", success_codes),
#undef TEXT
#undef NUMBER
};

static void say_line(struct account *a, const cJSON *service, const struct line *l,
                     const struct service_annotations *s)
{
    const char *at = (const char *)s;

    if (l->is_number) {
        buf_printf(a->out, "  %s %lld", l->format,
                   (long long)*(const int64_t *)(const void *)(at + l->number));
    } else {
        struct str text = *(const struct str *)(const void *)(at + l->text);

        buf_printf(a->out, "  %s %.*s", l->format, STR_ARG(text));
    }
    why(a, service, l->annotation, l->older);
}

static void say_targets(struct account *a, const struct wanted_target_group *tg)
{
    bool nodes = str_is(tg->settings.target_type, "instance");

    buf_printf(a->out, "  targets: %s\n",
               nodes ? "every node whose instance is running, at the Service's node port"
                     : "every ready address of the Service's Endpoints");
    for (size_t i = 0; i < tg->targets.n; i++)
        buf_printf(a->out, "    %.*s:%lld\n", STR_ARG(tg->targets.at[i].id),
                   (long long)tg->targets.at[i].port);
    if (tg->targets.n == 0 && tg->targets_error.n == 0)
        buf_printf(a->out, "    none: there is no %s\n", nodes ? "node" : "ready address");
}

static void say_target_group(struct account *a, const struct wanted_target_group *tg)
{
    struct str key =
        arena_printf(&a->arena, "%.*s/%.*s", STR_ARG(a->wanted->namespace), STR_ARG(tg->service));
    const cJSON *service = objects_get(a->objects, KIND_SERVICE, key);

    buf_printf(a->out, "\ntarget group %.*s for %.*s:%.*s\n",
               STR_ARG(tg->name.n > 0 ? tg->name : S("without a name")), STR_ARG(tg->service),
               STR_ARG(tg->port));
    trouble(a, tg->error);
    if (tg->error.n > 0)
        return;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        say_line(a, service, &lines[i], &tg->settings);
    if (!str_same(tg->health_port, tg->settings.health_port))
        buf_printf(a->out, "    that is port %.*s\n", STR_ARG(tg->health_port));
    buf_add(a->out, S("  attributes"));
    why(a, service, "target-group-attributes", NULL);
    for (size_t i = 0; i < tg->attributes.n; i++)
        buf_printf(a->out, "    %.*s=%.*s\n", STR_ARG(tg->attributes.at[i].key),
                   STR_ARG(tg->attributes.at[i].value));
    trouble(a, tg->attributes_error);
    say_targets(a, tg);
    trouble(a, tg->targets_error);
}

/* --- listeners ------------------------------------------------------------------------------- */

static void say_action(struct account *a, const struct action *action)
{
    struct str type = action_get(action, "Type");

    if (action->target_group > 0) {
        const struct wanted_target_group *tg =
            &a->wanted->target_groups.at[action->target_group - 1];

        buf_printf(a->out, " %.*s to %.*s:%.*s", STR_ARG(type), STR_ARG(tg->service),
                   STR_ARG(tg->port));
        return;
    }
    buf_printf(a->out, " %.*s", STR_ARG(type));
    for (size_t i = 0; i < action->members.n; i++) {
        const struct pair *m = &action->members.at[i];
        size_t dot = str_rchr(m->key, '.');

        if (!str_is(m->key, "Type") && !str_is(m->key, "Order") &&
            !str_ends(m->key, S("ClientSecret")))
            buf_printf(a->out, " %.*s=%.*s",
                       STR_ARG(dot == STR_NONE ? m->key : str_from(m->key, dot + 1)),
                       STR_ARG(m->value));
    }
}

static void say_actions(struct account *a, const struct actions *actions)
{
    for (size_t i = 0; i < actions->n; i++) {
        buf_add(a->out, i == 0 ? S("") : S(", then"));
        say_action(a, &actions->at[i]);
    }
    buf_char(a->out, '\n');
}

static void say_rule(struct account *a, const struct wanted_rule *rule)
{
    buf_printf(a->out, "  rule %lld:", (long long)rule->priority);
    for (size_t i = 0; i < rule->conditions.n; i++) {
        const struct condition *c = &rule->conditions.at[i];
        struct str values = strs_join(&a->arena, &c->values, " or ");

        buf_printf(a->out, "%s %.*s %.*s", i == 0 ? "" : " and", STR_ARG(c->field),
                   STR_ARG(values));
    }
    buf_add(a->out, S(" ->"));
    say_actions(a, &rule->actions);
}

static void say_listener(struct account *a, const struct wanted_listener *l)
{
    struct str certificates = strs_join(&a->arena, &l->certificates, ", ");

    buf_printf(a->out, "\nlistener %.*s %lld", STR_ARG(l->protocol), (long long)l->port);
    why(a, NULL, "listen-ports", NULL);
    if (str_is(l->protocol, "HTTPS")) {
        buf_printf(a->out, "  policy %.*s", STR_ARG(l->ssl_policy));
        why(a, NULL, "ssl-policy", NULL);
        if (certificates.n > 0)
            buf_printf(a->out, "  certificates %.*s", STR_ARG(certificates));
        else
            buf_add(a->out, S("  certificates: of ACM, one for each host"));
        why(a, NULL, "certificate-arn", NULL);
    }
    for (size_t i = 0; i < l->rules.n; i++)
        say_rule(a, &l->rules.at[i]);
    trouble(a, l->rules_error);
    buf_add(a->out, S("  else:"));
    say_actions(a, &l->default_actions);
    trouble(a, l->default_error);
}

/* --- together -------------------------------------------------------------------------------- */

static bool is_missing(struct account *a, struct str key)
{
    a->ingress = objects_get(a->objects, KIND_INGRESS, key);
    if (a->ingress != NULL && model_is_ours(a->settings, a->ingress))
        return false;
    if (a->ingress == NULL)
        buf_printf(a->out, "There is no Ingress %.*s.\n", STR_ARG(key));
    else
        buf_printf(a->out,
                   "Ingress %.*s is of another class: with --ingress-class=%.*s this controller "
                   "serves those annotated kubernetes.io/ingress.class=%s.\n",
                   STR_ARG(key), STR_ARG(a->settings->ingress_class),
                   a->settings->ingress_class.n > 0
                       ? arena_cstr(&a->arena, a->settings->ingress_class)
                       : "alb, or not annotated");
    return true;
}

static void say_all(struct account *a)
{
    const struct wanted *w = a->wanted;

    buf_printf(a->out, "Ingress %.*s\n\n", STR_ARG(w->key));
    if (w->error.n > 0) {
        trouble(a, w->error);
        buf_add(a->out, S("  Nothing is made until that is put right.\n"));
        return;
    }
    say_load_balancer(a);
    for (size_t i = 0; i < w->target_groups.n; i++)
        say_target_group(a, &w->target_groups.at[i]);
    for (size_t i = 0; i < w->listeners.n; i++)
        say_listener(a, &w->listeners.at[i]);
    if (!a->ok)
        buf_add(a->out, S("\nWhat stands above the first '!' is made; the status is not written "
                          "until all of it works.\n"));
}

bool explain_ingress(struct buf *out, const struct settings *s, const struct objects *o,
                     struct str key)
{
    struct account a = {.out = out, .settings = s, .objects = o, .ok = true};

    if (is_missing(&a, key)) {
        arena_free(&a.arena);
        return false;
    }
    a.wanted = model_build(&a.arena, s, o, a.ingress);
    say_all(&a);
    arena_free(&a.arena);
    return a.ok;
}

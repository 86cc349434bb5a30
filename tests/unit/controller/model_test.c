/* From objects to what is wanted, and which change makes whom look again.
 * Source: aws-alb-ingress-controller v1.1.4, internal/alb and internal/ingress. */
#include "model.h"

#include "test.h"
#include "triggers.h"

static const struct settings settings = {
    .cluster_name = STR_INIT("demo"),
    .name_prefix = STR_INIT("d642dfa0"),
    .ingress_class = STR_INIT("alb"),
    .annotations_prefix = STR_INIT("alb.ingress.kubernetes.io"),
    .target_type = STR_INIT("instance"),
    .backend_protocol = STR_INIT("HTTP"),
};

static const cJSON *put(struct objects *o, enum object_kind k, struct str json)
{
    cJSON *doc = json_parse(json, NULL), *old = NULL;
    const cJSON *now;

    assert_non_null(doc);
    now = objects_put(o, k, doc, &old);
    cJSON_Delete(old);
    return now;
}

static struct str node(struct arena *a, const char *name, const char *labels, const char *id)
{
    return arena_printf(a,
                        "{\"metadata\":{\"name\":\"%s\",\"labels\":{%s}},\"spec\":{\"providerID\":"
                        "\"aws:///a/%s\"},\"status\":{\"nodeInfo\":{\"kubeletVersion\":"
                        "\"v1.14.9-eks\"}}}",
                        name, labels, id);
}

static struct str service(struct arena *a, const char *type)
{
    return arena_printf(a,
                        "{\"metadata\":{\"namespace\":\"ns\",\"name\":\"svc\"},\"spec\":{\"type\":"
                        "\"%s\",\"ports\":[{\"name\":\"http\",\"port\":80,\"targetPort\":8080,"
                        "\"nodePort\":30080}]}}",
                        type);
}

/* An Ingress with @annotations ("\"a\":\"b\"", without prefix for the class) and @spec. */
static struct str ingress(struct arena *a, const char *annotations, const char *spec)
{
    return arena_printf(a,
                        "{\"metadata\":{\"namespace\":\"ns\",\"name\":\"ing\",\"annotations\":{"
                        "\"kubernetes.io/ingress.class\":\"alb\"%s%s}},\"spec\":%s}",
                        annotations[0] != 0 ? "," : "", annotations, spec);
}

#define P "\"alb.ingress.kubernetes.io/"
static const char one_path[] = "{\"rules\":[{\"http\":{\"paths\":[{\"path\":\"/*\",\"backend\":{"
                               "\"serviceName\":\"svc\",\"servicePort\":80}}]}}]}";

struct world {
    struct arena a;
    struct objects o;
};

static void open_world(struct world *w)
{
    *w = (struct world){0};
    put(&w->o, KIND_NODE, node(&w->a, "n1", "", "i-1"));
    put(&w->o, KIND_NODE, node(&w->a, "n2", "", "i-2"));
    put(&w->o, KIND_SERVICE, service(&w->a, "NodePort"));
}

static void close_world(struct world *w)
{
    objects_free(&w->o);
    arena_free(&w->a);
}

static const struct wanted *build(struct world *w, const char *annotations, const char *spec)
{
    const cJSON *doc = put(&w->o, KIND_INGRESS, ingress(&w->a, annotations, spec));

    return model_build(&w->a, &settings, &w->o, doc);
}

/* Reads every text of the model. */
static struct str show_model(struct arena *a, const struct wanted *m)
{
    struct str all = arena_printf(a, "%.*s %.*s %.*s", STR_ARG(m->key),
                                  STR_ARG(m->load_balancer_name), STR_ARG(m->old_group_name));

    for (size_t i = 0; i < m->load_balancer_tags.n; i++)
        all = arena_printf(a, "%.*s %.*s=%.*s", STR_ARG(all),
                           STR_ARG(m->load_balancer_tags.at[i].key),
                           STR_ARG(m->load_balancer_tags.at[i].value));
    for (size_t i = 0; i < m->security_group_tags.n; i++)
        all =
            arena_printf(a, "%.*s %.*s", STR_ARG(all), STR_ARG(m->security_group_tags.at[i].value));
    for (size_t i = 0; i < m->target_groups.n; i++) {
        const struct wanted_target_group *tg = &m->target_groups.at[i];

        all = arena_printf(a, "%.*s %.*s %.*s %.*s", STR_ARG(all), STR_ARG(tg->service),
                           STR_ARG(tg->port), STR_ARG(tg->health_port));
        for (size_t t = 0; t < tg->targets.n; t++)
            all = arena_printf(a, "%.*s %.*s", STR_ARG(all), STR_ARG(tg->targets.at[t].id));
        for (size_t t = 0; t < tg->tags.n; t++)
            all = arena_printf(a, "%.*s %.*s", STR_ARG(all), STR_ARG(tg->tags.at[t].value));
    }
    for (size_t i = 0; i < m->listeners.n; i++)
        for (size_t r = 0; r < m->listeners.at[i].rules.n; r++)
            all =
                arena_printf(a, "%.*s %.*s", STR_ARG(all),
                             STR_ARG(m->listeners.at[i].rules.at[r].conditions.at[0].values.at[0]));
    return all;
}

TEST(the_tutorial)
{
    struct world w;
    const struct wanted *m;

    open_world(&w);
    m = build(&w, P "scheme\":\"internet-facing\"", one_path);
    CHECK("nothing is wrong", m->error.n == 0 && m->target_groups.at[0].error.n == 0);
    CHECK("one listener with one rule", m->listeners.n == 1 && m->listeners.at[0].rules.n == 1);
    CHECK("the rule forwards to the first target group",
          m->listeners.at[0].rules.at[0].actions.at[0].target_group == 1);
    CHECK("both nodes at the node port", m->target_groups.at[0].targets.n == 2 &&
                                             m->target_groups.at[0].targets.at[0].port == 30080);
    CHECK_STR(
        "else a 404",
        action_get(&m->listeners.at[0].default_actions.at[0], "FixedResponseConfig.StatusCode"),
        S("404"));
    close_world(&w);
}

static const struct {
    const char *label, *labels, *version;
    bool target;
} nodes[] = {
    {"a plain node",                 "",                                        "v1.14.9", true },
    {"a master, whatever its value", "\"node-role.kubernetes.io/master\":\"\"", "v1.14.9", false},
    {"one that is to be left out",
     "\"alpha.service-controller.kubernetes.io/exclude-balancer\":\"TRUE\"",    "v1.14.9", false},
    {"the label with another value",
     "\"alpha.service-controller.kubernetes.io/exclude-balancer\":\"no\"",      "v1.14.9", true },
};

TEST(which_nodes_are_targets)
{
    CASE_EACH(c, nodes) {
        struct world w = {0};
        const struct wanted *m;

        put(&w.o, KIND_NODE, node(&w.a, "n", c->labels, "i-9"));
        put(&w.o, KIND_SERVICE, service(&w.a, "NodePort"));
        m = build(&w, "", one_path);
        CHECK(c->label, m->target_groups.at[0].targets.n == (c->target ? 1 : 0));
        close_world(&w);
    }
}

/* What is wrong, and in which part: the pass fails when it comes there. */
static const struct {
    const char *label, *service, *annotations, *spec;
    struct str whole, group, targets, rules;
} mistakes[] = {
    {"ClusterIP and instances",             "ClusterIP", "",                               one_path,                                                      S(""), S(""),
     S("svc service is not of type NodePort or LoadBalancer and target-type is instance"),                                                                                                                          S("")},
    {"another port",                        "NodePort",  "",                               "{\"backend\":{\"serviceName\":\"svc\",\"servicePort\":81}}",
     S(""),                                                                                                                                                      S(""), S("Unable to find 81 port on service svc"), S("")},
    {"a number as text is a name",          "NodePort",  "",
     "{\"backend\":{\"serviceName\":\"svc\",\"servicePort\":\"80\"}}",                                                                                    S(""), S(""),
     S("Unable to find 80 port on service svc"),                                                                                                                                                                    S("")},
    {"no Endpoints",                        "ClusterIP", P "target-type\":\"ip\"",         one_path,                                                      S(""), S(""),
     S("Unable to find service endpoints for ns/svc: no object matching key \"ns/svc\" in local "
       "store"),
     S("")                                                                                                                                                                                                               },
    {"no Service",                          "NodePort",  "",                               "{\"backend\":{\"serviceName\":\"none\",\"servicePort\":80}}",
     S(""),
     S("failed to load serviceAnnotation due to no object matching key \"ns/none\" in local store"),
     S(""),                                                                                                                                                                                                         S("")},
    {"a health check port that is no port", "NodePort",  P "healthcheck-port\":\"admin\"", one_path,
     S(""),
     S("failed to resolve healthcheck port due to failed to resolve healthcheck port for service: "
       "Unable to find admin port on service svc"),
     S(""),                                                                                                                                                                                                         S("")},
    {"an action that is not there",         "NodePort",  "",
     "{\"rules\":[{\"http\":{\"paths\":[{\"backend\":{\"serviceName\":\"x\",\"servicePort\":"
     "\"use-annotation\"}}]}}]}",                                                                                                                         S(""), S(""), S(""),
     S("backend with `servicePort: use-annotation` was configured with `serviceName: x` but an "
       "action annotation for x is not set")                                                                                                                                                                             },
    {"a bad annotation",                    "NodePort",  P "scheme\":\"public\"",          one_path,
     S("ALB scheme must be either `internal` or `internet-facing`"),                                                                                             S(""), S(""),                                      S("")},
};

TEST(mistakes_stand_where_they_belong)
{
    CASE_EACH(c, mistakes) {
        struct world w = {0};
        const struct wanted *m;

        put(&w.o, KIND_SERVICE, service(&w.a, c->service));
        m = build(&w, c->annotations, c->spec);
        CHECK_STR(c->label, m->error, c->whole);
        if (m->target_groups.n > 0) {
            CHECK_STR(c->label, m->target_groups.at[0].error, c->group);
            CHECK_STR(c->label, m->target_groups.at[0].targets_error, c->targets);
        }
        if (m->listeners.n > 0)
            CHECK_STR(c->label, m->listeners.at[0].rules_error, c->rules);
        close_world(&w);
    }
}

TEST(health_check_ports)
{
    struct world w;
    const struct wanted *m;

    open_world(&w);
    m = build(&w, P "healthcheck-port\":\"http\"", one_path);
    CHECK_STR("a name is the node port", m->target_groups.at[0].health_port, S("30080"));
    m = build(&w, P "healthcheck-port\":\"http\"," P "target-type\":\"ip\"", one_path);
    CHECK_STR("or the target port", m->target_groups.at[0].health_port, S("8080"));
    m = build(&w, P "healthcheck-port\":\"+081\"", one_path);
    CHECK_STR("a number is sent as a number", m->target_groups.at[0].health_port, S("81"));
    close_world(&w);
}

TEST(a_service_that_is_gone)
{
    struct world w;
    const struct wanted *m;

    open_world(&w);
    cJSON_Delete(objects_remove(&w.o, KIND_SERVICE, S("ns/svc")));
    m = build(&w, "", one_path);
    CHECK("its annotations are still known", m->target_groups.at[0].error.n == 0);
    CHECK_STR("but not its ports", m->target_groups.at[0].targets_error,
              S("Unable to find the ns/svc service: no object matching key \"ns/svc\" in local "
                "store"));
    close_world(&w);
}

/* A worker still uses the model when the objects have long changed. */
TEST(nothing_is_borrowed)
{
    struct world w;
    const struct wanted *m;
    struct str all = {0};

    open_world(&w);
    m = build(&w, P "tags\":\"A=1\"", one_path);
    objects_free(&w.o);
    w.o = (struct objects){0};
    for (size_t i = 0; i < m->target_group_selector.n; i++)
        all = arena_printf(&w.a, "%.*s %.*s", STR_ARG(all),
                           STR_ARG(m->target_group_selector.at[i].value));
    CHECK_STR("the tags that find the target groups", all, S(" demo ns/ing owned ing ns"));
    all = show_model(&w.a, m);
    CHECK("and all the rest", all.n > 0);
    close_world(&w);
}

TEST(a_redirect_to_its_own_listener_is_left_out)
{
    static const char spec[] =
        "{\"rules\":[{\"http\":{\"paths\":[{\"path\":\"/*\",\"backend\":{\"serviceName\":\"r\","
        "\"servicePort\":\"use-annotation\"}},{\"path\":\"/*\",\"backend\":{\"serviceName\":"
        "\"svc\",\"servicePort\":80}}]}}]}";
    static const char annotations[] =
        P "listen-ports\":\"[{\\\"HTTP\\\":80},{\\\"HTTPS\\\":443}]\"," P
          "certificate-arn\":\"arn:1\"," P "actions.r\":\"{\\\"Type\\\":\\\"redirect\\\","
          "\\\"RedirectConfig\\\":{\\\"Protocol\\\":\\\"HTTPS\\\",\\\"Port\\\":\\\"443\\\","
          "\\\"StatusCode\\\":\\\"HTTP_301\\\"}}\"";
    struct world w;
    const struct wanted *m;

    open_world(&w);
    m = build(&w, annotations, spec);
    CHECK("both rules on 80", m->listeners.at[0].rules.n == 2);
    CHECK("one on 443, and it is the first",
          m->listeners.at[1].rules.n == 1 && m->listeners.at[1].rules.at[0].priority == 1);
    close_world(&w);
}

static const struct {
    const char *label, *spec;
    struct str field, value;
    size_t n;
} conditions[] = {
    {"host and path",
     "{\"rules\":[{\"host\":\"a.b\",\"http\":{\"paths\":[{\"path\":\"/x\","
     "\"backend\":{\"serviceName\":\"svc\",\"servicePort\":80}}]}}]}", S("host-header"),  S("a.b"), 2},
    {"a host alone",
     "{\"rules\":[{\"host\":\"a.b\",\"http\":{\"paths\":[{"
     "\"backend\":{\"serviceName\":\"svc\",\"servicePort\":80}}]}}]}", S("host-header"),  S("a.b"), 1},
    {"neither is every path",
     "{\"rules\":[{\"http\":{\"paths\":[{"
     "\"backend\":{\"serviceName\":\"svc\",\"servicePort\":80}}]}}]}", S("path-pattern"), S("/*"),  1},
};

TEST(conditions_of_rules)
{
    CASE_EACH(c, conditions) {
        struct world w;
        const struct wanted_rule *rule;

        open_world(&w);
        rule = &build(&w, "", c->spec)->listeners.at[0].rules.at[0];
        CHECK(c->label, rule->conditions.n == c->n);
        CHECK_STR(c->label, rule->conditions.at[0].field, c->field);
        CHECK_STR(c->label, rule->conditions.at[0].values.at[0], c->value);
        close_world(&w);
    }
}

static const struct {
    const char *label;
    struct str flag;
    const char *class; /* NULL: no annotation */
    bool ours;
} classes[] = {
    {"the class of the flag",          S("alb"), "alb",   true },
    {"another",                        S("alb"), "nginx", false},
    {"none, with the flag",            S("alb"), NULL,    false},
    {"none, without the flag",         S(""),    NULL,    true },
    {"an empty one, without the flag", S(""),    "",      true },
    {"alb, without the flag",          S(""),    "alb",   true },
    {"another, without the flag",      S(""),    "nginx", false},
    {"one's own word",                 S("x"),   "x",     true },
};

TEST(whose_it_is)
{
    CASE_EACH(c, classes) {
        CLEANUP(json_freep) cJSON *doc = cJSON_CreateObject();
        struct settings s = settings;

        s.ingress_class = c->flag;
        if (c->class != NULL)
            json_put_str(json_need_object(doc, "metadata.annotations"),
                         S("kubernetes.io/ingress.class"), str_c(c->class));
        CHECK(c->label, model_is_ours(&s, doc) == c->ours);
    }
}

/* --- triggers -------------------------------------------------------------------------------- */

static void count(void *data, struct str key)
{
    size_t *n = data;

    *n += key.n > 0;
}

static size_t triggered(struct world *w, enum object_kind k, struct str old, struct str now)
{
    CLEANUP(json_freep) cJSON *before = old.n > 0 ? json_parse(old, NULL) : NULL;
    CLEANUP(json_freep) cJSON *after = now.n > 0 ? json_parse(now, NULL) : NULL;
    size_t n = 0;

    triggers_find(&settings, &w->o, k, before, after, count, &n);
    return n;
}

TEST(triggers)
{
    static const char secret[] = "{\"metadata\":{\"namespace\":\"ns\",\"name\":\"oidc\"}}";
    static const char other[] = "{\"metadata\":{\"namespace\":\"ns\",\"name\":\"other\"}}";
    static const char alien[] = "{\"metadata\":{\"namespace\":\"else\",\"name\":\"oidc\"}}";
    struct str empty = S("{\"metadata\":{\"namespace\":\"ns\",\"name\":\"svc\"}}");
    struct str full = S("{\"metadata\":{\"namespace\":\"ns\",\"name\":\"svc\"},\"subsets\":[1]}");
    struct str nginx = S("{\"metadata\":{\"namespace\":\"ns\",\"name\":\"ing\",\"annotations\":{"
                         "\"kubernetes.io/ingress.class\":\"nginx\"}}}");
    struct world w;
    struct str ours;

    open_world(&w);
    ours = ingress(&w.a, P "auth-idp-oidc\":\"{\\\"SecretName\\\":\\\"oidc\\\"}\"", "{}");
    put(&w.o, KIND_INGRESS, ours);
    CHECK("an Ingress of ours", triggered(&w, KIND_INGRESS, S(""), ours) == 1);
    CHECK("one of another class", triggered(&w, KIND_INGRESS, S(""), nginx) == 0);
    CHECK("one that was ours", triggered(&w, KIND_INGRESS, ours, nginx) == 1);
    CHECK("a Service of the namespace", triggered(&w, KIND_SERVICE, empty, empty) == 1);
    CHECK("Endpoints that stay the same", triggered(&w, KIND_ENDPOINTS, full, full) == 0);
    CHECK("Endpoints that change", triggered(&w, KIND_ENDPOINTS, empty, full) == 1);
    CHECK("a new node", triggered(&w, KIND_NODE, S(""), empty) == 1);
    CHECK("a node that only changes", triggered(&w, KIND_NODE, empty, full) == 0);
    CHECK("the Secret that is named", triggered(&w, KIND_SECRET, S(""), str_c(secret)) == 1);
    CHECK("another Secret", triggered(&w, KIND_SECRET, S(""), str_c(other)) == 0);
    CHECK("one of that name elsewhere", triggered(&w, KIND_SECRET, S(""), str_c(alien)) == 0);
    CHECK("a Pod never", triggered(&w, KIND_POD, S(""), empty) == 0);
    close_world(&w);
}

TEST_MAIN(T(the_tutorial), T(which_nodes_are_targets), T(mistakes_stand_where_they_belong),
          T(health_check_ports), T(a_service_that_is_gone), T(nothing_is_borrowed),
          T(a_redirect_to_its_own_listener_is_left_out), T(conditions_of_rules), T(whose_it_is),
          T(triggers))

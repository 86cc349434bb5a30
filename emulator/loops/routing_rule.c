/* Compiling conditions and actions.
 * Source: ELB API Reference 2015-12-01, RuleCondition, Action and RuleTransform. */
#include "loops/routing_rule.h"

#include "base/macros.h"
#include "dataplane/verdict.h"

/* Each field of a condition: where its values are, and under which name of ours. */
static const struct {
    struct str field;
    const char *config;
    enum dp_field kind;
} fields[] = {
    {STR_INIT("host-header"),         "HostHeaderConfig",        DP_HOST     },
    {STR_INIT("path-pattern"),        "PathPatternConfig",       DP_PATH     },
    {STR_INIT("http-header"),         "HttpHeaderConfig",        DP_HEADER   },
    {STR_INIT("http-request-method"), "HttpRequestMethodConfig", DP_METHOD   },
    {STR_INIT("query-string"),        "QueryStringConfig",       DP_QUERY    },
    {STR_INIT("source-ip"),           "SourceIpConfig",          DP_SOURCE_IP},
};

static void add_value(struct arena *a, struct dp_condition *c, const cJSON *value)
{
    switch (c->field) {
    case DP_SOURCE_IP:
        if (verdict_parse_prefix(json_text(value), &c->sources[c->count]))
            c->count++;
        return;
    case DP_QUERY:
        c->keys[c->count].text = arena_str(a, json_str(value, "Key"));
        c->values[c->count++].text = arena_str(a, json_str(value, "Value"));
        return;
    default:
        c->values[c->count++].text = arena_str(a, json_text(value));
        return;
    }
}

static void compile_condition(struct arena *a, struct dp_condition *c, const cJSON *from,
                              const char *config_name, enum dp_field kind)
{
    const cJSON *config = json_get(from, config_name);
    const cJSON *values = json_get(config, "Values");
    size_t n;

    const cJSON *expressions = json_get(config, "RegexValues");

    if (expressions != NULL && expressions->child != NULL)
        values = expressions;
    else if (values == NULL || values->child == NULL)
        values = json_get(from, "Values"); /* the older form */
    n = (size_t)cJSON_GetArraySize(values);
    *c = (struct dp_condition){
        .field = kind,
        .regex = values == expressions && values != NULL,
        .header = arena_str(a, json_str(config, "HttpHeaderName")),
        .values = arena_array(a, n, sizeof(struct dp_pattern)),
        .keys = kind == DP_QUERY ? arena_array(a, n, sizeof(struct dp_pattern)) : NULL,
        .sources = arena_array(a, n, sizeof(struct dp_prefix)),
    };
    JSON_EACH(value, values) {
        add_value(a, c, value);
    }
}

static void compile_conditions(struct arena *a, struct dp_rule *rule, const cJSON *conditions)
{
    rule->conditions =
        arena_array(a, (size_t)cJSON_GetArraySize(conditions), sizeof *rule->conditions);
    JSON_EACH(from, conditions) {
        struct str field = json_str(from, "Field");

        for (size_t i = 0; i < ARRAY_LEN(fields); i++)
            if (str_eq(field, fields[i].field))
                compile_condition(a, &rule->conditions[rule->condition_count++], from,
                                  fields[i].config, fields[i].kind);
    }
}

static void add_group(struct dp_action *to, struct dp_group *group, int64_t weight)
{
    if (group != NULL && weight >= 0 && weight <= 999)
        to->groups[to->group_count++] =
            (struct dp_weighted){.group = group, .weight = (uint32_t)weight};
}

static void compile_forward(struct arena *a, struct dp_action *to, const cJSON *from,
                            find_group_cb *find, void *data)
{
    const cJSON *groups = json_get(from, "ForwardConfig.TargetGroups");
    size_t n = (size_t)cJSON_GetArraySize(groups);

    to->kind = DP_FORWARD;
    to->groups = arena_array(a, n > 0 ? n : 1, sizeof *to->groups);
    JSON_EACH(group, groups) {
        add_group(to, find(data, json_str(group, "TargetGroupArn")), json_int(group, "Weight", 1));
    }
    if (json_bool(from, "ForwardConfig.TargetGroupStickinessConfig.Enabled", false))
        to->sticky_ms =
            1000 *
            json_int(from, "ForwardConfig.TargetGroupStickinessConfig.DurationSeconds", 3600);
    if (n == 0)
        add_group(to, find(data, json_str(from, "TargetGroupArn")), 1);
}

static struct str text_or(struct arena *a, const cJSON *from, const char *member, struct str other)
{
    struct str text = json_str(from, member);

    return text.n > 0 ? arena_str(a, text) : other;
}

/* "404" or "HTTP_301". */
static uint16_t read_status(struct str text)
{
    int64_t status = 500;

    if (str_starts(text, S("HTTP_")))
        text = str_from(text, 5);
    (void)str_to_int(text, &status);
    return status >= 100 && status <= 599 ? (uint16_t)status : 500;
}

static void compile_redirect(struct arena *a, struct dp_action *to, const cJSON *config)
{
    to->kind = DP_REDIRECT;
    to->status = read_status(json_str(config, "StatusCode"));
    to->protocol = text_or(a, config, "Protocol", S("#{protocol}"));
    to->host = text_or(a, config, "Host", S("#{host}"));
    to->port = text_or(a, config, "Port", S("#{port}"));
    to->path = text_or(a, config, "Path", S("/#{path}"));
    /* An empty query is one that was asked for. */
    to->query =
        json_get(config, "Query") == NULL ? S("#{query}") : arena_str(a, json_str(config, "Query"));
}

static void compile_fixed(struct arena *a, struct dp_action *to, const cJSON *config)
{
    to->kind = DP_FIXED_RESPONSE;
    to->status = read_status(json_str(config, "StatusCode"));
    to->content_type = text_or(a, config, "ContentType", S("text/plain"));
    to->body = arena_str(a, json_str(config, "MessageBody"));
}

static struct dp_rewrite *compile_rewrite(struct arena *a, const cJSON *config)
{
    const cJSON *first =
        json_get(config, "Rewrites") == NULL ? NULL : json_get(config, "Rewrites")->child;
    struct dp_rewrite *w;

    if (first == NULL)
        return NULL;
    w = arena_alloc(a, sizeof *w);
    w->pattern = arena_str(a, json_str(first, "Regex"));
    w->by = arena_str(a, json_str(first, "Replace"));
    return w;
}

static void compile_transforms(struct arena *a, struct dp_rule *rule, const cJSON *transforms)
{
    JSON_EACH(from, transforms) {
        if (str_is(json_str(from, "Type"), "host-header-rewrite"))
            rule->host_rewrite = compile_rewrite(a, json_get(from, "HostHeaderRewriteConfig"));
        else if (str_is(json_str(from, "Type"), "url-rewrite"))
            rule->url_rewrite = compile_rewrite(a, json_get(from, "UrlRewriteConfig"));
    }
}

void routing_compile_rule(struct arena *a, struct dp_rule *rule,
                          const struct routing_rule_text *text, find_group_cb *find, void *data)
{
    const cJSON *actions = text->actions;

    compile_conditions(a, rule, text->conditions);
    compile_transforms(a, rule, text->transforms);
    JSON_EACH(action, actions) {
        struct str type = json_str(action, "Type");

        if (str_is(type, "forward"))
            compile_forward(a, &rule->action, action, find, data);
        else if (str_is(type, "redirect"))
            compile_redirect(a, &rule->action, json_get(action, "RedirectConfig"));
        else if (str_is(type, "fixed-response"))
            compile_fixed(a, &rule->action, json_get(action, "FixedResponseConfig"));
    }
}

void routing_compile_matcher(struct arena *a, struct str text, struct dp_health_settings *health)
{
    struct str rest = text, part;

    health->matcher = arena_array(a, text.n / 2 + 1, sizeof *health->matcher);
    health->matcher_count = 0;
    while (str_next(&rest, ',', &part)) {
        struct str from = part, to = part;
        int64_t first, last;

        (void)str_cut(part, '-', &from, &to);
        if (str_to_int(str_trim(from), &first) && str_to_int(str_trim(to), &last) && first >= 0 &&
            last <= 999 && first <= last && health->matcher_count < text.n / 2 + 1)
            health->matcher[health->matcher_count++] =
                (struct dp_code_range){(uint16_t)first, (uint16_t)last};
    }
}

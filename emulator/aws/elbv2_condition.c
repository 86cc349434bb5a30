/* Conditions and transforms of rules.
 * Source: ELB API Reference 2015-12-01, RuleCondition, RuleTransform; Application Load Balancers
 * User Guide, "Condition types for listener rules"; error texts as AWS gives them.
 * DIFFERS: a condition that was given by its old member Values alone is shown so, without the
 * member of its type; AWS shows both. Clients of that age take the other form for a difference. */
#include "aws/elbv2.h"

#include <arpa/inet.h>

#include "base/macros.h"

enum { LONGEST_VALUE = 128, LONGEST_NAME = 40, MOST_PATTERN = 1024 };

/* A condition in one form, whichever way it was given. */
struct reading {
    struct str field;
    struct str_list values, regexes;
    const struct elbv2_query_string_key_value_pair *pairs;
    size_t pair_count;
    struct str header;
    bool has_config;
};

#define ALPHANUMERIC "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const struct field {
    const char *name;
    bool once;      /* at most one condition of a rule */
    bool wildcards; /* * and ? count as such */
    size_t longest;
    const char *characters; /* that values may have; NULL: any */
} fields[] = {
    {"path-pattern",        true,  true,  LONGEST_VALUE, ALPHANUMERIC "_-.$/~\"'@:+&*?"},
    {"host-header",         true,  true,  LONGEST_VALUE, ALPHANUMERIC "-.*?"           },
    {"http-header",         false, true,  LONGEST_VALUE, NULL                          },
    {"http-request-method", true,  false, LONGEST_NAME,  "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_"},
    {"query-string",        false, true,  LONGEST_VALUE, NULL                          },
    {"source-ip",           true,  false, LONGEST_VALUE, NULL                          },
};

static const struct field *find_field(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (str_is(name, fields[i].name))
            return &fields[i];
    return NULL;
}

/* --- the two forms --------------------------------------------------------------------------- */

/* What the member of the condition's own type says. */
static void read_config(const struct elbv2_rule_condition *in, struct reading *r)
{
    const struct elbv2_host_header_condition_config *host = in->host_header_config;
    const struct elbv2_path_pattern_condition_config *path = in->path_pattern_config;
    const struct elbv2_http_header_condition_config *header = in->http_header_config;
    const struct elbv2_http_request_method_condition_config *method =
        in->http_request_method_config;
    const struct elbv2_query_string_condition_config *query = in->query_string_config;
    const struct elbv2_source_ip_condition_config *source = in->source_ip_config;

    r->has_config = true;
    if (str_is(r->field, "host-header") && host != NULL) {
        r->values = host->values;
        r->regexes = host->regex_values;
    } else if (str_is(r->field, "path-pattern") && path != NULL) {
        r->values = path->values;
        r->regexes = path->regex_values;
    } else if (str_is(r->field, "http-header") && header != NULL) {
        r->header = header->http_header_name;
        r->values = header->values;
        r->regexes = header->regex_values;
    } else if (str_is(r->field, "http-request-method") && method != NULL) {
        r->values = method->values;
    } else if (str_is(r->field, "query-string") && query != NULL) {
        r->pairs = query->values.at;
        r->pair_count = query->values.n;
    } else if (str_is(r->field, "source-ip") && source != NULL) {
        r->values = source->values;
    } else {
        r->has_config = false;
    }
}

/* The field that a condition is about; its own member names it too. */
static struct str field_of(const struct elbv2_rule_condition *in)
{
    return in->field.n > 0                          ? in->field
           : in->host_header_config != NULL         ? S("host-header")
           : in->path_pattern_config != NULL        ? S("path-pattern")
           : in->http_header_config != NULL         ? S("http-header")
           : in->http_request_method_config != NULL ? S("http-request-method")
           : in->query_string_config != NULL        ? S("query-string")
           : in->source_ip_config != NULL           ? S("source-ip")
                                                    : in->field;
}

static int read_forms(struct call *c, const struct elbv2_rule_condition *in, struct reading *r)
{
    *r = (struct reading){.field = field_of(in)};
    if (find_field(r->field) == NULL)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "Condition field '%.*s' must be one of '[path-pattern,host-header,"
                          "http-header,http-request-method,query-string,source-ip]'",
                          STR_ARG(r->field));
    read_config(in, r);
    if (!r->has_config) {
        if (!str_is(r->field, "path-pattern") && !str_is(r->field, "host-header"))
            return elb_refuse(c, &AWS_VALIDATION_ERROR,
                              "A condition of field '%.*s' must be specified by its own "
                              "configuration",
                              STR_ARG(r->field));
        r->values = in->values;
        r->regexes = in->regex_values;
    } else if (in->values.n > 0 &&
               !elb_lists_equal(in->values.at, in->values.n, r->values.at, r->values.n)) {
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "Values and the configuration of a condition cannot be specified at the "
                          "same time");
    }
    if (r->values.n > 0 && r->regexes.n > 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "Values and regular expressions cannot be specified at the same time");
    if (r->values.n + r->regexes.n + r->pair_count == 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR, "A condition value must be specified");
    return 0;
}

/* --- values ---------------------------------------------------------------------------------- */

static int refuse_length(struct call *c, const char *what, size_t limit)
{
    return elb_refuse(c, &AWS_VALIDATION_ERROR, "The '%s' value is too long; the limit is '%zu'",
                      what, limit);
}

static int refuse_value(struct call *c, const char *what, struct str value)
{
    return elb_refuse(c, &AWS_VALIDATION_ERROR, "The '%s' value '%.*s' is not valid", what,
                      STR_ARG(value));
}

static bool made_of(struct str s, const char *characters)
{
    for (size_t i = 0; characters != NULL && i < s.n; i++)
        if (s.at[i] == '\0' || strchr(characters, s.at[i]) == NULL)
            return false;
    return true;
}

/* A host has a dot, and only letters behind its last one. */
static bool is_host_pattern(struct str s)
{
    size_t dot = str_rchr(s, '.');

    if (dot == STR_NONE || dot + 1 == s.n)
        return false;
    for (size_t i = dot + 1; i < s.n; i++)
        if (!((s.at[i] >= 'a' && s.at[i] <= 'z') || (s.at[i] >= 'A' && s.at[i] <= 'Z')))
            return false;
    return true;
}

static bool is_block(struct arena *a, struct str s)
{
    struct str address, length;
    struct in6_addr six;
    struct in_addr four;
    int64_t bits;

    if (!str_cut(s, '/', &address, &length) || !str_to_int(length, &bits) || bits < 0)
        return false;
    return (bits <= 32 && inet_pton(AF_INET, arena_cstr(a, address), &four) == 1) ||
           (bits <= 128 && inet_pton(AF_INET6, arena_cstr(a, address), &six) == 1);
}

/* RFC 9110, section 5.6.2: a token. */
static bool is_token(struct str s)
{
    return s.n > 0 && made_of(s, ALPHANUMERIC "!#$%&'*+-.^_`|~");
}

static int check_header_name(struct call *c, struct str name)
{
    if (name.n == 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR, "An HttpHeaderName must be specified");
    if (name.n > LONGEST_NAME)
        return refuse_length(c, "HttpHeaderName", LONGEST_NAME);
    if (!is_token(name) || str_chr(name, '*') != STR_NONE)
        return refuse_value(c, "HttpHeaderName", name);
    if (str_ieq(name, S("host")))
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "The 'host' header must be specified by a condition of field "
                          "'host-header'");
    return 0;
}

static int check_value(struct call *c, const struct field *f, struct str value)
{
    if (value.n == 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR, "A condition value must be specified");
    if (value.n > f->longest)
        return refuse_length(c, f->name, f->longest);
    if (!made_of(value, f->characters))
        return refuse_value(c, f->name, value);
    if (strcmp(f->name, "host-header") == 0 && !is_host_pattern(value))
        return refuse_value(c, f->name, value);
    if (strcmp(f->name, "source-ip") == 0 &&
        (!is_block(c->arena, value) || str_is(value, "255.255.255.255/32")))
        return refuse_value(c, f->name, value);
    return 0;
}

static int check_pair(struct call *c, const struct elbv2_query_string_key_value_pair *pair)
{
    if (pair->value.n == 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR, "A condition value must be specified");
    if (pair->key.n > LONGEST_VALUE || pair->value.n > LONGEST_VALUE)
        return refuse_length(c, "query-string", LONGEST_VALUE);
    return 0;
}

static int check_regexes(struct call *c, const struct reading *r)
{
    bool allowed = str_is(r->field, "host-header") || str_is(r->field, "path-pattern") ||
                   str_is(r->field, "http-header");

    for (size_t i = 0; i < r->regexes.n; i++) {
        if (!allowed || r->regexes.at[i].n == 0)
            return refuse_value(c, "RegexValues", r->regexes.at[i]);
        if (r->regexes.at[i].n > LONGEST_VALUE)
            return refuse_length(c, "RegexValues", LONGEST_VALUE);
        if (!elb_regex_is_valid(c, r->regexes.at[i]))
            return elb_refuse(c, &AWS_VALIDATION_ERROR,
                              "The regular expression '%.*s' is not valid",
                              STR_ARG(r->regexes.at[i]));
    }
    return 0;
}

static int check_values(struct call *c, const struct reading *r)
{
    const struct field *f = find_field(r->field);
    int res = str_is(r->field, "http-header") ? check_header_name(c, r->header) : 0;

    for (size_t i = 0; res == 0 && i < r->values.n; i++)
        res = check_value(c, f, r->values.at[i]);
    for (size_t i = 0; res == 0 && i < r->pair_count; i++)
        res = check_pair(c, &r->pairs[i]);
    return res == 0 ? check_regexes(c, r) : res;
}

/* --- the rule as a whole --------------------------------------------------------------------- */

/* Wildcards that are not escaped. */
static int64_t count_wildcards(struct str s)
{
    int64_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (s.at[i] == '\\')
            i++;
        else if (s.at[i] == '*' || s.at[i] == '?')
            n++;
    }
    return n;
}

static int64_t wildcards_of(const struct reading *r)
{
    int64_t n = 0;

    if (!find_field(r->field)->wildcards)
        return 0;
    for (size_t i = 0; i < r->values.n; i++)
        n += count_wildcards(r->values.at[i]);
    for (size_t i = 0; i < r->pair_count; i++)
        n += count_wildcards(r->pairs[i].key) + count_wildcards(r->pairs[i].value);
    return n;
}

static int check_limits(struct call *c, const struct reading *at, size_t n)
{
    int64_t most_values = elb_limit(c, "condition-values-per-alb-rule");
    int64_t most_wildcards = elb_limit(c, "condition-wildcards-per-alb-rule");
    int64_t values = 0, wildcards = 0;

    for (size_t i = 0; i < n; i++) {
        values += (int64_t)(at[i].values.n + at[i].regexes.n + at[i].pair_count);
        wildcards += wildcards_of(&at[i]);
        for (size_t k = 0; k < i; k++)
            if (find_field(at[i].field)->once && str_eq(at[i].field, at[k].field))
                return elb_refuse(c, &AWS_VALIDATION_ERROR,
                                  "A rule can only have one condition with field '%.*s'",
                                  STR_ARG(at[i].field));
    }
    if (values > most_values)
        return elb_refuse(c, &AWS_VALIDATION_ERROR, "A rule can only have '%lld' condition values",
                          (long long)most_values);
    if (wildcards > most_wildcards)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "A rule can only have '%lld' condition wildcards",
                          (long long)most_wildcards);
    return 0;
}

/* As it is kept and shown: host and path in the old form too, where they came in their own. */
static struct elbv2_rule_condition kept_form(const struct elbv2_rule_condition *in,
                                             const struct reading *r)
{
    struct elbv2_rule_condition kept = {.field = r->field};
    bool old = str_is(r->field, "host-header") || str_is(r->field, "path-pattern");

    if (old || !r->has_config)
        kept.values = r->values;
    if (!r->has_config)
        kept.regex_values = r->regexes;
    if (str_is(r->field, "host-header"))
        kept.host_header_config = in->host_header_config;
    else if (str_is(r->field, "path-pattern"))
        kept.path_pattern_config = in->path_pattern_config;
    else if (str_is(r->field, "http-header"))
        kept.http_header_config = in->http_header_config;
    else if (str_is(r->field, "http-request-method"))
        kept.http_request_method_config = in->http_request_method_config;
    else if (str_is(r->field, "query-string"))
        kept.query_string_config = in->query_string_config;
    else
        kept.source_ip_config = in->source_ip_config;
    return kept;
}

int elb_read_conditions(struct call *c, const struct elbv2_rule_condition *at, size_t n,
                        struct str *ret_json)
{
    struct elbv2_rule_condition *kept = arena_array(c->arena, n, sizeof *kept);
    struct reading *readings = arena_array(c->arena, n, sizeof *readings);
    int r = 0;

    if (n == 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR, "A condition must be specified");
    for (size_t i = 0; r == 0 && i < n; i++) {
        r = read_forms(c, &at[i], &readings[i]);
        if (r == 0)
            r = check_values(c, &readings[i]);
        if (r == 0)
            kept[i] = kept_form(&at[i], &readings[i]);
    }
    if (r == 0)
        r = check_limits(c, readings, n);
    if (r == 0)
        *ret_json = elb_write_list(c, &elbv2_rule_condition_shape, kept, n);
    return r;
}

/* --- transforms ------------------------------------------------------------------------------ */

static int check_rewrites(struct call *c, const char *type, const char *member,
                          const struct elbv2_rewrite_config *at, size_t n)
{
    if (n != 1)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "For transforms of type '%s', you must specify exactly one rewrite in "
                          "'%s'",
                          type, member);
    if (at[0].regex.n == 0 || at[0].regex.n > MOST_PATTERN || at[0].replace.n > MOST_PATTERN)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "The regular expression and the replacement of a rewrite can have at "
                          "most '%d' characters",
                          MOST_PATTERN);
    if (!elb_regex_is_valid(c, at[0].regex))
        return elb_refuse(c, &AWS_VALIDATION_ERROR, "The regular expression '%.*s' is not valid",
                          STR_ARG(at[0].regex));
    return 0;
}

static int check_transform(struct call *c, const struct elbv2_rule_transform *t)
{
    bool host = str_is(t->type, "host-header-rewrite");
    const char *member = host ? "HostHeaderRewriteConfig" : "UrlRewriteConfig";

    if (host && t->host_header_rewrite_config != NULL && t->url_rewrite_config == NULL)
        return check_rewrites(c, "host-header-rewrite", member,
                              t->host_header_rewrite_config->rewrites.at,
                              t->host_header_rewrite_config->rewrites.n);
    if (!host && t->url_rewrite_config != NULL && t->host_header_rewrite_config == NULL)
        return check_rewrites(c, "url-rewrite", member, t->url_rewrite_config->rewrites.at,
                              t->url_rewrite_config->rewrites.n);
    return elb_refuse(c, &AWS_VALIDATION_ERROR,
                      "For transforms of type '%.*s', you must specify the following fields: '%s'",
                      STR_ARG(t->type), member);
}

int elb_read_transforms(struct call *c, const struct elbv2_rule_transform *at, size_t n,
                        struct str *ret_json)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        r = check_transform(c, &at[i]);
        for (size_t k = 0; r == 0 && k < i; k++)
            if (str_eq(at[i].type, at[k].type))
                r = elb_refuse(c, &AWS_VALIDATION_ERROR,
                               "A rule can only have one transform of type '%.*s'",
                               STR_ARG(at[i].type));
    }
    if (r == 0)
        *ret_json = elb_write_list(c, &elbv2_rule_transform_shape, at, n);
    return r;
}

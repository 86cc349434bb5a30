/* Matching of conditions: host, path, header, method, query string and source address. A rule's
 * conditions are ANDed, the values of one condition ORed, the first rule that holds wins.
 * Source: Application Load Balancers User Guide, "Condition types for listener rules". */
#include "dataplane/rule.h"

#include "dataplane/rule_index.h"

char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool same_char(char a, char b, unsigned flags)
{
    return a == b || ((flags & GLOB_CASE_IGNORED) != 0 && ascii_lower(a) == ascii_lower(b));
}

static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.at[i] < 0x20 || s.at[i] == 0x7f)
            return true;
    return false;
}

/* Whether @p at *at matches the character @c; *at moves behind what was used. Not for '*'. */
static bool step(struct str p, size_t *at, char c, unsigned flags)
{
    char wanted = p.at[*at];

    if (wanted == '?') {
        (*at)++;
        return true;
    }
    if (wanted == '\\' && (flags & GLOB_ESCAPES) != 0 && *at + 1 < p.n) {
        wanted = p.at[*at + 1];
        *at += 2;
    } else {
        (*at)++;
    }
    return same_char(wanted, c, flags);
}

bool glob_matches(struct str pattern, struct str text, unsigned flags)
{
    size_t p = 0, t = 0, star = STR_NONE, star_text = 0;

    while (t < text.n) {
        size_t next = p;

        if (p < pattern.n && pattern.at[p] == '*') {
            star = ++p;
            star_text = t;
            continue;
        }
        if (p < pattern.n && step(pattern, &next, text.at[t], flags)) {
            p = next;
            t++;
            continue;
        }
        /* Only the last star need be tried again: an earlier one that took more would leave less
         * text for the same rest of the pattern. */
        if (star == STR_NONE)
            return false;
        p = star;
        t = ++star_text;
    }
    while (p < pattern.n && pattern.at[p] == '*')
        p++;
    return p == pattern.n && !has_control(text);
}

void rule_prepare_pattern(struct dp_pattern *p, unsigned flags)
{
    size_t i = 0;

    while (i < p->text.n && p->text.at[i] != '*' && p->text.at[i] != '?' &&
           !(p->text.at[i] == '\\' && (flags & GLOB_ESCAPES) != 0))
        i++;
    p->literal = i;
    p->plain = i == p->text.n;
}

/* The literal start of a pattern rules most texts out before any wildcard is looked at. */
static bool pattern_matches(const struct dp_pattern *p, struct str text, unsigned flags)
{
    if (text.n < p->literal || (p->plain && text.n != p->literal))
        return false;
    if ((flags & GLOB_CASE_IGNORED) == 0) {
        if (p->literal > 0 && memcmp(p->text.at, text.at, p->literal) != 0)
            return false;
    } else {
        for (size_t i = 0; i < p->literal; i++)
            if (ascii_lower(p->text.at[i]) != ascii_lower(text.at[i]))
                return false;
    }
    if (p->plain)
        return !has_control(text);
    return glob_matches(str_from(p->text, p->literal), str_from(text, p->literal), flags);
}

static bool any_value_matches(const struct dp_condition *c, struct str text, unsigned flags,
                              const struct rule_request *r)
{
    for (size_t i = 0; c->regex && r->scratch != NULL && i < c->count; i++)
        if (regex_matches(c->values[i].regex, text, r->scratch))
            return true;
    if (c->regex)
        return false;
    for (size_t i = 0; i < c->count; i++)
        if (pattern_matches(&c->values[i], text, flags))
            return true;
    return false;
}

static bool header_matches(const struct dp_condition *c, const struct rule_request *r)
{
    for (size_t i = 0; i < r->field_count; i++)
        if (str_ieq(r->fields[i].name, c->header) &&
            any_value_matches(c, r->fields[i].value, GLOB_CASE_IGNORED, r))
            return true;
    return false;
}

static bool method_matches(const struct dp_condition *c, const struct rule_request *r)
{
    for (size_t i = 0; i < c->count; i++)
        if (str_eq(c->values[i].text, r->method))
            return true;
    return false;
}

static bool pair_matches(const struct dp_condition *c, struct str key, struct str value)
{
    const unsigned flags = GLOB_CASE_IGNORED | GLOB_ESCAPES;

    for (size_t i = 0; i < c->count; i++) {
        bool any_key = c->keys == NULL || c->keys[i].text.n == 0;

        if ((any_key || pattern_matches(&c->keys[i], key, flags)) &&
            pattern_matches(&c->values[i], value, flags))
            return true;
    }
    return false;
}

static bool query_matches(const struct dp_condition *c, const struct rule_request *r)
{
    struct str rest = r->query, pair;

    while (str_next(&rest, '&', &pair)) {
        struct str key = pair, value = {0};

        (void)str_cut(pair, '=', &key, &value);
        if (pair.n > 0 && pair_matches(c, key, value))
            return true;
    }
    return false;
}

static bool source_matches(const struct dp_condition *c, const struct rule_request *r)
{
    for (size_t i = 0; i < c->count; i++)
        if ((r->source & c->sources[i].mask) == (c->sources[i].address & c->sources[i].mask))
            return true;
    return false;
}

static bool condition_holds(const struct dp_condition *c, const struct rule_request *r)
{
    switch (c->field) {
    case DP_HOST:
        return any_value_matches(c, r->host, GLOB_CASE_IGNORED, r);
    case DP_PATH:
        return any_value_matches(c, r->path, GLOB_CASE_SENSITIVE, r);
    case DP_HEADER:
        return header_matches(c, r);
    case DP_METHOD:
        return method_matches(c, r);
    case DP_QUERY:
        return query_matches(c, r);
    case DP_SOURCE_IP:
        return source_matches(c, r);
    }
    return false;
}

bool rule_matches(const struct dp_rule *rule, const struct rule_request *r)
{
    for (size_t i = 0; i < rule->condition_count; i++)
        if (!condition_holds(&rule->conditions[i], r))
            return false;
    return true;
}

const struct dp_rule *rule_find(const struct dp_listener *l, const struct rule_request *r)
{
    if (l->index != NULL)
        return rule_index_find(l->index, l->rules, r);
    for (size_t i = 0; i < l->rule_count; i++)
        if (rule_matches(&l->rules[i], r))
            return &l->rules[i];
    return NULL;
}

/* Label and field selectors: parsing and matching.
 * Source: k8s.io/apimachinery pkg/labels/selector.go and pkg/fields/selector.go for the words. */
#include "kube/selector.h"

enum { MOST_TERMS = 256 };

/* --- labels ----------------------------------------------------------------------------- */

struct scanner {
    struct arena *arena;
    struct str rest;
    struct str why;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_space(struct scanner *s)
{
    while (s->rest.n > 0 && is_space(s->rest.at[0]))
        s->rest = str_from(s->rest, 1);
}

static bool take(struct scanner *s, struct str token)
{
    skip_space(s);
    if (!str_starts(s->rest, token))
        return false;
    s->rest = str_from(s->rest, token.n);
    return true;
}

/* A key or value: up to white space or one of the operators' characters. */
static struct str take_word(struct scanner *s)
{
    struct str word;
    size_t n = 0;

    skip_space(s);
    while (n < s->rest.n && !is_space(s->rest.at[n]) && s->rest.at[n] != '\0' &&
           strchr("=!(),<>", s->rest.at[n]) == NULL)
        n++;
    word = str_first(s->rest, n);
    s->rest = str_from(s->rest, n);
    return word;
}

static bool take_keyword(struct scanner *s, struct str keyword)
{
    struct scanner before = *s;

    if (str_eq(take_word(s), keyword))
        return true;
    *s = before;
    return false;
}

static bool fail(struct scanner *s, struct str found, const char *expected)
{
    s->why = arena_printf(s->arena, "unable to parse requirement: found '%.*s', expected: %s",
                          STR_ARG(found), expected);
    return false;
}

static bool take_values(struct scanner *s, struct selector_term *t)
{
    t->values = arena_array(s->arena, MOST_TERMS, sizeof *t->values);
    if (!take(s, S("(")))
        return fail(s, take_word(s), "'('");
    do {
        if (t->value_count == MOST_TERMS)
            return fail(s, s->rest, "')'");
        t->values[t->value_count++] = take_word(s);
    } while (take(s, S(",")));
    if (!take(s, S(")")))
        return fail(s, str_first(s->rest, 1), "',' or ')'");
    return true;
}

static bool take_one_value(struct scanner *s, struct selector_term *t)
{
    t->values = arena_alloc(s->arena, sizeof *t->values);
    t->values[0] = take_word(s);
    t->value_count = 1;
    return true;
}

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* The grammar of a label's name and value: at most 63, alphanumeric at both ends. */
static bool is_label_part(struct str s)
{
    if (s.n == 0 || s.n > 63 || !name_char(s.at[0]) || !name_char(s.at[s.n - 1]))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!name_char(s.at[i]) && s.at[i] != '-' && s.at[i] != '_' && s.at[i] != '.')
            return false;
    return true;
}

static bool check_term(struct scanner *s, const struct selector_term *t)
{
    struct str prefix, name = t->key;

    if (str_cut(t->key, '/', &prefix, &name) && (prefix.n == 0 || prefix.n > 253))
        name = (struct str){0};
    if (!is_label_part(name)) {
        s->why = arena_printf(
            s->arena,
            "unable to parse requirement: <nil>: Invalid value: \"%.*s\": name part must consist "
            "of alphanumeric characters, '-', '_' or '.', and must start and end with an "
            "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
            "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
            STR_ARG(t->key));
        return false;
    }
    for (size_t i = 0; i < t->value_count; i++)
        if (t->values[i].n > 0 && !is_label_part(t->values[i])) {
            s->why = arena_printf(
                s->arena,
                "unable to parse requirement: values[%zu][%.*s]: Invalid value: \"%.*s\": a valid "
                "label must be an empty string or consist of alphanumeric characters, '-', '_' or "
                "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "
                "'my_value',  or '12345', regex used for validation is "
                "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
                i, STR_ARG(t->key), STR_ARG(t->values[i]));
            return false;
        }
    return true;
}

static bool take_term(struct scanner *s, struct selector_term *t)
{
    if (take(s, S("!"))) {
        t->op = SELECT_NOT_EXISTS;
        t->key = take_word(s);
        return check_term(s, t);
    }
    t->key = take_word(s);
    t->op = SELECT_EXISTS;
    if (t->key.n == 0)
        return fail(s, str_first(s->rest, 1), "!, identifier, or 'end of string'");
    if (take_keyword(s, S("in")))
        t->op = SELECT_IN;
    else if (take_keyword(s, S("notin")))
        t->op = SELECT_NOT_IN;
    if (t->op != SELECT_EXISTS)
        return take_values(s, t) && check_term(s, t);
    if (take(s, S("!=")))
        t->op = SELECT_NOT_EQUALS;
    else if (take(s, S("==")) || take(s, S("=")))
        t->op = SELECT_EQUALS;
    else if (take(s, S(">")))
        t->op = SELECT_GREATER;
    else if (take(s, S("<")))
        t->op = SELECT_LESS;
    else
        return check_term(s, t);
    return take_one_value(s, t) && check_term(s, t);
}

bool selector_parse_labels(struct arena *a, struct str text, struct selector *ret_selector,
                           struct str *ret_why)
{
    struct scanner s = {.arena = a, .rest = str_trim(text)};
    struct selector selector = {0};

    if (s.rest.n > 0)
        selector.terms = arena_array(a, MOST_TERMS, sizeof *selector.terms);
    while (s.rest.n > 0) {
        if (selector.n == MOST_TERMS || !take_term(&s, &selector.terms[selector.n])) {
            *ret_why = s.why.n > 0 ? s.why : S("unable to parse requirement: too many terms");
            return false;
        }
        selector.n++;
        skip_space(&s);
        if (s.rest.n > 0 && !take(&s, S(","))) {
            (void)fail(&s, str_first(s.rest, 1), "',' or 'end of string'");
            *ret_why = s.why;
            return false;
        }
    }
    *ret_selector = selector;
    return true;
}

static bool one_of(const struct selector_term *t, struct str value)
{
    for (size_t i = 0; i < t->value_count; i++)
        if (str_eq(t->values[i], value))
            return true;
    return false;
}

static bool term_holds(const struct selector_term *t, bool there, struct str value)
{
    int64_t left, right;

    switch (t->op) {
    case SELECT_EXISTS:
        return there;
    case SELECT_NOT_EXISTS:
        return !there;
    case SELECT_EQUALS:
    case SELECT_IN:
        return there && one_of(t, value);
    case SELECT_NOT_EQUALS:
    case SELECT_NOT_IN:
        return !there || !one_of(t, value);
    case SELECT_GREATER:
    case SELECT_LESS:
        if (!there || !str_to_int(value, &left) || !str_to_int(t->values[0], &right))
            return false;
        return t->op == SELECT_GREATER ? left > right : left < right;
    }
    return false;
}

bool selector_matches_labels(const struct selector *s, const struct object *o)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct object_label *found = NULL;

        for (size_t j = 0; j < o->label_count && found == NULL; j++)
            if (str_eq(o->labels[j].key, s->terms[i].key))
                found = &o->labels[j];
        if (!term_holds(&s->terms[i], found != NULL, found == NULL ? S("") : found->value))
            return false;
    }
    return true;
}

/* --- fields ----------------------------------------------------------------------------- */

struct selectable {
    const char *stored; /* the resource */
    const char *field;  /* as selectors write it */
    const char *path;   /* in the document */
    const char *alias;
};

#define EVENT(field, path)                                              \
    {                                                                   \
        "events", "involvedObject." field, "involvedObject." path, NULL \
    }

static const struct selectable selectable[] = {
    {"pods",                                           "spec.nodeName",            "spec.nodeName",            NULL                },
    {"pods",                                           "spec.host",                "spec.nodeName",            NULL                },
    {"pods",                                           "spec.restartPolicy",       "spec.restartPolicy",       NULL                },
    {"pods",                                           "spec.schedulerName",       "spec.schedulerName",       NULL                },
    {"pods",                                           "spec.serviceAccountName",  "spec.serviceAccountName",  NULL                },
    {"pods",                                           "spec.hostNetwork",         "spec.hostNetwork",         NULL                },
    {"pods",                                           "status.phase",             "status.phase",             NULL                },
    {"pods",                                           "status.podIP",             "status.podIP",             NULL                },
    {"pods",                                           "status.podIPs",            "status.podIP",             NULL                },
    {"pods",                                           "status.nominatedNodeName", "status.nominatedNodeName", NULL                },
    {"nodes",                                          "spec.unschedulable",       "spec.unschedulable",       NULL                },
    {"namespaces",                                     "status.phase",             "status.phase",             NULL                },
    {"secrets",                                        "type",                     "type",                     NULL                },
    {"services",                                       "spec.clusterIP",           "spec.clusterIP",           NULL                },
    {"services",                                       "spec.type",                "spec.type",                NULL                },
    EVENT("kind", "kind"),
    EVENT("namespace", "namespace"),
    EVENT("name", "name"),
    EVENT("uid", "uid"),
    EVENT("apiVersion", "apiVersion"),
    EVENT("resourceVersion", "resourceVersion"),
    EVENT("fieldPath", "fieldPath"),
    {"events",                                         "regarding.kind",           "involvedObject.kind",      NULL                },
    {"events",                                         "regarding.namespace",      "involvedObject.namespace", NULL                },
    {"events",                                         "regarding.name",           "involvedObject.name",      NULL                },
    {"events",                                         "regarding.uid",            "involvedObject.uid",       NULL                },
    {"events",                                         "reason",                   "reason",                   NULL                },
    {"events",                                         "reportingComponent",       "reportingComponent",       NULL                },
    {"events",                                         "reportingController",      "reportingComponent",       NULL                },
    {"events",                                         "source",                   "source.component",         "reportingComponent"},
    {"events",                                         "type",                     "type",                     NULL                },
    {"replicationcontrollers",                         "status.replicas",          "status.replicas",          NULL                },
    {"apps/replicasets",                               "status.replicas",          "status.replicas",          NULL                },
    {"batch/jobs",                                     "status.successful",        "status.succeeded",         NULL                },
    {"certificates.k8s.io/certificatesigningrequests", "spec.signerName",          "spec.signerName",          NULL                },
};

static const struct selectable metadata_fields[] = {
    {NULL, "metadata.name",      "metadata.name",      NULL},
    {NULL, "metadata.namespace", "metadata.namespace", NULL},
};

static const struct selectable *find_field(const struct kind *k, struct str field, bool *ret_own)
{
    bool namespaced = (k->flags & KIND_NAMESPACED) != 0;

    if (str_is(field, "metadata.name") || (namespaced && str_is(field, "metadata.namespace")))
        return &metadata_fields[str_is(field, "metadata.name") ? 0 : 1];
    for (size_t i = 0; i < ARRAY_LEN(selectable); i++) {
        if (!str_is(k->stored, selectable[i].stored))
            continue;
        *ret_own = true;
        if (str_is(field, selectable[i].field))
            return &selectable[i];
    }
    return NULL;
}

/* A value with its escapes undone: "\," "\=" "\\". */
static bool unescape(struct arena *a, struct str s, struct str *ret_value)
{
    char *out = arena_alloc(a, s.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (s.at[i] == '\\' &&
            (++i == s.n || (s.at[i] != ',' && s.at[i] != '=' && s.at[i] != '\\')))
            return false;
        out[n++] = s.at[i];
    }
    *ret_value = str_n(out, n);
    return true;
}

/* The text up to the next comma that no backslash protects. */
static struct str next_field_term(struct str *rest)
{
    size_t n = 0;
    struct str term;

    while (n < rest->n && rest->at[n] != ',')
        n += rest->at[n] == '\\' && n + 1 < rest->n ? 2 : 1;
    term = str_first(*rest, n);
    *rest = str_from(*rest, n + 1);
    return term;
}

static bool read_field_term(struct arena *a, const struct kind *k, struct str text,
                            struct selector_term *t, struct str *ret_why)
{
    size_t eq = str_chr(text, '=');
    bool negated = eq != STR_NONE && eq > 0 && text.at[eq - 1] == '!', own = false;
    const struct selectable *field;

    if (eq == STR_NONE || eq == 0) {
        *ret_why = arena_printf(a, "invalid field selector: \"%.*s\"; can't understand '%.*s'",
                                STR_ARG(text), STR_ARG(text));
        return false;
    }
    t->key = str_trim(str_first(text, negated ? eq - 1 : eq));
    t->op = negated ? SELECT_NOT_EQUALS : SELECT_EQUALS;
    t->values = arena_alloc(a, sizeof *t->values);
    t->value_count = 1;
    text = str_from(text, eq + 1);
    if (!negated && str_starts(text, S("=")))
        text = str_from(text, 1);
    if (!unescape(a, text, &t->values[0])) {
        *ret_why = arena_printf(a, "invalid field selector: invalid escape sequence in '%.*s'",
                                STR_ARG(text));
        return false;
    }
    field = find_field(k, t->key, &own);
    if (field == NULL) {
        *ret_why = own ? arena_printf(a, "field label not supported: %.*s", STR_ARG(t->key))
                       : arena_printf(a,
                                      "\"%.*s\" is not a known field selector: only "
                                      "\"metadata.name\", \"metadata.namespace\"",
                                      STR_ARG(t->key));
        return false;
    }
    t->path = field->path;
    t->alias = field->alias;
    return true;
}

bool selector_parse_fields(struct arena *a, const struct kind *k, struct str text,
                           struct selector *ret_selector, struct str *ret_why)
{
    struct selector selector = {0};

    if (text.n > 0)
        selector.terms = arena_array(a, MOST_TERMS, sizeof *selector.terms);
    while (text.n > 0) {
        struct str term = next_field_term(&text);

        if (term.n == 0)
            continue;
        if (selector.n == MOST_TERMS) {
            *ret_why = S("invalid field selector: too many terms");
            return false;
        }
        if (!read_field_term(a, k, term, &selector.terms[selector.n], ret_why))
            return false;
        selector.n++;
    }
    *ret_selector = selector;
    return true;
}

static struct str field_text(struct arena *a, const cJSON *item, const char *path)
{
    item = json_get(item, path);
    if (cJSON_IsBool(item))
        return cJSON_IsTrue(item) ? S("true") : S("false");
    if (cJSON_IsNumber(item))
        return arena_printf(a, "%lld", (long long)item->valuedouble);
    return json_text(item);
}

/* What a field that is absent counts as: the zero of its Go type. */
static struct str zero_of(const char *path)
{
    if (strcmp(path, "spec.unschedulable") == 0 || strcmp(path, "spec.hostNetwork") == 0)
        return S("false");
    if (strcmp(path, "status.replicas") == 0 || strcmp(path, "status.succeeded") == 0)
        return S("0");
    return S("");
}

bool selector_matches_fields(const struct selector *s, struct object *o)
{
    CLEANUP(arena_free) struct arena a = {0};

    for (size_t i = 0; i < s->n; i++) {
        const struct selector_term *t = &s->terms[i];
        struct str value;

        /* These two need no parsed document. */
        if (strcmp(t->path, "metadata.name") == 0) {
            value = o->key.name;
        } else if (strcmp(t->path, "metadata.namespace") == 0) {
            value = o->key.ns;
        } else {
            value = field_text(&a, object_doc(o), t->path);
            if (value.n == 0 && t->alias != NULL)
                value = field_text(&a, object_doc(o), t->alias);
            if (value.n == 0)
                value = zero_of(t->path);
        }
        if (!term_holds(t, true, value))
            return false;
    }
    return true;
}

struct str selector_wanted_name(const struct selector *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->terms[i].op == SELECT_EQUALS && s->terms[i].path != NULL &&
            strcmp(s->terms[i].path, "metadata.name") == 0)
            return s->terms[i].values[0];
    return (struct str){0};
}

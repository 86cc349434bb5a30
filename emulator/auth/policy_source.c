/* Where the statements of a policy stand in its text. The tree has no positions, so the text is
 * walked once more; it was parsed before, so its form is known to be good, and whatever is not is
 * passed over without harm. */
#include "auth/policy.h"

/* A place in the text. */
struct cursor {
    struct str text;
    size_t at;
};

static char here(const struct cursor *c)
{
    return c->at < c->text.n ? c->text.at[c->at] : '\0';
}

static void skip_space(struct cursor *c)
{
    while (c->at < c->text.n && strchr(" \t\r\n", c->text.at[c->at]) != NULL &&
           c->text.at[c->at] != '\0')
        c->at++;
}

/* Past a string; its text between the quotes, escapes and all. */
static struct str skip_string(struct cursor *c)
{
    size_t start = ++c->at;

    while (c->at < c->text.n && c->text.at[c->at] != '"')
        c->at += c->text.at[c->at] == '\\' ? 2 : 1;
    if (c->at > c->text.n)
        c->at = c->text.n;
    c->at++;
    return str_n(c->text.at + start, c->at - 1 - start);
}

/* Past any value: brackets are counted, strings skipped whole. */
static void skip_value(struct cursor *c)
{
    int depth = 0;

    skip_space(c);
    while (c->at < c->text.n) {
        char x = here(c);

        if (depth == 0 && (x == ',' || x == '}' || x == ']'))
            return;
        if (x == '"') {
            (void)skip_string(c);
        } else {
            depth += (x == '{' || x == '[') - (x == '}' || x == ']');
            c->at++;
        }
        if (depth == 0 && (x == '"' || x == '}' || x == ']'))
            return;
    }
}

/* To the value of the document's member "Statement". */
static bool find_statements(struct cursor *c)
{
    skip_space(c);
    if (here(c) != '{')
        return false;
    c->at++;
    while (c->at < c->text.n) {
        struct str name;

        skip_space(c);
        if (here(c) != '"')
            return false;
        name = skip_string(c);
        skip_space(c);
        c->at++; /* the colon */
        skip_space(c);
        if (str_is(name, "Statement"))
            return c->at < c->text.n;
        skip_value(c);
        skip_space(c);
        c->at++; /* the comma, or the end */
    }
    return false;
}

static struct policy_position position_of(struct str text, size_t at)
{
    struct policy_position p = {1, 1};

    for (size_t i = 0; i < at && i < text.n; i++) {
        p.column++;
        if (text.at[i] == '\n')
            p = (struct policy_position){p.line + 1, 1};
    }
    return p;
}

bool policy_statement_span(struct str document, size_t index, struct policy_position *ret_start,
                           struct policy_position *ret_end)
{
    struct cursor c = {document, 0};
    size_t start;

    if (!find_statements(&c))
        return false;
    if (here(&c) == '[')
        c.at++;
    else if (index > 0)
        return false;
    for (size_t i = 0; i < index; i++) {
        skip_value(&c);
        skip_space(&c);
        if (here(&c) != ',')
            return false;
        c.at++;
    }
    skip_space(&c);
    start = c.at;
    skip_value(&c);
    if (here(&(struct cursor){document, start}) != '{' || c.at <= start)
        return false;
    *ret_start = position_of(document, start);
    *ret_end = position_of(document, c.at - 1);
    return true;
}

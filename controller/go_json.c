/* JSON with Go's errors. The text is checked by a walk that words the errors, then cJSON makes
 * the tree. Source: Go 1.13 encoding/json, scanner and decoder. */
#include "go_json.h"

#include <ctype.h>
#include <math.h>

enum { DEEPEST = 200 };

struct walk {
    struct arena *a;
    struct str text;
    size_t at;
    unsigned depth;
    struct str error; /* set once; everything stops */
};

static bool fail(struct walk *w, const char *context)
{
    unsigned char c;

    if (w->error.n > 0)
        return false;
    if (w->at >= w->text.n) {
        w->error = S("unexpected end of JSON input");
        return false;
    }
    c = (unsigned char)w->text.at[w->at];
    if (c == '\'')
        w->error = arena_printf(w->a, "invalid character '\\'' %s", context);
    else if (c == '\n' || c == '\t' || c == '\r')
        w->error = arena_printf(w->a, "invalid character '\\%c' %s",
                                c == '\n'   ? 'n'
                                : c == '\t' ? 't'
                                            : 'r',
                                context);
    else if (c == '\\')
        w->error = arena_printf(w->a, "invalid character '\\\\' %s", context);
    else if (c < 0x20 || c == 0x7F)
        w->error = arena_printf(w->a, "invalid character '\\x%02x' %s", c, context);
    else if (c >= 0x80) /* Go reads bytes, and shows each as the character of that number */
        w->error = arena_printf(w->a, "invalid character '%c%c' %s", 0xC0 | c >> 6, 0x80 | (c & 63),
                                context);
    else
        w->error = arena_printf(w->a, "invalid character '%c' %s", c, context);
    return false;
}

static void skip_space(struct walk *w)
{
    while (w->at < w->text.n && memchr(" \t\r\n", w->text.at[w->at], 4) != NULL)
        w->at++;
}

/* The byte here, or -1 at the end. */
static int here(const struct walk *w)
{
    return w->at < w->text.n ? (unsigned char)w->text.at[w->at] : -1;
}

static bool walk_string(struct walk *w) /* behind the opening quote */
{
    for (; here(w) != '"'; w->at++) {
        if (here(w) < 0x20)
            return fail(w, "in string literal");
        if (here(w) != '\\')
            continue;
        w->at++;
        if (here(w) == 'u') {
            for (int i = 0; i < 4; i++) {
                w->at++;
                if (here(w) < 0 || !isxdigit(here(w)))
                    return fail(w, "in \\u hexadecimal character escape");
            }
        } else if (here(w) < 0 || strchr("bfnrt\\/\"", here(w)) == NULL) {
            return fail(w, "in string escape code");
        }
    }
    w->at++;
    return true;
}

static bool walk_digits(struct walk *w, const char *context)
{
    if (here(w) < 0 || !isdigit(here(w)))
        return fail(w, context);
    while (here(w) >= 0 && isdigit(here(w)))
        w->at++;
    return true;
}

static bool walk_number(struct walk *w)
{
    if (here(w) == '-')
        w->at++;
    if (here(w) == '0')
        w->at++;
    else if (!walk_digits(w, "in numeric literal"))
        return false;
    if (here(w) == '.') {
        w->at++;
        if (!walk_digits(w, "after decimal point in numeric literal"))
            return false;
    }
    if (here(w) == 'e' || here(w) == 'E') {
        w->at++;
        if (here(w) == '+' || here(w) == '-')
            w->at++;
        return walk_digits(w, "in exponent of numeric literal");
    }
    return true;
}

static bool walk_literal(struct walk *w, const char *word)
{
    for (size_t i = 0; word[i] != 0; i++, w->at++)
        if (here(w) != (unsigned char)word[i])
            return fail(w, arena_printf(w->a, "in literal %s (expecting '%c')", word, word[i]).at);
    return true;
}

static bool walk_value(struct walk *w);

static bool walk_object(struct walk *w) /* behind the brace */
{
    skip_space(w);
    if (here(w) == '}') {
        w->at++;
        return true;
    }
    for (;;) {
        skip_space(w);
        if (here(w) != '"')
            return fail(w, "looking for beginning of object key string");
        w->at++;
        if (!walk_string(w))
            return false;
        skip_space(w);
        if (here(w) != ':')
            return fail(w, "after object key");
        w->at++;
        if (!walk_value(w))
            return false;
        skip_space(w);
        if (here(w) != ',' && here(w) != '}')
            return fail(w, "after object key:value pair");
        if (w->text.at[w->at++] == '}')
            return true;
    }
}

static bool walk_array(struct walk *w) /* behind the bracket */
{
    skip_space(w);
    if (here(w) == ']') {
        w->at++;
        return true;
    }
    for (;;) {
        if (!walk_value(w))
            return false;
        skip_space(w);
        if (here(w) != ',' && here(w) != ']')
            return fail(w, "after array element");
        if (w->text.at[w->at++] == ']')
            return true;
    }
}

static bool walk_value(struct walk *w)
{
    bool ok;
    int c;

    skip_space(w);
    c = here(w);
    if (c == '"') {
        w->at++;
        return walk_string(w);
    }
    if (c == '-' || (c >= 0 && isdigit(c)))
        return walk_number(w);
    if (c == 't' || c == 'f' || c == 'n')
        return walk_literal(w, c == 't' ? "true" : c == 'f' ? "false" : "null");
    if (c != '{' && c != '[')
        return fail(w, "looking for beginning of value");
    if (++w->depth > DEEPEST) {
        w->error = S("exceeded max depth");
        return false;
    }
    w->at++;
    ok = c == '{' ? walk_object(w) : walk_array(w);
    w->depth--;
    return ok;
}

cJSON *go_json_parse(struct arena *a, struct str text, struct str *ret_error)
{
    struct walk w = {.a = a, .text = text};
    cJSON *tree;

    if (walk_value(&w)) {
        skip_space(&w);
        if (w.at < w.text.n)
            fail(&w, "after top-level value");
    }
    if (w.error.n > 0) {
        *ret_error = w.error;
        return NULL;
    }
    tree = json_parse(text, NULL);
    if (tree == NULL) /* a lone surrogate: Go replaces it, cJSON refuses it */
        *ret_error = S("invalid character in string literal");
    return tree;
}

const cJSON *go_json_member(const cJSON *object, struct str name)
{
    const cJSON *found = NULL;

    if (!cJSON_IsObject(object))
        return NULL;
    JSON_EACH(item, object)
        if (str_ieq(str_c(item->string), name) && !cJSON_IsNull(item))
            found = item;
    return found;
}

const char *go_json_kind(const cJSON *value)
{
    return cJSON_IsString(value)   ? "string"
           : cJSON_IsNumber(value) ? "number"
           : cJSON_IsBool(value)   ? "bool"
           : cJSON_IsArray(value)  ? "array"
                                   : "object";
}

bool go_json_is_int(const cJSON *value)
{
    return cJSON_IsNumber(value) && fabs(value->valuedouble) < 9.2e18 &&
           trunc(value->valuedouble) == value->valuedouble;
}

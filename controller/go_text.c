/* Texts as Go writes them. Source: Go's fmt, strconv, net and encoding/json; aws-sdk-go's
 * awsutil.Prettify. */
#include "go_text.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>

#include "base/buf.h"

enum { TEXT_LIMIT = 1 << 20 };

static struct str take(struct arena *a, struct buf *b)
{
    return arena_str(a, buf_str(b));
}

struct str go_format(struct arena *a, struct str s)
{
    CLEANUP(buf_free) struct buf b = buf_init(TEXT_LIMIT);

    for (size_t i = 0; i < s.n; i++) {
        if (s.at[i] != '%') {
            buf_char(&b, s.at[i]);
            continue;
        }
        i++;
        while (i < s.n && memchr("+-# 0", s.at[i], 5) != NULL)
            i++;
        while (i < s.n && isdigit((unsigned char)s.at[i]))
            i++;
        if (i < s.n && s.at[i] == '.')
            for (i++; i < s.n && isdigit((unsigned char)s.at[i]);)
                i++;
        if (i >= s.n)
            buf_add(&b, S("%!(NOVERB)"));
        else if (s.at[i] == '%')
            buf_char(&b, '%');
        else { /* the verb is a character: all its bytes */
            buf_add(&b, S("%!"));
            buf_char(&b, s.at[i]);
            while (i + 1 < s.n && ((unsigned char)s.at[i + 1] & 0xC0) == 0x80)
                buf_char(&b, s.at[++i]);
            buf_add(&b, S("(MISSING)"));
        }
    }
    return take(a, &b);
}

static void add_quoted(struct buf *b, struct str s)
{
    static const char plain[] = "\a\b\f\n\r\t\v\\\"", letters[] = "abfnrtv\\\"";

    buf_char(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.at[i];
        const char *at = c == 0 ? NULL : strchr(plain, c);

        if (at != NULL)
            buf_printf(b, "\\%c", letters[at - plain]);
        else if (c < 0x20 || c == 0x7F)
            buf_printf(b, "\\x%02x", c);
        else
            buf_char(b, (char)c);
    }
    buf_char(b, '"');
}

struct str go_quote(struct arena *a, struct str s)
{
    CLEANUP(buf_free) struct buf b = buf_init(TEXT_LIMIT);

    add_quoted(&b, s);
    return take(a, &b);
}

struct str go_errno(struct arena *a, int error)
{
    char *text = arena_cstr(a, str_c(strerror(error)));

    text[0] = (char)tolower((unsigned char)text[0]);
    return str_c(text);
}

struct str go_list(struct arena *a, const struct strs *s)
{
    struct str inside = strs_join(a, s, " ");

    return arena_printf(a, "[%.*s]", STR_ARG(inside));
}

struct str go_json_quote(struct arena *a, struct str s)
{
    CLEANUP(buf_free) struct buf b = buf_init(TEXT_LIMIT);

    buf_char(&b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.at[i];

        if (c == '"' || c == '\\')
            buf_printf(&b, "\\%c", c);
        else if (c == '\n')
            buf_add(&b, S("\\n"));
        else if (c == '\r')
            buf_add(&b, S("\\r"));
        else if (c == '\t')
            buf_add(&b, S("\\t"));
        else if (c < 0x20 || c == '<' || c == '>' || c == '&')
            buf_printf(&b, "\\u%04x", c);
        else
            buf_char(&b, (char)c);
    }
    buf_char(&b, '"');
    return take(a, &b);
}

bool go_parse_int(struct str s, int64_t *ret_value)
{
    if (s.n > 1 && s.at[0] == '+' && isdigit((unsigned char)s.at[1]))
        s = str_from(s, 1);
    return str_to_int(s, ret_value);
}

bool go_parse_bool(struct str s, bool *ret_value)
{
    static const struct {
        struct str text;
        bool value;
    } words[] = {
        {STR_INIT("1"),     true },
        {STR_INIT("t"),     true },
        {STR_INIT("T"),     true },
        {STR_INIT("true"),  true },
        {STR_INIT("TRUE"),  true },
        {STR_INIT("True"),  true },
        {STR_INIT("0"),     false},
        {STR_INIT("f"),     false},
        {STR_INIT("F"),     false},
        {STR_INIT("false"), false},
        {STR_INIT("FALSE"), false},
        {STR_INIT("False"), false},
    };

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq(words[i].text, s)) {
            *ret_value = words[i].value;
            return true;
        }
    return false;
}

bool go_is_cidr(struct str s)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char address[sizeof(struct in6_addr)];
    struct str head, bits;
    bool v6;
    int64_t n;

    if (!str_cut(s, '/', &head, &bits) || head.n >= sizeof text)
        return false;
    memcpy(text, head.at, head.n);
    text[head.n] = 0;
    v6 = str_chr(head, ':') != STR_NONE;
    if (inet_pton(v6 ? AF_INET6 : AF_INET, text, address) != 1)
        return false;
    return bits.n > 0 && isdigit((unsigned char)bits.at[0]) && str_to_int(bits, &n) && n >= 0 &&
           n <= (v6 ? 128 : 32);
}

/* --- awsutil.Prettify ------------------------------------------------------------------- */

static void indent(struct pretty *p, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        buf_add(p->out, S("  "));
}

/* Between the parts of what is open: a comma, and the indentation where parts have lines. */
static void next_part(struct pretty *p)
{
    if (p->depth == 0)
        return;
    if (p->parts[p->depth - 1]++ > 0)
        buf_char(p->out, ',');
    if (!p->list[p->depth - 1] || p->wide[p->depth - 1])
        indent(p, p->depth);
}

static void open_part(struct pretty *p, bool list, bool wide)
{
    assert(p->depth < ARRAY_LEN(p->parts));
    p->parts[p->depth] = 0;
    p->list[p->depth] = list;
    p->wide[p->depth++] = wide;
    buf_char(p->out, list ? '[' : '{');
}

/* An element of a list separates itself; the value of a member follows its name. */
static void begin_value(struct pretty *p)
{
    if (p->depth > 0 && p->list[p->depth - 1])
        next_part(p);
}

void pretty_open_struct(struct pretty *p)
{
    begin_value(p);
    open_part(p, false, false);
}

void pretty_open_list(struct pretty *p, size_t elements)
{
    begin_value(p);
    open_part(p, true, elements > 3);
}

void pretty_close(struct pretty *p)
{
    bool list = p->list[p->depth - 1], wide = p->wide[p->depth - 1];

    p->depth--;
    if (!list || wide)
        indent(p, p->depth);
    buf_char(p->out, list ? ']' : '}');
}

void pretty_member(struct pretty *p, struct str name)
{
    next_part(p);
    buf_printf(p->out, "%.*s: ", STR_ARG(name));
}

void pretty_text(struct pretty *p, struct str value)
{
    begin_value(p);
    add_quoted(p->out, value);
}

void pretty_number(struct pretty *p, int64_t value)
{
    begin_value(p);
    buf_printf(p->out, "%lld", (long long)value);
}

void pretty_texts(struct pretty *p, const struct strs *values)
{
    pretty_open_list(p, values->n);
    for (size_t i = 0; i < values->n; i++)
        pretty_text(p, values->at[i]);
    pretty_close(p);
}

struct str pretty_map(struct arena *a, const struct pairs *map)
{
    CLEANUP(buf_free) struct buf b = buf_init(TEXT_LIMIT);
    struct pretty p = {.out = &b};

    pretty_open_struct(&p);
    for (size_t i = 0; i < map->n; i++) {
        pretty_member(&p, map->at[i].key);
        pretty_text(&p, map->at[i].value);
    }
    pretty_close(&p);
    return take(a, &b);
}

struct str pretty_list(struct arena *a, const struct strs *list)
{
    CLEANUP(buf_free) struct buf b = buf_init(TEXT_LIMIT);
    struct pretty p = {.out = &b};

    pretty_texts(&p, list);
    return take(a, &b);
}

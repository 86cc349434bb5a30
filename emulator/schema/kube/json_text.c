/* JSON text to a tree, refused in the words of Go's encoding/json. Numbers keep their text
 * (valuestring), so that nothing is lost before their field is known. Doubled keys stay in the
 * tree: who walks it complains. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "schema/kube/decode.h"

enum { DEEPEST = 500 }; /* trees are walked by recursion */

struct parser {
    struct str text;
    size_t at;
    int depth;
    struct buf word; /* the string that is being read */
    struct kube_problems *p;
};

static cJSON *read_value(struct parser *r);

static void skip_space(struct parser *r)
{
    while (r->at < r->text.n && strchr(" \t\r\n", r->text.at[r->at]) != NULL &&
           r->text.at[r->at] != '\0')
        r->at++;
}

/* The character as Go's %q shows it. */
static struct str quoted(struct parser *r, unsigned char c)
{
    if (c == '\'')
        return S("'\\''");
    if (c == '"')
        return S("'\"'");
    if (c == '\\')
        return S("'\\\\'");
    if (c == '\n')
        return S("'\\n'");
    if (c == '\t')
        return S("'\\t'");
    if (c == '\r')
        return S("'\\r'");
    if (c < 0x20 || c == 0x7f)
        return arena_printf(r->p->arena, "'\\x%02x'", c);
    if (c < 0x80)
        return arena_printf(r->p->arena, "'%c'", c);
    if (c < 0xa0 || c == 0xad)
        return arena_printf(r->p->arena, "'\\u%04x'", c);
    return arena_printf(r->p->arena, "'%c%c'", 0xc0 | c >> 6, 0x80 | (c & 0x3f));
}

/* The text ended, or the character at hand has no place here: "invalid character 'x' after …". */
static void *unexpected(struct parser *r, const char *where)
{
    if (r->at >= r->text.n)
        return kube_refuse(r->p, "unexpected end of JSON input");
    return kube_refuse(r->p, "invalid character %.*s %s",
                       STR_ARG(quoted(r, (unsigned char)r->text.at[r->at])), where);
}

static bool take(struct parser *r, char c)
{
    if (r->at >= r->text.n || r->text.at[r->at] != c)
        return false;
    r->at++;
    return true;
}

static cJSON *read_word(struct parser *r, const char *word, cJSON *(*make)(void))
{
    char where[64];

    for (size_t i = 0; word[i] != '\0'; i++)
        if (!take(r, word[i])) {
            (void)snprintf(where, sizeof where, "in literal %s (expecting '%c')", word, word[i]);
            return unexpected(r, where);
        }
    return make();
}

/* --- strings ---------------------------------------------------------------------------- */

static bool read_hex(struct parser *r, unsigned *ret_unit)
{
    unsigned unit = 0;

    for (int i = 0; i < 4; i++, r->at++) {
        char c = r->at < r->text.n ? r->text.at[r->at] : ' ';
        const char *digits = "0123456789abcdef", *found;

        found = c == '\0' ? NULL : strchr(digits, c | (c >= 'A' && c <= 'F' ? 0x20 : 0));
        if (found == NULL)
            return unexpected(r, "in \\u hexadecimal character escape") != NULL;
        unit = unit * 16 + (unsigned)(found - digits);
    }
    *ret_unit = unit;
    return true;
}

static void put_rune(struct buf *b, unsigned rune)
{
    if (rune < 0x80) {
        buf_char(b, (char)rune);
    } else if (rune < 0x800) {
        buf_char(b, (char)(0xc0 | rune >> 6));
        buf_char(b, (char)(0x80 | (rune & 0x3f)));
    } else if (rune < 0x10000) {
        buf_char(b, (char)(0xe0 | rune >> 12));
        buf_char(b, (char)(0x80 | (rune >> 6 & 0x3f)));
        buf_char(b, (char)(0x80 | (rune & 0x3f)));
    } else {
        buf_char(b, (char)(0xf0 | rune >> 18));
        buf_char(b, (char)(0x80 | (rune >> 12 & 0x3f)));
        buf_char(b, (char)(0x80 | (rune >> 6 & 0x3f)));
        buf_char(b, (char)(0x80 | (rune & 0x3f)));
    }
}

/* The escape behind "\u"; a lone half of a pair is U+FFFD. */
static bool read_unicode(struct parser *r)
{
    unsigned unit, low;
    size_t mark;

    if (!read_hex(r, &unit))
        return false;
    if (unit == 0) /* DIFFERS: texts end at NUL here */
        return kube_refuse(r->p, "the character U+0000 is not supported in strings") != NULL;
    if (unit >= 0xd800 && unit < 0xdc00 && r->at + 1 < r->text.n && r->text.at[r->at] == '\\' &&
        r->text.at[r->at + 1] == 'u') {
        mark = r->at;
        r->at += 2;
        if (!read_hex(r, &low))
            return false;
        if (low >= 0xdc00 && low < 0xe000) {
            put_rune(&r->word, 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
            return true;
        }
        r->at = mark;
    }
    put_rune(&r->word, unit >= 0xd800 && unit < 0xe000 ? 0xfffd : unit);
    return true;
}

static bool read_escape(struct parser *r)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found;

    if (r->at >= r->text.n)
        return unexpected(r, "") != NULL;
    found = r->text.at[r->at] == '\0' ? NULL : strchr(from, r->text.at[r->at]);
    if (found != NULL) {
        buf_char(&r->word, to[found - from]);
        r->at++;
        return true;
    }
    if (!take(r, 'u'))
        return unexpected(r, "in string escape code") != NULL;
    return read_unicode(r);
}

/* Reads a string, whose quote is at hand, to r->word with a NUL behind it. */
static bool read_string(struct parser *r)
{
    size_t plain;

    buf_reset(&r->word);
    plain = ++r->at;
    for (;;) {
        unsigned char c = r->at < r->text.n ? (unsigned char)r->text.at[r->at] : 0;

        if (r->at >= r->text.n || c < 0x20)
            return unexpected(r, "in string literal") != NULL;
        if (c != '"' && c != '\\') {
            r->at++;
            continue;
        }
        buf_add(&r->word, str_n(r->text.at + plain, r->at - plain));
        r->at++;
        if (c == '"')
            break;
        if (!read_escape(r))
            return false;
        plain = r->at;
    }
    buf_char(&r->word, '\0');
    return true;
}

/* --- numbers ---------------------------------------------------------------------------- */

static bool digits(struct parser *r)
{
    size_t from = r->at;

    while (r->at < r->text.n && r->text.at[r->at] >= '0' && r->text.at[r->at] <= '9')
        r->at++;
    return r->at > from;
}

static cJSON *read_number(struct parser *r)
{
    size_t from = r->at;
    cJSON *item;

    (void)take(r, '-');
    if (!take(r, '0') && !digits(r))
        return unexpected(r, "in numeric literal");
    if (take(r, '.') && !digits(r))
        return unexpected(r, "after decimal point in numeric literal");
    if (take(r, 'e') || take(r, 'E')) {
        if (!take(r, '+'))
            (void)take(r, '-');
        if (!digits(r))
            return unexpected(r, "in exponent of numeric literal");
    }
    item = cJSON_CreateNull();
    item->type = cJSON_Number;
    item->valuestring = xcalloc(r->at - from + 1);
    memcpy(item->valuestring, r->text.at + from, r->at - from);
    cJSON_SetNumberHelper(item, strtod(item->valuestring, NULL));
    return item;
}

/* --- lists and objects ------------------------------------------------------------------- */

static cJSON *read_array(struct parser *r)
{
    CLEANUP(json_freep) cJSON *list = cJSON_CreateArray();
    cJSON *item;

    r->at++;
    skip_space(r);
    if (take(r, ']'))
        return TAKE(list);
    for (;;) {
        item = read_value(r);
        if (item == NULL)
            return NULL;
        cJSON_AddItemToArray(list, item);
        skip_space(r);
        if (take(r, ']'))
            return TAKE(list);
        if (!take(r, ','))
            return unexpected(r, "after array element");
    }
}

static cJSON *read_object(struct parser *r)
{
    CLEANUP(json_freep) cJSON *object = cJSON_CreateObject();
    cJSON *item;

    r->at++;
    skip_space(r);
    if (take(r, '}'))
        return TAKE(object);
    for (;;) {
        CLEANUP(freep) char *key = NULL;

        skip_space(r);
        if (r->at >= r->text.n || r->text.at[r->at] != '"')
            return unexpected(r, "looking for beginning of object key string");
        if (!read_string(r))
            return NULL;
        key = buf_take(&r->word);
        skip_space(r);
        if (!take(r, ':'))
            return unexpected(r, "after object key");
        item = read_value(r);
        if (item == NULL)
            return NULL;
        cJSON_AddItemToObject(object, key, item);
        skip_space(r);
        if (take(r, '}'))
            return TAKE(object);
        if (!take(r, ','))
            return unexpected(r, "after object key:value pair");
    }
}

static cJSON *read_nested(struct parser *r)
{
    cJSON *tree;

    if (++r->depth > DEEPEST)
        return kube_refuse(r->p, "exceeded max depth");
    tree = r->text.at[r->at] == '{' ? read_object(r) : read_array(r);
    r->depth--;
    return tree;
}

static cJSON *read_value(struct parser *r)
{
    char c;

    skip_space(r);
    c = r->at < r->text.n ? r->text.at[r->at] : '\0';
    if (c == '{' || c == '[')
        return read_nested(r);
    if (c == '"')
        return read_string(r) ? cJSON_CreateString(r->word.at) : NULL;
    if (c == '-' || (c >= '0' && c <= '9'))
        return read_number(r);
    if (c == 't')
        return read_word(r, "true", cJSON_CreateTrue);
    if (c == 'f')
        return read_word(r, "false", cJSON_CreateFalse);
    if (c == 'n')
        return read_word(r, "null", cJSON_CreateNull);
    return unexpected(r, "looking for beginning of value");
}

cJSON *kube_parse_json(struct str text, struct kube_problems *p)
{
    struct parser r = {.text = text, .p = p, .word = buf_init(text.n + 4)};
    CLEANUP(json_freep) cJSON *tree = read_value(&r);

    if (tree != NULL) {
        skip_space(&r);
        if (r.at < text.n) {
            cJSON_Delete(tree);
            tree = unexpected(&r, "after top-level value");
        }
    }
    buf_free(&r.word);
    return TAKE(tree);
}

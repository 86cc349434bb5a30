/* JSON documents over cJSON. */
#include "base/json.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

enum { LONGEST_KEY = 1024 };

cJSON *json_parse(struct str text, size_t *ret_offset)
{
    const char *end = NULL;
    cJSON *tree = cJSON_ParseWithLengthOpts(text.n > 0 ? text.at : "", text.n, &end, false);
    size_t at = end == NULL || text.n == 0 ? 0 : (size_t)(end - text.at);

    if (tree != NULL && str_trim(str_from(text, at)).n > 0) {
        cJSON_Delete(tree);
        tree = NULL;
    }
    if (tree == NULL && ret_offset != NULL)
        *ret_offset = at;
    return tree;
}

void json_freep(cJSON **tree)
{
    cJSON_Delete(*tree);
}

cJSON *json_member(const cJSON *object, struct str key)
{
    if (!cJSON_IsObject(object))
        return NULL;
    JSON_EACH(item, object)
        if (strlen(item->string) == key.n && memcmp(item->string, key.at, key.n) == 0)
            return item;
    return NULL;
}

cJSON *json_get(const cJSON *tree, const char *path)
{
    struct str rest = str_c(path), key;
    cJSON *item = NULL;

    while (str_next(&rest, '.', &key)) {
        item = json_member(tree, key);
        if (item == NULL)
            return NULL;
        tree = item;
    }
    return item;
}

struct str json_text(const cJSON *item)
{
    return cJSON_IsString(item) ? str_c(item->valuestring) : (struct str){0};
}

struct str json_str(const cJSON *tree, const char *path)
{
    return json_text(json_get(tree, path));
}

int64_t json_int(const cJSON *tree, const char *path, int64_t otherwise)
{
    const cJSON *item = json_get(tree, path);

    if (!cJSON_IsNumber(item) || !(fabs(item->valuedouble) < 9.2e18))
        return otherwise;
    return (int64_t)item->valuedouble;
}

bool json_bool(const cJSON *tree, const char *path, bool otherwise)
{
    const cJSON *item = json_get(tree, path);

    return cJSON_IsBool(item) ? cJSON_IsTrue(item) : otherwise;
}

/* cJSON wants keys and strings NUL-terminated. */
static char *c_copy(struct str s)
{
    char *copy = xcalloc(s.n + 1);

    if (s.n > 0)
        memcpy(copy, s.at, s.n);
    return copy;
}

cJSON *json_new_str(struct str value)
{
    CLEANUP(freep) char *text = c_copy(value);

    return cJSON_CreateString(text);
}

void json_put(cJSON *object, struct str key, cJSON *value)
{
    CLEANUP(freep) char *name = c_copy(key);
    cJSON *old = json_member(object, key);

    if (old != NULL)
        cJSON_ReplaceItemInObjectCaseSensitive(object, name, value);
    else
        cJSON_AddItemToObject(object, name, value);
}

void json_put_str(cJSON *object, struct str key, struct str value)
{
    json_put(object, key, json_new_str(value));
}

void json_put_int(cJSON *object, struct str key, int64_t value)
{
    json_put(object, key, cJSON_CreateNumber((double)value));
}

void json_put_bool(cJSON *object, struct str key, bool value)
{
    json_put(object, key, cJSON_CreateBool(value));
}

void json_remove(cJSON *object, struct str key)
{
    cJSON *old = json_member(object, key);

    if (old != NULL)
        cJSON_Delete(cJSON_DetachItemViaPointer(object, old));
}

void json_insert(cJSON *parent, size_t at, cJSON *item)
{
    cJSON *after = parent->child;

    for (size_t i = 0; after != NULL && i < at; i++)
        after = after->next;
    if (parent->child == NULL) {
        item->next = NULL;
        item->prev = item;
        parent->child = item;
        return;
    }
    item->prev = after != NULL ? after->prev : parent->child->prev;
    item->next = after;
    if (after != NULL)
        after->prev = item;
    else
        parent->child->prev = item;
    if (after == parent->child)
        parent->child = item;
    else
        item->prev->next = item;
}

static cJSON *need(cJSON *tree, const char *path, int type)
{
    struct str rest = str_c(path), key;

    while (str_next(&rest, '.', &key)) {
        int want = rest.at == NULL ? type : cJSON_Object;
        cJSON *item = json_member(tree, key);

        if (item == NULL || (item->type & 0xff) != want) {
            item = want == cJSON_Object ? cJSON_CreateObject() : cJSON_CreateArray();
            json_put(tree, key, item);
        }
        tree = item;
    }
    return tree;
}

cJSON *json_need_object(cJSON *tree, const char *path)
{
    return need(tree, path, cJSON_Object);
}

cJSON *json_need_array(cJSON *tree, const char *path)
{
    return need(tree, path, cJSON_Array);
}

bool json_equal(const cJSON *a, const cJSON *b)
{
    return a == b || (a != NULL && b != NULL && cJSON_Compare(a, b, true));
}

/* How many bytes the UTF-8 sequence at @s takes; 0 when it is none. */
static size_t utf8_length(const unsigned char *s, size_t n)
{
    size_t want = s[0] < 0x80       ? 1
                  : s[0] >> 5 == 6  ? 2
                  : s[0] >> 4 == 14 ? 3
                  : s[0] >> 3 == 30 ? 4
                                    : 0;

    if (want == 0 || want > n || (want == 2 && s[0] < 0xc2) || (want == 4 && s[0] > 0xf4))
        return 0;
    for (size_t i = 1; i < want; i++)
        if (s[i] >> 6 != 2)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return want;
}

void json_write_str(struct buf *b, struct str s)
{
    size_t plain = 0, i = 0;

    buf_char(b, '"');
    while (i < s.n) {
        unsigned char c = (unsigned char)s.at[i];
        size_t length = utf8_length((const unsigned char *)s.at + i, s.n - i);

        if (length > 1 || (length == 1 && c >= 0x20 && c != '"' && c != '\\')) {
            i += length;
            continue;
        }
        buf_add(b, str_n(s.at + plain, i - plain));
        if (length == 0)
            buf_add(b, S("\xef\xbf\xbd"));
        else if (c == '"' || c == '\\')
            buf_printf(b, "\\%c", c);
        else if (c == '\n')
            buf_add(b, S("\\n"));
        else if (c == '\t')
            buf_add(b, S("\\t"));
        else if (c == '\r')
            buf_add(b, S("\\r"));
        else
            buf_printf(b, "\\u%04x", c);
        plain = ++i;
    }
    if (s.n > plain)
        buf_add(b, str_n(s.at + plain, s.n - plain));
    buf_char(b, '"');
}

static void write_number(struct buf *b, double value)
{
    if (fabs(value) < 9007199254740992.0 && floor(value) == value)
        buf_printf(b, "%lld", (long long)value);
    else if (isfinite(value))
        buf_printf(b, "%.17g", value);
    else
        buf_add(b, S("null"));
}

void json_write(struct buf *b, const cJSON *tree)
{
    bool object = cJSON_IsObject(tree);

    switch (tree->type & 0xff) {
    case cJSON_False:
        buf_add(b, S("false"));
        return;
    case cJSON_True:
        buf_add(b, S("true"));
        return;
    case cJSON_Number:
        if (tree->valuestring != NULL) /* digits that a double cannot hold */
            buf_add(b, str_c(tree->valuestring));
        else
            write_number(b, tree->valuedouble);
        return;
    case cJSON_String:
        json_write_str(b, str_c(tree->valuestring));
        return;
    case cJSON_Raw:
        buf_add(b, str_c(tree->valuestring));
        return;
    case cJSON_Array:
    case cJSON_Object:
        break;
    default:
        buf_add(b, S("null"));
        return;
    }
    buf_char(b, object ? '{' : '[');
    JSON_EACH(item, tree) {
        if (item != tree->child)
            buf_char(b, ',');
        if (object) {
            json_write_str(b, str_c(item->string));
            buf_char(b, ':');
        }
        json_write(b, item);
    }
    buf_char(b, object ? '}' : ']');
}

/* Base64, RFC 4648. */
#include "base/base64.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static struct str encode(struct arena *a, struct str data, const char *letters, bool pad)
{
    char *text = arena_alloc(a, (data.n + 2) / 3 * 4 + 1);
    size_t n = 0;

    for (size_t i = 0; i < data.n; i += 3) {
        size_t left = data.n - i;
        uint32_t three = (uint32_t)(unsigned char)data.at[i] << 16;

        if (left > 1)
            three |= (uint32_t)(unsigned char)data.at[i + 1] << 8;
        if (left > 2)
            three |= (unsigned char)data.at[i + 2];
        text[n++] = letters[three >> 18];
        text[n++] = letters[three >> 12 & 63];
        if (left > 1 || pad)
            text[n++] = left > 1 ? letters[three >> 6 & 63] : '=';
        if (left > 2 || pad)
            text[n++] = left > 2 ? letters[three & 63] : '=';
    }
    return str_n(text, n);
}

struct str base64_encode(struct arena *a, struct str data)
{
    return encode(a, data, standard, true);
}

struct str base64url_encode(struct arena *a, struct str data)
{
    return encode(a, data, url_safe, false);
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

bool base64_decode(struct arena *a, struct str text, struct str *ret_data)
{
    char *data = arena_alloc(a, text.n / 4 * 3 + 4);
    size_t n = 0, letters = 0, padding = 0;
    uint32_t bits = 0;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.at[i];
        int value = value_of(c);

        if (c == '\n' || c == '\r')
            continue;
        if (c == '=' && ++padding <= 2)
            continue;
        if (value < 0 || padding > 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        letters++;
        if (letters % 4 != 1)
            data[n++] = (char)(bits >> (letters % 4 == 2 ? 4 : letters % 4 == 3 ? 2 : 0) & 0xff);
    }
    if (letters % 4 == 1)
        return false;
    *ret_data = str_n(data, n);
    return true;
}

/* Percent-encoding. */
#include "base/percent.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool percent_decode(struct arena *a, struct str s, bool plus, struct str *ret_text)
{
    char *out = arena_alloc(a, s.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        int high, low;

        if (s.at[i] != '%') {
            out[n++] = plus && s.at[i] == '+' ? ' ' : s.at[i];
            continue;
        }
        if (s.n - i < 3)
            return false;
        high = hex_digit(s.at[i + 1]);
        low = hex_digit(s.at[i + 2]);
        if (high < 0 || low < 0)
            return false;
        out[n++] = (char)(high * 16 + low);
        i += 2;
    }
    *ret_text = str_n(out, n);
    return true;
}

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

struct str percent_encode(struct arena *a, struct str s, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = arena_alloc(a, 3 * s.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.at[i];

        if (is_unreserved(s.at[i]) || (keep_slash && c == '/')) {
            out[n++] = s.at[i];
            continue;
        }
        out[n++] = '%';
        out[n++] = digits[c >> 4];
        out[n++] = digits[c & 15];
    }
    return str_n(out, n);
}

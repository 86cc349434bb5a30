/* Writing XML answers. */
#include "base/xml.h"

#include <stdbool.h>

void xml_open(struct buf *b, struct str name)
{
    buf_char(b, '<');
    buf_add(b, name);
    buf_char(b, '>');
}

void xml_close(struct buf *b, struct str name)
{
    buf_add(b, S("</"));
    buf_add(b, name);
    buf_char(b, '>');
}

static struct str escaped(char c)
{
    switch (c) {
    case '&':
        return S("&amp;");
    case '<':
        return S("&lt;");
    case '>':
        return S("&gt;");
    case '"':
        return S("&quot;");
    case '\r':
        return S("&#xD;");
    case '\n':
    case '\t':
        return (struct str){0};
    default:
        return (unsigned char)c < 0x20 ? S("\xef\xbf\xbd") : (struct str){0};
    }
}

void xml_text(struct buf *b, struct str text)
{
    size_t plain = 0;

    for (size_t i = 0; i < text.n; i++) {
        struct str instead = escaped(text.at[i]);

        if (instead.n == 0)
            continue;
        buf_add(b, str_n(text.at + plain, i - plain));
        buf_add(b, instead);
        plain = i + 1;
    }
    if (text.n > plain)
        buf_add(b, str_n(text.at + plain, text.n - plain));
}

/* Nothing in it that xml_text would write otherwise. */
static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.at[i];

        if (c < 0x20 || c == '&' || c == '<' || c == '>' || c == '"')
            return false;
    }
    return true;
}

static char *put(char *to, struct str s)
{
    if (s.n > 0)
        memcpy(to, s.at, s.n);
    return to + s.n;
}

void xml_element(struct buf *b, struct str name, struct str text)
{
    size_t n = 2 * name.n + text.n + 5;

    if (is_plain(text)) { /* nearly all: written in one go */
        char *to = buf_reserve(b, n);

        if (to == NULL)
            return;
        *to++ = '<';
        to = put(to, name);
        *to++ = '>';
        to = put(to, text);
        *to++ = '<';
        *to++ = '/';
        to = put(to, name);
        *to = '>';
        buf_commit(b, n);
        return;
    }
    xml_open(b, name);
    xml_text(b, text);
    xml_close(b, name);
}

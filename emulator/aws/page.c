/* Pages by offset. */
#include "aws/page.h"

#include "base/base64.h"

static bool read_token(struct arena *a, struct str token, size_t count, size_t *ret_from)
{
    struct str plain, kind, number;
    int64_t from;

    if (!base64_decode(a, token, &plain) || !str_cut(plain, ':', &kind, &number) ||
        !str_is(kind, "from") || !str_to_int(number, &from) || from < 0)
        return false;
    *ret_from = (size_t)from < count ? (size_t)from : count;
    return true;
}

bool page_cut(struct call *c, struct str token, struct opt_int most, size_t count,
              struct page *ret_page)
{
    struct page p = {0};

    if (token.n > 0 && !read_token(c->arena, token, count, &p.from))
        return false;
    p.n = count - p.from;
    if (most.set && most.v >= 0 && (size_t)most.v < p.n) {
        p.n = (size_t)most.v;
        p.next = base64_encode(c->arena, arena_printf(c->arena, "from:%zu", p.from + p.n));
    }
    *ret_page = p;
    return true;
}

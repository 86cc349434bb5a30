/* Pages and lists: markers, cutting, and the API's structures as JSON text.
 * A marker is opaque to clients: base64 of a word and a number. */
#include "aws/elbv2.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/json.h"

enum { LARGEST_PAGE = 400, LARGEST_LIST = 1 << 20 };

static const struct str mark = STR_INIT("elb:");

struct str elb_marker(struct call *c, int64_t place)
{
    return base64_encode(c->arena,
                         arena_printf(c->arena, "%.*s%lld", STR_ARG(mark), (long long)place));
}

int elb_read_page(struct call *c, struct str marker, struct opt_int size, struct elbv2_page *ret)
{
    struct str text = {0};

    *ret = (struct elbv2_page){.most = size.set ? size.v : LARGEST_PAGE};
    if (marker.n == 0)
        return 0;
    if (base64_decode(c->arena, marker, &text) && str_starts(text, mark) &&
        str_to_int(str_from(text, mark.n), &ret->after) && ret->after >= 0)
        return 0;
    return elb_refuse(c, &AWS_VALIDATION_ERROR, "The marker '%.*s' is not valid", STR_ARG(marker));
}

int elb_page_list(struct call *c, struct str marker, struct opt_int size, size_t n,
                  size_t *ret_from, size_t *ret_n, struct str *ret_next)
{
    struct elbv2_page page;
    int r = elb_read_page(c, marker, size, &page);
    size_t from = page.after < (int64_t)n ? (size_t)page.after : n;
    size_t left = n - from, most = (size_t)page.most;

    if (r != 0)
        return r;
    *ret_from = from;
    *ret_n = left < most ? left : most;
    if (left > most)
        *ret_next = elb_marker(c, (int64_t)(from + most));
    return 0;
}

struct str elb_write_list(struct call *c, const struct shape *of, const void *at, size_t n)
{
    CLEANUP(buf_free) struct buf b = buf_init(LARGEST_LIST);

    buf_char(&b, '[');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_char(&b, ',');
        json_encode(&b, of, (const char *)at + i * of->size);
    }
    buf_char(&b, ']');
    return arena_str(c->arena, buf_str(&b));
}

void *elb_read_list(struct call *c, const struct shape *of, struct str json, size_t *ret_n)
{
    CLEANUP(json_freep) cJSON *tree = json_parse(json, NULL);
    char *at = arena_array(c->arena, (size_t)cJSON_GetArraySize(tree), of->size);
    struct problems problems;
    size_t n = 0;

    problems_init(&problems); /* what we wrote ourselves has none */
    JSON_EACH(item, tree) {
        void *one = json_decode(c->arena, of, item, &problems);

        shape_own(c->arena, of, one);
        memcpy(at + n++ * of->size, one, of->size);
    }
    *ret_n = n;
    return at;
}

bool elb_has(const struct str *list, size_t n, struct str s)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(list[i], s))
            return true;
    return false;
}

bool elb_lists_equal(const struct str *a, size_t a_n, const struct str *b, size_t b_n)
{
    if (a_n != b_n)
        return false;
    for (size_t i = 0; i < a_n; i++)
        if (!elb_has(b, b_n, a[i]) || !elb_has(a, a_n, b[i]))
            return false;
    return true;
}

bool elb_is_word(struct str word, const char *words)
{
    struct str rest = str_c(words), one;

    while (str_next(&rest, '|', &one))
        if (str_eq(one, word))
            return true;
    return false;
}

/* Pages of lists. A marker holds the name of the last row that was given, so that rows may come
 * and go between two pages. Source: IAM API Reference, Marker and MaxItems. */
#include "aws/iam.h"

#include "base/base64.h"

enum { DEFAULT_PAGE = 100 };

#define MARKER_PREFIX "elbow:"

const void *iam_next(const void *row)
{
    return *(const void *const *)row;
}

static struct str name_of(const void *row, size_t offset)
{
    return *(const struct str *)(const void *)((const char *)row + offset);
}

static int compare_any_case(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;

    for (size_t i = 0; i < n; i++) {
        struct str left = str_n(a.at + i, 1), right = str_n(b.at + i, 1);

        if (!str_ieq(left, right))
            return (left.at[0] | 0x20) < (right.at[0] | 0x20) ? -1 : 1;
    }
    return a.n < b.n ? -1 : a.n > b.n;
}

/* The first row behind the one called @last; behind where it would be, when it is gone. */
static const void *row_behind(const void *rows, size_t offset, struct str last)
{
    for (const void *row = rows; row != NULL; row = iam_next(row))
        if (str_eq(name_of(row, offset), last))
            return iam_next(row);
    for (const void *row = rows; row != NULL; row = iam_next(row))
        if (compare_any_case(name_of(row, offset), last) > 0)
            return row;
    return NULL;
}

static bool read_marker(struct arena *a, struct str marker, struct str *ret_last)
{
    struct str text;

    if (!base64_decode(a, marker, &text) || !str_starts(text, S(MARKER_PREFIX)))
        return false;
    *ret_last = str_from(text, strlen(MARKER_PREFIX));
    return true;
}

bool iam_page_of(struct call *c, const void *rows, size_t name_offset, struct str marker,
                 struct opt_int most, struct iam_page *ret_page, struct done *ret_done)
{
    size_t limit = most.set ? (size_t)most.v : DEFAULT_PAGE;
    struct iam_page page = {.first = rows};
    struct str last;
    const void *row;

    if (marker.n > 0) {
        if (!read_marker(c->arena, marker, &last)) {
            *ret_done = call_fault(c, &AWS_VALIDATION_ERROR, "Invalid Marker.");
            return false;
        }
        page.first = row_behind(rows, name_offset, last);
    }
    for (row = page.first; row != NULL && page.n < limit; row = iam_next(row)) {
        last = name_of(row, name_offset);
        page.n++;
    }
    page.truncated = row != NULL;
    if (page.truncated)
        page.marker =
            base64_encode(c->arena, arena_printf(c->arena, MARKER_PREFIX "%.*s", STR_ARG(last)));
    *ret_page = page;
    return true;
}

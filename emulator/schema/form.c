/* Form bodies. Source: WHATWG URL Standard, "application/x-www-form-urlencoded parsing". */
#include "schema/form.h"

#include <stdlib.h>

#include "base/percent.h"

enum { MOST_FIELDS = 20000 };

/* Dots sort before everything, so that "a.1" follows "a" at once and not "a-b". */
static int order_of(char c)
{
    return c == '.' ? -1 : (unsigned char)c;
}

static int by_parts(const void *left, const void *right)
{
    const struct str l = ((const struct form_field *)left)->name;
    const struct str r = ((const struct form_field *)right)->name;
    size_t n = l.n < r.n ? l.n : r.n;

    for (size_t i = 0; i < n; i++)
        if (l.at[i] != r.at[i])
            return order_of(l.at[i]) - order_of(r.at[i]);
    return l.n < r.n ? -1 : l.n > r.n;
}

bool form_parse(struct arena *a, struct str text, struct form *ret_form)
{
    struct form f = {0};
    struct str part;
    size_t most = 1;

    for (size_t i = 0; i < text.n; i++)
        most += text.at[i] == '&';
    if (most > MOST_FIELDS)
        return false;
    f.at = arena_array(a, most, sizeof *f.at);
    while (str_next(&text, '&', &part)) {
        struct str name = part, value = {0};

        if (part.n == 0)
            continue;
        (void)str_cut(part, '=', &name, &value);
        if (!percent_decode(a, name, true, &f.at[f.n].name) ||
            !percent_decode(a, value, true, &f.at[f.n].value))
            return false;
        f.n++;
    }
    qsort(f.at, f.n, sizeof *f.at, by_parts);
    *ret_form = f;
    return true;
}

bool form_get(const struct form *f, struct str name, struct str *ret_value)
{
    for (size_t i = 0; i < f->n; i++)
        if (str_eq(f->at[i].name, name)) {
            *ret_value = f->at[i].value;
            return true;
        }
    return false;
}

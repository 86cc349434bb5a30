/* Numbers, booleans, times and blobs from text. Source: AWS Query and REST-JSON protocol rules of
 * the Smithy specification. */
#include "schema/decode_scalar.h"

#include <stdlib.h>

#include "base/base64.h"
#include "base/clock.h"

void problem_note(struct arena *a, struct problems *p, enum problem_kind kind, struct str member,
                  struct str value, struct str constraint)
{
    struct problem *one = arena_alloc(a, sizeof *one);

    *one = (struct problem){NULL, kind, member, value, constraint};
    *p->tail = one;
    p->tail = &one->next;
    p->count++;
}

static bool read_real(struct arena *a, struct str text, double *ret_value)
{
    const char *s = arena_cstr(a, text);
    char *end;

    *ret_value = strtod(s, &end);
    return text.n > 0 && *end == '\0';
}

static bool read_time(struct arena *a, struct str text, int64_t *ret_ms)
{
    double seconds;

    if (clock_parse_rfc3339(text, ret_ms))
        return true;
    if (!read_real(a, text, &seconds) || !(seconds > -1e12 && seconds < 1e12))
        return false;
    *ret_ms = (int64_t)(seconds * 1000);
    return true;
}

/* What a value of this kind should have been. */
static const char *wanted(enum shape_kind kind)
{
    switch (kind) {
    case SHAPE_INTEGER:
        return "Member must be an integer";
    case SHAPE_BOOLEAN:
        return "Member must be a boolean";
    case SHAPE_REAL:
        return "Member must be a number";
    case SHAPE_TIME:
        return "Member must be a timestamp";
    case SHAPE_BLOB:
        return "Member must be base64";
    default:
        return "Member must have another type";
    }
}

void decode_scalar(struct arena *a, const struct shape_row *row, void *member, struct str text,
                   struct str path, struct problems *p)
{
    struct opt_int number = {.set = true};
    struct opt_real real = {.set = true};
    struct str blob;
    bool ok = true;

    switch (row->kind) {
    case SHAPE_STRING:
        *(struct str *)member = text.at == NULL ? S("") : text;
        break;
    case SHAPE_INTEGER:
        ok = str_to_int(text, &number.v);
        if (ok)
            *(struct opt_int *)member = number;
        break;
    case SHAPE_BOOLEAN:
        ok = str_ieq(text, S("true")) || str_ieq(text, S("false"));
        if (ok)
            *(struct opt_bool *)member = (struct opt_bool){true, str_ieq(text, S("true"))};
        break;
    case SHAPE_REAL:
        ok = read_real(a, text, &real.v);
        if (ok)
            *(struct opt_real *)member = real;
        break;
    case SHAPE_TIME:
        ok = read_time(a, text, &number.v);
        if (ok)
            *(struct opt_int *)member = number;
        break;
    case SHAPE_BLOB:
        ok = base64_decode(a, text, &blob);
        if (ok)
            *(struct str *)member = blob;
        break;
    default:
        ok = false;
    }
    if (!ok)
        problem_note(a, p, PROBLEM_TYPE, path, text, str_c(wanted(row->kind)));
}

/* What the model demands of a request's members, and how AWS words it when it is not met.
 * Source: the error texts of the services, elastic-load-balancing D1 and IAM. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "schema/decode_scalar.h"
#include "schema/shape_access.h"

enum { MATCH_LIMIT = 100000, LONGEST_SHOWN = 4096 };

struct checker {
    struct arena *arena;
    struct problems *problems;
};

static void check_struct(struct checker *c, const struct shape *shape, const void *value,
                         struct str path);

/* "name", or "tags.1.member.key" below another: AWS writes a small first letter. */
static struct str path_to(struct checker *c, struct str path, const char *wire)
{
    char first = wire[0] >= 'A' && wire[0] <= 'Z' ? (char)(wire[0] - 'A' + 'a') : wire[0];

    if (path.n == 0)
        return arena_printf(c->arena, "%c%s", first, wire + 1);
    return arena_printf(c->arena, "%.*s.%c%s", STR_ARG(path), first, wire + 1);
}

static void note(struct checker *c, enum problem_kind kind, struct str path, struct str value,
                 struct str constraint)
{
    problem_note(c->arena, c->problems, kind, path, value, constraint);
}

static void check_bounds(struct checker *c, const struct shape_row *row, int64_t measure,
                         struct str shown, struct str path)
{
    bool number = row->kind == SHAPE_INTEGER;

    if ((row->flags & BOUNDED) == 0)
        return;
    if (measure < row->least)
        note(c, PROBLEM_VALUE, path, shown,
             arena_printf(c->arena, "Member must have %s greater than or equal to %lld",
                          number ? "value" : "length", (long long)row->least));
    if (measure > row->most)
        note(c, PROBLEM_VALUE, path, shown,
             arena_printf(c->arena, "Member must have %s less than or equal to %lld",
                          number ? "value" : "length", (long long)row->most));
}

static bool is_one_of(struct str value, const char *words)
{
    struct str rest = str_c(words), word;

    while (str_next(&rest, '|', &word))
        if (str_eq(word, value))
            return true;
    return false;
}

/* "[A, B]" from "A|B". */
static struct str shown_values(struct checker *c, const char *words)
{
    CLEANUP(buf_free) struct buf b = buf_init(1 << 16);
    struct str rest = str_c(words), word;

    buf_add(&b, S("Member must satisfy enum value set: ["));
    while (str_next(&rest, '|', &word))
        buf_printf(&b, "%s%.*s", b.at[b.n - 1] == '[' ? "" : ", ", STR_ARG(word));
    buf_char(&b, ']');
    return arena_str(c->arena, buf_str(&b));
}

/* Patterns are the model's own; one that PCRE2 cannot take, or that takes too long, holds. */
bool shape_pattern_holds(struct str value, const char *pattern)
{
    uint32_t options = PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF | PCRE2_DOLLAR_ENDONLY |
                       PCRE2_ALT_BSUX; /* \u0020, as the models write characters */
    int error, found = 1;
    PCRE2_SIZE at;
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &error, &at, NULL);
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);

    if (code != NULL && limits != NULL && data != NULL) {
        (void)pcre2_set_match_limit(limits, MATCH_LIMIT);
        found = pcre2_match(code, (PCRE2_SPTR)(value.n > 0 ? value.at : ""), value.n, 0, 0, data,
                            limits);
    }
    pcre2_match_data_free(data);
    pcre2_match_context_free(limits);
    pcre2_code_free(code);
    return found != PCRE2_ERROR_NOMATCH &&
           !(found <= PCRE2_ERROR_UTF8_ERR1 && found >= PCRE2_ERROR_UTF8_ERR21);
}

static int64_t characters(struct str s)
{
    int64_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.at[i] & 0xc0) != 0x80;
    return n;
}

static void check_string(struct checker *c, const struct shape_row *row, struct str value,
                         struct str path)
{
    struct str shown = str_first(value, LONGEST_SHOWN);

    check_bounds(c, row, characters(value), shown, path);
    if (row->values != NULL && !is_one_of(value, row->values))
        note(c, PROBLEM_VALUE, path, shown, shown_values(c, row->values));
    if (row->pattern != NULL && !shape_pattern_holds(value, row->pattern))
        note(c, PROBLEM_VALUE, path, shown,
             arena_printf(c->arena, "Member must satisfy regular expression pattern: %s",
                          row->pattern));
}

static void check_list(struct checker *c, const struct shape_row *row, const struct any_list *list,
                       struct str path)
{
    check_bounds(c, row, (int64_t)list->n, S("[]"), path);
    for (size_t i = 0; i < list->n; i++) {
        struct str where = arena_printf(c->arena, "%.*s.%zu.member", STR_ARG(path), i + 1);

        if (row->kind == SHAPE_LIST)
            check_struct(c, row->of, (const char *)list->at + i * row->of->size, where);
        else if (row->kind == SHAPE_STRINGS && row->values != NULL &&
                 !is_one_of(((const struct str *)list->at)[i], row->values))
            note(c, PROBLEM_VALUE, where, ((const struct str *)list->at)[i],
                 shown_values(c, row->values));
    }
}

static void check_member(struct checker *c, const struct shape_row *row, const void *member,
                         struct str path)
{
    int64_t number;

    switch (row->kind) {
    case SHAPE_STRING:
        check_string(c, row, *(const struct str *)member, path);
        break;
    case SHAPE_BLOB:
        check_bounds(c, row, (int64_t)((const struct str *)member)->n, S(""), path);
        break;
    case SHAPE_INTEGER:
        number = ((const struct opt_int *)member)->v;
        check_bounds(c, row, number, arena_printf(c->arena, "%lld", (long long)number), path);
        break;
    case SHAPE_STRUCT:
        check_struct(c, row->of, *(void *const *)member, path);
        break;
    case SHAPE_LIST:
    case SHAPE_STRINGS:
    case SHAPE_INTEGERS:
    case SHAPE_MAP:
        check_list(c, row, member, path);
        break;
    default:
        break;
    }
}

static void check_struct(struct checker *c, const struct shape *shape, const void *value,
                         struct str path)
{
    for (size_t i = 0; i < shape->count; i++) {
        const struct shape_row *row = &shape->rows[i];
        struct str where = path_to(c, path, row->wire);

        if (member_is_set(value, row))
            check_member(c, row, member_of(value, row), where);
        else if ((row->flags & REQUIRED) != 0 && row->kind != SHAPE_OTHER &&
                 row->kind != SHAPE_STRUCT_MAP)
            note(c, PROBLEM_MISSING, where, (struct str){0}, S("Member must not be null"));
    }
}

void shape_validate(struct arena *a, const struct shape *shape, const void *value,
                    struct problems *p)
{
    struct checker c = {a, p};

    check_struct(&c, shape, value, S(""));
}

struct str problems_text(struct arena *a, const struct problems *p)
{
    CLEANUP(buf_free) struct buf b = buf_init(1 << 18);

    buf_printf(&b, "%zu validation error%s detected: ", p->count, p->count == 1 ? "" : "s");
    for (const struct problem *one = p->first; one != NULL; one = one->next) {
        if (one != p->first)
            buf_add(&b, S("; "));
        buf_add(&b, S("Value "));
        if (one->value.at == NULL)
            buf_add(&b, S("null"));
        else
            buf_printf(&b, "'%.*s'", STR_ARG(one->value));
        buf_printf(&b, " at '%.*s' failed to satisfy constraint: %.*s", STR_ARG(one->member),
                   STR_ARG(one->constraint));
    }
    return arena_str(a, buf_str(&b));
}

/* The SDK's own checks. */
#include "validation.h"

static void add_line(struct validation *v, struct str line)
{
    v->lines = arena_printf(v->a, "%.*s- %.*s\n", STR_ARG(v->lines), STR_ARG(line));
    v->count++;
}

void validation_required(struct validation *v, const char *path)
{
    add_line(v, arena_printf(v->a, "missing required field, %s.", path));
}

void validation_min_size(struct validation *v, int64_t least, const char *path)
{
    add_line(v, arena_printf(v->a, "minimum field size of %lld, %s.", (long long)least, path));
}

void validation_min_value(struct validation *v, int64_t least, const char *path)
{
    add_line(v, arena_printf(v->a, "minimum field value of %lld, %s.", (long long)least, path));
}

void validation_tags(struct validation *v, const struct pairs *tags, const char *path)
{
    for (size_t i = 0; i < tags->n; i++)
        if (tags->at[i].key.n == 0)
            validation_min_size(v, 1, arena_printf(v->a, "%s[%zu].Key", path, i).at);
}

struct str validation_error(const struct validation *v)
{
    if (v->count == 0)
        return (struct str){0};
    return arena_printf(v->a, "InvalidParameter: %u validation error(s) found.\n%.*s", v->count,
                        STR_ARG(v->lines));
}

/* Cells that many kinds have. Source: k8s.io/apimachinery pkg/util/duration for ages. */
#include "kube/table_columns.h"

#include <stdlib.h>

#include "kube/label_selector.h"

enum { SECOND = 1000, MINUTE = 60, HOUR = 60, DAY = 24, YEAR = 365 };

static struct str two_units(struct arena *a, int64_t big, const char *unit, int64_t small,
                            const char *small_unit)
{
    if (small == 0)
        return arena_printf(a, "%lld%s", (long long)big, unit);
    return arena_printf(a, "%lld%s%lld%s", (long long)big, unit, (long long)small, small_unit);
}

struct str table_duration(struct arena *a, int64_t ms)
{
    int64_t seconds = ms / SECOND, minutes = seconds / MINUTE, hours = minutes / HOUR;
    int64_t days = hours / DAY;

    if (seconds < -1)
        return S("<invalid>");
    if (seconds < 0)
        return S("0s");
    if (seconds < 2 * MINUTE)
        return arena_printf(a, "%llds", (long long)seconds);
    if (minutes < 10)
        return two_units(a, minutes, "m", seconds % MINUTE, "s");
    if (hours < 3)
        return arena_printf(a, "%lldm", (long long)minutes);
    if (hours < 8)
        return two_units(a, hours, "h", minutes % HOUR, "m");
    if (hours < 2 * DAY)
        return arena_printf(a, "%lldh", (long long)hours);
    if (days < 8)
        return two_units(a, days, "d", hours % DAY, "h");
    if (days < 2 * YEAR)
        return arena_printf(a, "%lldd", (long long)days);
    if (days < 8 * YEAR)
        return two_units(a, days / YEAR, "y", days % YEAR, "d");
    return arena_printf(a, "%lldy", (long long)(days / YEAR));
}

struct str table_since(const struct table_row *r, struct str time)
{
    int64_t ms;

    if (time.n == 0 || !clock_parse_rfc3339(time, &ms))
        return S("<unknown>");
    return table_duration(r->arena, r->now - ms);
}

void table_or_none(struct buf *b, struct str text)
{
    json_write_str(b, text.n > 0 ? text : S("<none>"));
}

void table_printf(struct buf *b, const struct table_row *r, const char *fmt, ...)
{
    struct str text;
    va_list args;

    va_start(args, fmt);
    text = arena_vprintf(r->arena, fmt, args);
    va_end(args);
    json_write_str(b, text);
}

struct str table_lower(const struct table_row *r, struct str text)
{
    char *copy = arena_cstr(r->arena, text);

    for (size_t i = 0; i < text.n; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] + 'a' - 'A');
    return str_n(copy, text.n);
}

void table_join(struct table_joined *j, struct str one)
{
    j->n++;
    if (j->most > 0 && j->n > j->most)
        return;
    j->text = j->n == 1 ? arena_str(j->arena, one)
                        : arena_printf(j->arena, "%.*s%s%.*s", STR_ARG(j->text), j->separator,
                                       STR_ARG(one));
}

struct str table_joined_text(struct table_joined *j)
{
    if (j->most == 0 || j->n <= j->most)
        return j->text;
    return arena_printf(j->arena, "%.*s + %zu more...", STR_ARG(j->text), j->n - j->most);
}

/* --- one member --------------------------------------------------------------------------- */

void cell_name(struct buf *b, const struct table_row *r)
{
    json_write_str(b, r->object->key.name);
}

static struct str text_at(const struct table_row *r)
{
    return json_str(r->doc, r->column->path);
}

void cell_text(struct buf *b, const struct table_row *r)
{
    json_write_str(b, text_at(r));
}

void cell_text_or_none(struct buf *b, const struct table_row *r)
{
    table_or_none(b, text_at(r));
}

void cell_text_or_unknown(struct buf *b, const struct table_row *r)
{
    struct str text = text_at(r);

    json_write_str(b, text.n > 0 ? text : S("<unknown>"));
}

void cell_int(struct buf *b, const struct table_row *r)
{
    buf_printf(b, "%lld", (long long)json_int(r->doc, r->column->path, 0));
}

void cell_bool(struct buf *b, const struct table_row *r)
{
    buf_add(b, json_bool(r->doc, r->column->path, false) ? S("true") : S("false"));
}

void cell_count(struct buf *b, const struct table_row *r)
{
    buf_printf(b, "%d", cJSON_GetArraySize(json_get(r->doc, r->column->path)));
}

void cell_age(struct buf *b, const struct table_row *r)
{
    json_write_str(b, table_since(r, json_str(r->doc, "metadata.creationTimestamp")));
}

void cell_since(struct buf *b, const struct table_row *r)
{
    json_write_str(b, table_since(r, text_at(r)));
}

void cell_created(struct buf *b, const struct table_row *r)
{
    json_write_str(b, json_str(r->doc, "metadata.creationTimestamp"));
}

/* --- labels ------------------------------------------------------------------------------- */

void cell_labels(struct buf *b, const struct table_row *r)
{
    table_or_none(b, label_selector_print(r->arena, json_get(r->doc, r->column->path)));
}

/* --- pod templates ------------------------------------------------------------------------ */

static struct str joined_members(const struct table_row *r, const char *member)
{
    struct table_joined j = {.arena = r->arena, .separator = ","};

    JSON_EACH(container, json_get(json_get(r->doc, r->column->path), "containers"))
        table_join(&j, json_str(container, member));
    return j.text;
}

void cell_containers(struct buf *b, const struct table_row *r)
{
    json_write_str(b, joined_members(r, "name"));
}

void cell_images(struct buf *b, const struct table_row *r)
{
    json_write_str(b, joined_members(r, "image"));
}

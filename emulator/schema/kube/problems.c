/* What decoding has to say: one error, or complaints. */
#include <stdarg.h>

#include "schema/kube/decode.h"
#include "schema/kube/normalise.h"

enum { LONGEST_TEXT = 65536 };

struct kube_problems kube_problems_new(struct arena *a)
{
    return (struct kube_problems){.arena = a};
}

void *kube_refuse(struct kube_problems *p, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    if (p->error.n == 0)
        p->error = arena_vprintf(p->arena, fmt, args);
    va_end(args);
    return NULL;
}

void kube_complain(struct kube_problems *p, const char *fmt, ...)
{
    struct kube_complaint *c;
    struct str text;
    va_list args;

    if (p->strict_count == KUBE_MOST_COMPLAINTS)
        return;
    va_start(args, fmt);
    text = arena_vprintf(p->arena, fmt, args);
    va_end(args);
    for (c = p->strict; c != NULL; c = c->next)
        if (str_eq(c->text, text))
            return;
    c = arena_alloc(p->arena, sizeof *c);
    c->text = text;
    *(p->last == NULL ? &p->strict : &p->last->next) = c;
    p->last = c;
    p->strict_count++;
}

struct str kube_strict_error(const struct kube_problems *p)
{
    struct str all = {0};

    for (const struct kube_complaint *c = p->strict; c != NULL; c = c->next)
        all = arena_printf(p->arena, "%.*s%s%.*s", STR_ARG(all),
                           all.n == 0 ? "strict decoding error: " : ", ", STR_ARG(c->text));
    return all;
}

/* Keys in byte order, as fmt prints maps. */
static void print_value(struct buf *b, const cJSON *item)
{
    bool map = cJSON_IsObject(item);

    if (cJSON_IsString(item)) {
        buf_add(b, json_text(item));
    } else if (cJSON_IsNull(item)) {
        buf_add(b, S("<nil>"));
    } else if (!map && !cJSON_IsArray(item)) {
        json_write(b, item);
    } else {
        buf_add(b, map ? S("map[") : S("["));
        JSON_EACH(member, item) {
            if (member != item->child)
                buf_char(b, ' ');
            if (map)
                buf_printf(b, "%s:", member->string);
            print_value(b, member);
        }
        buf_char(b, ']');
    }
}

void kube_sort_tree(cJSON *tree)
{
    if (cJSON_IsObject(tree))
        kube_sort_members(tree);
    JSON_EACH(item, tree)
        kube_sort_tree(item);
}

struct str kube_go_text(struct arena *a, const cJSON *tree)
{
    CLEANUP(json_freep) cJSON *sorted = cJSON_Duplicate(tree, true);
    CLEANUP(buf_free) struct buf b = buf_init(LONGEST_TEXT);

    kube_sort_tree(sorted);
    print_value(&b, sorted);
    return arena_str(a, buf_str(&b));
}

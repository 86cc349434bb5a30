/* Strategic merge: maps merge, lists are replaced unless their field says otherwise, and members
 * whose names begin with '$' give orders.
 * Source: kubernetes-api reference §3.5; the order of lists is that of util/strategicpatch. */
#include <stdlib.h>

#include "base/macros.h"
#include "schema/kube/patch.h"

#define DIRECTIVE "$patch"
#define RETAIN    "$retainKeys"
#define ORDER     "$setElementOrder/"
#define REMOVE    "$deleteFromPrimitiveList/"

struct merge {
    struct kube_problems *p;
};

static cJSON *merge_map(struct merge *m, const struct kube_type *t, cJSON *base,
                        const cJSON *patch);

/* --- words -------------------------------------------------------------------------------- */

static bool no_merge_key(struct merge *m, const cJSON *item, const char *key)
{
    kube_refuse(m->p, "map: %.*s does not contain declared merge key: %s",
                STR_ARG(kube_go_text(m->p->arena, item)), key);
    return false;
}

static bool unknown_directive(struct merge *m, const cJSON *directive, const cJSON *map)
{
    kube_refuse(m->p, "unknown patch type: %.*s in map: %.*s",
                STR_ARG(kube_go_text(m->p->arena, directive)),
                STR_ARG(kube_go_text(m->p->arena, map)));
    return false;
}

/* The field of that name; NULL with p->error where @t is a struct that has none. */
static const struct kube_field *find_field(struct merge *m, const struct kube_type *t,
                                           struct str name)
{
    const struct kube_field *f = kube_type_field(t, name);

    if (f == NULL)
        kube_refuse(m->p, "unable to find api field in struct %s for the json field \"%.*s\"",
                    kube_text(t->name), STR_ARG(name));
    return f;
}

/* --- what is not merged --------------------------------------------------------------------- */

static bool is_order(const char *name)
{
    return name[0] == '$' && (str_starts(str_c(name), S(ORDER)) ||
                              str_starts(str_c(name), S(REMOVE)) || strcmp(name, RETAIN) == 0);
}

/* A copy of a part of the patch where there is nothing to merge it with: without orders, and
 * without nulls. NULL when it is an order as a whole. */
static cJSON *plain_copy(const cJSON *patch)
{
    cJSON *copy;

    if (!cJSON_IsObject(patch) && !cJSON_IsArray(patch))
        return cJSON_Duplicate(patch, true);
    if (json_member(patch, S(DIRECTIVE)) != NULL)
        return NULL;
    copy = cJSON_IsObject(patch) ? cJSON_CreateObject() : cJSON_CreateArray();
    JSON_EACH(item, patch) {
        cJSON *part;

        if (cJSON_IsObject(patch) && (cJSON_IsNull(item) || is_order(item->string)))
            continue;
        part = plain_copy(item);
        if (part == NULL)
            continue;
        if (cJSON_IsObject(patch))
            cJSON_AddItemToObject(copy, item->string, part);
        else
            cJSON_AddItemToArray(copy, part);
    }
    return copy;
}

/* --- lists: their order ---------------------------------------------------------------------- */

static bool same_element(const cJSON *a, const cJSON *b, const char *key)
{
    if (key[0] == '\0')
        return json_equal(a, b);
    return json_equal(json_member(a, str_c(key)), json_member(b, str_c(key)));
}

/* Where @item stands in @list; -1: it does not. */
static int place_in(const cJSON *list, const cJSON *item, const char *key)
{
    int i = 0;

    JSON_EACH(other, list) {
        if (same_element(other, item, key))
            return i;
        i++;
    }
    return -1;
}

struct slot {
    cJSON *item;
    int by_patch, by_server, number;
};

static int compare_slots(const void *a, const void *b)
{
    const struct slot *x = a, *y = b;
    int px = x->by_patch >= 0 ? x->by_patch : x->by_server;
    int py = y->by_patch >= 0 ? y->by_patch : y->by_server;

    return px != py ? (px < py ? -1 : 1) : x->number - y->number;
}

/* @merged, taken over, in its final order: what the patch names as in @patch_order, the rest as in
 * @server_order, and an element of the rest before one of the patch only where both stood so. */
static cJSON *in_order(struct merge *m, cJSON *merged, const cJSON *patch_order,
                       const cJSON *server_order, const char *key)
{
    size_t n = (size_t)cJSON_GetArraySize(merged), lefts = 0, rights = 0, i = 0, j = 0;
    struct slot *left = arena_array(m->p->arena, n + 1, sizeof *left);
    struct slot *right = arena_array(m->p->arena, n + 1, sizeof *right);
    cJSON *result = cJSON_CreateArray();

    for (int number = 0; merged->child != NULL; number++) {
        cJSON *item = cJSON_DetachItemViaPointer(merged, merged->child);
        struct slot slot = {item, place_in(patch_order, item, key),
                            place_in(server_order, item, key), number};

        *(slot.by_patch >= 0 ? &right[rights++] : &left[lefts++]) = slot;
    }
    cJSON_Delete(merged);
    qsort(left, lefts, sizeof *left, compare_slots);
    qsort(right, rights, sizeof *right, compare_slots);
    while (i < lefts || j < rights) {
        bool take_left =
            j == rights || (i < lefts && left[i].by_server >= 0 && right[j].by_server >= 0 &&
                            left[i].by_server < right[j].by_server);

        cJSON_AddItemToArray(result, take_left ? left[i++].item : right[j++].item);
    }
    return result;
}

/* --- lists: their elements -------------------------------------------------------------------- */

static void remove_equal(cJSON *list, const cJSON *item, const char *key)
{
    for (cJSON *other = list->child, *next; other != NULL; other = next) {
        next = other->next;
        if (same_element(other, item, key))
            cJSON_Delete(cJSON_DetachItemViaPointer(list, other));
    }
}

/* Merges the scalars of @patch into @base (taken over), as a set. */
static cJSON *merge_scalars(struct merge *m, cJSON *base, const cJSON *patch, bool removing)
{
    CLEANUP(json_freep) cJSON *before = NULL;

    if (removing) {
        JSON_EACH(item, patch)
            remove_equal(base, item, "");
        return base;
    }
    before = cJSON_Duplicate(base, true);
    JSON_EACH(item, patch)
        if (place_in(base, item, "") < 0)
            cJSON_AddItemToArray(base, cJSON_Duplicate(item, true));
    return in_order(m, base, patch, before, "");
}

/* Carries out the elements of @patch that are orders; the others go to @plain. */
static bool obey_elements(struct merge *m, cJSON *base, const cJSON *patch, const char *key,
                          cJSON *plain, bool *ret_replace)
{
    JSON_EACH(item, patch) {
        const cJSON *directive = json_member(item, S(DIRECTIVE));

        if (directive == NULL) {
            cJSON_AddItemToArray(plain, cJSON_Duplicate(item, true));
        } else if (str_is(json_text(directive), "replace")) {
            *ret_replace = true;
        } else if (str_is(json_text(directive), "delete")) {
            if (json_member(item, str_c(key)) == NULL)
                return no_merge_key(m, item, key);
            remove_equal(base, item, key);
        } else if (str_is(json_text(directive), "merge")) {
            kube_refuse(m->p, "merging lists cannot yet be specified in the patch");
            return false;
        } else {
            return unknown_directive(m, directive, item);
        }
    }
    return true;
}

/* Merges one element of the patch into the list, or adds it. */
static bool merge_element(struct merge *m, const struct kube_type *t, cJSON *base,
                          const cJSON *item, const char *key)
{
    int at = place_in(base, item, key);
    cJSON *old, *merged;

    if (!cJSON_IsObject(item) || json_member(item, str_c(key)) == NULL)
        return no_merge_key(m, item, key);
    if (at < 0) {
        cJSON_AddItemToArray(base, plain_copy(item));
        return true;
    }
    old = cJSON_DetachItemFromArray(base, at);
    merged = merge_map(m, t, old, item);
    if (merged == NULL)
        return false;
    json_insert(base, (size_t)at, merged);
    return true;
}

static cJSON *merge_structs(struct merge *m, const struct kube_field *f, cJSON *base,
                            const cJSON *patch)
{
    const char *key = kube_text(kube_field_extra(f)->patch_key);
    const struct kube_type *t = f->shape == KUBE_STRUCT ? kube_field_type(f) : NULL;
    CLEANUP(json_freep) cJSON *list = base, *plain = cJSON_CreateArray(), *before = NULL;
    bool replace = false;

    if (key[0] == '\0')
        return kube_refuse(m->p, "cannot merge lists without merge key for %s", kube_text(f->go));
    if (!obey_elements(m, list, patch, key, plain, &replace))
        return NULL;
    if (replace)
        return plain_copy(plain);
    before = cJSON_Duplicate(list, true);
    JSON_EACH(item, plain)
        if (!merge_element(m, t, list, item, key))
            return NULL;
    return in_order(m, TAKE(list), plain, before, key);
}

static bool all_alike(struct merge *m, const cJSON *list, bool *known, bool *structs)
{
    JSON_EACH(item, list) {
        if (cJSON_IsArray(item)) {
            kube_refuse(m->p, "lists of lists are not supported");
            return false;
        }
        if (*known && *structs != cJSON_IsObject(item)) {
            kube_refuse(m->p, "list element types are not identical: map[string]interface {} and "
                              "string");
            return false;
        }
        *known = true;
        *structs = cJSON_IsObject(item);
    }
    return true;
}

/* @base is taken over. */
static cJSON *merge_list(struct merge *m, const struct kube_field *f, cJSON *base,
                         const cJSON *patch, bool removing)
{
    bool known = false, structs = false;

    if ((f->flags & KUBE_PATCH_MERGE) == 0 && !removing) {
        cJSON_Delete(base);
        return plain_copy(patch);
    }
    if (!all_alike(m, base, &known, &structs) || !all_alike(m, patch, &known, &structs)) {
        cJSON_Delete(base);
        return NULL;
    }
    return structs ? merge_structs(m, f, base, patch) : merge_scalars(m, base, patch, removing);
}

/* --- maps ------------------------------------------------------------------------------------- */

static bool has_text(const cJSON *list, const char *text)
{
    JSON_EACH(item, list)
        if (str_is(json_text(item), text))
            return true;
    return false;
}

/* $retainKeys: only what it names stays. */
static bool obey_retain(struct merge *m, cJSON *base, const cJSON *patch)
{
    const cJSON *keys = json_member(patch, S(RETAIN));
    bool good = cJSON_IsArray(keys);

    if (keys == NULL)
        return true;
    JSON_EACH(item, patch)
        if (!cJSON_IsNull(item) && item->string[0] != '$')
            good = good && has_text(keys, item->string);
    if (!good) {
        kube_refuse(m->p, "invalid patch format of retainKeys");
        return false;
    }
    for (cJSON *item = base->child, *next; item != NULL; item = next) {
        next = item->next;
        if (!has_text(keys, item->string))
            cJSON_Delete(cJSON_DetachItemViaPointer(base, item));
    }
    return true;
}

/* Whether the patch's elements come in the order that it asks for. */
static bool order_holds(struct merge *m, const cJSON *patch, const cJSON *order, const char *key)
{
    const cJSON *at = order->child;

    JSON_EACH(item, patch) {
        if (json_member(item, S(DIRECTIVE)) != NULL)
            continue;
        while (at != NULL && !same_element(item, at, key))
            at = at->next;
        if (at == NULL && order->child != NULL) {
            kube_refuse(m->p,
                        "The order in patch list:\n%.*s\n doesn't match $setElementOrder list:"
                        "\n%.*s\n",
                        STR_ARG(kube_go_text(m->p->arena, patch)),
                        STR_ARG(kube_go_text(m->p->arena, order)));
            return false;
        }
        if (at != NULL)
            at = at->next;
    }
    return true;
}

static bool obey_order(struct merge *m, const struct kube_type *t, cJSON *base, const cJSON *patch,
                       const cJSON *order)
{
    struct str name = str_from(str_c(order->string), sizeof ORDER - 1);
    const struct kube_field *f = t == NULL ? NULL : find_field(m, t, name);
    cJSON *old = json_member(base, name), *merged;
    const cJSON *change = json_member(patch, name);
    CLEANUP(json_freep) cJSON *before = NULL;
    const char *key;

    if (f == NULL)
        return false;
    if (!cJSON_IsArray(order) || (change != NULL && !cJSON_IsArray(change)) ||
        (old != NULL && !cJSON_IsNull(old) && !cJSON_IsArray(old))) {
        kube_refuse(m->p, "invalid patch format of setElementOrder list");
        return false;
    }
    key = kube_text(kube_field_extra(f)->patch_key);
    if (change != NULL && !order_holds(m, change, order, key))
        return false;
    if (!cJSON_IsArray(old)) {
        if (change == NULL)
            return true;
        merged = plain_copy(change);
    } else {
        before = cJSON_Duplicate(old, true);
        old = cJSON_DetachItemViaPointer(base, old);
        merged = change == NULL ? old : merge_list(m, f, old, change, false);
    }
    if (merged == NULL)
        return false;
    json_put(base, name, in_order(m, merged, order, before, key));
    return true;
}

/* Merges one member of the patch that is no order of its own. */
static bool merge_member(struct merge *m, const struct kube_type *t, cJSON *base, struct str name,
                         const cJSON *patch, bool removing)
{
    cJSON *old = json_member(base, name), *merged;
    const struct kube_field *f = NULL;

    if (cJSON_IsNull(patch)) {
        json_remove(base, name);
        return true;
    }
    if (old == NULL || (old->type & 0xff) != (patch->type & 0xff) ||
        (!cJSON_IsObject(patch) && !cJSON_IsArray(patch))) {
        merged = removing ? NULL : plain_copy(patch);
        if (merged != NULL)
            json_put(base, name, merged);
        else if (!removing)
            json_remove(base, name);
        return true;
    }
    if (t != NULL) {
        f = find_field(m, t, name);
        if (f == NULL)
            return false;
    }
    old = cJSON_DetachItemViaPointer(base, old);
    if (cJSON_IsArray(patch) && f != NULL) {
        merged = merge_list(m, f, old, patch, removing);
    } else if (cJSON_IsArray(patch) || (f != NULL && (f->flags & KUBE_PATCH_REPLACE) != 0)) {
        cJSON_Delete(old);
        merged = cJSON_Duplicate(patch, true);
    } else {
        merged = merge_map(m,
                           f != NULL && f->shape == KUBE_STRUCT && f->container == KUBE_ONE
                               ? kube_field_type(f)
                               : NULL,
                           old, patch);
    }
    if (merged == NULL)
        return false;
    json_put(base, name, merged);
    return true;
}

static bool merge_members(struct merge *m, const struct kube_type *t, cJSON *base,
                          const cJSON *patch)
{
    if (!obey_retain(m, base, patch))
        return false;
    JSON_EACH(item, patch)
        if (str_starts(str_c(item->string), S(ORDER)) && !obey_order(m, t, base, patch, item))
            return false;
    JSON_EACH(item, patch) {
        struct str name = str_c(item->string);
        bool removing = str_starts(name, S(REMOVE));

        if (str_is(name, RETAIN) || str_starts(name, S(ORDER)))
            continue;
        if (removing)
            name = str_from(name, sizeof REMOVE - 1);
        if (json_member(patch, arena_printf(m->p->arena, ORDER "%.*s", STR_ARG(name))) != NULL &&
            !removing && cJSON_IsArray(item))
            continue; /* merged with its order */
        if (!merge_member(m, t, base, name, item, removing))
            return false;
    }
    return true;
}

/* The merge of @patch into @base, which is taken over; NULL with p->error. @t is NULL where the
 * members are those of a map, not of a struct. */
static cJSON *merge_map(struct merge *m, const struct kube_type *t, cJSON *base, const cJSON *patch)
{
    CLEANUP(json_freep) cJSON *result = base;
    const cJSON *directive = json_member(patch, S(DIRECTIVE));
    cJSON *whole;

    if (directive != NULL && str_is(json_text(directive), "delete"))
        return cJSON_CreateObject();
    if (directive != NULL && str_is(json_text(directive), "replace")) {
        whole = cJSON_Duplicate(patch, true);
        json_remove(whole, S(DIRECTIVE));
        return whole;
    }
    if (directive != NULL) {
        (void)unknown_directive(m, directive, patch);
        return NULL;
    }
    return merge_members(m, t, result, patch) ? TAKE(result) : NULL;
}

cJSON *kube_strategic_merge(const struct kube_type *t, const cJSON *base, const cJSON *patch,
                            struct kube_problems *p)
{
    struct merge m = {.p = p};

    return merge_map(&m, t, cJSON_Duplicate(base, true), patch);
}

/* Patches of JSON documents. Source: RFC 6901 (pointers), RFC 6902, RFC 7386. */
#include "kube/json_patch.h"

#include "base/arena.h"

/* --- pointers --------------------------------------------------------------------------- */

/* "~1" is '/', "~0" is '~'; false for any other '~'. */
static bool unescape(struct arena *a, struct str token, struct str *ret)
{
    char *out = arena_alloc(a, token.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < token.n; i++) {
        char c = token.at[i];

        if (c == '~') {
            if (++i == token.n || (token.at[i] != '0' && token.at[i] != '1'))
                return false;
            c = token.at[i] == '0' ? '~' : '/';
        }
        out[n++] = c;
    }
    *ret = str_n(out, n);
    return true;
}

/* The index that @token names in @array: no leading zeros, within it. */
static cJSON *element_of(const cJSON *array, struct str token)
{
    int64_t i;

    if (token.n == 0 || token.at[0] == '-' || (token.n > 1 && token.at[0] == '0') ||
        !str_to_int(token, &i) || i >= cJSON_GetArraySize(array))
        return NULL;
    return cJSON_GetArrayItem(array, (int)i);
}

static cJSON *child_of(const cJSON *parent, struct str token)
{
    if (cJSON_IsArray(parent))
        return element_of(parent, token);
    return json_member(parent, token);
}

/* The parent of what @pointer names, and the last token. NULL when there is no such parent; a
 * pointer to the whole document has none either, and *ret_last untouched. */
static cJSON *parent_of(struct arena *a, cJSON *doc, struct str pointer, struct str *ret_last)
{
    struct str rest = str_from(pointer, 1), token, name;
    size_t slash;

    if (pointer.n == 0 || pointer.at[0] != '/')
        return NULL;
    while ((slash = str_chr(rest, '/')) != STR_NONE) {
        token = str_first(rest, slash);
        rest = str_n(rest.at + slash + 1, rest.n - slash - 1);
        if (!unescape(a, token, &name))
            return NULL;
        doc = child_of(doc, name);
        if (doc == NULL)
            return NULL;
    }
    return unescape(a, rest, ret_last) ? doc : NULL;
}

static cJSON *find(struct arena *a, cJSON *doc, struct str pointer)
{
    struct str last;
    cJSON *parent;

    if (pointer.n == 0)
        return doc;
    parent = parent_of(a, doc, pointer, &last);
    return parent == NULL ? NULL : child_of(parent, last);
}

/* --- operations ------------------------------------------------------------------------- */

/* Takes @value over. */
static bool add(struct arena *a, cJSON **doc, struct str pointer, cJSON *value)
{
    CLEANUP(json_freep) cJSON *mine = value;
    struct str last;
    cJSON *parent, *at;

    if (pointer.n == 0) {
        cJSON_Delete(*doc);
        *doc = TAKE(mine);
        return true;
    }
    parent = parent_of(a, *doc, pointer, &last);
    if (cJSON_IsObject(parent)) {
        json_put(parent, last, TAKE(mine));
        return true;
    }
    if (!cJSON_IsArray(parent))
        return false;
    if (str_is(last, "-"))
        return cJSON_AddItemToArray(parent, TAKE(mine));
    at = element_of(parent, last);
    if (at == NULL) { /* right behind the end is allowed */
        int64_t i;

        if (!str_to_int(last, &i) || i != cJSON_GetArraySize(parent))
            return false;
        return cJSON_AddItemToArray(parent, TAKE(mine));
    }
    for (int i = 0;; i++)
        if (cJSON_GetArrayItem(parent, i) == at) {
            json_insert(parent, (size_t)i, TAKE(mine));
            return true;
        }
}

/* What @pointer names, out of the document; NULL when there is none. The caller's. */
static cJSON *take_out(struct arena *a, cJSON *doc, struct str pointer)
{
    struct str last;
    cJSON *parent = parent_of(a, doc, pointer, &last);
    cJSON *item = parent == NULL ? NULL : child_of(parent, last);

    return item == NULL ? NULL : cJSON_DetachItemViaPointer(parent, item);
}

static bool replace(struct arena *a, cJSON **doc, struct str pointer, cJSON *value)
{
    CLEANUP(json_freep) cJSON *mine = value;
    struct str last;
    cJSON *parent, *item;

    if (pointer.n == 0)
        return add(a, doc, pointer, TAKE(mine));
    parent = parent_of(a, *doc, pointer, &last);
    item = parent == NULL ? NULL : child_of(parent, last);
    if (item == NULL)
        return false;
    if (cJSON_IsObject(parent))
        json_put(parent, last, TAKE(mine));
    else
        (void)cJSON_ReplaceItemViaPointer(parent, item, TAKE(mine));
    return true;
}

static bool move(struct arena *a, cJSON **doc, struct str from, struct str to)
{
    cJSON *item;

    if (str_starts(to, from) && to.n > from.n && to.at[from.n] == '/')
        return false; /* into itself */
    if (from.n == 0)
        return to.n == 0;
    item = take_out(a, *doc, from);
    return item != NULL && add(a, doc, to, item);
}

static bool apply_one(struct arena *a, cJSON **doc, const cJSON *op)
{
    struct str name = json_str(op, "op"), path = json_str(op, "path"), from = json_str(op, "from");
    const cJSON *value = json_get(op, "value");
    cJSON *item;

    if (!cJSON_IsString(json_get(op, "path")))
        return false;
    if (str_is(name, "remove")) {
        item = take_out(a, *doc, path);
        cJSON_Delete(item);
        return item != NULL;
    }
    if (str_is(name, "move"))
        return cJSON_IsString(json_get(op, "from")) && move(a, doc, from, path);
    if (str_is(name, "copy")) {
        item = cJSON_IsString(json_get(op, "from")) ? find(a, *doc, from) : NULL;
        return item != NULL && add(a, doc, path, cJSON_Duplicate(item, true));
    }
    if (value == NULL)
        return false;
    if (str_is(name, "add"))
        return add(a, doc, path, cJSON_Duplicate(value, true));
    if (str_is(name, "replace"))
        return replace(a, doc, path, cJSON_Duplicate(value, true));
    if (str_is(name, "test")) {
        item = find(a, *doc, path);
        return item != NULL && json_equal(item, value);
    }
    return false;
}

bool json_patch_apply(cJSON **doc, const cJSON *patch)
{
    CLEANUP(arena_free) struct arena a = {0};

    if (!cJSON_IsArray(patch))
        return false;
    JSON_EACH(op, patch)
        if (!cJSON_IsObject(op) || !apply_one(&a, doc, op))
            return false;
    return true;
}

/* --- merge patch ------------------------------------------------------------------------ */

static void merge(cJSON *doc, const cJSON *patch)
{
    JSON_EACH(item, patch) {
        struct str key = str_c(item->string);
        cJSON *old = json_member(doc, key), *fresh;

        if (cJSON_IsNull(item)) {
            json_remove(doc, key);
            continue;
        }
        if (!cJSON_IsObject(item)) {
            json_put(doc, key, cJSON_Duplicate(item, true));
            continue;
        }
        if (!cJSON_IsObject(old)) {
            fresh = cJSON_CreateObject();
            json_put(doc, key, fresh);
            old = fresh;
        }
        merge(old, item);
    }
}

void json_merge_apply(cJSON **doc, const cJSON *patch)
{
    if (!cJSON_IsObject(patch)) {
        cJSON_Delete(*doc);
        *doc = cJSON_Duplicate(patch, true);
        return;
    }
    if (!cJSON_IsObject(*doc)) {
        cJSON_Delete(*doc);
        *doc = cJSON_CreateObject();
    }
    merge(*doc, patch);
}

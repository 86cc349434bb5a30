/* A tree becomes the document that Go's decoder followed by its encoder would make of it.
 * Source: encoding/json and sigs.k8s.io/json, for the words and for which error wins: the first
 * wrong type is told, but a scalar that reads itself (a time, a quantity) ends the reading. */
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/memory.h"
#include "schema/kube/decode.h"
#include "schema/kube/field_walk.h"
#include "schema/kube/normalise.h"
#include "schema/kube/scalar.h"

/* Where the walk is. Go's errors name fields and the struct around; complaints the whole path. */
struct place {
    const struct place *up;
    const char *name; /* of a field or key; NULL: an element of a list */
    size_t index;
    const struct kube_type *within; /* the struct whose field this is; NULL: a key or an element */
    const struct kube_field *list;  /* of an element: whose it is, and what it is */
    const cJSON *item;
};

struct walk {
    struct kube_problems *p;
    bool stopped;
    bool sparse; /* only what is given, zeros too; nothing is filled in */
};

/* --- words ------------------------------------------------------------------------------ */

static struct str field_path(struct arena *a, const struct place *at)
{
    struct str up;

    if (at == NULL)
        return (struct str){0};
    up = field_path(a, at->up);
    if (at->within == NULL)
        return up;
    return arena_printf(a, "%.*s%s%s", STR_ARG(up), up.n > 0 ? "." : "", at->name);
}

static struct str full_path(struct arena *a, const struct place *at)
{
    struct str up;

    if (at == NULL)
        return (struct str){0};
    up = full_path(a, at->up);
    if (at->name == NULL)
        return arena_printf(a, "%.*s[%zu]", STR_ARG(up), at->index);
    return arena_printf(a, "%.*s%s%s", STR_ARG(up), up.n > 0 ? "." : "", at->name);
}

/* The path as apply has it: elements by their keys. */
static struct str key_path(struct arena *a, const struct place *at)
{
    struct str up;

    if (at == NULL)
        return (struct str){0};
    up = key_path(a, at->up);
    if (at->name != NULL)
        return arena_printf(a, "%.*s.%s", STR_ARG(up), at->name);
    if (field_relation_of(at->list) == FIELD_KEYED || field_relation_of(at->list) == FIELD_SET)
        return arena_printf(a, "%.*s%.*s", STR_ARG(up),
                            STR_ARG(field_step_text(a, field_element_step(a, at->list, at->item))));
    return arena_printf(a, "%.*s[%zu]", STR_ARG(up), at->index);
}

/* What Go calls the value. */
static struct str value_word(const cJSON *in)
{
    if (cJSON_IsString(in))
        return S("string");
    if (cJSON_IsNumber(in))
        return S("number");
    if (cJSON_IsBool(in))
        return S("bool");
    return cJSON_IsArray(in) ? S("array") : S("object");
}

static const struct kube_type *struct_around(const struct place *at)
{
    while (at != NULL && at->within == NULL)
        at = at->up;
    return at == NULL ? NULL : at->within;
}

/* A wrong type in an applied document, as structured-merge-diff prints it. */
static void unexpected_value(struct walk *w, const struct place *at, const cJSON *in,
                             struct str value, struct str go)
{
    static const struct {
        const char *starts, *expected;
    } kinds[] = {
        {"int",     "numeric (int or float)"},
        {"bool",    "boolean"               },
        {"[]",      "list"                  },
        {"map[",    "map"                   },
        {"string",  "string"                },
        {"[]uint8", "string"                },
    };
    const char *expected = "map";
    struct str got = value;

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (str_starts(go, str_c(kinds[i].starts)))
            expected = kinds[i].expected;
    if (strcmp(expected, "string") == 0 && in != NULL)
        got = arena_printf(w->p->arena, "&value.valueUnstructured{Value:%.*s}",
                           STR_ARG(kube_go_text(w->p->arena, in)));
    else if (strncmp(expected, "numeric", 7) != 0 && in != NULL)
        got = arena_printf(w->p->arena, "&{%.*s}", STR_ARG(kube_go_text(w->p->arena, in)));
    kube_refuse(w->p, "%.*s: expected %s, got %.*s", STR_ARG(key_path(w->p->arena, at)), expected,
                STR_ARG(got));
}

static void wrong_type(struct walk *w, const struct place *at, const cJSON *in, struct str value,
                       struct str go)
{
    const struct kube_type *t = struct_around(at);

    if (w->sparse && at != NULL)
        unexpected_value(w, at, in, value, go);
    else if (t == NULL)
        kube_refuse(w->p, "json: cannot unmarshal %.*s into Go value of type %.*s", STR_ARG(value),
                    STR_ARG(go));
    else
        kube_refuse(w->p, "json: cannot unmarshal %.*s into Go struct field %s.%.*s of type %.*s",
                    STR_ARG(value), kube_text(t->name), STR_ARG(field_path(w->p->arena, at)),
                    STR_ARG(go));
}

/* An error of a type that reads itself: nothing behind it is read. */
static cJSON *stop(struct walk *w, struct str why)
{
    w->p->error = (struct str){0};
    w->stopped = true;
    return kube_refuse(w->p, "%.*s", STR_ARG(why));
}

static cJSON *stop_type(struct walk *w, const struct place *at, struct str value, const char *go)
{
    w->p->error = (struct str){0};
    w->stopped = true;
    wrong_type(w, at, NULL, value, str_c(go));
    return NULL;
}

/* --- scalars ------------------------------------------------------------------------------ */

static struct str number_text(struct walk *w, const cJSON *in)
{
    if (in->valuestring != NULL)
        return str_c(in->valuestring);
    if (in->valuedouble == (double)(int64_t)in->valuedouble)
        return arena_printf(w->p->arena, "%lld", (long long)in->valuedouble);
    return arena_printf(w->p->arena, "%.17g", in->valuedouble);
}

cJSON *kube_new_int(int64_t value)
{
    cJSON *item = cJSON_CreateNumber((double)value);

    if (value > 9007199254740992 || value < -9007199254740992) {
        item->valuestring = xcalloc(24);
        (void)snprintf(item->valuestring, 24, "%lld", (long long)value);
    }
    return item;
}

static cJSON *read_int(struct walk *w, const struct place *at, bool wide, const cJSON *in,
                       struct str go)
{
    struct str text;
    int64_t value;

    if (!cJSON_IsNumber(in)) {
        wrong_type(w, at, in, value_word(in), go);
        return NULL;
    }
    text = number_text(w, in);
    if (str_to_int(text, &value) && (wide || (value >= INT32_MIN && value <= INT32_MAX)))
        return kube_new_int(value);
    wrong_type(w, at, NULL, arena_printf(w->p->arena, "number %.*s", STR_ARG(text)), go);
    return NULL;
}

/* Where Go's decoder would stop in @text, or STR_NONE. */
static size_t base64_fault(struct str text)
{
    size_t letters = 0, start = 0, pads = 0;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.at[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                      c == '+' || c == '/';

        if (c == '\n' || c == '\r')
            continue;
        if (pads > 0 && letters % 4 == 0)
            return i; /* something behind the padding */
        if (c == '=' ? letters % 4 < 2 : !letter || pads > 0)
            return i;
        if (letters++ % 4 == 0)
            start = i;
        pads += c == '=';
    }
    return letters % 4 == 0 ? STR_NONE : pads > 0 ? text.n : start;
}

static cJSON *read_bytes(struct walk *w, const struct place *at, const cJSON *in, struct str go)
{
    struct str text = json_text(in), data;
    size_t fault;

    if (!cJSON_IsString(in)) {
        wrong_type(w, at, in, value_word(in), go);
        return NULL;
    }
    fault = base64_fault(text);
    if (fault != STR_NONE)
        return kube_refuse(w->p, "illegal base64 data at input byte %zu", fault);
    (void)base64_decode(w->p->arena, text, &data);
    return json_new_str(base64_encode(w->p->arena, data));
}

static cJSON *read_time(struct walk *w, const struct place *at, bool micro, const cJSON *in)
{
    struct str text, why;

    if (!cJSON_IsString(in))
        return stop_type(w, at, value_word(in), "string");
    if (!kube_time_canonical(w->p->arena, json_text(in), micro, &text, &why))
        return stop(w, why);
    return text.n == 0 ? NULL : json_new_str(text);
}

static cJSON *read_duration(struct walk *w, const struct place *at, const cJSON *in)
{
    struct str why;
    int64_t nanos;

    if (!cJSON_IsString(in))
        return stop_type(w, at, value_word(in), "string");
    if (!kube_duration_parse(w->p->arena, json_text(in), &nanos, &why))
        return stop(w, why);
    return json_new_str(kube_duration_text(w->p->arena, nanos));
}

static cJSON *read_quantity(struct walk *w, const cJSON *in)
{
    struct str text = json_text(in), why;

    if (cJSON_IsNumber(in))
        text = number_text(w, in);
    else if (cJSON_IsBool(in))
        text = cJSON_IsTrue(in) ? S("true") : S("false");
    else if (!cJSON_IsString(in))
        text = S("{}");
    if (!kube_quantity_canonical(w->p->arena, text, &text, &why))
        return stop(w, why);
    return json_new_str(text);
}

static cJSON *read_int_or_string(struct walk *w, const struct place *at, const cJSON *in)
{
    struct str text;
    int64_t value;

    if (cJSON_IsString(in))
        return cJSON_CreateString(in->valuestring);
    if (!cJSON_IsNumber(in))
        return stop_type(w, at, value_word(in), "int32");
    text = number_text(w, in);
    if (!str_to_int(text, &value) || value < INT32_MIN || value > INT32_MAX)
        return stop_type(w, at, arena_printf(w->p->arena, "number %.*s", STR_ARG(text)), "int32");
    return cJSON_CreateNumber((double)value);
}

static cJSON *read_strings(struct walk *w, const struct place *at, const cJSON *in, struct str go)
{
    cJSON *list;

    if (!cJSON_IsArray(in)) {
        wrong_type(w, at, in, value_word(in), go);
        return NULL;
    }
    list = cJSON_CreateArray();
    JSON_EACH(item, in) {
        if (!cJSON_IsString(item) && !cJSON_IsNull(item))
            wrong_type(w, at, item, value_word(item), S("string"));
        cJSON_AddItemToArray(list, json_new_str(json_text(item)));
    }
    return list;
}

static cJSON *read_struct(struct walk *w, const struct place *at, const struct kube_type *t,
                          const cJSON *in);

/* One value of the field's shape, not null. NULL: there is none, or it is refused. */
static cJSON *read_one(struct walk *w, const struct place *at, const struct kube_field *f,
                       const cJSON *in)
{
    struct str go = str_c(kube_text(f->go));

    switch ((enum kube_shape)f->shape) {
    case KUBE_STRING:
        if (cJSON_IsString(in))
            return cJSON_CreateString(in->valuestring);
        break;
    case KUBE_BOOL:
        if (cJSON_IsBool(in))
            return cJSON_CreateBool(cJSON_IsTrue(in));
        break;
    case KUBE_FLOAT:
        if (cJSON_IsNumber(in))
            return cJSON_Duplicate(in, false);
        break;
    case KUBE_INT32:
    case KUBE_INT64:
        return read_int(w, at, f->shape == KUBE_INT64, in, go);
    case KUBE_BYTES:
        return read_bytes(w, at, in, go);
    case KUBE_TIME:
    case KUBE_MICRO_TIME:
        return read_time(w, at, f->shape == KUBE_MICRO_TIME, in);
    case KUBE_DURATION:
        return read_duration(w, at, in);
    case KUBE_QUANTITY:
        return read_quantity(w, in);
    case KUBE_INT_OR_STRING:
        return read_int_or_string(w, at, in);
    case KUBE_STRINGS:
        return read_strings(w, at, in, go);
    case KUBE_RAW:
        return cJSON_Duplicate(in, true);
    case KUBE_STRUCT:
        if (cJSON_IsObject(in))
            return read_struct(w, at, kube_field_type(f), in);
        break;
    }
    wrong_type(w, at, in, value_word(in), go);
    return NULL;
}

/* What Go writes for a value of the shape that was never set. */
static cJSON *zero_value(struct walk *w, const struct kube_field *f)
{
    switch ((enum kube_shape)f->shape) {
    case KUBE_STRING:
        return cJSON_CreateString("");
    case KUBE_BOOL:
        return cJSON_CreateFalse();
    case KUBE_INT32:
    case KUBE_INT64:
    case KUBE_FLOAT:
    case KUBE_INT_OR_STRING:
        return cJSON_CreateNumber(0);
    case KUBE_DURATION:
        return cJSON_CreateString("0s");
    case KUBE_QUANTITY:
        return cJSON_CreateString("0");
    case KUBE_STRUCT:
        return read_struct(w, NULL, kube_field_type(f), NULL);
    case KUBE_BYTES:
    case KUBE_TIME:
    case KUBE_MICRO_TIME:
    case KUBE_STRINGS:
    case KUBE_RAW:
        break;
    }
    return cJSON_CreateNull();
}

/* --- lists and maps ------------------------------------------------------------------------- */

static cJSON *read_element(struct walk *w, const struct place *at, const struct kube_field *f,
                           const cJSON *in)
{
    cJSON *item = cJSON_IsNull(in) ? NULL : read_one(w, at, f, in);

    if (item != NULL)
        return item;
    return (f->flags & KUBE_POINTERS) != 0 ? cJSON_CreateNull() : zero_value(w, f);
}

static struct str container_word(struct walk *w, const struct kube_field *f)
{
    uint32_t named = kube_field_extra(f)->container;
    const char *star = (f->flags & KUBE_POINTERS) != 0 ? "*" : "";

    if (named != 0)
        return str_c(kube_text(named));
    return arena_printf(w->p->arena, "%s%s%s", f->container == KUBE_LIST ? "[]" : "map[string]",
                        star, kube_text(f->go));
}

static cJSON *read_list(struct walk *w, const struct place *at, const struct kube_field *f,
                        const cJSON *in)
{
    struct place here = {.up = at, .list = f};
    cJSON *list;

    if (!cJSON_IsArray(in)) {
        wrong_type(w, at, in, value_word(in), container_word(w, f));
        return NULL;
    }
    list = cJSON_CreateArray();
    JSON_EACH(item, in) {
        if (w->stopped)
            break;
        here.item = item;
        cJSON_AddItemToArray(list, read_element(w, &here, f, item));
        here.index++;
    }
    return list;
}

static int by_key(const void *a, const void *b)
{
    const cJSON *const *x = a, *const *y = b;

    return strcmp((*x)->string, (*y)->string);
}

/* As Go writes maps: keys in byte order. */
void kube_sort_members(cJSON *object)
{
    size_t n = 0, i = 0;
    cJSON **items;

    bool sorted = true;

    JSON_EACH(item, object) {
        n++;
        sorted = sorted && (item->next == NULL || strcmp(item->string, item->next->string) < 0);
    }
    if (sorted)
        return;
    items = xcalloc(n * sizeof(cJSON *));
    JSON_EACH(item, object)
        items[i++] = item;
    qsort(items, n, sizeof(cJSON *), by_key);
    for (i = 0; i < n; i++) {
        items[i]->next = i + 1 < n ? items[i + 1] : NULL;
        items[i]->prev = items[i > 0 ? i - 1 : n - 1];
    }
    object->child = items[0];
    free(items);
}

static cJSON *read_map(struct walk *w, const struct place *at, const struct kube_field *f,
                       const cJSON *in)
{
    cJSON *map;

    if (!cJSON_IsObject(in)) {
        wrong_type(w, at, in, value_word(in), container_word(w, f));
        return NULL;
    }
    map = cJSON_CreateObject();
    JSON_EACH(item, in) {
        struct place here = {.up = at, .name = item->string};

        if (w->stopped)
            break;
        if (json_member(map, str_c(item->string)) != NULL) {
            kube_complain(w->p, "duplicate field \"%.*s\"", STR_ARG(full_path(w->p->arena, &here)));
            json_remove(map, str_c(item->string));
        }
        cJSON_AddItemToObject(map, item->string, read_element(w, &here, f, item));
    }
    kube_sort_members(map);
    return map;
}

/* --- structs --------------------------------------------------------------------------------- */

static bool is_empty(const struct kube_field *f, const cJSON *item)
{
    if (f->container != KUBE_ONE || f->shape == KUBE_STRINGS)
        return item->child == NULL;
    if (f->shape == KUBE_STRING || f->shape == KUBE_BYTES)
        return item->valuestring[0] == '\0';
    if (f->shape == KUBE_BOOL)
        return cJSON_IsFalse(item);
    return cJSON_IsNumber(item) && f->shape != KUBE_INT_OR_STRING && item->valuedouble == 0;
}

static bool is_zero(const cJSON *item)
{
    if (cJSON_IsObject(item)) {
        JSON_EACH(member, item)
            if (!is_zero(member))
                return false;
        return true;
    }
    return cJSON_IsNull(item) || cJSON_IsFalse(item) ||
           (cJSON_IsNumber(item) && item->valuedouble == 0) ||
           (cJSON_IsString(item) && item->valuestring[0] == '\0');
}

/* Go's "omitempty" knows nothing of structs, whatever they are. */
static bool is_struct(const struct kube_field *f)
{
    return f->container == KUBE_ONE &&
           (f->shape == KUBE_STRUCT || f->shape == KUBE_TIME || f->shape == KUBE_MICRO_TIME ||
            f->shape == KUBE_DURATION || f->shape == KUBE_QUANTITY || f->shape == KUBE_RAW ||
            f->shape == KUBE_INT_OR_STRING);
}

/* What is written for a field whose value is @item (NULL: it has none); NULL: nothing. */
static cJSON *keep(struct walk *w, const struct kube_field *f, cJSON *item)
{
    bool may_omit = (f->flags & KUBE_OMIT_EMPTY) != 0;

    if (w->sparse)
        return item;
    if ((f->flags & KUBE_POINTER) != 0)
        return item != NULL ? item : may_omit ? NULL : cJSON_CreateNull();
    if (is_struct(f)) {
        if (item == NULL && (f->flags & KUBE_OMIT_ZERO) != 0)
            return NULL;
        item = item != NULL ? item : zero_value(w, f);
        if ((f->flags & KUBE_OMIT_ZERO) != 0 && is_zero(item)) {
            cJSON_Delete(item);
            return NULL;
        }
        return item;
    }
    if (item == NULL)
        return may_omit ? NULL : f->container == KUBE_ONE ? zero_value(w, f) : cJSON_CreateNull();
    if (may_omit && is_empty(f, item)) {
        cJSON_Delete(item);
        return NULL;
    }
    return item;
}

static cJSON *read_field(struct walk *w, const struct place *at, const struct kube_field *f,
                         const cJSON *in)
{
    if (cJSON_IsNull(in))
        return NULL;
    if (f->container == KUBE_LIST)
        return read_list(w, at, f, in);
    return f->container == KUBE_MAP ? read_map(w, at, f, in) : read_one(w, at, f, in);
}

static void unknown_field(struct walk *w, const struct place *at)
{
    if (w->sparse)
        kube_complain(w->p, "%.*s: field not declared in schema",
                      STR_ARG(key_path(w->p->arena, at)));
    else
        kube_complain(w->p, "unknown field \"%.*s\"", STR_ARG(full_path(w->p->arena, at)));
}

static void read_members(struct walk *w, const struct place *at, const struct kube_type *t,
                         const cJSON *in, cJSON **values)
{
    uint64_t seen = 0;

    JSON_EACH(item, in) {
        const struct kube_field *f = kube_type_field(t, str_c(item->string));
        struct place here = {.up = at, .name = item->string, .within = t};
        size_t i;

        if (w->stopped)
            return;
        if (f == NULL) {
            unknown_field(w, &here);
            continue;
        }
        i = (size_t)(f - kube_type_at(t, 0));
        if ((seen >> i & 1) != 0)
            kube_complain(w->p, "duplicate field \"%.*s\"", STR_ARG(full_path(w->p->arena, &here)));
        seen |= UINT64_C(1) << i;
        cJSON_Delete(values[i]);
        values[i] = read_field(w, &here, f, item);
    }
}

static cJSON *read_struct(struct walk *w, const struct place *at, const struct kube_type *t,
                          const cJSON *in)
{
    cJSON *values[KUBE_MOST_FIELDS] = {0}, *object = cJSON_CreateObject();

    read_members(w, at, t, in, values);
    for (size_t i = 0; i < t->count; i++) {
        const struct kube_field *f = kube_type_at(t, i);
        cJSON *item = keep(w, f, values[i]);

        if (item != NULL) /* names live as long as the program */
            cJSON_AddItemToObjectCS(object, kube_field_name(f), item);
    }
    return object;
}

static cJSON *normalise(const struct kube_type *t, const cJSON *tree, struct kube_problems *p,
                        bool sparse)
{
    struct walk w = {.p = p, .sparse = sparse};
    CLEANUP(json_freep) cJSON *doc = NULL;

    if (!cJSON_IsObject(tree)) {
        wrong_type(
            &w, NULL, tree, value_word(tree),
            arena_printf(p->arena, "%.*s.%s", STR_ARG(kube_type_version(t)), kube_text(t->name)));
        return NULL;
    }
    doc = read_struct(&w, NULL, t, tree);
    return p->error.n > 0 ? NULL : TAKE(doc);
}

cJSON *kube_normalise(const struct kube_type *t, const cJSON *tree, struct kube_problems *p)
{
    return normalise(t, tree, p, false);
}

cJSON *kube_read_sparse(const struct kube_type *t, const cJSON *tree, struct kube_problems *p)
{
    return normalise(t, tree, p, true);
}

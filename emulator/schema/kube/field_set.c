/* Sets of fields. */
#include "schema/kube/field_set.h"

#include <stdlib.h>

#include "schema/kube/field_walk.h"
#include "schema/kube/normalise.h"

enum { LONGEST_STEP = 4096, LONGEST_PATH = 65536 };

#define MEMBER "."

/* --- the tree ------------------------------------------------------------------------------- */

static bool is_member(const cJSON *node)
{
    return node != NULL && json_member(node, S(MEMBER)) != NULL;
}

static void mark_member(cJSON *node)
{
    if (!is_member(node))
        cJSON_AddItemToObjectCS(node, MEMBER, cJSON_CreateTrue());
}

static bool is_mark(const cJSON *child)
{
    return strcmp(child->string, MEMBER) == 0;
}

static cJSON *need_child(cJSON *node, struct str step)
{
    cJSON *child = json_member(node, step);

    if (child == NULL) {
        child = cJSON_CreateObject();
        json_put(node, step, child);
    }
    return child;
}

bool field_set_is_empty(const cJSON *set)
{
    return set == NULL || set->child == NULL;
}

void field_set_add(cJSON *set, const char *steps)
{
    struct str rest = str_c(steps), step;

    while (str_next(&rest, ' ', &step))
        set = need_child(set, step);
    mark_member(set);
}

void field_set_drop(cJSON *set, const char *steps)
{
    struct str rest = str_c(steps), step;
    cJSON *child;

    (void)str_next(&rest, ' ', &step);
    child = json_member(set, step);
    if (child == NULL)
        return;
    if (rest.at != NULL)
        field_set_drop(child, rest.at);
    else
        json_remove(child, S(MEMBER));
    if (child->child == NULL)
        json_remove(set, step);
}

/* --- FieldsV1 -------------------------------------------------------------------------------- */

static cJSON *read_node(const cJSON *fields, bool root)
{
    cJSON *node = cJSON_CreateObject();

    if (!root && fields->child == NULL)
        mark_member(node);
    JSON_EACH(item, fields) {
        if (is_mark(item))
            mark_member(node);
        else if (cJSON_IsObject(item))
            json_put(node, str_c(item->string), read_node(item, false));
    }
    return node;
}

cJSON *field_set_read(const cJSON *fields)
{
    return cJSON_IsObject(fields) ? read_node(fields, true) : cJSON_CreateObject();
}

cJSON *field_set_write(const cJSON *set)
{
    cJSON *fields = cJSON_CreateObject();
    bool alone = set->child != NULL && set->child->next == NULL;

    JSON_EACH(item, set) {
        if (!is_mark(item))
            cJSON_AddItemToObject(fields, item->string, field_set_write(item));
        else if (!alone)
            cJSON_AddItemToObject(fields, MEMBER, cJSON_CreateObject());
    }
    kube_sort_members(fields);
    return fields;
}

/* --- algebra ---------------------------------------------------------------------------------- */

typedef bool choose_fn(bool a, bool b);

static bool either(bool a, bool b)
{
    return a || b;
}

static bool both(bool a, bool b)
{
    return a && b;
}

static bool only_first(bool a, bool b)
{
    return a && !b;
}

/* NULL when nothing is left. */
static cJSON *combine(const cJSON *a, const cJSON *b, choose_fn *choose)
{
    cJSON *node = cJSON_CreateObject(), *child;

    if (choose(is_member(a), is_member(b)))
        mark_member(node);
    JSON_EACH(item, a) {
        const cJSON *other = is_mark(item) ? NULL : json_member(b, str_c(item->string));

        if (is_mark(item) || (other == NULL && !choose(true, false)))
            continue;
        child = combine(item, other, choose);
        if (child != NULL)
            cJSON_AddItemToObject(node, item->string, child);
    }
    JSON_EACH(item, b) {
        if (is_mark(item) || json_member(a, str_c(item->string)) != NULL || !choose(false, true))
            continue;
        child = combine(NULL, item, choose);
        if (child != NULL)
            cJSON_AddItemToObject(node, item->string, child);
    }
    if (node->child != NULL)
        return node;
    cJSON_Delete(node);
    return NULL;
}

static cJSON *or_empty(cJSON *set)
{
    return set != NULL ? set : cJSON_CreateObject();
}

cJSON *field_set_union(const cJSON *a, const cJSON *b)
{
    return or_empty(combine(a, b, either));
}

cJSON *field_set_intersection(const cJSON *a, const cJSON *b)
{
    return or_empty(combine(a, b, both));
}

cJSON *field_set_difference(const cJSON *a, const cJSON *b)
{
    return or_empty(combine(a, b, only_first));
}

/* @t: the struct that @set is of; NULL: what holds it is none. */
static cJSON *with_parents(const struct kube_type *t, const struct kube_field *list,
                           const cJSON *set)
{
    cJSON *node = cJSON_CreateObject();

    if (is_member(set))
        mark_member(node);
    JSON_EACH(item, set) {
        const struct kube_field *f = NULL;
        cJSON *child;

        if (is_mark(item))
            continue;
        if (t != NULL && strncmp(item->string, "f:", 2) == 0)
            f = kube_type_field(t, str_c(item->string + 2));
        if (f == NULL)
            child = with_parents(list != NULL && list->shape == KUBE_STRUCT ? kube_field_type(list)
                                                                            : NULL,
                                 NULL, item);
        else if (f->container == KUBE_ONE && f->shape == KUBE_STRUCT)
            child = with_parents(kube_field_type(f), NULL, item);
        else
            child = with_parents(NULL, f, item);
        if (f != NULL)
            mark_member(child);
        cJSON_AddItemToObject(node, item->string, child);
    }
    return node;
}

cJSON *field_set_with_parents(const struct kube_type *t, const cJSON *set)
{
    return with_parents(t, NULL, set);
}

/* --- paths ----------------------------------------------------------------------------------- */

static void print_key(struct buf *b, struct str json)
{
    CLEANUP(json_freep) cJSON *key = json_parse(json, NULL);

    JSON_EACH(item, key) {
        buf_printf(b, "%c%s=", item == key->child ? '[' : ',', item->string);
        json_write(b, item);
    }
    buf_char(b, ']');
}

static void print_step(struct buf *b, struct str step)
{
    struct str rest = str_from(step, 2);

    if (str_starts(step, S("f:")))
        buf_printf(b, ".%.*s", STR_ARG(rest));
    else if (str_starts(step, S("k:")))
        print_key(b, rest);
    else if (str_starts(step, S("v:")))
        buf_printf(b, "[=%.*s]", STR_ARG(rest));
    else
        buf_printf(b, "[%.*s]", STR_ARG(rest));
}

struct str field_step_text(struct arena *a, struct str step)
{
    CLEANUP(buf_free) struct buf b = buf_init(LONGEST_STEP);

    print_step(&b, step);
    return arena_str(a, buf_str(&b));
}

static void each_member(const cJSON *set, struct buf *path,
                        void (*each)(void *data, struct str path), void *data)
{
    size_t before = path->n;

    if (is_member(set))
        each(data, buf_str(path));
    JSON_EACH(item, set)
        if (!is_mark(item)) {
            print_step(path, str_c(item->string));
            each_member(item, path, each, data);
            path->n = before;
        }
}

void field_set_each(const cJSON *set, void (*each)(void *data, struct str path), void *data)
{
    CLEANUP(buf_free) struct buf path = buf_init(LONGEST_PATH);

    each_member(set, &path, each, data);
}

/* --- what a value is ------------------------------------------------------------------------- */

enum field_relation field_relation_of_element(const struct kube_field *f)
{
    if (f->shape != KUBE_STRUCT || (kube_field_type(f)->flags & KUBE_TYPE_ATOMIC) != 0)
        return FIELD_LEAF;
    return FIELD_STRUCT;
}

enum field_relation field_relation_of(const struct kube_field *f)
{
    if (f->container == KUBE_LIST && (f->flags & KUBE_LIST_SET) != 0)
        return FIELD_SET;
    if (f->container == KUBE_LIST && (f->flags & KUBE_LIST_MAP) != 0)
        return FIELD_KEYED;
    if (f->container == KUBE_LIST || (f->flags & KUBE_ATOMIC) != 0)
        return FIELD_LEAF;
    return f->container == KUBE_MAP ? FIELD_ENTRIES : field_relation_of_element(f);
}

/* What stands for a key that an element does not name; NULL: nothing. */
static cJSON *key_default(const struct kube_field *key)
{
    uint32_t value = kube_field_extra(key)->value;

    if (value != 0)
        return cJSON_Parse(kube_text(value));
    if ((key->flags & KUBE_REQUIRED) == 0 || (key->flags & KUBE_POINTER) != 0)
        return NULL;
    return key->shape == KUBE_STRING ? cJSON_CreateString("") : cJSON_CreateNumber(0);
}

struct str field_element_step(struct arena *a, const struct kube_field *f, const cJSON *item)
{
    CLEANUP(buf_free) struct buf b = buf_init(LONGEST_STEP);
    CLEANUP(json_freep) cJSON *key = cJSON_CreateObject();
    struct str names = str_c(kube_text(kube_field_extra(f)->list_keys)), name;

    if (f->shape != KUBE_STRUCT) {
        buf_add(&b, S("v:"));
        json_write(&b, item);
        return arena_str(a, buf_str(&b));
    }
    while (str_next(&names, ',', &name)) {
        const cJSON *given = json_member(item, name);
        const struct kube_field *k = kube_type_field(kube_field_type(f), name);
        cJSON *value = given != NULL && !cJSON_IsNull(given) ? cJSON_Duplicate(given, true)
                       : k != NULL                           ? key_default(k)
                                                             : NULL;

        if (value != NULL)
            json_put(key, name, value);
    }
    if (key->child == NULL)
        return (struct str){0};
    kube_sort_members(key);
    buf_add(&b, S("k:"));
    json_write(&b, key);
    return arena_str(a, buf_str(&b));
}

/* --- the set of a document, and of two ------------------------------------------------------- */

/* One step of a walk; its nodes in the sets that are built are made when something is there. */
struct step {
    struct step *up;  /* NULL: the root */
    const char *name; /* of a field or entry; NULL: an element of a list */
    struct str element;
    cJSON *nodes[3];
};

enum { ADDED, REMOVED, MODIFIED };

struct walk {
    struct arena arena;
    struct kube_problems *p;
};

static cJSON *node_of(struct step *s, int set)
{
    char text[LONGEST_STEP];
    cJSON *up;
    size_t n;

    if (s->nodes[set] != NULL)
        return s->nodes[set];
    up = node_of(s->up, set);
    if (s->name == NULL) {
        s->nodes[set] = need_child(up, s->element);
        return s->nodes[set];
    }
    n = strlen(s->name);
    n = n < sizeof text - 3 ? n : sizeof text - 3;
    memcpy(text, "f:", 2);
    memcpy(text + 2, s->name, n);
    s->nodes[set] = need_child(up, str_n(text, n + 2));
    return s->nodes[set];
}

static void insert(struct step *s, int set)
{
    mark_member(node_of(s, set));
}

static void collect(struct walk *w, struct step *s, enum field_relation is,
                    const struct kube_field *f, const struct kube_type *t, const cJSON *value);

static void collect_list(struct walk *w, struct step *s, const struct kube_field *f,
                         const cJSON *list)
{
    size_t i = 0;

    JSON_EACH(item, list) {
        struct step here = {.up = s, .element = field_element_step(&w->arena, f, item)};

        if (here.element.n == 0) {
            kube_refuse(w->p,
                        "element %zu: associative list with keys has an element that omits all "
                        "key fields (and doesn't have default values for any key fields)",
                        i);
            return;
        }
        if (is_member(json_member(node_of(s, ADDED), here.element))) {
            kube_refuse(w->p, "duplicate entries for key %.*s",
                        STR_ARG(field_step_text(&w->arena, here.element)));
            return;
        }
        collect(w, &here, field_relation_of_element(f), NULL,
                f->shape == KUBE_STRUCT ? kube_field_type(f) : NULL, item);
        insert(&here, ADDED);
        i++;
    }
}

static void collect(struct walk *w, struct step *s, enum field_relation is,
                    const struct kube_field *f, const struct kube_type *t, const cJSON *value)
{
    if (is == FIELD_LEAF) {
        insert(s, ADDED);
        return;
    }
    if (is == FIELD_SET || is == FIELD_KEYED) {
        collect_list(w, s, f, value);
        return;
    }
    JSON_EACH(item, value) {
        struct step here = {.up = s, .name = item->string};
        const struct kube_field *member =
            is == FIELD_STRUCT ? kube_type_field(t, str_c(item->string)) : f;
        enum field_relation kind;

        if (member == NULL)
            continue;
        kind = is == FIELD_STRUCT ? field_relation_of(member) : field_relation_of_element(member);
        collect(w, &here, kind, member,
                member->shape == KUBE_STRUCT ? kube_field_type(member) : NULL, item);
        if (is == FIELD_ENTRIES || cJSON_IsNull(item) ||
            (cJSON_IsObject(item) && item->child == NULL))
            insert(&here, ADDED);
    }
}

cJSON *field_set_of(const struct kube_type *t, const cJSON *doc, struct kube_problems *p)
{
    struct walk w = {.p = p};
    struct step root = {.nodes = {cJSON_CreateObject()}};

    collect(&w, &root, FIELD_STRUCT, NULL, t, doc);
    arena_free(&w.arena);
    if (p->error.n == 0)
        return root.nodes[ADDED];
    cJSON_Delete(root.nodes[ADDED]);
    return NULL;
}

static void compare(struct walk *w, struct step *s, enum field_relation is,
                    const struct kube_field *f, const struct kube_type *t, const cJSON *old,
                    const cJSON *now);

/* The element of @list with that step; NULL: there is none. */
static const cJSON *find_element(struct walk *w, const struct kube_field *f, const cJSON *list,
                                 struct str step)
{
    JSON_EACH(item, list)
        if (str_eq(field_element_step(&w->arena, f, item), step))
            return item;
    return NULL;
}

static void compare_elements(struct walk *w, struct step *s, const struct kube_field *f,
                             const cJSON *old, const cJSON *now)
{
    const struct kube_type *t = f->shape == KUBE_STRUCT ? kube_field_type(f) : NULL;

    JSON_EACH(item, old) {
        struct step here = {.up = s, .element = field_element_step(&w->arena, f, item)};

        if (here.element.n > 0)
            compare(w, &here, field_relation_of_element(f), NULL, t, item,
                    find_element(w, f, now, here.element));
    }
    JSON_EACH(item, now) {
        struct step here = {.up = s, .element = field_element_step(&w->arena, f, item)};

        if (here.element.n > 0 && find_element(w, f, old, here.element) == NULL)
            compare(w, &here, field_relation_of_element(f), NULL, t, NULL, item);
    }
}

static void compare_member(struct walk *w, struct step *s, bool entries, const struct kube_field *f,
                           const struct kube_type *t, const char *name, const cJSON *old,
                           const cJSON *now)
{
    struct step here = {.up = s, .name = name};
    const struct kube_field *member = entries ? f : kube_type_field(t, str_c(name));

    if (member == NULL)
        return;
    compare(w, &here, entries ? field_relation_of_element(member) : field_relation_of(member),
            member, member->shape == KUBE_STRUCT ? kube_field_type(member) : NULL, old, now);
}

static void compare(struct walk *w, struct step *s, enum field_relation is,
                    const struct kube_field *f, const struct kube_type *t, const cJSON *old,
                    const cJSON *now)
{
    if (is == FIELD_LEAF || (field_is_empty(old) && field_is_empty(now))) {
        if (old == NULL)
            insert(s, ADDED);
        else if (now == NULL)
            insert(s, REMOVED);
        else if (!json_equal(old, now))
            insert(s, MODIFIED);
        return;
    }
    if (is == FIELD_SET || is == FIELD_KEYED) {
        compare_elements(w, s, f, old, now);
    } else {
        JSON_EACH(item, old)
            compare_member(w, s, is == FIELD_ENTRIES, f, t, item->string, item,
                           json_member(now, str_c(item->string)));
        JSON_EACH(item, now)
            if (json_member(old, str_c(item->string)) == NULL)
                compare_member(w, s, is == FIELD_ENTRIES, f, t, item->string, NULL, item);
    }
    if (old == NULL)
        insert(s, ADDED);
    else if (now == NULL)
        insert(s, REMOVED);
}

struct field_changes field_set_compare(const struct kube_type *t, const cJSON *old,
                                       const cJSON *now)
{
    struct walk w = {0};
    struct step root = {
        .nodes = {cJSON_CreateObject(), cJSON_CreateObject(), cJSON_CreateObject()}
    };

    compare(&w, &root, FIELD_STRUCT, NULL, t, old, now);
    arena_free(&w.arena);
    return (struct field_changes){root.nodes[ADDED], root.nodes[REMOVED], root.nodes[MODIFIED]};
}

void field_changes_free(struct field_changes *c)
{
    cJSON_Delete(c->added);
    cJSON_Delete(c->removed);
    cJSON_Delete(c->modified);
    *c = (struct field_changes){0};
}

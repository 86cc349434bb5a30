/* JSON and REST-JSON requests. Source: Smithy specification, "AWS JSON 1.0/1.1" and "AWS
 * restJson1" protocols. */
#include "base/percent.h"
#include "schema/decode_scalar.h"
#include "schema/shape_access.h"

enum { DEEPEST = 64 };

struct reader {
    struct arena *arena;
    struct problems *problems;
    int depth;
};

static void decode_object(struct reader *r, const struct shape *shape, void *value,
                          const cJSON *object, struct str path);

static struct str below(struct reader *r, struct str path, const char *name)
{
    return path.n == 0 ? str_c(name) : arena_printf(r->arena, "%.*s.%s", STR_ARG(path), name);
}

static void wrong_type(struct reader *r, struct str path, const char *constraint)
{
    problem_note(r->arena, r->problems, PROBLEM_TYPE, path, (struct str){0}, str_c(constraint));
}

static void decode_number(struct reader *r, const struct shape_row *row, void *member,
                          const cJSON *item, struct str path)
{
    double v = item->valuedouble;

    if (row->kind == SHAPE_REAL)
        *(struct opt_real *)member = (struct opt_real){true, v};
    else if (row->kind == SHAPE_TIME && v > -1e12 && v < 1e12)
        *(struct opt_int *)member = OPT_INT((int64_t)(v * 1000));
    else if (row->kind == SHAPE_INTEGER && v > -9.2e18 && v < 9.2e18 && v == (double)(int64_t)v)
        *(struct opt_int *)member = OPT_INT((int64_t)v);
    else
        wrong_type(r, path, "Member must have another type");
}

static void decode_list(struct reader *r, const struct shape_row *row, struct any_list *list,
                        const cJSON *array, struct str path)
{
    size_t size = row->kind == SHAPE_LIST      ? row->of->size
                  : row->kind == SHAPE_STRINGS ? sizeof(struct str)
                                               : sizeof(int64_t);
    size_t n = (size_t)cJSON_GetArraySize(array);

    list->at = arena_array(r->arena, n > 0 ? n : 1, size);
    JSON_EACH(item, array) {
        void *at = (char *)list->at + list->n * size;
        struct str where = arena_printf(r->arena, "%.*s.%zu.member", STR_ARG(path), list->n + 1);

        if (row->kind == SHAPE_LIST && cJSON_IsObject(item))
            decode_object(r, row->of, at, item, where);
        else if (row->kind == SHAPE_STRINGS && cJSON_IsString(item))
            *(struct str *)at = str_c(item->valuestring);
        else if (row->kind == SHAPE_INTEGERS && cJSON_IsNumber(item))
            *(int64_t *)at = (int64_t)item->valuedouble;
        else
            wrong_type(r, where, "Member must have another type");
        list->n++;
    }
}

static void decode_map(struct reader *r, struct str_map *map, const cJSON *object, struct str path)
{
    size_t n = (size_t)cJSON_GetArraySize(object);

    map->at = arena_array(r->arena, n > 0 ? n : 1, sizeof *map->at);
    JSON_EACH(item, object) {
        if (!cJSON_IsString(item))
            wrong_type(r, below(r, path, item->string), "Member must be a string");
        map->at[map->n++] = (struct str_pair){str_c(item->string), json_text(item)};
    }
}

/* A scalar that came as text: a string, a time, a blob, or a label of the path. */
static bool takes_text(enum shape_kind kind)
{
    return kind == SHAPE_STRING || kind == SHAPE_BLOB || kind == SHAPE_TIME;
}

static void decode_member(struct reader *r, const struct shape_row *row, void *member,
                          const cJSON *item, struct str path)
{
    void *inner;

    if (cJSON_IsNull(item) || row->kind == SHAPE_OTHER || row->kind == SHAPE_STRUCT_MAP)
        return;
    if (row->kind == SHAPE_STRUCT && cJSON_IsObject(item)) {
        inner = arena_alloc(r->arena, row->of->size);
        decode_object(r, row->of, inner, item, path);
        *(void **)member = inner;
    } else if ((row->kind == SHAPE_LIST || row->kind == SHAPE_STRINGS ||
                row->kind == SHAPE_INTEGERS) &&
               cJSON_IsArray(item)) {
        decode_list(r, row, member, item, path);
    } else if (row->kind == SHAPE_MAP && cJSON_IsObject(item)) {
        decode_map(r, member, item, path);
    } else if (cJSON_IsString(item) && takes_text(row->kind)) {
        decode_scalar(r->arena, row, member, str_c(item->valuestring), path, r->problems);
    } else if (cJSON_IsBool(item) && row->kind == SHAPE_BOOLEAN) {
        *(struct opt_bool *)member = OPT_BOOL(cJSON_IsTrue(item));
    } else if (cJSON_IsNumber(item)) {
        decode_number(r, row, member, item, path);
    } else {
        wrong_type(r, path, "Member must have another type");
    }
}

static void decode_object(struct reader *r, const struct shape *shape, void *value,
                          const cJSON *object, struct str path)
{
    if (r->depth >= DEEPEST)
        return;
    r->depth++;
    for (size_t i = 0; i < shape->count; i++) {
        const struct shape_row *row = &shape->rows[i];
        const cJSON *item = json_member(object, str_c(row->wire));

        if (item != NULL && row->place == IN_BODY)
            decode_member(r, row, member_at(value, row), item, below(r, path, row->wire));
    }
    r->depth--;
}

void *json_decode(struct arena *a, const struct shape *shape, const cJSON *body, struct problems *p)
{
    struct reader r = {.arena = a, .problems = p};
    void *value = arena_alloc(a, shape->size);

    decode_object(&r, shape, value, body, S(""));
    return value;
}

/* --- REST ----------------------------------------------------------------------------------- */

/* The next segment of a path, without its slash. "{name+}" takes the rest. */
static bool next_segment(struct str *rest, bool greedy, struct str *ret_segment)
{
    struct str s = *rest;
    size_t end;

    if (s.n == 0 || s.at[0] != '/')
        return false;
    s = str_n(s.at + 1, s.n - 1);
    end = greedy ? STR_NONE : str_chr(s, '/');
    *ret_segment = end == STR_NONE ? s : str_first(s, end);
    *rest = end == STR_NONE ? (struct str){0} : str_n(s.at + end, s.n - end);
    return true;
}

static bool is_label(struct str segment)
{
    return segment.n > 2 && segment.at[0] == '{';
}

/* Walks pattern and path together; tells the raw text of the label @wanted if there is one. */
static bool walk(struct str uri, struct str path, struct str wanted, struct str *ret_label)
{
    struct str pattern, segment;

    (void)str_cut(uri, '?', &uri, &pattern);
    if (path.n > 1 && path.at[path.n - 1] == '/')
        path.n--;
    while (next_segment(&uri, false, &pattern)) {
        bool greedy = str_ends(pattern, S("+}"));
        struct str name = is_label(pattern) ? str_n(pattern.at + 1, pattern.n - (greedy ? 3 : 2))
                                            : (struct str){0};

        if (!next_segment(&path, greedy, &segment))
            return false;
        if (name.n == 0 && !str_eq(pattern, segment))
            return false;
        if (name.n > 0 && segment.n == 0)
            return false;
        if (name.n > 0 && str_eq(name, wanted))
            *ret_label = segment;
    }
    return path.n == 0;
}

bool rest_path_matches(const char *uri, struct str path)
{
    return walk(str_c(uri), path, (struct str){0}, NULL);
}

/* All values of a query parameter, decoded. */
static struct str_list query_values(struct arena *a, struct str query, struct str name)
{
    struct str_list list = {0};
    struct str rest = query, part;
    size_t most = 1;

    for (size_t i = 0; i < query.n; i++)
        most += query.at[i] == '&';
    list.at = arena_array(a, most, sizeof *list.at);
    while (str_next(&rest, '&', &part)) {
        struct str key = part, value = {0}, plain;

        (void)str_cut(part, '=', &key, &value);
        if (percent_decode(a, key, true, &plain) && str_eq(plain, name) &&
            percent_decode(a, value, true, &plain))
            list.at[list.n++] = plain;
    }
    return list;
}

static void decode_query_member(struct reader *r, const struct shape_row *row, void *member,
                                struct str query)
{
    struct str_list values = query_values(r->arena, query, str_c(row->wire));

    if (values.n == 0)
        return;
    if (row->kind == SHAPE_STRINGS)
        *(struct str_list *)member = values;
    else
        decode_scalar(r->arena, row, member, values.at[0], str_c(row->wire), r->problems);
}

void *rest_decode(struct arena *a, const struct shape *shape, const char *uri,
                  const struct rest_request *request, struct problems *p)
{
    struct reader r = {.arena = a, .problems = p};
    void *value = json_decode(a, shape, request->body, p);

    for (size_t i = 0; i < shape->count; i++) {
        const struct shape_row *row = &shape->rows[i];
        void *member = member_at(value, row);
        struct str text = {0}, plain;

        if (row->place == IN_QUERY)
            decode_query_member(&r, row, member, request->query);
        else if (row->place == IN_PATH &&
                 walk(str_c(uri), request->path, str_c(row->wire), &text) &&
                 percent_decode(a, text, false, &plain))
            decode_scalar(a, row, member, plain, str_c(row->wire), p);
        else if (row->place == IN_HEADER)
            text = request->header(request->data, str_c(row->wire));
        if (row->place == IN_HEADER && text.n > 0)
            decode_scalar(a, row, member, text, str_c(row->wire), p);
    }
    return value;
}

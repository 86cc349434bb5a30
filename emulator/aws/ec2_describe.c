/* Describing, the same for every kind: ids that must be there, filters over what is shown, pages.
 * Source: Amazon EC2 API Reference, "Filter"; User Guide, "Filter your resources". */
#include "aws/ec2.h"

#include "schema/shape_access.h"

enum { MOST_FILTER_VALUES = 200, LEAST_PAGE = 5 };

/* --- reaching into views --------------------------------------------------------------------- */

/* Tells every text at @path of @value; stops, and is true, once @tell was. */
typedef bool tell_cb(void *data, struct str text);

static bool walk_texts(struct call *c, const struct shape *shape, const void *value,
                       struct str path, tell_cb *tell, void *data);

static bool tell_scalar(struct call *c, const struct shape_row *row, const void *member,
                        tell_cb *tell, void *data)
{
    switch (row->kind) {
    case SHAPE_STRING:
        return tell(data, *(const struct str *)member);
    case SHAPE_BOOLEAN:
        return tell(data, ((const struct opt_bool *)member)->v ? S("true") : S("false"));
    case SHAPE_INTEGER:
        return tell(data,
                    arena_printf(c->arena, "%lld", (long long)((const struct opt_int *)member)->v));
    case SHAPE_TIME:
        return tell(data, clock_rfc3339_ms(c->arena, ((const struct opt_int *)member)->v));
    default:
        return false;
    }
}

static bool walk_texts(struct call *c, const struct shape *shape, const void *value,
                       struct str path, tell_cb *tell, void *data)
{
    struct str head = path, tail = {0};
    const struct shape_row *row;
    const struct any_list *list;
    const void *member;

    (void)str_cut(path, '.', &head, &tail);
    row = shape_find(shape, head);
    if (row == NULL || !member_is_set(value, row))
        return false;
    member = member_of(value, row);
    list = member;
    if (row->kind == SHAPE_STRUCT)
        return walk_texts(c, row->of, *(void *const *)member, tail, tell, data);
    if (row->kind != SHAPE_LIST && row->kind != SHAPE_STRINGS)
        return tell_scalar(c, row, member, tell, data);
    for (size_t i = 0; i < list->n; i++)
        if (row->kind == SHAPE_STRINGS
                ? tell(data, ((const struct str *)list->at)[i])
                : walk_texts(c, row->of, (const char *)list->at + i * row->of->size, tail, tell,
                             data))
            return true;
    return false;
}

/* --- filters --------------------------------------------------------------------------------- */

/* '*' is any run, '?' any one character, a backslash takes the next one as it is. */
static bool glob(struct str pattern, struct str text)
{
    size_t p = 0, t = 0, star = STR_NONE, mark = 0;

    while (t < text.n) {
        bool escaped = p + 1 < pattern.n && pattern.at[p] == '\\';

        if (p < pattern.n && pattern.at[p] == '*') {
            star = p++;
            mark = t;
        } else if (escaped && pattern.at[p + 1] == text.at[t]) {
            p += 2;
            t++;
        } else if (p < pattern.n && !escaped &&
                   (pattern.at[p] == '?' || pattern.at[p] == text.at[t])) {
            p++;
            t++;
        } else if (star != STR_NONE) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.at[p] == '*')
        p++;
    return p == pattern.n;
}

static bool fits_any(void *data, struct str text)
{
    const struct str_list *values = data;

    for (size_t i = 0; i < values->n; i++)
        if (glob(values->at[i], text))
            return true;
    return false;
}

static const char *find_path(const struct ec2_kind *kind, struct str name)
{
    for (size_t i = 0; i < kind->filter_count; i++)
        if (str_is(name, kind->filters[i].name))
            return kind->filters[i].path;
    return NULL;
}

/* The list of tags of a view. */
static const struct shape_row *tags_row(const struct ec2_kind *kind)
{
    const struct shape_row *row = shape_find(kind->view, S("tagSet"));

    return row != NULL && row->of == &ec2_tag_shape ? row : NULL;
}

struct tag_list {
    struct ec2_tag *at;
    size_t n;
};

static bool tag_fits(const struct ec2_kind *kind, const void *view, struct str key,
                     struct str_list *values)
{
    const struct tag_list *tags = member_of(view, tags_row(kind));

    for (size_t i = 0; i < tags->n; i++)
        if (str_eq(tags->at[i].key, key) && fits_any(values, tags->at[i].value))
            return true;
    return false;
}

static bool filter_fits(struct call *c, const struct ec2_kind *kind, const void *view,
                        const struct ec2_filter *f)
{
    struct str_list values = f->values;
    const char *path = find_path(kind, f->name);

    if (path != NULL)
        return walk_texts(c, kind->view, view, str_c(path), fits_any, &values);
    if (str_is(f->name, "tag-key"))
        return walk_texts(c, kind->view, view, S("tagSet.key"), fits_any, &values);
    if (str_is(f->name, "tag-value"))
        return walk_texts(c, kind->view, view, S("tagSet.value"), fits_any, &values);
    return tag_fits(kind, view, str_from(f->name, 4), &values);
}

static bool filter_holds(struct call *c, const struct ec2_kind *kind, const struct ec2_filter *f,
                         struct done *ret_done)
{
    bool of_tags = str_starts(f->name, S("tag:")) || str_is(f->name, "tag-key") ||
                   str_is(f->name, "tag-value");

    if (f->name.at == NULL)
        return ec2_refuse(c, ret_done, "MissingParameter",
                          "The request must contain the parameter Filter.Name");
    if (find_path(kind, f->name) == NULL && !(of_tags && tags_row(kind) != NULL))
        return ec2_refuse(c, ret_done, "InvalidParameterValue", "The filter '%.*s' is invalid",
                          STR_ARG(f->name));
    if (f->values.n == 0)
        return ec2_refuse(c, ret_done, "InvalidParameterValue",
                          "The filter '%.*s' must have at least one value", STR_ARG(f->name));
    if (f->values.n > MOST_FILTER_VALUES)
        return ec2_refuse(c, ret_done, "FilterLimitExceeded",
                          "The maximum number of filter values specified on a single call is %d",
                          MOST_FILTER_VALUES);
    return true;
}

/* --- the request ----------------------------------------------------------------------------- */

/* The members that every request to describe has, found by their names. */
struct request {
    struct str_list ids;
    const struct ec2_filter *filters;
    size_t filter_count;
    struct opt_int most;
    struct str token;
};

static const struct shape_row *find_either(const struct shape *shape, const char *one,
                                           const char *other)
{
    const struct shape_row *row = shape_find(shape, str_c(one));

    return row != NULL ? row : shape_find(shape, str_c(other));
}

static struct request read_request(const struct call *c, const void *input,
                                   const struct ec2_kind *kind)
{
    const struct shape *shape = c->model->input;
    const struct shape_row *ids = kind->ids != NULL ? shape_find(shape, str_c(kind->ids)) : NULL;
    const struct shape_row *filters = find_either(shape, "Filter", "filter");
    const struct shape_row *most = find_either(shape, "MaxResults", "maxResults");
    const struct shape_row *token = find_either(shape, "NextToken", "nextToken");
    struct request r = {0};

    if (ids != NULL)
        r.ids = *(const struct str_list *)member_of(input, ids);
    if (filters != NULL) {
        const struct any_list *list = member_of(input, filters);

        r.filters = list->at;
        r.filter_count = list->n;
    }
    if (most != NULL)
        r.most = *(const struct opt_int *)member_of(input, most);
    if (token != NULL)
        r.token = *(const struct str *)member_of(input, token);
    return r;
}

/* --- ids ------------------------------------------------------------------------------------- */

/* "<prefix>-" and 8 or 17 lower-case hex. */
static bool id_is_well_formed(const struct ec2_kind *kind, struct str id)
{
    struct str prefix = str_c(kind->prefix), hex = str_from(id, prefix.n + 1);

    if (kind->prefix == NULL)
        return true;
    if (!str_starts(id, prefix) || id.n <= prefix.n || id.at[prefix.n] != '-' ||
        (hex.n != 8 && hex.n != 17))
        return false;
    for (size_t i = 0; i < hex.n; i++)
        if ((hex.at[i] < '0' || hex.at[i] > '9') && (hex.at[i] < 'a' || hex.at[i] > 'f'))
            return false;
    return true;
}

struct str ec2_joined(struct call *c, const struct str_list *words)
{
    CLEANUP(buf_free) struct buf b = buf_init(1 << 16);

    for (size_t i = 0; i < words->n; i++)
        buf_printf(&b, "%s%.*s", i > 0 ? ", " : "", STR_ARG(words->at[i]));
    return arena_str(c->arena, buf_str(&b));
}

static bool refuse_missing(struct call *c, const struct ec2_kind *kind, const struct str_list *gone,
                           struct done *ret_done)
{
    return ec2_refuse(c, ret_done, kind->missing, "The %s%s '%.*s' do%s not exist", kind->noun,
                      gone->n > 1 ? "s" : "", STR_ARG(ec2_joined(c, gone)),
                      gone->n > 1 ? "" : "es");
}

static bool form_holds(struct call *c, const struct ec2_kind *kind, struct str id,
                       struct done *ret_done)
{
    if (id_is_well_formed(kind, id) || kind->malformed == NULL)
        return true;
    return ec2_refuse(c, ret_done, kind->malformed, "Invalid id: \"%.*s\"%s%s%s", STR_ARG(id),
                      str_is(str_c(kind->prefix), "i") ? "" : " (expecting \"",
                      str_is(str_c(kind->prefix), "i") ? "" : kind->prefix,
                      str_is(str_c(kind->prefix), "i") ? "" : "-...\")");
}

bool ec2_need(struct call *c, const struct ec2_kind *kind, struct str id, void *ret_row,
              struct done *ret_done)
{
    void *row = NULL;
    int r;

    if (!form_holds(c, kind, id, ret_done))
        return false;
    r = ec2_need_region(c);
    if (r == 0 && id.n > 0)
        r = kind->list(c, id, &row);
    if (r < 0)
        return ec2_failed(c, r, ret_done);
    if (row == NULL)
        return refuse_missing(c, kind, &(struct str_list){&id, 1}, ret_done);
    *(void **)ret_row = row;
    return true;
}

/* --- collecting ------------------------------------------------------------------------------ */

static void *next_row(const void *row)
{
    return *(void *const *)row;
}

static size_t count_rows(const void *first)
{
    size_t n = 0;

    for (; first != NULL; first = next_row(first))
        n++;
    return n;
}

void *ec2_view_of(struct call *c, const struct ec2_kind *kind, const void *row,
                  struct done *ret_done)
{
    void *view = arena_alloc(c->arena, kind->view->size);
    int r = kind->show(c, row, view);

    if (r < 0)
        (void)ec2_failed(c, r, ret_done);
    return r < 0 ? NULL : view;
}

/* Shows all rows behind @first and keeps those that fit. */
static bool show_rows(struct call *c, const struct ec2_kind *kind, const struct request *in,
                      const void *first, struct ec2_views *views, struct done *ret_done)
{
    for (; first != NULL; first = next_row(first)) {
        void *view = (char *)views->at + views->n * kind->view->size;
        bool fits = true;
        int r;

        memset(view, 0, kind->view->size);
        r = kind->show(c, first, view);
        if (r < 0)
            return ec2_failed(c, r, ret_done);
        for (size_t i = 0; fits && i < in->filter_count; i++)
            fits = filter_fits(c, kind, view, &in->filters[i]);
        views->n += fits;
    }
    return true;
}

/* Whether the @i-th id stands further ahead too: named twice, it is shown once. */
static bool is_repeated(const struct str_list *ids, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (str_eq(ids->at[k], ids->at[i]))
            return true;
    return false;
}

/* The rows of the ids that were given. */
static bool rows_by_id(struct call *c, const struct ec2_kind *kind, const struct str_list *ids,
                       void **rows, struct done *ret_done)
{
    struct str_list gone = {arena_array(c->arena, ids->n, sizeof(struct str)), 0};

    for (size_t i = 0; i < ids->n; i++) {
        int r = 0;

        if (!form_holds(c, kind, ids->at[i], ret_done))
            return false;
        if (is_repeated(ids, i))
            continue;
        if (ids->at[i].n > 0)
            r = kind->list(c, ids->at[i], &rows[i]);
        if (r < 0)
            return ec2_failed(c, r, ret_done);
        if (rows[i] == NULL)
            gone.at[gone.n++] = ids->at[i];
    }
    return gone.n == 0 || refuse_missing(c, kind, &gone, ret_done);
}

static bool collect_by_id(struct call *c, const struct ec2_kind *kind, const struct request *in,
                          struct ec2_views *views, struct done *ret_done)
{
    void **rows = arena_array(c->arena, in->ids.n, sizeof *rows);

    if (!rows_by_id(c, kind, &in->ids, rows, ret_done))
        return false;
    views->at = arena_array(c->arena, in->ids.n, kind->view->size);
    for (size_t i = 0; i < in->ids.n; i++)
        if (rows[i] != NULL && !show_rows(c, kind, in, rows[i], views, ret_done))
            return false;
    return true;
}

static bool collect_all(struct call *c, const struct ec2_kind *kind, const struct request *in,
                        struct ec2_views *views, struct done *ret_done)
{
    void *first = NULL;
    int r = kind->list(c, (struct str){0}, &first);
    size_t n = count_rows(first);

    if (r < 0)
        return ec2_failed(c, r, ret_done);
    views->at = arena_array(c->arena, n > 0 ? n : 1, kind->view->size);
    return show_rows(c, kind, in, first, views, ret_done);
}

static bool request_holds(struct call *c, const struct ec2_kind *kind, const struct request *in,
                          struct done *ret_done)
{
    for (size_t i = 0; i < in->filter_count; i++)
        if (!filter_holds(c, kind, &in->filters[i], ret_done))
            return false;
    if (in->ids.n > 0 && in->most.set)
        return ec2_refuse(c, ret_done, "InvalidParameterCombination",
                          "The parameter %s cannot be used with the parameter maxResults",
                          kind->ids);
    if (in->most.set && in->most.v < LEAST_PAGE)
        return ec2_refuse(c, ret_done, "InvalidParameterValue",
                          "Value ( %lld ) for parameter maxResults is invalid. Expecting a value "
                          "greater than or equal to %d.",
                          (long long)in->most.v, LEAST_PAGE);
    return true;
}

bool ec2_collect(struct call *c, const void *input, const struct ec2_kind *kind,
                 struct ec2_views *ret_views, struct done *ret_done)
{
    struct request in = read_request(c, input, kind);
    struct ec2_views all = {0};
    struct page page;
    int r;

    if (!request_holds(c, kind, &in, ret_done))
        return false;
    r = ec2_need_region(c);
    if (r < 0)
        return ec2_failed(c, r, ret_done);
    if (!(in.ids.n > 0 ? collect_by_id(c, kind, &in, &all, ret_done)
                       : collect_all(c, kind, &in, &all, ret_done)))
        return false;
    if (!page_cut(c, in.token, in.most, all.n, &page))
        return ec2_refuse(c, ret_done, "InvalidNextToken", "The nextToken '%.*s' is not valid",
                          STR_ARG(in.token));
    *ret_views =
        (struct ec2_views){(char *)all.at + page.from * kind->view->size, page.n, page.next};
    return true;
}

struct done ec2_describe(struct call *c, const void *input, const struct ec2_kind *kind)
{
    const struct shape *shape = c->model->output;
    void *out = arena_alloc(c->arena, shape->size);
    struct ec2_views views;
    struct done done;

    if (!ec2_collect(c, input, kind, &views, &done))
        return done;
    for (size_t i = 0; i < shape->count; i++) {
        const struct shape_row *row = &shape->rows[i];

        if (row->kind == SHAPE_LIST && row->of == kind->view)
            *(struct any_list *)member_at(out, row) = (struct any_list){views.at, views.n};
        else if (row->kind == SHAPE_STRING && views.next.n > 0 &&
                 (strcmp(row->wire, "nextToken") == 0 || strcmp(row->wire, "NextToken") == 0))
            *(struct str *)member_at(out, row) = views.next;
    }
    return call_reply(c, out);
}

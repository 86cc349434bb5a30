/* Trees to YAML in block style, keys in byte order, strings quoted only where they would read as
 * something else: as kubectl and the API server print it. */
#include <yaml.h>

#include "base/memory.h"
#include "schema/kube/decode.h"
#include "schema/kube/yaml_scalar.h"

struct writer {
    yaml_emitter_t emitter;
    struct arena arena;
    bool failed;
};

static int on_text(void *data, unsigned char *at, size_t n)
{
    struct buf *b = data;

    buf_add(b, str_n((const char *)at, n));
    return !b->full;
}

static void emit(struct writer *w, yaml_event_t *event)
{
    if (w->failed)
        yaml_event_delete(event);
    else
        w->failed = yaml_emitter_emit(&w->emitter, event) == 0;
}

static void write_scalar(struct writer *w, struct str text, yaml_scalar_style_t style)
{
    yaml_event_t event;

    (void)yaml_scalar_event_initialize(&event, NULL, NULL,
                                       (const yaml_char_t *)(text.n > 0 ? text.at : ""),
                                       (int)text.n, 1, 1, style);
    emit(w, &event);
}

/* "12:30" was a number in YAML 1.1. */
static bool is_base_60(struct str s)
{
    return s.n > 0 && strchr("+-0123456789", s.at[0]) != NULL && str_chr(s, ':') != STR_NONE &&
           strspn(s.at, "+-0123456789:._") >= s.n;
}

static void write_text(struct writer *w, struct str text)
{
    struct str json;
    yaml_scalar_style_t style = YAML_PLAIN_SCALAR_STYLE;

    if (str_chr(text, '\n') != STR_NONE)
        style = YAML_LITERAL_SCALAR_STYLE;
    else if (is_base_60(text) || yaml_scalar_resolve(&w->arena, text, &json) != YAML_IS_STRING)
        style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    write_scalar(w, text, style);
}

static int by_key(const void *a, const void *b)
{
    const cJSON *const *x = a, *const *y = b;

    return strcmp((*x)->string, (*y)->string);
}

static void write_tree(struct writer *w, const cJSON *tree);

static void write_mapping(struct writer *w, const cJSON *tree)
{
    yaml_event_t event;
    size_t n = 0, i = 0;
    const cJSON **items;

    JSON_EACH(item, tree)
        n++;
    items = xcalloc((n + 1) * sizeof(cJSON *));
    JSON_EACH(item, tree)
        items[i++] = item;
    qsort(items, n, sizeof(cJSON *), by_key);
    (void)yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE);
    emit(w, &event);
    for (i = 0; i < n; i++) {
        write_text(w, str_c(items[i]->string));
        write_tree(w, items[i]);
    }
    (void)yaml_mapping_end_event_initialize(&event);
    emit(w, &event);
    free(items);
}

static void write_sequence(struct writer *w, const cJSON *tree)
{
    yaml_event_t event;

    (void)yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE);
    emit(w, &event);
    JSON_EACH(item, tree)
        write_tree(w, item);
    (void)yaml_sequence_end_event_initialize(&event);
    emit(w, &event);
}

static void write_tree(struct writer *w, const cJSON *tree)
{
    CLEANUP(buf_free) struct buf b = buf_init(512);

    if (cJSON_IsObject(tree)) {
        write_mapping(w, tree);
    } else if (cJSON_IsArray(tree)) {
        write_sequence(w, tree);
    } else if (cJSON_IsString(tree)) {
        write_text(w, json_text(tree));
    } else {
        json_write(&b, tree);
        write_scalar(w, buf_str(&b), YAML_PLAIN_SCALAR_STYLE);
    }
}

void kube_write_yaml(struct buf *b, const cJSON *tree)
{
    struct writer w = {0};
    yaml_event_t event;

    (void)yaml_emitter_initialize(&w.emitter);
    yaml_emitter_set_output(&w.emitter, on_text, b);
    yaml_emitter_set_unicode(&w.emitter, 1);
    (void)yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING);
    emit(&w, &event);
    (void)yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1);
    emit(&w, &event);
    write_tree(&w, tree);
    (void)yaml_document_end_event_initialize(&event, 1);
    emit(&w, &event);
    (void)yaml_stream_end_event_initialize(&event);
    emit(&w, &event);
    yaml_emitter_delete(&w.emitter);
    arena_free(&w.arena);
}

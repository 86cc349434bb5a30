/* Shapes as JSON text, by the JSON codec. */
#include "aws/document.h"

#include "schema/codec.h"

enum { LARGEST_DOCUMENT = 4 << 20 };

struct str document_write(struct arena *a, const struct shape *shape, const void *value)
{
    CLEANUP(buf_free) struct buf b = buf_init(LARGEST_DOCUMENT);

    if (value == NULL)
        return (struct str){0};
    json_encode(&b, shape, value);
    return arena_str(a, buf_str(&b));
}

void *document_read(struct arena *a, const struct shape *shape, struct str text)
{
    CLEANUP(json_freep) cJSON *tree = text.n > 0 ? json_parse(text, NULL) : NULL;
    struct problems p;
    void *value;

    problems_init(&p);
    value = json_decode(a, shape, tree, &p);
    shape_own(a, shape, value);
    return value;
}

void *document_convert(struct arena *a, const struct shape *from, const void *value,
                       const struct shape *to)
{
    return value == NULL ? NULL : document_read(a, to, document_write(a, from, value));
}

struct str document_write_list(struct arena *a, const struct str_list *list)
{
    CLEANUP(buf_free) struct buf b = buf_init(LARGEST_DOCUMENT);

    buf_char(&b, '[');
    for (size_t i = 0; i < list->n; i++) {
        if (i > 0)
            buf_char(&b, ',');
        json_write_str(&b, list->at[i]);
    }
    buf_char(&b, ']');
    return arena_str(a, buf_str(&b));
}

struct str_list document_read_list(struct arena *a, struct str text)
{
    CLEANUP(json_freep) cJSON *tree = text.n > 0 ? json_parse(text, NULL) : NULL;
    size_t n = (size_t)cJSON_GetArraySize(tree);
    struct str_list list = {arena_array(a, n > 0 ? n : 1, sizeof(struct str)), 0};

    JSON_EACH(item, tree)
        list.at[list.n++] = arena_str(a, json_text(item));
    return list;
}

struct str words_join(struct arena *a, const struct str_list *list)
{
    CLEANUP(buf_free) struct buf b = buf_init(LARGEST_DOCUMENT);

    for (size_t i = 0; i < list->n; i++)
        buf_printf(&b, "%s%.*s", i > 0 ? " " : "", STR_ARG(list->at[i]));
    return arena_str(a, buf_str(&b));
}

struct str_list words_split(struct arena *a, struct str words)
{
    struct str rest = words, word;
    size_t most = 1;
    struct str_list list = {0};

    for (size_t i = 0; i < words.n; i++)
        most += words.at[i] == ' ';
    list.at = arena_array(a, most, sizeof *list.at);
    while (str_next(&rest, ' ', &word))
        if (word.n > 0)
            list.at[list.n++] = word;
    return list;
}

/* Transforms: an expression, its replacement and a URL, a line each. */
#include <stdlib.h>

#include "dataplane/transform.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct transformed t;
    struct str rest = {(const char *)data, size}, pattern, by;
    struct regex_scratch scratch;
    struct arena a = {0};
    struct dp_rewrite w;
    struct dp_rule rule = {.url_rewrite = &w, .host_rewrite = &w};
    struct request_head h = {0};

    if (!str_cut(rest, '\n', &pattern, &rest) || !str_cut(rest, '\n', &by, &rest))
        return 0;
    regex_scratch_init(&scratch);
    w = (struct dp_rewrite){pattern, by, regex_compile(&a, pattern, false)};
    h.target = h.path = h.host = rest;
    h.has_query = str_cut(rest, '?', &h.path, &h.query);
    if (transform_apply(&rule, &h, &scratch, &t) && t.head.target.n > 0 &&
        t.head.target.at[0] != '/' && t.head.target.at != rest.at)
        abort(); /* what goes on is a path */
    regex_scratch_free(&scratch);
    arena_free(&a);
    return 0;
}

/* PCRE2 behind few functions. Its memory comes from the arena of whoever compiles, so that a
 * pattern ends with the configuration that it belongs to.
 * Source: Application Load Balancers User Guide, "Regex matching"; pcre2api(3). */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "dataplane/regex.h"

#include <stdlib.h>

enum { GROUPS_MAX = 100, MATCH_LIMIT = 100 * 1000, DEPTH_LIMIT = 1000, HEAP_LIMIT = 256 /* KiB */ };

void regex_scratch_init(struct regex_scratch *s)
{
    s->data = pcre2_match_data_create(GROUPS_MAX, NULL);
    s->limits = pcre2_match_context_create(NULL);
    if (s->data == NULL || s->limits == NULL)
        abort(); /* out of memory */
    (void)pcre2_set_match_limit(s->limits, MATCH_LIMIT);
    (void)pcre2_set_depth_limit(s->limits, DEPTH_LIMIT);
    (void)pcre2_set_heap_limit(s->limits, HEAP_LIMIT);
}

void regex_scratch_free(struct regex_scratch *s)
{
    pcre2_match_data_free(s->data);
    pcre2_match_context_free(s->limits);
}

static void *take(PCRE2_SIZE n, void *data)
{
    return arena_alloc(data, n);
}

static void give_back(void *at, void *data)
{
    (void)at, (void)data; /* the arena's */
}

struct pcre2_real_code_8 *regex_compile(struct arena *a, struct str pattern, bool ignore_case)
{
    pcre2_general_context *memory = pcre2_general_context_create(take, give_back, a);
    pcre2_compile_context *context = pcre2_compile_context_create(memory);
    uint32_t options = PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY;
    PCRE2_SIZE where;
    int error;

    return pcre2_compile((PCRE2_SPTR)(pattern.n > 0 ? pattern.at : ""), pattern.n,
                         options | (ignore_case ? PCRE2_CASELESS : 0), &error, &where, context);
}

bool regex_matches(const struct pcre2_real_code_8 *code, struct str text,
                   const struct regex_scratch *s)
{
    return code != NULL && pcre2_match(code, (PCRE2_SPTR)(text.n > 0 ? text.at : ""), text.n, 0, 0,
                                       s->data, s->limits) > 0;
}

int regex_replace(const struct pcre2_real_code_8 *code, struct str text, struct str by,
                  const struct regex_scratch *s, char *room, size_t size, size_t *ret_n)
{
    PCRE2_SIZE n = size;
    int r;

    if (code == NULL)
        return -1;
    r = pcre2_substitute(code, (PCRE2_SPTR)(text.n > 0 ? text.at : ""), text.n, 0,
                         PCRE2_SUBSTITUTE_UNSET_EMPTY | PCRE2_SUBSTITUTE_UNKNOWN_UNSET, s->data,
                         s->limits, (PCRE2_SPTR)(by.n > 0 ? by.at : ""), by.n, (PCRE2_UCHAR *)room,
                         &n);
    *ret_n = r < 0 ? 0 : n;
    return r < 0 ? -1 : r > 0;
}

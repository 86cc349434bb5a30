/* Regular expressions of rules: PCRE2's, without what a matcher in linear time could not do (the
 * API refuses that), and with limits all the same. Compiled ones are immutable and live in an
 * arena. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

struct pcre2_real_code_8;
struct pcre2_real_match_data_8;
struct pcre2_real_match_context_8;

/* What matching needs; one for each worker. */
struct regex_scratch {
    struct pcre2_real_match_data_8 *data;
    struct pcre2_real_match_context_8 *limits;
};

void regex_scratch_init(struct regex_scratch *s);
void regex_scratch_free(struct regex_scratch *s);

/* In @a; NULL when @pattern is no regular expression. */
struct pcre2_real_code_8 *regex_compile(struct arena *a, struct str pattern, bool ignore_case);

/* Whether it occurs in @text; not when it takes too long. */
bool regex_matches(const struct pcre2_real_code_8 *code, struct str text,
                   const struct regex_scratch *s);

/* Replaces the first occurrence; "$1" in @by is a group. 1 when it did, 0 when there is none, -1
 * when it took too long or @room is too small; *ret_n is what was written. */
int regex_replace(const struct pcre2_real_code_8 *code, struct str text, struct str by,
                  const struct regex_scratch *s, char *room, size_t size, size_t *ret_n);

/* Pages of a list: a token names where the next page begins. */
#pragma once

#include "aws/service.h"

struct page {
    size_t from, n;  /* of the whole list: what this page shows */
    struct str next; /* the token of the next page; at == NULL: this is the last one */
};

/* Cuts the page that @token (empty: the first) and @most (not set: everything) ask for out of a
 * list of @count. False, with nothing written, when the token is none of ours. */
bool page_cut(struct call *c, struct str token, struct opt_int most, size_t count,
              struct page *ret_page);

/* The Resource Groups Tagging API: finding resources by their tags. */
#pragma once

#include "pass.h"

struct tag_filter {
    struct str key, values[2];
    size_t n; /* of values */
};

struct tagged_resource {
    struct str arn;
    struct pairs tags;
};

struct tagged_resources {
    struct tagged_resource *at;
    size_t n;
};

/* All filters hold, each with one of its values. @page: resources a page, 0: as AWS likes. */
bool tagging_find(struct pass *p, const char *type, unsigned page, const struct tag_filter *filters,
                  size_t n, struct tagged_resources *ret);

/* The parameters of a call in the query protocol, collected in order. */
#pragma once

#include "action.h"
#include "model.h"
#include "values.h"

/* Zero-initialise but for @a. */
struct query {
    struct arena *a;
    struct pairs parameters;
};

/* One parameter; none when @value is absent (at == NULL). */
void query_str(struct query *q, const char *path, struct str value);
void query_int(struct query *q, const char *path, int64_t value);

/* path.1, path.2 …; an empty list is sent as "path=". @path: "Subnets.member". */
void query_strs(struct query *q, const char *path, const struct strs *values);

/* path.1.Key, path.1.Value … */
void query_pairs(struct query *q, const char *path, const struct pairs *values);

/* Filter.@n.Name and its values. */
void query_filter(struct query *q, size_t n, const char *name, const struct strs *values);
void query_filter_one(struct query *q, size_t n, const char *name, struct str value);

void query_permissions(struct query *q, const struct permissions *p);
void query_targets(struct query *q, const struct targets *t);
void query_actions(struct query *q, const char *path, const struct actions *actions);
void query_conditions(struct query *q, const struct conditions *conditions);

/* As a form: a=b&c=d. In q->a. */
struct str query_form(const struct query *q);

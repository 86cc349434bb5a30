/* Tags of whatever has an ARN and no tag table of its own: EC2, load balancing, EKS. */
#pragma once

#include "store/row.h"

extern const char tag_schema_1[];

#define TAG_COLUMNS(X) X(TEXT, account) X(TEXT, region) X(TEXT, arn) X(TEXT, key) X(TEXT, value)

struct tag {
    struct tag *next;
    ROW_FIELDS(TAG_COLUMNS)
};
extern const struct row_table tag_table;

/* The tags of one resource, by key; of all of an account's region, in order of ARN, when @arn is
 * empty. */
int tag_list(struct store *s, struct arena *a, struct str account, struct str region,
             struct str arn, struct tag **ret_first);

/* Sets one tag. Inside a transaction, as those below. */
int tag_put(struct store *s, const struct tag *tag);
int tag_remove(struct store *s, struct str arn, struct str key);
int tag_remove_all(struct store *s, struct str arn);

/* How many tags a resource has. */
int tag_count(struct store *s, struct arena *a, struct str arn, int64_t *ret_count);

/* The keys of an account's region, and the values that one key has; each once, in byte order. */
#define TAG_TEXT_COLUMNS(X) X(TEXT, text)
struct tag_text {
    struct tag_text *next;
    ROW_FIELDS(TAG_TEXT_COLUMNS)
};
int tag_key_list(struct store *s, struct arena *a, struct str account, struct str region,
                 struct tag_text **ret_first);
int tag_value_list(struct store *s, struct arena *a, struct str account, struct str region,
                   struct str key, struct tag_text **ret_first);

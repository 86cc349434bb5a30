/* The policies that AWS manages, as rows of every world: fixtures/policies/aws-managed.json. Ids
 * come from the names, so that they are the same everywhere, as AWS's are.
 * Source: reference aws-eks-iam-ec2 section 2.5; IAM User Guide, "AWS managed policies". */
#include "aws/aws.h"

#include <errno.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "base/sha.h"
#include "store/iam.h"

enum { LARGEST_DOCUMENT = 64 << 10 };

/* When they were made, for all of them the same: 2018-05-27T00:00:00Z. */
static const int64_t made = INT64_C(1527379200000);

extern const char policies_aws_managed[];
extern const size_t policies_aws_managed_size;

static struct str id_of(struct arena *a, struct str arn)
{
    char letters[17];
    uint8_t digest[SHA256_BYTES];

    sha256(arn, digest);
    for (size_t i = 0; i < sizeof letters; i++)
        letters[i] = IDS_IAM[digest[i] % 32];
    return arena_printf(a, "ANPA%.*s", (int)sizeof letters, letters);
}

static int insert(struct store *s, struct arena *a, const cJSON *row)
{
    CLEANUP(buf_free) struct buf document = buf_init(LARGEST_DOCUMENT);
    struct iam_managed *old = NULL, p = {
                                        .account = S("aws"),
                                        .name = json_str(row, "name"),
                                        .path = json_str(row, "path"),
                                        .description = json_str(row, "description"),
                                        .created = made,
                                        .default_version = json_int(row, "version", 1),
                                    };
    int r;

    p.arn = arena_printf(a, "arn:aws:iam::aws:policy%.*s%.*s", STR_ARG(p.path), STR_ARG(p.name));
    p.id = id_of(a, p.arn);
    r = iam_policy_find(s, a, p.arn, &old);
    if (r < 0 || old != NULL)
        return r;
    json_write(&document, json_get(row, "document"));
    return iam_policy_insert(s, &p, buf_str(&document));
}

int aws_load_managed_policies(struct store *s)
{
    CLEANUP(json_freep)
    cJSON *rows = json_parse(str_n(policies_aws_managed, policies_aws_managed_size), NULL);
    CLEANUP(arena_free) struct arena a = {0};
    int r = rows == NULL ? -EINVAL : store_begin(s);

    if (r < 0)
        return r;
    JSON_EACH(row, rows)
        r = r == 0 ? insert(s, &a, row) : r;
    if (r == 0)
        return store_commit(s);
    store_rollback(s);
    return r;
}

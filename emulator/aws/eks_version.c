/* The Kubernetes releases that EKS has had, and how long each is supported.
 * Source: Amazon EKS User Guide, "Amazon EKS Kubernetes release calendar" and "platform versions".
 */
#include "aws/eks.h"

/* Oldest first. The emulator makes clusters of every one, also of those whose support is over. */
static const struct eks_release releases[] = {
    {"1.14", "1.14.9",  9,  "2019-09-03", "2021-12-08", "2021-12-08"},
    {"1.15", "1.15.12", 5,  "2020-03-10", "2021-05-03", "2021-05-03"},
    {"1.16", "1.16.15", 4,  "2020-04-30", "2021-09-27", "2021-09-27"},
    {"1.17", "1.17.17", 8,  "2020-07-09", "2021-11-02", "2021-11-02"},
    {"1.18", "1.18.20", 9,  "2020-10-13", "2022-03-31", "2022-03-31"},
    {"1.19", "1.19.16", 10, "2021-02-16", "2022-08-01", "2022-08-01"},
    {"1.20", "1.20.15", 7,  "2021-05-18", "2022-11-01", "2022-11-01"},
    {"1.21", "1.21.14", 16, "2021-07-19", "2023-02-16", "2024-07-15"},
    {"1.22", "1.22.17", 14, "2022-04-04", "2023-06-04", "2024-09-01"},
    {"1.23", "1.23.17", 16, "2022-08-11", "2023-10-11", "2024-10-11"},
    {"1.24", "1.24.17", 19, "2022-11-15", "2024-01-31", "2025-01-31"},
    {"1.25", "1.25.16", 20, "2023-02-22", "2024-05-01", "2025-05-01"},
    {"1.26", "1.26.15", 21, "2023-04-11", "2024-06-11", "2025-06-11"},
    {"1.27", "1.27.16", 25, "2023-05-24", "2024-07-24", "2025-07-24"},
    {"1.28", "1.28.15", 31, "2023-09-26", "2024-11-26", "2025-11-26"},
    {"1.29", "1.29.15", 34, "2024-01-23", "2025-03-23", "2026-03-23"},
    {"1.30", "1.30.14", 33, "2024-05-23", "2025-07-23", "2026-07-23"},
    {"1.31", "1.31.13", 29, "2024-09-26", "2025-11-26", "2026-11-26"},
    {"1.32", "1.32.9",  22, "2025-01-23", "2026-03-23", "2027-03-23"},
    {"1.33", "1.33.5",  16, "2025-05-29", "2026-07-29", "2027-07-29"},
    {"1.34", "1.34.1",  9,  "2025-10-02", "2026-12-02", "2027-12-02"},
    {"1.35", "1.35.0",  3,  "2026-01-27", "2027-03-27", "2028-03-27"},
};

const struct eks_release *eks_release_find(struct str version)
{
    for (size_t i = 0; i < ARRAY_LEN(releases); i++)
        if (str_is(version, releases[i].version))
            return &releases[i];
    return NULL;
}

struct str eks_default_version(void)
{
    return S("1.34");
}

int64_t eks_minor(struct str version)
{
    int64_t minor = 0;

    if (str_starts(version, S("1.")))
        (void)str_to_int(str_from(version, 2), &minor);
    return minor;
}

static int64_t day(struct call *c, const char *date)
{
    int64_t ms = 0;

    (void)clock_parse_rfc3339(arena_printf(c->arena, "%sT00:00:00Z", date), &ms);
    return ms;
}

enum support { STANDARD, EXTENDED, UNSUPPORTED };

static const struct {
    const char *status, *version_status;
} support_words[] = {
    [STANDARD] = {"standard-support", "STANDARD_SUPPORT"},
    [EXTENDED] = {"extended-support", "EXTENDED_SUPPORT"},
    [UNSUPPORTED] = {"unsupported",      "UNSUPPORTED"     },
};

static enum support support_now(struct call *c, const struct eks_release *r)
{
    return c->now < day(c, r->standard_until)   ? STANDARD
           : c->now < day(c, r->extended_until) ? EXTENDED
                                                : UNSUPPORTED;
}

static bool is_wanted(struct call *c, const struct eks_describe_cluster_versions_request *in,
                      const struct eks_release *r)
{
    enum support now = support_now(c, r);
    bool named = in->cluster_versions.n == 0;

    for (size_t i = 0; i < in->cluster_versions.n; i++)
        named = named || str_is(in->cluster_versions.at[i], r->version);
    if (!named || (in->default_only.v && !str_is(eks_default_version(), r->version)))
        return false;
    if (in->cluster_type.n > 0 && !str_is(in->cluster_type, "eks"))
        return false;
    if (in->status.n > 0 && !str_is(in->status, support_words[now].status))
        return false;
    if (in->version_status.n > 0 && !str_is(in->version_status, support_words[now].version_status))
        return false;
    return now != UNSUPPORTED || in->include_all.v || in->cluster_versions.n > 0 ||
           in->status.n > 0 || in->version_status.n > 0;
}

static struct eks_cluster_version_information shown(struct call *c, const struct eks_release *r)
{
    enum support now = support_now(c, r);

    return (struct eks_cluster_version_information){
        .cluster_version = str_c(r->version),
        .cluster_type = S("eks"),
        .default_platform_version = arena_printf(c->arena, "eks.%d", r->platform),
        .default_version = OPT_BOOL(str_is(eks_default_version(), r->version)),
        .release_date = OPT_INT(day(c, r->released)),
        .end_of_standard_support_date = OPT_INT(day(c, r->standard_until)),
        .end_of_extended_support_date = OPT_INT(day(c, r->extended_until)),
        .status = str_c(support_words[now].status),
        .version_status = str_c(support_words[now].version_status),
        .kubernetes_patch_version = str_c(r->patch),
    };
}

/* Newest first, without those whose support is over unless they are asked for. */
struct done eks_describe_cluster_versions(struct call *c, const void *input)
{
    const struct eks_describe_cluster_versions_request *in = input;
    struct eks_describe_cluster_versions_response out = {0};
    struct eks_cluster_version_information *all =
        arena_array(c->arena, ARRAY_LEN(releases), sizeof *all);
    struct page page;
    struct done done;
    size_t n = 0;

    for (size_t i = ARRAY_LEN(releases); i > 0; i--)
        if (is_wanted(c, in, &releases[i - 1]))
            all[n++] = shown(c, &releases[i - 1]);
    if (!eks_page(c, in->next_token, in->max_results, n, &page, &done))
        return done;
    out.cluster_versions.at = all + page.from;
    out.cluster_versions.n = page.n;
    out.next_token = page.next;
    return call_reply(c, &out);
}

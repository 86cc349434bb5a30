/* Templates and their names. */
#include "loops/template.h"

#include "base/ids.h"
#include "base/macros.h"

enum { LARGEST_TEMPLATE = 2 << 20 };

cJSON *template_plain(const cJSON *doc)
{
    cJSON *copy = cJSON_Duplicate(json_get(doc, "spec.template"), true);

    json_remove(json_get(copy, "metadata.labels"), S("pod-template-hash"));
    json_remove(json_get(copy, "metadata"), S("creationTimestamp"));
    return copy;
}

bool template_equal(const cJSON *a, const cJSON *b)
{
    CLEANUP(json_freep) cJSON *left = template_plain(a);
    CLEANUP(json_freep) cJSON *right = template_plain(b);

    return json_equal(left, right);
}

/* FNV-1a, its decimal digits in safe letters, as upstream does it over another text. */
struct str hash_in_letters(struct arena *a, struct str text, int64_t collisions)
{
    static const char letters[] = IDS_KUBE;
    struct str more = collisions > 0 ? arena_printf(a, "%lld", (long long)collisions) : S("");
    uint32_t hash = 2166136261U;
    struct str digits;
    char *out;

    for (size_t i = 0; i < text.n; i++)
        hash = (hash ^ (uint8_t)text.at[i]) * 16777619U;
    for (size_t i = 0; i < more.n; i++)
        hash = (hash ^ (uint8_t)more.at[i]) * 16777619U;
    digits = arena_printf(a, "%u", hash);
    out = arena_cstr(a, digits);
    for (size_t i = 0; i < digits.n; i++)
        out[i] = letters[(uint8_t)digits.at[i] % (sizeof letters - 1)];
    return str_n(out, digits.n);
}

struct str template_hash(struct arena *a, const cJSON *doc, int64_t collisions)
{
    CLEANUP(json_freep) cJSON *template = template_plain(doc);
    CLEANUP(buf_free) struct buf text = buf_init(LARGEST_TEMPLATE);

    json_write(&text, template);
    return hash_in_letters(a, buf_str(&text), collisions);
}

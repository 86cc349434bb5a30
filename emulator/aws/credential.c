/* Making access keys. Source: IAM User Guide, "IAM identifiers", "Understanding unique ID
 * prefixes". */
#include "aws/credential.h"

#include "base/sha.h"

enum { ID_CHARACTERS = 20, CHECK_CHARACTERS = 4, PREFIX_CHARACTERS = 4 };

#define BASE64_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/* Four letters of the alphabet of ids, from a digest of what stands before them. */
static void check_of(struct str head, char ret_check[CHECK_CHARACTERS])
{
    uint8_t digest[SHA256_BYTES];

    sha256(head, digest);
    for (int i = 0; i < CHECK_CHARACTERS; i++)
        ret_check[i] = IDS_IAM[digest[i] % 32];
}

struct str credential_new_id(struct ids *ids, struct arena *a, const char *prefix)
{
    size_t n = ID_CHARACTERS - CHECK_CHARACTERS - PREFIX_CHARACTERS;
    struct str head = arena_printf(a, "%s%.*s", prefix, STR_ARG(ids_from(ids, a, n, IDS_IAM)));
    char check[CHECK_CHARACTERS];

    check_of(head, check);
    return arena_printf(a, "%.*s%.*s", STR_ARG(head), CHECK_CHARACTERS, check);
}

bool credential_is_ours(struct str id)
{
    char check[CHECK_CHARACTERS];

    if (id.n != ID_CHARACTERS || !(str_starts(id, S("AKIA")) || str_starts(id, S("ASIA"))))
        return false;
    check_of(str_first(id, ID_CHARACTERS - CHECK_CHARACTERS), check);
    return str_eq(str_from(id, ID_CHARACTERS - CHECK_CHARACTERS), str_n(check, CHECK_CHARACTERS));
}

struct str credential_new_secret(struct ids *ids, struct arena *a)
{
    return ids_from(ids, a, 40, BASE64_LETTERS);
}

struct str credential_new_token(struct ids *ids, struct arena *a)
{
    return arena_printf(a, "IQoJb3JpZ2luX2VjE%.*s", STR_ARG(ids_from(ids, a, 255, BASE64_LETTERS)));
}

/* Signatures come from outside. Input: the Authorization header, a line end, the query. */
#include "auth/sigv4.h"

#include "base/macros.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str authorization = str_n((const char *)data, size), query = {0};
    struct http_header headers[] = {
        {S("Authorization"), {0}                  },
        {S("X-Amz-Date"),    S("20261124T131100Z")}
    };
    struct sigv4_request r = {.method = S("GET"), .path = S("/a%20b")};
    struct arena a = {0};
    struct sigv4 s;

    (void)str_cut(authorization, '\n', &authorization, &query);
    headers[0].value = authorization;
    r.headers = (struct http_headers){headers, ARRAY_LEN(headers)};
    r.query = query;
    if (sigv4_read(&a, &r, &s) == SIGV4_FOUND)
        (void)sigv4_verify(&r, &s, S("secret"), 1795525860000, HTTP_NO_HEADERS);
    arena_free(&a);
    return 0;
}

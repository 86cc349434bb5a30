/* Cookies of a request, and values that nobody of ours has sealed. */
#include <stdlib.h>

#include "dataplane/cookie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[COOKIE_KEY_BYTES] = {1};
    struct http_field field = {
        .value = {(const char *)data, size},
          .id = FIELD_COOKIE
    };
    const struct http_fields fields = {&field, 1, 1};
    struct cookie_seal seal;
    struct cookie cookie;
    struct str value;

    cookie_seal_init(&seal, key);
    if (cookie_find(&fields, S("AWSALB"), &value) && cookie_read(&seal, value, &cookie))
        abort(); /* a forgery */
    field.id = FIELD_SET_COOKIE;
    (void)cookie_find_set(&fields, S("session"), &value);
    cookie_seal_free(&seal);
    return 0;
}

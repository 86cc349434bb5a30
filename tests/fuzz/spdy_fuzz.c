/* SPDY frames of a client, whole and byte by byte: both tell the same. */
#include <stdlib.h>

#include "base/buf.h"
#include "net/spdy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_stream(void *data, uint32_t id, const struct spdy_header *headers, size_t n,
                      bool fin)
{
    uint64_t *digest = data;

    *digest = *digest * 31 + id + fin;
    for (size_t i = 0; i < n; i++)
        *digest = *digest * 31 + str_hash(headers[i].name) + str_hash(headers[i].value);
}

static void on_data(void *data, uint32_t id, struct str bytes, bool fin)
{
    uint64_t *digest = data;

    *digest = *digest * 31 + id + fin + str_hash(bytes);
}

static void on_reset(void *data, uint32_t id)
{
    uint64_t *digest = data;

    *digest = *digest * 31 + id;
}

static void on_write(void *data, struct str bytes)
{
    (void)data;
    (void)bytes;
}

static uint64_t read_all(struct str input, size_t step)
{
    static const struct spdy_events events = {on_stream, on_data, on_reset, on_write};
    uint64_t digest = 1;
    struct spdy *s = spdy_new(&events, &digest);
    int r = 0;

    for (; input.n > 0 && r == 0; input = str_from(input, step))
        r = spdy_feed(s, str_first(input, step));
    spdy_free(s);
    return r < 0 ? ~digest : digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size};

    if (read_all(input, size > 0 ? size : 1) != read_all(input, 1))
        abort();
    return 0;
}

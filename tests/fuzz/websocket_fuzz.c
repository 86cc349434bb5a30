/* WebSocket frames of a client, whole and byte by byte: both give the same messages. */
#include <stdlib.h>

#include "net/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t read_all(struct str input, size_t step)
{
    struct ws_decoder d = ws_decoder_new();
    uint64_t digest = 0;
    int r = 0;

    while (input.n > 0 && r >= 0) {
        struct ws_message m;

        ws_decoder_feed(&d, str_first(input, step));
        input = str_from(input, step);
        while ((r = ws_decoder_next(&d, &m)) > 0)
            digest = digest * 31 + str_hash(m.payload) + m.opcode;
    }
    ws_decoder_free(&d);
    return r < 0 ? digest ^ (uint64_t)r : digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size};

    if (read_all(input, size > 0 ? size : 1) != read_all(input, 1))
        abort();
    return 0;
}

/* SPDY frames: the dictionary, header blocks both ways, and what a client may not send. */
#include "../test.h"

#include <errno.h>
#include <zlib.h>

#include "base/buf.h"
#include "net/spdy.h"

struct heard {
    struct buf written, told;
};

static void on_stream(void *data, uint32_t id, const struct spdy_header *headers, size_t n,
                      bool fin)
{
    struct heard *h = data;

    buf_printf(&h->told, "stream %u %.*s%s;", id,
               STR_ARG(spdy_header_get(headers, n, S("streamtype"))), fin ? " fin" : "");
}

static void on_data(void *data, uint32_t id, struct str bytes, bool fin)
{
    struct heard *h = data;

    buf_printf(&h->told, "data %u %.*s%s;", id, STR_ARG(bytes), fin ? " fin" : "");
}

static void on_reset(void *data, uint32_t id)
{
    buf_printf(&((struct heard *)data)->told, "reset %u;", id);
}

static void on_write(void *data, struct str bytes)
{
    buf_add(&((struct heard *)data)->written, bytes);
}

static const struct spdy_events events = {on_stream, on_data, on_reset, on_write};

/* A connection of the same code as a client: its SYN_REPLY packs as a client's SYN_STREAM does, so
 * the block of one is put under the head of the other. */
static void add_syn(struct buf *out, z_stream *z, uint32_t id, struct str type, bool fin)
{
    unsigned char plain[128], packed[512];
    size_t n = 0, length;
    const char *name = "streamtype";

    plain[n++] = 0, plain[n++] = 0, plain[n++] = 0, plain[n++] = 1;
    plain[n++] = 0, plain[n++] = 0, plain[n++] = 0, plain[n++] = 10;
    memcpy(plain + n, name, 10), n += 10;
    plain[n++] = 0, plain[n++] = 0, plain[n++] = 0, plain[n++] = (unsigned char)type.n;
    memcpy(plain + n, type.at, type.n), n += type.n;
    z->next_in = plain;
    z->avail_in = (uInt)n;
    z->next_out = packed;
    z->avail_out = sizeof packed;
    CHECK("packed", deflate(z, Z_SYNC_FLUSH) == Z_OK);
    length = sizeof packed - z->avail_out + 10;
    buf_add(out, str_n("\x80\x03\x00\x01", 4));
    buf_char(out, fin ? 1 : 0);
    for (int shift = 16; shift >= 0; shift -= 8)
        buf_char(out, (char)(length >> shift));
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_char(out, (char)(id >> shift));
    buf_add(out, str_n("\0\0\0\0\0\0", 6));
    buf_add(out, str_n((char *)packed, length - 10));
}

/* The dictionary as a client has it: what our inflater takes is right, by its checksum. */
static void prime(z_stream *z, struct spdy *s, struct heard *h)
{
    unsigned char plain[4096];
    z_stream in = {0};
    uLong sum;

    /* Our own first block names the dictionary by its Adler-32. */
    spdy_reply(s, 1);
    CHECK("inflate", inflateInit(&in) == Z_OK);
    in.next_in = (Bytef *)h->written.at + 12;
    in.avail_in = (uInt)(h->written.n - 12);
    in.next_out = plain;
    in.avail_out = sizeof plain;
    CHECK("a dictionary is named", inflate(&in, Z_SYNC_FLUSH) == Z_NEED_DICT);
    sum = in.adler;
    CHECK("that of SPDY/3", sum == 0xe3c6a7c2);
    (void)inflateEnd(&in);
    CHECK("deflate", deflateInit(z, Z_DEFAULT_COMPRESSION) == Z_OK);
}

TEST(streams_and_data)
{
    struct heard h = {buf_init(1 << 20), buf_init(4096)};
    struct spdy *s = spdy_new(&events, &h);
    struct buf wire = buf_init(1 << 16);
    z_stream z = {0};

    prime(&z, s, &h);
    add_syn(&wire, &z, 1, S("error"), true);
    add_syn(&wire, &z, 3, S("stdin"), false);
    buf_add(&wire, str_n("\0\0\0\x03\0\0\0\x02hi", 10));
    buf_add(&wire, str_n("\0\0\0\x03\x01\0\0\0", 8));
    buf_add(&wire, str_n("\x80\x03\0\x03\0\0\0\x08\0\0\0\x03\0\0\0\x05", 16));
    for (size_t i = 0; i < wire.n; i++) /* in any pieces */
        CHECK("taken", spdy_feed(s, str_n(wire.at + i, 1)) == 0);
    CHECK_STR("told in order", buf_str(&h.told),
              S("stream 1 error fin;stream 3 stdin;data 3 hi;data 3  fin;reset 3;"));
    buf_reset(&h.written);
    CHECK("a ping", spdy_feed(s, str_n("\x80\x03\0\x06\0\0\0\x04\0\0\0\x07", 12)) == 0);
    CHECK_STR("is answered", buf_str(&h.written), str_n("\x80\x03\0\x06\0\0\0\x04\0\0\0\x07", 12));
    buf_reset(&h.written);
    spdy_data(s, 3, S("abc"), true);
    CHECK_STR("data", buf_str(&h.written),
              str_n("\0\0\0\x03\x01\0\0\x03"
                    "abc",
                    11));
    (void)deflateEnd(&z);
    spdy_free(s);
    buf_free(&wire);
    buf_free(&h.written);
    buf_free(&h.told);
}

static const struct {
    const char *label, *bytes;
    size_t n;
} broken[] = {
    {"another version",        "\x80\x02\0\x06\0\0\0\x04\0\0\0\x07",                  12},
    {"a frame without end",    "\x80\x03\0\x06\0\xff\xff\xff",                        8 },
    {"a stream of the server", "\x80\x03\0\x01\0\0\0\x0a\0\0\0\x02\0\0\0\0\0\0",      18},
    {"no header block",        "\x80\x03\0\x01\0\0\0\x0a\0\0\0\x01\0\0\0\0\0\0",      18},
    {"a block of noise",       "\x80\x03\0\x01\0\0\0\x0e\0\0\0\x01\0\0\0\0\0\0noise", 22},
};

TEST(broken_frames)
{
    CASE_EACH(c, broken) {
        struct heard h = {buf_init(1 << 16), buf_init(4096)};
        struct spdy *s = spdy_new(&events, &h);

        CHECK(c->label, spdy_feed(s, str_n(c->bytes, c->n)) == -EPROTO);
        CHECK(c->label, h.told.n == 0);
        spdy_free(s);
        buf_free(&h.written);
        buf_free(&h.told);
    }
}
TEST_MAIN(T(streams_and_data), T(broken_frames))

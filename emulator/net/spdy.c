/* Frames and header blocks. Header blocks are one zlib stream a direction, primed with a dictionary
 * that the specification gives. Source: SPDY Protocol, Draft 3.1, §2.2, §2.6. */
#include "net/spdy.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/memory.h"

enum {
    HEAD_BYTES = 8,
    VERSION = 3,
    LARGEST_FRAME = 1 << 20,
    LARGEST_BLOCK = 256 << 10,
    MOST_HEADERS = 64,
    LARGEST_DATA = 64 << 10,
    FLAG_FIN = 1,
};

enum control_type {
    SYN_STREAM = 1,
    SYN_REPLY = 2,
    RST_STREAM = 3,
    SETTINGS = 4,
    PING = 6,
    GOAWAY = 7,
    HEADERS = 8,
    WINDOW_UPDATE = 9,
};

struct spdy {
    const struct spdy_events *events;
    void *data;
    struct buf input;
    z_stream inflate, deflate;
    bool primed; /* the inflater has asked for the dictionary */
    uint32_t last_stream;
};

/* --- the dictionary ----------------------------------------------------------------------- */

/* Words that stand there with their length in front, in order; then text that does not. */
static const char dictionary_words[] =
    "options head post put delete trace accept accept-charset accept-encoding accept-language "
    "accept-ranges age allow authorization cache-control connection content-base content-encoding "
    "content-language content-length content-location content-md5 content-range content-type date "
    "etag expect expires from host if-match if-modified-since if-none-match if-range "
    "if-unmodified-since last-modified location max-forwards pragma proxy-authenticate "
    "proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade "
    "user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url "
    "public set-cookie keep-alive origin";
static const char dictionary_text[] =
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 "
    "Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 "
    "Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service "
    "UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, "
    "Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/"
    "xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-"
    "8charset=iso-8859-1,utf-,*,enq=0.";

static void add_u32(struct buf *b, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_char(b, (char)(value >> shift));
}

static void write_dictionary(struct buf *b)
{
    struct str rest = str_c(dictionary_words), word;

    while (str_next(&rest, ' ', &word)) {
        add_u32(b, (uint32_t)word.n);
        for (size_t i = 0; i < word.n; i++) /* "200 OK" is one word */
            buf_char(b, word.at[i] == '_' ? ' ' : word.at[i]);
    }
    buf_add(b, str_c(dictionary_text));
}

static int set_dictionary(z_stream *z, int (*set)(z_streamp z, const Bytef *at, uInt n))
{
    struct buf b = buf_init(4096);
    int r;

    write_dictionary(&b);
    r = set(z, (const Bytef *)b.at, (uInt)b.n);
    buf_free(&b);
    return r;
}

/* --- life ----------------------------------------------------------------------------------- */

struct spdy *spdy_new(const struct spdy_events *events, void *data)
{
    struct spdy *s = xcalloc(sizeof *s);

    s->events = events;
    s->data = data;
    s->input = buf_init(2 * LARGEST_FRAME);
    (void)inflateInit(&s->inflate);
    (void)deflateInit(&s->deflate, Z_DEFAULT_COMPRESSION);
    (void)set_dictionary(&s->deflate, deflateSetDictionary);
    return s;
}

void spdy_free(struct spdy *s)
{
    if (s == NULL)
        return;
    (void)inflateEnd(&s->inflate);
    (void)deflateEnd(&s->deflate);
    buf_free(&s->input);
    free(s);
}

struct str spdy_header_get(const struct spdy_header *headers, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_ieq(headers[i].name, name))
            return headers[i].value;
    return (struct str){0};
}

/* --- header blocks -------------------------------------------------------------------------- */

static bool unpack(struct spdy *s, struct str block, struct buf *out)
{
    z_stream *z = &s->inflate;
    int r = Z_OK;

    z->next_in = (Bytef *)(uintptr_t)block.at;
    z->avail_in = (uInt)block.n;
    do {
        char *room = buf_reserve(out, 4096);

        if (room == NULL)
            return false;
        z->next_out = (Bytef *)room;
        z->avail_out = 4096;
        r = inflate(z, Z_SYNC_FLUSH);
        if (r == Z_NEED_DICT && !s->primed) {
            s->primed = true;
            r = set_dictionary(z, inflateSetDictionary);
            if (r != Z_OK)
                return false;
            continue;
        }
        buf_commit(out, 4096 - z->avail_out);
        if (r == Z_BUF_ERROR)
            break; /* nothing more to be had */
        if (r != Z_OK)
            return false;
    } while (z->avail_in > 0 || z->avail_out == 0);
    return true;
}

static void pack(struct spdy *s, struct str plain, struct buf *out)
{
    z_stream *z = &s->deflate;
    char chunk[1024];

    z->next_in = (Bytef *)(uintptr_t)plain.at;
    z->avail_in = (uInt)plain.n;
    do {
        z->next_out = (Bytef *)chunk;
        z->avail_out = sizeof chunk;
        (void)deflate(z, Z_SYNC_FLUSH);
        buf_add(out, str_n(chunk, sizeof chunk - z->avail_out));
    } while (z->avail_out == 0);
}

static bool take_u32(struct str *s, uint32_t *ret)
{
    const uint8_t *at = (const uint8_t *)s->at;

    if (s->n < 4)
        return false;
    *ret = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    *s = str_from(*s, 4);
    return true;
}

static bool take_text(struct str *s, struct str *ret)
{
    uint32_t n;

    if (!take_u32(s, &n) || n > s->n)
        return false;
    *ret = str_first(*s, n);
    *s = str_from(*s, n);
    return true;
}

static bool read_headers(struct str plain, struct spdy_header *headers, size_t *ret_n)
{
    uint32_t count;

    if (!take_u32(&plain, &count) || count > MOST_HEADERS)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!take_text(&plain, &headers[i].name) || !take_text(&plain, &headers[i].value))
            return false;
    *ret_n = count;
    return true;
}

/* --- reading -------------------------------------------------------------------------------- */

static uint32_t stream_of(struct str payload)
{
    uint32_t id = 0;

    (void)take_u32(&payload, &id);
    return id & 0x7fffffff;
}

static int open_stream(struct spdy *s, uint8_t flags, struct str payload)
{
    enum { FIXED = 10 }; /* two stream ids, priority, slot */
    struct spdy_header headers[MOST_HEADERS];
    struct buf plain = buf_init(LARGEST_BLOCK);
    uint32_t id = stream_of(payload);
    size_t n = 0;
    bool fine = payload.n >= FIXED && id > s->last_stream && id % 2 == 1 &&
                unpack(s, str_from(payload, FIXED), &plain) &&
                read_headers(buf_str(&plain), headers, &n);

    if (fine) {
        s->last_stream = id;
        s->events->on_stream(s->data, id, headers, n, (flags & FLAG_FIN) != 0);
    }
    buf_free(&plain);
    return fine ? 0 : -EPROTO;
}

/* Headers that come later are read for the compressor's sake alone. */
static int skip_headers(struct spdy *s, struct str payload)
{
    struct buf plain = buf_init(LARGEST_BLOCK);
    bool fine = payload.n >= 4 && unpack(s, str_from(payload, 4), &plain);

    buf_free(&plain);
    return fine ? 0 : -EPROTO;
}

static void write_control(struct spdy *s, enum control_type type, uint8_t flags, struct str payload)
{
    struct buf b = buf_init(LARGEST_FRAME);

    add_u32(&b, 0x80000000u | VERSION << 16 | type);
    add_u32(&b, (uint32_t)flags << 24 | (uint32_t)payload.n);
    buf_add(&b, payload);
    s->events->write(s->data, buf_str(&b));
    buf_free(&b);
}

static int take_control(struct spdy *s, uint16_t type, uint8_t flags, struct str payload)
{
    switch (type) {
    case SYN_STREAM:
        return open_stream(s, flags, payload);
    case SYN_REPLY:
    case HEADERS:
        return skip_headers(s, payload);
    case RST_STREAM:
        if (payload.n != 8)
            return -EPROTO;
        s->events->on_reset(s->data, stream_of(payload));
        return 0;
    case PING:
        write_control(s, PING, 0, payload);
        return 0;
    default: /* settings, windows, farewells: nothing to be done */
        return 0;
    }
}

int spdy_feed(struct spdy *s, struct str bytes)
{
    int r = 0;

    buf_add(&s->input, bytes);
    if (s->input.full)
        return -EPROTO;
    while (r == 0 && s->input.n >= HEAD_BYTES) {
        struct str head = buf_str(&s->input), payload;
        uint32_t first = 0, second = 0, length;

        (void)take_u32(&head, &first);
        (void)take_u32(&head, &second);
        length = second & 0xffffff;
        if (length > LARGEST_FRAME)
            return -EPROTO;
        if (head.n < length)
            return 0;
        payload = str_first(head, length);
        if ((first & 0x80000000u) == 0)
            s->events->on_data(s->data, first & 0x7fffffff, payload,
                               (second >> 24 & FLAG_FIN) != 0);
        else if ((first >> 16 & 0x7fff) != VERSION)
            r = -EPROTO;
        else
            r = take_control(s, (uint16_t)(first & 0xffff), (uint8_t)(second >> 24), payload);
        buf_consume(&s->input, HEAD_BYTES + length);
    }
    return r;
}

/* --- writing -------------------------------------------------------------------------------- */

void spdy_reply(struct spdy *s, uint32_t id)
{
    static const char no_headers[4] = {0};
    struct buf b = buf_init(4096);

    add_u32(&b, id);
    pack(s, str_n(no_headers, sizeof no_headers), &b);
    write_control(s, SYN_REPLY, 0, buf_str(&b));
    buf_free(&b);
}

void spdy_data(struct spdy *s, uint32_t id, struct str bytes, bool fin)
{
    do {
        struct str part = str_first(bytes, LARGEST_DATA);
        struct buf b = buf_init(LARGEST_DATA + HEAD_BYTES);

        bytes = str_from(bytes, part.n);
        add_u32(&b, id);
        add_u32(&b, (fin && bytes.n == 0 ? (uint32_t)FLAG_FIN << 24 : 0) | (uint32_t)part.n);
        buf_add(&b, part);
        s->events->write(s->data, buf_str(&b));
        buf_free(&b);
    } while (bytes.n > 0);
}

static void write_pair(struct spdy *s, enum control_type type, uint32_t one, uint32_t two)
{
    struct buf b = buf_init(16);

    add_u32(&b, one);
    add_u32(&b, two);
    write_control(s, type, 0, buf_str(&b));
    buf_free(&b);
}

void spdy_reset(struct spdy *s, uint32_t id, enum spdy_status status)
{
    write_pair(s, RST_STREAM, id, status);
}

void spdy_goaway(struct spdy *s)
{
    write_pair(s, GOAWAY, s->last_stream, 0);
}

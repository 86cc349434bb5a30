/* Channels. Ownership: they are freed when their wire is gone, after on_closed.
 * Source: Kubernetes, k8s.io/apimachinery pkg/util/remotecommand and k8s.io/apiserver
 * pkg/util/wsstream; kubernetes-api reference §3.9. */
#include "kube/channels.h"

#include <stdlib.h>

#include "base/base64.h"
#include "base/memory.h"
#include "kube/wire.h"
#include "net/spdy.h"

enum { CLOSE_CHANNEL = 255 };

struct channels {
    struct websocket *socket; /* one of these two */
    struct wire *wire;
    struct spdy *spdy;
    uint32_t streams[CHANNELS]; /* of SPDY; 0: not open yet */
    struct channels_wanted wanted;
    const struct channels_events *events;
    void *data;
    bool ready, finished;
    bool base64, json_status;
};

static const char *const names[] = {"stdin", "stdout", "stderr", "error", "resize"};

static void channels_free(struct channels *ch)
{
    spdy_free(ch->spdy);
    free(ch);
}

/* --- WebSocket ------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    bool base64, json_status;
} protocols[] = {
    {"v5.channel.k8s.io",        false, true },
    {"v4.channel.k8s.io",        false, true },
    {"v4.base64.channel.k8s.io", true,  true },
    {"channel.k8s.io",           false, false},
    {"base64.channel.k8s.io",    true,  false},
};

static void socket_send(struct channels *ch, enum channel to, struct str bytes)
{
    char head = (char)((ch->base64 ? '0' : 0) + (int)to);
    struct arena a = {0};

    if (ch->base64)
        bytes = base64_encode(&a, bytes);
    websocket_send(ch->socket, ch->base64, str_n(&head, 1), bytes);
    arena_free(&a);
}

static void take_input(struct channels *ch, unsigned from, struct str bytes)
{
    if (from == CLOSE_CHANNEL && bytes.n == 1 && bytes.at[0] == CHANNEL_STDIN)
        ch->events->on_end(ch->data, CHANNEL_STDIN);
    else if (from == CHANNEL_STDIN || from == CHANNEL_RESIZE)
        ch->events->on_input(ch->data, (enum channel)from, bytes);
}

static void on_message(void *data, bool text UNUSED, struct str payload)
{
    struct channels *ch = data;
    struct str bytes = str_from(payload, 1);
    struct arena a = {0};
    unsigned from;

    if (payload.n == 0 || ch->finished)
        return;
    from = (unsigned char)payload.at[0];
    if (ch->base64) {
        from -= '0';
        if (!base64_decode(&a, str_from(payload, 1), &bytes))
            bytes.n = 0;
    }
    if (bytes.n > 0)
        take_input(ch, from, bytes);
    arena_free(&a);
}

static void on_drained(void *data)
{
    struct channels *ch = data;

    ch->events->on_drained(ch->data);
}

static void on_closed(void *data)
{
    struct channels *ch = data;

    ch->events->on_closed(ch->data);
    channels_free(ch);
}

/* A client may wait for a first message of each channel it can hear. */
static void open_socket(struct channels *ch)
{
    for (enum channel to = CHANNEL_STDOUT; to <= CHANNEL_ERROR; to++)
        if (ch->wanted.on[to])
            socket_send(ch, to, S(""));
    ch->ready = true;
    ch->events->on_ready(ch->data);
}

static bool accept_socket(struct kube_call *c, struct channels *ch, struct channels **ret)
{
    static const struct websocket_events events = {on_message, on_drained, on_closed};
    const char *offered[ARRAY_LEN(protocols)], *chosen;
    struct http_headers headers = c->request->headers;
    struct stream *s;

    for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
        offered[i] = protocols[i].name;
    chosen = ws_choose_protocol(headers, offered, ARRAY_LEN(offered));
    if (chosen == NULL && http_header_has(headers, S("Sec-WebSocket-Protocol"))) {
        free(ch);
        return call_bad_request(c, "unable to negotiate a protocol: the client offers none of the "
                                   "server's");
    }
    for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
        if (chosen == offered[i]) {
            ch->base64 = protocols[i].base64;
            ch->json_status = protocols[i].json_status;
        }
    s = call_upgrade(c, ws_accept_headers(c->arena, headers, chosen));
    if (s == NULL) {
        free(ch);
        return false;
    }
    *ret = ch;
    ch->socket = websocket_new(s, &events, ch);
    open_socket(ch);
    return true;
}

/* --- SPDY ----------------------------------------------------------------------------------- */

static bool all_open(const struct channels *ch)
{
    for (size_t i = 0; i < CHANNELS; i++)
        if (ch->wanted.on[i] && ch->streams[i] == 0)
            return false;
    return true;
}

static void on_stream(void *data, uint32_t id, const struct spdy_header *headers, size_t n,
                      bool fin)
{
    struct str type = spdy_header_get(headers, n, S("streamtype"));
    struct channels *ch = data;
    size_t i = 0;

    while (i < CHANNELS && !str_is(type, names[i]))
        i++;
    if (i == CHANNELS || ch->streams[i] != 0) {
        spdy_reset(ch->spdy, id, SPDY_REFUSED_STREAM);
        return;
    }
    ch->streams[i] = id;
    spdy_reply(ch->spdy, id);
    if (!ch->ready && all_open(ch)) {
        ch->ready = true;
        ch->events->on_ready(ch->data);
    }
    if (fin && i == CHANNEL_STDIN)
        ch->events->on_end(ch->data, CHANNEL_STDIN);
}

static enum channel channel_of(const struct channels *ch, uint32_t id)
{
    for (enum channel i = 0; i < CHANNELS; i++)
        if (ch->streams[i] == id)
            return i;
    return CHANNELS;
}

static void on_data(void *data, uint32_t id, struct str bytes, bool fin)
{
    struct channels *ch = data;
    enum channel from = channel_of(ch, id);

    if (ch->finished || (from != CHANNEL_STDIN && from != CHANNEL_RESIZE))
        return;
    if (bytes.n > 0)
        ch->events->on_input(ch->data, from, bytes);
    if (fin)
        ch->events->on_end(ch->data, from);
}

static void on_reset(void *data, uint32_t id)
{
    struct channels *ch = data;

    if (channel_of(ch, id) == CHANNEL_STDIN && !ch->finished)
        ch->events->on_end(ch->data, CHANNEL_STDIN);
}

static void on_spdy_write(void *data, struct str bytes)
{
    struct channels *ch = data;

    wire_write(ch->wire, bytes);
}

static void on_wire_bytes(void *data, struct str bytes)
{
    struct channels *ch = data;

    if (spdy_feed(ch->spdy, bytes) < 0)
        wire_close(ch->wire);
}

/* The newest version that both know; NULL when there is none. Without any it is the first. */
static const char *stream_version(struct http_headers headers)
{
    static const char *const known[] = {"v4.channel.k8s.io", "v3.channel.k8s.io",
                                        "v2.channel.k8s.io", "channel.k8s.io"};
    struct str name = S("X-Stream-Protocol-Version"), rest, one;

    if (!http_header_has(headers, name))
        return "";
    for (size_t k = 0; k < ARRAY_LEN(known); k++)
        for (size_t i = 0; i < headers.n; i++) {
            if (!str_ieq(headers.at[i].name, name))
                continue;
            rest = headers.at[i].value;
            while (str_next(&rest, ',', &one))
                if (str_is(str_trim(one), known[k]))
                    return known[k];
        }
    return NULL;
}

static bool accept_spdy(struct kube_call *c, struct channels *ch, struct channels **ret)
{
    static const struct spdy_events spdy_events = {on_stream, on_data, on_reset, on_spdy_write};
    static const struct wire_events wire_events = {on_wire_bytes, on_drained, on_closed};
    const char *version = stream_version(c->request->headers);
    struct http_header h[] = {
        {S("Connection"),                S("Upgrade")  },
        {S("Upgrade"),                   S("SPDY/3.1") },
        {S("X-Stream-Protocol-Version"), str_c(version)},
    };

    if (version == NULL) {
        free(ch);
        return kube_call_fail(
            c, &(struct kube_failure){.code = 403,
                                      .reason = "Forbidden",
                                      .message = S("unable to upgrade: unable to negotiate "
                                                   "protocol")});
    }
    ch->json_status = strcmp(version, "v4.channel.k8s.io") == 0;
    ch->spdy = spdy_new(&spdy_events, ch);
    *ret = ch;
    ch->wire = wire_accept_stream(
        c, (struct http_headers){h, version[0] != '\0' ? ARRAY_LEN(h) : ARRAY_LEN(h) - 1},
        &wire_events, ch);
    if (ch->wire != NULL)
        return true;
    channels_free(ch);
    return false;
}

/* --- both ----------------------------------------------------------------------------------- */

bool channels_accept(struct kube_call *c, const struct channels_wanted *wanted,
                     const struct channels_events *events, void *data,
                     struct channels **ret_channels)
{
    struct str upgrade = str_trim(http_header_get(c->request->headers, S("Upgrade")));
    bool socket = ws_is_upgrade(c->request->headers);
    struct channels *ch;

    if (c->out->upgrade == NULL || (!socket && !str_ieq(upgrade, S("SPDY/3.1"))))
        return call_bad_request(c, "Upgrade request required");
    ch = xcalloc(sizeof *ch);
    *ch = (struct channels){.wanted = *wanted, .events = events, .data = data};
    return socket ? accept_socket(c, ch, ret_channels) : accept_spdy(c, ch, ret_channels);
}

void channels_send(struct channels *ch, enum channel to, struct str bytes)
{
    if (ch->finished || !ch->wanted.on[to])
        return;
    if (ch->socket != NULL)
        socket_send(ch, to, bytes);
    else
        spdy_data(ch->spdy, ch->streams[to], bytes, false);
}

size_t channels_queued(const struct channels *ch)
{
    return ch->socket != NULL ? websocket_queued(ch->socket) : wire_queued(ch->wire);
}

void channels_hold(struct channels *ch, bool held)
{
    if (ch->socket != NULL)
        websocket_hold(ch->socket, held);
    else
        wire_hold(ch->wire, held);
}

static void finish_socket(struct channels *ch, struct str text)
{
    enum { FINE = 1000 };

    if (text.n > 0)
        socket_send(ch, CHANNEL_ERROR, text);
    websocket_close(ch->socket, FINE, S(""));
}

static void finish_spdy(struct channels *ch, struct str text)
{
    if (ch->streams[CHANNEL_ERROR] != 0)
        spdy_data(ch->spdy, ch->streams[CHANNEL_ERROR], text, true);
    for (enum channel to = CHANNEL_STDOUT; to <= CHANNEL_STDERR; to++)
        if (ch->streams[to] != 0)
            spdy_data(ch->spdy, ch->streams[to], S(""), true);
    spdy_goaway(ch->spdy);
    wire_close(ch->wire);
}

void channels_finish(struct channels *ch, const cJSON *status)
{
    enum { LARGEST = 64 << 10 };
    CLEANUP(buf_free) struct buf b = buf_init(LARGEST);

    if (ch->finished)
        return;
    if (ch->json_status)
        json_write(&b, status);
    else
        buf_add(&b, json_str(status, "message"));
    if (ch->socket != NULL)
        finish_socket(ch, buf_str(&b));
    else
        finish_spdy(ch, buf_str(&b));
    ch->finished = true;
}

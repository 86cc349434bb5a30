/* Two streams joined: what comes in on one goes out on the other. The relay owns both and dies
 * with the second; a failure of either closes both. */
#include "net/stream.h"

#include <stdlib.h>

#include "base/macros.h"
#include "base/memory.h"

enum { HIGH_WATER = 256 * 1024 };

struct side {
    struct relay *relay;
    struct stream *stream;
    struct side *to; /* where bytes read here go */
    bool ended;      /* its sender has finished */
};

struct relay {
    struct side left, right;
    unsigned open;
};

static void finish(struct relay *r)
{
    stream_close_when_sent(r->left.stream);
    stream_close_when_sent(r->right.stream);
}

static void on_bytes(void *data, struct str bytes)
{
    struct side *from = data;

    stream_write(from->to->stream, bytes);
    if (stream_queued(from->to->stream) > HIGH_WATER)
        stream_read_stop(from->stream);
}

static void on_drained(void *data)
{
    struct side *side = data;

    stream_read_start(side->to->stream);
}

static void on_end(void *data)
{
    struct side *from = data;

    from->ended = true;
    if (from->to->ended)
        finish(from->relay);
    else
        stream_end(from->to->stream);
}

static void on_failed(void *data, int error, struct str why)
{
    struct side *from = data;

    (void)error, (void)why;
    stream_close(from->stream);
    stream_close_when_sent(from->to->stream);
}

static void on_closed(void *data)
{
    struct side *side = data;
    struct relay *r = side->relay;

    if (--r->open == 0)
        free(r);
}

void stream_relay(struct stream *left, struct stream *right)
{
    static const struct stream_events events = {
        .on_bytes = on_bytes,
        .on_drained = on_drained,
        .on_end = on_end,
        .on_failed = on_failed,
        .on_closed = on_closed,
    };
    struct relay *r = xcalloc(sizeof *r);

    r->open = 2;
    r->left = (struct side){.relay = r, .stream = left, .to = &r->right};
    r->right = (struct side){.relay = r, .stream = right, .to = &r->left};
    stream_set_events(left, &events, &r->left);
    stream_set_events(right, &events, &r->right);
    stream_read_start(left);
    stream_read_start(right);
}

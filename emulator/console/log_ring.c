/* A ring of text under a lock: a line that does not fit pushes the oldest ones out. */
#include "console/log_ring.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/memory.h"

struct log_ring {
    pthread_mutex_t lock;
    struct buf text;
};

struct log_ring *log_ring_new(size_t bytes)
{
    struct log_ring *r = xcalloc(sizeof *r);

    (void)pthread_mutex_init(&r->lock, NULL);
    r->text = buf_init(bytes);
    return r;
}

void log_ring_free(struct log_ring *r)
{
    if (r == NULL)
        return;
    (void)pthread_mutex_destroy(&r->lock);
    buf_free(&r->text);
    free(r);
}

/* Drops whole lines from the front, at least @bytes and a quarter of the ring, so that the text
 * moves seldom. */
static void make_room(struct buf *text, size_t bytes)
{
    size_t least = bytes > text->cap / 4 ? bytes : text->cap / 4, end;

    if (least >= text->n) {
        buf_reset(text);
        return;
    }
    end = str_chr(str_from(buf_str(text), least), '\n');
    buf_consume(text, end == STR_NONE ? text->n : least + end + 1);
}

void log_ring_hear(void *data, enum log_level level UNUSED, struct str line)
{
    struct log_ring *r = data;

    (void)pthread_mutex_lock(&r->lock);
    if (line.n + 1 <= r->text.cap) {
        if (r->text.n + line.n + 1 > r->text.cap)
            make_room(&r->text, r->text.n + line.n + 1 - r->text.cap);
        buf_add(&r->text, line);
        buf_char(&r->text, '\n');
    }
    (void)pthread_mutex_unlock(&r->lock);
}

void log_ring_read(struct log_ring *r, struct buf *out)
{
    (void)pthread_mutex_lock(&r->lock);
    buf_add(out, buf_str(&r->text));
    (void)pthread_mutex_unlock(&r->lock);
}

/* The log of one container instance. Owns its records; followers are members of their owners.
 * Source: kubernetes-api.md §3.8 (pods/log). */
#include "runtime/container_log.h"

#include <stdlib.h>

#include "base/memory.h"

enum {
    LONGEST_LINE = 16 * 1024, /* the container runtimes cut there too */
    TIME_DIGITS = 64,
};

/* Before each line in the records. */
struct record {
    int64_t ms;
    size_t n;
};

struct container_log *container_log_new(const struct clock *clock, size_t cap)
{
    struct container_log *l = xcalloc(sizeof *l);

    l->clock = clock;
    l->cap = cap;
    l->refs = 1;
    l->records = buf_init(cap + cap / 4 + LONGEST_LINE + sizeof(struct record));
    for (size_t i = 0; i < LOG_STREAMS; i++)
        l->partial[i].text = buf_init(LONGEST_LINE);
    list_init(&l->followers);
    return l;
}

struct container_log *container_log_ref(struct container_log *l)
{
    l->refs++;
    return l;
}

void container_log_unref(struct container_log *l)
{
    if (l == NULL || --l->refs > 0)
        return;
    container_log_end(l);
    buf_free(&l->records);
    for (size_t i = 0; i < LOG_STREAMS; i++)
        buf_free(&l->partial[i].text);
    free(l);
}

static struct record record_at(struct str records)
{
    struct record r;

    memcpy(&r, records.at, sizeof r);
    return r;
}

/* Takes the first record off *rest. */
static bool next_record(struct str *rest, struct record *ret_record, struct str *ret_line)
{
    if (rest->n < sizeof *ret_record)
        return false;
    *ret_record = record_at(*rest);
    *rest = str_from(*rest, sizeof *ret_record);
    *ret_line = str_first(*rest, ret_record->n);
    *rest = str_from(*rest, ret_record->n);
    return true;
}

/* Drops the oldest lines once the cap is passed, a quarter at a time. */
static void trim(struct container_log *l)
{
    struct str rest = buf_str(&l->records), line;
    struct record r;

    if (l->records.n <= l->cap)
        return;
    while (rest.n > l->cap - l->cap / 4 && next_record(&rest, &r, &line))
        ;
    buf_consume(&l->records, l->records.n - rest.n);
}

static void write_line(struct buf *out, const struct record *r, struct str line,
                       const struct log_query *q)
{
    if (q->timestamps) {
        struct arena a = {0};
        struct str when = clock_rfc3339_ms(&a, r->ms);

        /* "….123Z" to the nine digits that the kubelet writes */
        buf_add(out, str_first(when, when.n - 1));
        buf_add(out, S("000000Z "));
        arena_free(&a);
    }
    buf_add(out, line);
    buf_char(out, '\n');
}

/* What @limit leaves of @text; the rest of the limit is counted down. */
static struct str limited(struct str text, int64_t *limit)
{
    if (*limit == 0)
        return text;
    text = str_first(text, (size_t)(*limit < 0 ? 0 : *limit));
    *limit -= (int64_t)text.n;
    if (*limit == 0)
        *limit = -1; /* used up; 0 would mean none */
    return text;
}

static void tell(struct container_log *l, const struct record *r, struct str line)
{
    LIST_EACH(struct log_follower, f, &l->followers, link) {
        CLEANUP(buf_free) struct buf text = buf_init(LONGEST_LINE + TIME_DIGITS);

        if (r->ms < f->query.since_ms)
            continue;
        write_line(&text, r, line, &f->query);
        struct str part = limited(buf_str(&text), &f->query.limit_bytes);
        if (part.n > 0)
            f->heard(f, part, false);
    }
}

static void add_line(struct container_log *l, struct str line)
{
    struct record r = {.ms = clock_now(l->clock), .n = line.n};

    buf_add(&l->records, str_n((const char *)&r, sizeof r));
    buf_add(&l->records, line);
    trim(l);
    tell(l, &r, line);
}

static void flush_partial(struct container_log *l, struct log_partial *p)
{
    add_line(l, buf_str(&p->text));
    buf_reset(&p->text);
}

void container_log_add(struct container_log *l, enum log_stream stream, struct str bytes)
{
    struct log_partial *p = &l->partial[stream];

    while (bytes.n > 0) {
        size_t eol = str_chr(bytes, '\n'), room = LONGEST_LINE - p->text.n;
        size_t n = eol == STR_NONE ? bytes.n : eol;

        if (n > room)
            n = room;
        buf_add(&p->text, str_first(bytes, n));
        bytes = str_from(bytes, n);
        if (n == eol) {
            bytes = str_from(bytes, 1);
            flush_partial(l, p);
        } else if (p->text.n == LONGEST_LINE) {
            flush_partial(l, p);
        }
    }
}

void container_log_end(struct container_log *l)
{
    if (l->ended)
        return;
    for (size_t i = 0; i < LOG_STREAMS; i++)
        if (l->partial[i].text.n > 0)
            flush_partial(l, &l->partial[i]);
    l->ended = true;
    while (!list_empty(&l->followers)) {
        struct log_follower *f = container_of(l->followers.next, struct log_follower, link);

        list_remove(&f->link);
        f->heard(f, (struct str){0}, true);
    }
}

/* Where the last @lines lines that fit @q begin. */
static struct str tail_of(struct str records, const struct log_query *q)
{
    struct str rest = records, line;
    struct record r;
    int64_t count = 0;

    while (next_record(&rest, &r, &line))
        count += r.ms >= q->since_ms;
    rest = records;
    while (count > q->tail_lines && next_record(&rest, &r, &line))
        count -= r.ms >= q->since_ms;
    return rest;
}

void container_log_read(const struct container_log *l, const struct log_query *q, struct buf *out)
{
    struct str rest = buf_str(&l->records), line;
    size_t start = out->n;
    struct record r;

    if (q->tail_lines >= 0)
        rest = tail_of(rest, q);
    while (next_record(&rest, &r, &line)) {
        if (r.ms < q->since_ms)
            continue;
        write_line(out, &r, line, q);
        if (q->limit_bytes > 0 && out->n - start >= (size_t)q->limit_bytes)
            break;
    }
    if (q->limit_bytes > 0 && out->n - start > (size_t)q->limit_bytes)
        out->n = start + (size_t)q->limit_bytes;
}

void container_log_follow(struct container_log *l, struct log_follower *f, log_follow_cb *heard,
                          const struct log_query *q)
{
    f->heard = heard;
    f->query = *q;
    f->link = (struct link){0};
    if (l->ended)
        heard(f, (struct str){0}, true);
    else
        list_append(&l->followers, &f->link);
}

void container_log_unfollow(struct log_follower *f)
{
    list_remove(&f->link);
}

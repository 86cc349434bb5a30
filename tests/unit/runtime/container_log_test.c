/* Container logs: lines, what a reader selects, what a follower hears. */
#include "runtime/container_log.h"

#include "test.h"

struct desk {
    struct clock clock;
    struct container_log *log;
    struct log_follower follower;
    struct buf heard;
    int ends;
};

static void open_desk(struct desk *d, size_t cap)
{
    *d = (struct desk){.heard = buf_init(1 << 20)};
    clock_init(&d->clock);
    clock_set_rate(&d->clock, 0);
    clock_step(&d->clock, 1000 - clock_now(&d->clock));
    d->log = container_log_new(&d->clock, cap);
}

static void close_desk(struct desk *d)
{
    container_log_unref(d->log);
    buf_free(&d->heard);
}

static const struct {
    const char *label;
    struct log_query query;
    struct str want;
} reads[] = {
    {"all of it",                        {.tail_lines = -1},                   S("one\ntwo\nthree\nfour\n")},
    {"the last lines",                   {.tail_lines = 2},                    S("three\nfour\n")          },
    {"no line at all",                   {.tail_lines = 0},                    S("")                       },
    {"more than there are",              {.tail_lines = 9},                    S("one\ntwo\nthree\nfour\n")},
    {"since a time, that time included",
     {.tail_lines = -1, .since_ms = 2000},
     S("two\nthree\nfour\n")                                                                               },
    {"the last of those since a time",   {.tail_lines = 1, .since_ms = 2000},  S("four\n")                 },
    {"bytes are limited inside a line",  {.tail_lines = -1, .limit_bytes = 6}, S("one\ntw")                },
    {"times have nine digits",
     {.tail_lines = 1, .timestamps = true},
     S("1970-01-01T00:00:04.000000000Z four\n")                                                            },
};

static void fill(struct desk *d)
{
    container_log_add(d->log, LOG_STDOUT, S("one\n"));
    clock_step(&d->clock, 1000);
    container_log_add(d->log, LOG_STDERR, S("tw"));
    container_log_add(d->log, LOG_STDERR, S("o\n"));
    clock_step(&d->clock, 1000);
    container_log_add(d->log, LOG_STDOUT, S("three\nfo"));
    clock_step(&d->clock, 1000);
    container_log_add(d->log, LOG_STDOUT, S("ur"));
    container_log_end(d->log); /* an unfinished line is one when the container ends */
}

TEST(a_reader_selects)
{
    CASE_EACH(c, reads) {
        struct buf out = buf_init(4096);
        struct desk d;

        open_desk(&d, 1 << 16);
        fill(&d);
        container_log_read(d.log, &c->query, &out);
        CHECK_STR(c->label, buf_str(&out), c->want);
        buf_free(&out);
        close_desk(&d);
    }
}

TEST(old_lines_go_when_the_cap_is_passed)
{
    struct log_query all = {.tail_lines = -1};
    struct buf out = buf_init(1 << 20);
    struct desk d;

    open_desk(&d, 4096);
    for (int i = 0; i < 10000; i++)
        container_log_add(d.log, LOG_STDOUT, S("a line of text\n"));
    container_log_add(d.log, LOG_STDOUT, S("the last\n"));
    container_log_read(d.log, &all, &out);
    CHECK("the log stays below its cap", out.n < 4096 && out.n > 1024);
    CHECK("the newest line is there", str_ends(buf_str(&out), S("text\nthe last\n")));
    CHECK("lines are whole", str_starts(buf_str(&out), S("a line of text\n")));
    buf_free(&out);
    close_desk(&d);
}

static void on_heard(struct log_follower *f, struct str text, bool ended)
{
    struct desk *d = container_of(f, struct desk, follower);

    buf_add(&d->heard, text);
    d->ends += ended;
}

TEST(a_follower_hears_lines_until_the_end)
{
    struct log_query all = {.tail_lines = -1};
    struct desk d;

    open_desk(&d, 4096);
    container_log_add(d.log, LOG_STDOUT, S("before\n"));
    container_log_follow(d.log, &d.follower, on_heard, &all);
    container_log_add(d.log, LOG_STDOUT, S("a\nb"));
    CHECK_STR("whole lines only, from now on", buf_str(&d.heard), S("a\n"));
    container_log_end(d.log);
    CHECK_STR("the rest comes at the end", buf_str(&d.heard), S("a\nb\n"));
    CHECK("the end is told once", d.ends == 1);
    container_log_follow(d.log, &d.follower, on_heard, &all);
    CHECK("who comes later hears the end at once", d.ends == 2);
    close_desk(&d);
}

TEST(a_followers_bytes_are_limited)
{
    struct log_query few = {.tail_lines = -1, .limit_bytes = 5};
    struct desk d;

    open_desk(&d, 4096);
    container_log_follow(d.log, &d.follower, on_heard, &few);
    container_log_add(d.log, LOG_STDOUT, S("abc\ndef\nghi\n"));
    CHECK_STR("no byte more than the limit", buf_str(&d.heard), S("abc\nd"));
    container_log_unfollow(&d.follower);
    container_log_add(d.log, LOG_STDOUT, S("x\n"));
    CHECK_STR("who left hears nothing", buf_str(&d.heard), S("abc\nd"));
    close_desk(&d);
}

TEST_MAIN(T(a_reader_selects), T(old_lines_go_when_the_cap_is_passed),
          T(a_follower_hears_lines_until_the_end), T(a_followers_bytes_are_limited))

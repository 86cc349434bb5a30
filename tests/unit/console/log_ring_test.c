/* The ring keeps the last whole lines. */
#include "console/log_ring.h"

#include "base/arena.h"

#include "test.h"

TEST(the_ring_keeps_the_last_whole_lines)
{
    CLEANUP(buf_free) struct buf text = buf_init(4096);
    struct log_ring *ring = log_ring_new(100);
    struct arena a = {0};

    for (int i = 0; i < 100; i++)
        log_ring_hear(ring, LOG_INFO, arena_printf(&a, "line %02d", i));
    log_ring_read(ring, &text);
    CHECK("it begins with a whole line", str_starts(buf_str(&text), S("line ")));
    CHECK("it ends with the last line", str_ends(buf_str(&text), S("line 99\n")));
    CHECK("it stays within its size", text.n <= 100);
    arena_free(&a);
    log_ring_free(ring);
}

TEST(a_line_larger_than_the_ring_is_left_out)
{
    CLEANUP(buf_free) struct buf text = buf_init(4096);
    struct log_ring *ring = log_ring_new(8);

    log_ring_hear(ring, LOG_INFO, S("short"));
    log_ring_hear(ring, LOG_INFO, S("far too long"));
    log_ring_read(ring, &text);
    CHECK_STR("the others stay", buf_str(&text), S("short\n"));
    log_ring_free(ring);
}

TEST_MAIN(T(the_ring_keeps_the_last_whole_lines), T(a_line_larger_than_the_ring_is_left_out))

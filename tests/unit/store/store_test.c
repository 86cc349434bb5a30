/* Transactions, statements, migrations and the change feed. */
#include "store/store.h"

#include "store/feed.h"
#include "store/setting.h"

#include <stdlib.h>
#include <unistd.h>

#include "test.h"

struct world {
    struct arena arena;
    struct clock clock;
    struct ids ids;
    struct store *store;
    int heard;
};

static void open_world(struct world *w)
{
    struct str why = {0};

    *w = (struct world){0};
    clock_init(&w->clock);
    ids_init(&w->ids, 1);
    CHECK("a store in memory opens",
          store_open(":memory:", &w->clock, &w->ids, &w->arena, &w->store, &why) == 0);
}

static void close_world(struct world *w)
{
    store_close(w->store);
    arena_free(&w->arena);
}

static void on_change(void *data, const struct change *change)
{
    struct world *w = data;

    CHECK("the feed speaks outside transactions", !store_in_transaction(w->store));
    CHECK("the topic comes along", change->topic == CHANGE_SETTING);
    w->heard++;
}

TEST(a_committed_value_is_there_and_announced_once)
{
    struct feed_subscriber sub = {0};
    struct str value = {0};
    struct world w;

    open_world(&w);
    feed_subscribe(store_feed(w.store), &sub, on_change, &w);
    assert_int_equal(store_begin(w.store), 0);
    assert_int_equal(setting_put(w.store, S("a"), S("1")), 0);
    feed_deliver(w.store);
    CHECK("nothing is heard before the commit", w.heard == 0);
    assert_int_equal(store_commit(w.store), 0);
    feed_deliver(w.store);
    feed_deliver(w.store);
    CHECK("heard once", w.heard == 1);
    assert_int_equal(setting_get(w.store, &w.arena, S("a"), &value), 0);
    CHECK_STR("it is there", value, S("1"));
    close_world(&w);
}

TEST(what_was_rolled_back_never_was)
{
    struct feed_subscriber sub = {0};
    struct str value = S("before");
    struct world w;

    open_world(&w);
    feed_subscribe(store_feed(w.store), &sub, on_change, &w);
    assert_int_equal(store_begin(w.store), 0);
    assert_int_equal(setting_put(w.store, S("a"), S("1")), 0);
    store_rollback(w.store);
    feed_deliver(w.store);
    CHECK("nothing is heard", w.heard == 0);
    assert_int_equal(setting_get(w.store, &w.arena, S("a"), &value), 0);
    CHECK("nothing is there", value.n == 0);
    close_world(&w);
}

TEST(text_comes_back_byte_for_byte)
{
    struct str value = {0};
    struct world w;

    open_world(&w);
    assert_int_equal(store_begin(w.store), 0);
    assert_int_equal(setting_put(w.store, S("hostile"), S("a'b\"c\0d;--\xff")), 0);
    assert_int_equal(store_commit(w.store), 0);
    assert_int_equal(setting_get(w.store, &w.arena, S("hostile"), &value), 0);
    CHECK_STR("quotes, NUL and broken UTF-8", value, S("a'b\"c\0d;--\xff"));
    close_world(&w);
}

TEST(a_file_of_a_newer_version_is_refused_with_a_sentence)
{
    char path[] = "/tmp/elbow-store-test-XXXXXX";
    struct str why = {0};
    struct world w;
    int fd = mkstemp(path);

    open_world(&w);
    close_world(&w);
    CHECK("a temporary file", fd >= 0);
    (void)close(fd);
    assert_int_equal(store_open(path, &w.clock, &w.ids, &w.arena, &w.store, &why), 0);
    assert_int_equal(
        store_exec_script(w.store, "INSERT INTO migration VALUES ('from-the-future', 7)"), 0);
    store_close(w.store);
    CHECK("refused", store_open(path, &w.clock, &w.ids, &w.arena, &w.store, &why) < 0);
    CHECK("with the reason", str_find(why, S("newer elbow")) != STR_NONE);
    (void)unlink(path);
    arena_free(&w.arena);
}

TEST(a_renewed_world_is_empty)
{
    struct str value = {0};
    struct world w;

    open_world(&w);
    CHECK("a world", store_begin(w.store) == 0);
    CHECK("a CA", setting_put(w.store, S("ca/key"), S("PEM")) == 0);
    CHECK("another setting", setting_put(w.store, S("fixture/region"), S("eu-west-1")) == 0);
    CHECK("is there", store_commit(w.store) == 0);
    for (int i = 0; i < 3; i++)
        CHECK("it is renewed", store_renew(w.store) == 0);
    CHECK("read", setting_get(w.store, &w.arena, S("ca/key"), &value) == 0);
    CHECK_STR("the authority stays", value, S("PEM"));
    CHECK("read", setting_get(w.store, &w.arena, S("fixture/region"), &value) == 0);
    CHECK("the rest is gone", value.n == 0);
    CHECK("read", setting_get(w.store, &w.arena, S("object/compacted-rv"), &value) == 0);
    CHECK_STR("what a new database has is there", value, S("1"));
    close_world(&w);
}

TEST_MAIN(T(a_renewed_world_is_empty), T(a_committed_value_is_there_and_announced_once),
          T(what_was_rolled_back_never_was), T(text_comes_back_byte_for_byte),
          T(a_file_of_a_newer_version_is_refused_with_a_sentence))

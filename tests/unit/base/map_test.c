/* The hash map keeps the order of insertion and survives removal. */
#include "base/map.h"

#include "base/arena.h"
#include "test.h"

TEST(map_holds_what_was_put)
{
    struct arena a = {0};
    struct map m = {0};
    int value = 0;

    for (int i = 0; i < 1000; i++)
        CHECK("a new key replaces nothing",
              map_put(&m, arena_printf(&a, "k%d", i), &value) == NULL);
    for (int i = 0; i < 1000; i += 2)
        CHECK("a removed value is handed back",
              map_remove(&m, arena_printf(&a, "k%d", i)) == &value);
    for (int i = 0; i < 1000; i++)
        CHECK("what was removed is gone, the rest is there",
              (map_get(&m, arena_printf(&a, "k%d", i)) != NULL) == (i % 2 == 1));
    CHECK("the count leaves holes out", map_count(&m) == 500);
    map_free(&m);
    arena_free(&a);
}

TEST(map_walks_in_order_of_insertion)
{
    struct map m = {0};
    size_t at = 0;
    int one, two, three;

    map_put(&m, S("b"), &one);
    map_put(&m, S("a"), &two);
    map_put(&m, S("c"), &three);
    map_remove(&m, S("b"));
    map_put(&m, S("b"), &one);
    CHECK_STR("first", map_next(&m, &at)->key, S("a"));
    CHECK_STR("second", map_next(&m, &at)->key, S("c"));
    CHECK_STR("put again goes last", map_next(&m, &at)->key, S("b"));
    CHECK("then nothing", map_next(&m, &at) == NULL);
    map_free(&m);
}

TEST_MAIN(T(map_holds_what_was_put), T(map_walks_in_order_of_insertion))

/* Which addresses a subnet gives away, and that an interface holds one. */
#include "store/ec2_address.h"
#include "test.h"

#include <errno.h>

#include "base/clock.h"
#include "base/ids.h"

struct world {
    struct arena arena;
    struct clock clock;
    struct ids ids;
    struct store *store;
};

static const struct subnet small = {.id = STR_INIT("subnet-1"),
                                    .account = STR_INIT("123456789012"),
                                    .region = STR_INIT("ap-northeast-1"),
                                    .vpc = STR_INIT("vpc-1"),
                                    .zone = STR_INIT("ap-northeast-1a"),
                                    .cidr = STR_INIT("10.0.0.16/28")};

static void open_world(struct world *w)
{
    struct str why;

    clock_init(&w->clock);
    ids_init(&w->ids, 1);
    assert_int_equal(store_open(":memory:", &w->clock, &w->ids, &w->arena, &w->store, &why), 0);
    assert_int_equal(store_begin(w->store), 0);
}

static void close_world(struct world *w)
{
    store_rollback(w->store);
    store_close(w->store);
    arena_free(&w->arena);
}

TEST(a_subnet_gives_all_but_five)
{
    struct world w = {0};
    struct private_address *first = NULL;
    struct str address;
    int64_t left = 0;

    open_world(&w);
    for (int i = 0; i < 11; i++)
        assert_int_equal(
            private_address_take(w.store, &w.arena, &small, S("eni-1"), false, S(""), &address), 0);
    assert_int_equal(
        private_address_take(w.store, &w.arena, &small, S("eni-1"), false, S(""), &address),
        -ENOSPC);
    assert_int_equal(subnet_free_addresses(w.store, &small, &left), 0);
    CHECK("nothing is left", left == 0);
    assert_int_equal(private_address_list_of_subnet(w.store, &w.arena, small.id, &first), 0);
    for (; first != NULL; first = first->next) {
        CHECK("AWS keeps the first four",
              !str_is(first->address, "10.0.0.16") && !str_is(first->address, "10.0.0.17") &&
                  !str_is(first->address, "10.0.0.18") && !str_is(first->address, "10.0.0.19"));
        CHECK("and the last", !str_is(first->address, "10.0.0.31"));
    }
    close_world(&w);
}

TEST(an_interface_has_what_its_subnet_has)
{
    struct world w = {0};
    struct network_interface eni = {.address = S("10.0.0.20")}, other = {.address = eni.address};
    struct interface_group *group = NULL;
    struct str groups[] = {S("sg-1")};

    open_world(&w);
    assert_int_equal(interface_make(w.store, &w.arena, &small, &eni, groups, 1), 0);
    CHECK_STR("zone", eni.zone, small.zone);
    CHECK_STR("the address that was asked for", eni.address, S("10.0.0.20"));
    CHECK_STR("its type", eni.type, S("interface"));
    assert_int_equal(interface_group_list(w.store, &w.arena, eni.id, &group), 0);
    CHECK_STR("its group", group->group_id, S("sg-1"));
    assert_int_equal(interface_make(w.store, &w.arena, &small, &other, groups, 1), -EEXIST);
    close_world(&w);
}

TEST_MAIN(T(a_subnet_gives_all_but_five), T(an_interface_has_what_its_subnet_has))

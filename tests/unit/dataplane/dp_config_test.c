/* Source: Application Load Balancers User Guide, "Target group health". */
#include "test.h"

#include "dataplane/dp_config.h"

/* States of the targets by letter: Initial, Healthy, Unhealthy, Draining, uNused, unaVailable. */
static const struct {
    const char *label, *states;
    uint32_t count, percentage;
    const char *usable; /* 1: gets new requests */
} cases[] = {
    {"healthy ones get traffic",                  "HUH",  0, 0,  "101" },
    {"all unhealthy: the group fails open",       "UUD",  0, 0,  "110" },
    {"an initial one waits",                      "IH",   0, 0,  "01"  },
    {"only initial ones: nobody",                 "II",   0, 0,  "00"  },
    {"initial ones wait even then",               "IU",   0, 0,  "01"  },
    {"draining and unused never",                 "DNH",  0, 0,  "001" },
    {"fewer healthy than the count: open",        "HUU",  2, 0,  "111" },
    {"as many as the count: closed",              "HHU",  2, 0,  "110" },
    {"a smaller share than the percentage: open", "HUUU", 0, 50, "1111"},
    {"draining ones do not count for the share",  "HUDD", 0, 50, "1000"},
    {"without health checks all get traffic",     "VV",   0, 0,  "11"  },
};

static enum dp_target_state state_of(char letter)
{
    switch (letter) {
    case 'H':
        return DP_TARGET_HEALTHY;
    case 'U':
        return DP_TARGET_UNHEALTHY;
    case 'D':
        return DP_TARGET_DRAINING;
    case 'N':
        return DP_TARGET_UNUSED;
    case 'V':
        return DP_TARGET_UNAVAILABLE;
    default:
        return DP_TARGET_INITIAL;
    }
}

TEST(usable)
{
    CASE_EACH(c, cases) {
        struct dp_balancer *b = dp_balancer_new(S("arn"));
        size_t n = strlen(c->states);
        struct dp_target *targets = arena_array(&b->arena, n, sizeof *targets);
        char got[8] = "";

        for (size_t i = 0; i < n; i++)
            targets[i].state = state_of(c->states[i]);
        b->groups = arena_alloc(&b->arena, sizeof *b->groups);
        b->group_count = 1;
        *b->groups = (struct dp_group){.targets = targets,
                                       .target_count = n,
                                       .minimum_healthy_count = c->count,
                                       .minimum_healthy_percentage = c->percentage};
        dp_balancer_seal(b);
        memset(got, '0', n);
        for (size_t i = 0; i < b->groups->usable_count; i++)
            got[b->groups->usable[i] - targets] = '1';
        CHECK_STR(c->label, str_n(got, n), str_c(c->usable));
        dp_balancer_unref(b);
    }
}

TEST(admission)
{
    struct dp_balancer *b = dp_balancer_new(S("arn"));
    struct dp_ingress ingress = {
        .source = {0x0a000000, 0xff000000},
          .first_port = 80, .last_port = 81
    };
    struct dp_block block = {.vpc = 0xc0a8, .loopback = 0x7fa8};

    CHECK("without enforcement everybody may", dp_balancer_admits(b, 0x01020304, 80));
    b->ingress_enforced = true;
    b->ingress = &ingress;
    b->ingress_count = 1;
    CHECK("from the block, to the port", dp_balancer_admits(b, 0x0a020304, 81));
    CHECK("not to another port", !dp_balancer_admits(b, 0x0a020304, 82));
    CHECK("not from elsewhere", !dp_balancer_admits(b, 0x0b020304, 80));
    b->blocks = &block;
    b->block_count = 1;
    CHECK("addresses of the fabric are the VPC's",
          dp_balancer_identify(b, 0x7fa80105) == 0xc0a80105);
    CHECK("others are their own", dp_balancer_identify(b, 0x7f000001) == 0x7f000001);
    dp_balancer_unref(b);
}

TEST_MAIN(T(usable), T(admission))

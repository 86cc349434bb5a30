/* A few macros over cmocka: tables of cases whose labels state the rule. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/str.h"

#define TEST(name) static void test_##name(void **test_state __attribute__((unused)))
#define T(name)    cmocka_unit_test_setup_teardown(test_##name, NULL, NULL)
#define TEST_MAIN(...)                                    \
    int main(void)                                        \
    {                                                     \
        const struct CMUnitTest tests[] = {__VA_ARGS__};  \
        return cmocka_run_group_tests(tests, NULL, NULL); \
    }

/* Walks a static array of cases: CASE_EACH(c, cases) CHECK(c->label, ...); */
#define CASE_EACH(c, table) \
    for (__typeof__(&(table)[0]) c = (table); c < (table) + ARRAY_LEN(table); c++)

/* Fails with the rule's label, file and line when @cond is false. */
#define CHECK(label, cond)                                            \
    do {                                                              \
        if (!(cond)) {                                                \
            print_error("rule broken: %s\n    %s\n", (label), #cond); \
            _fail(__FILE__, __LINE__);                                \
        }                                                             \
    } while (0)

#define CHECK_STR(label, got, want)                                                     \
    do {                                                                                \
        struct str got_ = (got), want_ = (want);                                        \
        if (!str_eq(got_, want_)) {                                                     \
            print_error("rule broken: %s\n    got  '%.*s'\n    want '%.*s'\n", (label), \
                        STR_ARG(got_), STR_ARG(want_));                                 \
            _fail(__FILE__, __LINE__);                                                  \
        }                                                                               \
    } while (0)

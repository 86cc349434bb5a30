/* Condition operators are rows: how two values compare, and what a negated name asks.
 * Source: IAM User Guide, "IAM JSON policy elements: Condition operators", "Multivalued context
 * keys", "Variables and tags". */
#include "auth/condition.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>

#include "auth/pattern.h"
#include "base/buf.h"
#include "base/clock.h"

enum { LONGEST_TEXT = 1 << 16 };

/* --- comparing two values ---------------------------------------------------------------- */

typedef bool compare_cb(struct str wanted, struct str found);

static bool text_equals(struct str wanted, struct str found)
{
    return str_eq(wanted, found);
}

static bool text_equals_any_case(struct str wanted, struct str found)
{
    return str_ieq(wanted, found);
}

static bool text_is_like(struct str wanted, struct str found)
{
    return pattern_matches(wanted, found, false);
}

static bool arn_is_like(struct str wanted, struct str found)
{
    return pattern_matches_arn(wanted, found);
}

static bool is_bool(struct str wanted, struct str found)
{
    return str_ieq(wanted, found);
}

static double number_of(struct str s)
{
    char text[64], *end;
    double value;

    if (s.n == 0 || s.n >= sizeof text)
        return NAN;
    memcpy(text, s.at, s.n);
    text[s.n] = '\0';
    value = strtod(text, &end);
    return *end == '\0' ? value : NAN;
}

/* Milliseconds since the epoch, from ISO 8601 or epoch seconds. */
static double date_of(struct str s)
{
    int64_t ms;

    return clock_parse_rfc3339(s, &ms) ? (double)ms : number_of(s) * 1000;
}

/* NaN compares false with everything, so a value that is no number matches nothing. */
#define ORDERED(name, read, relation)                     \
    static bool name(struct str wanted, struct str found) \
    {                                                     \
        return read(found) relation read(wanted);         \
    }
ORDERED(number_equals, number_of, ==)
ORDERED(number_below, number_of, <)
ORDERED(number_at_most, number_of, <=)
ORDERED(number_above, number_of, >)
ORDERED(number_at_least, number_of, >=)
ORDERED(date_equals, date_of, ==)
ORDERED(date_before, date_of, <)
ORDERED(date_until, date_of, <=)
ORDERED(date_after, date_of, >)
ORDERED(date_from, date_of, >=)

/* "10.0.0.0/8" or one address, of either family. */
static bool address_within(struct str wanted, struct str found)
{
    unsigned char network[16], address[16];
    char text[64], seen[64];
    struct str head = wanted, tail = {0};
    bool v6 = str_chr(found, ':') != STR_NONE;
    int64_t bits = v6 ? 128 : 32;
    size_t whole;

    if (str_cut(wanted, '/', &head, &tail) &&
        (!str_to_int(tail, &bits) || bits < 0 || bits > (v6 ? 128 : 32)))
        return false;
    if (head.n >= sizeof text || found.n >= sizeof seen)
        return false;
    memcpy(text, head.at, head.n);
    text[head.n] = '\0';
    memcpy(seen, found.at, found.n);
    seen[found.n] = '\0';
    if (inet_pton(v6 ? AF_INET6 : AF_INET, text, network) != 1 ||
        inet_pton(v6 ? AF_INET6 : AF_INET, seen, address) != 1)
        return false;
    whole = (size_t)bits / 8;
    if (memcmp(network, address, whole) != 0)
        return false;
    return bits % 8 == 0 || (network[whole] ^ address[whole]) >> (8 - bits % 8) == 0;
}

/* --- the operators ------------------------------------------------------------------------ */

static const struct comparison {
    struct str name;
    compare_cb *compare;
    bool negated;
} operators[] = {
    {STR_INIT("StringEquals"),              text_equals,          false},
    {STR_INIT("StringNotEquals"),           text_equals,          true },
    {STR_INIT("StringEqualsIgnoreCase"),    text_equals_any_case, false},
    {STR_INIT("StringNotEqualsIgnoreCase"), text_equals_any_case, true },
    {STR_INIT("StringLike"),                text_is_like,         false},
    {STR_INIT("StringNotLike"),             text_is_like,         true },
    {STR_INIT("NumericEquals"),             number_equals,        false},
    {STR_INIT("NumericNotEquals"),          number_equals,        true },
    {STR_INIT("NumericLessThan"),           number_below,         false},
    {STR_INIT("NumericLessThanEquals"),     number_at_most,       false},
    {STR_INIT("NumericGreaterThan"),        number_above,         false},
    {STR_INIT("NumericGreaterThanEquals"),  number_at_least,      false},
    {STR_INIT("DateEquals"),                date_equals,          false},
    {STR_INIT("DateNotEquals"),             date_equals,          true },
    {STR_INIT("DateLessThan"),              date_before,          false},
    {STR_INIT("DateLessThanEquals"),        date_until,           false},
    {STR_INIT("DateGreaterThan"),           date_after,           false},
    {STR_INIT("DateGreaterThanEquals"),     date_from,            false},
    {STR_INIT("Bool"),                      is_bool,              false},
    {STR_INIT("BinaryEquals"),              text_equals,          false},
    {STR_INIT("IpAddress"),                 address_within,       false},
    {STR_INIT("NotIpAddress"),              address_within,       true },
    {STR_INIT("ArnEquals"),                 arn_is_like,          false},
    {STR_INIT("ArnLike"),                   arn_is_like,          false},
    {STR_INIT("ArnNotEquals"),              arn_is_like,          true },
    {STR_INIT("ArnNotLike"),                arn_is_like,          true },
    {STR_INIT("Null"),                      NULL,                 false},
};

enum set_prefix { SET_NONE, SET_ALL, SET_ANY };

/* An operator's name taken apart. */
struct operation {
    const struct comparison *by;
    enum set_prefix set;
    bool if_exists;
};

static bool read_operation(struct str name, struct operation *ret_operation)
{
    struct operation op = {0};

    if (str_starts(name, S("ForAllValues:"))) {
        op.set = SET_ALL;
        name = str_from(name, strlen("ForAllValues:"));
    } else if (str_starts(name, S("ForAnyValue:"))) {
        op.set = SET_ANY;
        name = str_from(name, strlen("ForAnyValue:"));
    }
    if (str_ends(name, S("IfExists"))) {
        op.if_exists = true;
        name = str_first(name, name.n - strlen("IfExists"));
    }
    for (size_t i = 0; i < ARRAY_LEN(operators); i++)
        if (str_eq(name, operators[i].name))
            op.by = &operators[i];
    if (op.by == NULL || (op.by->compare == NULL && op.if_exists))
        return false;
    *ret_operation = op;
    return true;
}

bool condition_operator_known(struct str name)
{
    struct operation op;

    return read_operation(name, &op);
}

const struct context_key *context_find(const struct context *c, struct str name)
{
    for (size_t i = 0; i < c->count; i++)
        if (str_ieq(c->keys[i].name, name))
            return &c->keys[i];
    return NULL;
}

/* --- policy variables ---------------------------------------------------------------------- */

/* The value of what stands between "${" and "}"; false when there is none. */
static bool variable_value(struct str inside, const struct context *context, struct str *ret_value)
{
    struct str name = inside, otherwise = {0};
    const struct context_key *key;
    bool has_default = str_cut(inside, ',', &name, &otherwise);

    if (inside.n == 1 && strchr("*?$", inside.at[0]) != NULL) {
        *ret_value = inside;
        return true;
    }
    key = context_find(context, str_trim(name));
    if (key != NULL && key->count == 1) {
        *ret_value = key->values[0];
        return true;
    }
    otherwise = str_trim(otherwise);
    if (!has_default || otherwise.n < 2 || otherwise.at[0] != '\'')
        return false;
    *ret_value = str_n(otherwise.at + 1, otherwise.n - 2);
    return true;
}

bool condition_expand(struct arena *a, struct str text, const struct context *context,
                      struct str *ret_text)
{
    CLEANUP(buf_free) struct buf b = buf_init(LONGEST_TEXT);
    size_t open;

    while ((open = str_find(text, S("${"))) != STR_NONE) {
        struct str inside, value;

        buf_add(&b, str_first(text, open));
        if (!str_cut(str_from(text, open + 2), '}', &inside, &text) ||
            !variable_value(inside, context, &value))
            return false;
        buf_add(&b, value);
    }
    buf_add(&b, text);
    *ret_text = arena_str(a, buf_str(&b));
    return !b.full;
}

/* --- judging -------------------------------------------------------------------------------- */

/* A value of the policy as text: strings, numbers and booleans may be written. */
static struct str wanted_text(struct arena *a, const cJSON *item)
{
    if (cJSON_IsBool(item))
        return cJSON_IsTrue(item) ? S("true") : S("false");
    if (cJSON_IsNumber(item))
        return arena_printf(a, "%.17g", item->valuedouble);
    return json_text(item);
}

struct judgement {
    struct arena *arena;
    const struct context *context;
    bool variables;
};

static bool one_matches(struct judgement *j, const struct operation *op, const cJSON *wanted,
                        struct str found)
{
    struct str text = wanted_text(j->arena, wanted);

    if (j->variables && str_find(text, S("${")) != STR_NONE &&
        !condition_expand(j->arena, text, j->context, &text))
        return false;
    return op->by->compare(text, found);
}

/* Whether one value found is as any of the wanted ones (for a negated operator: as none). */
static bool value_holds(struct judgement *j, const struct operation *op, const cJSON *wanted,
                        struct str found)
{
    bool any = false;

    if (cJSON_IsArray(wanted)) {
        JSON_EACH(item, wanted)
            any = any || one_matches(j, op, item, found);
    } else {
        any = one_matches(j, op, wanted, found);
    }
    return any != op->by->negated;
}

static bool key_holds(struct judgement *j, const struct operation *op, const cJSON *wanted)
{
    const struct context_key *key = context_find(j->context, str_c(wanted->string));
    bool all = true, any = false;

    if (op->by->compare == NULL) { /* Null: "true" asks for absence */
        const cJSON *first = cJSON_IsArray(wanted) ? wanted->child : wanted;

        return first != NULL &&
               str_ieq(wanted_text(j->arena, first), S("true")) == (key == NULL || key->count == 0);
    }
    if (key == NULL || key->count == 0)
        return op->if_exists || op->set == SET_ALL || (op->set == SET_NONE && op->by->negated);
    for (size_t i = 0; i < key->count; i++) {
        bool holds = value_holds(j, op, wanted, key->values[i]);

        all = all && holds;
        any = any || holds;
    }
    /* A key with several values under an operator without a set prefix: positive ones need one
     * that matches, negated ones need that none does. */
    return op->set == SET_ALL || (op->set == SET_NONE && op->by->negated) ? all : any;
}

bool condition_holds(const cJSON *block, const struct context *context, bool variables)
{
    struct arena a = {0};
    struct judgement j = {&a, context, variables};
    bool holds = true;

    JSON_EACH(by_operator, block) {
        struct operation op;

        if (!read_operation(str_c(by_operator->string), &op)) {
            holds = false;
            break;
        }
        JSON_EACH(wanted, by_operator)
            holds = holds && key_holds(&j, &op, wanted);
    }
    arena_free(&a);
    return holds;
}

/* Attributes. Source: aws-alb-ingress-controller v1.1.4, internal/alb/{lb,tg}/attributes.go. */
#include "attributes.h"

#include "base/macros.h"
#include "go_text.h"

enum attribute_kind { BOOLEAN, SECONDS, ANY, ONE_OF };

struct attribute {
    enum attribute_family family;
    const char *key;
    enum attribute_kind kind;
    const char *otherwise;
    int64_t least, most; /* of SECONDS */
    bool zero_too;       /* 0 is fine below @least */
    const char *choices; /* of ONE_OF, comma-separated */
};

static const struct attribute table[] = {
    {LOAD_BALANCER_ATTRIBUTES, "deletion_protection.enabled",           BOOLEAN, "false",       0,  0,      false, NULL       },
    {LOAD_BALANCER_ATTRIBUTES, "access_logs.s3.enabled",                BOOLEAN, "false",       0,  0,      false, NULL       },
    {LOAD_BALANCER_ATTRIBUTES, "access_logs.s3.bucket",                 ANY,     "",            0,  0,      false, NULL       },
    {LOAD_BALANCER_ATTRIBUTES, "access_logs.s3.prefix",                 ANY,     "",            0,  0,      false, NULL       },
    {LOAD_BALANCER_ATTRIBUTES, "idle_timeout.timeout_seconds",          SECONDS, "60",          1,  4000,   false, NULL       },
    {LOAD_BALANCER_ATTRIBUTES, "routing.http2.enabled",                 BOOLEAN, "true",        0,  0,      false, NULL       },
    {TARGET_GROUP_ATTRIBUTES,  "deregistration_delay.timeout_seconds",  SECONDS, "300",         0,  3600,
     false,                                                                                                        NULL       },
    {TARGET_GROUP_ATTRIBUTES,  "slow_start.duration_seconds",           SECONDS, "0",           30, 900,    true,  NULL       },
    {TARGET_GROUP_ATTRIBUTES,  "stickiness.enabled",                    BOOLEAN, "false",       0,  0,      false, NULL       },
    {TARGET_GROUP_ATTRIBUTES,  "stickiness.type",                       ONE_OF,  "lb_cookie",   0,  0,      false, "lb_cookie"},
    {TARGET_GROUP_ATTRIBUTES,  "stickiness.lb_cookie.duration_seconds", SECONDS, "86400",       1,  604800,
     false,                                                                                                        NULL       },
    {TARGET_GROUP_ATTRIBUTES,  "load_balancing.algorithm.type",         ONE_OF,  "round_robin", 0,  0,      false,
     "round_robin,least_outstanding_requests"                                                                                 },
};

static const char *const family_names[] = {"load balancer", "target group"};

/* The value in its one form, or at == NULL and *ret_error. */
static struct str normal_value(struct arena *a, const struct attribute *t, struct str value,
                               struct str *ret_error)
{
    struct str rest = str_c(t->choices), choice;
    int64_t seconds;
    bool on;

    switch (t->kind) {
    case ANY:
        return value;
    case BOOLEAN:
        if (go_parse_bool(value, &on))
            return on ? S("true") : S("false");
        break;
    case ONE_OF:
        while (str_next(&rest, ',', &choice))
            if (str_eq(choice, value))
                return value;
        break;
    case SECONDS:
        if (!go_parse_int(value, &seconds))
            break;
        if ((seconds >= t->least && seconds <= t->most) || (t->zero_too && seconds == 0))
            return arena_printf(a, "%lld", (long long)seconds);
        *ret_error = arena_printf(a, "%s must be within %lld-%lld seconds", t->key,
                                  (long long)t->least, (long long)t->most);
        if (t->family == TARGET_GROUP_ATTRIBUTES)
            *ret_error = arena_printf(a, "%.*s, not %.*s", STR_ARG(*ret_error), STR_ARG(value));
        return (struct str){0};
    }
    *ret_error = arena_printf(a, "invalid %s attribute value %s=%.*s", family_names[t->family],
                              t->key, STR_ARG(value));
    return (struct str){0};
}

static struct pair *find_member(struct pairs *p, struct str key)
{
    for (size_t i = 0; i < p->n; i++)
        if (str_eq(p->at[i].key, key))
            return &p->at[i];
    return NULL;
}

static const struct attribute *find_row(enum attribute_family family, struct str key)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].family == family && str_is(key, table[i].key))
            return &table[i];
    return NULL;
}

bool attributes_read(struct arena *a, enum attribute_family family, const struct pairs *given,
                     bool forgiving, struct pairs *ret, struct str *ret_error)
{
    struct pairs all = {0};
    struct str unknown = {0};

    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].family == family)
            *LIST_ADD(a, &all) = (struct pair){str_c(table[i].key), str_c(table[i].otherwise)};
    for (size_t i = 0; i < given->n; i++) {
        const struct attribute *t = find_row(family, given->at[i].key);
        struct str error = {0}, value;

        if (t == NULL) {
            unknown = given->at[i].key;
            continue;
        }
        value = normal_value(a, t, given->at[i].value, &error);
        if (error.n > 0) {
            *ret_error = error;
            return false;
        }
        find_member(&all, given->at[i].key)->value = value;
    }
    if (unknown.at != NULL && !forgiving) {
        *ret_error = arena_printf(a, "the %s attribute %.*s is not valid", family_names[family],
                                  STR_ARG(unknown));
        return false;
    }
    *ret = all;
    return true;
}

struct pairs attributes_diff(struct arena *a, const struct pairs *found, const struct pairs *wanted)
{
    const struct str *logs = pairs_get(wanted, S("access_logs.s3.enabled"));
    bool no_logs = logs != NULL && str_is(*logs, "false");
    struct pairs changes = {0};

    for (size_t i = 0; i < wanted->n; i++) {
        const struct pair *w = &wanted->at[i];
        const struct str *now = pairs_get(found, w->key);

        if (no_logs && str_starts(w->key, S("access_logs.s3.")) &&
            !str_is(w->key, "access_logs.s3.enabled"))
            continue;
        if (now == NULL || !str_eq(*now, w->value))
            *LIST_ADD(a, &changes) = *w;
    }
    return changes;
}

/* From the rule in an operation's row to what IAM is asked about. */
#include "aws/resource.h"

#include "aws/denial.h"
#include "schema/aws/elbv2.h"
#include "schema/aws/iam.h"
#include "store/iam.h"
#include "test.h"

struct world {
    struct arena arena;
    struct clock clock;
    struct ids ids;
    struct store *store;
    struct call call;
};

static const struct aws_model_operation *operation(const struct aws_model *m, const char *name)
{
    for (size_t i = 0; i < m->operation_count; i++)
        if (strcmp(m->operations[i].name, name) == 0)
            return &m->operations[i];
    return NULL;
}

static void open_world(struct world *w)
{
    struct iam_entity role = {.kind = IAM_ROLE,
                              .account = S("123456789012"),
                              .name = S("deep"),
                              .path = S("/a/b/"),
                              .id = S("AROA"),
                              .arn = S("arn:aws:iam::123456789012:role/a/b/deep"),
                              .trust = S("{}")};
    struct str why = {0};

    *w = (struct world){0};
    clock_init(&w->clock);
    ids_init(&w->ids, 1);
    CHECK("a store", store_open(":memory:", &w->clock, &w->ids, &w->arena, &w->store, &why) == 0);
    CHECK("a role", store_begin(w->store) == 0 && iam_entity_insert(w->store, &role) == 0 &&
                        store_commit(w->store) == 0);
    w->call = (struct call){.arena = &w->arena,
                            .store = w->store,
                            .account = S("123456789012"),
                            .region = S("eu-west-1"),
                            .partition = S("aws"),
                            .identity = {.arn = S("arn:aws:iam::123456789012:user/me")}};
}

static void close_world(struct world *w)
{
    store_close(w->store);
    arena_free(&w->arena);
}

/* The resources as one text, parted by spaces. */
static struct str asked(struct world *w, const char *rule)
{
    struct str_list list = resources_of(&w->call, rule);
    struct str text = S("");

    for (size_t i = 0; i < list.n; i++)
        text = arena_printf(&w->arena, "%.*s%s%.*s", STR_ARG(text), i > 0 ? " " : "",
                            STR_ARG(list.at[i]));
    return text;
}

static const struct {
    const char *label, *rule;
    struct str want;
} role_cases[] = {
    {"no rule asks for everything",    NULL,                  STR_INIT("*")                                      },
    {"nor does a star",                "*",                   STR_INIT("*")                                      },
    {"a member stands in its place",   "x/{RoleName}",        STR_INIT("x/deep")                                 },
    {"region and account",             "{region}/{account}",  STR_INIT("eu-west-1/123456789012")                 },
    {"an absent member drops the ARN", "a|b/{Description}",   STR_INIT("a")                                      },
    {"all dropped is everything",      "b/{Description}",     STR_INIT("*")                                      },
    {"a default stands in",            "p{Path=/}{RoleName}", STR_INIT("p/deep")                                 },
    {"names become ARNs",              "{role:RoleName}",     STR_INIT("arn:aws:iam::123456789012:role/a/b/deep")},
    {"an absent user is the caller",   "{user:Description}",
     STR_INIT("arn:aws:iam::123456789012:user/me")                                                               },
    {"several are all asked for",      "a/{RoleName}|b",      STR_INIT("a/deep b")                               },
    {"an unknown member is absent",    "{Nothing}",           STR_INIT("*")                                      },
    {"a brace that does not close",    "a{RoleName",          STR_INIT("a{RoleName")                             },
};

TEST(rules_name_what_is_asked_for)
{
    const struct iam_create_role_request in = {.role_name = S("deep"),
                                               .assume_role_policy_document = S("{}")};
    struct world w;

    open_world(&w);
    w.call.model = operation(&iam_model, "CreateRole");
    w.call.input = &in;
    CASE_EACH(c, role_cases)
        CHECK_STR(c->label, asked(&w, c->rule), c->want);
    close_world(&w);
}

TEST(lists_ask_for_each_element)
{
    struct str arns[] = {S("arn:a"), S("arn:b")};
    const struct elbv2_add_tags_input add = {
        .resource_arns = {arns, 2}
    };
    struct elbv2_rule_priority_pair pairs[] = {{.rule_arn = S("r1")}, {.rule_arn = S("r2")}};
    const struct elbv2_set_rule_priorities_input set = {
        .rule_priorities = {pairs, 2}
    };
    struct world w;

    open_world(&w);
    w.call.model = operation(&elbv2_model, "AddTags");
    w.call.input = &add;
    CHECK_STR("a list of ARNs", asked(&w, "{ResourceArns}"), S("arn:a arn:b"));
    w.call.model = operation(&elbv2_model, "SetRulePriorities");
    w.call.input = &set;
    CHECK_STR("members of a list", asked(&w, "{RulePriorities.RuleArn}"), S("r1 r2"));
    close_world(&w);
}

static const struct {
    const char *label;
    struct str id, want;
} ec2_cases[] = {
    {"a security group",     STR_INIT("sg-1"),
     STR_INIT("arn:aws:ec2:eu-west-1:123456789012:security-group/sg-1")                                         },
    {"its rule is no group", STR_INIT("sgr-1"),
     STR_INIT("arn:aws:ec2:eu-west-1:123456789012:security-group-rule/sgr-1")                                   },
    {"an address",           STR_INIT("eipalloc-1"),
     STR_INIT("arn:aws:ec2:eu-west-1:123456789012:elastic-ip/eipalloc-1")                                       },
    {"an instance",          STR_INIT("i-1"),        STR_INIT("arn:aws:ec2:eu-west-1:123456789012:instance/i-1")},
    {"what nobody knows",    STR_INIT("zz-1"),       STR_INIT("arn:aws:ec2:eu-west-1:123456789012:*/zz-1")      },
};

TEST(ids_of_ec2_have_types)
{
    struct world w;

    open_world(&w);
    w.call.model = operation(&elbv2_model, "AddTags");
    CASE_EACH(c, ec2_cases) {
        struct str ids[] = {c->id};
        const struct elbv2_add_tags_input in = {
            .resource_arns = {ids, 1}
        };

        w.call.input = &in;
        CHECK_STR(c->label, asked(&w, "{ec2:ResourceArns}"), c->want);
    }
    close_world(&w);
}

TEST(tags_of_a_request_are_found)
{
    struct elbv2_tag tags[] = {
        {S("team"), S("blue")},
        {S("bare"), {0}      }
    };
    struct str keys[] = {S("gone")};
    const struct elbv2_add_tags_input add = {
        .tags = {tags, 2}
    };
    const struct elbv2_remove_tags_input remove = {
        .tag_keys = {keys, 1}
    };
    struct request_tags found;
    struct world w;

    open_world(&w);
    w.call.model = operation(&elbv2_model, "AddTags");
    w.call.input = &add;
    found = request_tags_of(&w.call, S(""));
    CHECK("both keys", found.keys.n == 2);
    CHECK("one value", found.tags.n == 1 && str_is(found.tags.at[0].value, "blue"));
    w.call.model = operation(&elbv2_model, "RemoveTags");
    w.call.input = &remove;
    found = request_tags_of(&w.call, S(""));
    CHECK("keys alone", found.keys.n == 1 && found.tags.n == 0);
    close_world(&w);
}

TEST(what_is_no_message_does_not_decode)
{
    static const struct str garbage[] = {STR_INIT(""), STR_INIT("abc"), STR_INIT("!!"),
                                         STR_INIT("eJwDAAAAAgE")};
    struct arena a = {0};
    struct str json;

    for (size_t i = 0; i < ARRAY_LEN(garbage); i++)
        CHECK(garbage[i].at, !denial_decode(&a, garbage[i], &json));
    arena_free(&a);
}

TEST_MAIN(T(rules_name_what_is_asked_for), T(lists_ask_for_each_element), T(ids_of_ec2_have_types),
          T(tags_of_a_request_are_found), T(what_is_no_message_does_not_decode))

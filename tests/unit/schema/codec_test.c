/* Requests become structs, structs become answers, and what is wrong is told in AWS's words. */
#include "schema/codec.h"

#include "schema/aws/ec2.h"
#include "schema/aws/eks.h"
#include "schema/aws/elbv2.h"
#include "schema/aws/sts.h"

#include "test.h"

static void *decode_form(struct arena *a, const struct shape *shape, struct str text, bool ec2,
                         struct problems *p)
{
    struct form form;

    problems_init(p);
    CHECK("a well-formed form", form_parse(a, text, &form));
    return query_decode(a, shape, &form, ec2, p);
}

TEST(query_lists_and_structs_nest)
{
    struct arena a = {0};
    struct problems p;
    struct elbv2_create_rule_input *in = decode_form(
        &a, &elbv2_create_rule_input_shape,
        S("Action=CreateRule&Version=2015-12-01&ListenerArn=arn%3Ax&Priority=5"
          "&Conditions.member.2.Field=host-header&Conditions.member.10.Field=ten"
          "&Conditions.member.1.Field=path-pattern&Conditions.member.1.Values.member.1=%2Fa+b"
          "&Actions.member.1.Type=forward&Actions.member.1.ForwardConfig.TargetGroups.member.1."
          "Weight=7"
          "&Actions.member.1.AuthenticateOidcConfig.AuthenticationRequestExtraParams.entry.1.key=k"
          "&Actions.member.1.AuthenticateOidcConfig.AuthenticationRequestExtraParams.entry.1.value="
          "v"
          "&Tags=&Unknown.member.1=x"),
        false, &p);

    CHECK("nothing is wrong", p.count == 0);
    CHECK_STR("percent and plus are decoded", in->conditions.at[0].values.at[0], S("/a b"));
    CHECK("numbers order lists, gaps are fine", in->conditions.n == 3);
    CHECK_STR("ten comes behind two", in->conditions.at[2].field, S("ten"));
    CHECK("structs within lists within structs",
          in->actions.at[0].forward_config->target_groups.at[0].weight.v == 7);
    CHECK_STR(
        "maps",
        in->actions.at[0].authenticate_oidc_config->authentication_request_extra_params.at[0].value,
        S("v"));
    CHECK("an empty list was given", in->tags.at != NULL && in->tags.n == 0);
    CHECK("what was not given is absent", in->transforms.at == NULL);
    arena_free(&a);
}

TEST(ec2_lists_are_flat_and_unknown_names_are_told)
{
    struct arena a = {0};
    struct problems p;
    struct ec2_describe_subnets_request *in = decode_form(
        &a, &ec2_describe_subnets_request_shape,
        S("Action=DescribeSubnets&Filter.1.Name=vpc-id&Filter.1.Value.1=a&Filter.1.Value.2=b"
          "&SubnetId.1=subnet-1&Colour=red&DryRun=true"),
        true, &p);

    CHECK("one name is unknown", p.count == 1 && p.first->kind == PROBLEM_UNKNOWN);
    CHECK_STR("it is named", p.first->member, S("Colour"));
    CHECK("filters", in->filters.n == 1 && in->filters.at[0].values.n == 2);
    CHECK_STR("ids", in->subnet_ids.at[0], S("subnet-1"));
    CHECK("booleans", in->dry_run.set && in->dry_run.v);
    arena_free(&a);
}

static const struct {
    const char *label;
    struct str form, text;
} wrong[] = {
    {"missing",       STR_INIT("LoadBalancerArn=a&DefaultActions.member.1.Order=1"),
     STR_INIT("1 validation error detected: Value null at 'defaultActions.1.member.type' failed to "
              "satisfy constraint: Member must not be null")                                    },
    {"out of bounds", STR_INIT("LoadBalancerArn=a&Port=65536&DefaultActions.member.1.Type=forward"),
     STR_INIT("1 validation error detected: Value '65536' at 'port' failed to satisfy constraint: "
              "Member must have value less than or equal to 65535")                             },
    {"several",       STR_INIT("Port=0"),
     STR_INIT(
         "3 validation errors detected: Value null at 'loadBalancerArn' failed to satisfy "
         "constraint: Member must not be null; "
         "Value '0' at 'port' failed to satisfy constraint: Member must have value greater than or "
         "equal to 1; "
         "Value null at 'defaultActions' failed to satisfy constraint: Member must not be null")},
    {"another type",  STR_INIT("LoadBalancerArn=a&Port=http&DefaultActions.member.1.Type=forward"),
     STR_INIT("1 validation error detected: Value 'http' at 'Port' failed to satisfy constraint: "
              "Member must be an integer")                                                      },
};

TEST(what_is_wrong_is_told_in_aws_words)
{
    CASE_EACH(c, wrong) {
        struct arena a = {0};
        struct problems p;
        void *in = decode_form(&a, &elbv2_create_listener_input_shape, c->form, false, &p);

        shape_validate(&a, &elbv2_create_listener_input_shape, in, &p);
        CHECK_STR(c->label, problems_text(&a, &p), c->text);
        arena_free(&a);
    }
}

TEST(enumerations_and_patterns_bind)
{
    struct sts_assume_role_request in = {.role_arn = S("arn:aws:iam::123456789012:role/x"),
                                         .role_session_name = S("a b")};
    struct arena a = {0};
    struct problems p;

    problems_init(&p);
    shape_validate(&a, &sts_assume_role_request_shape, &in, &p);
    CHECK("a space is no name", p.count == 1);
    CHECK("the pattern is told",
          str_starts(p.first->constraint, S("Member must satisfy regular expression pattern: ")));
    arena_free(&a);
}

TEST(answers_in_xml_and_json)
{
    struct elbv2_tag tags[] = {
        {.key = S("a<b"), .value = S("")}
    };
    struct elbv2_tag_description view = {
        .resource_arn = S("x"), .tags = {tags, 1}
    };
    struct str selector[] = {S("a")};
    struct eks_fargate_profile_selector selectors[] = {{.namespace = S("n")}};
    struct eks_fargate_profile profile = {
        .fargate_profile_name = S("p"),
        .created_at = OPT_INT(1500),
        .subnets = {selector,  1},
        .selectors = {selectors, 1}
    };
    CLEANUP(buf_free) struct buf b = buf_init(4096);

    xml_encode(&b, &elbv2_tag_description_shape, &view, &(struct xml_style){0});
    CHECK_STR("XML", buf_str(&b),
              S("<ResourceArn>x</ResourceArn><Tags><member><Key>a&lt;b</Key><Value></Value></"
                "member></Tags>"));
    buf_reset(&b);
    json_encode(&b, &eks_fargate_profile_shape, &profile);
    CHECK_STR("JSON", buf_str(&b),
              S("{\"fargateProfileName\":\"p\",\"createdAt\":1.500,\"subnets\":[\"a\"],"
                "\"selectors\":[{\"namespace\":\"n\"}]}"));
}

static struct str no_header(const void *data UNUSED, struct str name UNUSED)
{
    return (struct str){0};
}

TEST(rest_takes_labels_query_and_body)
{
    CLEANUP(json_freep)
    cJSON *body = json_parse(S("{\"tags\":{\"k\":\"v\"},\"nodegroupName\":\"body\"}"), NULL);
    struct rest_request r = {S("/clusters/a%2Fb/node-groups"), S("x=1"), body, no_header, NULL};
    struct arena a = {0};
    struct problems p;
    struct eks_create_nodegroup_request *in;

    problems_init(&p);
    CHECK("the path fits", rest_path_matches("/clusters/{name}/node-groups", r.path));
    CHECK("a longer one does not", !rest_path_matches("/clusters/{name}", r.path));
    in = rest_decode(&a, &eks_create_nodegroup_request_shape, "/clusters/{name}/node-groups", &r,
                     &p);
    CHECK_STR("a label is decoded", in->cluster_name, S("a/b"));
    CHECK_STR("the body", in->nodegroup_name, S("body"));
    CHECK_STR("maps", in->tags.at[0].value, S("v"));
    arena_free(&a);
}

TEST_MAIN(T(query_lists_and_structs_nest), T(ec2_lists_are_flat_and_unknown_names_are_told),
          T(what_is_wrong_is_told_in_aws_words), T(enumerations_and_patterns_bind),
          T(answers_in_xml_and_json), T(rest_takes_labels_query_and_body))

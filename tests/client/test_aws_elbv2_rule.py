"""Rules: conditions, priorities, transforms and limits."""
import pytest

from balancing import (NO_LISTENER, NO_RULE, Things, call, call_refused, fixed, forward, host, path, refused)


@pytest.fixture
def things(elbow):
    made = Things(elbow)
    yield made
    made.remove()


@pytest.fixture
def elb(things):
    return things.elb


@pytest.fixture
def listener(things):
    return things.listener(things.balancer("rl"))


def header(name, *values):
    return {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": name, "Values": list(values)}}


def method(*values):
    return {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": list(values)}}


def query(*values):
    return {"Field": "query-string", "QueryStringConfig": {"Values": list(values)}}


def source(*values):
    return {"Field": "source-ip", "SourceIpConfig": {"Values": list(values)}}


def test_conditions_of_every_kind_come_back(things, elb, listener):
    given = [path("/a/*", "/b"), host("*.Example.com"), header("X-Kind", "a?c"), method("GET")]
    made = things.rule(listener, 10, given)
    assert made["Priority"] == "10" and made["IsDefault"] is False
    assert made["Conditions"] == [
        {**given[0], "Values": ["/a/*", "/b"]}, {**given[1], "Values": ["*.Example.com"]}, given[2], given[3]]
    more = [query({"Key": "v", "Value": "1"}, {"Value": "x*"}), source("10.0.0.0/8", "2001:db8::/32")]
    assert things.rule(listener, 11, more)["Conditions"] == more
    old = [{"Field": "path-pattern", "Values": ["/old"]}, {"Field": "host-header", "Values": ["a.example.com"]}]
    assert things.rule(listener, 12, old)["Conditions"] == old
    shown = elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
    assert [r["Priority"] for r in shown] == ["10", "11", "12", "default"]
    assert shown[0] == made


REFUSED_CONDITIONS = [
    ("none", [], "A condition must be specified"),
    ("field", [{"Field": "cookie", "Values": ["x"]}], "Condition field 'cookie' must be one of '[path-pattern,"
     "host-header,http-header,http-request-method,query-string,source-ip]'"),
    ("no-value", [{"Field": "path-pattern", "Values": []}], "A condition value must be specified"),
    ("no-config-value", [host()], "A condition value must be specified"),
    ("long-path", [path("/" + "x" * 128)], "The 'path-pattern' value is too long; the limit is '128'"),
    ("long-host", [host("x" * 125 + ".com")], "The 'host-header' value is too long; the limit is '128'"),
    ("long-header", [header("X-H", "x" * 129)], "The 'http-header' value is too long; the limit is '128'"),
    ("long-name", [header("X" * 41, "x")], "The 'HttpHeaderName' value is too long; the limit is '40'"),
    ("long-method", [method("X" * 41)], "The 'http-request-method' value is too long; the limit is '40'"),
    ("six-values", [path(*[f"/{n}" for n in range(6)])], "A rule can only have '5' condition values"),
    ("six-together", [path("/1", "/2", "/3"), host("a.b", "a.c", "a.d")], "A rule can only have '5' condition values"),
    ("six-wildcards", [path("/*/*/*/*/*/*")], None),
    ("two-paths", [path("/1"), path("/2")], None),
    ("space", [path("/a b")], None),
    ("host-dot", [host("localhost")], None),
    ("host-header-name", [header("Host", "x")], None),
    ("lower-method", [method("get")], None),
    ("not-cidr", [source("10.0.0.1")], None),
    ("broadcast", [source("255.255.255.255/32")], None),
    ("bare-header", [{"Field": "http-header", "Values": ["x"]}], None),
    ("both", [{**path("/a"), "Values": ["/b"]}], None),
]


@pytest.mark.parametrize("conditions, text", [r[1:] for r in REFUSED_CONDITIONS], ids=[r[0] for r in REFUSED_CONDITIONS])
def test_conditions_that_are_refused(things, elb, listener, conditions, text):
    with refused("ValidationError", text):
        things.careless.create_rule(ListenerArn=listener["ListenerArn"], Priority=1, Conditions=conditions,
                                    Actions=[fixed("200")])
    assert len(elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]) == 1


def test_priorities_are_taken_once_and_can_be_swapped(things, elb, listener):
    first, second, third = (things.rule(listener, p) for p in (10, 20, 30))
    with refused("PriorityInUse", "Priority '10' is currently in use"):
        things.rule(listener, 10)
    pairs = [{"RuleArn": first["RuleArn"], "Priority": 20}, {"RuleArn": second["RuleArn"], "Priority": 10}]
    changed = elb.set_rule_priorities(RulePriorities=pairs)["Rules"]
    assert [(r["RuleArn"], r["Priority"]) for r in changed] == [
        (first["RuleArn"], "20"), (second["RuleArn"], "10")]
    shown = elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
    assert [r["RuleArn"] for r in shown[:3]] == [second["RuleArn"], first["RuleArn"], third["RuleArn"]]
    with refused("PriorityInUse", "Priority '30' is currently in use"):
        elb.set_rule_priorities(RulePriorities=[{"RuleArn": first["RuleArn"], "Priority": 30}])
    with refused("ValidationError", "Priority '5' was provided multiple times"):
        elb.set_rule_priorities(RulePriorities=[{**p, "Priority": 5} for p in pairs])
    with refused("RuleNotFound", "One or more rules not found"):
        elb.set_rule_priorities(RulePriorities=[{"RuleArn": NO_RULE, "Priority": 5}])
    assert elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"] == shown


@pytest.mark.parametrize("priority", [0, 50001])
def test_priorities_have_bounds(things, listener, priority):
    with refused("ValidationError"):
        things.careless.create_rule(ListenerArn=listener["ListenerArn"], Priority=priority,
                                    Conditions=[path("/x")], Actions=[fixed("200")])


def test_the_default_rule_stays(things, elb, listener):
    default = elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"][0]["RuleArn"]
    for change in (lambda: elb.delete_rule(RuleArn=default),
                   lambda: elb.modify_rule(RuleArn=default, Actions=[fixed("200")]),
                   lambda: elb.set_rule_priorities(RulePriorities=[{"RuleArn": default, "Priority": 1}])):
        with refused("OperationNotPermitted"):
            change()


def test_a_modified_rule_keeps_what_was_not_said(things, elb, listener):
    group = things.group("rl-modified")
    made = things.rule(listener, 1, [path("/a")], [forward(group)])
    arn = made["RuleArn"]
    changed = elb.modify_rule(RuleArn=arn, Conditions=[path("/b")])["Rules"][0]
    assert changed == {**made, "Conditions": [{**path("/b"), "Values": ["/b"]}]}
    changed = elb.modify_rule(RuleArn=arn, Actions=[fixed("204")])["Rules"][0]
    assert changed["Actions"] == [fixed("204")] and changed["Conditions"][0]["Values"] == ["/b"]
    elb.delete_target_group(TargetGroupArn=group["TargetGroupArn"])
    with refused("ValidationError", "Either conditions or actions must be specified"):
        elb.modify_rule(RuleArn=arn)
    with refused("RuleNotFound", "One or more rules not found"):
        elb.modify_rule(RuleArn=NO_RULE, Actions=[fixed("204")])
    elb.delete_rule(RuleArn=arn)
    with refused("RuleNotFound", "One or more rules not found"):
        elb.delete_rule(RuleArn=arn)


def test_describing_needs_one_way(elb, listener):
    with refused("ValidationError", "You must specify either listener rule ARNs or a listener ARN"):
        elb.describe_rules()
    with refused("ValidationError",
                 "Listener rule ARNs and a listener ARN cannot be specified at the same time"):
        elb.describe_rules(ListenerArn=listener["ListenerArn"], RuleArns=[NO_RULE])
    with refused("ListenerNotFound", "One or more listeners not found"):
        elb.describe_rules(ListenerArn=NO_LISTENER)
    with refused("ValidationError", f"'{NO_LISTENER}' is not a valid listener rule ARN"):
        elb.describe_rules(RuleArns=[NO_LISTENER])


def test_a_hundred_rules_and_no_more(things, elb, listener):
    for priority in range(1, 101):
        things.rule(listener, priority)
    with refused("TooManyRules", "You've reached the limit on the number of rules per load balancer"):
        things.rule(listener, 101)
    pages = list(elb.get_paginator("describe_rules").paginate(
        ListenerArn=listener["ListenerArn"], PaginationConfig={"PageSize": 40}))
    assert [len(p["Rules"]) for p in pages] == [40, 40, 21]
    assert pages[-1]["Rules"][-1]["Priority"] == "default"


def test_weights_and_groups_have_bounds(things, elb, listener):
    groups = [things.group(f"rl-weight-{n}") for n in range(6)]
    with refused("InvalidLoadBalancerAction"):
        things.rule(listener, 1, actions=[forward(*[(g, 1) for g in groups])])
    with refused("ValidationError", "Target group weight '1000' must be between '0-999' inclusive"):
        things.rule(listener, 1, actions=[forward((groups[0], 1000))])
    with refused("InvalidLoadBalancerAction"):
        things.rule(listener, 1, actions=[forward((groups[0], 1), (groups[0], 2))])
    with refused("InvalidLoadBalancerAction"):
        things.rule(listener, 1, actions=[{**forward((groups[0], 1)),
                                           "TargetGroupArn": groups[1]["TargetGroupArn"]}])


def test_application_cookies_and_several_groups_do_not_go_together(things, elb, listener):
    groups = things.group("rl-cookie-1"), things.group("rl-cookie-2")

    def set_stickiness(**values):
        elb.modify_target_group_attributes(TargetGroupArn=groups[0]["TargetGroupArn"], Attributes=[
            {"Key": "stickiness." + k.replace("__", "."), "Value": v} for k, v in values.items()])

    set_stickiness(enabled="true", type="app_cookie", app_cookie__cookie_name="me")
    with refused("InvalidLoadBalancerAction", "When configuring a rule with multiple target groups, none of them "
                 "can have stickiness of type 'app_cookie' enabled"):
        things.rule(listener, 1, actions=[forward((groups[0], 1), (groups[1], 1))])
    set_stickiness(type="lb_cookie")
    with refused("InvalidLoadBalancerAction"):
        things.rule(listener, 1, actions=[forward((groups[0], 1), (groups[1], 1))])
    things.rule(listener, 1, actions=[{"Type": "forward", "ForwardConfig": {
        **forward((groups[0], 1), (groups[1], 1))["ForwardConfig"],
        "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 60}}}])


def test_transforms_are_kept_replaced_and_reset(things, elbow, listener):
    url = {"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": [
        {"Regex": "^/dp/([A-Za-z0-9]+)/?$", "Replace": "/product.php?id=$1"}]}}
    name = {"Type": "host-header-rewrite", "HostHeaderRewriteConfig": {"Rewrites": [
        {"Regex": "^mywebsite-(.+).com$", "Replace": "internal.dev.$1.myweb.com"}]}}
    members = {"ListenerArn": listener["ListenerArn"], "Priority": 1, "Conditions": [path("/dp/*")],
               "Actions": [fixed("200")]}
    (made,) = call(elbow, "CreateRule", Transforms=[url, name], **members)["Rules"]
    assert made["Transforms"] == [url, name]
    (changed,) = call(elbow, "ModifyRule", RuleArn=made["RuleArn"], Transforms=[name])["Rules"]
    assert changed["Transforms"] == [name] and changed["Actions"] == made["Actions"]
    with call_refused("ValidationError"):
        call(elbow, "ModifyRule", RuleArn=made["RuleArn"], Transforms=[url], ResetTransforms=True)
    (changed,) = call(elbow, "ModifyRule", RuleArn=made["RuleArn"], ResetTransforms=True)["Rules"]
    assert "Transforms" not in changed
    for bad in ([url, url], [{"Type": "url-rewrite"}], [{**url, "UrlRewriteConfig": {"Rewrites": []}}],
                [{**url, "UrlRewriteConfig": {"Rewrites": [{"Regex": "(?=x)", "Replace": "/"}]}}],
                [{**url, "UrlRewriteConfig": {"Rewrites": [{"Regex": "(", "Replace": "/"}]}}]):
        with call_refused("ValidationError"):
            call(elbow, "CreateRule", **{**members, "Priority": 2}, Transforms=bad)


def test_regular_expressions_in_conditions(things, elbow, listener):
    members = {"ListenerArn": listener["ListenerArn"], "Actions": [fixed("200")]}
    given = {"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["^/v[0-9]+/.*$"]}}
    (made,) = call(elbow, "CreateRule", Priority=1, Conditions=[given], **members)["Rules"]
    assert made["Conditions"][0]["PathPatternConfig"] == given["PathPatternConfig"]
    for bad in ("(?<!x)y", "(a)\\1", "a++", "(", "\\p{L}"):
        with call_refused("ValidationError"):
            call(elbow, "CreateRule", Priority=2, **members, Conditions=[
                {"Field": "path-pattern", "PathPatternConfig": {"RegexValues": [bad]}}])
    with call_refused("ValidationError"):
        call(elbow, "CreateRule", Priority=2, **members, Conditions=[
            {"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["x"], "Values": ["/x"]}}])

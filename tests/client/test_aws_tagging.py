"""Tags: those of load balancing by its own API, and everybody's by the tagging API."""
import pytest

from balancing import NO_BALANCER, NO_GROUP, NO_RULE, PUBLIC, Things, path, fixed, refused

CLUSTER = "kubernetes.io/cluster/sample"
SUBNET = "arn:aws:ec2:ap-northeast-1:123456789012:subnet/" + PUBLIC[0]


@pytest.fixture
def things(elbow):
    made = Things(elbow)
    yield made
    made.remove()


@pytest.fixture
def elb(things):
    return things.elb


@pytest.fixture
def tagging(elbow):
    return elbow.client("resourcegroupstaggingapi")


def tags_of(elb, *arns):
    return {d["ResourceArn"]: {t["Key"]: t["Value"] for t in d["Tags"]}
            for d in elb.describe_tags(ResourceArns=list(arns))["TagDescriptions"]}


def as_tags(**tags):
    return [{"Key": k, "Value": v} for k, v in tags.items()]


def found(tagging, **filters):
    return {r["ResourceARN"]: {t["Key"]: t["Value"] for t in r["Tags"]}
            for page in tagging.get_paginator("get_resources").paginate(**filters)
            for r in page["ResourceTagMappingList"]}


def test_every_kind_of_thing_has_tags(things, elb):
    balancer = things.balancer("tag-all", Tags=as_tags(kind="balancer"))
    group = things.group("tag-all", Tags=as_tags(kind="group"))
    listener = things.listener(balancer, Tags=as_tags(kind="listener"))
    rule = things.rule(listener, 1, Tags=as_tags(kind="rule"))
    arns = [balancer["LoadBalancerArn"], group["TargetGroupArn"], listener["ListenerArn"], rule["RuleArn"]]
    default = elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"][1]["RuleArn"]
    assert tags_of(elb, *arns, default) == {
        arns[0]: {"kind": "balancer"}, arns[1]: {"kind": "group"}, arns[2]: {"kind": "listener"},
        arns[3]: {"kind": "rule"}, default: {}}
    assert [d["ResourceArn"] for d in elb.describe_tags(ResourceArns=arns[::-1])["TagDescriptions"]] == arns[::-1]
    elb.add_tags(ResourceArns=arns, Tags=as_tags(kind="thing", more=""))
    assert set(map(lambda t: (t["kind"], t["more"]), tags_of(elb, *arns).values())) == {("thing", "")}
    elb.remove_tags(ResourceArns=arns, TagKeys=["kind", "none"])
    assert tags_of(elb, *arns) == {a: {"more": ""} for a in arns}


def test_tags_that_are_refused(things, elb):
    arn = things.group("tag-refused", Tags=as_tags(a="1"))["TargetGroupArn"]
    with refused("DuplicateTagKeys"):
        elb.add_tags(ResourceArns=[arn], Tags=as_tags(x="1") + as_tags(x="2"))
    with refused("TooManyTags"):
        elb.add_tags(ResourceArns=[arn], Tags=as_tags(**{f"k{n}": "" for n in range(50)}))
    elb.add_tags(ResourceArns=[arn], Tags=as_tags(**{f"k{n}": "" for n in range(49)}))
    with refused("ValidationError"):
        elb.add_tags(ResourceArns=[arn], Tags=[{"Key": "aws:x", "Value": ""}])
    with refused("ValidationError"):
        elb.add_tags(ResourceArns=[arn], Tags=[{"Key": "semi;colon", "Value": ""}])
    assert len(tags_of(elb, arn)[arn]) == 50


@pytest.mark.parametrize("arn, code", [
    (NO_BALANCER, "LoadBalancerNotFound"), (NO_GROUP, "TargetGroupNotFound"), (NO_RULE, "RuleNotFound"),
    ("x", "ValidationError")])
def test_things_that_are_not_there_have_none(elb, arn, code):
    for ask in (lambda: elb.describe_tags(ResourceArns=[arn]),
                lambda: elb.add_tags(ResourceArns=[arn], Tags=as_tags(a="b")),
                lambda: elb.remove_tags(ResourceArns=[arn], TagKeys=["a"])):
        with refused(code):
            ask()


def test_twenty_at_a_time(elb):
    with refused("ValidationError"):
        elb.describe_tags(ResourceArns=[NO_GROUP] * 21)


def test_unusual_texts_come_back_as_they_went_in(things, elb):
    tags = {"日本 語": "値+=@:/._-", "a b": " c ", "é": "ünï"}
    arn = things.group("tag-texts", Tags=as_tags(**tags))["TargetGroupArn"]
    assert tags_of(elb, arn)[arn] == tags


def test_filters_of_the_tagging_api(things, elb, tagging):
    balancer = things.balancer("tag-find", Tags=as_tags(team="blue", stage="one"))["LoadBalancerArn"]
    group = things.group("tag-find", Tags=as_tags(team="blue", stage="two", empty=""))["TargetGroupArn"]

    def find(*filters, types=None):
        return set(found(tagging, TagFilters=[{"Key": k, "Values": v} for k, v in filters],
                         **({"ResourceTypeFilters": types} if types else {})))

    both = {balancer, group}
    assert find(("team", ["blue"])) == both
    assert find(("team", [])) == both
    assert find(("team", ["red", "blue"])) == both
    assert find(("team", ["Blue"])) == set()
    assert find(("team", ["blue"]), ("stage", ["two", "three"])) == {group}
    assert find(("empty", [""])) == {group}
    assert find(("team", []), types=["elasticloadbalancing"]) == both
    assert find(("team", []), types=["elasticloadbalancing:targetgroup"]) == {group}
    assert find(("team", []), types=["elasticloadbalancing:loadbalancer"]) == {balancer}
    assert find(("team", []), types=["elasticloadbalancing:loadbalancer/app"]) == {balancer}
    assert find(("team", []), types=["elasticloadbalancing:loadbalancer/net", "ec2"]) == set()
    assert found(tagging, TagFilters=[{"Key": "stage", "Values": ["two"]}]) == {
        group: {"team": "blue", "stage": "two", "empty": ""}}
    elb.delete_load_balancer(LoadBalancerArn=balancer)
    assert find(("team", ["blue"])) == {group}


def test_subnets_are_found_as_the_controller_looks_for_them(tagging):
    seen = found(tagging, ResourceTypeFilters=["ec2"], PaginationConfig={"PageSize": 50}, TagFilters=[
        {"Key": "kubernetes.io/role/elb", "Values": ["", "1"]}, {"Key": CLUSTER, "Values": ["owned", "shared"]}])
    assert sorted(seen) == [SUBNET.replace(PUBLIC[0], s) for s in PUBLIC]
    assert seen[SUBNET]["Name"] == "eksctl-sample-cluster/SubnetPublicAPNORTHEAST1A"


def test_pages_and_their_end(tagging):
    first = tagging.get_resources(ResourcesPerPage=2, ResourceTypeFilters=["ec2:subnet"])
    assert len(first["ResourceTagMappingList"]) == 2 and first["PaginationToken"]
    everything = tagging.get_resources(ResourceTypeFilters=["ec2:subnet"])
    assert everything["PaginationToken"] == ""
    walked = [r["ResourceARN"] for page in tagging.get_paginator("get_resources").paginate(
        ResourceTypeFilters=["ec2:subnet"], PaginationConfig={"PageSize": 2}) for r in page["ResourceTagMappingList"]]
    assert walked == [r["ResourceARN"] for r in everything["ResourceTagMappingList"]] and len(walked) == 6


def test_tags_written_by_one_api_are_read_by_the_other(things, elb, tagging):
    arn = things.group("tag-both")["TargetGroupArn"]
    assert tagging.tag_resources(ResourceARNList=[arn, SUBNET], Tags={"by": "tagging"})["FailedResourcesMap"] == {}
    assert tags_of(elb, arn)[arn] == {"by": "tagging"}
    assert set(found(tagging, TagFilters=[{"Key": "by"}])) == {arn, SUBNET}
    tagging.untag_resources(ResourceARNList=[arn, SUBNET], TagKeys=["by"])
    assert found(tagging, TagFilters=[{"Key": "by"}]) == {}
    failed = tagging.tag_resources(ResourceARNList=[NO_GROUP, arn], Tags={"by": "tagging"})["FailedResourcesMap"]
    assert set(failed) == {NO_GROUP}
    assert failed[NO_GROUP]["StatusCode"] == 400 and failed[NO_GROUP]["ErrorCode"] == "InvalidParameterException"
    assert tags_of(elb, arn)[arn] == {"by": "tagging"}


def test_keys_and_values(things, tagging):
    things.group("tag-keys", Tags=as_tags(tk="b", tl="c"))
    things.balancer("tag-keys", Tags=as_tags(tk="a"))
    keys = [k for page in tagging.get_paginator("get_tag_keys").paginate() for k in page["TagKeys"]]
    assert keys == sorted(set(keys)) and {"tk", "tl", CLUSTER} <= set(keys)
    values = [v for page in tagging.get_paginator("get_tag_values").paginate(Key="tk") for v in page["TagValues"]]
    assert values == ["a", "b"]


@pytest.mark.parametrize("members", [
    {"ResourcesPerPage": 101}, {"TagsPerPage": 150}, {"PaginationToken": "%"},
    {"ResourceARNList": ["x"]}, {"ResourceARNList": [SUBNET], "ResourceTypeFilters": ["ec2"]}])
def test_questions_that_are_refused(tagging, members):
    with refused("InvalidParameterException"):
        tagging.get_resources(**members)

"""Listeners, their certificates and security policies."""
import re

import pytest

from balancing import (ARN, CERTIFICATE, NO_BALANCER, NO_GROUP, NO_LISTENER, PUBLIC, Things, call, call_refused,
                       fixed, forward, redirect, refused)

OTHER_CERTIFICATE = CERTIFICATE[:-1] + "2"
OIDC = {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": {
    "Issuer": "https://idp.example.com", "AuthorizationEndpoint": "https://idp.example.com/authorize",
    "TokenEndpoint": "https://idp.example.com/token", "UserInfoEndpoint": "https://idp.example.com/userinfo",
    "ClientId": "me", "ClientSecret": "secret"}}


@pytest.fixture
def things(elbow):
    made = Things(elbow)
    yield made
    made.remove()


@pytest.fixture
def elb(things):
    return things.elb


@pytest.fixture
def balancer(things, request):
    name = "ls-" + re.sub("[^a-z0-9]+", "-", request.node.name.lower())[-28:].strip("-")
    return things.balancer(name)


def secure(things, balancer, port=443, **more):
    return things.listener(balancer, port, Protocol="HTTPS",
                           Certificates=[{"CertificateArn": CERTIFICATE}], **more)


def test_what_is_shown_of_a_plain_listener(things, elb, balancer):
    group = things.group("ls-plain")
    made = things.listener(balancer, 8080, [forward(group)])
    arn = group["TargetGroupArn"]
    lb, identifier = balancer["LoadBalancerArn"], balancer["LoadBalancerArn"].partition("/")[2]
    assert re.fullmatch(f"{ARN}listener/{identifier}/[0-9a-f]{{16}}", made["ListenerArn"])
    assert made == {
        "ListenerArn": made["ListenerArn"], "LoadBalancerArn": lb, "Port": 8080, "Protocol": "HTTP",
        "DefaultActions": [{"Type": "forward", "TargetGroupArn": arn, "ForwardConfig": {
            "TargetGroups": [{"TargetGroupArn": arn, "Weight": 1}],
            "TargetGroupStickinessConfig": {"Enabled": False}}}]}
    assert elb.describe_listeners(LoadBalancerArn=lb)["Listeners"] == [made]
    assert elb.describe_listeners(ListenerArns=[made["ListenerArn"]])["Listeners"] == [made]
    (rule,) = elb.describe_rules(ListenerArn=made["ListenerArn"])["Rules"]
    assert re.fullmatch(f"{ARN}listener-rule/{identifier}/{made['ListenerArn'][-16:]}/[0-9a-f]{{16}}", rule["RuleArn"])
    assert rule == {"RuleArn": rule["RuleArn"], "Priority": "default", "IsDefault": True, "Conditions": [],
                    "Actions": made["DefaultActions"]}


def test_what_is_shown_of_a_secure_one(things, elb, balancer):
    made = secure(things, balancer)
    assert made["SslPolicy"] == "ELBSecurityPolicy-2016-08"
    assert made["Certificates"] == [{"CertificateArn": CERTIFICATE}]
    plain = elb.modify_listener(ListenerArn=made["ListenerArn"], Protocol="HTTP", Port=80)["Listeners"][0]
    assert (plain["Protocol"], plain["Port"]) == ("HTTP", 80)
    assert "SslPolicy" not in plain and "Certificates" not in plain
    assert elb.describe_listeners(ListenerArns=[made["ListenerArn"]])["Listeners"] == [plain]


def test_actions_are_shown_filled_in_but_for_what_was_not_said(things, elb, balancer):
    groups = things.group("ls-shown-1"), things.group("ls-shown-2")
    for port, action, want in [
        (81, redirect(Port="443", Protocol="HTTPS"),
         {"Type": "redirect", "RedirectConfig": {
             "Protocol": "HTTPS", "Port": "443", "Host": "#{host}", "Path": "/#{path}", "Query": "#{query}",
             "StatusCode": "HTTP_301"}}),
        (82, fixed("503"), fixed("503")),
        (83, {**fixed("200", ContentType="text/html", MessageBody=""), "Order": 1},
         {**fixed("200", ContentType="text/html", MessageBody=""), "Order": 1}),
        (84, forward((groups[0], 3), (groups[1], 0)),
         {"Type": "forward", "ForwardConfig": {
             "TargetGroups": [{"TargetGroupArn": groups[0]["TargetGroupArn"], "Weight": 3},
                              {"TargetGroupArn": groups[1]["TargetGroupArn"], "Weight": 0}],
             "TargetGroupStickinessConfig": {"Enabled": False}}}),
        (85, {"Type": "forward", "ForwardConfig": {
            "TargetGroups": [{"TargetGroupArn": groups[0]["TargetGroupArn"]}],
            "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 60}}},
         {"Type": "forward", "TargetGroupArn": groups[0]["TargetGroupArn"], "ForwardConfig": {
             "TargetGroups": [{"TargetGroupArn": groups[0]["TargetGroupArn"], "Weight": 1}],
             "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 60}}}),
    ]:
        assert things.listener(balancer, port, [action])["DefaultActions"] == [want]


def test_authentication_is_kept_and_its_secret_is_not_shown(things, elb, balancer):
    made = secure(things, balancer, actions=[OIDC, {**fixed("200"), "Order": 2}])
    shown = made["DefaultActions"][0]["AuthenticateOidcConfig"]
    assert shown == {**{k: v for k, v in OIDC["AuthenticateOidcConfig"].items() if k != "ClientSecret"},
                     "SessionCookieName": "AWSELBAuthSessionCookie", "Scope": "openid", "SessionTimeout": 604800,
                     "OnUnauthenticatedRequest": "authenticate"}
    again = {**OIDC, "AuthenticateOidcConfig": {
        **{k: v for k, v in OIDC["AuthenticateOidcConfig"].items() if k != "ClientSecret"},
        "UseExistingClientSecret": True}}
    elb.modify_listener(ListenerArn=made["ListenerArn"], DefaultActions=[again, {**fixed("200"), "Order": 2}])
    with refused("InvalidLoadBalancerAction",
                 "Actions of type 'authenticate-oidc' are supported only on HTTPS listeners"):
        things.listener(balancer, 80, [OIDC, {**fixed("200"), "Order": 2}])


HTTP_PORT = {"Port": 81, "Protocol": "HTTP", "DefaultActions": [fixed("200")]}
TLS_PORT = {**HTTP_PORT, "Protocol": "HTTPS", "Certificates": [{"CertificateArn": CERTIFICATE}]}
LOOP = "The redirect configuration is not valid because it creates a loop."
REFUSED = [
    ("port", {**HTTP_PORT, "Port": None}, "ValidationError", "A listener port must be specified"),
    ("protocol", {**HTTP_PORT, "Protocol": None}, "ValidationError", "A listener protocol must be specified"),
    ("tcp", {**HTTP_PORT, "Protocol": "TCP"}, "ValidationError",
     "Listener protocol 'TCP' must be one of 'HTTP, HTTPS'"),
    ("port-range", {**HTTP_PORT, "Port": 65536}, "ValidationError",
     "1 validation error detected: Value '65536' at 'port' failed to satisfy constraint: Member must have value "
     "less than or equal to 65535"),
    ("plain-policy", {**HTTP_PORT, "SslPolicy": "ELBSecurityPolicy-2016-08"}, "ValidationError",
     "An SSL policy cannot be specified for HTTP listeners"),
    ("plain-certificate", {**TLS_PORT, "Protocol": "HTTP"}, "ValidationError",
     "A certificate cannot be specified for HTTP listeners"),
    ("no-certificate", {**TLS_PORT, "Certificates": []}, "ValidationError",
     "A certificate must be specified for HTTPS listeners"),
    ("two-certificates", {**TLS_PORT, "Certificates": [{"CertificateArn": CERTIFICATE},
                                                       {"CertificateArn": OTHER_CERTIFICATE}]},
     "ValidationError", None),
    ("certificate", {**TLS_PORT, "Certificates": [{"CertificateArn": "arn:aws:acm:x"}]}, "CertificateNotFound",
     "Certificate 'arn:aws:acm:x' not found"),
    ("policy", {**TLS_PORT, "SslPolicy": "none"}, "SSLPolicyNotFound", "SSL policy 'none' not found"),
    ("group", {**HTTP_PORT, "DefaultActions": [{"Type": "forward", "TargetGroupArn": NO_GROUP}]},
     "TargetGroupNotFound", f"Target group '{NO_GROUP}' not found"),
    ("no-action", {**HTTP_PORT, "DefaultActions": []}, "ValidationError", None),
    ("bare-redirect", {**HTTP_PORT, "DefaultActions": [{"Type": "redirect"}]}, "InvalidLoadBalancerAction",
     "For actions of type 'redirect', you must specify the following fields: 'RedirectConfig'"),
    ("bare-forward", {**HTTP_PORT, "DefaultActions": [{"Type": "forward"}]}, "InvalidLoadBalancerAction",
     "For actions of type 'forward', you must specify the following fields: 'TargetGroupArn'"),
    ("loop", {**HTTP_PORT, "DefaultActions": [redirect()]}, "InvalidLoadBalancerAction", LOOP),
    ("loop-query", {**HTTP_PORT, "DefaultActions": [redirect(Query="a=b")]}, "InvalidLoadBalancerAction", LOOP),
    ("to-http", {**TLS_PORT, "DefaultActions": [redirect(Protocol="HTTP", Port="80")]},
     "InvalidLoadBalancerAction", None),
    ("path", {**HTTP_PORT, "DefaultActions": [redirect(Path="x")]}, "InvalidLoadBalancerAction", None),
    ("placeholder", {**HTTP_PORT, "DefaultActions": [redirect(Host="#{path}")]}, "InvalidLoadBalancerAction", None),
    ("type", {**HTTP_PORT, "DefaultActions": [fixed("200", ContentType="image/png")]},
     "InvalidLoadBalancerAction", "The ContentType must be one of:'text/html', 'application/json', "
     "'application/javascript', 'text/css', 'text/plain'"),
    ("status", {**HTTP_PORT, "DefaultActions": [fixed("301")]}, "ValidationError", None),
    ("two-routes", {**HTTP_PORT, "DefaultActions": [{**fixed("200"), "Order": 1}, {**fixed("404"), "Order": 2}]},
     "InvalidLoadBalancerAction", None),
    ("no-order", {**TLS_PORT, "DefaultActions": [OIDC, fixed("200")]}, "InvalidLoadBalancerAction", None),
    ("last", {**TLS_PORT, "DefaultActions": [{**OIDC, "Order": 3}, {**fixed("200"), "Order": 2}]},
     "InvalidLoadBalancerAction", None),
    ("tags", {**HTTP_PORT, "Tags": [{"Key": "a", "Value": ""}, {"Key": "a", "Value": ""}]}, "DuplicateTagKeys",
     None),
]


@pytest.mark.parametrize("members, code, text", [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_creations_that_are_refused(things, elb, balancer, members, code, text):
    with refused(code, text):
        things.careless.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"],
                                        **{k: v for k, v in members.items() if v is not None})
    assert elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"] == []


def test_a_port_has_one_listener(things, elb, balancer):
    made = things.listener(balancer, 80)
    taken = f"A listener already exists on this port for this load balancer '{balancer['LoadBalancerArn']}'"
    with refused("DuplicateListener", taken):
        things.listener(balancer, 80, [fixed("200")])
    assert things.listener(balancer, 80) == made
    other = things.listener(balancer, 81)
    with refused("DuplicateListener", taken):
        elb.modify_listener(ListenerArn=other["ListenerArn"], Port=80)


def test_a_modified_listener(things, elb, balancer):
    group = things.group("ls-modified")
    arn = things.listener(balancer, 80, [forward(group)])["ListenerArn"]
    changed = elb.modify_listener(ListenerArn=arn, Port=8080, DefaultActions=[fixed("404")])["Listeners"][0]
    assert (changed["Port"], changed["DefaultActions"]) == (8080, [fixed("404")])
    elb.delete_target_group(TargetGroupArn=group["TargetGroupArn"])
    with refused("ValidationError", "A certificate must be specified for HTTPS listeners"):
        elb.modify_listener(ListenerArn=arn, Protocol="HTTPS")
    with refused("ListenerNotFound", "One or more listeners not found"):
        elb.modify_listener(ListenerArn=NO_LISTENER, Port=80)
    with refused("ListenerNotFound", "One or more listeners not found"):
        elb.delete_listener(ListenerArn=NO_LISTENER)


def test_protocols_must_go_together(things, elb, balancer):
    tcp, http = things.group("ls-tcp", Protocol="TCP"), things.group("ls-http")
    grpc = things.group("ls-grpc", ProtocolVersion="GRPC")
    with refused("IncompatibleProtocols", "The listener and the following target groups have incompatible "
                 f"protocols: {tcp['TargetGroupArn']}"):
        things.listener(balancer, 80, [forward(tcp)])
    with refused("InvalidConfigurationRequest", "Listener protocol 'HTTP' is not supported with a target group "
                 "with the protocol-version 'GRPC'"):
        things.listener(balancer, 80, [forward(grpc)])
    net = things.balancer("ls-net", Type="network", Subnets=PUBLIC[:1])
    with refused("IncompatibleProtocols"):
        things.listener(net, 80, [forward(http)], Protocol="TCP")
    with refused("ValidationError",
                 "Listener protocol 'HTTP' must be one of 'TCP, TLS, UDP, TCP_UDP, QUIC, TCP_QUIC'"):
        things.listener(net, 80, [forward(http)])
    with refused("InvalidLoadBalancerAction"):
        things.listener(net, 80, [fixed("200")], Protocol="TCP")
    made = things.listener(net, 80, [forward(tcp)], Protocol="TCP")
    with refused("UnsupportedProtocol"):
        things.rule(made, 1)


def test_describing_needs_one_way(elb, balancer):
    with refused("ValidationError", "You must specify either listener ARNs or a load balancer ARN"):
        elb.describe_listeners()
    with refused("LoadBalancerNotFound", f"Load balancer '{NO_BALANCER}' not found"):
        elb.describe_listeners(LoadBalancerArn=NO_BALANCER)
    with refused("ValidationError"):
        elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"], ListenerArns=[NO_LISTENER])


def test_certificates_beside_the_default_one(things, elb, balancer):
    arn = secure(things, balancer)["ListenerArn"]
    added = elb.add_listener_certificates(ListenerArn=arn, Certificates=[{"CertificateArn": OTHER_CERTIFICATE}])
    assert added["Certificates"] == [{"CertificateArn": OTHER_CERTIFICATE, "IsDefault": False}]
    elb.add_listener_certificates(ListenerArn=arn, Certificates=[{"CertificateArn": OTHER_CERTIFICATE}])
    both = [{"CertificateArn": CERTIFICATE, "IsDefault": True}, {"CertificateArn": OTHER_CERTIFICATE, "IsDefault": False}]
    assert elb.describe_listener_certificates(ListenerArn=arn)["Certificates"] == both
    assert elb.describe_listeners(ListenerArns=[arn])["Listeners"][0]["Certificates"] == [{"CertificateArn": CERTIFICATE}]
    first = elb.describe_listener_certificates(ListenerArn=arn, PageSize=1)
    rest = elb.describe_listener_certificates(ListenerArn=arn, PageSize=1, Marker=first["NextMarker"])
    assert first["Certificates"] + rest["Certificates"] == both and "NextMarker" not in rest
    with refused("OperationNotPermitted"):
        elb.remove_listener_certificates(ListenerArn=arn, Certificates=[{"CertificateArn": CERTIFICATE}])
    elb.remove_listener_certificates(ListenerArn=arn, Certificates=[{"CertificateArn": OTHER_CERTIFICATE}])
    assert elb.describe_listener_certificates(ListenerArn=arn)["Certificates"] == both[:1]
    elb.modify_listener(ListenerArn=arn, Certificates=[{"CertificateArn": OTHER_CERTIFICATE}],
                        SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06")
    (shown,) = elb.describe_listeners(ListenerArns=[arn])["Listeners"]
    assert shown["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    assert shown["Certificates"] == [{"CertificateArn": OTHER_CERTIFICATE}]
    plain = things.listener(balancer, 80)
    with refused("ValidationError"):
        elb.add_listener_certificates(ListenerArn=plain["ListenerArn"],
                                      Certificates=[{"CertificateArn": CERTIFICATE}])


def test_security_policies(elb):
    policies = {p["Name"]: p for p in elb.describe_ssl_policies()["SslPolicies"]}
    for name, protocols, ciphers in [
        ("2016-08", ["TLSv1.2", "TLSv1.1", "TLSv1"], 18), ("TLS13-1-2-2021-06", ["TLSv1.3", "TLSv1.2"], 11),
        ("TLS13-1-3-2021-06", ["TLSv1.3"], 3), ("TLS13-1-2-Res-2021-06", ["TLSv1.3", "TLSv1.2"], 7),
        ("TLS13-1-2-Ext1-2021-06", ["TLSv1.3", "TLSv1.2"], 15), ("TLS13-1-2-Ext2-2021-06", ["TLSv1.3", "TLSv1.2"], 21),
        ("FS-1-2-Res-2020-10", ["TLSv1.2"], 4), ("FS-1-2-Res-2019-08", ["TLSv1.2"], 8), ("FS-1-2-2019-08", ["TLSv1.2"], 12),
        ("TLS-1-2-2017-01", ["TLSv1.2"], 12), ("TLS-1-2-Ext-2018-06", ["TLSv1.2"], 18), ("TLS-1-0-2015-04",
         ["TLSv1.2", "TLSv1.1", "TLSv1"], 19),
    ]:
        policy = policies["ELBSecurityPolicy-" + name]
        assert policy["SslProtocols"] == protocols, name
        assert len(policy["Ciphers"]) == ciphers, name
        assert [c["Priority"] for c in policy["Ciphers"]] == list(range(1, ciphers + 1))
    assert policies["ELBSecurityPolicy-2016-08"]["Ciphers"][0]["Name"] == "ECDHE-ECDSA-AES128-GCM-SHA256"
    (one,) = elb.describe_ssl_policies(Names=["ELBSecurityPolicy-2016-08"])["SslPolicies"]
    assert one == policies["ELBSecurityPolicy-2016-08"]
    with refused("SSLPolicyNotFound", "SSL policy 'none' not found"):
        elb.describe_ssl_policies(Names=["none"])


def test_mutual_authentication_belongs_to_https(things, elbow, balancer):
    members = {"LoadBalancerArn": balancer["LoadBalancerArn"], "Port": 443, "Protocol": "HTTPS",
               "Certificates": [{"CertificateArn": CERTIFICATE}], "DefaultActions": [fixed("200")]}
    (made,) = call(elbow, "CreateListener", MutualAuthentication={"Mode": "passthrough"}, **members)["Listeners"]
    assert made["MutualAuthentication"] == {"Mode": "passthrough"}
    with call_refused("ValidationError"):
        call(elbow, "CreateListener", **{**members, "Port": 444}, MutualAuthentication={"Mode": "verify"})
    with call_refused("ValidationError", "Mutual authentication cannot be specified for HTTP listeners"):
        call(elbow, "CreateListener", **{**members, "Port": 80, "Protocol": "HTTP", "Certificates": None},
             MutualAuthentication={"Mode": "passthrough"})

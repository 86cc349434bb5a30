"""A small AWS in memory: just the calls of the ALB controller, answered after the public API
references. It keeps every call in the form of the recorded scenarios, and can be told to fail.

It knows nothing of Elbow: the controller is tested against it alone, and with it the recordings.
"""
import collections
import http.server
import json
import re
import threading
import urllib.parse
from xml.sax.saxutils import escape

ACCOUNT = "123456789012"
LB_ATTRIBUTES = {
    "access_logs.s3.enabled": "false", "access_logs.s3.bucket": "", "access_logs.s3.prefix": "",
    "deletion_protection.enabled": "false", "idle_timeout.timeout_seconds": "60",
    "routing.http2.enabled": "true", "routing.http.drop_invalid_header_fields.enabled": "false",
}
TG_ATTRIBUTES = {
    "deregistration_delay.timeout_seconds": "300", "slow_start.duration_seconds": "0",
    "stickiness.enabled": "false", "stickiness.type": "lb_cookie",
    "stickiness.lb_cookie.duration_seconds": "86400",
    "load_balancing.algorithm.type": "round_robin",
}
READS = ("Describe", "Get", "List")


class Fault(Exception):
    """An answer that is an error."""

    def __init__(self, code, message="it was refused", status=400):
        super().__init__(code)
        self.code, self.message, self.status = code, message, status


def nested(form):
    """Query parameters as objects and lists: numbers become lists, "member" is left out."""
    tree = {}
    for name, value in form.items():
        at, parts = tree, [p for p in name.split(".") if p != "member"]
        for part in parts[:-1]:
            at = at.setdefault(part, {})
        at[parts[-1]] = value

    def settle(node):
        if not isinstance(node, dict):
            return node
        if node and all(k.isdigit() for k in node):
            return [settle(node[k]) for k in sorted(node, key=int)]
        return {k: settle(v) for k, v in node.items()}
    return settle(tree)


def listed(value):
    """A list parameter; one that was sent empty is the empty text."""
    return value if isinstance(value, list) else []


def xml(name, value, item):
    """An element; lists are wrapped as the protocol has it, None is left out."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return f"<{name}>" + "".join(xml(k, v, item) for k, v in value.items()) + f"</{name}>"
    if isinstance(value, list):
        return f"<{name}>" + "".join(xml(item, v, item) for v in value) + f"</{name}>"
    if isinstance(value, bool):
        value = "true" if value else "false"
    return f"<{name}>{escape(str(value))}</{name}>"


def pairs(tags, key="Key", value="Value"):
    return [{key: k, value: v} for k, v in sorted(tags.items())]


class Account:
    """The state. One lock around every call."""

    def __init__(self, world):
        self.lock = threading.RLock()
        self.region = world["region"]
        self.vpc = world["vpc"]
        self.subnets = {s["id"]: s for s in world.get("subnets", [])}
        self.groups = {}
        for g in world.get("security_groups", []):
            self.groups[g["id"]] = {"id": g["id"], "name": g["name"], "description": g.get("description", g["name"]),
                                    "tags": dict(g.get("tags", {})), "permissions": []}
        self.instances = {i["id"]: i for i in world.get("instances", [])}
        self.interfaces = {e["id"]: e for e in world.get("network_interfaces", [])}
        self.certificates = {c["arn"]: c for c in world.get("certificates", [])}
        self.web_acls = set(world.get("web_acls", []))
        self.acl_of = {}
        self.load_balancers, self.listeners, self.rules, self.target_groups = {}, {}, {}, {}
        self.made = collections.Counter()
        self.names = {}  # what an id stands for in the recordings: {"sg-…": "${sg1}"}
        self.calls = []
        self.faults = collections.defaultdict(list)
        self.typed_conditions = False
        self.session_end = "2999-01-01T00:00:00Z"
        self.keys = []  # access key ids, call by call
        self.before_change = None  # called with a changing call, before it is carried out

    # --- helpers

    def new_id(self, kind, shown=None):
        self.made[kind] += 1
        serial = self.made[kind]
        one = f"{kind}-{0xabc0000000000000 + serial:017x}"
        self.names[one] = shown or "${%s%d}" % (kind, serial)
        return one

    def arn(self, service, rest):
        return f"arn:aws:{service}:{self.region}:{ACCOUNT}:{rest}"

    def group(self, group_id):
        if group_id not in self.groups:
            raise Fault("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")
        return self.groups[group_id]

    def resource_tags(self, arn):
        for table in (self.load_balancers, self.target_groups):
            if arn in table:
                return table[arn]["tags"]
        raise Fault("TargetGroupNotFound" if ":targetgroup/" in arn else "LoadBalancerNotFound")

    def load_balancer(self, arn):
        if arn not in self.load_balancers:
            raise Fault("LoadBalancerNotFound", "One or more load balancers not found")
        return self.load_balancers[arn]

    def target_group(self, arn):
        if arn not in self.target_groups:
            raise Fault("TargetGroupNotFound", "One or more target groups not found")
        return self.target_groups[arn]

    def listener(self, arn):
        if arn not in self.listeners:
            raise Fault("ListenerNotFound", "One or more listeners not found")
        return self.listeners[arn]

    # --- EC2

    def filtered(self, things, p, tests):
        kept = things
        for f in listed(p.get("Filter")):
            test = tests[f["Name"]]
            kept = [t for t in kept if any(test(t, v) for v in listed(f.get("Value")))]
        return kept

    def ec2_DescribeSubnets(self, p):
        found = self.filtered(list(self.subnets.values()), p, {
            "vpc-id": lambda s, v: v == self.vpc["id"], "subnet-id": lambda s, v: s["id"] == v,
            "tag:Name": lambda s, v: s.get("tags", {}).get("Name") == v})
        return {"subnetSet": [{"subnetId": s["id"], "vpcId": self.vpc["id"], "cidrBlock": s["cidr"],
                               "availabilityZone": s["zone"],
                               "tagSet": pairs(s.get("tags", {}), "key", "value")} for s in found]}

    def shown_permission(self, m):
        return {"ipProtocol": m["protocol"], "fromPort": m["from"], "toPort": m["to"],
                "groups": [{"groupId": g, "userId": ACCOUNT} for g in m["groups"]],
                "ipRanges": [{"cidrIp": c, "description": d} for c, d in m["v4"].items()],
                "ipv6Ranges": [{"cidrIpv6": c, "description": d} for c, d in m["v6"].items()]}

    def ec2_DescribeSecurityGroups(self, p):
        found = list(self.groups.values())
        if "GroupId" in p:
            found = [self.group(i) for i in listed(p["GroupId"])]
        found = self.filtered(found, p, {
            "vpc-id": lambda g, v: v == self.vpc["id"], "group-name": lambda g, v: g["name"] == v,
            "tag:Name": lambda g, v: g["tags"].get("Name") == v,
            "ip-permission.group-id": lambda g, v: any(v in m["groups"] for m in g["permissions"])})
        return {"securityGroupInfo": [
            {"ownerId": ACCOUNT, "groupId": g["id"], "groupName": g["name"], "vpcId": self.vpc["id"],
             "groupDescription": g["description"], "tagSet": pairs(g["tags"], "key", "value"),
             "ipPermissions": [self.shown_permission(m) for m in g["permissions"]]} for g in found]}

    def ec2_CreateSecurityGroup(self, p):
        if any(g["name"] == p["GroupName"] for g in self.groups.values()):
            raise Fault("InvalidGroup.Duplicate")
        one = self.new_id("sg")
        self.groups[one] = {"id": one, "name": p["GroupName"], "description": p["GroupDescription"],
                            "tags": {}, "permissions": []}
        return {"return": True, "groupId": one}

    def ec2_CreateTags(self, p):
        for one in listed(p["ResourceId"]):
            self.group(one)["tags"].update({t["Key"]: t.get("Value", "") for t in listed(p["Tag"])})
        return {"return": True}

    def ec2_DeleteTags(self, p):
        for one in listed(p["ResourceId"]):
            for t in listed(p["Tag"]):
                self.group(one)["tags"].pop(t["Key"], None)
        return {"return": True}

    @staticmethod
    def read_permission(m):
        return {"protocol": m["IpProtocol"], "from": m.get("FromPort"), "to": m.get("ToPort"),
                "v4": {r["CidrIp"]: r.get("Description") for r in listed(m.get("IpRanges"))},
                "v6": {r["CidrIpv6"]: r.get("Description") for r in listed(m.get("Ipv6Ranges"))},
                "groups": [g["GroupId"] for g in listed(m.get("Groups"))]}

    def ec2_AuthorizeSecurityGroupIngress(self, p):
        group = self.group(p["GroupId"])
        for m in map(self.read_permission, listed(p["IpPermissions"])):
            same = [o for o in group["permissions"]
                    if (o["protocol"], o["from"], o["to"]) == (m["protocol"], m["from"], m["to"])]
            if not same:
                group["permissions"].append(m)
                continue
            if (set(m["v4"]) & set(same[0]["v4"]) or set(m["v6"]) & set(same[0]["v6"])
                    or set(m["groups"]) & set(same[0]["groups"])):
                raise Fault("InvalidPermission.Duplicate")
            same[0]["v4"].update(m["v4"])
            same[0]["v6"].update(m["v6"])
            same[0]["groups"] += m["groups"]
        return {"return": True}

    def ec2_RevokeSecurityGroupIngress(self, p):
        group = self.group(p["GroupId"])
        for m in map(self.read_permission, listed(p["IpPermissions"])):
            same = [o for o in group["permissions"]
                    if (o["protocol"], o["from"], o["to"]) == (m["protocol"], m["from"], m["to"])]
            if not same:
                raise Fault("InvalidPermission.NotFound")
            for kind in ("v4", "v6"):
                for cidr in m[kind]:
                    same[0][kind].pop(cidr, None)
            same[0]["groups"] = [g for g in same[0]["groups"] if g not in m["groups"]]
            if not (same[0]["v4"] or same[0]["v6"] or same[0]["groups"]):
                group["permissions"].remove(same[0])
        return {"return": True}

    def ec2_DeleteSecurityGroup(self, p):
        group = self.group(p["GroupId"])
        used = any(group["id"] in lb["groups"] for lb in self.load_balancers.values())
        used |= any(group["id"] in m["groups"] for g in self.groups.values() if g is not group
                    for m in g["permissions"])
        used |= any(group["id"] in e["groups"] for e in self.interfaces.values())
        if used:
            raise Fault("DependencyViolation", f"resource {group['id']} has a dependent object")
        del self.groups[group["id"]]
        return {"return": True}

    def known_instance(self, one):
        if not re.fullmatch(r"i-[0-9a-f]{8,17}", one):
            raise Fault("InvalidInstanceID.Malformed", f'Invalid id: "{one}"')
        if one not in self.instances:
            raise Fault("InvalidInstanceID.NotFound", f"The instance ID '{one}' does not exist")
        return self.instances[one]

    def ec2_DescribeInstanceStatus(self, p):
        found = [self.known_instance(i) for i in listed(p["InstanceId"])]
        return {"instanceStatusSet": [
            {"instanceId": i["id"], "availabilityZone": i["zone"],
             "instanceState": {"code": 16, "name": "running"}} for i in found if i["state"] == "running"]}

    def shown_interface(self, e):
        return {"networkInterfaceId": e["id"], "vpcId": self.vpc["id"],
                "groupSet": [{"groupId": g, "groupName": self.groups[g]["name"]} for g in e["groups"]],
                "attachment": {"deviceIndex": e["device_index"]} if "instance" in e else None}

    def ec2_DescribeInstances(self, p):
        found = [self.known_instance(i) for i in listed(p["InstanceId"])]
        return {"reservationSet": [{"instancesSet": [
            {"instanceId": i["id"], "networkInterfaceSet": [
                self.shown_interface(e) for e in self.interfaces.values() if e.get("instance") == i["id"]]}
            for i in found]}]}

    def ec2_DescribeNetworkInterfaces(self, p):
        found = self.filtered(list(self.interfaces.values()), p, {
            "vpc-id": lambda e, v: v == self.vpc["id"], "group-id": lambda e, v: v in e["groups"],
            "addresses.private-ip-address": lambda e, v: v in e["private_ips"]})
        return {"networkInterfaceSet": [self.shown_interface(e) for e in found]}

    def ec2_ModifyNetworkInterfaceAttribute(self, p):
        self.interfaces[p["NetworkInterfaceId"]]["groups"] = listed(p["SecurityGroupId"])
        return {"return": True}

    def ec2_DescribeVpcs(self, p):
        return {"vpcSet": [{"vpcId": self.vpc["id"], "cidrBlock": self.vpc["cidr_blocks"][0],
                            "cidrBlockAssociationSet": [{"cidrBlock": c} for c in self.vpc["cidr_blocks"]]}]}

    def ec2_DescribeTags(self, p):
        return {"tagSet": []}

    # --- Elastic Load Balancing

    def shown_load_balancer(self, lb):
        return {"LoadBalancerArn": lb["arn"], "DNSName": lb["dns"], "LoadBalancerName": lb["name"],
                "Scheme": lb["scheme"], "VpcId": self.vpc["id"], "State": {"Code": "provisioning"},
                "Type": "application", "IpAddressType": lb["ip_type"],
                "AvailabilityZones": [{"ZoneName": self.subnets[s]["zone"], "SubnetId": s} for s in lb["subnets"]],
                "SecurityGroups": lb["groups"]}

    def check_subnets(self, subnets):
        zones = [self.subnets[s]["zone"] for s in subnets if s in self.subnets]
        if len(zones) != len(subnets):
            raise Fault("SubnetNotFound")
        if len(set(zones)) != len(zones):
            raise Fault("InvalidConfigurationRequest", "A load balancer cannot be attached to multiple subnets "
                        "in the same Availability Zone")

    def elasticloadbalancing_CreateLoadBalancer(self, p):
        if any(lb["name"] == p["Name"] for lb in self.load_balancers.values()):
            raise Fault("DuplicateLoadBalancerName")
        self.check_subnets(listed(p["Subnets"]))
        self.made["lb"] += 1
        serial = self.made["lb"]
        shown = "lb" if serial == 1 else f"lb{serial}"
        arn = self.arn("elasticloadbalancing", f"loadbalancer/app/{p['Name']}/{serial:016x}")
        dns = f"{p['Name']}-{serial:010d}.{self.region}.elb.amazonaws.com"
        self.names[arn], self.names[dns] = "${%s}" % shown, "${%s_dns}" % shown
        lb = self.load_balancers[arn] = {
            "arn": arn, "name": p["Name"], "dns": dns, "scheme": p["Scheme"], "ip_type": p["IpAddressType"],
            "subnets": listed(p["Subnets"]), "groups": listed(p["SecurityGroups"]), "shown": shown,
            "tags": {t["Key"]: t["Value"] for t in listed(p["Tags"])}, "attributes": dict(LB_ATTRIBUTES)}
        return {"LoadBalancers": [self.shown_load_balancer(lb)]}

    def elasticloadbalancing_DescribeLoadBalancers(self, p):
        found = [lb for lb in self.load_balancers.values() if lb["name"] in listed(p["Names"])]
        if not found:
            raise Fault("LoadBalancerNotFound", f"Load balancers '{p['Names']}' not found")
        return {"LoadBalancers": [self.shown_load_balancer(lb) for lb in found]}

    def elasticloadbalancing_DeleteLoadBalancer(self, p):
        lb = self.load_balancer(p["LoadBalancerArn"])
        if lb["attributes"]["deletion_protection.enabled"] == "true":
            raise Fault("OperationNotPermitted")
        for listener in [ls for ls in self.listeners.values() if ls["lb"] == lb["arn"]]:
            self.drop_listener(listener["arn"])
        del self.load_balancers[lb["arn"]]
        return {}

    def elasticloadbalancing_SetIpAddressType(self, p):
        self.load_balancer(p["LoadBalancerArn"])["ip_type"] = p["IpAddressType"]
        return {"IpAddressType": p["IpAddressType"]}

    def elasticloadbalancing_SetSubnets(self, p):
        self.check_subnets(listed(p["Subnets"]))
        self.load_balancer(p["LoadBalancerArn"])["subnets"] = listed(p["Subnets"])
        return {"AvailabilityZones": []}

    def elasticloadbalancing_SetSecurityGroups(self, p):
        self.load_balancer(p["LoadBalancerArn"])["groups"] = listed(p["SecurityGroups"])
        return {"SecurityGroupIds": listed(p["SecurityGroups"])}

    def elasticloadbalancing_DescribeLoadBalancerAttributes(self, p):
        return {"Attributes": pairs(self.load_balancer(p["LoadBalancerArn"])["attributes"])}

    def elasticloadbalancing_ModifyLoadBalancerAttributes(self, p):
        lb = self.load_balancer(p["LoadBalancerArn"])
        lb["attributes"].update({t["Key"]: t.get("Value", "") for t in listed(p["Attributes"])})
        return {"Attributes": pairs(lb["attributes"])}

    def elasticloadbalancing_DescribeTags(self, p):
        return {"TagDescriptions": [{"ResourceArn": a, "Tags": pairs(self.resource_tags(a))}
                                    for a in listed(p["ResourceArns"])]}

    def elasticloadbalancing_AddTags(self, p):
        for arn in listed(p["ResourceArns"]):
            self.resource_tags(arn).update({t["Key"]: t.get("Value", "") for t in listed(p["Tags"])})
        return {}

    def elasticloadbalancing_RemoveTags(self, p):
        for arn in listed(p["ResourceArns"]):
            for key in listed(p["TagKeys"]):
                self.resource_tags(arn).pop(key, None)
        return {}

    def shown_target_group(self, tg):
        return {"TargetGroupArn": tg["arn"], "TargetGroupName": tg["Name"], **{
            k: tg[k] for k in ("Protocol", "Port", "VpcId", "HealthCheckProtocol", "HealthCheckPort",
                               "HealthCheckPath", "HealthCheckIntervalSeconds", "HealthCheckTimeoutSeconds",
                               "HealthyThresholdCount", "UnhealthyThresholdCount", "Matcher", "TargetType")}}

    @staticmethod
    def check_target_group(p):
        for name in ("Protocol", "HealthCheckProtocol"):
            if p.get(name, "HTTP") not in ("HTTP", "HTTPS"):
                raise Fault("ValidationError", f"1 validation error detected: Value '{p[name]}' at "
                            f"'{name[0].lower()}{name[1:]}' failed to satisfy constraint: Member must satisfy "
                            "enum value set")
        port = p.get("HealthCheckPort", "traffic-port")
        if port != "traffic-port" and not (port.isdigit() and 1 <= int(port) <= 65535):
            raise Fault("ValidationError",
                        f"Health check port '{port}' must be 'traffic-port' or in the range of 1-65535")

    def elasticloadbalancing_CreateTargetGroup(self, p):
        self.check_target_group(p)
        self.made["tg"] += 1
        arn = self.arn("elasticloadbalancing", f"targetgroup/{p['Name']}/{self.made['tg']:016x}")
        self.names[arn] = "${tg%d}" % self.made["tg"]
        tg = self.target_groups[arn] = {**p, "arn": arn, "tags": {}, "attributes": dict(TG_ATTRIBUTES),
                                        "targets": {}}
        return {"TargetGroups": [self.shown_target_group(tg)]}

    def elasticloadbalancing_DescribeTargetGroups(self, p):
        found = [tg for tg in self.target_groups.values() if tg["Name"] in listed(p["Names"])]
        if not found:
            raise Fault("TargetGroupNotFound", "One or more target groups not found")
        return {"TargetGroups": [self.shown_target_group(tg) for tg in found]}

    def elasticloadbalancing_ModifyTargetGroup(self, p):
        self.check_target_group(p)
        tg = self.target_group(p["TargetGroupArn"])
        tg.update({k: v for k, v in p.items() if k != "TargetGroupArn"})
        return {"TargetGroups": [self.shown_target_group(tg)]}

    def uses(self, arn):
        actions = [a for ls in self.listeners.values() for a in ls["actions"]]
        actions += [a for r in self.rules.values() for a in r["Actions"]]
        return any(a.get("TargetGroupArn") == arn for a in actions)

    def elasticloadbalancing_DeleteTargetGroup(self, p):
        if self.uses(p["TargetGroupArn"]):
            raise Fault("ResourceInUse", "Target group is currently in use by a listener or a rule")
        self.target_groups.pop(p["TargetGroupArn"], None)
        return {}

    def elasticloadbalancing_DescribeTargetGroupAttributes(self, p):
        return {"Attributes": pairs(self.target_group(p["TargetGroupArn"])["attributes"])}

    def elasticloadbalancing_ModifyTargetGroupAttributes(self, p):
        tg = self.target_group(p["TargetGroupArn"])
        tg["attributes"].update({t["Key"]: t.get("Value", "") for t in listed(p["Attributes"])})
        return {"Attributes": pairs(tg["attributes"])}

    def elasticloadbalancing_RegisterTargets(self, p):
        for t in listed(p["Targets"]):
            self.target_group(p["TargetGroupArn"])["targets"][(t["Id"], t["Port"])] = "initial"
        return {}

    def elasticloadbalancing_DeregisterTargets(self, p):
        for t in listed(p["Targets"]):
            self.target_group(p["TargetGroupArn"])["targets"][(t["Id"], t["Port"])] = "draining"
        return {}

    def elasticloadbalancing_DescribeTargetHealth(self, p):
        targets = self.target_group(p["TargetGroupArn"])["targets"]
        return {"TargetHealthDescriptions": [
            {"Target": {"Id": i, "Port": port}, "HealthCheckPort": port, "TargetHealth": {"State": state}}
            for (i, port), state in targets.items()]}

    def shown_listener(self, ls):
        return {"ListenerArn": ls["arn"], "LoadBalancerArn": ls["lb"], "Port": ls["port"],
                "Protocol": ls["protocol"], "SslPolicy": ls["policy"],
                "Certificates": [{"CertificateArn": ls["certificate"]}] if ls["certificate"] else None,
                "DefaultActions": [self.shown_action(a) for a in ls["actions"]]}

    @staticmethod
    def shown_action(action):
        shown = json.loads(json.dumps(action))
        shown.get("AuthenticateOidcConfig", {}).pop("ClientSecret", None)
        return shown

    def set_listener(self, ls, p):
        certificates = [c["CertificateArn"] for c in listed(p.get("Certificates"))]
        for arn in certificates:
            if arn not in self.certificates:
                raise Fault("CertificateNotFound", f"Certificate '{arn}' not found")
        if "Port" in p:
            ls.update(port=p["Port"], protocol=p["Protocol"], policy=p.get("SslPolicy"),
                      certificate=certificates[0] if certificates else None)
        ls["actions"] = listed(p["DefaultActions"])

    def elasticloadbalancing_CreateListener(self, p):
        lb = self.load_balancer(p["LoadBalancerArn"])
        if any(ls["lb"] == lb["arn"] and ls["port"] == p["Port"] for ls in self.listeners.values()):
            raise Fault("DuplicateListener")
        ls = {"lb": lb["arn"], "extra": []}
        self.set_listener(ls, p)
        self.made["listener"] += 1
        arn = lb["arn"].replace(":loadbalancer/", ":listener/") + f"/{self.made['listener']:016x}"
        prefix = "" if lb["shown"] == "lb" else lb["shown"] + "_"
        self.names[arn] = "${%slistener_%s}" % (prefix, p["Port"])
        ls.update(arn=arn, shown=prefix)
        self.listeners[arn] = ls
        return {"Listeners": [self.shown_listener(ls)]}

    def elasticloadbalancing_ModifyListener(self, p):
        ls = self.listener(p["ListenerArn"])
        self.set_listener(ls, p)
        return {"Listeners": [self.shown_listener(ls)]}

    def drop_listener(self, arn):
        for rule in [r for r in self.rules.values() if r["listener"] == arn]:
            del self.rules[rule["RuleArn"]]
        del self.listeners[arn]

    def elasticloadbalancing_DeleteListener(self, p):
        self.drop_listener(self.listener(p["ListenerArn"])["arn"])
        return {}

    def elasticloadbalancing_DescribeListeners(self, p):
        self.load_balancer(p["LoadBalancerArn"])
        return {"Listeners": [self.shown_listener(ls) for ls in self.listeners.values()
                              if ls["lb"] == p["LoadBalancerArn"]]}

    def elasticloadbalancing_DescribeListenerCertificates(self, p):
        ls = self.listener(p["ListenerArn"])
        return {"Certificates": [{"CertificateArn": ls["certificate"], "IsDefault": True}] + [
            {"CertificateArn": c, "IsDefault": False} for c in ls["extra"]]}

    def elasticloadbalancing_AddListenerCertificates(self, p):
        for c in listed(p["Certificates"]):
            if c["CertificateArn"] not in self.certificates:
                raise Fault("CertificateNotFound")
            self.listener(p["ListenerArn"])["extra"].append(c["CertificateArn"])
        return {"Certificates": []}

    def elasticloadbalancing_RemoveListenerCertificates(self, p):
        extra = self.listener(p["ListenerArn"])["extra"]
        for c in listed(p["Certificates"]):
            extra.remove(c["CertificateArn"])
        return {}

    def shown_rule(self, r):
        conditions = json.loads(json.dumps(r["Conditions"]))
        for c in conditions if self.typed_conditions else []:
            name = {"path-pattern": "PathPatternConfig", "host-header": "HostHeaderConfig"}[c["Field"]]
            c[name] = {"Values": c["Values"]}
        return {"RuleArn": r["RuleArn"], "Priority": r["Priority"], "Conditions": conditions,
                "Actions": [self.shown_action(a) for a in r["Actions"]], "IsDefault": False}

    def elasticloadbalancing_DescribeRules(self, p):
        ls = self.listener(p["ListenerArn"])
        found = [self.shown_rule(r) for r in self.rules.values() if r["listener"] == ls["arn"]]
        found.append({"RuleArn": ls["arn"].replace(":listener/", ":listener-rule/") + "/default",
                      "Priority": "default", "Conditions": [],
                      "Actions": [self.shown_action(a) for a in ls["actions"]], "IsDefault": True})
        return {"Rules": found}

    def elasticloadbalancing_CreateRule(self, p):
        ls = self.listener(p["ListenerArn"])
        if any(r["listener"] == ls["arn"] and r["Priority"] == p["Priority"] for r in self.rules.values()):
            raise Fault("PriorityInUse")
        for a in listed(p["Actions"]):
            if "TargetGroupArn" in a and a["TargetGroupArn"] not in self.target_groups:
                raise Fault("TargetGroupNotFound")
        self.made["rule"] += 1
        arn = ls["arn"].replace(":listener/", ":listener-rule/") + f"/{self.made['rule']:016x}"
        self.names[arn] = "${%srule_%s_%s}" % (ls["shown"], ls["port"], p["Priority"])
        rule = {"RuleArn": arn, "listener": ls["arn"], "Priority": p["Priority"],
                "Conditions": listed(p["Conditions"]), "Actions": listed(p["Actions"])}
        self.rules[arn] = rule
        return {"Rules": [self.shown_rule(rule)]}

    def elasticloadbalancing_ModifyRule(self, p):
        rule = self.rules[p["RuleArn"]]
        rule.update(Conditions=listed(p["Conditions"]), Actions=listed(p["Actions"]))
        return {"Rules": [self.shown_rule(rule)]}

    def elasticloadbalancing_DeleteRule(self, p):
        del self.rules[p["RuleArn"]]
        return {}

    # --- the JSON services

    def tagged(self, types):
        if "ec2" in types:
            for s in self.subnets.values():
                yield self.arn("ec2", f"subnet/{s['id']}"), s.get("tags", {})
            for g in self.groups.values():
                yield self.arn("ec2", f"security-group/{g['id']}"), g["tags"]
        if "elasticloadbalancing:targetgroup" in types:
            for tg in self.target_groups.values():
                yield tg["arn"], tg["tags"]
        if "elasticloadbalancing:loadbalancer" in types:
            for lb in self.load_balancers.values():
                yield lb["arn"], lb["tags"]

    def tagging_GetResources(self, p):
        found = [(arn, tags) for arn, tags in self.tagged(p["ResourceTypeFilters"])
                 if all(f["Key"] in tags and (not f["Values"] or tags[f["Key"]] in f["Values"])
                        for f in p["TagFilters"])]
        return {"PaginationToken": "", "ResourceTagMappingList": [
            {"ResourceARN": arn, "Tags": pairs(tags)} for arn, tags in found]}

    def waf_regional_GetWebACLForResource(self, p):
        acl = self.acl_of.get(p["ResourceArn"])
        return {"WebACLSummary": {"WebACLId": acl, "Name": acl} if acl else None}

    def waf_regional_GetWebACL(self, p):
        if p["WebACLId"] not in self.web_acls:
            raise Fault("WAFNonexistentItemException")
        return {"WebACL": {"WebACLId": p["WebACLId"]}}

    def waf_regional_AssociateWebACL(self, p):
        self.acl_of[p["ResourceArn"]] = p["WebACLId"]
        return {}

    def waf_regional_DisassociateWebACL(self, p):
        self.acl_of.pop(p["ResourceArn"], None)
        return {}

    def acm_ListCertificates(self, p):
        return {"CertificateSummaryList": [
            {"CertificateArn": c["arn"], "DomainName": c["names"][0]} for c in self.certificates.values()
            if c["status"] in p.get("CertificateStatuses", [c["status"]])]}

    def acm_DescribeCertificate(self, p):
        c = self.certificates[p["CertificateArn"]]
        return {"Certificate": {"CertificateArn": c["arn"], "DomainName": c["names"][0], "Type": c["type"],
                                "SubjectAlternativeNames": c["names"], "Status": c["status"]}}

    def iam_ListServerCertificates(self, p):
        return {"ServerCertificateMetadataList": [], "IsTruncated": False}

    def sts_AssumeRoleWithWebIdentity(self, p):
        self.made["session"] += 1
        return {"Credentials": {
            "AccessKeyId": f"ASIASESSION{self.made['session']}", "SecretAccessKey": "secret",
            "SessionToken": f"token {self.made['session']}", "Expiration": self.session_end}}

    # --- one call

    def call(self, service, action, p):
        """The answer, or Fault. The call is kept, with the code of its error."""
        with self.lock:
            kept = {"call": f"{service} {action}", "parameters": p}
            changes = not action.startswith(READS)
            if changes and self.before_change:
                self.before_change(kept)
            self.calls.append(kept)
            try:
                if self.faults[f"{service}.{action}"]:
                    f = self.faults[f"{service}.{action}"].pop(0)
                    raise Fault(f["code"], f.get("message", ""), f.get("status", 400))
                return getattr(self, f"{service.replace('-', '_')}_{action}")(p)
            except Fault as f:
                kept["error"] = {"code": f.code, "status": f.status}
                raise
            finally:
                kept["done"] = True


class Handler(http.server.BaseHTTPRequestHandler):
    """Query, EC2 query and JSON requests, told apart as the services are."""
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # an answer is one write
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        scope = re.search(r"Credential=[^/]*/\d+/[^/]*/([^/]+)/", self.headers.get("Authorization", ""))
        service = scope.group(1) if scope else "sts"
        target = self.headers.get("X-Amz-Target")
        account = self.server.account
        key = re.search(r"Credential=([^/]*)/", self.headers.get("Authorization", ""))
        account.keys.append(key.group(1) if key else None)
        if self.server.hook:
            broken = self.server.hook(service, target or body)
            if broken is not None:
                if broken == "cut":
                    self.close_connection = True
                    self.connection.close()
                    return
                self.answer(broken, "text/plain", "try later")
                return
        if target:
            action, p = target.split(".")[-1], json.loads(body)
        else:
            form = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
            action = form.pop("Action")
            form.pop("Version", None)
            p = nested(form)
        try:
            result = account.call(service, action, p)
        except Fault as f:
            self.answer_fault(service, f, bool(target))
            return
        if target:
            self.answer(200, "application/x-amz-json-1.1", json.dumps(result))
        elif service == "ec2":
            self.answer(200, "text/xml", xml(f"{action}Response", {"requestId": "r", **result}, "item"))
        else:
            self.answer(200, "text/xml", xml(f"{action}Response", {
                f"{action}Result": result, "ResponseMetadata": {"RequestId": "r"}}, "member"))

    def answer_fault(self, service, f, is_json):
        zero = "00000000-0000-0000-0000-000000000000"
        if is_json:
            self.answer(f.status, "application/x-amz-json-1.1",
                        json.dumps({"__type": f.code, "message": f.message}), zero)
        elif service == "ec2":
            self.answer(f.status, "text/xml", "<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error>"
                        "</Errors><RequestID>%s</RequestID></Response>" % (f.code, escape(f.message), zero))
        else:
            self.answer(f.status, "text/xml", "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s"
                        "</Message></Error><RequestId>%s</RequestId></ErrorResponse>"
                        % (f.code, escape(f.message), zero))

    def answer(self, status, kind, text, request_id="r"):
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("x-amzn-RequestId", request_id)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class FakeAws(http.server.ThreadingHTTPServer):
    """Serves one account on a free port of 127.0.0.1."""
    daemon_threads = True

    def __init__(self, world):
        super().__init__(("127.0.0.1", 0), Handler)
        self.account = Account(world)
        self.hook = None  # (service, text) -> None, a status, or "cut"
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def handle_error(self, request, client_address):
        pass

    def close(self):
        self.shutdown()
        self.server_close()

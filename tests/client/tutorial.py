"""The tutorial's steps as functions, for tests that need the world it leads to."""
import json

from conftest import ACCOUNT, REGION, TUTORIAL, wait_for

POLICY_ARN = f"arn:aws:iam::{ACCOUNT}:policy/ALBIngressControllerIAMPolicy"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/alb-ingress-controller"


def policy_document(without=()):
    """The tutorial's policy, with some actions taken out."""
    document = json.loads((TUTORIAL / "policy-alb-ingress-controller.json").read_text())
    for statement in document["Statement"]:
        statement["Action"] = [a for a in statement["Action"] if a not in without]
    return json.dumps(document)


def cluster(elbow):
    return elbow.client("eks").describe_cluster(name="sample")["cluster"]


def create_oidc_provider(elbow):
    return elbow.client("iam").create_open_id_connect_provider(
        Url=cluster(elbow)["identity"]["oidc"]["issuer"], ClientIDList=["sts.amazonaws.com"],
        ThumbprintList=["0" * 40])["OpenIDConnectProviderArn"]


def create_role(elbow, document=None):
    """Policy, role with its trust in the cluster's service account, and the two joined."""
    issuer = cluster(elbow)["identity"]["oidc"]["issuer"].removeprefix("https://")
    trust = (TUTORIAL / "trust-policy.json").read_text()
    trust = trust.replace("[ACCOUNT]", ACCOUNT).replace("[ISSUER]", issuer)
    iam = elbow.client("iam")
    iam.create_policy(PolicyName="ALBIngressControllerIAMPolicy",
                      PolicyDocument=document or policy_document())
    iam.create_role(RoleName="alb-ingress-controller", AssumeRolePolicyDocument=trust)
    iam.attach_role_policy(RoleName="alb-ingress-controller", PolicyArn=POLICY_ARN)


def replace_policy(elbow, document):
    """The policy's new default version; at most one other is kept."""
    iam = elbow.client("iam")
    for version in iam.list_policy_versions(PolicyArn=POLICY_ARN)["Versions"]:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=POLICY_ARN, VersionId=version["VersionId"])
    iam.create_policy_version(PolicyArn=POLICY_ARN, PolicyDocument=document, SetAsDefault=True)


def start_controller(elbow):
    elbow.kubectl("apply", "-f", TUTORIAL / "rbac-role.yaml")
    elbow.kubectl("annotate", "serviceaccount", "-n", "kube-system", "alb-ingress-controller",
                  f"eks.amazonaws.com/role-arn={ROLE_ARN}")
    manifest = (TUTORIAL / "alb-ingress-controller.yml").read_text()
    vpc = cluster(elbow)["resourcesVpcConfig"]["vpcId"]
    for name, value in (("[CLUSTER]", "sample"), ("[VPC]", vpc), ("[REGION]", REGION)):
        manifest = manifest.replace(name, value)
    elbow.kubectl("apply", "-f", "-", stdin=manifest)
    elbow.kubectl("rollout", "status", "-n", "kube-system", "deployment/alb-ingress-controller",
                  "--timeout=30s")


def prepare(elbow, document=None, provider=True):
    """Everything up to the running controller."""
    if provider:
        create_oidc_provider(elbow)
    create_role(elbow, document)
    start_controller(elbow)


def apply_sample(elbow, ingress="ingress.yml"):
    for name in ("namespace.yml", "deployment.yml", "service.yml", ingress):
        elbow.kubectl("apply", "-f", TUTORIAL / name)


def delete_sample(elbow, ingress="ingress.yml"):
    for name in (ingress, "service.yml", "deployment.yml", "namespace.yml"):
        elbow.kubectl("delete", "-f", TUTORIAL / name)


def address(elbow, name="sample-ingress", namespace="sample"):
    """The Ingress's ADDRESS, "" while it has none."""
    return elbow.kubectl("get", "ingress", name, "-n", namespace, "-o",
                         "jsonpath={.status.loadBalancer.ingress[0].hostname}").stdout


def wait_for_address(elbow, name="sample-ingress", namespace="sample"):
    return wait_for(lambda: address(elbow, name, namespace), 20, "the Ingress got no ADDRESS")


def wait_for_page(elbow, host, status=200, seconds=20):
    """The body, once the load balancer answers so."""
    return wait_for(lambda: [b for s, b in [elbow.curl(host)] if s == status], seconds,
                    f"{host} never answered {status}")[0]


def logs(elbow):
    return elbow.kubectl("logs", "-n", "kube-system", "deployment.apps/alb-ingress-controller").stdout


def target_health(elbow):
    """State, reason and description of every target of every target group."""
    elb = elbow.client("elbv2")
    return [(t["Target"]["Id"], t["TargetHealth"]["State"], t["TargetHealth"].get("Reason"))
            for g in elb.describe_target_groups()["TargetGroups"]
            for t in elb.describe_target_health(TargetGroupArn=g["TargetGroupArn"])["TargetHealthDescriptions"]]


def nothing_is_left(elbow):
    elb, ec2 = elbow.client("elbv2"), elbow.client("ec2")
    groups = ec2.describe_security_groups(Filters=[{"Name": "tag-key", "Values": ["ingress.k8s.aws/stack"]}])
    return not (elb.describe_load_balancers()["LoadBalancers"] or elb.describe_target_groups()["TargetGroups"]
                or groups["SecurityGroups"])

"""Who is who, and who may what: RBAC, reviews, impersonation, EKS' tokens and mappings."""
import json
import subprocess
import urllib.parse
import urllib.request

import pytest
from conftest import ACCOUNT, REGION, clean_environment, newer_kubectl
from kube_objects import account_token, create, namespace, raw

pytestmark = pytest.mark.usefixtures("need_kubectl")
RBAC = "rbac.authorization.k8s.io"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
     "Action": "sts:AssumeRole"}]})
ANY = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "*", "Resource": "*"}]})


@pytest.fixture(scope="module")
def ns(elbow):
    with namespace(elbow, "identity") as name:
        yield name


def as_user(elbow, user, *arguments, stdin=None, groups=()):
    flags = [f"--as={user}", *[f"--as-group={g}" for g in groups]]
    return elbow.kubectl(*flags, *arguments, stdin=stdin, check=False)


# --- RBAC ---------------------------------------------------------------------------------------

def test_denials_say_who_what_and_where(elbow, ns):
    assert as_user(elbow, "jane", "get", "pods", "-n", ns).stderr == (
        'Error from server (Forbidden): pods is forbidden: User "jane" cannot list resource "pods" '
        f'in API group "" in the namespace "{ns}"\n')
    assert as_user(elbow, "jane", "get", "deployment/x", "-n", ns).stderr == (
        'Error from server (Forbidden): deployments.apps "x" is forbidden: User "jane" cannot get '
        f'resource "deployments" in API group "apps" in the namespace "{ns}"\n')
    assert as_user(elbow, "jane", "get", "nodes").stderr == (
        'Error from server (Forbidden): nodes is forbidden: User "jane" cannot list resource '
        '"nodes" in API group "" at the cluster scope\n')
    assert 'forbidden: User "jane" cannot get path "/metrics"' in \
        as_user(elbow, "jane", "get", "--raw", "/metrics").stderr


def test_what_a_binding_gives(elbow, ns):
    elbow.kubectl("create", "role", "reader", "-n", ns, "--verb=get,list", "--resource=pods")
    elbow.kubectl("create", "rolebinding", "readers", "-n", ns, "--role=reader", "--user=ann",
                  f"--serviceaccount={ns}:default")
    assert as_user(elbow, "ann", "get", "pods", "-n", ns).returncode == 0
    assert as_user(elbow, "ann", "get", "pods", "-n", "default").returncode == 1
    assert as_user(elbow, "ann", "auth", "can-i", "list", "pods", "-n", ns).stdout == "yes\n"
    assert as_user(elbow, "ann", "auth", "can-i", "delete", "pods", "-n", ns).stdout == "no\n"
    assert as_user(elbow, f"system:serviceaccount:{ns}:default", "auth", "can-i", "get", "pods",
                   "-n", ns).stdout == "yes\n"
    listed = as_user(elbow, "ann", "auth", "can-i", "--list", "-n", ns).stdout
    assert any(line.split() == ["pods", "[]", "[]", "[get", "list]"]
               for line in listed.splitlines()), listed
    elbow.kubectl("delete", "rolebinding", "readers", "-n", ns)
    assert as_user(elbow, "ann", "get", "pods", "-n", ns).returncode == 1


def test_nobody_gives_what_he_does_not_have(elbow, ns):
    elbow.kubectl("create", "role", "keeper", "-n", ns, "--verb=*",
                  f"--resource=roles.{RBAC},rolebindings.{RBAC},configmaps")
    elbow.kubectl("create", "rolebinding", "keepers", "-n", ns, "--role=keeper", "--user=kim")
    role = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": {"name": "more", "namespace": ns},
            "rules": [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]}]}
    done = as_user(elbow, "kim", "create", "-f", "-", stdin=json.dumps(role))
    if done.returncode == 0:  # verb * holds escalate too
        elbow.kubectl("delete", "role", "more", "-n", ns)
    elbow.kubectl("delete", "role", "keeper", "-n", ns)
    elbow.kubectl("create", "role", "keeper", "-n", ns, "--verb=create,update,get",
                  f"--resource=roles.{RBAC},rolebindings.{RBAC},configmaps")
    done = as_user(elbow, "kim", "create", "-f", "-", stdin=json.dumps(role))
    assert ('roles.rbac.authorization.k8s.io "more" is forbidden: user "kim" '
            '(groups=["system:authenticated"]) is attempting to grant RBAC permissions not '
            'currently held:\n{APIGroups:["apps"], Resources:["deployments"], Verbs:["get"]}'
            ) in done.stderr
    role["rules"] = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]
    assert as_user(elbow, "kim", "create", "-f", "-", stdin=json.dumps(role)).returncode == 0
    binding = {"apiVersion": f"{RBAC}/v1", "kind": "RoleBinding",
               "metadata": {"name": "all", "namespace": ns},
               "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "admin"},
               "subjects": [{"kind": "User", "apiGroup": RBAC, "name": "kim"}]}
    done = as_user(elbow, "kim", "create", "-f", "-", stdin=json.dumps(binding))
    assert "is attempting to grant RBAC permissions not currently held" in done.stderr
    binding["roleRef"]["name"] = "no-such-role"
    done = as_user(elbow, "kim", "create", "-f", "-", stdin=json.dumps(binding))
    assert 'clusterroles.rbac.authorization.k8s.io "no-such-role" not found' in done.stderr
    binding["roleRef"] = {"apiGroup": RBAC, "kind": "Role", "name": "more"}
    assert as_user(elbow, "kim", "create", "-f", "-", stdin=json.dumps(binding)).returncode == 0


def test_nobody_becomes_another_unasked(elbow, ns):
    token = account_token(elbow, ns, "default")
    done = with_token(elbow, token, "--as=jane", "get", "pods")
    assert (f'users "jane" is forbidden: User "system:serviceaccount:{ns}:default" cannot '
            'impersonate resource "users" in API group "" at the cluster scope') in done.stderr


# --- reviews --------------------------------------------------------------------------------------

def with_token(elbow, token, *arguments, env=None, stdin=None):
    """kubectl that knows nothing but a token."""
    server = elbow.ready["kubernetes"][0]["server"]
    return subprocess.run(
        ["kubectl", "--kubeconfig", "/dev/null", "--server", server, "--insecure-skip-tls-verify",
         "--token", token, *arguments], capture_output=True, text=True, timeout=60, input=stdin,
        env={**clean_environment(), "HOME": str(elbow.folder), **(env or {})})


@newer_kubectl
def test_whoami(elbow, ns):
    token = account_token(elbow, ns, "default")
    said = json.loads(with_token(elbow, token, "auth", "whoami", "-o", "json").stdout)
    info = said["status"]["userInfo"]
    assert info["username"] == f"system:serviceaccount:{ns}:default"
    assert info["groups"] == ["system:serviceaccounts", f"system:serviceaccounts:{ns}",
                              "system:authenticated"]
    assert info["extra"]["authentication.kubernetes.io/credential-id"][0].startswith("JTI=")


def test_reviews_of_others(elbow, ns):
    def review(spec):
        return raw(elbow, "/apis/authorization.k8s.io/v1/subjectaccessreviews",
                   {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
                    "spec": spec})

    pods = {"resourceAttributes": {"verb": "list", "resource": "pods", "namespace": ns}}
    got = review({**pods, "user": "x", "groups": ["system:masters"]})
    assert got["status"] == {"allowed": True}
    got = review({"resourceAttributes": {"verb": "create", "group": "authorization.k8s.io",
                                         "resource": "selfsubjectaccessreviews"},
                  "user": "x", "groups": ["system:authenticated"]})
    assert got["status"]["reason"] == (
        'RBAC: allowed by ClusterRoleBinding "system:basic-user" of ClusterRole '
        '"system:basic-user" to Group "system:authenticated"')
    assert review({**pods, "user": "x"})["status"] == {"allowed": False}
    assert "at least one of user or group must be specified" in review(pods)
    assert "exactly one of nonResourceAttributes or resourceAttributes must be specified" in \
        review({"user": "x"})


def test_reviews_of_tokens(elbow, ns):
    def review(**spec):
        return raw(elbow, "/apis/authentication.k8s.io/v1/tokenreviews",
                   {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
                    "spec": spec})["status"]

    token = account_token(elbow, ns, "default", "me")
    got = review(token=token, audiences=["me", "you"])
    assert got["authenticated"] is True and got["audiences"] == ["me"]
    assert got["user"]["username"] == f"system:serviceaccount:{ns}:default"
    assert "error" in review(token=token)
    assert "error" in review(token="nonsense")


# --- EKS ------------------------------------------------------------------------------------------

def eks_token(elbow, key="test", secret="test", session=None, cluster="sample"):
    env = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_DEFAULT_REGION": REGION}
    if session:
        env["AWS_SESSION_TOKEN"] = session
    done = elbow.run("aws", "eks", "get-token", "--cluster-name", cluster, env=env)
    return json.loads(done.stdout)["status"]["token"]


def whoami(elbow, token):
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    done = with_token(elbow, token, "create", "--raw", "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                      "-f", "-", stdin=json.dumps(review))
    return json.loads(done.stdout)["status"]["userInfo"] if done.returncode == 0 else done.stderr


def test_the_creator_is_the_cluster_s_master(elbow):
    info = whoami(elbow, eks_token(elbow))
    assert info["username"] == "kubernetes-admin" and "system:masters" in info["groups"]
    assert info["uid"] == f"aws-iam-authenticator:{ACCOUNT}:{ACCOUNT}"


def test_a_token_that_was_tampered_with(elbow):
    token = eks_token(elbow)
    for bad in (token[:120], "k8s-aws-v1.bm9uc2Vuc2U", token.replace("k8s-aws-v1.", "k8s-aws-v2.")):
        assert "You must be logged in to the server" in whoami(elbow, bad)


@pytest.fixture(scope="module")
def user(elbow):
    """An IAM user's key."""
    iam = elbow.client("iam")
    iam.create_user(UserName="kube-user")
    iam.put_user_policy(UserName="kube-user", PolicyName="any", PolicyDocument=ANY)
    return iam.create_access_key(UserName="kube-user")["AccessKey"]


def test_only_who_is_mapped_comes_in(elbow, user):
    token = eks_token(elbow, user["AccessKeyId"], user["SecretAccessKey"])
    assert "You must be logged in to the server" in whoami(elbow, token)
    assert "You must be logged in" in whoami(
        elbow, eks_token(elbow, user["AccessKeyId"], "wrong" * 8))


def set_map(elbow, **lists):
    elbow.kubectl("delete", "configmap", "aws-auth", "-n", "kube-system", "--ignore-not-found")
    create(elbow, "kube-system", {"apiVersion": "v1", "kind": "ConfigMap",
                                  "metadata": {"name": "aws-auth"}, "data": lists})


@pytest.fixture
def aws_auth(elbow):
    before = elbow.kubectl("get", "configmap", "aws-auth", "-n", "kube-system", "-o",
                           "jsonpath={.data}", check=False).stdout
    yield lambda **lists: set_map(elbow, **lists)
    set_map(elbow, **(json.loads(before) if before else {}))


def test_users_and_roles_of_aws_auth(elbow, user, aws_auth):
    aws_auth(mapUsers=f"- userarn: arn:aws:iam::{ACCOUNT}:user/kube-user\n"
                      "  username: kube-{{AccountID}}\n  groups: [viewers]\n",
             mapRoles=f"- rolearn: arn:aws:iam::{ACCOUNT}:role/kube-role\n"
                      "  username: role:{{SessionName}}\n  groups:\n  - system:masters\n")
    info = whoami(elbow, eks_token(elbow, user["AccessKeyId"], user["SecretAccessKey"]))
    assert info["username"] == f"kube-{ACCOUNT}"
    assert info["groups"] == ["viewers", "system:authenticated"]
    elbow.client("iam").create_role(RoleName="kube-role", Path="/deep/",
                                    AssumeRolePolicyDocument=TRUST)
    sts = elbow.client("sts", key=user["AccessKeyId"], secret=user["SecretAccessKey"])
    got = sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/deep/kube-role",
                          RoleSessionName="a@b")["Credentials"]
    info = whoami(elbow, eks_token(elbow, got["AccessKeyId"], got["SecretAccessKey"],
                                   got["SessionToken"]))
    assert info["username"] == "role:a-b" and "system:masters" in info["groups"]
    assert info["extra"]["sessionName"] == ["a@b"]


def eks_call(elbow, method, path, **body):
    """A call of EKS' API that Debian's SDKs do not know yet."""
    request = urllib.request.Request(
        elbow.aws + path, method=method, data=json.dumps(body).encode() if body else None,
        headers={"Content-Type": "application/json", "Authorization":
                 f"AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/eks/aws4_request, "
                 "SignedHeaders=host, Signature=0"})
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())


def test_access_entries(elbow, user, ns):
    arn = f"arn:aws:iam::{ACCOUNT}:user/kube-user"
    entry = "/clusters/sample/access-entries/" + urllib.parse.quote(arn, safe="")
    eks_call(elbow, "POST", "/clusters/sample/access-entries", principalArn=arn,
             kubernetesGroups=["auditors"])
    token = eks_token(elbow, user["AccessKeyId"], user["SecretAccessKey"])
    try:
        info = whoami(elbow, token)
        assert info["username"] == arn and info["groups"] == ["auditors", "system:authenticated"]
        assert with_token(elbow, token, "get", "pods", "-n", ns).returncode == 1
        eks_call(elbow, "POST", entry + "/access-policies",
                 policyArn="arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
                 accessScope={"type": "namespace", "namespaces": [ns]})
        assert with_token(elbow, token, "get", "pods", "-n", ns).returncode == 0
        assert with_token(elbow, token, "get", "pods", "-n", "default").returncode == 1
        assert with_token(elbow, token, "auth", "can-i", "delete", "pods", "-n",
                          ns).stdout == "no\n"
    finally:
        eks_call(elbow, "DELETE", entry)
    assert "You must be logged in" in whoami(elbow, token)

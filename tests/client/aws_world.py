"""Things in the emulated account that several tests need: roles, networks, and errors by code."""
import contextlib
import json
import urllib.error
import urllib.request

import botocore.exceptions
import pytest

from conftest import ACCOUNT, REGION

VPC = "vpc-0e1b0a5a3c1e7d001"
PUBLIC = ["subnet-0e1b0a5a3c1e7d101", "subnet-0e1b0a5a3c1e7d102", "subnet-0e1b0a5a3c1e7d103"]
PRIVATE = ["subnet-0e1b0a5a3c1e7d201", "subnet-0e1b0a5a3c1e7d202", "subnet-0e1b0a5a3c1e7d203"]
NODE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/eksctl-sample-nodegroup-ng-1-NodeInstanceRole"
FARGATE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/eksctl-sample-cluster-FargatePodExecutionRole"
CLUSTER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/eksctl-sample-cluster-ServiceRole"


@contextlib.contextmanager
def refused(code, words=None, status=None):
    """What stands inside is refused with this code, and with a message that has these words."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        yield
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    if words is not None:
        assert words in error["Message"], error
    if status is not None:
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def make_role(elbow, name, service, policies=()):
    """A role that @service may assume, with policies that AWS manages; its ARN."""
    iam = elbow.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service},
                       "Action": "sts:AssumeRole"}]}))["Role"]["Arn"]
    for policy in policies:
        iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    return arn


def rest(elbow, service, method, path, body=None):
    """One REST-JSON call as newer clients make it: (status, error type or None, answer)."""
    scope = f"test/20260101/{REGION}/{service}/aws4_request"
    request = urllib.request.Request(
        elbow.aws + path, method=method, data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json",
                 "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, None, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, error.headers["x-amzn-ErrorType"], json.load(error)

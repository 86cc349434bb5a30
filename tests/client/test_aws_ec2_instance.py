"""Instances and network interfaces, those of nodes first: what controllers read of them."""
import pytest

from aws_world import PRIVATE, PUBLIC, VPC, refused
from conftest import ACCOUNT, wait_for

CLUSTER_GROUP = "sg-0e1b0a5a3c1e7d003"


@pytest.fixture(scope="module")
def ec2(elbow):
    return elbow.client("ec2")


@pytest.fixture(scope="module")
def nodes(ec2):
    """The two instances of the tutorial's node group."""
    def found():
        reservations = ec2.describe_instances(Filters=[
            {"Name": "tag:eks:nodegroup-name", "Values": ["ng-1"]},
            {"Name": "instance-state-name", "Values": ["running"]}])["Reservations"]
        return [i for r in reservations for i in r["Instances"]]
    return wait_for(lambda: found() if len(found()) == 2 else None)


def test_a_node_as_an_instance(nodes):
    node = nodes[0]
    assert node["InstanceType"] == "t3.medium" and node["VpcId"] == VPC
    assert node["SubnetId"] in PUBLIC and node["State"] == {"Code": 16, "Name": "running"}
    assert node["PrivateDnsName"] == (
        f"ip-{node['PrivateIpAddress'].replace('.', '-')}.ap-northeast-1.compute.internal")
    assert node["SecurityGroups"] == [
        {"GroupId": CLUSTER_GROUP, "GroupName": "eks-cluster-sg-sample-10482093"}]
    eni = node["NetworkInterfaces"][0]
    assert eni["Attachment"]["DeviceIndex"] == 0 and eni["Attachment"]["Status"] == "attached"
    assert eni["Groups"] == node["SecurityGroups"]
    assert eni["PrivateIpAddresses"][0]["PrivateIpAddress"] == node["PrivateIpAddress"]
    assert {"Key": "kubernetes.io/cluster/sample", "Value": "owned"} in node["Tags"]


def test_asking_for_instances(ec2, nodes):
    ids = [n["InstanceId"] for n in nodes]
    listed = ec2.describe_instances(InstanceIds=ids)["Reservations"]
    assert sorted(i["InstanceId"] for r in listed for i in r["Instances"]) == sorted(ids)
    assert all(r["OwnerId"] == ACCOUNT for r in listed)
    by_name = ec2.describe_instances(Filters=[
        {"Name": "private-dns-name", "Values": [nodes[0]["PrivateDnsName"]]}])["Reservations"]
    assert by_name[0]["Instances"][0]["InstanceId"] == ids[0]
    with refused("InvalidInstanceID.NotFound", "The instance ID 'i-00000000000000000' does not exist"):
        ec2.describe_instances(InstanceIds=["i-00000000000000000"])
    with refused("InvalidInstanceID.NotFound",
                 "The instance IDs 'i-00000000000000000, i-00000000000000001' do not exist"):
        ec2.describe_instances(InstanceIds=["i-00000000000000000", "i-00000000000000001"])
    with refused("InvalidInstanceID.Malformed", 'Invalid id: "fargate-ip-1"'):
        ec2.describe_instance_status(InstanceIds=["fargate-ip-1"])


def test_status(ec2, nodes):
    status = ec2.describe_instance_status(InstanceIds=[nodes[0]["InstanceId"]])["InstanceStatuses"][0]
    assert status["InstanceState"]["Code"] == 16
    assert status["InstanceStatus"]["Status"] == status["SystemStatus"]["Status"] == "ok"


def test_interfaces_of_nodes_and_of_the_control_plane(ec2, nodes):
    mine = ec2.describe_network_interfaces(Filters=[
        {"Name": "attachment.instance-id", "Values": [nodes[0]["InstanceId"]]}])["NetworkInterfaces"]
    assert mine[0]["Status"] == "in-use" and mine[0]["RequesterManaged"] is False
    assert mine[0]["Attachment"]["InstanceOwnerId"] == ACCOUNT
    plane = ec2.describe_network_interfaces(Filters=[
        {"Name": "description", "Values": ["Amazon EKS sample"]}])["NetworkInterfaces"]
    assert len(plane) == 2 and len({e["AvailabilityZone"] for e in plane}) == 2
    assert CLUSTER_GROUP in {g["GroupId"] for g in plane[0]["Groups"]}
    with refused("AuthFailure", "You do not have permission to access the specified resource."):
        ec2.modify_network_interface_attribute(
            NetworkInterfaceId=plane[0]["NetworkInterfaceId"], Groups=[CLUSTER_GROUP])
    addresses = [p["PrivateIpAddress"] for p in mine[0]["PrivateIpAddresses"]]
    for address in addresses:
        found = ec2.describe_network_interfaces(Filters=[
            {"Name": "vpc-id", "Values": [VPC]},
            {"Name": "addresses.private-ip-address", "Values": [address]}])["NetworkInterfaces"]
        assert [e["NetworkInterfaceId"] for e in found] == [mine[0]["NetworkInterfaceId"]]


def test_groups_of_an_interface(ec2):
    group = ec2.create_security_group(GroupName="eni-groups", Description="d", VpcId=VPC)["GroupId"]
    eni = ec2.create_network_interface(
        SubnetId=PRIVATE[0], Groups=[CLUSTER_GROUP], Description="mine", PrivateIpAddress="192.168.96.77",
        TagSpecifications=[{"ResourceType": "network-interface", "Tags": [{"Key": "a", "Value": "b"}]}])
    eni = eni["NetworkInterface"]
    assert eni["Status"] == "available" and eni["PrivateIpAddress"] == "192.168.96.77"
    assert eni["TagSet"] == [{"Key": "a", "Value": "b"}]
    name = eni["NetworkInterfaceId"]
    with refused("InvalidIPAddress.InUse", "Address 192.168.96.77 is in use."):
        ec2.create_network_interface(SubnetId=PRIVATE[0], PrivateIpAddress="192.168.96.77")
    with refused("InvalidParameterValue", "does not fall within the subnet's address range"):
        ec2.create_network_interface(SubnetId=PRIVATE[0], PrivateIpAddress="192.168.0.77")
    ec2.modify_network_interface_attribute(NetworkInterfaceId=name, Groups=[group, CLUSTER_GROUP])
    shown = ec2.describe_network_interfaces(NetworkInterfaceIds=[name])["NetworkInterfaces"][0]
    assert {g["GroupId"] for g in shown["Groups"]} == {group, CLUSTER_GROUP}
    with refused("DependencyViolation", f"resource {group} has a dependent object"):
        ec2.delete_security_group(GroupId=group)
    with refused("SecurityGroupsPerInterfaceLimitExceeded"):
        ec2.modify_network_interface_attribute(NetworkInterfaceId=name, Groups=[group] * 6)
    ec2.modify_network_interface_attribute(NetworkInterfaceId=name, SourceDestCheck={"Value": False})
    assert ec2.describe_network_interface_attribute(
        NetworkInterfaceId=name, Attribute="sourceDestCheck")["SourceDestCheck"]["Value"] is False
    more = ec2.assign_private_ip_addresses(NetworkInterfaceId=name, SecondaryPrivateIpAddressCount=2)
    more = [a["PrivateIpAddress"] for a in more["AssignedPrivateIpAddresses"]]
    ec2.unassign_private_ip_addresses(NetworkInterfaceId=name, PrivateIpAddresses=more[:1])
    shown = ec2.describe_network_interfaces(NetworkInterfaceIds=[name])["NetworkInterfaces"][0]
    assert {a["PrivateIpAddress"] for a in shown["PrivateIpAddresses"]} == {"192.168.96.77", more[1]}
    ec2.delete_network_interface(NetworkInterfaceId=name)
    ec2.delete_security_group(GroupId=group)
    with refused("InvalidNetworkInterfaceID.NotFound", f"The networkInterface ID '{name}' does not exist"):
        ec2.describe_network_interfaces(NetworkInterfaceIds=[name])


def test_a_node_keeps_its_interface(ec2, nodes):
    eni = nodes[0]["NetworkInterfaces"][0]
    with refused("InvalidParameterValue", "is currently in use."):
        ec2.delete_network_interface(NetworkInterfaceId=eni["NetworkInterfaceId"])
    with refused("OperationNotPermitted", "device index 0 cannot be detached"):
        ec2.detach_network_interface(AttachmentId=eni["Attachment"]["AttachmentId"])


def test_pages_of_tags(ec2):
    assert len(ec2.describe_tags(MaxResults=5)["Tags"]) == 5
    pages = ec2.get_paginator("describe_tags").paginate(PaginationConfig={"PageSize": 10})
    assert sum(len(page["Tags"]) for page in pages) == len(ec2.describe_tags()["Tags"])

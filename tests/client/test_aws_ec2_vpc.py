"""VPCs and what is in them: made, changed, refused and deleted in the right order."""
import pytest

from aws_world import PRIVATE, PUBLIC, VPC, refused
from conftest import ACCOUNT, REGION

NOWHERE = "00000000000000000"


@pytest.fixture(scope="module")
def ec2(elbow):
    return elbow.client("ec2")


@pytest.fixture
def vpc(ec2):
    made = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    yield made
    ec2.delete_vpc(VpcId=made)


def test_the_vpc_of_the_tutorial(ec2):
    shown = ec2.describe_vpcs(VpcIds=[VPC])["Vpcs"][0]
    assert shown["CidrBlock"] == "192.168.0.0/16" and shown["State"] == "available"
    assert shown["IsDefault"] is False and shown["OwnerId"] == ACCOUNT
    assert [a["CidrBlock"] for a in shown["CidrBlockAssociationSet"]] == ["192.168.0.0/16"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [VPC]}])["Subnets"]
    assert [s["SubnetId"] for s in subnets] == PUBLIC + PRIVATE
    first = subnets[0]
    assert first["AvailabilityZone"] == "ap-northeast-1a" and first["AvailabilityZoneId"] == "apne1-az4"
    assert first["SubnetArn"] == f"arn:aws:ec2:{REGION}:{ACCOUNT}:subnet/{PUBLIC[0]}"
    assert first["MapPublicIpOnLaunch"] is True and first["AvailableIpAddressCount"] < 8187
    tables = ec2.describe_route_tables(
        Filters=[{"Name": "association.subnet-id", "Values": [PUBLIC[0]]}])["RouteTables"]
    assert len(tables) == 1
    routes = {r["DestinationCidrBlock"]: r for r in tables[0]["Routes"]}
    assert routes["192.168.0.0/16"]["GatewayId"] == "local"
    assert routes["192.168.0.0/16"]["Origin"] == "CreateRouteTable"
    assert routes["0.0.0.0/0"]["GatewayId"].startswith("igw-")
    assert routes["0.0.0.0/0"]["State"] == "active"


def test_a_region_has_its_default_vpc(elbow):
    ec2 = elbow.client("ec2", region="eu-west-1")
    vpcs = ec2.describe_vpcs()["Vpcs"]
    assert [(v["CidrBlock"], v["IsDefault"]) for v in vpcs] == [("172.31.0.0/16", True)]
    subnets = ec2.describe_subnets()["Subnets"]
    assert [(s["CidrBlock"], s["DefaultForAz"], s["MapPublicIpOnLaunch"]) for s in subnets] == [
        (f"172.31.{n}.0/20", True, True) for n in (0, 16, 32)]
    group = ec2.describe_security_groups()["SecurityGroups"]
    assert [g["GroupName"] for g in group] == ["default"]
    assert group[0]["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == group[0]["GroupId"]
    table = ec2.describe_route_tables()["RouteTables"][0]
    assert table["Associations"][0]["Main"] is True
    assert table["Routes"][1]["GatewayId"] == ec2.describe_internet_gateways()[
        "InternetGateways"][0]["InternetGatewayId"]
    with refused("DefaultVpcAlreadyExists"):
        ec2.create_default_vpc()


def test_accounts_do_not_see_each_other(elbow):
    other = elbow.client("ec2", key="210987654321")
    with refused("InvalidVpcID.NotFound"):
        other.describe_vpcs(VpcIds=[VPC])
    assert all(v["OwnerId"] == "210987654321" for v in other.describe_vpcs()["Vpcs"])


BAD_VPCS = [
    ("10.0.0.0/15", "InvalidVpc.Range", "The CIDR '10.0.0.0/15' is invalid."),
    ("10.0.0.0/29", "InvalidVpc.Range", "The CIDR '10.0.0.0/29' is invalid."),
    ("10.0.0.0", "InvalidParameterValue", "This is not a valid CIDR block."),
    ("10.0.0.300/16", "InvalidParameterValue", "This is not a valid CIDR block."),
]


@pytest.mark.parametrize("cidr,code,words", BAD_VPCS)
def test_blocks_that_no_vpc_has(ec2, cidr, code, words):
    with refused(code, words, 400):
        ec2.create_vpc(CidrBlock=cidr)


def test_attributes_of_a_vpc(ec2, vpc):
    def attribute(name):
        return ec2.describe_vpc_attribute(VpcId=vpc, Attribute=name)[name[0].upper() + name[1:]]["Value"]

    assert attribute("enableDnsSupport") is True and attribute("enableDnsHostnames") is False
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    assert attribute("enableDnsHostnames") is True
    with refused("InvalidParameterCombination", "Fields for multiple attribute types specified"):
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True},
                                 EnableDnsSupport={"Value": True})


BAD_SUBNETS = [
    ({"CidrBlock": "10.21.0.0/24"}, "InvalidSubnet.Range", "The CIDR '10.21.0.0/24' is invalid."),
    ({"CidrBlock": "10.20.1.128/25"}, "InvalidSubnet.Conflict",
     "The CIDR '10.20.1.128/25' conflicts with another subnet"),
    ({"CidrBlock": "10.20.2.0/24", "AvailabilityZone": "ap-northeast-1b"}, "InvalidParameterValue",
     "Value (ap-northeast-1b) for parameter availabilityZone is invalid."),
]


def test_subnets(ec2, vpc):
    made = ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.1.7/24", AvailabilityZone="ap-northeast-1c",
                             TagSpecifications=[{"ResourceType": "subnet",
                                                 "Tags": [{"Key": "Name", "Value": "one"}]}])["Subnet"]
    assert made["CidrBlock"] == "10.20.1.0/24" and made["AvailableIpAddressCount"] == 251
    assert made["Tags"] == [{"Key": "Name", "Value": "one"}] and made["MapPublicIpOnLaunch"] is False
    for change, code, words in BAD_SUBNETS:
        with refused(code, words, 400):
            ec2.create_subnet(VpcId=vpc, **change)
    ec2.modify_subnet_attribute(SubnetId=made["SubnetId"], MapPublicIpOnLaunch={"Value": True})
    assert ec2.describe_subnets(SubnetIds=[made["SubnetId"]])["Subnets"][0]["MapPublicIpOnLaunch"] is True
    with refused("DependencyViolation", f"The vpc '{vpc}' has dependencies and cannot be deleted."):
        ec2.delete_vpc(VpcId=vpc)
    eni = ec2.create_network_interface(SubnetId=made["SubnetId"])["NetworkInterface"]["NetworkInterfaceId"]
    with refused("DependencyViolation",
                 f"The subnet '{made['SubnetId']}' has dependencies and cannot be deleted."):
        ec2.delete_subnet(SubnetId=made["SubnetId"])
    ec2.delete_network_interface(NetworkInterfaceId=eni)
    ec2.delete_subnet(SubnetId=made["SubnetId"])
    with refused("InvalidSubnetID.NotFound", f"The subnet ID '{made['SubnetId']}' does not exist"):
        ec2.describe_subnets(SubnetIds=[made["SubnetId"]])


def test_routes_and_gateways(ec2, vpc):
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.1.0/24")["Subnet"]["SubnetId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    route = {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0"}
    with refused("InvalidParameterValue", "belong to different networks"):
        ec2.create_route(**route, GatewayId=gateway)
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    with refused("Resource.AlreadyAssociated"):
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    with refused("DependencyViolation"):
        ec2.delete_internet_gateway(InternetGatewayId=gateway)
    assert ec2.create_route(**route, GatewayId=gateway)["Return"] is True
    with refused("RouteAlreadyExists", "The route identified by 0.0.0.0/0 already exists."):
        ec2.create_route(**route, GatewayId=gateway)
    with refused("InvalidRouteTableID.NotFound"):
        ec2.create_route(**{**route, "RouteTableId": f"rtb-{NOWHERE}"}, GatewayId=gateway)
    association = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"]
    with refused("DependencyViolation"):
        ec2.delete_route_table(RouteTableId=table)
    other = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    association = ec2.replace_route_table_association(
        AssociationId=association, RouteTableId=other)["NewAssociationId"]
    assert ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])[
        "RouteTables"][0]["RouteTableId"] == other
    ec2.disassociate_route_table(AssociationId=association)
    with refused("InvalidAssociationID.NotFound"):
        ec2.disassociate_route_table(AssociationId=association)
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    with refused("Gateway.NotAttached"):
        ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    shown = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    assert {r["DestinationCidrBlock"]: r["State"] for r in shown} == {
        "10.20.0.0/16": "active", "0.0.0.0/0": "blackhole"}
    ec2.delete_route(**route)
    with refused("InvalidRoute.NotFound",
                 f"no route with destination-cidr-block 0.0.0.0/0 in route table {table}"):
        ec2.delete_route(**route)
    for one in (table, other):
        ec2.delete_route_table(RouteTableId=one)
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)


def test_the_main_table_moves(ec2, vpc):
    main = {"Name": "association.main", "Values": ["true"]}
    here = {"Name": "vpc-id", "Values": [vpc]}
    old = ec2.describe_route_tables(Filters=[main, here])["RouteTables"][0]
    new = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.replace_route_table_association(
        AssociationId=old["Associations"][0]["RouteTableAssociationId"], RouteTableId=new)
    assert ec2.describe_route_tables(Filters=[main, here])["RouteTables"][0]["RouteTableId"] == new
    ec2.delete_route_table(RouteTableId=old["RouteTableId"])
    with refused("DependencyViolation"):
        ec2.delete_route_table(RouteTableId=new)


def test_more_blocks(ec2, vpc):
    more = ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.30.0.0/16")["CidrBlockAssociation"]
    assert more["CidrBlockState"]["State"] == "associating"
    with refused("InvalidVpc.Range"):
        ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.30.1.0/24")
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.30.1.0/24")["Subnet"]["SubnetId"]
    with refused("DependencyViolation"):
        ec2.disassociate_vpc_cidr_block(AssociationId=more["AssociationId"])
    ec2.delete_subnet(SubnetId=subnet)
    ec2.disassociate_vpc_cidr_block(AssociationId=more["AssociationId"])
    assert len(ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["CidrBlockAssociationSet"]) == 1


def test_nat_gateways_and_addresses(ec2, vpc):
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.1.0/24")["Subnet"]["SubnetId"]
    address = ec2.allocate_address(Domain="vpc")
    with refused("InvalidAllocationID.NotFound"):
        ec2.create_nat_gateway(SubnetId=subnet, AllocationId=f"eipalloc-{NOWHERE}")
    nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address["AllocationId"])["NatGateway"]
    assert nat["State"] == "pending"
    ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[nat["NatGatewayId"]],
                                                 WaiterConfig={"Delay": 1})
    assert nat["NatGatewayAddresses"][0]["PublicIp"] == address["PublicIp"]
    with refused("InvalidIPAddress.InUse"):
        ec2.release_address(AllocationId=address["AllocationId"])
    eni = ec2.describe_network_interfaces(Filters=[
        {"Name": "description", "Values": [f"Interface for NAT Gateway {nat['NatGatewayId']}"]}])
    eni = eni["NetworkInterfaces"][0]
    assert eni["InterfaceType"] == "nat_gateway" and eni["RequesterManaged"] is True
    with refused("DependencyViolation"):
        ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_nat_gateway(NatGatewayId=nat["NatGatewayId"])
    assert ec2.describe_nat_gateways(NatGatewayIds=[nat["NatGatewayId"]])[
        "NatGateways"][0]["State"] == "deleted"
    ec2.release_address(AllocationId=address["AllocationId"])
    with refused("InvalidAllocationID.NotFound"):
        ec2.release_address(AllocationId=address["AllocationId"])
    ec2.delete_subnet(SubnetId=subnet)


def test_peering(ec2, vpc):
    other = ec2.create_vpc(CidrBlock="10.21.0.0/16")["Vpc"]["VpcId"]
    groups = [ec2.create_security_group(GroupName="peer", Description="d", VpcId=v)["GroupId"]
              for v in (vpc, other)]
    rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "UserIdGroupPairs": [{"GroupId": groups[1]}]}
    with refused("InvalidGroup.NotFound",
                 "You have specified two resources that belong to different networks."):
        ec2.authorize_security_group_ingress(GroupId=groups[0], IpPermissions=[rule])
    peering = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=other)["VpcPeeringConnection"]
    assert peering["Status"]["Code"] == "pending-acceptance"
    peering = peering["VpcPeeringConnectionId"]
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    with refused("InvalidStateTransition"):
        ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    ec2.authorize_security_group_ingress(GroupId=groups[0], IpPermissions=[rule])
    ec2.delete_security_group(GroupId=groups[0])
    ec2.delete_security_group(GroupId=groups[1])
    ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering)
    ec2.delete_vpc(VpcId=other)


def test_prefix_lists(ec2):
    made = ec2.create_managed_prefix_list(
        PrefixListName="ours", MaxEntries=2, AddressFamily="IPv4",
        Entries=[{"Cidr": "10.0.0.1/8", "Description": "ten"}])["PrefixList"]
    assert made["Version"] == 1
    listed = made["PrefixListId"]
    assert ec2.get_managed_prefix_list_entries(PrefixListId=listed)["Entries"] == [
        {"Cidr": "10.0.0.0/8", "Description": "ten"}]
    with refused("PrefixListMaxEntriesExceeded"):
        ec2.modify_managed_prefix_list(PrefixListId=listed, CurrentVersion=1, AddEntries=[
            {"Cidr": "11.0.0.0/8"}, {"Cidr": "12.0.0.0/8"}])
    ec2.modify_managed_prefix_list(PrefixListId=listed, CurrentVersion=1, AddEntries=[
        {"Cidr": "11.0.0.0/8"}], RemoveEntries=[{"Cidr": "10.0.0.0/8"}])
    assert [e["Cidr"] for e in ec2.get_managed_prefix_list_entries(PrefixListId=listed)["Entries"]] == [
        "11.0.0.0/8"]
    with refused("PrefixListVersionMismatch"):
        ec2.modify_managed_prefix_list(PrefixListId=listed, CurrentVersion=1, AddEntries=[
            {"Cidr": "12.0.0.0/8"}])
    assert f"com.amazonaws.{REGION}.s3" in {
        p["PrefixListName"] for p in ec2.describe_managed_prefix_lists()["PrefixLists"]}
    ec2.delete_managed_prefix_list(PrefixListId=listed)
    with refused("InvalidPrefixListID.NotFound"):
        ec2.get_managed_prefix_list_entries(PrefixListId=listed)


def test_regions_and_zones(ec2):
    names = {r["RegionName"] for r in ec2.describe_regions()["Regions"]}
    assert {"us-east-1", "eu-west-1", REGION} <= names and "me-south-1" not in names
    zones = ec2.describe_availability_zones(Filters=[
        {"Name": "region-name", "Values": [REGION]}, {"Name": "state", "Values": ["available"]}])
    assert [z["ZoneName"] for z in zones["AvailabilityZones"]] == [f"{REGION}{z}" for z in "acd"]
    with refused("InvalidParameterValue", "Invalid availability zone: [ap-northeast-1z]"):
        ec2.describe_availability_zones(ZoneNames=["ap-northeast-1z"])
    attributes = ec2.describe_account_attributes(AttributeNames=["supported-platforms"])
    assert attributes["AccountAttributes"] == [
        {"AttributeName": "supported-platforms", "AttributeValues": [{"AttributeValue": "VPC"}]}]

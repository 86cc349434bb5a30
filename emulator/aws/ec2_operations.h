/* EC2's operations, a row each: name, handler (ec2_<handler>), what IAM is asked about, flags.
 * To be included by ec2.h and ec2.c. */
#pragma once

#define ARN(rest) "arn:aws:ec2:{region}:{account}:" rest

/* clang-format off */
#define EC2_OPERATIONS(X) \
    X(AcceptVpcPeeringConnection, accept_vpc_peering_connection, "{ec2:vpcPeeringConnectionId}", OP_WRITES) \
    X(AllocateAddress, allocate_address, ARN("elastic-ip/*"), OP_WRITES) \
    X(AssignPrivateIpAddresses, assign_private_ip_addresses, "{ec2:networkInterfaceId}", OP_WRITES) \
    X(AssociateAddress, associate_address, "{ec2:networkInterfaceId}|{ec2:InstanceId}|{ec2:AllocationId}", OP_WRITES) \
    X(AssociateRouteTable, associate_route_table, "{ec2:subnetId}|{ec2:routeTableId}", OP_WRITES) \
    X(AssociateVpcCidrBlock, associate_vpc_cidr_block, "{ec2:vpcId}", OP_WRITES) \
    X(AttachInternetGateway, attach_internet_gateway, "{ec2:vpcId}|{ec2:internetGatewayId}", OP_WRITES) \
    X(AttachNetworkInterface, attach_network_interface, "{ec2:networkInterfaceId}|{ec2:instanceId}", OP_WRITES) \
    X(AuthorizeSecurityGroupEgress, authorize_security_group_egress, "{ec2:groupId}", OP_WRITES) \
    X(AuthorizeSecurityGroupIngress, authorize_security_group_ingress, "{ec2:GroupId}", OP_WRITES) \
    X(CreateDefaultSubnet, create_default_subnet, ARN("subnet/*"), OP_WRITES) \
    X(CreateDefaultVpc, create_default_vpc, ARN("vpc/*"), OP_WRITES) \
    X(CreateEgressOnlyInternetGateway, create_egress_only_internet_gateway, ARN("egress-only-internet-gateway/*") "|" "{ec2:VpcId}", OP_WRITES) \
    X(CreateInternetGateway, create_internet_gateway, ARN("internet-gateway/*"), OP_WRITES) \
    X(CreateManagedPrefixList, create_managed_prefix_list, ARN("prefix-list/*"), OP_WRITES) \
    X(CreateNatGateway, create_nat_gateway, ARN("natgateway/*") "|" "{ec2:SubnetId}|{ec2:VpcId}|{ec2:AllocationId}", OP_WRITES) \
    X(CreateNetworkInterface, create_network_interface, ARN("network-interface/*") "|" "{ec2:SecurityGroupId}|{ec2:subnetId}", OP_WRITES) \
    X(CreateRoute, create_route, "{ec2:routeTableId}", OP_WRITES) \
    X(CreateRouteTable, create_route_table, ARN("route-table/*") "|" "{ec2:vpcId}", OP_WRITES) \
    X(CreateSecurityGroup, create_security_group, ARN("security-group/*") "|" "{ec2:VpcId}", OP_WRITES) \
    X(CreateSubnet, create_subnet, ARN("subnet/*") "|" "{ec2:VpcId}", OP_WRITES) \
    X(CreateTags, create_tags, "{ec2:ResourceId}", OP_WRITES) \
    X(CreateVpc, create_vpc, ARN("vpc/*"), OP_WRITES) \
    X(CreateVpcPeeringConnection, create_vpc_peering_connection, ARN("vpc-peering-connection/*") "|" "{ec2:vpcId}", OP_WRITES) \
    X(DeleteEgressOnlyInternetGateway, delete_egress_only_internet_gateway, "{ec2:EgressOnlyInternetGatewayId}", OP_WRITES) \
    X(DeleteInternetGateway, delete_internet_gateway, "{ec2:internetGatewayId}", OP_WRITES) \
    X(DeleteManagedPrefixList, delete_managed_prefix_list, "{ec2:PrefixListId}", OP_WRITES) \
    X(DeleteNatGateway, delete_nat_gateway, "{ec2:NatGatewayId}", OP_WRITES) \
    X(DeleteNetworkInterface, delete_network_interface, "{ec2:networkInterfaceId}", OP_WRITES) \
    X(DeleteRoute, delete_route, "{ec2:routeTableId}", OP_WRITES) \
    X(DeleteRouteTable, delete_route_table, "{ec2:routeTableId}", OP_WRITES) \
    X(DeleteSecurityGroup, delete_security_group, "{ec2:GroupId}", OP_WRITES) \
    X(DeleteSubnet, delete_subnet, "{ec2:SubnetId}", OP_WRITES) \
    X(DeleteTags, delete_tags, "{ec2:resourceId}", OP_WRITES) \
    X(DeleteVpc, delete_vpc, "{ec2:VpcId}", OP_WRITES) \
    X(DeleteVpcPeeringConnection, delete_vpc_peering_connection, "{ec2:vpcPeeringConnectionId}", OP_WRITES) \
    X(DescribeAccountAttributes, describe_account_attributes, NULL, 0) \
    X(DescribeAddresses, describe_addresses, NULL, 0) \
    X(DescribeAddressesAttribute, describe_addresses_attribute, NULL, 0) \
    X(DescribeAvailabilityZones, describe_availability_zones, NULL, 0) \
    X(DescribeEgressOnlyInternetGateways, describe_egress_only_internet_gateways, NULL, 0) \
    X(DescribeInstanceStatus, describe_instance_status, NULL, 0) \
    X(DescribeInstances, describe_instances, NULL, 0) \
    X(DescribeInternetGateways, describe_internet_gateways, NULL, 0) \
    X(DescribeManagedPrefixLists, describe_managed_prefix_lists, NULL, 0) \
    X(DescribeNatGateways, describe_nat_gateways, NULL, 0) \
    X(DescribeNetworkInterfaceAttribute, describe_network_interface_attribute, NULL, 0) \
    X(DescribeNetworkInterfaces, describe_network_interfaces, NULL, 0) \
    X(DescribePrefixLists, describe_prefix_lists, NULL, 0) \
    X(DescribeRegions, describe_regions, NULL, 0) \
    X(DescribeRouteTables, describe_route_tables, NULL, 0) \
    X(DescribeSecurityGroupRules, describe_security_group_rules, NULL, 0) \
    X(DescribeSecurityGroups, describe_security_groups, NULL, 0) \
    X(DescribeSubnets, describe_subnets, NULL, 0) \
    X(DescribeTags, describe_tags, NULL, 0) \
    X(DescribeVpcAttribute, describe_vpc_attribute, NULL, 0) \
    X(DescribeVpcPeeringConnections, describe_vpc_peering_connections, NULL, 0) \
    X(DescribeVpcs, describe_vpcs, NULL, 0) \
    X(DetachInternetGateway, detach_internet_gateway, "{ec2:vpcId}|{ec2:internetGatewayId}", OP_WRITES) \
    X(DetachNetworkInterface, detach_network_interface, NULL, OP_WRITES) \
    X(DisassociateAddress, disassociate_address, NULL, OP_WRITES) \
    X(DisassociateRouteTable, disassociate_route_table, NULL, OP_WRITES) \
    X(DisassociateVpcCidrBlock, disassociate_vpc_cidr_block, NULL, OP_WRITES) \
    X(GetManagedPrefixListEntries, get_managed_prefix_list_entries, NULL, 0) \
    X(ModifyInstanceAttribute, modify_instance_attribute, "{ec2:GroupId}|{ec2:instanceId}", OP_WRITES) \
    X(ModifyInstanceMetadataOptions, modify_instance_metadata_options, "{ec2:InstanceId}", OP_WRITES) \
    X(ModifyManagedPrefixList, modify_managed_prefix_list, "{ec2:PrefixListId}", OP_WRITES) \
    X(ModifyNetworkInterfaceAttribute, modify_network_interface_attribute, "{ec2:SecurityGroupId}|{ec2:networkInterfaceId}", OP_WRITES) \
    X(ModifySubnetAttribute, modify_subnet_attribute, "{ec2:subnetId}", OP_WRITES) \
    X(ModifyVpcAttribute, modify_vpc_attribute, "{ec2:vpcId}", OP_WRITES) \
    X(RejectVpcPeeringConnection, reject_vpc_peering_connection, "{ec2:vpcPeeringConnectionId}", OP_WRITES) \
    X(ReleaseAddress, release_address, "{ec2:AllocationId}", OP_WRITES) \
    X(ReplaceRoute, replace_route, "{ec2:routeTableId}", OP_WRITES) \
    X(ReplaceRouteTableAssociation, replace_route_table_association, "{ec2:routeTableId}", OP_WRITES) \
    X(RevokeSecurityGroupEgress, revoke_security_group_egress, "{ec2:groupId}", OP_WRITES) \
    X(RevokeSecurityGroupIngress, revoke_security_group_ingress, "{ec2:GroupId}", OP_WRITES) \
    X(UnassignPrivateIpAddresses, unassign_private_ip_addresses, "{ec2:networkInterfaceId}", OP_WRITES)
/* clang-format on */

/* IAM's operations: name, handler, what IAM itself is asked about (service.h, resource.c), flags.
 * One list makes the handlers' declarations and the rows of the table. */
#pragma once

#include "aws/service.h"

#define IAM_ROLE_ARN     "arn:aws:iam::{account}:role"
#define IAM_USER_ARN     "arn:aws:iam::{account}:user"
#define IAM_GROUP_ARN    "arn:aws:iam::{account}:group"
#define IAM_POLICY_ARN   "arn:aws:iam::{account}:policy"
#define IAM_PROFILE_ARN  "arn:aws:iam::{account}:instance-profile"
#define IAM_CERT_ARN     "arn:aws:iam::{account}:server-certificate"
#define IAM_PROVIDER_ARN "arn:aws:iam::{account}:oidc-provider/"

/* clang-format off */
#define IAM_OPERATIONS(X)                                                                          \
    /* iam_role.c */                                                                               \
    X(CreateRole, create_role, IAM_ROLE_ARN "{Path=/}{RoleName}", OP_WRITES)                       \
    X(GetRole, get_role, "{role:RoleName}", 0)                                                     \
    X(ListRoles, list_roles, IAM_ROLE_ARN "{PathPrefix=/}", 0)                                     \
    X(UpdateRole, update_role, "{role:RoleName}", OP_WRITES)                                       \
    X(UpdateRoleDescription, update_role_description, "{role:RoleName}", OP_WRITES)                \
    X(UpdateAssumeRolePolicy, update_assume_role_policy, "{role:RoleName}", OP_WRITES)             \
    X(DeleteRole, delete_role, "{role:RoleName}", OP_WRITES)                                       \
    /* iam_policy.c */                                                                             \
    X(CreatePolicy, create_policy, IAM_POLICY_ARN "{Path=/}{PolicyName}", OP_WRITES)               \
    X(GetPolicy, get_policy, "{PolicyArn}", 0)                                                     \
    X(ListPolicies, list_policies, "policy path {PathPrefix=/}", 0)                                \
    X(DeletePolicy, delete_policy, "{PolicyArn}", OP_WRITES)                                       \
    X(CreatePolicyVersion, create_policy_version, "{PolicyArn}", OP_WRITES)                        \
    X(GetPolicyVersion, get_policy_version, "{PolicyArn}", 0)                                      \
    X(ListPolicyVersions, list_policy_versions, "{PolicyArn}", 0)                                  \
    X(DeletePolicyVersion, delete_policy_version, "{PolicyArn}", OP_WRITES)                        \
    X(SetDefaultPolicyVersion, set_default_policy_version, "{PolicyArn}", OP_WRITES)               \
    X(ListEntitiesForPolicy, list_entities_for_policy, "{PolicyArn}", 0)                           \
    /* iam_attachment.c */                                                                         \
    X(AttachRolePolicy, attach_role_policy, "{role:RoleName}", OP_WRITES)                          \
    X(AttachUserPolicy, attach_user_policy, "{user:UserName}", OP_WRITES)                          \
    X(AttachGroupPolicy, attach_group_policy, "{group:GroupName}", OP_WRITES)                      \
    X(DetachRolePolicy, detach_role_policy, "{role:RoleName}", OP_WRITES)                          \
    X(DetachUserPolicy, detach_user_policy, "{user:UserName}", OP_WRITES)                          \
    X(DetachGroupPolicy, detach_group_policy, "{group:GroupName}", OP_WRITES)                      \
    X(ListAttachedRolePolicies, list_attached_role_policies, "{role:RoleName}", 0)                 \
    X(ListAttachedUserPolicies, list_attached_user_policies, "{user:UserName}", 0)                 \
    X(ListAttachedGroupPolicies, list_attached_group_policies, "{group:GroupName}", 0)             \
    X(PutRolePolicy, put_role_policy, "{role:RoleName}", OP_WRITES)                                \
    X(PutUserPolicy, put_user_policy, "{user:UserName}", OP_WRITES)                                \
    X(PutGroupPolicy, put_group_policy, "{group:GroupName}", OP_WRITES)                            \
    X(GetRolePolicy, get_role_policy, "{role:RoleName}", 0)                                        \
    X(GetUserPolicy, get_user_policy, "{user:UserName}", 0)                                        \
    X(GetGroupPolicy, get_group_policy, "{group:GroupName}", 0)                                    \
    X(ListRolePolicies, list_role_policies, "{role:RoleName}", 0)                                  \
    X(ListUserPolicies, list_user_policies, "{user:UserName}", 0)                                  \
    X(ListGroupPolicies, list_group_policies, "{group:GroupName}", 0)                              \
    X(DeleteRolePolicy, delete_role_policy, "{role:RoleName}", OP_WRITES)                          \
    X(DeleteUserPolicy, delete_user_policy, "{user:UserName}", OP_WRITES)                          \
    X(DeleteGroupPolicy, delete_group_policy, "{group:GroupName}", OP_WRITES)                      \
    X(PutRolePermissionsBoundary, put_role_permissions_boundary, "{role:RoleName}", OP_WRITES)     \
    X(PutUserPermissionsBoundary, put_user_permissions_boundary, "{user:UserName}", OP_WRITES)     \
    X(DeleteRolePermissionsBoundary, delete_role_permissions_boundary, "{role:RoleName}", OP_WRITES) \
    X(DeleteUserPermissionsBoundary, delete_user_permissions_boundary, "{user:UserName}", OP_WRITES) \
    /* iam_provider.c */                                                                           \
    X(CreateOpenIDConnectProvider, create_open_id_connect_provider, IAM_PROVIDER_ARN "{url:Url}", OP_WRITES) \
    X(GetOpenIDConnectProvider, get_open_id_connect_provider, "{OpenIDConnectProviderArn}", 0)     \
    X(ListOpenIDConnectProviders, list_open_id_connect_providers, IAM_PROVIDER_ARN "*", 0)         \
    X(DeleteOpenIDConnectProvider, delete_open_id_connect_provider, "{OpenIDConnectProviderArn}", OP_WRITES) \
    X(AddClientIDToOpenIDConnectProvider, add_client_id, "{OpenIDConnectProviderArn}", OP_WRITES)  \
    X(RemoveClientIDFromOpenIDConnectProvider, remove_client_id, "{OpenIDConnectProviderArn}", OP_WRITES) \
    X(UpdateOpenIDConnectProviderThumbprint, update_thumbprint, "{OpenIDConnectProviderArn}", OP_WRITES) \
    /* iam_tags.c */                                                                               \
    X(TagRole, tag_role, "{role:RoleName}", OP_WRITES)                                             \
    X(UntagRole, untag_role, "{role:RoleName}", OP_WRITES)                                         \
    X(ListRoleTags, list_role_tags, "{role:RoleName}", 0)                                          \
    X(TagUser, tag_user, "{user:UserName}", OP_WRITES)                                             \
    X(UntagUser, untag_user, "{user:UserName}", OP_WRITES)                                         \
    X(ListUserTags, list_user_tags, "{user:UserName}", 0)                                          \
    X(TagPolicy, tag_policy, "{PolicyArn}", OP_WRITES)                                             \
    X(UntagPolicy, untag_policy, "{PolicyArn}", OP_WRITES)                                         \
    X(ListPolicyTags, list_policy_tags, "{PolicyArn}", 0)                                          \
    X(TagInstanceProfile, tag_instance_profile, "{profile:InstanceProfileName}", OP_WRITES)        \
    X(UntagInstanceProfile, untag_instance_profile, "{profile:InstanceProfileName}", OP_WRITES)    \
    X(ListInstanceProfileTags, list_instance_profile_tags, "{profile:InstanceProfileName}", 0)     \
    X(TagOpenIDConnectProvider, tag_open_id_connect_provider, "{OpenIDConnectProviderArn}", OP_WRITES) \
    X(UntagOpenIDConnectProvider, untag_open_id_connect_provider, "{OpenIDConnectProviderArn}", OP_WRITES) \
    X(ListOpenIDConnectProviderTags, list_open_id_connect_provider_tags, "{OpenIDConnectProviderArn}", 0) \
    X(TagServerCertificate, tag_server_certificate, "{certificate:ServerCertificateName}", OP_WRITES) \
    X(UntagServerCertificate, untag_server_certificate, "{certificate:ServerCertificateName}", OP_WRITES) \
    X(ListServerCertificateTags, list_server_certificate_tags, "{certificate:ServerCertificateName}", 0) \
    /* iam_user.c */                                                                               \
    X(CreateUser, create_user, IAM_USER_ARN "{Path=/}{UserName}", OP_WRITES)                       \
    X(GetUser, get_user, "{user:UserName}", 0)                                                     \
    X(ListUsers, list_users, IAM_USER_ARN "{PathPrefix=/}", 0)                                     \
    X(UpdateUser, update_user, "{user:UserName}", OP_WRITES)                                       \
    X(DeleteUser, delete_user, "{user:UserName}", OP_WRITES)                                       \
    X(CreateLoginProfile, create_login_profile, "{user:UserName}", OP_WRITES)                      \
    X(GetLoginProfile, get_login_profile, "{user:UserName}", 0)                                    \
    X(UpdateLoginProfile, update_login_profile, "{user:UserName}", OP_WRITES)                      \
    X(DeleteLoginProfile, delete_login_profile, "{user:UserName}", OP_WRITES)                      \
    /* iam_group.c */                                                                              \
    X(CreateGroup, create_group, IAM_GROUP_ARN "{Path=/}{GroupName}", OP_WRITES)                   \
    X(GetGroup, get_group, "{group:GroupName}", 0)                                                 \
    X(ListGroups, list_groups, IAM_GROUP_ARN "{PathPrefix=/}", 0)                                  \
    X(ListGroupsForUser, list_groups_for_user, "{user:UserName}", 0)                               \
    X(UpdateGroup, update_group, "{group:GroupName}", OP_WRITES)                                   \
    X(DeleteGroup, delete_group, "{group:GroupName}", OP_WRITES)                                   \
    X(AddUserToGroup, add_user_to_group, "{group:GroupName}", OP_WRITES)                           \
    X(RemoveUserFromGroup, remove_user_from_group, "{group:GroupName}", OP_WRITES)                 \
    /* iam_key.c */                                                                                \
    X(CreateAccessKey, create_access_key, "{user:UserName}", OP_WRITES)                            \
    X(ListAccessKeys, list_access_keys, "{user:UserName}", 0)                                      \
    X(UpdateAccessKey, update_access_key, "{user:UserName}", OP_WRITES)                            \
    X(DeleteAccessKey, delete_access_key, "{user:UserName}", OP_WRITES)                            \
    X(GetAccessKeyLastUsed, get_access_key_last_used, "*", 0)                                      \
    /* iam_profile.c */                                                                            \
    X(CreateInstanceProfile, create_instance_profile, IAM_PROFILE_ARN "{Path=/}{InstanceProfileName}", OP_WRITES) \
    X(GetInstanceProfile, get_instance_profile, "{profile:InstanceProfileName}", 0)                \
    X(ListInstanceProfiles, list_instance_profiles, IAM_PROFILE_ARN "{PathPrefix=/}", 0)           \
    X(ListInstanceProfilesForRole, list_instance_profiles_for_role, "{role:RoleName}", 0)          \
    X(AddRoleToInstanceProfile, add_role_to_instance_profile, "{profile:InstanceProfileName}", OP_WRITES) \
    X(RemoveRoleFromInstanceProfile, remove_role_from_instance_profile, "{profile:InstanceProfileName}", OP_WRITES) \
    X(DeleteInstanceProfile, delete_instance_profile, "{profile:InstanceProfileName}", OP_WRITES)  \
    /* iam_linked_role.c */                                                                        \
    X(CreateServiceLinkedRole, create_service_linked_role, "{linked:AWSServiceName}", OP_WRITES) \
    X(DeleteServiceLinkedRole, delete_service_linked_role, "{role:RoleName}", OP_WRITES)           \
    X(GetServiceLinkedRoleDeletionStatus, get_service_linked_role_deletion_status, "*", 0)         \
    /* iam_certificate.c */                                                                        \
    X(UploadServerCertificate, upload_server_certificate, IAM_CERT_ARN "{Path=/}{ServerCertificateName}", OP_WRITES) \
    X(GetServerCertificate, get_server_certificate, "{certificate:ServerCertificateName}", 0)      \
    X(ListServerCertificates, list_server_certificates, IAM_CERT_ARN "{PathPrefix=/}", 0)          \
    X(UpdateServerCertificate, update_server_certificate, "{certificate:ServerCertificateName}", OP_WRITES) \
    X(DeleteServerCertificate, delete_server_certificate, "{certificate:ServerCertificateName}", OP_WRITES) \
    /* iam_account.c */                                                                            \
    X(CreateAccountAlias, create_account_alias, "*", OP_WRITES)                                    \
    X(DeleteAccountAlias, delete_account_alias, "*", OP_WRITES)                                    \
    X(ListAccountAliases, list_account_aliases, "*", 0)                                            \
    X(UpdateAccountPasswordPolicy, update_account_password_policy, "*", OP_WRITES)                 \
    X(GetAccountPasswordPolicy, get_account_password_policy, "*", 0)                               \
    X(DeleteAccountPasswordPolicy, delete_account_password_policy, "*", OP_WRITES)                 \
    X(GetAccountSummary, get_account_summary, "*", 0)                                              \
    X(GenerateCredentialReport, generate_credential_report, "*", OP_WRITES)                        \
    X(GetCredentialReport, get_credential_report, "*", 0)                                          \
    /* iam_details.c */                                                                            \
    X(GetAccountAuthorizationDetails, get_account_authorization_details, "*", 0)                   \
    /* iam_simulate.c */                                                                           \
    X(SimulatePrincipalPolicy, simulate_principal_policy, "{PolicySourceArn}", 0)                  \
    X(SimulateCustomPolicy, simulate_custom_policy, "*", 0)                                        \
    X(GetContextKeysForCustomPolicy, get_context_keys_for_custom_policy, "*", 0)                   \
    X(GetContextKeysForPrincipalPolicy, get_context_keys_for_principal_policy, "{PolicySourceArn}", 0)
/* clang-format on */

#define IAM_DECLARE(name, handler, resource, flags) \
    struct done iam_##handler(struct call *c, const void *input);
IAM_OPERATIONS(IAM_DECLARE)

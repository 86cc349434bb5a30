/* What belongs to an account as a whole: its alias, its password policy, its numbers, its report of
 * credentials. Source: IAM API Reference, CreateAccountAlias, UpdateAccountPasswordPolicy,
 * GetAccountSummary, GenerateCredentialReport. */
#include "aws/iam.h"
#include "aws/iam_operations.h"

#include "base/buf.h"
#include "base/json.h"
#include "store/setting.h"

enum { LARGEST_REPORT = 16 << 20, LARGEST_POLICY = 4096 };

/* A setting of the account. */
static struct str name_of(struct call *c, const char *what)
{
    return arena_printf(c->arena, "iam/%.*s/%s", STR_ARG(c->account), what);
}

/* --- the alias ------------------------------------------------------------------------------- */

static struct str alias_name(struct call *c, struct str alias)
{
    return arena_printf(c->arena, "iam/alias/%.*s", STR_ARG(alias));
}

struct done iam_create_account_alias(struct call *c, const void *input)
{
    const struct iam_create_account_alias_request *in = input;
    struct str owner = {0}, old = {0};
    int r = setting_get(c->store, c->arena, alias_name(c, in->account_alias), &owner);

    if (r == 0 && owner.n > 0 && !str_eq(owner, c->account))
        return call_fault(c, &iam_entity_already_exists_exception,
                          "The account alias %.*s already exists.", STR_ARG(in->account_alias));
    if (r == 0)
        r = setting_get(c->store, c->arena, name_of(c, "alias"), &old);
    if (r == 0 && old.n > 0) /* an account has one */
        r = setting_remove(c->store, alias_name(c, old));
    if (r == 0)
        r = setting_put(c->store, alias_name(c, in->account_alias), c->account);
    if (r == 0)
        r = setting_put(c->store, name_of(c, "alias"), in->account_alias);
    return iam_answer(c, r);
}

struct done iam_delete_account_alias(struct call *c, const void *input)
{
    const struct iam_delete_account_alias_request *in = input;
    struct str old = {0};
    int r = setting_get(c->store, c->arena, name_of(c, "alias"), &old);

    if (r == 0 && !str_eq(old, in->account_alias))
        return call_fault(c, &iam_no_such_entity_exception,
                          "The account alias %.*s cannot be found.", STR_ARG(in->account_alias));
    if (r == 0)
        r = setting_remove(c->store, alias_name(c, old));
    if (r == 0)
        r = setting_remove(c->store, name_of(c, "alias"));
    return iam_answer(c, r);
}

struct done iam_list_account_aliases(struct call *c, const void *input UNUSED)
{
    struct iam_list_account_aliases_response out = {.is_truncated = OPT_BOOL(false)};
    struct str *alias = arena_alloc(c->arena, sizeof *alias);
    int r = setting_get(c->store, c->arena, name_of(c, "alias"), alias);

    if (r < 0)
        return call_fail(c, r);
    out.account_aliases = (struct str_list){alias, alias->n > 0};
    return call_reply(c, &out);
}

/* --- the password policy --------------------------------------------------------------------- */

struct done iam_update_account_password_policy(struct call *c, const void *input)
{
    const struct iam_update_account_password_policy_request *in = input;
    CLEANUP(json_freep) cJSON *policy = cJSON_CreateObject();
    CLEANUP(buf_free) struct buf b = buf_init(LARGEST_POLICY);
    const struct {
        const char *name;
        struct opt_bool value;
    } flags[] = {
        {"symbols",   in->require_symbols               },
        {"numbers",   in->require_numbers               },
        {"uppercase", in->require_uppercase_characters  },
        {"lowercase", in->require_lowercase_characters  },
        {"change",    in->allow_users_to_change_password},
        {"hard",      in->hard_expiry                   },
    };

    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        json_put_bool(policy, str_c(flags[i].name), flags[i].value.set && flags[i].value.v);
    json_put_int(policy, S("length"),
                 in->minimum_password_length.set ? in->minimum_password_length.v : 6);
    json_put_int(policy, S("age"), in->max_password_age.set ? in->max_password_age.v : 0);
    json_put_int(policy, S("reuse"),
                 in->password_reuse_prevention.set ? in->password_reuse_prevention.v : 0);
    json_write(&b, policy);
    return iam_answer(c, setting_put(c->store, name_of(c, "password-policy"), buf_str(&b)));
}

/* The policy as its JSON; NULL, with *ret_done, when the account has none. */
static cJSON *need_password_policy(struct call *c, struct done *ret_done)
{
    struct str text = {0};
    int r = setting_get(c->store, c->arena, name_of(c, "password-policy"), &text);

    if (r < 0)
        *ret_done = call_fail(c, r);
    else if (text.n == 0)
        *ret_done = call_fault(c, &iam_no_such_entity_exception,
                               "The Password Policy with domain name %.*s cannot be found.",
                               STR_ARG(c->account));
    return r == 0 && text.n > 0 ? json_parse(text, NULL) : NULL;
}

struct done iam_get_account_password_policy(struct call *c, const void *input UNUSED)
{
    struct done done;
    CLEANUP(json_freep) cJSON *p = need_password_policy(c, &done);
    struct iam_password_policy view;
    struct iam_get_account_password_policy_response out = {.password_policy = &view};
    int64_t age = json_int(p, "age", 0), reuse = json_int(p, "reuse", 0);

    if (p == NULL)
        return done;
    view = (struct iam_password_policy){
        .minimum_password_length = OPT_INT(json_int(p, "length", 6)),
        .require_symbols = OPT_BOOL(json_bool(p, "symbols", false)),
        .require_numbers = OPT_BOOL(json_bool(p, "numbers", false)),
        .require_uppercase_characters = OPT_BOOL(json_bool(p, "uppercase", false)),
        .require_lowercase_characters = OPT_BOOL(json_bool(p, "lowercase", false)),
        .allow_users_to_change_password = OPT_BOOL(json_bool(p, "change", false)),
        .expire_passwords = OPT_BOOL(age > 0),
        .hard_expiry = OPT_BOOL(json_bool(p, "hard", false)),
    };
    if (age > 0)
        view.max_password_age = OPT_INT(age);
    if (reuse > 0)
        view.password_reuse_prevention = OPT_INT(reuse);
    return call_reply(c, &out);
}

struct done iam_delete_account_password_policy(struct call *c, const void *input UNUSED)
{
    struct done done;
    CLEANUP(json_freep) cJSON *p = need_password_policy(c, &done);

    return p == NULL ? done
                     : iam_answer(c, setting_remove(c->store, name_of(c, "password-policy")));
}

/* --- numbers --------------------------------------------------------------------------------- */

static int64_t count(const void *rows)
{
    int64_t n = 0;

    for (; rows != NULL; rows = iam_next(rows))
        n++;
    return n;
}

static int64_t count_entities(struct call *c, enum iam_kind kind)
{
    struct iam_entity *all = NULL;

    (void)iam_entity_list(c->store, c->arena, kind, c->account, S("/"), &all);
    return count(all);
}

struct done iam_get_account_summary(struct call *c, const void *input UNUSED)
{
    struct iam_managed *policies = NULL;
    struct iam_profile *profiles = NULL;
    struct iam_certificate *certificates = NULL;
    struct iam_provider *providers = NULL;
    struct iam_get_account_summary_response out = {0};

    (void)iam_policy_list(c->store, c->arena, c->account, S("/"), &policies);
    (void)iam_profile_list(c->store, c->arena, c->account, S("/"), S(""), &profiles);
    (void)iam_certificate_list(c->store, c->arena, c->account, S("/"), &certificates);
    (void)iam_provider_list(c->store, c->arena, c->account, &providers);
    {
        const struct {
            const char *name;
            int64_t value;
        } rows[] = {
            {"AccessKeysPerUserQuota",            2               },
            {"AccountAccessKeysPresent",          0               },
            {"AccountMFAEnabled",                 0               },
            {"AccountPasswordPresent",            1               },
            {"AccountSigningCertificatesPresent", 0               },
            {"AssumeRolePolicySizeQuota",         2048            },
            {"AttachedPoliciesPerGroupQuota",     10              },
            {"AttachedPoliciesPerRoleQuota",      10              },
            {"AttachedPoliciesPerUserQuota",      10              },
            {"GlobalEndpointTokenVersion",        1               },
            {"GroupPolicySizeQuota",              5120            },
            {"Groups",                            count_entities(c, IAM_GROUP)},
            {"GroupsPerUserQuota",                                   10                               },
            {"GroupsQuota",                                   300       },
            {"InstanceProfiles",                                   count(profiles)                          },
            {"InstanceProfilesQuota",                                   1000  },
            {"MFADevices",                                   0                                     },
            {"MFADevicesInUse",                                   0},
            {"Policies",                                   count(policies)                                            },
            {"PoliciesQuota",                                   1500},
            {"PolicySizeQuota",                                   6144                                          },
            {"PolicyVersionsInUse",                                   count(policies)},
            {"PolicyVersionsInUseQuota",                                   10000                                     },
            {"Providers",                                   count(providers)   },
            {"RolePolicySizeQuota",                                   10240                           },
            {"Roles",                                   count_entities(c,                  IAM_ROLE)},
            {"RolesQuota",                          1000                        },
            {"ServerCertificates",      count(certificates)},
            {"ServerCertificatesQuota",           20                             },
            {"SigningCertificatesPerUserQuota",                       2         },
            {"UserPolicySizeQuota",            2048                  },
            {"Users",                    count_entities(c,                  IAM_USER)},
            {"UsersQuota",5000},
            {"VersionsPerPolicyQuota",                        5                                    },
        };

        out.summary_map.at = arena_array(c->arena, ARRAY_LEN(rows), sizeof *out.summary_map.at);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
            out.summary_map.at[out.summary_map.n++] = (struct str_pair){
                str_c(rows[i].name), arena_printf(c->arena, "%lld", (long long)rows[i].value)};
    }
    return call_reply(c, &out);
}

/* --- the report ------------------------------------------------------------------------------ */

struct done iam_generate_credential_report(struct call *c, const void *input UNUSED)
{
    struct iam_generate_credential_report_response out = {.state = S("COMPLETE")};
    int r = setting_put(c->store, name_of(c, "report"),
                        arena_printf(c->arena, "%lld", (long long)c->now));

    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

static struct str time_or(struct call *c, int64_t ms, const char *otherwise)
{
    return ms > 0 ? clock_rfc3339(c->arena, ms) : str_c(otherwise);
}

static void write_key(struct call *c, struct buf *b, const struct iam_key *k)
{
    if (k == NULL)
        buf_add(b, S(",false,N/A,N/A,N/A,N/A"));
    else
        buf_printf(b, ",%s,%.*s,%.*s,%.*s,%.*s", k->active ? "true" : "false",
                   STR_ARG(clock_rfc3339(c->arena, k->created)),
                   STR_ARG(time_or(c, k->last_used, "N/A")),
                   STR_ARG(k->last_used > 0 ? k->last_region : S("N/A")),
                   STR_ARG(k->last_used > 0 ? k->last_service : S("N/A")));
}

static void write_user(struct call *c, struct buf *b, const struct iam_entity *u)
{
    struct iam_login *login = NULL;
    struct iam_key *k = NULL;

    (void)iam_login_find(c->store, c->arena, c->account, u->name, &login);
    (void)iam_key_list(c->store, c->arena, c->account, u->name, &k);
    buf_printf(b, "%.*s,%.*s,%.*s,%s,%s,%.*s,N/A,false", STR_ARG(u->name), STR_ARG(u->arn),
               STR_ARG(clock_rfc3339(c->arena, u->created)), login != NULL ? "true" : "false",
               login != NULL ? "no_information" : "N/A",
               STR_ARG(time_or(c, login != NULL ? login->created : 0, "N/A")));
    write_key(c, b, k);
    write_key(c, b, k != NULL ? k->next : NULL);
    buf_add(b, S(",false,N/A,false,N/A\n"));
}

struct done iam_get_credential_report(struct call *c, const void *input UNUSED)
{
    CLEANUP(buf_free) struct buf b = buf_init(LARGEST_REPORT);
    struct iam_get_credential_report_response out = {.report_format = S("text/csv")};
    struct iam_entity *users = NULL;
    struct str made = {0};
    int64_t when;
    int r = setting_get(c->store, c->arena, name_of(c, "report"), &made);

    if (r == 0)
        r = iam_entity_list(c->store, c->arena, IAM_USER, c->account, S("/"), &users);
    if (r < 0)
        return call_fail(c, r);
    if (!str_to_int(made, &when))
        return call_fault(c, &iam_credential_report_not_present_exception,
                          "No report exists. Generate a new report to continue.");
    buf_add(&b, S("user,arn,user_creation_time,password_enabled,password_last_used,"
                  "password_last_changed,password_next_rotation,mfa_active,access_key_1_active,"
                  "access_key_1_last_rotated,access_key_1_last_used_date,"
                  "access_key_1_last_used_region,access_key_1_last_used_service,"
                  "access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,"
                  "access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,"
                  "cert_1_last_rotated,cert_2_active,cert_2_last_rotated\n"));
    buf_printf(&b,
               "<root_account>,arn:aws:iam::%.*s:root,%.*s,not_supported,no_information,"
               "not_supported,not_supported,false,false,N/A,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,"
               "false,N/A,false,N/A\n",
               STR_ARG(c->account), STR_ARG(clock_rfc3339(c->arena, 0)));
    for (; users != NULL; users = users->next)
        write_user(c, &b, users);
    out.content = buf_str(&b);
    out.generated_time = OPT_INT(when);
    return call_reply(c, &out);
}

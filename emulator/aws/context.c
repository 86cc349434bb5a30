/* Context keys. Source: IAM User Guide, "AWS global condition context keys"; Service Authorization
 * Reference; reference aws-eks-iam-ec2 section 2.6. */
#include "aws/context.h"

#include "aws/principal.h"
#include "base/json.h"
#include "store/iam.h"

struct context_builder context_builder_for(struct call *c)
{
    return (struct context_builder){.call = c};
}

struct context context_of(const struct context_builder *b)
{
    return (struct context){b->keys, b->n};
}

void context_put_list(struct context_builder *b, struct str name, const struct str *values,
                      size_t n)
{
    if (n == 0)
        return;
    if (b->n == b->room) {
        size_t room = b->room * 2 + 32;
        struct context_key *keys = arena_array(b->call->arena, room, sizeof *keys);

        for (size_t i = 0; i < b->n; i++)
            keys[i] = b->keys[i];
        b->keys = keys;
        b->room = room;
    }
    b->keys[b->n++] = (struct context_key){name, values, n};
}

void context_put(struct context_builder *b, struct str name, struct str value)
{
    struct str *one;

    if (value.n == 0)
        return;
    one = arena_alloc(b->call->arena, sizeof *one);
    *one = value;
    context_put_list(b, name, one, 1);
}

static void put_tag(struct context_builder *b, const char *prefix, struct str key, struct str value)
{
    struct str *one = arena_alloc(b->call->arena, sizeof *one);

    *one = value.at == NULL ? S("") : value;
    context_put_list(b, arena_printf(b->call->arena, "%s/%.*s", prefix, STR_ARG(key)), one, 1);
}

/* --- the caller ------------------------------------------------------------------------------ */

static struct str principal_type(const struct identity *who)
{
    if (who->role_arn.n > 0)
        return S("AssumedRole");
    if (who->root)
        return S("Account");
    return str_find(who->arn, S(":federated-user/")) != STR_NONE ? S("FederatedUser") : S("User");
}

/* The tags of a role or user, under those of the session. */
static void put_principal_tags(struct context_builder *b)
{
    const struct identity *who = &b->call->identity;
    struct str arn = who->role_arn.n > 0 ? who->role_arn : who->arn;
    CLEANUP(json_freep)
    cJSON *session = who->session != NULL ? json_parse(who->session->tags, NULL) : NULL;
    struct str_map own = who->root ? (struct str_map){0} : resource_tags(b->call, arn);

    JSON_EACH(tag, session)
        put_tag(b, "aws:PrincipalTag", arena_str(b->call->arena, str_c(tag->string)),
                arena_str(b->call->arena, json_text(tag)));
    for (size_t i = 0; i < own.n; i++)
        if (json_member(session, own.at[i].key) == NULL)
            put_tag(b, "aws:PrincipalTag", own.at[i].key, own.at[i].value);
}

static void put_session(struct context_builder *b, const struct iam_session *x)
{
    struct arena *a = b->call->arena;

    context_put(b, S("aws:TokenIssueTime"), clock_rfc3339(a, x->issued));
    context_put(b, S("aws:MultiFactorAuthPresent"), S("false"));
    context_put(b, S("aws:FederatedProvider"), x->federated);
    context_put(b, S("aws:SourceIdentity"), x->source_identity);
    context_put(b, S("sts:SourceIdentity"), x->source_identity);
}

void context_put_caller(struct context_builder *b)
{
    struct call *c = b->call;
    const struct identity *who = &c->identity;
    const struct http_request *r = c->request;

    context_put(b, S("aws:RequestedRegion"), c->region);
    context_put(b, S("aws:PrincipalArn"), who->role_arn.n > 0 ? who->role_arn : who->arn);
    context_put(b, S("aws:PrincipalAccount"), who->account);
    context_put(b, S("aws:PrincipalType"), principal_type(who));
    context_put(b, S("aws:userid"), who->user_id);
    context_put(b, S("aws:username"), who->name);
    context_put(b, S("aws:SourceIp"), r->peer);
    context_put(b, S("aws:SecureTransport"), r->tls ? S("true") : S("false"));
    context_put(b, S("aws:UserAgent"), http_header_get(r->headers, S("User-Agent")));
    context_put(b, S("aws:Referer"), http_header_get(r->headers, S("Referer")));
    context_put(b, S("aws:CurrentTime"), clock_rfc3339(c->arena, c->now));
    context_put(b, S("aws:EpochTime"), arena_printf(c->arena, "%lld", (long long)(c->now / 1000)));
    context_put(b, S("aws:ViaAWSService"), S("false"));
    context_put(b, S("aws:PrincipalIsAWSService"), S("false"));
    context_put(b, S("aws:ResourceAccount"), c->account);
    put_principal_tags(b);
    if (who->session != NULL)
        put_session(b, who->session);
}

/* --- the request ----------------------------------------------------------------------------- */

/* Keys that say what a member of the input says. */
static const struct {
    const char *prefix, *key, *member;
} member_keys[] = {
    {"ec2",                  "ec2:InstanceType",                      "InstanceType"       },
    {"ec2",                  "ec2:InstanceID",                        "InstanceId"         },
    {"elasticloadbalancing", "elasticloadbalancing:Scheme",           "Scheme"             },
    {"elasticloadbalancing", "elasticloadbalancing:Subnet",           "Subnets"            },
    {"elasticloadbalancing", "elasticloadbalancing:SecurityGroup",    "SecurityGroups"     },
    {"elasticloadbalancing", "elasticloadbalancing:ListenerProtocol", "Protocol"           },
    {"elasticloadbalancing", "elasticloadbalancing:SecurityPolicy",   "SslPolicy"          },
    {"iam",                  "iam:PolicyARN",                         "PolicyArn"          },
    {"iam",                  "iam:PermissionsBoundary",               "PermissionsBoundary"},
    {"iam",                  "iam:AWSServiceName",                    "AWSServiceName"     },
    {"eks",                  "eks:clusterName",                       "clusterName"        },
    {"eks",                  "eks:principalArn",                      "principalArn"       },
    {"eks",                  "eks:policyArn",                         "policyArn"          },
    {"eks",                  "eks:kubernetesGroups",                  "kubernetesGroups"   },
    {"eks",                  "eks:username",                          "username"           },
    {"eks",                  "eks:accessEntryType",                   "type"               },
    {"sts",                  "sts:RoleSessionName",                   "RoleSessionName"    },
    {"sts",                  "sts:ExternalId",                        "ExternalId"         },
    {"sts",                  "sts:SourceIdentity",                    "SourceIdentity"     },
    {"sts",                  "sts:TransitiveTagKeys",                 "TransitiveTagKeys"  },
    {"sts",                  "sts:DurationSeconds",                   "DurationSeconds"    },
};

/* EC2 speaks of VPCs by their ARNs. */
static void put_vpc(struct context_builder *b)
{
    struct call *c = b->call;
    struct str_list vpc = shape_texts(c->arena, c->model->input, c->input, S("VpcId"));

    context_put(b, S("ec2:Region"), c->region);
    if (vpc.n > 0)
        context_put(b, S("ec2:Vpc"),
                    arena_printf(c->arena, "arn:%.*s:ec2:%.*s:%.*s:vpc/%.*s", STR_ARG(c->partition),
                                 STR_ARG(c->region), STR_ARG(c->account), STR_ARG(vpc.at[0])));
}

void context_put_request(struct context_builder *b, const struct request_tags *tags)
{
    struct call *c = b->call;

    for (size_t i = 0; i < tags->tags.n; i++)
        put_tag(b, "aws:RequestTag", tags->tags.at[i].key, tags->tags.at[i].value);
    context_put_list(b, S("aws:TagKeys"), tags->keys.at, tags->keys.n);
    if (c->model->input == NULL)
        return;
    if (strcmp(c->service->prefix, "ec2") == 0)
        put_vpc(b);
    for (size_t i = 0; i < ARRAY_LEN(member_keys); i++) {
        struct str_list values;

        if (strcmp(member_keys[i].prefix, c->service->prefix) != 0)
            continue;
        values = shape_texts(c->arena, c->model->input, c->input, str_c(member_keys[i].member));
        context_put_list(b, str_c(member_keys[i].key), values.at, values.n);
    }
}

/* --- the resource ---------------------------------------------------------------------------- */

/* What EC2 knows of the thing itself: a security group's id. */
static void put_ec2_resource(struct context_builder *b, struct str arn)
{
    struct str id = str_from(arn, str_rchr(arn, '/') == STR_NONE ? arn.n : str_rchr(arn, '/') + 1);

    if (str_starts(id, S("sg-")))
        context_put(b, S("ec2:SecurityGroupID"), id);
    if (str_starts(id, S("subnet-")))
        context_put(b, S("ec2:SubnetID"), id);
}

void context_put_resource(struct context_builder *b, struct str arn)
{
    const char *prefix = b->call->service->prefix;
    struct str_map tags = resource_tags(b->call, arn);
    struct str own = arena_printf(b->call->arena, "%s:ResourceTag", prefix);

    for (size_t i = 0; i < tags.n; i++) {
        put_tag(b, "aws:ResourceTag", tags.at[i].key, tags.at[i].value);
        put_tag(b, own.at, tags.at[i].key, tags.at[i].value);
    }
    if (strcmp(prefix, "ec2") == 0)
        put_ec2_resource(b, arn);
}

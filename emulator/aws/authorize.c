/* Whether IAM lets a caller do what they ask: one or more checks for a call, each an action on a
 * resource in a context; the first that fails is the call's refusal.
 * Source: IAM User Guide, "Policy evaluation logic"; reference aws-eks-iam-ec2 2.6, 2.7. */
#include "aws/authorize.h"

#include "aws/context.h"
#include "aws/denial.h"
#include "aws/internal.h"
#include "aws/principal.h"
#include "base/log.h"

/* --- one check ------------------------------------------------------------------------------- */

/* What is asked beyond the request itself. */
struct extra {
    const char *key; /* NULL: nothing */
    struct str value;
};

static int decide(struct call *c, struct str action, struct str resource,
                  const struct request_tags *tags, const struct extra *extra, bool *ret_allowed,
                  struct str *ret_reason)
{
    struct context_builder b = context_builder_for(c);
    struct policy_request request = {.action = action, .resource = resource};
    struct policy_set set;
    int r = policies_of_caller(c, &set);

    if (r < 0)
        return r;
    context_put_caller(&b);
    context_put_request(&b, tags);
    context_put_resource(&b, resource);
    if (extra->key != NULL)
        context_put(&b, str_c(extra->key), extra->value);
    request.context = context_of(&b);
    *ret_allowed = policy_allows(c->arena, &set, &request, ret_reason);
    return 0;
}

bool caller_may(struct call *c, struct str action, struct str resource, struct str *ret_reason)
{
    struct request_tags tags = request_tags_of(c, S(""));
    const struct extra nothing = {0};
    bool allowed = false;

    if (c->identity.root)
        return true;
    return decide(c, action, resource, &tags, &nothing, &allowed, ret_reason) == 0 && allowed;
}

static enum refusal check(struct call *c, struct str action, struct str resource,
                          const struct request_tags *tags, const struct extra *extra,
                          struct str *ret_text)
{
    struct str reason = {0};
    bool allowed = false;

    if (c->identity.root || c->aws->o.iam == IAM_OFF)
        return ALLOWED;
    if (decide(c, action, resource, tags, extra, &allowed, &reason) == 0 && allowed)
        return ALLOWED;
    if (c->aws->o.iam == IAM_AUDIT) {
        log_warning("iam", "would deny: %.*s",
                    STR_ARG(denial_text(c, action, resource, reason, false)));
        return ALLOWED;
    }
    *ret_text = denial_text(c, action, resource, reason, true);
    return DENIED;
}

/* --- tags at creation ------------------------------------------------------------------------ */

/* Which action is asked for when a call creates something with tags, and on what: the resources
 * of the call itself, with one piece of their ARN replaced and a tail put on. */
static const struct tagging {
    const char *prefix, *operation; /* an operation, or the beginning of its name and a '*' */
    const char *action;
    const char *from, *to, *tail;
    const char *create_action; /* the context key that tells which call creates; NULL: none */
} taggings[] = {
    {"elasticloadbalancing", "CreateListener",              "elasticloadbalancing:AddTags", ":loadbalancer/",
     ":listener/",                                                                                                  "/*", "elasticloadbalancing:CreateAction"},
    {"elasticloadbalancing", "CreateRule",                  "elasticloadbalancing:AddTags", ":listener/",
     ":listener-rule/",                                                                                             "/*", "elasticloadbalancing:CreateAction"},
    {"elasticloadbalancing", "Create*",                     "elasticloadbalancing:AddTags", NULL,             NULL, "",
     "elasticloadbalancing:CreateAction"                                                                                                                     },
    {"iam",                  "CreateRole",                  "iam:TagRole",                  NULL,             NULL, "",   NULL                               },
    {"iam",                  "CreateUser",                  "iam:TagUser",                  NULL,             NULL, "",   NULL                               },
    {"iam",                  "CreatePolicy",                "iam:TagPolicy",                NULL,             NULL, "",   NULL                               },
    {"iam",                  "CreateInstanceProfile",       "iam:TagInstanceProfile",       NULL,             NULL, "",   NULL                               },
    {"iam",                  "CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider", NULL,             NULL, "",   NULL                               },
    {"iam",                  "UploadServerCertificate",     "iam:TagServerCertificate",     NULL,             NULL, "",   NULL                               },
    {"eks",                  "Create*",                     "eks:TagResource",              NULL,             NULL, "",   NULL                               },
    {"acm",                  "RequestCertificate",          "acm:AddTagsToCertificate",     NULL,             NULL, "",   NULL                               },
    {"acm",                  "ImportCertificate",           "acm:AddTagsToCertificate",     NULL,             NULL, "",   NULL                               },
    {"wafv2",                "Create*",                     "wafv2:TagResource",            NULL,             NULL, "",   NULL                               },
    {"waf-regional",         "Create*",                     "waf-regional:TagResource",     NULL,             NULL, "",   NULL                               },
    {"shield",               "Create*",                     "shield:TagResource",           NULL,             NULL, "",   NULL                               },
};

static bool is_for(const struct tagging *t, const struct call *c)
{
    size_t n = strlen(t->operation);

    if (strcmp(t->prefix, c->service->prefix) != 0)
        return false;
    if (t->operation[n - 1] == '*')
        return strncmp(t->operation, c->model->name, n - 1) == 0;
    return strcmp(t->operation, c->model->name) == 0;
}

static struct str created_arn(struct call *c, const struct tagging *t, struct str resource)
{
    size_t at = t->from != NULL ? str_find(resource, str_c(t->from)) : STR_NONE;

    if (at == STR_NONE)
        return resource;
    return arena_printf(c->arena, "%.*s%s%.*s%s", STR_ARG(str_first(resource, at)), t->to,
                        STR_ARG(str_from(resource, at + strlen(t->from))), t->tail);
}

static enum refusal check_tagging(struct call *c, const struct request_tags *tags,
                                  const struct str_list *resources, struct str *ret_text)
{
    for (size_t i = 0; i < ARRAY_LEN(taggings); i++) {
        const struct tagging *t = &taggings[i];
        struct extra extra = {t->create_action, str_c(c->model->name)};
        enum refusal why = ALLOWED;

        if (!is_for(t, c))
            continue;
        for (size_t k = 0; why == ALLOWED && k < resources->n; k++)
            why = check(c, str_c(t->action), created_arn(c, t, resources->at[k]), tags, &extra,
                        ret_text);
        return why;
    }
    return ALLOWED;
}

/* EC2 names what is tagged by its type, for each type the tags it gets. */
static enum refusal check_ec2_tagging(struct call *c, struct str *ret_text)
{
    struct str_list types = tag_specification_types(c);
    const struct extra extra = {"ec2:CreateAction", str_c(c->model->name)};
    enum refusal why = ALLOWED;

    for (size_t i = 0; why == ALLOWED && i < types.n; i++) {
        struct request_tags tags = request_tags_of(c, types.at[i]);

        if (tags.keys.n > 0)
            why =
                check(c, S("ec2:CreateTags"),
                      arena_printf(c->arena, "arn:%.*s:ec2:%.*s:%.*s:%.*s/*", STR_ARG(c->partition),
                                   STR_ARG(c->region), STR_ARG(c->account), STR_ARG(types.at[i])),
                      &tags, &extra, ret_text);
    }
    return why;
}

/* --- a call ---------------------------------------------------------------------------------- */

enum refusal authorize_action(struct call *c, struct str action, struct str resource,
                              struct str *ret_text)
{
    const struct extra nothing = {0};
    const struct request_tags none = {0};

    return check(c, action, resource, &none, &nothing, ret_text);
}

bool call_may_pass_role(struct call *c, struct str role_arn, const char *service,
                        struct done *ret_done)
{
    const struct extra extra = {"iam:PassedToService", str_c(service)};
    const struct request_tags none = {0};
    struct str text;

    if (check(c, S("iam:PassRole"), role_arn, &none, &extra, &text) == ALLOWED)
        return true;
    reply_refusal(c, DENIED, text);
    *ret_done = (struct done){DONE_FAULT};
    return false;
}

enum refusal authorize(struct call *c, struct str *ret_text)
{
    struct str action = arena_printf(c->arena, "%s:%s", c->service->prefix, c->model->name);
    const struct extra nothing = {0};
    struct request_tags tags;
    struct str_list resources;
    enum refusal why = ALLOWED;

    if (c->identity.root || c->aws->o.iam == IAM_OFF)
        return ALLOWED;
    tags = request_tags_of(c, S(""));
    resources = resources_of(c, c->op->resource);
    for (size_t i = 0; why == ALLOWED && i < resources.n; i++)
        why = check(c, action, resources.at[i], &tags, &nothing, ret_text);
    if (why != ALLOWED || tags.keys.n == 0)
        return why;
    return strcmp(c->service->prefix, "ec2") == 0 ? check_ec2_tagging(c, ret_text)
                                                  : check_tagging(c, &tags, &resources, ret_text);
}

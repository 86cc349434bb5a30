/* AWS WAF Classic, regional: web ACLs, what they protect, change tokens and tags.
 * Source: AWS WAF Regional API Reference, 2016-11-28; reference section 7.
 *
 * DIFFERS: a web ACL's rules are kept and shown; no traffic is judged by them. */
#include "schema/aws/waf_regional.h"
#include "aws/document.h"
#include "aws/page.h"
#include "aws/service.h"
#include "aws/waf_association.h"
#include "store/tag.h"

#define ACL         "waf-regional/webacl"
#define ASSOCIATION "waf-regional/association"
#define TOKEN       "waf-regional/change-token"

static bool failed(struct call *c, int error, struct done *ret_done)
{
    *ret_done = call_fail(c, error);
    return false;
}

static bool missing(struct call *c, struct done *ret_done)
{
    *ret_done = call_fault(c, &waf_regional_waf_nonexistent_item_exception,
                           "The referenced item does not exist.");
    return false;
}

/* --- change tokens --------------------------------------------------------------------------- */

static struct done get_change_token(struct call *c, const void *input UNUSED)
{
    struct waf_regional_get_change_token_response out = {.change_token =
                                                             ids_uuid(c->ids, c->arena)};
    struct resource row = {.kind = S(TOKEN),
                           .arn = out.change_token,
                           .account = c->account,
                           .region = c->region,
                           .document = S("PROVISIONED"),
                           .created = c->now};
    int r = resource_insert(c->store, &row);

    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

static struct done get_change_token_status(struct call *c, const void *input)
{
    const struct waf_regional_get_change_token_status_request *in = input;
    struct waf_regional_get_change_token_status_response out = {0};
    struct resource *row = NULL;
    struct done done;
    int r = resource_find(c->store, c->arena, TOKEN, in->change_token, &row);

    if (r < 0)
        return call_fail(c, r);
    if (row == NULL || !str_eq(row->account, c->account))
        return missing(c, &done), done;
    out.change_token_status = row->document;
    return call_reply(c, &out);
}

/* A change uses up a token that GetChangeToken gave. */
static bool use_token(struct call *c, struct str token, struct done *ret_done)
{
    struct resource *row = NULL;
    int r = resource_find(c->store, c->arena, TOKEN, token, &row);

    if (r < 0)
        return failed(c, r, ret_done);
    if (row == NULL || !str_eq(row->account, c->account) || !str_is(row->document, "PROVISIONED")) {
        *ret_done = call_fault(c, &waf_regional_waf_stale_data_exception,
                               "The input token is no longer current.");
        return false;
    }
    row->document = S("INSYNC");
    r = resource_update(c->store, row);
    return r < 0 ? failed(c, r, ret_done) : true;
}

/* --- web ACLs -------------------------------------------------------------------------------- */

static struct str acl_arn(struct call *c, struct str id)
{
    return arena_printf(c->arena, "arn:%.*s:waf-regional:%.*s:%.*s:webacl/%.*s",
                        STR_ARG(c->partition), STR_ARG(c->region), STR_ARG(c->account),
                        STR_ARG(id));
}

static bool need_acl(struct call *c, struct str id, struct resource **ret_row,
                     struct waf_regional_web_acl **ret_acl, struct done *ret_done)
{
    int r = resource_find(c->store, c->arena, ACL, acl_arn(c, id), ret_row);

    if (r < 0)
        return failed(c, r, ret_done);
    if (*ret_row == NULL)
        return missing(c, ret_done);
    *ret_acl = document_read(c->arena, &waf_regional_web_acl_shape, (*ret_row)->document);
    return true;
}

static bool put_tags(struct call *c, struct str arn, const struct waf_regional_tag *tags, size_t n,
                     struct done *ret_done)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = tag_put(c->store, &(struct tag){.account = c->account,
                                            .region = c->region,
                                            .arn = arn,
                                            .key = tags[i].key,
                                            .value = tags[i].value});
    return r < 0 ? failed(c, r, ret_done) : true;
}

static struct done create_web_acl(struct call *c, const void *input)
{
    const struct waf_regional_create_web_acl_request *in = input;
    struct waf_regional_create_web_acl_response out = {.change_token = in->change_token};
    struct waf_regional_web_acl acl = {
        .web_acl_id = ids_uuid(c->ids, c->arena),
        .name = in->name,
        .metric_name = in->metric_name,
        .default_action = in->default_action,
    };
    struct resource row = {
        .kind = S(ACL), .account = c->account, .region = c->region, .created = c->now};
    struct done done;
    int r;

    if (!use_token(c, in->change_token, &done))
        return done;
    acl.web_acl_arn = row.arn = acl_arn(c, acl.web_acl_id);
    acl.rules.at = arena_alloc(c->arena, sizeof *acl.rules.at);
    row.document = document_write(c->arena, &waf_regional_web_acl_shape, &acl);
    r = resource_insert(c->store, &row);
    if (r < 0)
        return call_fail(c, r);
    if (!put_tags(c, row.arn, in->tags.at, in->tags.n, &done))
        return done;
    out.web_acl = &acl;
    return call_reply(c, &out);
}

static struct done get_web_acl(struct call *c, const void *input)
{
    const struct waf_regional_get_web_acl_request *in = input;
    struct waf_regional_get_web_acl_response out = {0};
    struct waf_regional_web_acl *acl;
    struct resource *row = NULL;
    struct done done;

    if (!need_acl(c, in->web_acl_id, &row, &acl, &done))
        return done;
    out.web_acl = acl;
    return call_reply(c, &out);
}

static bool same_rule(const struct waf_regional_activated_rule *a,
                      const struct waf_regional_activated_rule *b)
{
    return str_eq(a->rule_id, b->rule_id) && a->priority.v == b->priority.v;
}

/* Inserts and deletes of rules, in the order in which they come. */
static bool update_rules(struct call *c, struct waf_regional_web_acl *acl,
                         const struct waf_regional_update_web_acl_request *in,
                         struct done *ret_done)
{
    struct waf_regional_activated_rule *all =
        arena_array(c->arena, acl->rules.n + in->updates.n + 1, sizeof *all);

    if (acl->rules.n > 0)
        memcpy(all, acl->rules.at, acl->rules.n * sizeof *all);
    acl->rules.at = all;
    for (size_t i = 0; i < in->updates.n; i++) {
        const struct waf_regional_activated_rule *rule = in->updates.at[i].activated_rule;
        size_t kept = 0;

        if (str_is(in->updates.at[i].action, "INSERT")) {
            all[acl->rules.n++] = *rule;
            continue;
        }
        for (size_t k = 0; k < acl->rules.n; k++)
            if (!same_rule(&all[k], rule))
                all[kept++] = all[k];
        if (kept == acl->rules.n) {
            *ret_done = call_fault(c, &waf_regional_waf_invalid_operation_exception,
                                   "You tried to remove a Rule from a WebACL, but the Rule isn't "
                                   "in the specified WebACL.");
            return false;
        }
        acl->rules.n = kept;
    }
    return true;
}

static struct done update_web_acl(struct call *c, const void *input)
{
    const struct waf_regional_update_web_acl_request *in = input;
    struct waf_regional_update_web_acl_response out = {.change_token = in->change_token};
    struct waf_regional_web_acl *acl;
    struct resource *row = NULL;
    struct done done;
    int r;

    if (!need_acl(c, in->web_acl_id, &row, &acl, &done) || !use_token(c, in->change_token, &done) ||
        !update_rules(c, acl, in, &done))
        return done;
    if (in->default_action != NULL)
        acl->default_action = in->default_action;
    row->document = document_write(c->arena, &waf_regional_web_acl_shape, acl);
    r = resource_update(c->store, row);
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

static struct done delete_web_acl(struct call *c, const void *input)
{
    const struct waf_regional_delete_web_acl_request *in = input;
    struct waf_regional_delete_web_acl_response out = {.change_token = in->change_token};
    struct waf_regional_web_acl *acl;
    struct resource *row = NULL;
    struct str_list protects;
    struct done done;
    int r;

    if (!need_acl(c, in->web_acl_id, &row, &acl, &done) || !use_token(c, in->change_token, &done))
        return done;
    if (acl->rules.n > 0)
        return call_fault(c, &waf_regional_waf_non_empty_entity_exception,
                          "You can't delete a WebACL that still contains Rules.");
    r = waf_association_list(c, ASSOCIATION, row->arn, &protects);
    if (r == 0 && protects.n > 0)
        return call_fault(c, &waf_regional_waf_referenced_item_exception,
                          "This entity is still referenced by other entities.");
    if (r == 0)
        r = resource_delete(c->store, ACL, row->arn);
    if (r == 0)
        r = tag_remove_all(c->store, row->arn);
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

static struct done list_web_acls(struct call *c, const void *input)
{
    const struct waf_regional_list_web_acls_request *in = input;
    struct waf_regional_list_web_acls_response out = {0};
    struct waf_regional_web_acl_summary *all;
    struct resource *first = NULL;
    struct page page;
    size_t n = 0;
    int r = resource_list(c->store, c->arena, ACL, c->account, c->region, &first);

    if (r < 0)
        return call_fail(c, r);
    for (const struct resource *one = first; one != NULL; one = one->next)
        n++;
    all = arena_array(c->arena, n + 1, sizeof *all);
    n = 0;
    for (const struct resource *one = first; one != NULL; one = one->next) {
        const struct waf_regional_web_acl *acl =
            document_read(c->arena, &waf_regional_web_acl_shape, one->document);

        all[n++] = (struct waf_regional_web_acl_summary){acl->web_acl_id, acl->name};
    }
    if (!page_cut(c, in->next_marker, in->limit, n, &page))
        return call_fault(c, &waf_regional_waf_invalid_parameter_exception, "Invalid NextMarker");
    out.web_ac_ls.at = all + page.from;
    out.web_ac_ls.n = page.n;
    out.next_marker = page.next;
    return call_reply(c, &out);
}

/* --- what they protect ----------------------------------------------------------------------- */

static bool resource_holds(struct call *c, struct str arn, struct done *ret_done)
{
    bool fits, exists;
    int r = waf_resource_exists(c, arn, &fits, &exists);

    if (r < 0)
        return failed(c, r, ret_done);
    if (!fits) {
        *ret_done = call_fault(c, &waf_regional_waf_invalid_parameter_exception,
                               "The ARN isn't valid. A valid ARN begins with arn: and includes "
                               "other information separated by colons or slashes.");
        return false;
    }
    return exists || missing(c, ret_done);
}

/* Where there is none the summary is absent: an empty one would make v1.1.4 dissociate it. */
static struct done get_web_acl_for_resource(struct call *c, const void *input)
{
    const struct waf_regional_get_web_acl_for_resource_request *in = input;
    struct waf_regional_get_web_acl_for_resource_response out = {0};
    struct waf_regional_web_acl_summary summary;
    const struct waf_regional_web_acl *acl;
    struct resource *row = NULL;
    struct str arn;
    struct done done;
    int r;

    if (!resource_holds(c, in->resource_arn, &done))
        return done;
    r = waf_association_find(c, ASSOCIATION, in->resource_arn, &arn);
    if (r == 0 && arn.n > 0)
        r = resource_find(c->store, c->arena, ACL, arn, &row);
    if (r < 0)
        return call_fail(c, r);
    if (row != NULL) {
        acl = document_read(c->arena, &waf_regional_web_acl_shape, row->document);
        summary = (struct waf_regional_web_acl_summary){acl->web_acl_id, acl->name};
        out.web_acl_summary = &summary;
    }
    return call_reply(c, &out);
}

static struct done associate_web_acl(struct call *c, const void *input)
{
    const struct waf_regional_associate_web_acl_request *in = input;
    struct waf_regional_associate_web_acl_response out = {0};
    struct waf_regional_web_acl *acl;
    struct resource *row = NULL;
    struct done done;
    int r;

    if (!need_acl(c, in->web_acl_id, &row, &acl, &done) ||
        !resource_holds(c, in->resource_arn, &done))
        return done;
    r = waf_association_put(c, ASSOCIATION, in->resource_arn, row->arn);
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

static struct done disassociate_web_acl(struct call *c, const void *input)
{
    const struct waf_regional_disassociate_web_acl_request *in = input;
    struct waf_regional_disassociate_web_acl_response out = {0};
    struct done done;
    int r;

    if (!resource_holds(c, in->resource_arn, &done))
        return done;
    r = waf_association_remove(c, ASSOCIATION, in->resource_arn);
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

static struct done list_resources_for_web_acl(struct call *c, const void *input)
{
    const struct waf_regional_list_resources_for_web_acl_request *in = input;
    struct waf_regional_list_resources_for_web_acl_response out = {0};
    struct waf_regional_web_acl *acl;
    struct resource *row = NULL;
    struct done done;
    int r = 0;

    if (!need_acl(c, in->web_acl_id, &row, &acl, &done))
        return done;
    out.resource_arns.at = arena_alloc(c->arena, sizeof(struct str));
    if (in->resource_type.n == 0 || str_is(in->resource_type, "APPLICATION_LOAD_BALANCER"))
        r = waf_association_list(c, ASSOCIATION, row->arn, &out.resource_arns);
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

/* --- tags ------------------------------------------------------------------------------------ */

static bool need_arn(struct call *c, struct str arn, struct done *ret_done)
{
    struct resource *row = NULL;
    int r = resource_find(c->store, c->arena, ACL, arn, &row);

    if (r < 0)
        return failed(c, r, ret_done);
    return row != NULL || missing(c, ret_done);
}

static struct done tag_resource(struct call *c, const void *input)
{
    const struct waf_regional_tag_resource_request *in = input;
    struct waf_regional_tag_resource_response out = {0};
    struct done done;

    if (!need_arn(c, in->resource_arn, &done) ||
        !put_tags(c, in->resource_arn, in->tags.at, in->tags.n, &done))
        return done;
    return call_reply(c, &out);
}

static struct done untag_resource(struct call *c, const void *input)
{
    const struct waf_regional_untag_resource_request *in = input;
    struct waf_regional_untag_resource_response out = {0};
    struct done done;
    int r = 0;

    if (!need_arn(c, in->resource_arn, &done))
        return done;
    for (size_t i = 0; r == 0 && i < in->tag_keys.n; i++)
        r = tag_remove(c->store, in->resource_arn, in->tag_keys.at[i]);
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

static struct done list_tags_for_resource(struct call *c, const void *input)
{
    const struct waf_regional_list_tags_for_resource_request *in = input;
    struct waf_regional_tag_info_for_resource info = {.resource_arn = in->resource_arn};
    struct waf_regional_list_tags_for_resource_response out = {.tag_info_for_resource = &info};
    struct tag *first = NULL;
    struct done done;
    size_t n = 0;
    int r;

    if (!need_arn(c, in->resource_arn, &done))
        return done;
    r = tag_list(c->store, c->arena, c->account, c->region, in->resource_arn, &first);
    for (const struct tag *t = first; t != NULL; t = t->next)
        n++;
    info.tag_list.at = arena_array(c->arena, n + 1, sizeof *info.tag_list.at);
    for (const struct tag *t = first; t != NULL; t = t->next)
        info.tag_list.at[info.tag_list.n++] =
            (struct waf_regional_tag){t->key, t->value.n > 0 ? t->value : S("")};
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

/* --- the table ------------------------------------------------------------------------------- */

#define ACL_ARN "arn:aws:waf-regional:{region}:{account}:webacl/{WebACLId}"

static const struct aws_op ops[] = {
    {"AssociateWebACL",        associate_web_acl,          ACL_ARN "|{ResourceArn}",                           OP_WRITES},
    {"CreateWebACL",           create_web_acl,             "arn:aws:waf-regional:{region}:{account}:webacl/*", OP_WRITES},
    {"DeleteWebACL",           delete_web_acl,             ACL_ARN,                                            OP_WRITES},
    {"DisassociateWebACL",     disassociate_web_acl,       "{ResourceArn}",                                    OP_WRITES},
    {"GetChangeToken",         get_change_token,           NULL,                                               OP_WRITES},
    {"GetChangeTokenStatus",   get_change_token_status,    NULL,                                               0        },
    {"GetWebACL",              get_web_acl,                ACL_ARN,                                            0        },
    {"GetWebACLForResource",   get_web_acl_for_resource,   "{ResourceArn}",                                    0        },
    {"ListResourcesForWebACL", list_resources_for_web_acl, ACL_ARN,                                            0        },
    {"ListTagsForResource",    list_tags_for_resource,     "{ResourceARN}",                                    0        },
    {"ListWebACLs",            list_web_acls,              NULL,                                               0        },
    {"TagResource",            tag_resource,               "{ResourceARN}",                                    OP_WRITES},
    {"UntagResource",          untag_resource,             "{ResourceARN}",                                    OP_WRITES},
    {"UpdateWebACL",           update_web_acl,             ACL_ARN,                                            OP_WRITES},
};

const struct aws_service waf_regional_service = AWS_SERVICE(waf_regional, "waf-regional", ops);

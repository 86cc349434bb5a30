/* AWS WAF: web ACLs and IP sets of the region, what they protect, and tags.
 * Source: AWS WAFV2 API Reference, 2019-07-29; reference section 7.
 *
 * DIFFERS: rules are kept and shown; no traffic is judged by them, and a rule's capacity is 1. */
#include "schema/aws/wafv2.h"
#include "aws/document.h"
#include "aws/page.h"
#include "aws/service.h"
#include "aws/waf_association.h"
#include "store/tag.h"

#define ACL         "wafv2/webacl"
#define IP_SET      "wafv2/ipset"
#define ASSOCIATION "wafv2/association"

static bool failed(struct call *c, int error, struct done *ret_done)
{
    *ret_done = call_fail(c, error);
    return false;
}

static bool missing(struct call *c, struct done *ret_done)
{
    *ret_done =
        call_fault(c, &wafv2_waf_nonexistent_item_exception,
                   "AWS WAF couldn\xe2\x80\x99t perform the operation because your resource "
                   "doesn\xe2\x80\x99t exist.");
    return false;
}

/* --- what web ACLs and IP sets have in common ------------------------------------------------ */

/* A row's name is "<scope>/<name>", its secret the lock token. */
struct thing {
    const char *kind, *type; /* "wafv2/webacl", "webacl" */
    const struct shape *shape;
};

static const struct thing acls = {ACL, "webacl", &wafv2_web_acl_shape};
static const struct thing ip_sets = {IP_SET, "ipset", &wafv2_ip_set_shape};

static struct str scoped(struct call *c, struct str scope, struct str name)
{
    return arena_printf(c->arena, "%.*s/%.*s", STR_ARG(scope), STR_ARG(name));
}

static struct str thing_arn(struct call *c, const struct thing *t, struct str scope,
                            struct str name, struct str id)
{
    return call_arn(c, "%s/%s/%.*s/%.*s", str_is(scope, "CLOUDFRONT") ? "global" : "regional",
                    t->type, STR_ARG(name), STR_ARG(id));
}

static bool scope_holds(struct call *c, struct str scope, struct done *ret_done)
{
    if (!str_is(scope, "CLOUDFRONT") || str_is(c->region, "us-east-1"))
        return true;
    *ret_done = call_fault(c, &wafv2_waf_invalid_parameter_exception,
                           "Error reason: The scope is not valid., field: SCOPE_VALUE, parameter: "
                           "CLOUDFRONT");
    return false;
}

static bool need_thing(struct call *c, const struct thing *t, struct str scope, struct str name,
                       struct str id, struct resource **ret_row, struct done *ret_done)
{
    int r;

    if (!scope_holds(c, scope, ret_done))
        return false;
    r = resource_find(c->store, c->arena, t->kind, thing_arn(c, t, scope, name, id), ret_row);
    if (r < 0)
        return failed(c, r, ret_done);
    return *ret_row != NULL || missing(c, ret_done);
}

static bool lock_holds(struct call *c, const struct resource *row, struct str token,
                       struct done *ret_done)
{
    if (str_eq(row->secret, token))
        return true;
    *ret_done =
        call_fault(c, &wafv2_waf_optimistic_lock_exception,
                   "AWS WAF couldn\xe2\x80\x99t save your changes because someone changed the "
                   "resource after you started to edit it. Reapply your changes.");
    return false;
}

static bool put_tags(struct call *c, struct str arn, const struct wafv2_tag *tags, size_t n,
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

/* Makes the row of a new thing; @row->arn is set by the caller. */
static bool insert_thing(struct call *c, const struct thing *t, struct resource *row,
                         const void *value, const struct wafv2_tag *tags, size_t n,
                         struct done *ret_done)
{
    struct resource *old = NULL;
    int r =
        resource_find_by_name(c->store, c->arena, t->kind, c->account, c->region, row->name, &old);

    if (r < 0)
        return failed(c, r, ret_done);
    if (old != NULL) {
        *ret_done =
            call_fault(c, &wafv2_waf_duplicate_item_exception,
                       "AWS WAF couldn\xe2\x80\x99t perform the operation because some resource "
                       "in your request is a duplicate of an existing one.");
        return false;
    }
    row->kind = str_c(t->kind);
    row->account = c->account;
    row->region = c->region;
    row->created = c->now;
    row->secret = ids_uuid(c->ids, c->arena);
    row->document = document_write(c->arena, t->shape, value);
    r = resource_insert(c->store, row);
    return r < 0 ? failed(c, r, ret_done) : put_tags(c, row->arn, tags, n, ret_done);
}

static int update_thing(struct call *c, const struct thing *t, struct resource *row,
                        const void *value)
{
    row->secret = ids_uuid(c->ids, c->arena);
    row->document = document_write(c->arena, t->shape, value);
    return resource_update(c->store, row);
}

static int delete_thing(struct call *c, const struct thing *t, const struct resource *row)
{
    int r = resource_delete(c->store, t->kind, row->arn);

    return r < 0 ? r : tag_remove_all(c->store, row->arn);
}

/* Summaries of all things of a scope; those of ACLs and of IP sets are alike. */
static struct done list_things(struct call *c, const struct thing *t, struct str scope,
                               struct str marker, struct opt_int most)
{
    struct wafv2_list_web_acls_response out = {0};
    struct str prefix = scoped(c, scope, S(""));
    struct wafv2_web_acl_summary *all;
    struct resource *first = NULL;
    struct page page;
    struct done done;
    size_t n = 0;
    int r;

    if (!scope_holds(c, scope, &done))
        return done;
    r = resource_list(c->store, c->arena, t->kind, c->account, c->region, &first);
    if (r < 0)
        return call_fail(c, r);
    for (const struct resource *one = first; one != NULL; one = one->next)
        n++;
    all = arena_array(c->arena, n + 1, sizeof *all);
    n = 0;
    for (const struct resource *one = first; one != NULL; one = one->next) {
        /* Both documents have Name, Id, ARN and Description. */
        const struct wafv2_web_acl *v =
            document_read(c->arena, &wafv2_web_acl_shape, one->document);

        if (str_starts(one->name, prefix))
            all[n++] = (struct wafv2_web_acl_summary){
                .name = v->name,
                .id = v->id,
                .description = v->description.at != NULL ? v->description : S(""),
                .lock_token = one->secret,
                .arn = one->arn,
            };
    }
    if (!page_cut(c, marker, most, n, &page))
        return call_fault(c, &wafv2_waf_invalid_parameter_exception, "Invalid NextMarker");
    out.web_ac_ls.at = all + page.from;
    out.web_ac_ls.n = page.n;
    out.next_marker = page.next;
    return call_reply(c, &out);
}

/* --- web ACLs -------------------------------------------------------------------------------- */

static bool action_holds(struct call *c, const struct wafv2_default_action *action,
                         struct done *ret_done)
{
    if (action == NULL || (action->allow != NULL) != (action->block != NULL))
        return true;
    *ret_done = call_fault(c, &wafv2_waf_invalid_parameter_exception,
                           "Error reason: You have used none or multiple values for a field that "
                           "requires exactly one value., field: DEFAULT_ACTION, parameter: "
                           "DefaultAction");
    return false;
}

static struct done create_web_acl(struct call *c, const void *input)
{
    const struct wafv2_create_web_acl_request *in = input;
    struct wafv2_create_web_acl_response out = {0};
    struct wafv2_web_acl_summary summary;
    struct wafv2_web_acl acl = {
        .name = in->name,
        .id = ids_uuid(c->ids, c->arena),
        .default_action = in->default_action,
        .description = in->description,
        .visibility_config = in->visibility_config,
        .capacity = OPT_INT((int64_t)in->rules.n),
        .managed_by_firewall_manager = OPT_BOOL(false),
        .custom_response_bodies = in->custom_response_bodies,
        .captcha_config = in->captcha_config,
        .challenge_config = in->challenge_config,
        .token_domains = in->token_domains,
        .association_config = in->association_config,
        .retrofitted_by_firewall_manager = OPT_BOOL(false),
    };
    struct resource row = {.name = scoped(c, in->scope, in->name)};
    struct done done;

    if (!scope_holds(c, in->scope, &done) || !action_holds(c, in->default_action, &done))
        return done;
    acl.arn = row.arn = thing_arn(c, &acls, in->scope, in->name, acl.id);
    acl.label_namespace =
        arena_printf(c->arena, "awswaf:%.*s:webacl:%.*s:", STR_ARG(c->account), STR_ARG(in->name));
    acl.rules.at =
        in->rules.at != NULL ? in->rules.at : arena_alloc(c->arena, sizeof *acl.rules.at);
    acl.rules.n = in->rules.n;
    if (!insert_thing(c, &acls, &row, &acl, in->tags.at, in->tags.n, &done))
        return done;
    summary = (struct wafv2_web_acl_summary){
        .name = acl.name,
        .id = acl.id,
        .description = acl.description.at != NULL ? acl.description : S(""),
        .lock_token = row.secret,
        .arn = acl.arn};
    out.summary = &summary;
    return call_reply(c, &out);
}

static struct done get_web_acl(struct call *c, const void *input)
{
    const struct wafv2_get_web_acl_request *in = input;
    struct wafv2_get_web_acl_response out = {0};
    struct resource *row = NULL;
    struct done done;
    int r;

    if (in->arn.n > 0) {
        r = resource_find(c->store, c->arena, ACL, in->arn, &row);
        if (r < 0)
            return call_fail(c, r);
        if (row == NULL)
            return missing(c, &done), done;
    } else if (!need_thing(c, &acls, in->scope, in->name, in->id, &row, &done)) {
        return done;
    }
    out.web_acl = document_read(c->arena, &wafv2_web_acl_shape, row->document);
    out.lock_token = row->secret;
    return call_reply(c, &out);
}

static struct done update_web_acl(struct call *c, const void *input)
{
    const struct wafv2_update_web_acl_request *in = input;
    struct wafv2_update_web_acl_response out = {0};
    struct wafv2_web_acl *acl;
    struct resource *row = NULL;
    struct done done;
    int r;

    if (!need_thing(c, &acls, in->scope, in->name, in->id, &row, &done) ||
        !lock_holds(c, row, in->lock_token, &done) || !action_holds(c, in->default_action, &done))
        return done;
    acl = document_read(c->arena, &wafv2_web_acl_shape, row->document);
    acl->default_action = in->default_action;
    acl->description = in->description;
    acl->rules.at =
        in->rules.at != NULL ? in->rules.at : arena_alloc(c->arena, sizeof *acl->rules.at);
    acl->rules.n = in->rules.n;
    acl->capacity = OPT_INT((int64_t)in->rules.n);
    acl->visibility_config = in->visibility_config;
    acl->custom_response_bodies = in->custom_response_bodies;
    acl->captcha_config = in->captcha_config;
    acl->challenge_config = in->challenge_config;
    acl->token_domains = in->token_domains;
    acl->association_config = in->association_config;
    r = update_thing(c, &acls, row, acl);
    out.next_lock_token = row->secret;
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

static struct done delete_web_acl(struct call *c, const void *input)
{
    const struct wafv2_delete_web_acl_request *in = input;
    struct wafv2_delete_web_acl_response out = {0};
    struct resource *row = NULL;
    struct str_list protects;
    struct done done;
    int r;

    if (!need_thing(c, &acls, in->scope, in->name, in->id, &row, &done) ||
        !lock_holds(c, row, in->lock_token, &done))
        return done;
    r = waf_association_list(c, ASSOCIATION, row->arn, &protects);
    if (r == 0 && protects.n > 0)
        return call_fault(
            c, &wafv2_waf_associated_item_exception,
            "AWS WAF couldn\xe2\x80\x99t perform the operation because your resource is "
            "being used by another resource or it\xe2\x80\x99s associated with another "
            "resource.");
    if (r == 0)
        r = delete_thing(c, &acls, row);
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

static struct done list_web_acls(struct call *c, const void *input)
{
    const struct wafv2_list_web_acls_request *in = input;

    return list_things(c, &acls, in->scope, in->next_marker, in->limit);
}

/* --- IP sets --------------------------------------------------------------------------------- */

static struct done create_ip_set(struct call *c, const void *input)
{
    const struct wafv2_create_ip_set_request *in = input;
    struct wafv2_create_ip_set_response out = {0};
    struct wafv2_ip_set_summary summary;
    struct wafv2_ip_set set = {
        .name = in->name,
        .id = ids_uuid(c->ids, c->arena),
        .description = in->description,
        .ip_address_version = in->ip_address_version,
        .addresses = in->addresses,
    };
    struct resource row = {.name = scoped(c, in->scope, in->name)};
    struct done done;

    if (!scope_holds(c, in->scope, &done))
        return done;
    set.arn = row.arn = thing_arn(c, &ip_sets, in->scope, in->name, set.id);
    if (!insert_thing(c, &ip_sets, &row, &set, in->tags.at, in->tags.n, &done))
        return done;
    summary = (struct wafv2_ip_set_summary){
        .name = set.name,
        .id = set.id,
        .description = set.description.at != NULL ? set.description : S(""),
        .lock_token = row.secret,
        .arn = set.arn};
    out.summary = &summary;
    return call_reply(c, &out);
}

static struct done get_ip_set(struct call *c, const void *input)
{
    const struct wafv2_get_ip_set_request *in = input;
    struct wafv2_get_ip_set_response out = {0};
    struct resource *row = NULL;
    struct done done;

    if (!need_thing(c, &ip_sets, in->scope, in->name, in->id, &row, &done))
        return done;
    out.ip_set = document_read(c->arena, &wafv2_ip_set_shape, row->document);
    out.lock_token = row->secret;
    return call_reply(c, &out);
}

static struct done update_ip_set(struct call *c, const void *input)
{
    const struct wafv2_update_ip_set_request *in = input;
    struct wafv2_update_ip_set_response out = {0};
    struct wafv2_ip_set *set;
    struct resource *row = NULL;
    struct done done;
    int r;

    if (!need_thing(c, &ip_sets, in->scope, in->name, in->id, &row, &done) ||
        !lock_holds(c, row, in->lock_token, &done))
        return done;
    set = document_read(c->arena, &wafv2_ip_set_shape, row->document);
    set->addresses = in->addresses;
    set->description = in->description;
    r = update_thing(c, &ip_sets, row, set);
    out.next_lock_token = row->secret;
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

/* Whether a rule of some web ACL names the set. */
static int set_is_used(struct call *c, struct str arn, bool *ret_used)
{
    struct resource *acl = NULL;
    int r = resource_list(c->store, c->arena, ACL, c->account, c->region, &acl);

    *ret_used = false;
    for (; acl != NULL; acl = acl->next)
        *ret_used = *ret_used || str_find(acl->document, arn) != STR_NONE;
    return r;
}

static struct done delete_ip_set(struct call *c, const void *input)
{
    const struct wafv2_delete_ip_set_request *in = input;
    struct wafv2_delete_ip_set_response out = {0};
    struct resource *row = NULL;
    bool used;
    struct done done;
    int r;

    if (!need_thing(c, &ip_sets, in->scope, in->name, in->id, &row, &done) ||
        !lock_holds(c, row, in->lock_token, &done))
        return done;
    r = set_is_used(c, row->arn, &used);
    if (r == 0 && used)
        return call_fault(
            c, &wafv2_waf_associated_item_exception,
            "AWS WAF couldn\xe2\x80\x99t perform the operation because your resource is "
            "being used by another resource or it\xe2\x80\x99s associated with another "
            "resource.");
    if (r == 0)
        r = delete_thing(c, &ip_sets, row);
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

static struct done list_ip_sets(struct call *c, const void *input)
{
    const struct wafv2_list_ip_sets_request *in = input;

    return list_things(c, &ip_sets, in->scope, in->next_marker, in->limit);
}

/* --- what web ACLs protect ------------------------------------------------------------------- */

static bool resource_holds(struct call *c, struct str arn, struct done *ret_done)
{
    bool fits, exists;
    int r = waf_resource_exists(c, arn, &fits, &exists);

    if (r < 0)
        return failed(c, r, ret_done);
    if (!fits) {
        *ret_done =
            call_fault(c, &wafv2_waf_invalid_parameter_exception,
                       "Error reason: The ARN isn't valid. A valid ARN begins with arn: and "
                       "includes other information separated by colons or slashes., field: "
                       "RESOURCE_ARN, parameter: %.*s",
                       STR_ARG(arn));
        return false;
    }
    return exists || missing(c, ret_done);
}

static struct done get_web_acl_for_resource(struct call *c, const void *input)
{
    const struct wafv2_get_web_acl_for_resource_request *in = input;
    struct wafv2_get_web_acl_for_resource_response out = {0};
    struct resource *row = NULL;
    struct str arn;
    struct done done;
    int r;

    if (!resource_holds(c, in->resource_arn, &done))
        return done;
    r = waf_association_find(c, ASSOCIATION, in->resource_arn, &arn);
    if (r == 0 && arn.n > 0)
        r = resource_find(c->store, c->arena, ACL, arn, &row);
    if (r == 0 && row != NULL)
        out.web_acl = document_read(c->arena, &wafv2_web_acl_shape, row->document);
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

static struct done associate_web_acl(struct call *c, const void *input)
{
    const struct wafv2_associate_web_acl_request *in = input;
    struct wafv2_associate_web_acl_response out = {0};
    struct resource *row = NULL;
    struct done done;
    int r = resource_find(c->store, c->arena, ACL, in->web_acl_arn, &row);

    if (r < 0)
        return call_fail(c, r);
    if (row == NULL || !str_eq(row->account, c->account))
        return missing(c, &done), done;
    if (!resource_holds(c, in->resource_arn, &done))
        return done;
    r = waf_association_put(c, ASSOCIATION, in->resource_arn, row->arn);
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

static struct done disassociate_web_acl(struct call *c, const void *input)
{
    const struct wafv2_disassociate_web_acl_request *in = input;
    struct wafv2_disassociate_web_acl_response out = {0};
    struct done done;
    int r;

    if (!resource_holds(c, in->resource_arn, &done))
        return done;
    r = waf_association_remove(c, ASSOCIATION, in->resource_arn);
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

static struct done list_resources_for_web_acl(struct call *c, const void *input)
{
    const struct wafv2_list_resources_for_web_acl_request *in = input;
    struct wafv2_list_resources_for_web_acl_response out = {0};
    struct resource *row = NULL;
    struct done done;
    int r = resource_find(c->store, c->arena, ACL, in->web_acl_arn, &row);

    if (r == 0 && row == NULL)
        return missing(c, &done), done;
    out.resource_arns.at = arena_alloc(c->arena, sizeof(struct str));
    if (r == 0 &&
        (in->resource_type.n == 0 || str_is(in->resource_type, "APPLICATION_LOAD_BALANCER")))
        r = waf_association_list(c, ASSOCIATION, row->arn, &out.resource_arns);
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

/* --- tags ------------------------------------------------------------------------------------ */

static bool need_arn(struct call *c, struct str arn, struct done *ret_done)
{
    struct resource *acl = NULL, *set = NULL;
    int r = resource_find(c->store, c->arena, ACL, arn, &acl);

    if (r == 0)
        r = resource_find(c->store, c->arena, IP_SET, arn, &set);
    if (r < 0)
        return failed(c, r, ret_done);
    return acl != NULL || set != NULL || missing(c, ret_done);
}

static struct done tag_resource(struct call *c, const void *input)
{
    const struct wafv2_tag_resource_request *in = input;
    struct wafv2_tag_resource_response out = {0};
    struct done done;

    if (!need_arn(c, in->resource_arn, &done) ||
        !put_tags(c, in->resource_arn, in->tags.at, in->tags.n, &done))
        return done;
    return call_reply(c, &out);
}

static struct done untag_resource(struct call *c, const void *input)
{
    const struct wafv2_untag_resource_request *in = input;
    struct wafv2_untag_resource_response out = {0};
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
    const struct wafv2_list_tags_for_resource_request *in = input;
    struct wafv2_tag_info_for_resource info = {.resource_arn = in->resource_arn};
    struct wafv2_list_tags_for_resource_response out = {.tag_info_for_resource = &info};
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
            (struct wafv2_tag){t->key, t->value.n > 0 ? t->value : S("")};
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

/* --- the table ------------------------------------------------------------------------------- */

#define ARN(rest) "arn:aws:wafv2:{region}:{account}:*/" rest

static const struct aws_op ops[] = {
    {"AssociateWebACL",        associate_web_acl,          "{WebACLArn}|{ResourceArn}", OP_WRITES},
    {"CreateIPSet",            create_ip_set,              ARN("ipset/{Name}/*"),       OP_WRITES},
    {"CreateWebACL",           create_web_acl,             ARN("webacl/{Name}/*"),      OP_WRITES},
    {"DeleteIPSet",            delete_ip_set,              ARN("ipset/{Name}/{Id}"),    OP_WRITES},
    {"DeleteWebACL",           delete_web_acl,             ARN("webacl/{Name}/{Id}"),   OP_WRITES},
    {"DisassociateWebACL",     disassociate_web_acl,       "{ResourceArn}",             OP_WRITES},
    {"GetIPSet",               get_ip_set,                 ARN("ipset/{Name}/{Id}"),    0        },
    {"GetWebACL",              get_web_acl,                ARN("webacl/{Name}/{Id}"),   0        },
    {"GetWebACLForResource",   get_web_acl_for_resource,   "{ResourceArn}",             0        },
    {"ListIPSets",             list_ip_sets,               NULL,                        0        },
    {"ListResourcesForWebACL", list_resources_for_web_acl, "{WebACLArn}",               0        },
    {"ListTagsForResource",    list_tags_for_resource,     "{ResourceARN}",             0        },
    {"ListWebACLs",            list_web_acls,              NULL,                        0        },
    {"TagResource",            tag_resource,               "{ResourceARN}",             OP_WRITES},
    {"UntagResource",          untag_resource,             "{ResourceARN}",             OP_WRITES},
    {"UpdateIPSet",            update_ip_set,              ARN("ipset/{Name}/{Id}"),    OP_WRITES},
    {"UpdateWebACL",           update_web_acl,             ARN("webacl/{Name}/{Id}"),   OP_WRITES},
};

const struct aws_service wafv2_service = AWS_SERVICE(wafv2, "wafv2", ops);

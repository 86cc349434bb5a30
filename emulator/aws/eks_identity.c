/* EKS Pod Identity associations, and OIDC providers that a cluster trusts for people.
 * Source: Amazon EKS API Reference, CreatePodIdentityAssociation,
 * AssociateIdentityProviderConfig. */
#include "aws/eks.h"

#include "store/iam.h"
#include "store/tag.h"

/* --- pod identity ---------------------------------------------------------------------------- */

static bool need_association(struct call *c, struct str cluster, struct str id,
                             struct eks_item **ret_item, struct done *ret_done)
{
    struct cluster *row = NULL;
    int r = 0;

    if (!eks_need_cluster(c, cluster, &row, ret_done))
        return false;
    if (id.n > 0)
        r = eks_item_list(c->store, c->arena, cluster, S("pod-identity"), id, ret_item);
    if (r < 0)
        return eks_failed(c, r, ret_done);
    if (*ret_item != NULL)
        return true;
    *ret_done = call_fault(c, &eks_not_found_exception,
                           "The association with ID %.*s could not be found in cluster %.*s",
                           STR_ARG(id), STR_ARG(cluster));
    return false;
}

static struct done answer(struct call *c, struct eks_pod_identity_association *view)
{
    int r = eks_tags(c, view->association_arn, &view->tags);

    /* Create, describe, update and delete answer alike. */
    return r < 0 ? call_fail(c, r)
                 : call_reply(c, &(struct eks_create_pod_identity_association_response){
                                     .association = view});
}

static bool role_holds(struct call *c, struct str arn, struct done *ret_done)
{
    struct iam_entity *role = NULL;
    int r = iam_entity_find_by_arn(c->store, c->arena, arn, &role);

    if (r < 0)
        return eks_failed(c, r, ret_done);
    if (role == NULL || role->kind != IAM_ROLE) {
        *ret_done = call_fault(c, &eks_invalid_parameter_exception,
                               "Role provided in the request "
                               "does not exist.");
        return false;
    }
    if (!eks_role_trusts(role->trust, S("pods.eks.amazonaws.com"))) {
        *ret_done = call_fault(c, &eks_invalid_parameter_exception,
                               "Trust policy of the role must allow pods.eks.amazonaws.com to "
                               "assume it.");
        return false;
    }
    return call_may_pass_role(c, arn, "pods.eks.amazonaws.com", ret_done);
}

struct done eks_create_pod_identity_association(struct call *c, const void *input)
{
    const struct eks_create_pod_identity_association_request *in = input;
    struct str id = arena_printf(
        c->arena, "a-%.*s",
        STR_ARG(ids_from(c->ids, c->arena, 17, "abcdefghijklmnopqrstuvwxyz0123456789")));
    struct eks_pod_identity_association a;
    struct cluster *cluster = NULL;
    struct eks_item *old = NULL, item;
    struct done done;
    int r;

    if (!eks_need_active(c, in->cluster_name, &cluster, &done) ||
        !role_holds(c, in->role_arn, &done))
        return done;
    r = eks_item_list(c->store, c->arena, cluster->name, S("pod-identity"), S(""), &old);
    for (; r == 0 && old != NULL; old = old->next)
        if (str_eq(old->parent, arena_printf(c->arena, "%.*s/%.*s", STR_ARG(in->namespace),
                                             STR_ARG(in->service_account))))
            return call_fault(c, &eks_resource_in_use_exception, "Association already exists: %.*s",
                              STR_ARG(old->name));
    a = (struct eks_pod_identity_association){
        .cluster_name = cluster->name,
        .namespace = in->namespace,
        .service_account = in->service_account,
        .role_arn = in->role_arn,
        .association_arn =
            call_arn(c, "podidentityassociation/%.*s/%.*s", STR_ARG(cluster->name), STR_ARG(id)),
        .association_id = id,
        .created_at = OPT_INT(c->now),
        .modified_at = OPT_INT(c->now),
        .disable_session_tags =
            in->disable_session_tags.set ? in->disable_session_tags : OPT_BOOL(false),
        .target_role_arn = in->target_role_arn,
        .policy = in->policy,
    };
    if (!eks_put_tags(c, a.association_arn, &in->tags, &done))
        return done;
    item = (struct eks_item){
        .cluster = cluster->name,
        .kind = S("pod-identity"),
        .name = id,
        .parent =
            arena_printf(c->arena, "%.*s/%.*s", STR_ARG(a.namespace), STR_ARG(a.service_account)),
        .arn = a.association_arn,
        .document = document_write(c->arena, &eks_pod_identity_association_shape, &a),
    };
    if (r == 0)
        r = eks_item_insert(c->store, &item);
    return r < 0 ? call_fail(c, r) : answer(c, &a);
}

struct done eks_describe_pod_identity_association(struct call *c, const void *input)
{
    const struct eks_describe_pod_identity_association_request *in = input;
    struct eks_item *item = NULL;
    struct done done;

    if (!need_association(c, in->cluster_name, in->association_id, &item, &done))
        return done;
    return answer(c, document_read(c->arena, &eks_pod_identity_association_shape, item->document));
}

struct done eks_list_pod_identity_associations(struct call *c, const void *input)
{
    const struct eks_list_pod_identity_associations_request *in = input;
    struct eks_list_pod_identity_associations_response out = {0};
    struct eks_pod_identity_association_summary *all;
    struct cluster *cluster = NULL;
    struct eks_item *first = NULL;
    struct page page;
    struct done done;
    size_t n = 0;
    int r;

    if (!eks_need_cluster(c, in->cluster_name, &cluster, &done))
        return done;
    r = eks_item_list(c->store, c->arena, cluster->name, S("pod-identity"), S(""), &first);
    if (r < 0)
        return call_fail(c, r);
    for (const struct eks_item *i = first; i != NULL; i = i->next)
        n++;
    all = arena_array(c->arena, n + 1, sizeof *all);
    n = 0;
    for (const struct eks_item *i = first; i != NULL; i = i->next) {
        const struct eks_pod_identity_association *a =
            document_read(c->arena, &eks_pod_identity_association_shape, i->document);

        if ((in->namespace.n > 0 && !str_eq(in->namespace, a->namespace)) ||
            (in->service_account.n > 0 && !str_eq(in->service_account, a->service_account)))
            continue;
        all[n++] = (struct eks_pod_identity_association_summary){
            .cluster_name = a->cluster_name,
            .namespace = a->namespace,
            .service_account = a->service_account,
            .association_arn = a->association_arn,
            .association_id = a->association_id,
        };
    }
    if (!eks_page(c, in->next_token, in->max_results, n, &page, &done))
        return done;
    out.associations.at = all + page.from;
    out.associations.n = page.n;
    out.next_token = page.next;
    return call_reply(c, &out);
}

struct done eks_update_pod_identity_association(struct call *c, const void *input)
{
    const struct eks_update_pod_identity_association_request *in = input;
    struct eks_pod_identity_association *a;
    struct eks_item *item = NULL;
    struct done done;
    int r;

    if (!need_association(c, in->cluster_name, in->association_id, &item, &done) ||
        (in->role_arn.n > 0 && !role_holds(c, in->role_arn, &done)))
        return done;
    a = document_read(c->arena, &eks_pod_identity_association_shape, item->document);
    if (in->role_arn.n > 0)
        a->role_arn = in->role_arn;
    if (in->disable_session_tags.set)
        a->disable_session_tags = in->disable_session_tags;
    if (in->target_role_arn.at != NULL)
        a->target_role_arn = in->target_role_arn;
    a->modified_at = OPT_INT(c->now);
    item->document = document_write(c->arena, &eks_pod_identity_association_shape, a);
    r = eks_item_update(c->store, item);
    return r < 0 ? call_fail(c, r) : answer(c, a);
}

struct done eks_delete_pod_identity_association(struct call *c, const void *input)
{
    const struct eks_delete_pod_identity_association_request *in = input;
    struct eks_item *item = NULL;
    struct done done;
    int r;

    if (!need_association(c, in->cluster_name, in->association_id, &item, &done))
        return done;
    done = answer(c, document_read(c->arena, &eks_pod_identity_association_shape, item->document));
    r = eks_item_delete(c->store, item->cluster, S("pod-identity"), item->name);
    if (r == 0)
        r = tag_remove_all(c->store, item->arn);
    return r < 0 ? call_fail(c, r) : done;
}

/* --- identity providers ---------------------------------------------------------------------- */

static bool need_provider(struct call *c, struct str cluster,
                          const struct eks_identity_provider_config *wanted,
                          struct cluster **ret_cluster, struct eks_item **ret_item,
                          struct done *ret_done)
{
    int r = 0;

    if (!eks_need_cluster(c, cluster, ret_cluster, ret_done))
        return false;
    if (str_is(wanted->type, "oidc") && wanted->name.n > 0)
        r = eks_item_list(c->store, c->arena, cluster, S("identity-provider"), wanted->name,
                          ret_item);
    if (r < 0)
        return eks_failed(c, r, ret_done);
    if (*ret_item != NULL)
        return true;
    *ret_done = call_fault(c, &eks_resource_not_found_exception,
                           "Identity provider config not found: %.*s", STR_ARG(wanted->name));
    return false;
}

/* An update's answer, under the tags that were given. */
static struct done reply_with_tags(struct call *c, const struct cluster *row, const char *type,
                                   const struct str_map *tags, struct str name)
{
    struct eks_update update = {.id = ids_uuid(c->ids, c->arena),
                                .status = S("Successful"),
                                .type = str_c(type),
                                .created_at = OPT_INT(c->now)};
    struct eks_associate_identity_provider_config_response out = {.update = &update, .tags = *tags};
    struct eks_item item = {.cluster = row->name, .kind = S("update"), .name = update.id};
    int r;

    update.params.at = arena_array(c->arena, 1, sizeof *update.params.at);
    update.params.at[0] = (struct eks_update_param){S("IdentityProviderConfig"), name};
    update.params.n = 1;
    update.errors.at = arena_alloc(c->arena, sizeof *update.errors.at);
    item.document = document_write(c->arena, &eks_update_shape, &update);
    r = eks_item_insert(c->store, &item);
    update.status = S("InProgress");
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

struct done eks_associate_identity_provider_config(struct call *c, const void *input)
{
    const struct eks_associate_identity_provider_config_request *in = input;
    struct str uuid = ids_uuid(c->ids, c->arena);
    struct eks_oidc_identity_provider_config *kept;
    struct cluster *cluster = NULL;
    struct eks_item *old = NULL, item;
    struct done done;
    int r;

    if (!eks_need_active(c, in->cluster_name, &cluster, &done))
        return done;
    r = eks_item_list(c->store, c->arena, cluster->name, S("identity-provider"), S(""), &old);
    if (r < 0)
        return call_fail(c, r);
    if (old != NULL)
        return call_fault(c, &eks_resource_limit_exceeded_exception,
                          "Maximum identity provider configs reached (1)");
    if (!str_starts(in->oidc->issuer_url, S("https://")))
        return call_fault(c, &eks_invalid_parameter_exception,
                          "Issuer URL must begin with https://");
    kept = document_convert(c->arena, &eks_oidc_identity_provider_config_request_shape, in->oidc,
                            &eks_oidc_identity_provider_config_shape);
    kept->cluster_name = cluster->name;
    kept->status = S("ACTIVE");
    kept->identity_provider_config_arn =
        call_arn(c, "identityproviderconfig/%.*s/oidc/%.*s/%.*s", STR_ARG(cluster->name),
                 STR_ARG(kept->identity_provider_config_name), STR_ARG(uuid));
    kept->tags = in->tags;
    item = (struct eks_item){
        .cluster = cluster->name,
        .kind = S("identity-provider"),
        .name = kept->identity_provider_config_name,
        .arn = kept->identity_provider_config_arn,
        .document = document_write(c->arena, &eks_oidc_identity_provider_config_shape, kept),
    };
    r = eks_item_insert(c->store, &item);
    return r < 0 ? call_fail(c, r)
                 : reply_with_tags(c, cluster, "AssociateIdentityProviderConfig", &in->tags,
                                   item.name);
}

struct done eks_describe_identity_provider_config(struct call *c, const void *input)
{
    const struct eks_describe_identity_provider_config_request *in = input;
    struct eks_identity_provider_config_response config = {0};
    struct eks_describe_identity_provider_config_response out = {.identity_provider_config =
                                                                     &config};
    struct cluster *cluster = NULL;
    struct eks_item *item = NULL;
    struct done done;

    if (!need_provider(c, in->cluster_name, in->identity_provider_config, &cluster, &item, &done))
        return done;
    config.oidc = document_read(c->arena, &eks_oidc_identity_provider_config_shape, item->document);
    return call_reply(c, &out);
}

struct done eks_list_identity_provider_configs(struct call *c, const void *input)
{
    const struct eks_list_identity_provider_configs_request *in = input;
    struct eks_list_identity_provider_configs_response out = {0};
    struct eks_identity_provider_config one;
    struct cluster *cluster = NULL;
    struct eks_item *first = NULL;
    struct done done;
    int r;

    if (!eks_need_cluster(c, in->cluster_name, &cluster, &done))
        return done;
    r = eks_item_list(c->store, c->arena, cluster->name, S("identity-provider"), S(""), &first);
    if (r < 0)
        return call_fail(c, r);
    out.identity_provider_configs.at = &one;
    if (first != NULL) {
        one = (struct eks_identity_provider_config){S("oidc"), first->name};
        out.identity_provider_configs.n = 1;
    }
    return call_reply(c, &out);
}

struct done eks_disassociate_identity_provider_config(struct call *c, const void *input)
{
    const struct eks_disassociate_identity_provider_config_request *in = input;
    struct eks_update_param param = {.type = S("IdentityProviderConfig")};
    struct cluster *cluster = NULL;
    struct eks_item *item = NULL;
    struct done done;
    int r;

    if (!need_provider(c, in->cluster_name, in->identity_provider_config, &cluster, &item, &done))
        return done;
    param.value = item->name;
    r = eks_item_delete(c->store, cluster->name, S("identity-provider"), item->name);
    return r < 0 ? call_fail(c, r)
                 : eks_updated(c, cluster, S(""), "DisassociateIdentityProviderConfig", &param, 1);
}

/* Associations of web ACLs, rows of store/resource.h: the resource's ARN is the row's, the ACL its
 * parent. */
#include "aws/waf_association.h"

#include "store/elbv2.h"

int waf_resource_exists(struct call *c, struct str arn, bool *ret_fits, bool *ret_exists)
{
    struct str prefix =
        arena_printf(c->arena, "arn:%.*s:elasticloadbalancing:%.*s:%.*s:loadbalancer/app/",
                     STR_ARG(c->partition), STR_ARG(c->region), STR_ARG(c->account));
    struct load_balancer *lb = NULL;
    int r = 0;

    *ret_fits = str_starts(arn, prefix);
    if (*ret_fits)
        r = load_balancer_find(c->store, c->arena, arn, &lb);
    *ret_exists = lb != NULL;
    return r;
}

int waf_association_find(struct call *c, const char *kind, struct str resource, struct str *ret_acl)
{
    struct resource *row = NULL;
    int r = resource_find(c->store, c->arena, kind, resource, &row);

    *ret_acl = row != NULL ? row->parent : (struct str){0};
    return r;
}

int waf_association_put(struct call *c, const char *kind, struct str resource, struct str acl)
{
    struct resource row = {.kind = str_c(kind),
                           .arn = resource,
                           .account = c->account,
                           .region = c->region,
                           .parent = acl,
                           .created = c->now};
    int r = resource_delete(c->store, kind, resource);

    return r < 0 ? r : resource_insert(c->store, &row);
}

int waf_association_remove(struct call *c, const char *kind, struct str resource)
{
    return resource_delete(c->store, kind, resource);
}

int waf_association_list(struct call *c, const char *kind, struct str acl,
                         struct str_list *ret_resources)
{
    struct resource *first = NULL;
    size_t n = 0;
    int r = resource_list_by_parent(c->store, c->arena, kind, acl, &first);

    for (const struct resource *one = first; one != NULL; one = one->next)
        n++;
    *ret_resources = (struct str_list){arena_array(c->arena, n + 1, sizeof(struct str)), 0};
    for (const struct resource *one = first; r == 0 && one != NULL; one = one->next) {
        bool fits, exists;

        r = waf_resource_exists(c, one->arn, &fits, &exists);
        if (exists)
            ret_resources->at[ret_resources->n++] = one->arn;
    }
    return r;
}

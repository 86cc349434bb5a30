/* Access keys of users. Source: IAM API Reference, CreateAccessKey and its kin; reference
 * aws-eks-iam-ec2 section 2.4. */
#include "aws/iam.h"
#include "aws/iam_operations.h"

#include "aws/credential.h"

enum { MOST_KEYS = 2 };

static struct str status_of(const struct iam_key *k)
{
    return k->active ? S("Active") : S("Inactive");
}

struct done iam_create_access_key(struct call *c, const void *input)
{
    const struct iam_create_access_key_request *in = input;
    struct iam_create_access_key_response out = {0};
    struct iam_access_key view;
    struct iam_key *old = NULL, k = {.account = c->account, .active = true, .created = c->now};
    struct iam_entity *user;
    struct done done;
    int n = 0, r;

    if (!iam_need_user(c, in->user_name, &user, &done))
        return done;
    r = iam_key_list(c->store, c->arena, c->account, user->name, &old);
    if (r < 0)
        return call_fail(c, r);
    for (; old != NULL; old = old->next)
        n++;
    if (n >= MOST_KEYS)
        return call_fault(c, &iam_limit_exceeded_exception,
                          "Cannot exceed quota for AccessKeysPerUser: %d", MOST_KEYS);
    k.id = credential_new_id(c->ids, c->arena, "AKIA");
    k.secret = credential_new_secret(c->ids, c->arena);
    k.user = user->name;
    r = iam_key_insert(c->store, &k);
    if (r < 0)
        return call_fail(c, r);
    view = (struct iam_access_key){
        .user_name = k.user,
        .access_key_id = k.id,
        .status = status_of(&k),
        .secret_access_key = k.secret,
        .create_date = OPT_INT(k.created),
    };
    out.access_key = &view;
    return call_reply(c, &out);
}

struct done iam_list_access_keys(struct call *c, const void *input)
{
    const struct iam_list_access_keys_request *in = input;
    struct iam_list_access_keys_response out = {0};
    struct iam_entity *user;
    struct iam_key *all = NULL;
    struct iam_page page;
    struct done done;
    int r;

    if (in->user_name.n == 0 && c->identity.root) {
        out.access_key_metadata.at = arena_alloc(c->arena, 1);
        out.is_truncated = OPT_BOOL(false);
        return call_reply(c, &out);
    }
    if (!iam_need_user(c, in->user_name, &user, &done))
        return done;
    r = iam_key_list(c->store, c->arena, c->account, user->name, &all);
    if (r < 0)
        return call_fail(c, r);
    if (!iam_page_of(c, all, offsetof(struct iam_key, id), in->marker, in->max_items, &page, &done))
        return done;
    out.access_key_metadata.at = arena_array(c->arena, page.n, sizeof *out.access_key_metadata.at);
    for (const struct iam_key *k = page.first; out.access_key_metadata.n < page.n; k = k->next)
        out.access_key_metadata.at[out.access_key_metadata.n++] = (struct iam_access_key_metadata){
            .user_name = user->name,
            .access_key_id = k->id,
            .status = status_of(k),
            .create_date = OPT_INT(k->created),
        };
    IAM_SET_PAGE(out, page);
    return call_reply(c, &out);
}

/* A key of the user that is named, or of the caller. */
static bool need_key(struct call *c, struct str user_name, struct str id, struct iam_key **ret_key,
                     struct done *ret_done)
{
    struct iam_entity *user;
    int r;

    *ret_key = NULL;
    if (!iam_need_user(c, user_name, &user, ret_done))
        return false;
    r = iam_key_find(c->store, c->arena, id, ret_key);
    if (r < 0) {
        *ret_done = call_fail(c, r);
        return false;
    }
    if (*ret_key != NULL && str_eq((*ret_key)->account, c->account) &&
        str_ieq((*ret_key)->user, user->name))
        return true;
    *ret_done = call_fault(c, &iam_no_such_entity_exception,
                           "The Access Key with id %.*s cannot be found.", STR_ARG(id));
    return false;
}

struct done iam_update_access_key(struct call *c, const void *input)
{
    const struct iam_update_access_key_request *in = input;
    struct iam_key *k;
    struct done done;

    if (!need_key(c, in->user_name, in->access_key_id, &k, &done))
        return done;
    if (str_is(in->status, "Expired"))
        return call_fault(c, &iam_invalid_input_exception,
                          "The status of an access key can be set to Active or Inactive only.");
    return iam_answer(c, iam_key_set_active(c->store, k->id, str_is(in->status, "Active")));
}

struct done iam_delete_access_key(struct call *c, const void *input)
{
    const struct iam_delete_access_key_request *in = input;
    struct iam_key *k;
    struct done done;

    if (!need_key(c, in->user_name, in->access_key_id, &k, &done))
        return done;
    return iam_answer(c, iam_key_delete(c->store, k->id));
}

struct done iam_get_access_key_last_used(struct call *c, const void *input)
{
    const struct iam_get_access_key_last_used_request *in = input;
    struct iam_access_key_last_used used = {.service_name = S("N/A"), .region = S("N/A")};
    struct iam_get_access_key_last_used_response out = {.access_key_last_used = &used};
    struct iam_key *k = NULL;
    int r = iam_key_find(c->store, c->arena, in->access_key_id, &k);

    if (r < 0)
        return call_fail(c, r);
    if (k == NULL || !str_eq(k->account, c->account))
        return call_fault(c, &(struct fault){"AccessDenied", 403},
                          "User: %.*s is not authorized to perform: iam:GetAccessKeyLastUsed on "
                          "resource: access key %.*s",
                          STR_ARG(c->identity.arn), STR_ARG(in->access_key_id));
    out.user_name = k->user;
    if (k->last_used > 0)
        used = (struct iam_access_key_last_used){OPT_INT(k->last_used), k->last_service,
                                                 k->last_region};
    return call_reply(c, &out);
}

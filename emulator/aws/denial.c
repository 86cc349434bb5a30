/* Denials in words. EC2 hides the details in a message that STS decodes: here deflated JSON in
 * base64url, whose checksum tells a message from garbage.
 * Source: reference aws-eks-iam-ec2 section 2.7; STS API Reference, DecodeAuthorizationMessage. */
#include "aws/denial.h"

#include <zlib.h>

#include "base/base64.h"
#include "base/json.h"

enum { LARGEST_MESSAGE = 64 << 10 };

/* --- the encoded message --------------------------------------------------------------------- */

static struct str message_json(struct call *c, struct str action, struct str resource,
                               struct str reason)
{
    CLEANUP(json_freep) cJSON *tree = cJSON_CreateObject();
    CLEANUP(buf_free) struct buf b = buf_init(LARGEST_MESSAGE);
    cJSON *context, *principal;

    json_put_bool(tree, S("allowed"), false);
    json_put_bool(tree, S("explicitDeny"), str_find(reason, S("explicit deny")) != STR_NONE);
    (void)json_need_array(json_need_object(tree, "matchedStatements"), "items");
    (void)json_need_array(json_need_object(tree, "failures"), "items");
    context = json_need_object(tree, "context");
    principal = json_need_object(context, "principal");
    json_put_str(principal, S("id"), c->identity.user_id);
    json_put_str(principal, S("name"),
                 c->identity.name.n > 0
                     ? c->identity.name
                     : str_from(c->identity.user_id, str_chr(c->identity.user_id, ':') == STR_NONE
                                                         ? 0
                                                         : str_chr(c->identity.user_id, ':') + 1));
    json_put_str(principal, S("arn"), c->identity.arn);
    json_put_str(context, S("action"), action);
    json_put_str(context, S("resource"), resource);
    (void)json_need_array(json_need_object(context, "conditions"), "items");
    json_write(&b, tree);
    return arena_str(c->arena, buf_str(&b));
}

static struct str encode(struct arena *a, struct str json)
{
    uLongf n = compressBound((uLong)json.n);
    char *packed = arena_alloc(a, n);

    if (compress2((Bytef *)packed, &n, (const Bytef *)json.at, (uLong)json.n, 9) != Z_OK)
        return (struct str){0};
    return base64url_encode(a, str_n(packed, n));
}

bool denial_decode(struct arena *a, struct str message, struct str *ret_json)
{
    uLongf n = LARGEST_MESSAGE;
    struct str packed;
    char *json;

    if (message.n > LARGEST_MESSAGE || !base64_decode(a, message, &packed))
        return false;
    json = arena_alloc(a, LARGEST_MESSAGE);
    if (uncompress((Bytef *)json, &n, (const Bytef *)packed.at, (uLong)packed.n) != Z_OK)
        return false;
    *ret_json = str_n(json, n);
    return true;
}

/* --- words ----------------------------------------------------------------------------------- */

/* IAM names the resource even where there is only "*". */
static bool names_resource(const struct call *c, struct str resource)
{
    return !str_is(resource, "*") || strcmp(c->service->prefix, "iam") == 0;
}

struct str denial_text(struct call *c, struct str action, struct str resource, struct str reason,
                       bool encoded)
{
    struct str on = names_resource(c, resource)
                        ? arena_printf(c->arena, " on resource: %.*s", STR_ARG(resource))
                        : S("");
    struct str text =
        arena_printf(c->arena, "User: %.*s is not authorized to perform: %.*s%.*s%.*s",
                     STR_ARG(c->identity.arn), STR_ARG(action), STR_ARG(on), STR_ARG(reason));

    if (!encoded || c->service->model->protocol != AWS_EC2_QUERY)
        return text;
    return arena_printf(c->arena,
                        "You are not authorized to perform this operation. %.*s. Encoded "
                        "authorization failure message: %.*s",
                        STR_ARG(text),
                        STR_ARG(encode(c->arena, message_json(c, action, resource, reason))));
}

/* OpenID Connect providers: who may vouch for web identities. A provider is known by its host and
 * path; scheme and port are dropped, so that every form of an issuer's URL means the same.
 * Source: IAM API Reference, CreateOpenIDConnectProvider; reference aws-eks-iam-ec2 sections 0.4,
 * 2.3, 2.4. */
#include "aws/iam.h"
#include "aws/iam_operations.h"

#include "base/buf.h"
#include "base/json.h"

enum {
    MOST_CLIENTS = 100,
    MOST_THUMBPRINTS = 5,
    THUMBPRINT_CHARACTERS = 40,
    LONGEST_LIST = 1 << 16
};

/* --- lists kept as JSON ---------------------------------------------------------------------- */

static struct str pack(struct call *c, const struct str_list *list)
{
    CLEANUP(json_freep) cJSON *array = cJSON_CreateArray();
    CLEANUP(buf_free) struct buf b = buf_init(LONGEST_LIST);

    for (size_t i = 0; i < list->n; i++)
        cJSON_AddItemToArray(array, json_new_str(list->at[i]));
    json_write(&b, array);
    return arena_str(c->arena, buf_str(&b));
}

/* With room for one more. */
static struct str_list unpack(struct call *c, struct str text)
{
    CLEANUP(json_freep) cJSON *array = json_parse(text, NULL);
    struct str_list list = {0};

    list.at = arena_array(c->arena, (size_t)cJSON_GetArraySize(array) + 1, sizeof *list.at);
    JSON_EACH(one, array)
        list.at[list.n++] = arena_str(c->arena, json_text(one));
    return list;
}

static bool has(const struct str_list *list, struct str text)
{
    for (size_t i = 0; i < list->n; i++)
        if (str_eq(list->at[i], text))
            return true;
    return false;
}

/* --- checks ---------------------------------------------------------------------------------- */

bool iam_provider_name(struct arena *a, struct str url, struct str *ret_name)
{
    static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-._~/:";
    struct str host, path, port;
    int64_t number;
    size_t slash;

    if (!str_starts(url, S("https://")))
        return false;
    url = str_from(url, strlen("https://"));
    for (size_t i = 0; i < url.n; i++)
        if (url.at[i] == '\0' || strchr(characters, url.at[i]) == NULL)
            return false;
    slash = str_chr(url, '/');
    host = str_first(url, slash);
    path = slash == STR_NONE ? (struct str){0} : str_from(url, slash);
    if (str_cut(host, ':', &host, &port) && (!str_to_int(port, &number) || number > 65535))
        return false;
    if (host.n == 0 || str_chr(host, '.') == 0)
        return false;
    *ret_name = arena_printf(a, "%.*s%.*s", STR_ARG(host), STR_ARG(path));
    return true;
}

static bool is_thumbprint(struct str s)
{
    if (s.n != THUMBPRINT_CHARACTERS)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (strchr("0123456789abcdefABCDEF", s.at[i]) == NULL || s.at[i] == '\0')
            return false;
    return true;
}

static bool thumbprints_are_good(struct call *c, const struct str_list *list, struct done *ret_done)
{
    for (size_t i = 0; i < list->n; i++)
        if (!is_thumbprint(list->at[i])) {
            *ret_done = call_fault(c, &iam_invalid_input_exception,
                                   "Invalid thumbprint %.*s: it must be %d hexadecimal characters",
                                   STR_ARG(list->at[i]), THUMBPRINT_CHARACTERS);
            return false;
        }
    if (list->n <= MOST_THUMBPRINTS)
        return true;
    *ret_done = call_fault(c, &iam_invalid_input_exception,
                           "Thumbprint list must contain fewer than %d entries.", MOST_THUMBPRINTS);
    return false;
}

static struct done too_many_clients(struct call *c)
{
    return call_fault(c, &iam_limit_exceeded_exception,
                      "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: %d",
                      MOST_CLIENTS);
}

/* --- the operations -------------------------------------------------------------------------- */

struct done iam_create_open_id_connect_provider(struct call *c, const void *input)
{
    const struct iam_create_open_id_connect_provider_request *in = input;
    struct iam_create_open_id_connect_provider_response out = {0};
    struct iam_provider *old = NULL, p = {.account = c->account, .created = c->now};
    struct done done;
    int r;

    if (!iam_provider_name(c->arena, in->url, &p.url))
        return call_fault(c, &AWS_VALIDATION_ERROR, "Invalid Open ID Connect Provider URL");
    if (in->client_id_list.n > MOST_CLIENTS)
        return too_many_clients(c);
    if (!thumbprints_are_good(c, &in->thumbprint_list, &done) ||
        !iam_tags_are_good(c, in->tags.at, in->tags.n, 0, &done))
        return done;
    p.arn = iam_arn(c, "oidc-provider/", p.url, S(""));
    r = iam_provider_find(c->store, c->arena, p.arn, &old);
    if (r < 0)
        return call_fail(c, r);
    if (old != NULL)
        return call_fault(c, &iam_entity_already_exists_exception,
                          "Provider with url https://%.*s already exists.", STR_ARG(p.url));
    p.client_ids = pack(c, &in->client_id_list);
    p.thumbprints = pack(c, &in->thumbprint_list);
    r = iam_provider_put(c->store, &p);
    if (r == 0)
        r = iam_put_tags(c, p.arn, in->tags.at, in->tags.n);
    if (r < 0)
        return call_fail(c, r);
    out.open_id_connect_provider_arn = p.arn;
    if (in->tags.n > 0)
        IAM_SET_TAGS(out, iam_view_tags(c, p.arn));
    return call_reply(c, &out);
}

struct done iam_get_open_id_connect_provider(struct call *c, const void *input)
{
    const struct iam_get_open_id_connect_provider_request *in = input;
    struct iam_get_open_id_connect_provider_response out = {0};
    struct iam_provider *p;
    struct done done;

    if (!iam_need_provider(c, in->open_id_connect_provider_arn, &p, &done))
        return done;
    out.url = p->url;
    out.create_date = OPT_INT(p->created);
    out.client_id_list = unpack(c, p->client_ids);
    out.thumbprint_list = unpack(c, p->thumbprints);
    IAM_SET_TAGS(out, iam_view_tags(c, p->arn));
    return call_reply(c, &out);
}

struct done iam_list_open_id_connect_providers(struct call *c, const void *input UNUSED)
{
    struct iam_list_open_id_connect_providers_response out = {0};
    struct iam_provider *all = NULL;
    size_t n = 0;
    int r = iam_provider_list(c->store, c->arena, c->account, &all);

    if (r < 0)
        return call_fail(c, r);
    for (const struct iam_provider *p = all; p != NULL; p = p->next)
        n++;
    out.open_id_connect_provider_list.at =
        arena_array(c->arena, n, sizeof *out.open_id_connect_provider_list.at);
    for (const struct iam_provider *p = all; p != NULL; p = p->next)
        out.open_id_connect_provider_list.at[out.open_id_connect_provider_list.n++] =
            (struct iam_open_id_connect_provider_list_entry){.arn = p->arn};
    return call_reply(c, &out);
}

struct done iam_delete_open_id_connect_provider(struct call *c, const void *input)
{
    const struct iam_delete_open_id_connect_provider_request *in = input;
    struct iam_provider *p;
    struct done done;

    if (!iam_need_provider(c, in->open_id_connect_provider_arn, &p, &done))
        return done;
    return iam_answer(c, iam_provider_delete(c->store, p->arn));
}

struct done iam_add_client_id(struct call *c, const void *input)
{
    const struct iam_add_client_id_to_open_id_connect_provider_request *in = input;
    struct str_list clients;
    struct iam_provider *p;
    struct done done;

    if (!iam_need_provider(c, in->open_id_connect_provider_arn, &p, &done))
        return done;
    clients = unpack(c, p->client_ids);
    if (has(&clients, in->client_id))
        return call_reply(c, NULL);
    if (clients.n >= MOST_CLIENTS)
        return too_many_clients(c);
    clients.at[clients.n++] = in->client_id;
    p->client_ids = pack(c, &clients);
    return iam_answer(c, iam_provider_put(c->store, p));
}

struct done iam_remove_client_id(struct call *c, const void *input)
{
    const struct iam_remove_client_id_from_open_id_connect_provider_request *in = input;
    struct str_list clients, kept = {0};
    struct iam_provider *p;
    struct done done;

    if (!iam_need_provider(c, in->open_id_connect_provider_arn, &p, &done))
        return done;
    clients = unpack(c, p->client_ids);
    kept.at = arena_array(c->arena, clients.n, sizeof *kept.at);
    for (size_t i = 0; i < clients.n; i++)
        if (!str_eq(clients.at[i], in->client_id))
            kept.at[kept.n++] = clients.at[i];
    p->client_ids = pack(c, &kept);
    return iam_answer(c, iam_provider_put(c->store, p));
}

struct done iam_update_thumbprint(struct call *c, const void *input)
{
    const struct iam_update_open_id_connect_provider_thumbprint_request *in = input;
    struct iam_provider *p;
    struct done done;

    if (!iam_need_provider(c, in->open_id_connect_provider_arn, &p, &done) ||
        !thumbprints_are_good(c, &in->thumbprint_list, &done))
        return done;
    p->thumbprints = pack(c, &in->thumbprint_list);
    return iam_answer(c, iam_provider_put(c->store, p));
}

/* Decoding what requests carry. */
#include "kube/body.h"

static struct str media_type(const struct kube_call *c)
{
    struct str type = http_header_get(c->request->headers, S("Content-Type")), head, tail;

    if (str_cut(type, ';', &head, &tail))
        type = head;
    return str_trim(type);
}

static cJSON *read_json(struct kube_call *c)
{
    size_t offset = 0;
    cJSON *doc = json_parse(c->request->body, &offset);

    if (doc == NULL)
        (void)call_bad_request(c,
                               "the object provided is unrecognized (must be of type %.*s): "
                               "couldn't get version/kind; json parse error: invalid character "
                               "at byte %zu",
                               STR_ARG(c->target.kind->kind), offset);
    return call_own(c, doc);
}

static bool check_type(struct kube_call *c, cJSON *doc)
{
    struct str version = kind_api_version(c->target.kind, c->arena);
    struct str given = json_str(doc, "apiVersion"), kind = json_str(doc, "kind");

    if (c->target.kind_sub != NULL && c->target.kind_sub->kind != NULL) {
        const struct kind_sub *sub = c->target.kind_sub;

        json_put_str(doc, S("apiVersion"),
                     arena_printf(c->arena, "%s%s%s", sub->group, sub->group[0] != '\0' ? "/" : "",
                                  sub->version));
        json_put_str(doc, S("kind"), str_c(sub->kind));
        return true;
    }

    if (given.n > 0 && !str_eq(given, version))
        return call_bad_request(
            c, "the API version in the data (%.*s) does not match the expected API version (%.*s)",
            STR_ARG(given), STR_ARG(version));
    if (kind.n > 0 && !str_eq(kind, c->target.kind->kind))
        return call_bad_request(
            c,
            "%.*s in version \"%.*s\" cannot be handled as a %.*s: converting (%.*s).%.*s: "
            "unknown conversion",
            STR_ARG(kind), STR_ARG(c->target.kind->version), STR_ARG(c->target.kind->kind),
            STR_ARG(version), STR_ARG(kind));
    json_put_str(doc, S("apiVersion"), version);
    json_put_str(doc, S("kind"), c->target.kind->kind);
    return true;
}

cJSON *body_read_object(struct kube_call *c)
{
    cJSON *doc =
        c->given_body != NULL ? call_own(c, cJSON_Duplicate(c->given_body, true)) : read_json(c);

    (void)media_type;
    if (doc == NULL)
        return NULL;
    if (!cJSON_IsObject(doc)) {
        (void)call_bad_request(c, "the object provided is unrecognized");
        return NULL;
    }
    return check_type(c, doc) ? doc : NULL;
}

cJSON *body_read_delete_options(struct kube_call *c)
{
    if (c->given_body != NULL)
        return call_own(c, cJSON_Duplicate(c->given_body, true));
    if (c->request == NULL || c->request->body.n == 0)
        return call_own(c, cJSON_CreateObject());
    return read_json(c);
}

cJSON *body_read_patch(struct kube_call *c)
{
    return c->given_body != NULL ? call_own(c, cJSON_Duplicate(c->given_body, true)) : read_json(c);
}

bool body_check_patched(struct kube_call *c, cJSON *doc)
{
    (void)c;
    (void)doc;
    return true;
}

void body_default(const struct kind *k, cJSON *doc)
{
    (void)k;
    (void)doc;
}

bool body_strategic_merge(struct kube_call *c, cJSON *doc, const cJSON *patch, struct str *ret_why)
{
    (void)ret_why;
    (void)c;
    (void)doc;
    (void)patch;
    return true;
}

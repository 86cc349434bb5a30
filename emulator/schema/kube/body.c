/* Bodies: what they say they are, and their documents. */
#include "schema/kube/decode.h"
#include "schema/kube/protobuf.h"

/* What stands before every protobuf body. */
static const char MAGIC[] = {'k', '8', 's', '\0'};

enum { SUMMARY = 30 };

enum kube_media kube_media_of(struct str content_type)
{
    static const struct {
        struct str name;
        enum kube_media media;
    } names[] = {
        {STR_INIT(""),                                    KUBE_MEDIA_JSON    },
        {STR_INIT("application/json"),                    KUBE_MEDIA_JSON    },
        {STR_INIT("application/yaml"),                    KUBE_MEDIA_YAML    },
        {STR_INIT("application/vnd.kubernetes.protobuf"), KUBE_MEDIA_PROTOBUF},
    };
    struct str head, tail;

    if (str_cut(content_type, ';', &head, &tail))
        content_type = head;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_ieq(str_trim(content_type), names[i].name))
            return names[i].media;
    return KUBE_MEDIA_NONE;
}

/* --- opening ------------------------------------------------------------------------------ */

static bool refuse_kind(struct kube_problems *p, struct str why)
{
    p->error =
        arena_printf(p->arena, "couldn't get version/kind; json parse error: %.*s", STR_ARG(why));
    return false;
}

static bool find_text(struct kube_problems *p, const cJSON *tree, const char *key,
                      struct str *ret_text)
{
    const cJSON *item = json_get(tree, key);

    if (item == NULL || cJSON_IsNull(item) || cJSON_IsString(item)) {
        *ret_text = arena_str(p->arena, json_text(item));
        return true;
    }
    return refuse_kind(
        p,
        arena_printf(p->arena, "json: cannot unmarshal %s into Go struct field .%s of type string",
                     cJSON_IsNumber(item)  ? "number"
                     : cJSON_IsBool(item)  ? "bool"
                     : cJSON_IsArray(item) ? "array"
                                           : "object",
                     key));
}

static bool find_kind(struct kube_body *b, struct kube_problems *p)
{
    if (cJSON_IsNull(b->tree)) {
        cJSON_Delete(b->tree);
        b->tree = cJSON_CreateObject();
    }
    if (!cJSON_IsObject(b->tree))
        return refuse_kind(
            p, arena_printf(p->arena,
                            "json: cannot unmarshal %s into Go value of type struct { APIVersion "
                            "string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string "
                            "\"json:\\\"kind,omitempty\\\"\" }",
                            cJSON_IsArray(b->tree)    ? "array"
                            : cJSON_IsString(b->tree) ? "string"
                            : cJSON_IsNumber(b->tree) ? "number"
                                                      : "bool"));
    return find_text(p, b->tree, "apiVersion", &b->api_version) &&
           find_text(p, b->tree, "kind", &b->kind);
}

static bool open_protobuf(struct kube_body *b, struct kube_problems *p)
{
    struct str type, envelope;

    if (b->text.n == 0) {
        kube_refuse(p, "empty data");
        return false;
    }
    if (b->text.n < sizeof MAGIC || memcmp(b->text.at, MAGIC, sizeof MAGIC) != 0) {
        kube_refuse(p, "provided data does not appear to be a protobuf message, expected prefix "
                       "[107 56 115 0]");
        return false;
    }
    envelope = str_from(b->text, sizeof MAGIC);
    if (envelope.n == 0) {
        kube_refuse(p, "empty body");
        return false;
    }
    type = kube_proto_text(p, envelope, 1);
    b->raw = kube_proto_text(p, envelope, 2);
    b->api_version = kube_proto_text(p, type, 1);
    b->kind = kube_proto_text(p, type, 2);
    return p->error.n == 0;
}

bool kube_body_open(struct kube_body *b, enum kube_media media, struct str text,
                    struct kube_problems *p)
{
    *b = (struct kube_body){.media = media, .text = text};
    if (media == KUBE_MEDIA_PROTOBUF) {
        b->is_typed = open_protobuf(b, p);
        return b->is_typed;
    }
    b->tree = media == KUBE_MEDIA_YAML ? kube_parse_yaml(text, p) : kube_parse_json(text, p);
    if (b->tree == NULL)
        return media == KUBE_MEDIA_YAML ? false : refuse_kind(p, p->error);
    b->is_typed = find_kind(b, p);
    return b->is_typed;
}

void kube_body_close(struct kube_body *b)
{
    cJSON_Delete(b->tree);
    b->tree = NULL;
}

static void put_first(cJSON *doc, const char *name, struct str value)
{
    if (value.n == 0)
        return;
    json_put_str(doc, str_c(name), value);
    json_insert(doc, 0, cJSON_DetachItemViaPointer(doc, json_member(doc, str_c(name))));
}

cJSON *kube_body_decode(const struct kube_body *b, const struct kube_type *t,
                        struct kube_problems *p)
{
    cJSON *doc = b->media == KUBE_MEDIA_PROTOBUF ? kube_parse_protobuf(t, b->raw, p)
                                                 : kube_normalise(t, b->tree, p);

    if (doc == NULL || b->media != KUBE_MEDIA_PROTOBUF)
        return doc;
    put_first(doc, "apiVersion", b->api_version);
    put_first(doc, "kind", b->kind);
    return doc;
}

/* --- refusals ----------------------------------------------------------------------------- */

/* The start of a body that is not understood; bytes in hexadecimal unless it begins as JSON. */
static struct str summary_of(struct arena *a, struct str text)
{
    struct str first = str_first(text, SUMMARY), hex = {0};
    const char *more = text.n > SUMMARY ? " ..." : "";

    if (text.n == 0)
        return S("<empty>");
    if (text.at[0] == '{')
        return arena_printf(a, "%.*s%s", STR_ARG(first), more);
    for (size_t i = 0; i < first.n; i++)
        hex = arena_printf(a, "%.*s%02x", STR_ARG(hex), (unsigned char)first.at[i]);
    return arena_printf(a, "%.*s%s", STR_ARG(hex), more);
}

struct str kube_decode_failure(struct arena *a, const struct kube_body *b, struct str version,
                               struct str kind, struct str why)
{
    struct str given = b->kind.n > 0 ? b->kind : kind, group;

    if (!b->is_typed)
        return arena_printf(a,
                            "the object provided is unrecognized (must be of type %.*s): %.*s "
                            "(%.*s)",
                            STR_ARG(kind), STR_ARG(why), STR_ARG(summary_of(a, b->text)));
    if (b->api_version.n > 0 && !str_cut(b->api_version, '/', &group, &version))
        version = b->api_version;
    return arena_printf(a, "%.*s in version \"%.*s\" cannot be handled as a %.*s: %.*s",
                        STR_ARG(given), STR_ARG(version), STR_ARG(kind), STR_ARG(why));
}

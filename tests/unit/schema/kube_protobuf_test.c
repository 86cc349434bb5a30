/* Protobuf bodies decode to the same documents as JSON. The messages are written out by hand.
 * Source: protobuf encoding; generated.proto of k8s.io/api. */
#include "schema/kube/decode.h"
#include "schema/kube/openapi.h"
#include "schema/kube/protobuf.h"

#include "test.h"

enum { LARGE = 1 << 20 };

static struct str written(struct arena *a, const cJSON *doc)
{
    CLEANUP(buf_free) struct buf b = buf_init(LARGE);

    json_write(&b, doc);
    return arena_str(a, buf_str(&b));
}

/* A message within the envelope: "k8s\0", then {1: {1: apiVersion, 2: kind}, 2: raw}. */
static void add_part(struct buf *b, char tag, struct str bytes)
{
    buf_char(b, tag);
    buf_char(b, (char)bytes.n);
    buf_add(b, bytes);
}

static struct str envelope(struct arena *a, struct str version, struct str kind, struct str raw)
{
    CLEANUP(buf_free) struct buf b = buf_init(LARGE), type = buf_init(LARGE);

    add_part(&type, '\x0a', version);
    add_part(&type, '\x12', kind);
    buf_add(&b, S("k8s\0"));
    add_part(&b, '\x0a', buf_str(&type));
    add_part(&b, '\x12', raw);
    return arena_str(a, buf_str(&b));
}

static const struct {
    const char *label, *group, *kind;
    struct str raw, doc, error;
} cases[] = {
    {"a zero of a plain field is dropped, one of a pointer is kept", "apps",                 "Deployment",
     /* spec {replicas: 0, minReadySeconds: 0, paused: false} */
     STR_INIT("\x12\x06\x08\x00\x28\x00\x38\x00"),
     STR_INIT("{\"kind\":\"Deployment\",\"apiVersion\":\"v\",\"metadata\":{},\"spec\":{"
              "\"replicas\":0,\"selector\":null,"
              "\"template\":{\"metadata\":{},\"spec\":{\"containers\":null}},\"strategy\":{}},"
              "\"status\":{}}"),
     STR_INIT("")                                                                                                                                                                 },
    {"maps, times and bytes",                                        "",                     "Secret",
     /* metadata {name: "s", creationTimestamp {1: 1}, labels {a: b}}, data {k: 00 ff}, type */
     STR_INIT("\x0a\x0f\x0a\x01s\x42\x02\x08\x01\x5a\x06\x0a\x01"
              "a\x12\x01"
              "b"
              "\x12\x07\x0a\x01k\x12\x02\x00\xff"
              "\x1a\x01T"),
     STR_INIT("{\"kind\":\"Secret\",\"apiVersion\":\"v\",\"metadata\":{\"name\":\"s\","
              "\"creationTimestamp\":"
              "\"1970-01-01T00:00:01Z\",\"labels\":{\"a\":\"b\"}},\"data\":{\"k\":\"AP8=\"},"
              "\"type\":\"T\"}"),
     STR_INIT("")                                                                                                                                                                 },
    {"inlined structs are messages of their own",                    "",                     "Pod",
     /* spec {volumes [{name: "v", source {secret {secretName: "x"}}}]} */
     STR_INIT("\x12\x0c\x0a\x0a\x0a\x01v\x12\x05\x32\x03\x0a\x01x"),
     STR_INIT("{\"kind\":\"Pod\",\"apiVersion\":\"v\",\"metadata\":{},\"spec\":{\"volumes\":[{"
              "\"name\":\"v\",\"secret\":{"
              "\"secretName\":\"x\"}}],\"containers\":null},\"status\":{}}"),
     STR_INIT("")                                                                                                                                                                 },
    {"ports by number and by name",                                  "",                     "Service",
     /* spec {ports [{port: 80, targetPort {0, 81}}, {port: 1, targetPort {1, "", "w"}}]} */
     STR_INIT("\x12\x15\x0a\x08\x18\x50\x22\x04\x08\x00\x10\x51"
              "\x0a\x09\x18\x01\x22\x05\x08\x01\x1a\x01w"),
     STR_INIT("{\"kind\":\"Service\",\"apiVersion\":\"v\",\"metadata\":{},\"spec\":{\"ports\":[{"
              "\"port\":80,\"targetPort\":81},"
              "{\"port\":1,\"targetPort\":\"w\"}]},\"status\":{\"loadBalancer\":{}}}"),
     STR_INIT("")                                                                                                                                                                 },
    {"lists of texts that are messages",                             "authorization.k8s.io", "SubjectAccessReview",
     /* spec {extra {k: {items ["a", "b"]}}} */
     STR_INIT("\x12\x0d\x2a\x0b\x0a\x01k\x12\x06\x0a\x01"
              "a\x0a\x01"
              "b"),
     STR_INIT("{\"kind\":\"SubjectAccessReview\",\"apiVersion\":\"v\",\"metadata\":{},\"spec\":{"
              "\"extra\":{\"k\":[\"a\",\"b\"]}},"
              "\"status\":{\"allowed\":false}}"),
     STR_INIT("")                                                                                                                                                                 },
    {"JSON within",                                                  "apps",                 "ControllerRevision",
     /* data {raw: {"a":1}}, revision: -1 */
     STR_INIT("\x12\x09\x0a\x07{\"a\":1}\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
     STR_INIT("{\"kind\":\"ControllerRevision\",\"apiVersion\":\"v\",\"metadata\":{},\"data\":{"
              "\"a\":1},\"revision\":-1}"),
     STR_INIT("")                                                                                                                                                                 },
    {"numbers nobody knows are skipped",                             "",                     "ConfigMap",
     STR_INIT("\xf8\x07\x05\xf2\x07\x01x\xfd\x07"
              "abcd"),
     STR_INIT("{\"kind\":\"ConfigMap\",\"apiVersion\":\"v\",\"metadata\":{}}"),                                                                         STR_INIT("")              },
    {"a message cut off",                                            "",                     "ConfigMap",
     STR_INIT("\x0a\x05"
              "a"),
     STR_INIT(""),                                                                                                                                      STR_INIT("unexpected EOF")},
    {"a number that does not end",                                   "",                     "ConfigMap",
     STR_INIT("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),                                                                        STR_INIT(""),
     STR_INIT("proto: integer overflow")                                                                                                                                          },
    {"a wrong wire type",                                            "",                     "ConfigMap",           STR_INIT("\x08\x01"), STR_INIT(""),
     STR_INIT("proto: wrong wireType = 0 for field metadata")                                                                                                                     },
    {"a wire type that there is not",                                "",                     "ConfigMap",           STR_INIT("\x0f"),     STR_INIT(""),
     STR_INIT("proto: illegal wireType 7")                                                                                                                                        },
};

TEST(messages_become_documents)
{
    CASE_EACH(c, cases) {
        struct arena a = {0};
        struct kube_problems p = kube_problems_new(&a);
        CLEANUP(kube_body_close) struct kube_body body = {0};
        CLEANUP(json_freep) cJSON *doc = NULL;
        struct str text = envelope(&a, S("v"), str_c(c->kind), c->raw);

        CHECK(c->label, kube_body_open(&body, KUBE_MEDIA_PROTOBUF, text, &p));
        CHECK_STR(c->label, body.kind, str_c(c->kind));
        doc = kube_body_decode(&body, kube_type_find(str_c(c->group), S("v1"), str_c(c->kind)), &p);
        CHECK_STR(c->label, p.error, c->error);
        if (doc != NULL) {
            CHECK_STR(c->label, written(&a, doc), c->doc);
        }
        arena_free(&a);
    }
}

static const struct {
    const char *label;
    struct str text, error;
} envelopes[] = {
    {"nothing",           STR_INIT(""),               STR_INIT("empty data")                      },
    {"JSON",              STR_INIT("{}"),
     STR_INIT(
         "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")},
    {"only the prefix",   STR_INIT("k8s\0"),          STR_INIT("empty body")                      },
    {"a broken envelope", STR_INIT("k8s\0\x0a\x05x"), STR_INIT("unexpected EOF")                  },
};

TEST(envelopes_are_checked)
{
    CASE_EACH(c, envelopes) {
        struct arena a = {0};
        struct kube_problems p = kube_problems_new(&a);
        CLEANUP(kube_body_close) struct kube_body body = {0};

        CHECK(c->label, !kube_body_open(&body, KUBE_MEDIA_PROTOBUF, c->text, &p));
        CHECK_STR(c->label, p.error, c->error);
        arena_free(&a);
    }
}

TEST(deep_messages_are_refused)
{
    struct arena a = {0};
    struct kube_problems p = kube_problems_new(&a);
    const struct kube_type *t = kube_type_named(S("apiextensions/v1"), S("JSONSchemaProps"));
    struct str message = {0};

    for (int i = 0; i < 2000; i++) { /* not {1: …}: field 28 is "not" */
        size_t n = message.n;
        CLEANUP(buf_free) struct buf b = buf_init(LARGE);

        buf_add(&b, S("\xe2\x01"));
        for (; n >= 0x80; n >>= 7)
            buf_char(&b, (char)((n & 0x7f) | 0x80));
        buf_char(&b, (char)n);
        buf_add(&b, message);
        message = arena_str(&a, buf_str(&b));
    }
    CHECK("no document", kube_parse_protobuf(t, message, &p) == NULL);
    CHECK_STR("and why", p.error, S("proto: exceeded max depth"));
    arena_free(&a);
}

/* --- OpenAPI --------------------------------------------------------------------------------- */

static const struct {
    const char *label, *package, *name;
    enum openapi_dialect dialect;
    struct str schema;
} schemas[] = {
    {"a kind names itself, and what it needs",       "rbac/v1", "RoleBinding",    OPENAPI_V3,
     STR_INIT(
         "{\"type\":\"object\",\"properties\":{\"kind\":{\"type\":\"string\"},\"apiVersion\":{"
         "\"type\":\"string\"},"
         "\"metadata\":{\"allOf\":[{\"$ref\":\"#/components/schemas/"
         "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta\"}],"
         "\"default\":{}},\"subjects\":{\"type\":\"array\",\"items\":{\"allOf\":[{\"$ref\":"
         "\"#/components/schemas/"
         "io.k8s.api.rbac.v1.Subject\"}],\"default\":{}},\"x-kubernetes-list-type\":\"atomic\"},"
         "\"roleRef\":{\"allOf\":[{\"$ref\":\"#/components/schemas/"
         "io.k8s.api.rbac.v1.RoleRef\"}],\"default\":{}}},"
         "\"required\":[\"roleRef\"],\"x-kubernetes-group-version-kind\":[{\"group\":\"rbac."
         "authorization.k8s.io\","
         "\"kind\":\"RoleBinding\",\"version\":\"v1\"}]}")                  },
    {"lists tell how they merge and apply",          "core/v1", "ServiceAccount", OPENAPI_V2,
     STR_INIT("{\"type\":\"object\",\"properties\":{\"kind\":{\"type\":\"string\"},\"apiVersion\":{"
              "\"type\":\"string\"},"
              "\"metadata\":{\"$ref\":\"#/definitions/"
              "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta\"},\"secrets\":{"
              "\"type\":\"array\",\"items\":{\"$ref\":\"#/definitions/"
              "io.k8s.api.core.v1.ObjectReference\"},"
              "\"x-kubernetes-list-type\":\"map\",\"x-kubernetes-list-map-keys\":[\"name\"],"
              "\"x-kubernetes-patch-merge-key\":\"name\",\"x-kubernetes-patch-strategy\":\"merge\"}"
              ",\"imagePullSecrets\":{"
              "\"type\":\"array\",\"items\":{\"$ref\":\"#/definitions/"
              "io.k8s.api.core.v1.LocalObjectReference\"},"
              "\"x-kubernetes-list-type\":\"atomic\"},\"automountServiceAccountToken\":{\"type\":"
              "\"boolean\"}},"
              "\"x-kubernetes-group-version-kind\":[{\"group\":\"\",\"kind\":\"ServiceAccount\","
              "\"version\":\"v1\"}]}")                                      },
    {"enumerations, numbers and scalars with names", "core/v1", "HTTPGetAction",  OPENAPI_V3,
     STR_INIT(
         "{\"type\":\"object\",\"properties\":{\"path\":{\"type\":\"string\"},\"port\":{\"$ref\":"
         "\"#/components/schemas/"
         "io.k8s.apimachinery.pkg.util.intstr.IntOrString\"},\"host\":{\"type\":\"string\"},"
         "\"scheme\":{\"type\":\"string\",\"enum\":[\"HTTP\",\"HTTPS\"]},\"httpHeaders\":{\"type\":"
         "\"array\",\"items\":{"
         "\"allOf\":[{\"$ref\":\"#/components/schemas/"
         "io.k8s.api.core.v1.HTTPHeader\"}],\"default\":{}},"
         "\"x-kubernetes-list-type\":\"atomic\"}},\"required\":[\"port\"]}")},
};

TEST(schemas_come_from_the_table)
{
    CASE_EACH(c, schemas) {
        struct arena a = {0};
        CLEANUP(json_freep)
        cJSON *schema =
            openapi_schema(c->dialect, kube_type_named(str_c(c->package), str_c(c->name)));

        CHECK_STR(c->label, written(&a, schema), c->schema);
        arena_free(&a);
    }
}

TEST(definitions_in_protobuf)
{
    struct arena a = {0};
    struct kube_problems p = kube_problems_new(&a);
    CLEANUP(json_freep)
    cJSON *schema = json_parse(S("{\"type\":\"string\",\"required\":[\"a\",\"b\"],\"x-k\":{\"m\":"
                                 "\"n\"},\"items\":{\"$ref\":\"r\"}}"),
                               NULL);
    CLEANUP(buf_free) struct buf b = buf_init(LARGE);
    struct str definition, value, any;

    openapi_proto_definition(&b, S("name"), schema);
    definition = kube_proto_text(&p, kube_proto_text(&p, buf_str(&b), 9), 1);
    CHECK_STR("named", kube_proto_text(&p, definition, 1), S("name"));
    value = kube_proto_text(&p, definition, 2);
    CHECK_STR("types are wrapped", kube_proto_text(&p, kube_proto_text(&p, value, 22), 1),
              S("string"));
    CHECK_STR("lists repeat", kube_proto_text(&p, value, 19), S("b"));
    CHECK_STR("items hold a schema",
              kube_proto_text(&p, kube_proto_text(&p, kube_proto_text(&p, value, 23), 1), 1),
              S("r"));
    any = kube_proto_text(&p, value, 31);
    CHECK_STR("extensions are named", kube_proto_text(&p, any, 1), S("x-k"));
    CHECK_STR("and YAML", kube_proto_text(&p, kube_proto_text(&p, any, 2), 2), S("m: \"n\"\n"));
    arena_free(&a);
}

TEST_MAIN(T(messages_become_documents), T(envelopes_are_checked), T(deep_messages_are_refused),
          T(schemas_come_from_the_table), T(definitions_in_protobuf))

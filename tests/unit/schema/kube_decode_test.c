/* Bodies become normalised documents, or are refused in the API server's words. */
#include "schema/kube/decode.h"

#include "test.h"

enum { LARGE = 1 << 20 };

static struct str written(struct arena *a, const cJSON *doc)
{
    CLEANUP(buf_free) struct buf b = buf_init(LARGE);

    if (doc == NULL)
        return S("");
    json_write(&b, doc);
    return arena_str(a, buf_str(&b));
}

struct decoded {
    struct str doc, error, strict;
};

static struct decoded decode(struct arena *a, enum kube_media media, const char *group,
                             const char *kind, struct str text)
{
    const struct kube_type *t = kube_type_find(str_c(group), S("v1"), str_c(kind));
    struct kube_problems p = kube_problems_new(a);
    CLEANUP(kube_body_close) struct kube_body body = {0};
    CLEANUP(json_freep) cJSON *doc = NULL;

    if (kube_body_open(&body, media, text, &p))
        doc = kube_body_decode(&body, t, &p);
    return (struct decoded){written(a, doc), p.error, kube_strict_error(&p)};
}

/* --- what is written ------------------------------------------------------------------------- */

static const struct {
    const char *label, *group, *kind;
    struct str text, doc;
} forms[] = {
    {"empty members are left out, structs and required ones are written", "apps",                "Deployment",
     STR_INIT("{\"spec\":{\"minReadySeconds\":0,\"paused\":false,\"replicas\":0}}"),
     STR_INIT("{\"metadata\":{},\"spec\":{\"replicas\":0,\"selector\":null,\"template\":{"
              "\"metadata\":{},\"spec\":{\"containers\":null}},\"strategy\":{}},\"status\":{}}")},
    {"members come in the order of the API's own structs",                "",                    "ConfigMap",
     STR_INIT(
         "{\"data\":{\"b\":\"2\",\"a\":\"1\"},\"metadata\":{\"namespace\":\"n\",\"name\":\"x\"},"
         "\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\"}"),
     STR_INIT("{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"x\","
              "\"namespace\":\"n\"},\"data\":{\"a\":\"1\",\"b\":\"2\"}}")                       },
    {"null is absence",                                                   "",                    "ConfigMap",
     STR_INIT("{\"metadata\":{\"name\":null,\"creationTimestamp\":null},\"data\":null}"),
     STR_INIT("{\"metadata\":{}}")                                                              },
    {"a pointer keeps its zero",                                          "",                    "Pod",
     STR_INIT("{\"spec\":{\"containers\":[],\"terminationGracePeriodSeconds\":0}}"),
     STR_INIT("{\"metadata\":{},\"spec\":{\"containers\":[],\"terminationGracePeriodSeconds\":0},"
              "\"status\":{}}")                                                                 },
    {"quantities have one form",                                          "",                    "ResourceQuota",
     STR_INIT("{\"spec\":{\"hard\":{\"cpu\":\"1000m\",\"memory\":1073741824,\"pods\":\"1.5\"}}}"),
     STR_INIT("{\"metadata\":{},\"spec\":{\"hard\":{\"cpu\":\"1\",\"memory\":\"1073741824\","
              "\"pods\":\"1500m\"}},\"status\":{}}")                                            },
    {"times are whole seconds in UTC",                                    "",                    "Namespace",
     STR_INIT("{\"metadata\":{\"creationTimestamp\":\"2020-01-01T09:00:00.9+09:00\"}}"),
     STR_INIT("{\"metadata\":{\"creationTimestamp\":\"2020-01-01T00:00:00Z\"},\"spec\":{},"
              "\"status\":{}}")                                                                 },
    {"numbers or names of ports stay what they are",                      "",                    "Service",
     STR_INIT("{\"spec\":{\"ports\":[{\"port\":80,\"targetPort\":\"web\"},{\"port\":1}]}}"),
     STR_INIT(
         "{\"metadata\":{},\"spec\":{\"ports\":[{\"port\":80,\"targetPort\":\"web\"},{\"port\":1,"
         "\"targetPort\":0}]},\"status\":{\"loadBalancer\":{}}}")                               },
    {"large integers keep their digits",                                  "coordination.k8s.io", "Lease",
     STR_INIT("{\"metadata\":{\"generation\":9007199254740993}}"),
     STR_INIT("{\"metadata\":{\"generation\":9007199254740993},\"spec\":{}}")                   },
    {"what has no shape is kept as it is",                                "apps",                "ControllerRevision",
     STR_INIT("{\"data\":{\"z\":1.0,\"a\":[null,{}]},\"revision\":3}"),
     STR_INIT("{\"metadata\":{},\"data\":{\"z\":1.0,\"a\":[null,{}]},\"revision\":3}")          },
    {"bytes are base64, line ends do not count",                          "",                    "Secret",
     STR_INIT("{\"data\":{\"a\":\"YWJj\\nZA==\"}}"),
     STR_INIT("{\"metadata\":{},\"data\":{\"a\":\"YWJjZA==\"}}")                                },
    {"escapes are read",                                                  "",                    "ConfigMap",
     STR_INIT("{\"data\":{\"a\":\"\\u00e9\\ud83d\\ude00\\ud800\\n\"}}"),
     STR_INIT("{\"metadata\":{},\"data\":{\"a\":\"\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbd\\n\"}}") },
};

TEST(documents_are_normalised)
{
    CASE_EACH(c, forms) {
        struct arena a = {0};
        struct decoded d = decode(&a, KUBE_MEDIA_JSON, c->group, c->kind, c->text);

        CHECK_STR(c->label, d.error, S(""));
        CHECK_STR(c->label, d.doc, c->doc);
        arena_free(&a);
    }
}

/* --- what is refused ------------------------------------------------------------------------- */

static const struct {
    const char *label, *group, *kind;
    struct str text, error;
} refusals[] = {
    {"a wrong type names the struct, the path and the type", "apps", "Deployment",
     STR_INIT("{\"spec\":{\"replicas\":\"two\"}}"),
     STR_INIT("json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of "
              "type int32")                                                                   },
    {"places in lists are not part of the path",             "",     "Pod",
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":1}]}}"),
     STR_INIT("json: cannot unmarshal number into Go struct field Container.spec.containers.name "
              "of type string")                                                               },
    {"keys of maps neither",                                 "",     "ConfigMap",  STR_INIT("{\"metadata\":{\"labels\":{\"a\":true}}}"),
     STR_INIT("json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type "
              "string")                                                                       },
    {"a list where a struct should be",                      "",     "Pod",        STR_INIT("{\"spec\":[]}"),
     STR_INIT("json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec")},
    {"an object where a list should be",                     "",     "Pod",        STR_INIT("{\"spec\":{\"containers\":{}}}"),
     STR_INIT("json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type "
              "[]v1.Container")                                                               },
    {"a map that has a name of its own",                     "",     "Pod",
     STR_INIT("{\"spec\":{\"containers\":[{\"resources\":{\"limits\":[]}}]}}"),
     STR_INIT("json: cannot unmarshal array into Go struct field "
              "ResourceRequirements.spec.containers.resources.limits of type v1.ResourceList")},
    {"the first one is told",                                "",     "Pod",
     STR_INIT("{\"metadata\":{\"name\":1},\"spec\":{\"nodeName\":2}}"),
     STR_INIT("json: cannot unmarshal number into Go struct field ObjectMeta.metadata.name of type "
              "string")                                                                       },
    {"a number that does not fit",                           "apps", "Deployment",
     STR_INIT("{\"spec\":{\"replicas\":3000000000}}"),
     STR_INIT("json: cannot unmarshal number 3000000000 into Go struct field "
              "DeploymentSpec.spec.replicas of type int32")                                   },
    {"a number with a fraction",                             "apps", "Deployment", STR_INIT("{\"spec\":{\"replicas\":1.0}}"),
     STR_INIT("json: cannot unmarshal number 1.0 into Go struct field DeploymentSpec.spec.replicas "
              "of type int32")                                                                },
    {"a quantity that is none",                              "",     "Pod",
     STR_INIT("{\"spec\":{\"containers\":[{\"resources\":{\"limits\":{\"cpu\":\"1x\"}}}]}}"),
     STR_INIT("quantities must match the regular expression "
              "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")                               },
    {"a time that is none",                                  "",     "Pod",        STR_INIT("{\"metadata\":{\"creationTimestamp\":\"now\"}}"),
     STR_INIT("parsing time \"now\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"now\" as "
              "\"2006\"")                                                                     },
    {"base64 that is none",                                  "",     "Secret",     STR_INIT("{\"data\":{\"a\":\"YWJ!\"}}"),
     STR_INIT("illegal base64 data at input byte 3")                                          },
    {"base64 that is cut off",                               "",     "Secret",     STR_INIT("{\"data\":{\"a\":\"YWJjZ\"}}"),
     STR_INIT("illegal base64 data at input byte 4")                                          },
    {"no JSON at all",                                       "",     "Pod",        STR_INIT("hello"),
     STR_INIT("couldn't get version/kind; json parse error: invalid character 'h' looking for "
              "beginning of value")                                                           },
    {"JSON that ends early",                                 "",     "Pod",        STR_INIT("{\"a\":[1,"),
     STR_INIT("couldn't get version/kind; json parse error: unexpected end of JSON input")    },
    {"something behind the value",                           "",     "Pod",        STR_INIT("{} x"),
     STR_INIT("couldn't get version/kind; json parse error: invalid character 'x' after top-level "
              "value")                                                                        },
    {"a comma too many",                                     "",     "Pod",        STR_INIT("{\"a\":1,}"),
     STR_INIT("couldn't get version/kind; json parse error: invalid character '}' looking for "
              "beginning of object key string")                                               },
    {"a word cut short",                                     "",     "Pod",        STR_INIT("{\"a\":tru}"),
     STR_INIT("couldn't get version/kind; json parse error: invalid character '}' in literal true "
              "(expecting 'e')")                                                              },
    {"a kind that is no text",                               "",     "Pod",        STR_INIT("{\"kind\":5}"),
     STR_INIT("couldn't get version/kind; json parse error: json: cannot unmarshal number into Go "
              "struct field .kind of type string")                                            },
};

TEST(wrong_bodies_are_refused)
{
    CASE_EACH(c, refusals) {
        struct arena a = {0};
        struct decoded d = decode(&a, KUBE_MEDIA_JSON, c->group, c->kind, c->text);

        CHECK_STR(c->label, d.doc, S(""));
        CHECK_STR(c->label, d.error, c->error);
        arena_free(&a);
    }
}

TEST(deep_nesting_is_refused)
{
    struct arena a = {0};
    CLEANUP(buf_free) struct buf b = buf_init(LARGE);
    struct decoded d;

    for (int i = 0; i < 100000; i++)
        buf_add(&b, S("[{\"a\":"));
    d = decode(&a, KUBE_MEDIA_JSON, "", "Pod", buf_str(&b));
    CHECK_STR("JSON", d.error,
              S("couldn't get version/kind; json parse error: exceeded max depth"));
    buf_reset(&b);
    for (int i = 0; i < 3000; i++)
        buf_char(&b, '[');
    d = decode(&a, KUBE_MEDIA_YAML, "", "Pod", buf_str(&b));
    CHECK("YAML", d.error.n > 0);
    arena_free(&a);
}

/* --- strict decoding ------------------------------------------------------------------------- */

static const struct {
    const char *label;
    enum kube_media media;
    struct str text, strict;
} complaints[] = {
    {"nothing to complain of",                  KUBE_MEDIA_JSON,
     STR_INIT("{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"status\":{},"
              "\"metadata\":{\"creationTimestamp\":null}}"),
     STR_INIT("")                                             },
    {"unknown members by their whole path",     KUBE_MEDIA_JSON,
     STR_INIT("{\"spec\":{\"foo\":1,\"template\":{\"spec\":{\"containers\":[{},{\"bar\":{\"x\":1}}]"
              "}}}}"),
     STR_INIT("strict decoding error: unknown field \"spec.foo\", unknown field "
              "\"spec.template.spec.containers[1].bar\"")     },
    {"doubled members, of structs and of maps", KUBE_MEDIA_JSON,
     STR_INIT("{\"metadata\":{\"labels\":{\"a\":\"1\",\"a\":\"2\"}},\"spec\":{\"replicas\":1,"
              "\"replicas\":2}}"),
     STR_INIT("strict decoding error: duplicate field \"metadata.labels.a\", duplicate field "
              "\"spec.replicas\"")                            },
    {"names differ by case",                    KUBE_MEDIA_JSON, STR_INIT("{\"Spec\":{}}"),
     STR_INIT("strict decoding error: unknown field \"Spec\"")},
    {"YAML tells doubled keys by their line",   KUBE_MEDIA_YAML,
     STR_INIT("spec:\n  replicas: 1\n  replicas: 2\n  foo: 1\n"),
     STR_INIT("strict decoding error: yaml: unmarshal errors:\n  line 3: key \"replicas\" already "
              "set in "
              "map, unknown field \"spec.foo\"")              },
};

TEST(strict_decoding_complains)
{
    CASE_EACH(c, complaints) {
        struct arena a = {0};
        struct decoded d = decode(&a, c->media, "apps", "Deployment", c->text);

        CHECK_STR(c->label, d.error, S(""));
        CHECK_STR(c->label, d.strict, c->strict);
        arena_free(&a);
    }
}

TEST(complaints_are_bounded)
{
    struct arena a = {0};
    CLEANUP(buf_free) struct buf b = buf_init(LARGE);
    struct kube_problems p = kube_problems_new(&a);

    for (int i = 0; i < 1000; i++)
        kube_complain(&p, "unknown field \"f%d\"", i);
    kube_complain(&p, "unknown field \"f0\"");
    CHECK("a hundred are kept", p.strict_count == KUBE_MOST_COMPLAINTS);
    arena_free(&a);
}

/* --- failures as messages -------------------------------------------------------------------- */

static const struct {
    const char *label;
    struct str text, message;
} messages[] = {
    {"a body with a kind",                              STR_INIT("{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\"}"),
     STR_INIT("Deployment in version \"v1\" cannot be handled as a Deployment: why")            },
    {"a body without one is what the address says",     STR_INIT("{}"),
     STR_INIT("Deployment in version \"v9\" cannot be handled as a Deployment: why")            },
    {"bytes that are no JSON are shown in hexadecimal", STR_INIT("hello"),
     STR_INIT(
         "the object provided is unrecognized (must be of type Deployment): why (68656c6c6f)")  },
    {"broken JSON is shown as it is, cut",
     STR_INIT("{\"a\":\"0123456789012345678901234567890123456789"),
     STR_INIT("the object provided is unrecognized (must be of type Deployment): why "
              "({\"a\":\"012345678901234567890123 ...)")                                        },
    {"nothing at all",                                  STR_INIT(""),
     STR_INIT("the object provided is unrecognized (must be of type Deployment): why (<empty>)")},
};

TEST(failures_are_told_as_the_api_server_does)
{
    CASE_EACH(c, messages) {
        struct arena a = {0};
        struct kube_problems p = kube_problems_new(&a);
        CLEANUP(kube_body_close) struct kube_body body = {0};

        (void)kube_body_open(&body, KUBE_MEDIA_JSON, c->text, &p);
        CHECK_STR(c->label, kube_decode_failure(&a, &body, S("v9"), S("Deployment"), S("why")),
                  c->message);
        arena_free(&a);
    }
}

TEST(media_types)
{
    CHECK("none is JSON", kube_media_of(S("")) == KUBE_MEDIA_JSON);
    CHECK("parameters do not count",
          kube_media_of(S("application/JSON; charset=utf-8")) == KUBE_MEDIA_JSON);
    CHECK("YAML", kube_media_of(S("application/yaml")) == KUBE_MEDIA_YAML);
    CHECK("protobuf",
          kube_media_of(S("application/vnd.kubernetes.protobuf")) == KUBE_MEDIA_PROTOBUF);
    CHECK("CBOR is refused, so that clients fall back",
          kube_media_of(S("application/cbor")) == KUBE_MEDIA_NONE);
}

/* --- YAML ------------------------------------------------------------------------------------ */

static const struct {
    const char *label;
    struct str yaml, json;
} yaml[] = {
    {"scalars are what YAML 1.1 makes of them",
     STR_INIT(
         "a: yes\nb: 'yes'\nc: 0644\nd: 1_000\ne: 0x1F\nf: ~\ng: 1.50\nh: 2020-01-01\ni: 1e3\nj: \n"
         "k: .5\nl: -0b11\n"),
     STR_INIT("{\"a\":true,\"b\":\"yes\",\"c\":420,\"d\":1000,\"e\":31,\"f\":null,\"g\":1.5,"
              "\"h\":\"2020-01-01\",\"i\":1000,\"j\":null,\"k\":0.5,\"l\":-3}")                                                                          },
    {"keys are texts in byte order",                               STR_INIT("true: 1\n5: 2\na: 3\n"),
     STR_INIT("{\"5\":2,\"a\":3,\"true\":1}")                                                                                                            },
    {"anchors and merges",                                         STR_INIT("x: &x {a: 1, b: 2}\nw:\n  <<: *x\n  b: 3\nz: *x\n"),
     STR_INIT("{\"w\":{\"a\":1,\"b\":3},\"x\":{\"a\":1,\"b\":2},\"z\":{\"a\":1,\"b\":2}}")                                                               },
    {"a number with an anchor is a number, one with a tag is not",
     STR_INIT("- &a 5\n- !!str 5\n- *a\n"),                                                                                       STR_INIT("[5,\"5\",5]")},
    {"blocks of text",                                             STR_INIT("a: |\n  x\n  y\nb: >-\n  x\n  y\n"),
     STR_INIT("{\"a\":\"x\\ny\\n\",\"b\":\"x y\"}")                                                                                                      },
    {"only the first document",                                    STR_INIT("a: 1\n---\nb: 2\n"),                                 STR_INIT("{\"a\":1}")  },
    {"nothing",                                                    STR_INIT(""),                                                  STR_INIT("null")       },
};

TEST(yaml_is_read_as_go_reads_it)
{
    CASE_EACH(c, yaml) {
        struct arena a = {0};
        struct kube_problems p = kube_problems_new(&a);
        CLEANUP(json_freep) cJSON *tree = kube_parse_yaml(c->yaml, &p);

        CHECK_STR(c->label, p.error, S(""));
        CHECK_STR(c->label, written(&a, tree), c->json);
        arena_free(&a);
    }
}

static const struct {
    const char *label;
    struct str yaml, error;
} broken_yaml[] = {
    {"what libyaml does not take, by its line", STR_INIT("a: 1\nb: c: d\n"),
     STR_INIT("yaml: line 2: mapping values are not allowed in this context")                                       },
    {"a list as a key",                         STR_INIT("? [a]\n: 1\n"),    STR_INIT("yaml: invalid map key")      },
    {"an alias of nothing",                     STR_INIT("a: *b\n"),         STR_INIT("yaml: found undefined alias")},
};

TEST(broken_yaml_is_told)
{
    CASE_EACH(c, broken_yaml) {
        struct arena a = {0};
        struct kube_problems p = kube_problems_new(&a);
        CLEANUP(json_freep) cJSON *tree = kube_parse_yaml(c->yaml, &p);

        CHECK(c->label, tree == NULL);
        CHECK_STR(c->label, p.error, c->error);
        arena_free(&a);
    }
}

TEST(yaml_bombs_are_refused)
{
    struct arena a = {0};
    CLEANUP(buf_free) struct buf b = buf_init(LARGE);
    struct kube_problems p = kube_problems_new(&a);

    buf_add(&b, S("l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n"));
    for (int i = 1; i < 9; i++) {
        buf_printf(&b, "l%d: &l%d [", i, i);
        for (int j = 0; j < 10; j++)
            buf_printf(&b, "%s*l%d", j > 0 ? ", " : "", i - 1);
        buf_add(&b, S("]\n"));
    }
    CHECK("no tree", kube_parse_yaml(buf_str(&b), &p) == NULL);
    CHECK_STR("and why", p.error, S("yaml: document contains excessive aliasing"));
    arena_free(&a);
}

TEST(yaml_is_written_as_kubectl_writes_it)
{
    struct arena a = {0};
    struct kube_problems p = kube_problems_new(&a);
    CLEANUP(buf_free) struct buf b = buf_init(LARGE);
    CLEANUP(json_freep)
    cJSON *tree = kube_parse_json(S("{\"b\":[{\"y\":\"yes\",\"x\":5},\"5\",\"12:30\",\"a: "
                                    "b\",[]],\"a\":{\"t\":\"l1\\nl2\\n\",\"e\":{},"
                                    "\"n\":null,\"s\":\"\"}}"),
                                  &p);

    kube_write_yaml(&b, tree);
    CHECK_STR(
        "text", buf_str(&b),
        S("a:\n  e: {}\n  \"n\": null\n  s: \"\"\n  t: |\n    l1\n    l2\nb:\n- x: 5\n  \"y\": "
          "\"yes\"\n- \"5\"\n- \"12:30\"\n- 'a: b'\n- []\n"));
    arena_free(&a);
}

TEST_MAIN(T(documents_are_normalised), T(wrong_bodies_are_refused), T(deep_nesting_is_refused),
          T(strict_decoding_complains), T(complaints_are_bounded),
          T(failures_are_told_as_the_api_server_does), T(media_types),
          T(yaml_is_read_as_go_reads_it), T(broken_yaml_is_told), T(yaml_bombs_are_refused),
          T(yaml_is_written_as_kubectl_writes_it))

/* Sets of fields: of documents, between two of them, and what they do to a third.
 * Source: kubernetes-api reference §3.7; sigs.k8s.io/structured-merge-diff. */
#include "schema/kube/field_set.h"

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

/* Writes a set as FieldsV1 and frees it. */
static struct str fields(struct arena *a, cJSON *set)
{
    CLEANUP(json_freep) cJSON *taken = set, *v1 = NULL;

    if (set == NULL)
        return S("");
    v1 = field_set_write(set);
    return written(a, v1);
}

static const struct kube_type *pod(void)
{
    return kube_type_find(S(""), S("v1"), S("Pod"));
}

/* --- of one document ------------------------------------------------------------------------- */

static const struct {
    const char *label;
    struct str doc, fields, error;
} documents[] = {
    {"scalars and structs",                                   STR_INIT("{\"spec\":{\"nodeName\":\"n\",\"hostNetwork\":false}}"),
     STR_INIT("{\"f:spec\":{\"f:hostNetwork\":{},\"f:nodeName\":{}}}"),                                                                        STR_INIT("")},
    {"entries of maps one by one",
     STR_INIT("{\"metadata\":{\"labels\":{\"a\":\"1\",\"b\":\"2\"}}}"),
     STR_INIT("{\"f:metadata\":{\"f:labels\":{\"f:a\":{},\"f:b\":{}}}}"),                                                                      STR_INIT("")},
    {"empty structs and maps are owned",                      STR_INIT("{\"status\":{},\"metadata\":{\"labels\":{}}}"),
     STR_INIT("{\"f:metadata\":{\"f:labels\":{}},\"f:status\":{}}"),                                                                           STR_INIT("")},
    {"elements by their keys, with what the keys default to",
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"c\",\"ports\":[{\"containerPort\":80}]}]}}"),
     STR_INIT(
         "{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"c\\\"}\":{\".\":{},\"f:name\":{},"
         "\"f:ports\":{\"k:{\\\"containerPort\\\":80,\\\"protocol\\\":\\\"TCP\\\"}\":{\".\":{},"
         "\"f:containerPort\":{}}}}}}}"),
     STR_INIT("")                                                                                                                                          },
    {"sets by their values",                                  STR_INIT("{\"metadata\":{\"finalizers\":[\"x\",\"y\"]}}"),
     STR_INIT("{\"f:metadata\":{\"f:finalizers\":{\"v:\\\"x\\\"\":{},\"v:\\\"y\\\"\":{}}}}"),
     STR_INIT("")                                                                                                                                          },
    {"atomic lists, maps and structs as a whole",
     STR_INIT("{\"spec\":{\"tolerations\":[{\"key\":\"k\"}],\"nodeSelector\":{\"a\":\"b\"},"
              "\"containers\":["
              "{\"name\":\"c\",\"command\":[\"x\"],\"env\":[{\"name\":\"E\",\"valueFrom\":{"
              "\"secretKeyRef\":{\"key\":"
              "\"k\"}}}]}]}}"),
     STR_INIT(
         "{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"c\\\"}\":{\".\":{},\"f:command\":{},"
         "\"f:env\":{\"k:{\\\"name\\\":\\\"E\\\"}\":{\".\":{},\"f:name\":{},\"f:valueFrom\":{\"f:"
         "secretKeyRef\":"
         "{}}}},\"f:name\":{}}},\"f:nodeSelector\":{},\"f:tolerations\":{}}}"),
     STR_INIT("")                                                                                                                                          },
    {"an element twice is refused",
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"c\"},{\"name\":\"c\"}]}}"),                                                STR_INIT(""),
     STR_INIT("duplicate entries for key [name=\"c\"]")                                                                                                    },
};

TEST(documents_have_fields)
{
    CASE_EACH(c, documents) {
        struct arena a = {0};
        struct kube_problems p = kube_problems_new(&a);
        CLEANUP(json_freep) cJSON *doc = json_parse(c->doc, NULL);

        CHECK_STR(c->label, fields(&a, field_set_of(pod(), doc, &p)), c->fields);
        CHECK_STR(c->label, p.error, c->error);
        arena_free(&a);
    }
}

/* --- between two ----------------------------------------------------------------------------- */

static const struct {
    const char *label;
    struct str old, now, added, removed, modified;
} pairs[] = {
    {"the same",                                 STR_INIT("{\"spec\":{\"nodeName\":\"a\"}}"),
     STR_INIT("{\"spec\":{\"nodeName\":\"a\"}}"),                                 STR_INIT("{}"), STR_INIT("{}"),                               STR_INIT("{}")                                 },
    {"a scalar each way",                        STR_INIT("{\"spec\":{\"nodeName\":\"a\",\"hostname\":\"h\"}}"),
     STR_INIT("{\"spec\":{\"nodeName\":\"b\",\"subdomain\":\"s\"}}"),
     STR_INIT("{\"f:spec\":{\"f:subdomain\":{}}}"),                                               STR_INIT("{\"f:spec\":{\"f:hostname\":{}}}"),
     STR_INIT("{\"f:spec\":{\"f:nodeName\":{}}}")                                                                                                                                              },
    {"a new map is a member beside its entries", STR_INIT("{\"metadata\":{}}"),
     STR_INIT("{\"metadata\":{\"labels\":{\"a\":\"1\"}}}"),
     STR_INIT("{\"f:metadata\":{\"f:labels\":{\".\":{},\"f:a\":{}}}}"),                           STR_INIT("{}"),
     STR_INIT("{}")                                                                                                                                                                            },
    {"elements in another order are the same",
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]}}"),
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"b\"},{\"name\":\"a\"}]}}"), STR_INIT("{}"),
     STR_INIT("{}"),                                                                                                                            STR_INIT("{}")                                 },
    {"an element gone is gone with all it held",
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"a\"},{\"name\":\"b\",\"image\":\"i\"}]}}"),
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"a\"}]}}"),                  STR_INIT("{}"),
     STR_INIT(
         "{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"b\\\"}\":{\".\":{},\"f:image\":{},"
         "\"f:name\":{}}}}}"),
     STR_INIT("{}")                                                                                                                                                                            },
    {"an atomic list changes as a whole",
     STR_INIT("{\"spec\":{\"tolerations\":[{\"key\":\"a\"}]}}"),
     STR_INIT("{\"spec\":{\"tolerations\":[{\"key\":\"a\"},{\"key\":\"b\"}]}}"),  STR_INIT("{}"),
     STR_INIT("{}"),                                                                                                                            STR_INIT("{\"f:spec\":{\"f:tolerations\":{}}}")},
    {"null becomes a list by its elements",      STR_INIT("{\"spec\":{\"containers\":null}}"),
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"a\"}]}}"),
     STR_INIT("{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"a\\\"}\":{\".\":{},\"f:name\":{"
              "}}}}}"),
     STR_INIT("{}"),                                                                                                                            STR_INIT("{}")                                 },
};

TEST(documents_differ_by_fields)
{
    CASE_EACH(c, pairs) {
        struct arena a = {0};
        CLEANUP(json_freep) cJSON *old = json_parse(c->old, NULL);
        CLEANUP(json_freep) cJSON *now = json_parse(c->now, NULL);
        struct field_changes ch = field_set_compare(pod(), old, now);

        CHECK_STR(c->label, fields(&a, ch.added), c->added);
        CHECK_STR(c->label, fields(&a, ch.removed), c->removed);
        CHECK_STR(c->label, fields(&a, ch.modified), c->modified);
        arena_free(&a);
    }
}

/* --- algebra --------------------------------------------------------------------------------- */

static const struct {
    const char *label;
    struct str a, b, either, both, first;
} algebra[] = {
    {"a member and its parent are two", STR_INIT("{\"f:a\":{\".\":{},\"f:b\":{}}}"),
     STR_INIT("{\"f:a\":{}}"),                                                                                 STR_INIT("{\"f:a\":{\".\":{},\"f:b\":{}}}"),
     STR_INIT("{\"f:a\":{}}"),                                                                                                                                              STR_INIT("{\"f:a\":{\"f:b\":{}}}")},
    {"what only holds members is none", STR_INIT("{\"f:a\":{\"f:b\":{}}}"),
     STR_INIT("{\"f:a\":{}}"),                                                                                 STR_INIT("{\"f:a\":{\".\":{},\"f:b\":{}}}"), STR_INIT("{}"),
     STR_INIT("{\"f:a\":{\"f:b\":{}}}")                                                                                                                                                                       },
    {"nothing",                         STR_INIT("{}"),                              STR_INIT("{\"f:x\":{}}"), STR_INIT("{\"f:x\":{}}"),                    STR_INIT("{}"),
     STR_INIT("{}")                                                                                                                                                                                           },
};

TEST(sets_combine)
{
    CASE_EACH(c, algebra) {
        struct arena a = {0};
        CLEANUP(json_freep) cJSON *xv = json_parse(c->a, NULL), *yv = json_parse(c->b, NULL);
        CLEANUP(json_freep) cJSON *x = field_set_read(xv), *y = field_set_read(yv);

        CHECK_STR(c->label, fields(&a, field_set_union(x, y)), c->either);
        CHECK_STR(c->label, fields(&a, field_set_intersection(x, y)), c->both);
        CHECK_STR(c->label, fields(&a, field_set_difference(x, y)), c->first);
        arena_free(&a);
    }
}

static void note_path(void *data, struct str path)
{
    struct buf *b = data;

    buf_printf(b, "%.*s\n", STR_ARG(path));
}

TEST(members_have_paths)
{
    CLEANUP(json_freep)
    cJSON *fields_v1 = json_parse(
        S("{\"f:spec\":{\"f:containers\":{\"k:{\\\"containerPort\\\":80,\\\"protocol\\\":"
          "\\\"TCP\\\"}\":{\".\":"
          "{},\"f:image\":{}}}},\"f:metadata\":{\"f:finalizers\":{\"v:\\\"x\\\"\":{}}}}"),
        NULL);
    CLEANUP(json_freep) cJSON *set = field_set_read(fields_v1);
    CLEANUP(buf_free) struct buf b = buf_init(LARGE);

    field_set_each(set, note_path, &b);
    CHECK_STR("paths", buf_str(&b),
              S(".spec.containers[containerPort=80,protocol=\"TCP\"]\n"
                ".spec.containers[containerPort=80,protocol=\"TCP\"].image\n"
                ".metadata.finalizers[=\"x\"]\n"));
}

TEST(single_members_come_and_go)
{
    struct arena a = {0};
    cJSON *set = cJSON_CreateObject();

    field_set_add(set, "f:metadata f:name");
    field_set_add(set, "f:metadata");
    field_set_add(set, "f:kind");
    field_set_drop(set, "f:metadata f:name");
    field_set_drop(set, "f:kind");
    field_set_drop(set, "f:spec f:x");
    CHECK_STR("the parent stays", fields(&a, set), S("{\"f:metadata\":{}}"));
    arena_free(&a);
}

/* --- merging and taking out ------------------------------------------------------------------ */

static const struct {
    const char *label;
    struct str live, applied, merged;
} merges[] = {
    {"structs and maps merge",
     STR_INIT("{\"metadata\":{\"labels\":{\"a\":\"1\"}},\"spec\":{\"nodeName\":\"n\"}}"),
     STR_INIT("{\"metadata\":{\"labels\":{\"b\":\"2\"}},\"spec\":{\"nodeName\":\"m\"}}"),
     STR_INIT(
         "{\"metadata\":{\"labels\":{\"a\":\"1\",\"b\":\"2\"}},\"spec\":{\"nodeName\":\"m\"}}")  },
    {"elements merge by key, in the applied order",
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"1\"},{\"name\":\"x\"},{"
              "\"name\":\"b\"}]}}"),
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"b\"},{\"name\":\"a\",\"image\":\"2\"}]}}"),
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"x\"},{\"name\":\"b\"},{\"name\":\"a\","
              "\"image\":\"2\"}]}}")                                                             },
    {"new elements come where they were applied",
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]}}"),
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"a\"},{\"name\":\"n\"},{\"name\":\"b\"}]}}"),
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"a\"},{\"name\":\"n\"},{\"name\":\"b\"}]}}")},
    {"two ports of one number and two protocols",
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"a\",\"ports\":[{\"containerPort\":53,"
              "\"protocol\":\"UDP\"}]}]}}"),
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"a\",\"ports\":[{\"containerPort\":53}]}]}}"),
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"a\",\"ports\":[{\"containerPort\":53,"
              "\"protocol\":\"UDP\"},"
              "{\"containerPort\":53}]}]}}")                                                     },
    {"sets unite",                                  STR_INIT("{\"metadata\":{\"finalizers\":[\"a\",\"b\"]}}"),
     STR_INIT("{\"metadata\":{\"finalizers\":[\"c\"]}}"),
     STR_INIT("{\"metadata\":{\"finalizers\":[\"a\",\"b\",\"c\"]}}")                             },
    {"what is atomic is replaced",                  STR_INIT("{\"spec\":{\"nodeSelector\":{\"a\":\"1\"}}}"),
     STR_INIT("{\"spec\":{\"nodeSelector\":{\"b\":\"2\"}}}"),
     STR_INIT("{\"spec\":{\"nodeSelector\":{\"b\":\"2\"}}}")                                     },
};

TEST(applied_documents_merge)
{
    CASE_EACH(c, merges) {
        struct arena a = {0};
        struct kube_problems p = kube_problems_new(&a);
        CLEANUP(json_freep) cJSON *live = json_parse(c->live, NULL);
        CLEANUP(json_freep) cJSON *applied = json_parse(c->applied, NULL);
        CLEANUP(json_freep) cJSON *merged = kube_apply_merge(pod(), live, applied, &p);

        CHECK_STR(c->label, written(&a, merged), c->merged);
        arena_free(&a);
    }
}

static const struct {
    const char *label;
    struct str doc, set, rest;
} removals[] = {
    {"a field, an entry, an element",
     STR_INIT("{\"metadata\":{\"labels\":{\"a\":\"1\",\"b\":\"2\"}},\"spec\":{\"nodeName\":\"n\","
              "\"containers\":["
              "{\"name\":\"a\",\"image\":\"1\"},{\"name\":\"b\"}]}}"),
     STR_INIT(
         "{\"f:metadata\":{\"f:labels\":{\"f:a\":{}}},\"f:spec\":{\"f:nodeName\":{},\"f:"
         "containers\":{"
         "\"k:{\\\"name\\\":\\\"b\\\"}\":{},\"k:{\\\"name\\\":\\\"a\\\"}\":{\"f:image\":{}}}}}"),
     STR_INIT(
         "{\"metadata\":{\"labels\":{\"b\":\"2\"}},\"spec\":{\"containers\":[{\"name\":\"a\"}]}}")},
    {"what holds members is no member", STR_INIT("{\"metadata\":{\"labels\":{\"a\":\"1\"}}}"),
     STR_INIT("{\"f:metadata\":{\"f:labels\":{\"f:x\":{}}}}"),
     STR_INIT("{\"metadata\":{\"labels\":{\"a\":\"1\"}}}")                                        },
};

TEST(fields_are_taken_out)
{
    CASE_EACH(c, removals) {
        struct arena a = {0};
        CLEANUP(json_freep) cJSON *doc = json_parse(c->doc, NULL);
        CLEANUP(json_freep) cJSON *v1 = json_parse(c->set, NULL), *set = field_set_read(v1);
        CLEANUP(json_freep) cJSON *rest = kube_apply_remove(pod(), doc, set);

        CHECK_STR(c->label, written(&a, rest), c->rest);
        arena_free(&a);
    }
}

/* --- what a client applies ------------------------------------------------------------------- */

static const struct {
    const char *label;
    struct str doc, sparse, error, complaint;
} sparse[] = {
    {"only what is said, zeros too",
     STR_INIT(
         "{\"spec\":{\"hostNetwork\":false,\"nodeName\":\"\",\"containers\":[]},\"status\":{}}"),
     STR_INIT(
         "{\"spec\":{\"nodeName\":\"\",\"hostNetwork\":false,\"containers\":[]},\"status\":{}}"),
     STR_INIT(""),                                                                                                                                                                        STR_INIT("")},
    {"unknown fields by keys",          STR_INIT("{\"spec\":{\"containers\":[{\"foo\":1,\"name\":\"c\"}]}}"),
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"c\"}]}}"),                                                            STR_INIT(""),
     STR_INIT(".spec.containers[name=\"c\"].foo: field not declared in schema")                                                                                                                       },
    {"a text where a number should be", STR_INIT("{\"spec\":{\"priority\":\"x\"}}"),                          STR_INIT(""),
     STR_INIT(".spec.priority: expected numeric (int or float), got string"),                                                                                                             STR_INIT("")},
    {"a number where a text should be",
     STR_INIT("{\"spec\":{\"containers\":[{\"name\":\"c\",\"env\":[{\"name\":\"E\",\"value\":8080}]"
              "}]}}"),
     STR_INIT(""),
     STR_INIT(".spec.containers[name=\"c\"].env[name=\"E\"].value: expected string, got "
              "&value.valueUnstructured{Value:8080}"),
     STR_INIT("")                                                                                                                                                                                     },
    {"a map where a list should be",    STR_INIT("{\"spec\":{\"containers\":{\"a\":1}}}"),
     STR_INIT(""),                                                                                                          STR_INIT(".spec.containers: expected list, got &{map[a:1]}"), STR_INIT("")},
};

TEST(applied_documents_are_read_as_they_are)
{
    CASE_EACH(c, sparse) {
        struct arena a = {0};
        struct kube_problems p = kube_problems_new(&a);
        CLEANUP(json_freep) cJSON *tree = kube_parse_json(c->doc, &p);
        CLEANUP(json_freep) cJSON *doc = kube_read_sparse(pod(), tree, &p);

        CHECK_STR(c->label, p.error, c->error);
        CHECK_STR(c->label, p.strict != NULL ? p.strict->text : S(""), c->complaint);
        if (c->error.n == 0 && c->sparse.n > 0)
            CHECK("the same members", doc != NULL);
        if (doc != NULL) {
            CLEANUP(json_freep) cJSON *want = json_parse(c->sparse, NULL);

            CHECK(c->label, json_equal(doc, want));
        }
        arena_free(&a);
    }
}

TEST_MAIN(T(documents_have_fields), T(documents_differ_by_fields), T(sets_combine),
          T(members_have_paths), T(single_members_come_and_go), T(applied_documents_merge),
          T(fields_are_taken_out), T(applied_documents_are_read_as_they_are))

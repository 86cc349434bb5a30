/* Writing: names, locks, writes that change nothing, dry runs, deletion with its policies and
 * finalizers. Source: Kubernetes API Concepts; kubernetes-api.md §2.1–2.4, §3.6. */
#include "api.h"

#define NS     "/api/v1/namespaces/default"
#define MAPS   NS "/configmaps"
#define DEPLOY "/apis/apps/v1/namespaces/default/deployments"
#define DEPLOYMENT(name, replicas)                                                           \
    "{\"metadata\":{\"name\":\"" name "\"},\"spec\":{\"replicas\":" replicas                 \
    ",\"selector\":{\"matchLabels\":{\"a\":\"b\"}},\"template\":{\"metadata\":{\"labels\":{" \
    "\"a\":\"b\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}}"

TEST(names)
{
    cJSON *doc;
    struct api w;

    api_open(&w);
    doc = api_doc(&w, "POST", MAPS, "{\"metadata\":{\"generateName\":\"x-\"}}", 201);
    CHECK("five letters", json_str(doc, "metadata.name").n == 7);
    cJSON_Delete(doc);
    doc = api_doc(&w, "POST", MAPS, "{\"metadata\":{}}", 422);
    CHECK_STR("no name", json_str(doc, "message"),
              S("ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is "
                "required"));
    cJSON_Delete(doc);
    doc = api_doc(&w, "POST", MAPS, "{\"metadata\":{\"name\":\"a\",\"namespace\":\"b\"}}", 400);
    CHECK_STR("another place", json_str(doc, "message"),
              S("the namespace of the provided object does not match the namespace sent on the "
                "request"));
    cJSON_Delete(doc);
    doc = api_doc(&w, "POST", "/api/v1/namespaces/none/configmaps",
                  "{\"metadata\":{\"name\":\"a\"}}", 404);
    CHECK_STR("no such place", json_str(doc, "message"), S("namespaces \"none\" not found"));
    cJSON_Delete(doc);
    doc =
        api_doc(&w, "POST", MAPS, "{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"1\"}}", 500);
    CHECK_STR("a version", json_str(doc, "message"),
              S("resourceVersion should not be set on objects to be created"));
    cJSON_Delete(doc);
    api_do(&w, "POST", MAPS, "{\"metadata\":{\"name\":\"a\"}}", 201);
    doc = api_doc(&w, "POST", MAPS, "{\"metadata\":{\"name\":\"a\"}}", 409);
    CHECK_STR("twice", json_str(doc, "message"), S("configmaps \"a\" already exists"));
    CHECK_STR("its reason", json_str(doc, "reason"), S("AlreadyExists"));
    cJSON_Delete(doc);
    api_close(&w);
}

TEST(locks_and_writes_of_nothing)
{
    struct str rv, same;
    cJSON *doc;
    struct api w;

    api_open(&w);
    doc = api_doc(&w, "POST", MAPS, "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"1\"}}", 201);
    rv = arena_str(&w.arena, json_str(doc, "metadata.resourceVersion"));
    cJSON_Delete(doc);
    doc = api_doc(&w, "PUT", MAPS "/a", "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"1\"}}",
                  200);
    same = json_str(doc, "metadata.resourceVersion");
    CHECK_STR("nothing changed", same, rv);
    cJSON_Delete(doc);
    api_do(&w, "PUT", MAPS "/a", "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"2\"}}", 200);
    doc = api_doc(&w, "PUT", MAPS "/a",
                  arena_printf(&w.arena,
                               "{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"%.*s\"}}",
                               STR_ARG(rv))
                      .at,
                  409);
    CHECK_STR("the other was first", json_str(doc, "message"),
              S("Operation cannot be fulfilled on configmaps \"a\": the object has been modified; "
                "please apply your changes to the latest version and try again"));
    cJSON_Delete(doc);
    api_do(&w, "PUT", MAPS "/none", "{\"metadata\":{\"name\":\"none\"}}", 404);
    doc = api_doc(&w, "PUT", MAPS "/a", "{\"metadata\":{\"name\":\"b\"}}", 400);
    CHECK_STR("another name", json_str(doc, "message"),
              S("the name of the object (b) does not match the name on the URL (a)"));
    cJSON_Delete(doc);
    api_close(&w);
}

TEST(generations)
{
    cJSON *doc;
    struct api w;

    api_open(&w);
    doc = api_doc(&w, "POST", DEPLOY, DEPLOYMENT("d", "1"), 201);
    CHECK("the first", json_int(doc, "metadata.generation", 0) == 1);
    cJSON_Delete(doc);
    doc = api_doc(&w, "PUT", DEPLOY "/d", DEPLOYMENT("d", "2"), 200);
    CHECK("a spec that changed", json_int(doc, "metadata.generation", 0) == 2);
    cJSON_Delete(doc);
    doc = api_doc(&w, "PUT", DEPLOY "/d/status",
                  "{\"metadata\":{\"name\":\"d\"},\"spec\":{\"replicas\":9},\"status\":{"
                  "\"replicas\":2,\"observedGeneration\":2}}",
                  200);
    CHECK("a status does not count", json_int(doc, "metadata.generation", 0) == 2);
    CHECK("nor touch the spec", json_int(doc, "spec.replicas", 0) == 2);
    cJSON_Delete(doc);
    doc = api_doc(&w, "PUT", DEPLOY "/d", DEPLOYMENT("d", "2"), 200);
    CHECK("a spec leaves the status", json_int(doc, "status.replicas", 0) == 2);
    cJSON_Delete(doc);
    api_close(&w);
}

TEST(dry_runs)
{
    cJSON *doc;
    struct api w;
    int64_t rv;

    api_open(&w);
    api_do(&w, "POST", MAPS, "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"1\"}}", 201);
    rv = objects_rv(w.objects);
    doc = api_doc(&w, "POST", MAPS "?dryRun=All", "{\"metadata\":{\"name\":\"b\"}}", 201);
    CHECK("as if it were", json_str(doc, "metadata.uid").n > 0);
    CHECK("without a version", json_str(doc, "metadata.resourceVersion").n == 0);
    cJSON_Delete(doc);
    doc = api_doc(&w, "PUT", MAPS "/a?dryRun=All",
                  "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"2\"}}", 200);
    CHECK_STR("changed", json_str(doc, "data.k"), S("2"));
    cJSON_Delete(doc);
    api_do(&w, "DELETE", MAPS "/a?dryRun=All", NULL, 200);
    api_do(&w, "DELETE", MAPS "/a", "{\"dryRun\":[\"All\"]}", 200);
    api_do(&w, "DELETE", MAPS "?dryRun=All", NULL, 200);
    doc = api_doc(&w, "GET", MAPS "/a", NULL, 200);
    CHECK_STR("but nothing was done", json_str(doc, "data.k"), S("1"));
    cJSON_Delete(doc);
    api_do(&w, "GET", MAPS "/b", NULL, 404);
    CHECK("no version was used", objects_rv(w.objects) == rv);
    doc = api_doc(&w, "POST", MAPS "?dryRun=Some", "{\"metadata\":{\"name\":\"b\"}}", 422);
    CHECK("another word",
          str_find(json_str(doc, "message"), S("Unsupported value: \"Some\"")) != STR_NONE);
    cJSON_Delete(doc);
    api_close(&w);
}

static const struct {
    const char *label, *options;
    int status;
    const char *finalizers; /* of the object that stays; NULL: it went */
} policies[] = {
    {"background",           "{\"propagationPolicy\":\"Background\"}",                       200, NULL                      },
    {"foreground",           "{\"propagationPolicy\":\"Foreground\"}",                       200, "[\"foregroundDeletion\"]"},
    {"orphan",               "{\"propagationPolicy\":\"Orphan\"}",                           200, "[\"orphan\"]"            },
    {"as of old",            "{\"orphanDependents\":true}",                                  200, "[\"orphan\"]"            },
    {"none",                 "{}",                                                           200, NULL                      },
    {"both ways",            "{\"orphanDependents\":true,\"propagationPolicy\":\"Orphan\"}", 422, NULL                      },
    {"another word",         "{\"propagationPolicy\":\"Never\"}",                            422, NULL                      },
    {"an uid of another",    "{\"preconditions\":{\"uid\":\"x\"}}",                          409, NULL                      },
    {"a version of another", "{\"preconditions\":{\"resourceVersion\":\"1\"}}",              409, NULL                      },
};

TEST(how_deletion_goes_on)
{
    CASE_EACH(c, policies) {
        struct arena a = {0};
        struct buf b = buf_init(4096);
        cJSON *doc;
        struct api w;

        api_open(&w);
        api_do(&w, "POST", DEPLOY, DEPLOYMENT("d", "1"), 201);
        api_do(&w, "DELETE", DEPLOY "/d", c->options, c->status);
        if (c->status != 200) {
            doc = api_doc(&w, "GET", DEPLOY "/d", NULL, 200);
            CHECK(c->label, json_get(doc, "metadata.deletionTimestamp") == NULL);
        } else if (c->finalizers == NULL) {
            doc = api_doc(&w, "GET", DEPLOY "/d", NULL, 404);
        } else {
            doc = api_doc(&w, "GET", DEPLOY "/d", NULL, 200);
            json_write(&b, json_get(doc, "metadata.finalizers"));
            CHECK_STR(c->label, buf_str(&b), str_c(c->finalizers));
            CHECK(c->label, json_get(doc, "metadata.deletionTimestamp") != NULL);
        }
        cJSON_Delete(doc);
        buf_free(&b);
        arena_free(&a);
        api_close(&w);
    }
}

TEST(finalizers)
{
    cJSON *doc;
    struct api w;

    api_open(&w);
    api_do(&w, "POST", MAPS, "{\"metadata\":{\"name\":\"a\",\"finalizers\":[\"x.y/z\"]}}", 201);
    doc = api_doc(&w, "DELETE", MAPS "/a", NULL, 200);
    CHECK_STR("it waits", json_str(doc, "kind"), S("ConfigMap"));
    cJSON_Delete(doc);
    doc = api_doc(&w, "POST", MAPS, "{\"metadata\":{\"name\":\"a\"}}", 409);
    CHECK_STR("its name is taken", json_str(doc, "message"),
              S("object is being deleted: configmaps \"a\" already exists"));
    cJSON_Delete(doc);
    doc = api_doc(&w, "PUT", MAPS "/a",
                  "{\"metadata\":{\"name\":\"a\",\"finalizers\":[\"x.y/z\",\"x.y/w\"]}}", 422);
    CHECK("no new ones",
          str_find(json_str(doc, "message"),
                   S("no new finalizers can be added if the object is being deleted, "
                     "found new finalizers []string{\"x.y/w\"}")) != STR_NONE);
    cJSON_Delete(doc);
    api_do(&w, "PUT", MAPS "/a", "{\"metadata\":{\"name\":\"a\"}}", 200);
    api_do(&w, "GET", MAPS "/a", NULL, 404);
    api_close(&w);
}

TEST(collections)
{
    cJSON *doc;
    struct api w;

    api_open(&w);
    api_do(&w, "POST", MAPS, "{\"metadata\":{\"name\":\"a\",\"labels\":{\"x\":\"1\"}}}", 201);
    api_do(&w, "POST", MAPS, "{\"metadata\":{\"name\":\"b\"}}", 201);
    doc = api_doc(&w, "DELETE", MAPS "?labelSelector=x%3D1", NULL, 200);
    CHECK_STR("a list of what went", json_str(doc, "kind"), S("ConfigMapList"));
    CHECK("one", cJSON_GetArraySize(json_get(doc, "items")) == 1);
    cJSON_Delete(doc);
    api_do(&w, "GET", MAPS "/a", NULL, 404);
    api_do(&w, "GET", MAPS "/b", NULL, 200);
    api_do(&w, "DELETE", "/api/v1/namespaces", NULL, 405);
    api_close(&w);
}

TEST(services_get_addresses)
{
    cJSON *doc;
    struct api w;

    api_open(&w);
    doc = api_doc(&w, "POST", NS "/services",
                  "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"type\":\"NodePort\",\"selector\":{"
                  "\"x\":\"y\"},\"ports\":[{\"port\":80}]}}",
                  201);
    CHECK("of the range", str_starts(json_str(doc, "spec.clusterIP"), S("10.100.")));
    CHECK_STR("twice", json_text(cJSON_GetArrayItem(json_get(doc, "spec.clusterIPs"), 0)),
              json_str(doc, "spec.clusterIP"));
    CHECK_STR("of one family", json_str(doc, "spec.ipFamilyPolicy"), S("SingleStack"));
    CHECK("a node port",
          json_int(cJSON_GetArrayItem(json_get(doc, "spec.ports"), 0), "nodePort", 0) >= 30000);
    cJSON_Delete(doc);
    doc = api_doc(&w, "POST", NS "/services",
                  "{\"metadata\":{\"name\":\"b\"},\"spec\":{\"clusterIP\":\"None\"}}", 201);
    CHECK_STR("headless, for anything", json_str(doc, "spec.ipFamilyPolicy"),
              S("RequireDualStack"));
    cJSON_Delete(doc);
    doc = api_doc(&w, "POST", NS "/services",
                  "{\"metadata\":{\"name\":\"c\"},\"spec\":{\"clusterIP\":\"9.9.9.9\",\"ports\":[{"
                  "\"port\":80}]}}",
                  422);
    CHECK_STR(
        "outside of it", json_str(doc, "message"),
        S("Service \"c\" is invalid: spec.clusterIPs: Invalid value: [\"9.9.9.9\"]: failed to "
          "allocate IP 9.9.9.9: the provided network does not match the current range"));
    cJSON_Delete(doc);
    api_close(&w);
}

TEST(namespaces_end)
{
    cJSON *doc;
    struct api w;

    api_open(&w);
    doc = api_doc(&w, "DELETE", "/api/v1/namespaces/default", NULL, 403);
    CHECK_STR("not this one", json_str(doc, "message"),
              S("namespaces \"default\" is forbidden: this namespace may not be deleted"));
    cJSON_Delete(doc);
    api_do(&w, "POST", "/api/v1/namespaces", "{\"metadata\":{\"name\":\"n\"}}", 201);
    doc = api_doc(&w, "DELETE", "/api/v1/namespaces/n", NULL, 200);
    CHECK_STR("it is emptied first", json_str(doc, "status.phase"), S("Terminating"));
    cJSON_Delete(doc);
    doc = api_doc(&w, "POST", "/api/v1/namespaces/n/configmaps", "{\"metadata\":{\"name\":\"a\"}}",
                  403);
    CHECK_STR(
        "nothing new", json_str(doc, "message"),
        S("configmaps \"a\" is forbidden: unable to create new content in namespace n because "
          "it is being terminated"));
    CHECK_STR("the cause",
              json_str(cJSON_GetArrayItem(json_get(doc, "details.causes"), 0), "reason"),
              S("NamespaceTerminating"));
    cJSON_Delete(doc);
    api_do(&w, "PUT", "/api/v1/namespaces/n/finalize",
           "{\"metadata\":{\"name\":\"n\"},\"spec\":{\"finalizers\":[]}}", 200);
    api_do(&w, "GET", "/api/v1/namespaces/n", NULL, 404);
    api_close(&w);
}
TEST_MAIN(T(names), T(locks_and_writes_of_nothing), T(generations), T(dry_runs),
          T(how_deletion_goes_on), T(finalizers), T(collections), T(services_get_addresses),
          T(namespaces_end))

/* All loops together, from a Deployment to the addresses behind its Service, over a store in
 * memory, a stopped clock and the fake runtime. */
#include "world.h"

static const char deployment[] =
    "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"web\","
    "\"namespace\":\"ns\"},\"spec\":{\"replicas\":2,\"progressDeadlineSeconds\":600,\"selector\":{"
    "\"matchLabels\":{\"app\":\"web\"}},\"strategy\":{\"type\":\"RollingUpdate\","
    "\"rollingUpdate\":{\"maxSurge\":\"25%\",\"maxUnavailable\":\"25%\"}},\"template\":{"
    "\"metadata\":{\"labels\":{\"app\":\"web\"}},\"spec\":{\"restartPolicy\":\"Always\","
    "\"terminationGracePeriodSeconds\":30,\"containers\":[{\"name\":\"nginx\","
    "\"image\":\"nginx:1.7.9\",\"ports\":[{\"name\":\"http\",\"containerPort\":80}]}]}}}}";

static const char service[] =
    "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"web\",\"namespace\":"
    "\"ns\"},\"spec\":{\"selector\":{\"app\":\"web\"},\"ports\":[{\"port\":8080,\"protocol\":"
    "\"TCP\",\"targetPort\":\"http\"}]}}";

static size_t count(struct world *w, const char *resource, const char *label, const char *value)
{
    struct object_list all = object_list(w->objects, &w->arena, CLUSTER, str_c(resource), S("ns"));
    size_t n = 0;

    for (size_t i = 0; i < all.n; i++)
        for (size_t k = 0; k < all.at[i]->label_count; k++)
            n += str_is(all.at[i]->labels[k].key, label) &&
                 str_is(all.at[i]->labels[k].value, value);
    return n;
}

static struct object *first(struct world *w, const char *resource)
{
    struct object_list all = object_list(w->objects, &w->arena, CLUSTER, str_c(resource), S("ns"));

    return all.n == 0 ? NULL : all.at[0];
}

static int64_t status(struct world *w, const char *field)
{
    return json_int(json_get(object_doc(get(w, "apps/deployments", "ns", "web")), "status"), field,
                    0);
}

static struct str condition(const cJSON *doc, const char *type, const char *field)
{
    JSON_EACH(c, json_get(doc, "status.conditions"))
        if (str_is(json_str(c, "type"), type))
            return json_str(c, field);
    return (struct str){0};
}

/* How many events of the reason there are, the repeated ones counted. */
static int64_t events(struct world *w, const char *reason)
{
    struct object_list all = object_list(w->objects, &w->arena, CLUSTER, S("events"), S(""));
    int64_t n = 0;

    for (size_t i = 0; i < all.n; i++)
        if (str_is(json_str(object_doc(all.at[i]), "reason"), reason))
            n += json_int(object_doc(all.at[i]), "count", 1);
    return n;
}

static struct str event_message(struct world *w, const char *reason)
{
    struct object_list all = object_list(w->objects, &w->arena, CLUSTER, S("events"), S(""));

    for (size_t i = 0; i < all.n; i++)
        if (str_is(json_str(object_doc(all.at[i]), "reason"), reason))
            return json_str(object_doc(all.at[i]), "message");
    return (struct str){0};
}

TEST(a_namespace_gets_its_own)
{
    struct world w;

    open_world(&w);
    settle(&w);
    CHECK("a default service account", get(&w, "serviceaccounts", "ns", "default") != NULL);
    CHECK_STR("the cluster's CA",
              json_text(json_member(
                  json_get(object_doc(get(&w, "configmaps", "ns", "kube-root-ca.crt")), "data"),
                  S("ca.crt"))),
              S("PEM"));
    drop(&w, "serviceaccounts", "ns", "default", "{}");
    change(&w, "configmaps", "ns", "kube-root-ca.crt", "", "{\"data\":{\"ca.crt\":\"x\"}}");
    settle(&w);
    CHECK("the account comes back", get(&w, "serviceaccounts", "ns", "default") != NULL);
    CHECK_STR("the CA is put right",
              json_text(json_member(
                  json_get(object_doc(get(&w, "configmaps", "ns", "kube-root-ca.crt")), "data"),
                  S("ca.crt"))),
              S("PEM"));
    close_world(&w);
}

TEST(a_deployment_runs)
{
    const cJSON *pod, *endpoints;
    struct object *set;
    struct world w;

    open_world(&w);
    have(&w, "services", service);
    have(&w, "apps/deployments", deployment);
    settle(&w);
    set = first(&w, "apps/replicasets");
    CHECK("a set", set != NULL);
    CHECK_STR("it is revision 1",
              json_text(json_member(json_get(object_doc(set), "metadata.annotations"),
                                    S("deployment.kubernetes.io/revision"))),
              S("1"));
    CHECK("two pods", count(&w, "pods", "app", "web") == 2);
    CHECK("all available", status(&w, "availableReplicas") == 2);
    CHECK("all updated", status(&w, "updatedReplicas") == 2);
    CHECK("the generation is seen", status(&w, "observedGeneration") == 1);
    CHECK_STR(
        "the rollout is over",
        condition(object_doc(get(&w, "apps/deployments", "ns", "web")), "Progressing", "reason"),
        S("NewReplicaSetAvailable"));
    CHECK_STR(
        "it is available",
        condition(object_doc(get(&w, "apps/deployments", "ns", "web")), "Available", "status"),
        S("True"));
    pod = object_doc(first(&w, "pods"));
    CHECK_STR("the pod runs", json_str(pod, "status.phase"), S("Running"));
    CHECK_STR("and is ready", condition(pod, "Ready", "status"), S("True"));
    CHECK("it has an address", json_str(pod, "status.podIP").n > 0);
    CHECK("and its node's", str_starts(json_str(pod, "status.hostIP"), S("192.168.1.")));
    endpoints = object_doc(get(&w, "endpoints", "ns", "web"));
    CHECK("both are behind the Service",
          cJSON_GetArraySize(json_get(json_get(endpoints, "subsets")->child, "addresses")) == 2);
    CHECK("at the named port",
          json_int(json_get(json_get(endpoints, "subsets")->child, "ports")->child, "port", 0) ==
              80);
    CHECK("a slice says the same",
          first(&w, "discovery.k8s.io/endpointslices") != NULL &&
              cJSON_GetArraySize(json_get(object_doc(first(&w, "discovery.k8s.io/endpointslices")),
                                          "endpoints")) == 2);
    CHECK("it was said", events(&w, "ScalingReplicaSet") == 1 &&
                             events(&w, "SuccessfulCreate") == 2 && events(&w, "Scheduled") == 2 &&
                             events(&w, "Started") == 2);
    close_world(&w);
}

TEST(pods_spread_over_nodes)
{
    struct object_list pods;
    struct world w;

    open_world(&w);
    have(&w, "apps/deployments", deployment);
    settle(&w);
    pods = object_list(w.objects, &w.arena, CLUSTER, S("pods"), S("ns"));
    CHECK("each on its own",
          pods.n == 2 && !str_eq(json_str(object_doc(pods.at[0]), "spec.nodeName"),
                                 json_str(object_doc(pods.at[1]), "spec.nodeName")));
    close_world(&w);
}

TEST(a_new_template_rolls)
{
    struct object_list sets;
    struct world w;

    open_world(&w);
    have(&w, "apps/deployments", deployment);
    settle(&w);
    change(&w, "apps/deployments", "ns", "web", "",
           "{\"spec\":{\"template\":{\"metadata\":{\"annotations\":{\"r\":\"1\"}}}}}");
    settle(&w);
    sets = object_list(w.objects, &w.arena, CLUSTER, S("apps/replicasets"), S("ns"));
    CHECK("a second set", sets.n == 2);
    CHECK("two pods in all", count(&w, "pods", "app", "web") == 2);
    CHECK("all updated", status(&w, "updatedReplicas") == 2 && status(&w, "replicas") == 2);
    CHECK_STR("revision 2",
              json_text(json_member(json_get(object_doc(get(&w, "apps/deployments", "ns", "web")),
                                             "metadata.annotations"),
                                    S("deployment.kubernetes.io/revision"))),
              S("2"));
    change(&w, "apps/deployments", "ns", "web", "",
           "{\"spec\":{\"template\":{\"metadata\":{\"annotations\":null}}}}");
    settle(&w);
    sets = object_list(w.objects, &w.arena, CLUSTER, S("apps/replicasets"), S("ns"));
    CHECK("going back takes the old set", sets.n == 2);
    CHECK_STR("as revision 3",
              json_text(json_member(json_get(object_doc(get(&w, "apps/deployments", "ns", "web")),
                                             "metadata.annotations"),
                                    S("deployment.kubernetes.io/revision"))),
              S("3"));
    close_world(&w);
}

TEST(scaling_adds_and_removes)
{
    struct world w;

    open_world(&w);
    have(&w, "apps/deployments", deployment);
    settle(&w);
    change(&w, "apps/deployments", "ns", "web", "", "{\"spec\":{\"replicas\":5}}");
    settle(&w);
    CHECK("five pods", count(&w, "pods", "app", "web") == 5);
    CHECK("one set", status(&w, "availableReplicas") == 5);
    change(&w, "apps/deployments", "ns", "web", "", "{\"spec\":{\"replicas\":1}}");
    settle(&w);
    CHECK("one pod", count(&w, "pods", "app", "web") == 1);
    change(&w, "apps/deployments", "ns", "web", "", "{\"spec\":{\"replicas\":0}}");
    settle(&w);
    CHECK("none", count(&w, "pods", "app", "web") == 0);
    close_world(&w);
}

TEST(a_container_that_ends_is_started_again)
{
    const cJSON *pod, *container;
    struct str name, uid;
    struct world w;

    open_world(&w);
    have(&w, "apps/deployments", deployment);
    settle(&w);
    name = arena_str(&w.arena, first(&w, "pods")->key.name);
    uid = arena_str(&w.arena, first(&w, "pods")->uid);
    CHECK("it ends", fake_runtime_exit(w.runtime, uid, S("nginx"), 1));
    settle(&w);
    pod = object_doc(get(&w, "pods", "ns", name.at));
    container = json_get(pod, "status.containerStatuses")->child;
    CHECK("at once, the first time", json_get(container, "state.running") != NULL);
    CHECK("one restart", json_int(container, "restartCount", 0) == 1);
    CHECK("how it ended is kept", json_int(container, "lastState.terminated.exitCode", 0) == 1);
    CHECK("it ends again", fake_runtime_exit(w.runtime, uid, S("nginx"), 1));
    settle(&w);
    pod = object_doc(get(&w, "pods", "ns", name.at));
    container = json_get(pod, "status.containerStatuses")->child;
    CHECK_STR("then it waits", json_str(container, "state.waiting.reason"), S("CrashLoopBackOff"));
    CHECK_STR("and is not ready", condition(pod, "Ready", "status"), S("False"));
    CHECK_STR("the message names it", json_str(container, "state.waiting.message"),
              arena_printf(&w.arena,
                           "back-off 10s restarting failed container=nginx pod=%.*s_ns(%.*s)",
                           STR_ARG(name), STR_ARG(uid)));
    pass(&w, 11000);
    pod = object_doc(get(&w, "pods", "ns", name.at));
    container = json_get(pod, "status.containerStatuses")->child;
    CHECK("till its time has come", json_get(container, "state.running") != NULL &&
                                        json_int(container, "restartCount", 0) == 2);
    close_world(&w);
}

TEST(an_unknown_image_backs_off)
{
    const cJSON *container;
    struct world w;

    open_world(&w);
    have(&w, "pods",
         "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"namespace\":"
         "\"ns\"},"
         "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"ghcr.io/a/b:1\"}]}}");
    settle(&w);
    container = json_get(object_doc(get(&w, "pods", "ns", "p")), "status.containerStatuses")->child;
    CHECK_STR("first the error", json_str(container, "state.waiting.reason"), S("ErrImagePull"));
    CHECK("which says where to add it", str_find(json_str(container, "state.waiting.message"),
                                                 S("--image-catalogue")) != STR_NONE);
    pass(&w, 1500);
    container = json_get(object_doc(get(&w, "pods", "ns", "p")), "status.containerStatuses")->child;
    CHECK_STR("then the back-off", json_str(container, "state.waiting.reason"),
              S("ImagePullBackOff"));
    CHECK_STR("the pod waits", json_str(object_doc(get(&w, "pods", "ns", "p")), "status.phase"),
              S("Pending"));
    CHECK("the words of the kubelet", events(&w, "BackOff") == 1 && events(&w, "Failed") == 3);
    pass(&w, 10000);
    CHECK("it is tried again", events(&w, "Pulling") == 2);
    close_world(&w);
}

TEST(a_pod_that_fits_nowhere_waits)
{
    struct world w;

    open_world(&w);
    have(&w, "pods",
         "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"namespace\":"
         "\"ns\"},"
         "\"spec\":{\"nodeSelector\":{\"gpu\":\"yes\"},\"containers\":[{\"name\":\"c\",\"image\":"
         "\"nginx:1\"}]}}");
    settle(&w);
    CHECK_STR("the scheduler says why", event_message(&w, "FailedScheduling"),
              S("0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. "
                "preemption: 0/2 nodes are available: 2 Preemption is not helpful for "
                "scheduling."));
    CHECK_STR("so does the pod",
              condition(object_doc(get(&w, "pods", "ns", "p")), "PodScheduled", "reason"),
              S("Unschedulable"));
    change(&w, "nodes", "", "n2", "", "{\"metadata\":{\"labels\":{\"gpu\":\"yes\"}}}");
    settle(&w);
    CHECK_STR("a node that fits is taken when it comes",
              json_str(object_doc(get(&w, "pods", "ns", "p")), "spec.nodeName"), S("n2"));
    CHECK_STR("and the pod runs", json_str(object_doc(get(&w, "pods", "ns", "p")), "status.phase"),
              S("Running"));
    close_world(&w);
}

TEST(a_deleted_namespace_is_emptied_and_goes)
{
    struct world w;

    open_world(&w);
    have(&w, "services", service);
    have(&w, "apps/deployments", deployment);
    settle(&w);
    drop(&w, "namespaces", "", "ns", "{}");
    settle(&w);
    pass(&w, 1500);
    pass(&w, 1500);
    CHECK("no pod is left", count(&w, "pods", "app", "web") == 0);
    CHECK("no deployment", get(&w, "apps/deployments", "ns", "web") == NULL);
    CHECK("nor the namespace", get(&w, "namespaces", "", "ns") == NULL);
    close_world(&w);
}

TEST(a_deleted_pod_is_stopped_then_removed)
{
    struct object *o;
    struct world w;

    open_world(&w);
    have(&w, "pods",
         "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"namespace\":"
         "\"ns\"},"
         "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"nginx:1\"}]}}");
    settle(&w);
    drop(&w, "pods", "ns", "p", "{}");
    loops_settle(w.loops, 1000);
    o = get(&w, "pods", "ns", "p");
    CHECK("while its container ends it is there", o != NULL);
    CHECK("the stop was said", events(&w, "Killing") == 1);
    settle(&w);
    CHECK("then it is gone", get(&w, "pods", "ns", "p") == NULL);
    close_world(&w);
}

TEST(a_removed_cluster_takes_its_containers_along)
{
    struct world w;

    open_world(&w);
    have(&w, "apps/deployments", deployment);
    settle(&w);
    loops_remove_cluster(w.loops, CLUSTER);
    CHECK("both are stopped", fake_runtime_finish_stops(w.runtime) == 2);
    CHECK("and forgotten", !pod_runtime_has_pod(w.runtime, first(&w, "pods")->uid));
    close_world(&w);
}

TEST(pods_come_back_with_the_server)
{
    const cJSON *pod;
    struct world w;

    open_world(&w);
    have(&w, "apps/deployments", deployment);
    settle(&w);
    loops_stop(w.loops, NULL, NULL);
    pod_runtime_close(w.runtime, NULL, NULL);
    open_runtime(&w);
    start_loops(&w);
    settle(&w);
    pod = object_doc(first(&w, "pods"));
    CHECK_STR("they run", json_str(pod, "status.phase"), S("Running"));
    CHECK("with a restart counted",
          json_int(json_get(pod, "status.containerStatuses")->child, "restartCount", 0) == 1);
    CHECK("two as before", count(&w, "pods", "app", "web") == 2);
    close_world(&w);
}

TEST_MAIN(T(a_namespace_gets_its_own), T(a_deployment_runs), T(pods_spread_over_nodes),
          T(a_new_template_rolls), T(scaling_adds_and_removes),
          T(a_container_that_ends_is_started_again), T(an_unknown_image_backs_off),
          T(a_pod_that_fits_nowhere_waits), T(a_deleted_namespace_is_emptied_and_goes),
          T(a_deleted_pod_is_stopped_then_removed), T(a_removed_cluster_takes_its_containers_along),
          T(pods_come_back_with_the_server))

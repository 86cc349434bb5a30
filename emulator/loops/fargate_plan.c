/* Sizes and refusals of Fargate. */
#include "loops/fargate_plan.h"

#include "base/macros.h"
#include "loops/scheduler_plan.h"

#define GB INT64_C(1073741824)

enum { EXTRA_MB = 256 }; /* for the kubelet, kube-proxy and containerd */

/* Memory runs from least to most in steps, all in half gigabytes. */
static const struct {
    int64_t milli_cpu;
    int64_t least, most, step;
    const char *cpu;
} sizes[] = {
    {250,   1,  1,   1,  "0.25vCPU"},
    {250,   2,  4,   2,  "0.25vCPU"},
    {500,   2,  8,   2,  "0.5vCPU" },
    {1000,  4,  16,  2,  "1vCPU"   },
    {2000,  8,  32,  2,  "2vCPU"   },
    {4000,  16, 60,  2,  "4vCPU"   },
    {8000,  32, 120, 8,  "8vCPU"   },
    {16000, 64, 240, 16, "16vCPU"  },
};

static struct str capacity_text(struct arena *a, const char *cpu, int64_t halves)
{
    if (halves == 1)
        return arena_printf(a, "%s 0.5GB", cpu);
    return arena_printf(a, "%s %lldGB", cpu, (long long)(halves / 2));
}

static bool find_size(struct arena *a, int64_t cpu, int64_t memory, struct fargate_plan *plan)
{
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        for (int64_t m = sizes[i].least; m <= sizes[i].most; m += sizes[i].step) {
            if (sizes[i].milli_cpu < cpu || m * GB / 2 < memory)
                continue;
            plan->size = (struct fargate_size){sizes[i].milli_cpu, m * GB / 2};
            plan->capacity = capacity_text(a, sizes[i].cpu, m);
            return true;
        }
    return false;
}

static struct str also(struct arena *a, struct str list, const char *item)
{
    return arena_printf(a, "%.*s%s%s", STR_ARG(list), list.n > 0 ? ", " : "", item);
}

static bool has_host_port(const cJSON *pod)
{
    JSON_EACH(container, json_get(pod, "spec.containers"))
        JSON_EACH(port, json_get(container, "ports"))
            if (json_int(port, "hostPort", 0) != 0)
                return true;
    return false;
}

static bool is_privileged(const cJSON *pod)
{
    JSON_EACH(container, json_get(pod, "spec.containers"))
        if (json_bool(container, "securityContext.privileged", false))
            return true;
    return false;
}

static struct str bad_volumes(struct arena *a, const cJSON *pod)
{
    static const char *const allowed[] = {
        "emptyDir",    "configMap", "secret",   "projected",
        "downwardAPI", "nfs",       "hostPath", "persistentVolumeClaim"};
    struct str list = {0};

    JSON_EACH(volume, json_get(pod, "spec.volumes")) {
        bool good = false;

        for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
            good |= json_get(volume, allowed[i]) != NULL;
        if (!good)
            list = also(a, list,
                        arena_printf(a, "%.*s is of an unsupported volume Type",
                                     STR_ARG(json_str(volume, "name")))
                            .at);
    }
    return list;
}

static struct str unsupported(struct arena *a, const cJSON *pod)
{
    struct str fields = {0}, volumes = bad_volumes(a, pod), all = {0};

    if (json_bool(pod, "spec.hostNetwork", false))
        fields = also(a, fields, "HostNetwork");
    if (has_host_port(pod))
        fields = also(a, fields, "HostPort");
    if (fields.n > 0)
        all = also(a, all, arena_printf(a, "fields not supported: %.*s", STR_ARG(fields)).at);
    if (is_privileged(pod))
        all = also(a, all, "invalid SecurityContext fields: Privileged");
    if (volumes.n > 0)
        all = also(a, all, arena_printf(a, "volumes not supported: %.*s", STR_ARG(volumes)).at);
    return all;
}

struct fargate_plan fargate_plan_of(struct arena *a, const cJSON *pod)
{
    struct pod_request want = pod_request_of(pod);
    struct str bad = unsupported(a, pod);
    struct fargate_plan plan = {0};
    int64_t memory = want.memory / 1000;

    if (memory > 0)
        memory += EXTRA_MB * GB / 1024;
    if (bad.n > 0) {
        plan.reason = S("UNSUPPORTED_POD");
        plan.message = arena_printf(a, "Pod not supported on Fargate: %.*s", STR_ARG(bad));
    } else if (!find_size(a, want.milli_cpu, memory, &plan)) {
        plan.reason = S("POD_CPU_MEM_EXCEEDS_MAX_FARGATE_SIZE");
        plan.message = S("Your pod's cpu/memory requirements exceed the max Fargate configuration");
    }
    return plan;
}

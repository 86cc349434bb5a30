/* Node objects. What kubelet and cloud provider would write, in one go. */
#include "loops/node_object.h"

#include "base/clock.h"

/* What a machine has, and what is left of it for pods. */
struct machine {
    const char *type;
    int64_t cpu, memory_kib, free_cpu_m, free_memory_kib, pods;
};

static const struct machine machines[] = {
    {"t3.small",  2, 1983408,  1930, 1474480,  11},
    {"t3.medium", 2, 3977916,  1930, 3422908,  17},
    {"t3.large",  2, 8064252,  1930, 7373052,  35},
    {"m5.large",  2, 7934440,  1930, 7244264,  29},
    {"m5.xlarge", 4, 15950552, 3920, 14933848, 58},
    {"c5.large",  2, 3859960,  1930, 3304952,  29},
};

static const struct machine *machine_of(struct str type)
{
    for (size_t i = 0; i < ARRAY_LEN(machines); i++)
        if (str_is(type, machines[i].type))
            return &machines[i];
    return &machines[3];
}

static void put_condition(cJSON *list, const char *type, const char *status, const char *reason,
                          const char *message, struct str when)
{
    cJSON *c = cJSON_CreateObject();

    json_put_str(c, S("type"), str_c(type));
    json_put_str(c, S("status"), str_c(status));
    json_put_str(c, S("lastHeartbeatTime"), when);
    json_put_str(c, S("lastTransitionTime"), when);
    json_put_str(c, S("reason"), str_c(reason));
    json_put_str(c, S("message"), str_c(message));
    cJSON_AddItemToArray(list, c);
}

static void put_conditions(cJSON *status, struct str when)
{
    cJSON *list = json_need_array(status, "conditions");

    put_condition(list, "MemoryPressure", "False", "KubeletHasSufficientMemory",
                  "kubelet has sufficient memory available", when);
    put_condition(list, "DiskPressure", "False", "KubeletHasNoDiskPressure",
                  "kubelet has no disk pressure", when);
    put_condition(list, "PIDPressure", "False", "KubeletHasSufficientPID",
                  "kubelet has sufficient PID available", when);
    put_condition(list, "Ready", "True", "KubeletReady", "kubelet is posting ready status", when);
}

static void put_address(cJSON *status, const char *type, struct str address)
{
    cJSON *one = cJSON_CreateObject();

    json_put_str(one, S("type"), str_c(type));
    json_put_str(one, S("address"), address);
    cJSON_AddItemToArray(json_need_array(status, "addresses"), one);
}

static void put_info(struct arena *a, cJSON *status, const struct cluster *c, struct str seed)
{
    cJSON *info = json_need_object(status, "nodeInfo");
    struct str version = arena_printf(a, "v%.*s.8-eks-fd1ea7", STR_ARG(c->version));
    struct str hex = seed.n > 17 ? str_from(seed, seed.n - 17) : seed;

    json_put_str(info, S("machineID"), arena_printf(a, "ec2%.*s", STR_ARG(hex)));
    json_put_str(info, S("systemUUID"), arena_printf(a, "EC2%.*s", STR_ARG(hex)));
    json_put_str(info, S("bootID"), arena_printf(a, "b0%.*s", STR_ARG(hex)));
    json_put_str(info, S("kernelVersion"), S("4.14.181-140.257.amzn2.x86_64"));
    json_put_str(info, S("osImage"), S("Amazon Linux 2"));
    json_put_str(info, S("containerRuntimeVersion"), S("docker://19.3.6"));
    json_put_str(info, S("kubeletVersion"), version);
    json_put_str(info, S("kubeProxyVersion"), version);
    json_put_str(info, S("operatingSystem"), S("linux"));
    json_put_str(info, S("architecture"), S("amd64"));
}

static void put_resources(struct arena *a, cJSON *status, const char *name, struct str cpu,
                          int64_t memory_kib, int64_t pods)
{
    cJSON *r = json_need_object(status, name);

    json_put_str(r, S("cpu"), cpu);
    json_put_str(r, S("ephemeral-storage"), S("20959212Ki"));
    json_put_str(r, S("memory"), arena_printf(a, "%lldKi", (long long)memory_kib));
    json_put_str(r, S("pods"), arena_printf(a, "%lld", (long long)pods));
}

struct pair {
    struct str key, value;
};

static void put_pairs(cJSON *object, const struct pair *pairs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        json_put_str(object, pairs[i].key, pairs[i].value);
}

static cJSON *new_node(struct str name)
{
    cJSON *node = cJSON_CreateObject();

    json_put_str(node, S("apiVersion"), S("v1"));
    json_put_str(node, S("kind"), S("Node"));
    json_put_str(json_need_object(node, "metadata"), S("name"), name);
    json_put_str(json_need_object(node, "metadata.annotations"), S("node.alpha.kubernetes.io/ttl"),
                 S("0"));
    json_put_str(json_need_object(node, "metadata.annotations"),
                 S("volumes.kubernetes.io/controller-managed-attach-detach"), S("true"));
    return node;
}

/* The labels that every node has. */
static void put_labels(cJSON *labels, const struct cluster *c, struct str zone, struct str host)
{
    const struct pair pairs[] = {
        {S("beta.kubernetes.io/arch"),                  S("amd64")},
        {S("beta.kubernetes.io/os"),                    S("linux")},
        {S("failure-domain.beta.kubernetes.io/region"), c->region },
        {S("failure-domain.beta.kubernetes.io/zone"),   zone      },
        {S("kubernetes.io/arch"),                       S("amd64")},
        {S("kubernetes.io/hostname"),                   host      },
        {S("kubernetes.io/os"),                         S("linux")},
        {S("topology.kubernetes.io/region"),            c->region },
        {S("topology.kubernetes.io/zone"),              zone      },
    };

    put_pairs(labels, pairs, ARRAY_LEN(pairs));
}

cJSON *node_object_of_instance(struct arena *a, const struct cluster *c, const struct nodegroup *g,
                               const struct instance *i, const struct network_interface *eni,
                               int64_t now)
{
    const struct machine *m = machine_of(i->type);
    cJSON *node = new_node(i->private_dns), *status = json_need_object(node, "status");
    cJSON *labels = json_need_object(node, "metadata.labels");
    CLEANUP(json_freep) cJSON *own = json_parse(g->labels, NULL);
    const struct pair pairs[] = {
        {S("beta.kubernetes.io/instance-type"),  i->type         },
        {S("eks.amazonaws.com/capacityType"),    g->capacity_type},
        {S("eks.amazonaws.com/nodegroup"),       g->name         },
        {S("eks.amazonaws.com/nodegroup-image"), i->image        },
        {S("node.kubernetes.io/instance-type"),  i->type         },
    };

    put_labels(labels, c, i->zone, i->private_dns);
    put_pairs(labels, pairs, ARRAY_LEN(pairs));
    JSON_EACH(label, own)
        json_put_str(labels, str_c(label->string), json_text(label));
    json_put_str(json_need_object(node, "spec"), S("providerID"),
                 arena_printf(a, "aws:///%.*s/%.*s", STR_ARG(i->zone), STR_ARG(i->id)));
    put_address(status, "InternalIP", eni->address);
    if (eni->public_address.n > 0)
        put_address(status, "ExternalIP", eni->public_address);
    put_address(status, "Hostname", i->private_dns);
    put_address(status, "InternalDNS", i->private_dns);
    put_resources(a, status, "capacity", arena_printf(a, "%lld", (long long)m->cpu), m->memory_kib,
                  m->pods);
    put_resources(a, status, "allocatable", arena_printf(a, "%lldm", (long long)m->free_cpu_m),
                  m->free_memory_kib, m->pods);
    put_conditions(status, clock_rfc3339(a, now));
    put_info(a, status, c, i->id);
    return node;
}

cJSON *node_object_of_fargate(struct arena *a, struct ids *ids, const struct cluster *c,
                              struct str name, const struct network_interface *eni,
                              const struct fargate_size *size UNUSED, int64_t now)
{
    cJSON *node = new_node(name), *status = json_need_object(node, "status");
    cJSON *labels = json_need_object(node, "metadata.labels"), *taint = cJSON_CreateObject();
    struct str host = str_from(name, strlen("fargate-")), low = ids_hex(ids, a, 32);
    struct str high = ids_hex(ids, a, 10);

    put_labels(labels, c, eni->zone, host);
    json_put_str(labels, S("eks.amazonaws.com/compute-type"), S("fargate"));
    json_put_str(json_need_object(node, "spec"), S("providerID"),
                 arena_printf(a, "aws:///%.*s/%.*s-%.*s/%.*s", STR_ARG(eni->zone), STR_ARG(high),
                              STR_ARG(low), STR_ARG(name)));
    json_put_str(taint, S("key"), S("eks.amazonaws.com/compute-type"));
    json_put_str(taint, S("value"), S("fargate"));
    json_put_str(taint, S("effect"), S("NoSchedule"));
    cJSON_AddItemToArray(json_need_array(node, "spec.taints"), taint);
    put_address(status, "InternalIP", eni->address);
    put_address(status, "InternalDNS", name);
    put_address(status, "Hostname", name);
    /* The whole micro-VM is shown, whatever the pod asked for. */
    put_resources(a, status, "capacity", S("2"), 4010424, 1);
    put_resources(a, status, "allocatable", S("2"), 3908024, 1);
    put_conditions(status, clock_rfc3339(a, now));
    put_info(a, status, c, low);
    return node;
}

/* Node groups to instances to Node objects: each step compares what is with what should be, so
 * that it may run at any time, and after a kill. */
#include "loops/provision.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "loops/node_object.h"
#include "store/ec2_address.h"
#include "store/feed.h"
#include "store/tag.h"

struct provisioner {
    struct store *store;
    struct objects *objects;
    struct object_writer *writer;
    struct feed_subscriber feed;
    struct provision placement;
    bool syncing, again;
};

static struct str new_id(struct store *s, struct arena *a, const char *prefix)
{
    struct str hex = ids_hex(store_ids(s), a, 17);

    return arena_printf(a, "%s-%.*s", prefix, STR_ARG(hex));
}

static int find_subnet(struct store *s, struct arena *a, const struct cluster *c, struct str id,
                       struct subnet **ret_subnet)
{
    return subnet_list(s, a, c->account, c->region, id, ret_subnet);
}

/* --- instances ------------------------------------------------------------------------------- */

static struct str dashed(struct arena *a, struct str address)
{
    char *text = arena_cstr(a, address);

    for (char *c = text; *c != '\0'; c++)
        *c = *c == '.' ? '-' : *c;
    return str_c(text);
}

static struct str private_name(struct arena *a, const char *prefix, struct str address,
                               struct str region)
{
    struct str middle = str_is(region, "us-east-1")
                            ? S("ec2.internal")
                            : arena_printf(a, "%.*s.compute.internal", STR_ARG(region));

    return arena_printf(a, "%sip-%.*s.%.*s", prefix, STR_ARG(dashed(a, address)), STR_ARG(middle));
}

static int tag_instance(struct store *s, struct arena *a, const struct cluster *c,
                        const struct nodegroup *g, struct str id)
{
    const struct {
        struct str key, value;
    } tags[] = {
        {S("Name"),               arena_printf(a,      "%.*s-%.*s-Node", STR_ARG(c->name), STR_ARG(g->name))},
        {S("eks:cluster-name"),       c->name        },
        {S("eks:nodegroup-name"),   g->name        },
        {arena_printf(a, "kubernetes.io/cluster/%.*s",           STR_ARG(c->name)), S("owned")},
        {arena_printf(a,          "k8s.io/cluster-autoscaler/%.*s", STR_ARG(c->name)), S("owned")},
        {S("k8s.io/cluster-autoscaler/enabled"),             S("true")                               },
    };
    struct str arn = arena_printf(a, "arn:aws:ec2:%.*s:%.*s:instance/%.*s", STR_ARG(c->region),
                                  STR_ARG(c->account), STR_ARG(id));
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(tags); i++)
        r = tag_put(s, &(struct tag){.account = c->account,
                                     .region = c->region,
                                     .arn = arn,
                                     .key = tags[i].key,
                                     .value = tags[i].value});
    return r;
}

static int launch(struct store *s, struct arena *a, const struct cluster *c,
                  const struct nodegroup *g, const struct subnet *subnet)
{
    struct instance row = {.id = new_id(s, a, "i"),
                           .account = c->account,
                           .region = c->region,
                           .reservation = new_id(s, a, "r"),
                           .type = g->instance_type,
                           .image = S("ami-0f1c9d2e4b7a83c51"),
                           .state = INSTANCE_RUNNING,
                           .subnet = subnet->id,
                           .vpc = subnet->vpc,
                           .zone = subnet->zone,
                           .launched = clock_now(store_clock(s)),
                           .cluster = c->name,
                           .nodegroup = g->name,
                           .profile = arena_printf(a, "arn:aws:iam::%.*s:instance-profile/eks-%.*s",
                                                   STR_ARG(c->account), STR_ARG(g->name))};
    struct network_interface eni = {.instance = row.id,
                                    .owner = row.id,
                                    .attachment = new_id(s, a, "eni-attach"),
                                    .attachment_owner = c->account};
    int r;

    if (subnet->map_public)
        eni.public_address = public_address_make(s, a);
    r = interface_make(s, a, subnet, &eni, &c->cluster_group, 1);
    if (r < 0)
        return r;
    row.private_dns = private_name(a, "", eni.address, c->region);
    r = ec2_insert(s, &instance_table, &row, row.id);
    return r < 0 ? r : tag_instance(s, a, c, g, row.id);
}

static int terminate(struct store *s, struct arena *a, const struct instance *i)
{
    struct network_interface *eni = NULL;
    int r = interface_list_by_instance(s, a, i->id, &eni);

    for (; r == 0 && eni != NULL; eni = eni->next)
        r = interface_delete(s, eni->id);
    return r < 0 ? r : instance_set_state(s, i->id, INSTANCE_TERMINATED);
}

/* The @n-th of the words, going round. */
static struct str word_at(struct str words, size_t n)
{
    struct str rest = words, word = {0};
    size_t count = 0, i = 0;

    while (str_next(&rest, ' ', &word))
        count++;
    rest = words;
    while (count > 0 && str_next(&rest, ' ', &word))
        if (i++ == n % count)
            break;
    return word;
}

static int sync_group(struct store *s, struct arena *a, const struct cluster *c,
                      const struct nodegroup *g)
{
    struct instance *first = NULL;
    int64_t have = 0;
    int r = instance_list_of_cluster(s, a, c->name, g->name, &first);

    for (const struct instance *i = first; i != NULL; i = i->next)
        have++;
    for (; r == 0 && have > g->desired && first != NULL; first = first->next, have--)
        r = terminate(s, a, first);
    for (; r == 0 && have < g->desired; have++) {
        struct subnet *subnet = NULL;

        r = find_subnet(s, a, c, word_at(g->subnets, (size_t)have), &subnet);
        if (r == 0 && subnet != NULL)
            r = launch(s, a, c, g, subnet);
    }
    return r;
}

/* Instances whose node group is gone. */
static int sync_orphans(struct store *s, struct arena *a, const struct cluster *c)
{
    struct instance *first = NULL;
    int r = instance_list_of_cluster(s, a, c->name, S(""), &first);

    for (; r == 0 && first != NULL; first = first->next) {
        struct nodegroup *g = NULL;

        r = nodegroup_find(s, a, c->name, first->nodegroup, &g);
        if (r == 0 && g == NULL)
            r = terminate(s, a, first);
    }
    return r;
}

static int sync_instances(struct store *s, struct arena *a, const struct cluster *c)
{
    struct nodegroup *g = NULL;
    int r = nodegroup_list(s, a, c->name, &g);

    for (; r == 0 && g != NULL; g = g->next)
        r = sync_group(s, a, c, g);
    return r < 0 ? r : sync_orphans(s, a, c);
}

/* --- nodes ------------------------------------------------------------------------------------ */

static void on_written(void *data UNUSED, int status, const cJSON *answer)
{
    if (status >= 300 && status != 409 && status != 404)
        log_warning("provision", "a node was refused (%d): %.*s", status,
                    STR_ARG(json_str(answer, "message")));
}

static void write_node(struct provisioner *p, struct str cluster, struct str name,
                       const cJSON *node)
{
    struct object_write write = {
        .verb = OBJECT_CREATE,
        .user = S("eks:node-manager"),
        .key = {cluster, S("nodes"), S(""), name},
        .body = node
    };

    object_write_do(p->writer, &write, on_written, p);
    write.verb = OBJECT_MERGE_PATCH;
    write.subresource = S("status");
    object_write_do(p->writer, &write, on_written, p);
}

static void delete_node(struct provisioner *p, struct str cluster, struct str name)
{
    struct object_write write = {
        .verb = OBJECT_DELETE,
        .user = S("eks:node-manager"),
        .key = {cluster, S("nodes"), S(""), name}
    };

    object_write_do(p->writer, &write, on_written, p);
}

static void need_node(struct provisioner *p, struct arena *a, const struct cluster *c,
                      const struct nodegroup *g, const struct instance *i)
{
    struct object_key key = {c->name, S("nodes"), S(""), i->private_dns};
    struct network_interface *eni = NULL;
    CLEANUP(json_freep) cJSON *node = NULL;

    if (object_get(p->objects, key) != NULL ||
        interface_list_by_instance(p->store, a, i->id, &eni) < 0 || eni == NULL)
        return;
    node = node_object_of_instance(a, c, g, i, eni, clock_now(store_clock(p->store)));
    write_node(p, c->name, i->private_dns, node);
}

/* Nodes that stand for an instance which is no more. */
static void remove_stale_nodes(struct provisioner *p, struct arena *a, const struct cluster *c)
{
    struct object_list nodes = object_list(p->objects, a, c->name, S("nodes"), S(""));

    for (size_t i = 0; i < nodes.n; i++) {
        struct str provider = json_str(object_doc(nodes.at[i]), "spec.providerID");
        size_t slash = str_rchr(provider, '/');
        struct str id = slash == STR_NONE ? (struct str){0} : str_from(provider, slash + 1);
        struct instance *instance = NULL;

        if (!str_starts(id, S("i-")) || instance_find(p->store, a, id, &instance) < 0)
            continue;
        if (instance == NULL || instance->state == INSTANCE_TERMINATED)
            delete_node(p, c->name, nodes.at[i]->key.name);
    }
}

static void sync_nodes(struct provisioner *p, struct arena *a, const struct cluster *c)
{
    struct instance *i = NULL;

    if (instance_list_of_cluster(p->store, a, c->name, S(""), &i) < 0)
        return;
    for (; i != NULL; i = i->next) {
        struct nodegroup *g = NULL;

        if (nodegroup_find(p->store, a, c->name, i->nodegroup, &g) == 0 && g != NULL)
            need_node(p, a, c, g, i);
    }
    remove_stale_nodes(p, a, c);
}

static void sync_cluster(struct provisioner *p, struct arena *a, const struct cluster *c)
{
    if (store_begin(p->store) < 0)
        return;
    if (sync_instances(p->store, a, c) < 0 || store_commit(p->store) < 0) {
        store_rollback(p->store);
        log_error("provision", "the nodes of cluster %.*s cannot be made", STR_ARG(c->name));
        return;
    }
    sync_nodes(p, a, c);
}

void provisioner_sync(struct provisioner *p)
{
    struct arena a = {0};
    struct cluster *c = NULL;

    if (p->syncing) {
        p->again = true;
        return;
    }
    p->syncing = true;
    do {
        p->again = false;
        if (cluster_list(p->store, &a, S(""), S(""), &c) < 0)
            break;
        for (; c != NULL; c = c->next)
            sync_cluster(p, &a, c);
    } while (p->again);
    p->syncing = false;
    arena_free(&a);
}

/* --- pods ------------------------------------------------------------------------------------- */

static struct str pod_owner(struct arena *a, const cJSON *pod)
{
    struct str uid = json_str(pod, "metadata.uid");

    return arena_printf(a, "pod/%.*s", STR_ARG(uid));
}

/* The address that the pod has already, or nothing. */
static struct str known_address(struct provisioner *p, struct arena *a, struct str owner)
{
    struct private_address *known = NULL;

    if (private_address_find_by_owner(p->store, a, owner, &known) < 0 || known == NULL)
        return (struct str){0};
    return known->address;
}

/* The interface and subnet behind a node of an instance. */
static bool interface_of_node(struct provisioner *p, struct arena *a, const cJSON *node,
                              struct network_interface **ret_eni, struct subnet **ret_subnet)
{
    struct str provider = json_str(node, "spec.providerID");
    size_t slash = str_rchr(provider, '/');
    struct network_interface *eni = NULL;

    if (slash == STR_NONE ||
        interface_list_by_instance(p->store, a, str_from(provider, slash + 1), &eni) < 0 ||
        eni == NULL)
        return false;
    *ret_eni = eni;
    return subnet_list(p->store, a, eni->account, eni->region, eni->subnet, ret_subnet) == 0 &&
           *ret_subnet != NULL;
}

static struct str pod_address(void *data, struct arena *a, struct str cluster UNUSED,
                              const cJSON *node, const cJSON *pod, struct str *ret_why)
{
    struct provisioner *p = data;
    struct str owner = pod_owner(a, pod), address = known_address(p, a, owner);
    struct network_interface *eni;
    struct subnet *subnet = NULL;
    int r;

    if (address.n > 0)
        return address;
    *ret_why = S("failed to assign an IP address to container");
    if (!interface_of_node(p, a, node, &eni, &subnet) || store_begin(p->store) < 0)
        return (struct str){0};
    r = private_address_take(p->store, a, subnet, eni->id, false, owner, &address);
    if (r == 0)
        feed_announce(p->store, CHANGE_NETWORK, eni->id);
    if (r < 0 || store_commit(p->store) < 0) {
        store_rollback(p->store);
        return (struct str){0};
    }
    return address;
}

static void release_pod_address(void *data, struct str cluster UNUSED, struct str pod_uid)
{
    struct provisioner *p = data;
    struct arena a = {0};
    struct str owner = arena_printf(&a, "pod/%.*s", STR_ARG(pod_uid));
    struct network_interface *eni = NULL;

    if (store_begin(p->store) == 0) {
        int r = private_address_delete(p->store, owner);

        if (r == 0)
            r = interface_list_by_owner(p->store, &a, owner, &eni);
        for (; r == 0 && eni != NULL; eni = eni->next)
            r = interface_delete(p->store, eni->id);
        if (r < 0 || store_commit(p->store) < 0)
            store_rollback(p->store);
    }
    arena_free(&a);
}

/* --- Fargate --------------------------------------------------------------------------------- */

/* The interface of a Fargate pod, in one of the profile's subnets. */
static int make_fargate_interface(struct provisioner *p, struct arena *a, const struct cluster *c,
                                  const struct fargate_profile *profile,
                                  struct network_interface *eni)
{
    struct store *s = p->store;
    struct subnet *subnet = NULL;
    int r = find_subnet(s, a, c, word_at(profile->subnets, (size_t)ids_below(store_ids(s), 64)),
                        &subnet);

    if (r < 0 || subnet == NULL)
        return r < 0 ? r : -ENOENT;
    r = store_begin(s);
    if (r == 0)
        r = interface_make(s, a, subnet, eni, &c->cluster_group, 1);
    if (r == 0)
        return store_commit(s);
    store_rollback(s);
    return r;
}

static struct str fargate_node(void *data, struct arena *a, struct str cluster, const cJSON *pod,
                               struct str profile_name, const struct fargate_size *size,
                               struct str *ret_why)
{
    struct provisioner *p = data;
    struct network_interface *known = NULL, eni = {.owner = pod_owner(a, pod),
                                                   .managed = true,
                                                   .requester = S("amazon-eks-fargate")};
    struct fargate_profile *profile = NULL;
    struct cluster *c = NULL;
    CLEANUP(json_freep) cJSON *node = NULL;
    struct str name;

    *ret_why = S("Pod provisioning timed out (will retry)");
    if (cluster_find(p->store, a, S(""), S(""), cluster, &c) < 0 || c == NULL ||
        fargate_profile_find(p->store, a, cluster, profile_name, &profile) < 0 || profile == NULL ||
        interface_list_by_owner(p->store, a, eni.owner, &known) < 0)
        return (struct str){0};
    if (known != NULL)
        eni = *known;
    else if (make_fargate_interface(p, a, c, profile, &eni) < 0)
        return (struct str){0};
    name = private_name(a, "fargate-", eni.address, c->region);
    if (object_get(p->objects, (struct object_key){cluster, S("nodes"), S(""), name}) == NULL) {
        node = node_object_of_fargate(a, store_ids(p->store), c, name, &eni, size,
                                      clock_now(store_clock(p->store)));
        write_node(p, cluster, name, node);
    }
    return name;
}

static void remove_fargate_node(void *data, struct str cluster, struct str node)
{
    struct provisioner *p = data;

    delete_node(p, cluster, node);
}

/* --- life ------------------------------------------------------------------------------------ */

static void on_change(void *data, const struct change *change)
{
    if (change->topic == CHANGE_EKS ||
        (change->topic == CHANGE_NETWORK && str_starts(change->key, S("i-"))))
        provisioner_sync(data);
}

struct provisioner *provisioner_start(struct objects *objects, struct object_writer *writer)
{
    struct provisioner *p = xcalloc(sizeof *p);

    p->objects = objects;
    p->store = objects_store(objects);
    p->writer = writer;
    p->placement =
        (struct provision){p, pod_address, release_pod_address, fargate_node, remove_fargate_node};
    feed_subscribe(store_feed(p->store), &p->feed, on_change, p);
    return p;
}

void provisioner_stop(struct provisioner *p)
{
    if (p == NULL)
        return;
    feed_unsubscribe(&p->feed);
    free(p);
}

const struct provision *provisioner_placement(struct provisioner *p)
{
    return &p->placement;
}

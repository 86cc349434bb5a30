/* The model's frame: names, tags, permissions, and the deferred mistakes of the whole.
 * Source: aws-alb-ingress-controller v1.1.4, internal/alb/{lb,sg} and annotations/class. */
#include "model.h"

#include "attributes.h"
#include "model_parts.h"
#include "names.h"

static const char class_annotation[] = "kubernetes.io/ingress.class";

bool model_is_ours(const struct settings *s, const cJSON *ingress)
{
    struct str class =
        json_text(json_member(json_get(ingress, "metadata.annotations"), str_c(class_annotation)));

    if (s->ingress_class.n == 0)
        return class.n == 0 || str_is(class, "alb");
    return str_eq(class, s->ingress_class);
}

/* Whether the ConfigMap of --restrict-scheme lists the Ingress: namespace -> "a, b". */
static bool is_allowed(const struct model_input *m)
{
    struct str key = arena_printf(m->a, "%.*s/alb-ingress-controller-internet-facing-ingresses",
                                  STR_ARG(m->settings->restrict_scheme_namespace));
    const cJSON *map = objects_get(m->objects, KIND_CONFIG_MAP, key);
    struct str names = json_text(json_member(json_get(map, "data"), m->wanted->namespace));
    struct strs list = strs_split(m->a, names);

    return strs_has(&list, m->wanted->name);
}

static void add_permission(struct model_input *m, int64_t port, const struct strs *cidrs, bool v6)
{
    struct permission p = {.protocol = S("tcp"), .has_ports = true, .from = port, .to = port};

    if (cidrs->n == 0)
        return;
    for (size_t i = 0; i < cidrs->n; i++)
        *LIST_ADD(m->a, v6 ? &p.v6_ranges : &p.ranges) = (struct ip_range){
            cidrs->at[i],
            arena_printf(m->a, "Allow ingress on port %lld from %.*s", (long long)port,
                         STR_ARG(cidrs->at[i])),
        };
    *LIST_ADD(m->a, &m->wanted->permissions) = p;
}

static void add_load_balancer(struct model_input *m, const struct tag_owner *owner)
{
    struct wanted *w = m->wanted;
    const struct ingress_annotations *in = &w->annotations;

    w->load_balancer_tags = tags_of_load_balancer(m->a, owner);
    pairs_put_all(m->a, &w->load_balancer_tags, &in->tags);
    w->security_group_tags = tags_of_security_group(m->a, owner);
    pairs_put_all(m->a, &w->security_group_tags, &in->tags);
    attributes_read(m->a, LOAD_BALANCER_ATTRIBUTES, &in->attributes, false, &w->attributes,
                    &w->attributes_error);
    for (size_t i = 0; i < in->ports.n; i++) {
        add_permission(m, in->ports.at[i].port, &in->cidrs, false);
        add_permission(m, in->ports.at[i].port, &in->v6_cidrs, true);
    }
    w->not_allowed =
        m->settings->restrict_scheme && str_is(in->scheme, "internet-facing") && !is_allowed(m);
}

static struct wanted *new_wanted(struct arena *a, const struct settings *s, struct str namespace,
                                 struct str name)
{
    struct wanted *w = arena_alloc(a, sizeof *w);
    struct tag_owner owner = {s->cluster_name, arena_str(a, namespace), arena_str(a, name),
                              &s->default_tags};

    w->namespace = owner.namespace;
    w->name = owner.ingress;
    w->key = arena_printf(a, "%.*s/%.*s", STR_ARG(namespace), STR_ARG(name));
    w->load_balancer_name = name_load_balancer(a, s->name_prefix, namespace, name);
    w->old_group_name = arena_printf(a, "instance-%.*s", STR_ARG(w->load_balancer_name));
    w->target_group_selector = tags_of_all_target_groups(a, &owner);
    return w;
}

struct wanted *model_build_deleted(struct arena *a, const struct settings *s, struct str namespace,
                                   struct str name)
{
    struct wanted *w = new_wanted(a, s, namespace, name);

    w->deleted = true;
    return w;
}

struct wanted *model_build(struct arena *a, const struct settings *s, const struct objects *o,
                           const cJSON *ingress)
{
    struct wanted *w = new_wanted(a, s, json_str(ingress, "metadata.namespace"),
                                  json_str(ingress, "metadata.name"));
    struct model_input m = {a, s, o, ingress, w};
    struct tag_owner owner = {s->cluster_name, w->namespace, w->name, &s->default_tags};

    if (!annotations_read_ingress(a, s, json_get(ingress, "metadata.annotations"), &w->annotations,
                                  &w->error))
        return w;
    add_load_balancer(&m, &owner);
    model_add_target_groups(&m);
    model_add_listeners(&m);
    return w;
}

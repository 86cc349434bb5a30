/* What a new cluster has in kube-system: the objects of fixtures/kube-system.yaml, and those that
 * its fixture adds. Made once, so that what a user deletes stays away.
 * Source: aws-eks-iam-ec2.md §6.4. */
#include "loops/loop_kinds.h"

#include "base/log.h"
#include "base/macros.h"
#include "schema/kube/decode.h"
#include "store/eks.h"
#include "store/setting.h"

extern const char fixture_kube_system[];
extern const size_t fixture_kube_system_size;

static struct str setting_name(struct arena *a, const char *what, struct str cluster)
{
    return arena_printf(a, "%s/%.*s", what, STR_ARG(cluster));
}

/* @text with @name ("${region}") as @value. */
static struct str filled(struct arena *a, struct str text, struct str name, struct str value)
{
    struct str out = S("");
    size_t at;

    while ((at = str_find(text, name)) != STR_NONE) {
        out = arena_printf(a, "%.*s%.*s%.*s", STR_ARG(out), STR_ARG(str_first(text, at)),
                           STR_ARG(value));
        text = str_from(text, at + name.n);
    }
    return arena_printf(a, "%.*s%.*s", STR_ARG(out), STR_ARG(text));
}

/* "10.100.0.0/16" to "10.100.0.10": ranges of EKS end in a zero. */
static struct str dns_address(struct arena *a, struct str cidr)
{
    size_t dot = str_rchr(cidr, '.');

    return arena_printf(a, "%.*s.10", STR_ARG(str_first(cidr, dot == STR_NONE ? 0 : dot)));
}

static void make_object(struct controller *c, struct arena *a, struct str cluster, struct str text)
{
    struct kube_problems problems = kube_problems_new(a);
    CLEANUP(json_freep) cJSON *doc = kube_parse_yaml(text, &problems);
    struct written w;

    if (doc == NULL || json_str(doc, "kind").n == 0) {
        if (str_trim(text).n > 0)
            log_error("loops", "an object of cluster %.*s's fixture cannot be read: %.*s",
                      STR_ARG(cluster), STR_ARG(problems.error));
        return;
    }
    w = loop_write(c, a,
                   &(struct object_write){
                       .verb = OBJECT_CREATE,
                       .key = {cluster, {0}, json_str(doc, "metadata.namespace"), {0}},
                       .body = doc
    });
    if (!written_ok(w) && !str_is(w.reason, "AlreadyExists"))
        log_error("loops", "%.*s %.*s of cluster %.*s's fixture cannot be made: %.*s",
                  STR_ARG(json_str(doc, "kind")), STR_ARG(json_str(doc, "metadata.name")),
                  STR_ARG(cluster), STR_ARG(w.message));
}

static void make_objects(struct controller *c, struct arena *a, struct str cluster, struct str text)
{
    static const struct str line = STR_INIT("\n---\n");

    while (text.n > 0) {
        size_t at = str_find(text, line);

        make_object(c, a, cluster, str_first(text, at));
        text = at == STR_NONE ? (struct str){0} : str_from(text, at + line.n);
    }
}

static void furnish(struct controller *c, struct arena *a, const struct cluster *row)
{
    struct store *s = c->world->store;
    struct str more = {0}, text = str_n(fixture_kube_system, fixture_kube_system_size);

    text = filled(a, text, S("${region}"), row->region);
    text = filled(a, text, S("${dns}"), dns_address(a, row->service_cidr));
    make_objects(c, a, row->name, text);
    if (setting_get(s, a, setting_name(a, "fixture/kubernetes", row->name), &more) == 0)
        make_objects(c, a, row->name, more);
    if (store_begin(s) < 0)
        return;
    if (setting_put(s, setting_name(a, "furnished", row->name), row->issuer_id) < 0 ||
        store_commit(s) < 0)
        store_rollback(s);
}

/* A cluster of the same name that came later is another one: its issuer tells. */
static void reconcile(struct controller *c, struct arena *a, const struct object_key *key)
{
    struct store *s = c->world->store;
    struct cluster *row = NULL;
    struct str done = {0};

    if (!str_is(key->name, "kube-system") ||
        cluster_find(s, a, S(""), S(""), key->cluster, &row) < 0 || row == NULL ||
        setting_get(s, a, setting_name(a, "furnished", key->cluster), &done) < 0 ||
        str_eq(done, row->issuer_id))
        return;
    furnish(c, a, row);
}

const struct controller_kind furnish_loop = {
    .name = "eks-addon-manager",
    .user = "eks:addon-manager",
    .resource = "namespaces",
    .sync = reconcile,
};

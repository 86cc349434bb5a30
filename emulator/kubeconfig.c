/* The kubeconfig, as JSON: YAML's subset that every client reads.
 * Source: Kubernetes, "Organizing Cluster Access Using kubeconfig Files". */
#include "kubeconfig.h"

#include "base/base64.h"
#include "base/buf.h"

enum { LARGEST_TEXT = 1 << 20 };

static cJSON *add_named(cJSON *document, const char *list, struct str name, const char *member)
{
    cJSON *one = cJSON_CreateObject();

    json_put_str(one, S("name"), name);
    cJSON_AddItemToArray(json_need_array(document, list), one);
    return json_need_object(one, member);
}

static void add_cluster(cJSON *document, struct str ca, const cJSON *cluster)
{
    struct str name = json_str(cluster, "cluster");
    cJSON *about = add_named(document, "clusters", name, "cluster");
    cJSON *context = add_named(document, "contexts", name, "context");

    json_put_str(about, S("server"), json_str(cluster, "server"));
    json_put_str(about, S("certificate-authority-data"), ca);
    json_put_str(context, S("cluster"), name);
    json_put_str(context, S("user"), S("kubernetes-admin"));
}

struct str kubeconfig_text(struct arena *a, const struct ca *ca, const struct clock *clock,
                           const cJSON *clusters)
{
    static const struct str group = STR_INIT("system:masters");
    struct ca_request request = {.common_name = S("kubernetes-admin"),
                                 .organizations = &group,
                                 .organization_count = 1,
                                 .client = true,
                                 .days = 3650};
    CLEANUP(json_freep) cJSON *document = cJSON_CreateObject();
    CLEANUP(buf_free) struct buf b = buf_init(LARGEST_TEXT);
    struct certificate *certificate;
    cJSON *user;

    if (ca_issue(ca, clock, &request, &certificate) < 0)
        return (struct str){0};
    json_put_str(document, S("apiVersion"), S("v1"));
    json_put_str(document, S("kind"), S("Config"));
    json_put_str(document, S("current-context"),
                 json_str(clusters == NULL ? NULL : clusters->child, "cluster"));
    (void)json_need_object(document, "preferences");
    (void)json_need_array(document, "clusters");
    (void)json_need_array(document, "contexts");
    JSON_EACH(cluster, clusters)
        add_cluster(document, base64_encode(a, ca_certificate_pem(ca, a)), cluster);
    user = add_named(document, "users", S("kubernetes-admin"), "user");
    json_put_str(user, S("client-certificate-data"),
                 base64_encode(a, certificate_chain_pem(certificate, a)));
    json_put_str(user, S("client-key-data"), base64_encode(a, certificate_key_pem(certificate, a)));
    certificate_free(certificate);
    json_write(&b, document);
    buf_char(&b, '\n');
    return arena_str(a, buf_str(&b));
}

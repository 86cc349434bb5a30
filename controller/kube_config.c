/* The three ways to the API server, and one place that makes the TLS context. */
#include "kube_config.h"

#include <string.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/json.h"
#include "base/macros.h"
#include "go_text.h"
#include "klog.h"
#include "net/tls.h"
#include "yaml_tree.h"

enum { FILE_LIMIT = 4 << 20 };

struct loading {
    struct arena *a;
    const struct kube_config_request *request;
    struct kube_config config;
    struct str ca_pem, key_pem, certificate_pem;
    bool insecure;
    struct str error;
};

static bool fail(struct loading *l, struct str why)
{
    l->error = why;
    return false;
}

static struct str without_slash(struct str url)
{
    while (url.n > 0 && url.at[url.n - 1] == '/')
        url.n--;
    return url;
}

static bool read_pem(struct loading *l, struct str path, const char *what, struct str *ret)
{
    int r = file_read(l->a, arena_cstr(l->a, path), FILE_LIMIT, ret);

    if (r == 0)
        return true;
    return fail(l, arena_printf(l->a,
                                "invalid configuration: unable to read %s %.*s for cluster: open "
                                "%.*s: %.*s",
                                what, STR_ARG(path), STR_ARG(path), STR_ARG(go_errno(l->a, -r))));
}

/* --- inside a pod ----------------------------------------------------------------------------- */

struct str kube_config_account_file(struct arena *a, const char *(*variable)(const char *name),
                                    const char *name)
{
    const char *root = variable("ELBOW_ROOTFS");

    return arena_printf(a, "%s/var/run/secrets/kubernetes.io/serviceaccount/%s",
                        root == NULL ? "" : root, name);
}

static bool load_from_pod(struct loading *l)
{
    const char *host = l->request->variable("KUBERNETES_SERVICE_HOST");
    const char *port = l->request->variable("KUBERNETES_SERVICE_PORT");
    struct str ca = kube_config_account_file(l->a, l->request->variable, "ca.crt"), token;
    bool v6;
    int r;

    if (host == NULL || host[0] == 0 || port == NULL || port[0] == 0)
        return fail(l, S("unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and "
                         "KUBERNETES_SERVICE_PORT must be defined"));
    l->config.token_file = kube_config_account_file(l->a, l->request->variable, "token");
    r = file_read(l->a, l->config.token_file.at, FILE_LIMIT, &token);
    if (r < 0)
        return fail(l, arena_printf(l->a, "open %.*s: %.*s", STR_ARG(l->config.token_file),
                                    STR_ARG(go_errno(l->a, -r))));
    v6 = strchr(host, ':') != NULL;
    l->config.server =
        arena_printf(l->a, "https://%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port);
    r = file_read(l->a, ca.at, FILE_LIMIT, &l->ca_pem);
    if (r < 0)
        klog_write(KLOG_ERROR, "config.go:344",
                   "Expected to load root CA config from %.*s, but got err: open %.*s: %.*s",
                   STR_ARG(ca), STR_ARG(ca), STR_ARG(go_errno(l->a, -r)));
    return true;
}

/* --- a kubeconfig file ------------------------------------------------------------------------ */

static const cJSON *find_named(const cJSON *tree, const char *list, struct str name,
                               const char *member)
{
    JSON_EACH(item, json_get(tree, list))
        if (str_eq(json_str(item, "name"), name))
            return json_get(item, member);
    return NULL;
}

/* A path in the file is relative to the file's own folder. */
static struct str beside(struct loading *l, struct str path)
{
    struct str file = l->request->kubeconfig;
    size_t slash = str_rchr(file, '/');

    if (path.n == 0 || path.at[0] == '/' || slash == STR_NONE)
        return arena_str(l->a, path);
    return arena_printf(l->a, "%.*s/%.*s", STR_ARG(str_first(file, slash)), STR_ARG(path));
}

/* "x-data" in base64, or the content of the file that "x" names. */
static bool read_data(struct loading *l, const cJSON *from, const char *name, struct str *ret)
{
    struct str data = json_str(from, arena_printf(l->a, "%s-data", name).at);
    struct str path = beside(l, json_str(from, name));

    if (data.n > 0 && !base64_decode(l->a, data, ret))
        return fail(l, arena_printf(l->a, "invalid configuration: %s-data is no base64", name));
    return data.n > 0 || path.n == 0 || read_pem(l, path, name, ret);
}

static bool read_user(struct loading *l, const cJSON *user)
{
    if (json_get(user, "exec") != NULL || json_get(user, "auth-provider") != NULL)
        return fail(l, S("invalid configuration: a user with exec or auth-provider can't be used "
                         "here; give it a token or a client certificate"));
    l->config.token = arena_str(l->a, json_str(user, "token"));
    l->config.token_file = beside(l, json_str(user, "tokenFile"));
    l->config.user = arena_str(l->a, json_str(user, "username"));
    l->config.password = arena_str(l->a, json_str(user, "password"));
    return read_data(l, user, "client-certificate", &l->certificate_pem) &&
           read_data(l, user, "client-key", &l->key_pem);
}

static bool read_context(struct loading *l, const cJSON *tree)
{
    struct str name = json_str(tree, "current-context");
    const cJSON *context = find_named(tree, "contexts", name, "context");
    const cJSON *cluster = find_named(tree, "clusters", json_str(context, "cluster"), "cluster");

    if (name.n > 0 && context == NULL)
        return fail(l, arena_printf(l->a,
                                    "invalid configuration: [context was not found for specified "
                                    "context: %.*s, cluster has no server defined]",
                                    STR_ARG(name)));
    l->config.server = arena_str(l->a, json_str(cluster, "server"));
    l->insecure = json_bool(cluster, "insecure-skip-tls-verify", false);
    return read_data(l, cluster, "certificate-authority", &l->ca_pem) &&
           read_user(l, find_named(tree, "users", json_str(context, "user"), "user"));
}

static bool load_from_file(struct loading *l)
{
    struct str path = l->request->kubeconfig, text, why;
    CLEANUP(json_freep) cJSON *tree = NULL;
    int r = file_read(l->a, arena_cstr(l->a, path), FILE_LIMIT, &text);

    if (r < 0)
        return fail(
            l, arena_printf(l->a, "stat %.*s: %.*s", STR_ARG(path), STR_ARG(go_errno(l->a, -r))));
    tree = yaml_tree_parse(l->a, text, &why);
    if (tree == NULL)
        return fail(l, arena_printf(l->a, "error loading config file \"%.*s\": %.*s", STR_ARG(path),
                                    STR_ARG(why)));
    return read_context(l, tree);
}

/* --- together --------------------------------------------------------------------------------- */

static bool load_by_flags(struct loading *l)
{
    struct str host = l->request->host;

    if (l->request->kubeconfig.n > 0 && !load_from_file(l))
        return false;
    if (host.n > 0)
        l->config.server = str_find(host, S("://")) == STR_NONE
                               ? arena_printf(l->a, "http://%.*s", STR_ARG(host))
                               : arena_str(l->a, host);
    if (l->config.server.n == 0)
        return fail(l, S("invalid configuration: no configuration has been provided"));
    return true;
}

static bool make_tls(struct loading *l)
{
    struct certificate *certificate = NULL;
    struct tls_client_options o = {
        .ca_pem = l->ca_pem,
        .system_roots = l->ca_pem.n == 0,
        .insecure = l->insecure,
    };
    int r;

    if (!str_starts(l->config.server, S("https://")))
        return true;
    if (l->certificate_pem.n > 0 &&
        certificate_load(l->key_pem, l->certificate_pem, &certificate) < 0)
        return fail(l, S("tls: the client's certificate and key can't be used together"));
    o.certificate = certificate;
    r = tls_client_new(&o, &l->config.tls);
    certificate_free(certificate);
    return r == 0 || fail(l, S("unable to load root certificates: the CA's certificate can't be "
                               "read"));
}

bool kube_config_load(struct arena *a, const struct kube_config_request *r, struct kube_config *ret,
                      struct str *ret_error)
{
    struct loading l = {.a = a, .request = r};
    bool ok;

    if (r->host.n == 0 && r->kubeconfig.n == 0) {
        klog_write(KLOG_WARNING, "client_config.go:549",
                   "Neither --kubeconfig nor --master was specified.  Using the inClusterConfig.  "
                   "This might not work.");
        ok = load_from_pod(&l);
        if (!ok) {
            klog_write(KLOG_WARNING, "client_config.go:554",
                       "error creating inClusterConfig, falling back to default config: %.*s",
                       STR_ARG(l.error));
            l.error = S("invalid configuration: no configuration has been provided");
        }
    } else {
        ok = load_by_flags(&l);
    }
    l.config.server = without_slash(l.config.server);
    ok = ok && make_tls(&l);
    if (ok)
        *ret = l.config;
    else
        *ret_error = l.error;
    return ok;
}

void kube_config_clear(struct kube_config *c)
{
    tls_free(c->tls);
    c->tls = NULL;
}

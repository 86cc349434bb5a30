/* Compiling a listener's TLS: its security policy and its certificates, the default one first.
 * Source: ELB API Reference 2015-12-01, CreateListener; Application Load Balancers User Guide,
 * "SSL certificates for your Application Load Balancer". */
#include "loops/routing_tls.h"

#include "base/json.h"
#include "base/log.h"
#include "dataplane/dp_tls.h"
#include "loops/routing_target.h"
#include "store/tls_material.h"
#include "store/trust_store.h"

static int read_certificate(struct routing_compiler *c, const struct listener_certificate *from,
                            struct dp_certificate_pem *to, bool *ret_found)
{
    struct tls_material *m = NULL;
    int r = tls_material_find(c->store, c->arena, from->certificate, &m);

    routing_use(c, from->certificate);
    *ret_found = m != NULL;
    if (m != NULL)
        *to = (struct dp_certificate_pem){.arn = m->arn, .chain = m->chain, .key = m->private_key};
    return r;
}

static int read_certificates(struct routing_compiler *c, struct str listener,
                             struct dp_tls_options *o)
{
    struct listener_certificate *first = NULL;
    struct dp_certificate_pem *all;
    size_t n = 0;
    int r = listener_certificate_list(c->store, c->arena, listener, &first);

    for (const struct listener_certificate *l = first; l != NULL; l = l->next)
        n++;
    all = arena_array(c->arena, n, sizeof *all);
    for (const struct listener_certificate *l = first; r == 0 && l != NULL; l = l->next) {
        struct dp_certificate_pem one = {0};
        bool found = false;

        r = read_certificate(c, l, &one, &found);
        if (!found)
            continue;
        all[o->certificate_count] = l->is_default ? all[0] : one;
        if (l->is_default)
            all[0] = one;
        o->certificate_count++;
    }
    o->certificates = all;
    return r;
}

/* MutualAuthentication, as the API has it: a list of one, or nothing. */
static int read_mutual(struct routing_compiler *c, struct str text, struct dp_mutual *m)
{
    CLEANUP(json_freep) cJSON *list_of_one = text.n > 0 ? json_parse(text, NULL) : NULL;
    const cJSON *tree = cJSON_GetArrayItem(list_of_one, 0);
    struct str mode = json_str(tree, "Mode"), arn = json_str(tree, "TrustStoreArn");
    struct trust_store_revocation *list = NULL;
    struct trust_store *store = NULL;
    int r;

    if (str_is(mode, "passthrough"))
        m->mode = DP_MUTUAL_PASSTHROUGH;
    if (!str_is(mode, "verify"))
        return 0;
    m->mode = DP_MUTUAL_VERIFY;
    m->ignore_expiry = json_bool(tree, "IgnoreClientCertificateExpiry", false);
    m->advertise = str_is(json_str(tree, "AdvertiseTrustStoreCaNames"), "on");
    routing_use(c, arn);
    r = trust_store_find(c->store, c->arena, arn, &store);
    if (r == 0)
        r = trust_store_revocation_list(c->store, c->arena, arn, &list);
    if (r < 0 || store == NULL)
        return r;
    m->trusted = store->bundle;
    for (; list != NULL; list = list->next)
        m->revocations =
            arena_printf(c->arena, "%.*s\n%.*s", STR_ARG(m->revocations), STR_ARG(list->content));
    return 0;
}

static struct dp_tls *find_same(const struct dp_balancer *before, struct str fingerprint)
{
    for (size_t i = 0; before != NULL && i < before->listener_count; i++) {
        struct dp_tls *t = before->listeners[i].tls;

        if (t != NULL && str_is(fingerprint, t->fingerprint))
            return t;
    }
    return NULL;
}

int routing_compile_tls(struct routing_compiler *c, const struct listener *from, bool http2,
                        const struct dp_balancer *before, struct dp_listener *to)
{
    struct dp_tls_options o = {
        .policy = from->ssl_policy, .http2 = http2, .clock = store_clock(c->store)};
    int r = read_certificates(c, from->arn, &o);
    struct dp_tls *same;
    struct str why;

    if (r == 0)
        r = read_mutual(c, from->mutual_authentication, &o.mutual);
    if (r < 0)
        return r;
    same = find_same(before, dp_tls_fingerprint(c->arena, &o));
    if (same != NULL)
        to->tls = dp_tls_ref(same);
    else if (dp_tls_new(c->arena, &o, &to->tls, &why) < 0)
        log_warning("routing", "listener %.*s takes no connections: %.*s", STR_ARG(from->arn),
                    STR_ARG(why));
    return 0;
}

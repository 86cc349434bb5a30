/* Listeners.
 * Source: ELB API Reference 2015-12-01, CreateListener, ModifyListener, DescribeListeners; error
 * texts as AWS gives them. */
#include "aws/elbv2.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/macros.h"

/* What a listener is to be: the row, and what hangs on it. */
struct wanted {
    struct listener row;
    struct load_balancer *lb;
    struct str certificate; /* the default one; empty: none */
    struct elb_actions actions;
};

static const char *protocols_of(const struct load_balancer *lb)
{
    return str_is(lb->type, "network") ? "TCP|TLS|UDP|TCP_UDP|QUIC|TCP_QUIC" : "HTTP|HTTPS";
}

static bool is_secure(const struct listener *l)
{
    return elb_is_word(l->protocol, "HTTPS|TLS");
}

/* "HTTP, HTTPS" of "HTTP|HTTPS". */
static struct str shown(struct call *c, const char *words)
{
    struct str rest = str_c(words), one, all = {0};

    while (str_next(&rest, '|', &one))
        all = all.n == 0 ? one : arena_printf(c->arena, "%.*s, %.*s", STR_ARG(all), STR_ARG(one));
    return all;
}

int elb_balancer_of(struct call *c, const struct listener *l, struct load_balancer **ret)
{
    return load_balancer_find(c->store, c->arena, l->load_balancer, ret);
}

/* --- showing --------------------------------------------------------------------------------- */

static const struct elbv2_mutual_authentication_attributes *
show_mutual_authentication(struct call *c, const struct listener *l)
{
    struct elbv2_mutual_authentication_attributes *m;
    size_t n = 0;

    if (l->mutual_authentication.n == 0)
        return NULL;
    m = elb_read_list(c, &elbv2_mutual_authentication_attributes_shape, l->mutual_authentication,
                      &n);
    return n > 0 ? m : NULL;
}

static int show_default_rule(struct call *c, const struct listener *l, struct elbv2_listener *ret)
{
    struct listener_rule *rule = NULL;
    int r = listener_rule_find_by_priority(c->store, c->arena, l->arn, 0, &rule);

    if (r == 0 && rule != NULL)
        ret->default_actions.at = elb_show_actions(c, rule->actions, &ret->default_actions.n);
    return r;
}

/* Only secure listeners have certificates to show, and only the default one of them. */
static int show_certificate(struct call *c, const struct listener *l, struct elbv2_listener *ret)
{
    struct listener_certificate *first = NULL;
    int r;

    if (!is_secure(l))
        return 0;
    r = listener_certificate_list(c->store, c->arena, l->arn, &first);
    ret->certificates.at = arena_alloc(c->arena, sizeof *ret->certificates.at);
    if (r == 0 && first != NULL && first->is_default) {
        ret->certificates.at[0].certificate_arn = first->certificate;
        ret->certificates.n = 1;
    }
    return r;
}

int elb_show_listener(struct call *c, const struct listener *l, struct elbv2_listener *ret)
{
    int r;

    *ret = (struct elbv2_listener){
        .listener_arn = l->arn,
        .load_balancer_arn = l->load_balancer,
        .port = {l->port > 0, l->port},
        .protocol = elb_some(l->protocol),
        .ssl_policy = elb_some(l->ssl_policy),
        .mutual_authentication = show_mutual_authentication(c, l),
    };
    if (l->alpn_policy.n > 0) {
        ret->alpn_policy.at = arena_alloc(c->arena, sizeof(struct str));
        ret->alpn_policy.at[0] = l->alpn_policy;
        ret->alpn_policy.n = 1;
    }
    r = show_certificate(c, l, ret);
    return r < 0 ? r : show_default_rule(c, l, ret);
}

/* --- checking -------------------------------------------------------------------------------- */

static int check_protocol(struct call *c, const struct wanted *w)
{
    const char *protocols = protocols_of(w->lb);

    if (str_is(w->lb->type, "gateway")) {
        if (w->row.port > 0 || w->row.protocol.n > 0)
            return elb_refuse(c, &AWS_VALIDATION_ERROR,
                              "A listener port and protocol cannot be specified for load balancers "
                              "with type 'gateway'");
        return 0;
    }
    if (w->row.port == 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR, "A listener port must be specified");
    if (w->row.protocol.n == 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR, "A listener protocol must be specified");
    if (!elb_is_word(w->row.protocol, protocols))
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "Listener protocol '%.*s' must be one of '%.*s'",
                          STR_ARG(w->row.protocol), STR_ARG(shown(c, protocols)));
    if (str_is(w->lb->ip_address_type, "dualstack") && !str_is(w->lb->source_nat, "on") &&
        elb_is_word(w->row.protocol, "UDP|TCP_UDP|QUIC|TCP_QUIC"))
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "Listener protocol '%.*s' is not supported for load balancers with IP "
                          "address type 'dualstack'",
                          STR_ARG(w->row.protocol));
    return 0;
}

static int check_plain(struct call *c, const struct wanted *w, bool has_certificate)
{
    const char *given = w->row.ssl_policy.n > 0    ? "An SSL policy"
                        : has_certificate          ? "A certificate"
                        : w->row.alpn_policy.n > 0 ? "An ALPN policy"
                                                   : NULL;

    if (given == NULL)
        return 0;
    return elb_refuse(c, &AWS_VALIDATION_ERROR, "%s cannot be specified for %.*s listeners", given,
                      STR_ARG(w->row.protocol));
}

static int check_secure(struct call *c, struct wanted *w)
{
    if (w->certificate.n == 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "A certificate must be specified for %.*s listeners",
                          STR_ARG(w->row.protocol));
    if (w->row.ssl_policy.n == 0)
        w->row.ssl_policy = S("ELBSecurityPolicy-2016-08");
    if (!elb_is_ssl_policy(w->row.ssl_policy))
        return elb_refuse(c, &elbv2_ssl_policy_not_found_exception, "SSL policy '%.*s' not found",
                          STR_ARG(w->row.ssl_policy));
    if (w->row.alpn_policy.n > 0 && !str_is(w->row.protocol, "TLS"))
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "An ALPN policy cannot be specified for %.*s listeners",
                          STR_ARG(w->row.protocol));
    if (w->row.alpn_policy.n > 0 &&
        !elb_is_word(w->row.alpn_policy, "HTTP1Only|HTTP2Only|HTTP2Optional|HTTP2Preferred|None"))
        return elb_refuse(c, &elbv2_alpn_policy_not_supported_exception,
                          "ALPN policy '%.*s' is not supported", STR_ARG(w->row.alpn_policy));
    return elb_check_certificate(c, w->certificate);
}

/* One certificate, and nothing said of it but its ARN. */
static int read_certificates(struct call *c, struct wanted *w, const struct elbv2_certificate *at,
                             size_t n)
{
    if (n > 1)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "Only one certificate can be specified for a listener; add others to its "
                          "certificate list");
    if (n == 1 && at[0].is_default.set)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "IsDefault cannot be specified for a certificate");
    if (n == 1)
        w->certificate = at[0].certificate_arn;
    return 0;
}

static int check_trust_store(struct call *c, struct str arn)
{
    struct trust_store *store = NULL;
    int r;

    if (arn.n == 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "A trust store ARN must be specified for the mode 'verify'");
    r = elb_need_trust_store(c, arn, &store);
    if (r == 0 && !str_is(store->status, "ACTIVE"))
        r = elb_refuse(c, &elbv2_trust_store_not_ready_exception,
                       "Trust store '%.*s' is not active", STR_ARG(arn));
    return r;
}

static int read_mutual_authentication(struct call *c, struct wanted *w,
                                      const struct elbv2_mutual_authentication_attributes *given)
{
    struct elbv2_mutual_authentication_attributes m;
    bool verify;
    int r = 0;

    if (given == NULL)
        return 0;
    m = *given;
    if (m.mode.n == 0)
        m.mode = S("off");
    verify = str_is(m.mode, "verify");
    if (!str_is(w->row.protocol, "HTTPS"))
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "Mutual authentication cannot be specified for %.*s listeners",
                          STR_ARG(w->row.protocol));
    if (!elb_is_word(m.mode, "off|passthrough|verify"))
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "Mutual authentication mode '%.*s' must be one of 'off, passthrough, "
                          "verify'",
                          STR_ARG(m.mode));
    if (!verify && (m.trust_store_arn.n > 0 || m.ignore_client_certificate_expiry.set ||
                    m.advertise_trust_store_ca_names.n > 0))
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "A trust store can only be specified for the mode 'verify'");
    if (verify)
        r = check_trust_store(c, m.trust_store_arn);
    if (verify && !m.ignore_client_certificate_expiry.set)
        m.ignore_client_certificate_expiry = OPT_BOOL(false);
    if (verify && m.advertise_trust_store_ca_names.n == 0)
        m.advertise_trust_store_ca_names = S("off");
    m.trust_store_association_status = verify ? S("active") : (struct str){0};
    w->row.mutual_authentication =
        elb_write_list(c, &elbv2_mutual_authentication_attributes_shape, &m, 1);
    return r;
}

/* Protocol, certificate, policy and mutual authentication belong together. */
static int check_whole(struct call *c, struct wanted *w)
{
    int r = check_protocol(c, w);

    if (r == 0)
        r = is_secure(&w->row) ? check_secure(c, w) : check_plain(c, w, w->certificate.n > 0);
    return r;
}

static int read_actions(struct call *c, struct wanted *w, const struct elbv2_action *at, size_t n,
                        const struct listener_rule *before)
{
    struct elb_action_place place = {.lb = w->lb, .protocol = w->row.protocol};

    if (before != NULL)
        place.before = elb_read_list(c, &elbv2_action_shape, before->actions, &place.before_count);
    return elb_read_actions(c, &place, at, n, &w->actions);
}

/* --- creation -------------------------------------------------------------------------------- */

static int refuse_duplicate(struct call *c, const struct wanted *w)
{
    return elb_refuse(c, &elbv2_duplicate_listener_exception,
                      "A listener already exists on this port for this load balancer '%.*s'",
                      STR_ARG(w->lb->arn));
}

/* A listener that is the same in all is the answer; another on this port is a refusal. */
static int find_twin(struct call *c, const struct wanted *w, struct listener **ret_twin)
{
    struct listener_certificate *certificate = NULL;
    struct listener_rule *rule = NULL;
    struct listener *twin = NULL;
    bool same;
    int r = listener_find_by_port(c->store, c->arena, w->lb->arn, w->row.port, &twin);

    if (r < 0 || twin == NULL)
        return r;
    r = listener_rule_find_by_priority(c->store, c->arena, twin->arn, 0, &rule);
    if (r == 0)
        r = listener_certificate_list(c->store, c->arena, twin->arn, &certificate);
    if (r < 0)
        return r;
    same = str_eq(twin->protocol, w->row.protocol) && str_eq(twin->ssl_policy, w->row.ssl_policy) &&
           str_eq(twin->alpn_policy, w->row.alpn_policy) &&
           str_eq(twin->mutual_authentication, w->row.mutual_authentication) && rule != NULL &&
           str_eq(rule->actions, w->actions.json) &&
           str_eq(certificate != NULL ? certificate->certificate : S(""), w->certificate);
    if (!same)
        return refuse_duplicate(c, w);
    *ret_twin = twin;
    return 0;
}

static int check_count(struct call *c, const struct wanted *w)
{
    const char *limit = str_is(w->lb->type, "application")
                            ? "listeners-per-application-load-balancer"
                            : "listeners-per-network-load-balancer";
    struct listener *have = NULL;
    int64_t n = 1;
    int r = listener_list(c->store, c->arena, w->lb->arn, &have);

    for (; have != NULL; have = have->next)
        n++;
    return r < 0 ? r : elb_check_limit(c, limit, n, &elbv2_too_many_listeners_exception);
}

static int put_certificate(struct call *c, const struct wanted *w)
{
    struct listener_certificate row = {
        .listener = w->row.arn, .certificate = w->certificate, .is_default = true};

    return w->certificate.n > 0 ? listener_certificate_put(c->store, &row) : 0;
}

static int insert(struct call *c, struct wanted *w)
{
    struct listener_rule rule = {.conditions = S("[]")};
    int r = check_count(c, w);

    w->row.arn = elb_new_listener_arn(c, w->lb->arn);
    w->row.load_balancer = w->lb->arn;
    rule.arn = elb_new_rule_arn(c, w->row.arn);
    rule.listener = w->row.arn;
    rule.actions = w->actions.json;
    if (r == 0)
        r = listener_insert(c->store, &w->row);
    if (r == 0)
        r = put_certificate(c, w);
    return r == 0 ? listener_rule_insert(c->store, &rule, w->actions.groups, w->actions.group_count)
                  : r;
}

static struct str first_of(const struct str_list *list)
{
    return list->n > 0 ? list->at[0] : (struct str){0};
}

struct done elb_create_listener(struct call *c, const void *input)
{
    const struct elbv2_create_listener_input *in = input;
    struct wanted w = {
        .row = {.port = in->port.v,
                .protocol = in->protocol,
                .ssl_policy = in->ssl_policy,
                .alpn_policy = first_of(&in->alpn_policy)}
    };
    struct elbv2_create_listener_output out = {0};
    struct listener *twin = NULL;
    int r = elb_need_balancer(c, in->load_balancer_arn, &w.lb);

    if (r == 0)
        r = read_certificates(c, &w, in->certificates.at, in->certificates.n);
    if (r == 0)
        r = check_whole(c, &w);
    if (r == 0)
        r = read_mutual_authentication(c, &w, in->mutual_authentication);
    if (r == 0)
        r = elb_check_tags(c, in->tags.at, in->tags.n);
    if (r == 0)
        r = read_actions(c, &w, in->default_actions.at, in->default_actions.n, NULL);
    if (r == 0)
        r = find_twin(c, &w, &twin);
    if (r == 0 && twin == NULL) {
        r = insert(c, &w);
        if (r == 0)
            r = elb_put_tags(c, w.row.arn, in->tags.at, in->tags.n);
        twin = &w.row;
    }
    out.listeners.at = arena_alloc(c->arena, sizeof *out.listeners.at);
    out.listeners.n = 1;
    if (r == 0)
        r = elb_show_listener(c, twin, out.listeners.at);
    return elb_answer(c, r, &out);
}

/* --- change ---------------------------------------------------------------------------------- */

/* The listener as it would be; a plain one has none of what belongs to TLS. */
static void apply(struct wanted *w, const struct elbv2_modify_listener_input *in)
{
    if (in->port.set)
        w->row.port = in->port.v;
    if (in->protocol.n > 0)
        w->row.protocol = in->protocol;
    if (!is_secure(&w->row)) {
        w->row.ssl_policy = w->row.alpn_policy = w->certificate = S("");
        w->row.mutual_authentication = S("");
    }
    if (in->ssl_policy.n > 0)
        w->row.ssl_policy = in->ssl_policy;
    if (in->alpn_policy.n > 0)
        w->row.alpn_policy = in->alpn_policy.at[0];
}

static int read_present(struct call *c, struct str arn, struct wanted *w,
                        struct listener_rule **ret_rule)
{
    struct listener_certificate *certificate = NULL;
    struct listener *l = NULL;
    int r = elb_need_listener(c, arn, &l);

    if (r == 0)
        r = elb_balancer_of(c, l, &w->lb);
    if (r == 0)
        r = listener_certificate_list(c->store, c->arena, l->arn, &certificate);
    if (r == 0)
        r = listener_rule_find_by_priority(c->store, c->arena, l->arn, 0, ret_rule);
    if (r != 0)
        return r;
    w->row = *l;
    w->row.next = NULL;
    if (certificate != NULL && certificate->is_default)
        w->certificate = certificate->certificate;
    return 0;
}

static int check_port(struct call *c, const struct wanted *w)
{
    struct listener *other = NULL;
    int r = listener_find_by_port(c->store, c->arena, w->lb->arn, w->row.port, &other);

    return r == 0 && other != NULL && !str_eq(other->arn, w->row.arn) ? refuse_duplicate(c, w) : r;
}

static int drop_certificates(struct call *c, const struct wanted *w)
{
    return is_secure(&w->row) ? put_certificate(c, w)
                              : listener_certificate_remove_all(c->store, w->row.arn);
}

/* New actions, or the old ones under what may be another protocol. */
static int change_actions(struct call *c, struct wanted *w, struct listener_rule *rule,
                          const struct elbv2_modify_listener_input *in)
{
    const struct elbv2_action *at = in->default_actions.at;
    size_t n = in->default_actions.n;
    int r;

    if (at == NULL)
        at = elb_read_list(c, &elbv2_action_shape, rule->actions, &n);
    r = read_actions(c, w, at, n, rule);
    rule->actions = w->actions.json;
    return r == 0 ? listener_rule_update(c->store, rule, w->actions.groups, w->actions.group_count)
                  : r;
}

struct done elb_modify_listener(struct call *c, const void *input)
{
    const struct elbv2_modify_listener_input *in = input;
    struct elbv2_modify_listener_output out = {0};
    struct listener_rule *rule = NULL;
    struct wanted w = {0};
    int r = read_present(c, in->listener_arn, &w, &rule);

    if (r == 0) {
        apply(&w, in);
        r = read_certificates(c, &w, in->certificates.at, in->certificates.n);
    }
    if (r == 0)
        r = check_whole(c, &w);
    if (r == 0)
        r = read_mutual_authentication(c, &w, in->mutual_authentication);
    if (r == 0)
        r = check_port(c, &w);
    if (r == 0)
        r = change_actions(c, &w, rule, in);
    if (r == 0)
        r = listener_update(c->store, &w.row);
    if (r == 0)
        r = drop_certificates(c, &w);
    out.listeners.at = arena_alloc(c->arena, sizeof *out.listeners.at);
    out.listeners.n = 1;
    if (r == 0)
        r = elb_show_listener(c, &w.row, out.listeners.at);
    return elb_answer(c, r, &out);
}

/* --- deletion and description ---------------------------------------------------------------- */

int elb_remove_listener_tags(struct call *c, struct str listener_arn)
{
    struct listener_rule *rule = NULL;
    int r = listener_rule_list(c->store, c->arena, listener_arn, &rule);

    for (; r == 0 && rule != NULL; rule = rule->next)
        r = tag_remove_all(c->store, rule->arn);
    return r < 0 ? r : tag_remove_all(c->store, listener_arn);
}

struct done elb_delete_listener(struct call *c, const void *input)
{
    const struct elbv2_delete_listener_input *in = input;
    struct listener *l = NULL;
    int r = elb_need_listener(c, in->listener_arn, &l);

    if (r == 0)
        r = elb_remove_listener_tags(c, l->arn);
    if (r == 0)
        r = listener_delete(c->store, l->arn);
    return elb_answer(c, r, NULL);
}

static int find_named(struct call *c, const struct str_list *arns, struct listener **ret_first)
{
    struct listener **tail = ret_first;
    int r = 0;

    for (size_t i = 0; r == 0 && i < arns->n; i++) {
        r = elb_need_listener(c, arns->at[i], tail);
        if (r == 0)
            tail = &(*tail)->next;
    }
    return r;
}

static int find_listeners(struct call *c, const struct elbv2_describe_listeners_input *in,
                          struct listener **ret_first)
{
    struct load_balancer *lb = NULL;
    int r;

    if (in->load_balancer_arn.n == 0 && in->listener_arns.n == 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "You must specify either listener ARNs or a load balancer ARN");
    if (in->load_balancer_arn.n > 0 && in->listener_arns.n > 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "Listener ARNs and a load balancer ARN cannot be specified at the same "
                          "time");
    if (in->listener_arns.n > 0)
        return find_named(c, &in->listener_arns, ret_first);
    r = elb_need_balancer(c, in->load_balancer_arn, &lb);
    return r == 0 ? listener_list(c->store, c->arena, lb->arn, ret_first) : r;
}

struct done elb_describe_listeners(struct call *c, const void *input)
{
    const struct elbv2_describe_listeners_input *in = input;
    struct elbv2_describe_listeners_output out = {0};
    struct listener *first = NULL;
    size_t all = 0, from = 0, n = 0;
    int r = find_listeners(c, in, &first);

    ELB_COUNT(all, first);
    if (r == 0)
        r = elb_page_list(c, in->marker, in->page_size, all, &from, &n, &out.next_marker);
    out.listeners.at = arena_array(c->arena, n, sizeof *out.listeners.at);
    for (; from > 0 && first != NULL; from--)
        first = first->next;
    for (; r == 0 && out.listeners.n < n; first = first->next)
        r = elb_show_listener(c, first, &out.listeners.at[out.listeners.n++]);
    return elb_answer(c, r, &out);
}

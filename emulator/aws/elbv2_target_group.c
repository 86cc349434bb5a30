/* Target groups and their health checks.
 * Source: ELB API Reference 2015-12-01, CreateTargetGroup, ModifyTargetGroup; Application, Network
 * and Gateway Load Balancers User Guides, "Health checks". */
#include "aws/elbv2.h"

#include "base/macros.h"

/* Families of target groups: what they may be and what their health checks are by default. */
struct family {
    const char *protocols; /* parted by '|'; empty: lambda, which has none */
    const char *checks;    /* health check protocols, the default first */
    const char *port;      /* where it is checked; empty: nowhere */
    int64_t interval, timeout, http_timeout;
    const char *http_code;         /* the default matcher of an HTTP check */
    int64_t least_code, most_code; /* of matchers */
    bool timeout_below;            /* the timeout must be smaller than the interval */
};

static const struct family families[] = {
    {"HTTP|HTTPS",                        "HTTP|HTTPS",     "traffic-port", 30, 5,  5,  "200",     200, 499, true },
    {"TCP|TLS|UDP|TCP_UDP|QUIC|TCP_QUIC", "TCP|HTTP|HTTPS", "traffic-port", 30, 10, 6,  "200-399",
     200,                                                                                               599, false},
    {"GENEVE",                            "TCP|HTTP|HTTPS", "80",           10, 5,  5,  "200-399", 200, 399, false},
    {"",                                  "HTTP",           "",             35, 30, 30, "200",     200, 499, true },
};
static const struct family to_balancer = {"TCP", "HTTP|HTTPS", "traffic-port", 30, 6, 6, "200-399",
                                          200,   599,          false};

static bool is_lambda(const struct target_group *g)
{
    return str_is(g->target_type, "lambda");
}

static bool is_http(struct str protocol)
{
    return str_is(protocol, "HTTP") || str_is(protocol, "HTTPS");
}

static const struct family *family_of(const struct target_group *g)
{
    if (str_is(g->target_type, "alb"))
        return &to_balancer;
    for (size_t i = 0; i + 1 < ARRAY_LEN(families); i++)
        if (elb_is_word(g->protocol, families[i].protocols))
            return &families[i];
    return &families[ARRAY_LEN(families) - 1];
}

/* --- showing --------------------------------------------------------------------------------- */

int elb_show_group(struct call *c, const struct target_group *g, struct elbv2_target_group *ret)
{
    struct elbv2_matcher *matcher = arena_alloc(c->arena, sizeof *matcher);
    struct load_balancer *lb = NULL;
    size_t n = 0;
    int r = load_balancer_list_by_target_group(c->store, c->arena, g->arn, &lb);

    *matcher = (struct elbv2_matcher){elb_some(g->http_code), elb_some(g->grpc_code)};
    *ret = (struct elbv2_target_group){
        .target_group_arn = g->arn,
        .target_group_name = g->name,
        .protocol = elb_some(g->protocol),
        .port = {!is_lambda(g),       g->port        },
        .vpc_id = elb_some(g->vpc),
        .health_check_protocol = elb_some(g->health_protocol),
        .health_check_port = elb_some(g->health_port),
        .health_check_enabled = OPT_BOOL(g->health_enabled),
        .health_check_interval_seconds = OPT_INT(g->health_interval),
        .health_check_timeout_seconds = OPT_INT(g->health_timeout),
        .healthy_threshold_count = OPT_INT(g->healthy_threshold),
        .unhealthy_threshold_count = OPT_INT(g->unhealthy_threshold),
        .health_check_path = elb_some(g->health_path),
        .matcher = g->http_code.n + g->grpc_code.n > 0 ? matcher : NULL,
        .target_type = g->target_type,
        .protocol_version = elb_some(g->protocol_version),
        .ip_address_type = g->ip_address_type,
        .target_control_port = {g->control_port > 0, g->control_port},
    };
    ELB_COUNT(n, lb);
    ret->load_balancer_arns.at = arena_array(c->arena, n, sizeof(struct str));
    for (; lb != NULL; lb = lb->next)
        ret->load_balancer_arns.at[ret->load_balancer_arns.n++] = lb->arn;
    return r;
}

/* --- health checks --------------------------------------------------------------------------- */

/* What a request says of health checks; both operations have these members. */
struct check {
    struct str protocol, port, path;
    struct opt_bool enabled;
    struct opt_int interval, timeout, healthy, unhealthy;
    const struct elbv2_matcher *matcher;
};

static struct str first_word(const char *words)
{
    struct str rest = str_c(words), one = {0};

    (void)str_next(&rest, '|', &one);
    return one;
}

static bool is_grpc(const struct target_group *g)
{
    return str_is(g->protocol_version, "GRPC");
}

/* Path and matcher belong to HTTP checks: filled in where they are missing, gone with them. */
static void fill_http(struct target_group *g, const struct family *f)
{
    bool http = is_http(g->health_protocol) || is_lambda(g);

    if (!http) {
        g->health_path = g->http_code = g->grpc_code = S("");
        return;
    }
    if (g->health_path.n == 0)
        g->health_path = is_grpc(g) ? S("/AWS.ALB/healthcheck") : S("/");
    if (is_grpc(g) && g->grpc_code.n == 0)
        g->grpc_code = S("12");
    if (!is_grpc(g) && g->http_code.n == 0)
        g->http_code = str_c(f->http_code);
}

static void set_defaults(struct target_group *g, const struct check *in)
{
    const struct family *f = family_of(g);

    g->health_enabled = !is_lambda(g);
    g->health_protocol = is_lambda(g)         ? S("")
                         : in->protocol.n > 0 ? in->protocol
                                              : first_word(f->checks);
    g->health_port = str_c(f->port);
    g->health_interval = f->interval;
    g->health_timeout = is_http(g->health_protocol) ? f->http_timeout : f->timeout;
    if (!is_http(g->protocol) && str_is(g->health_protocol, "HTTPS"))
        g->health_timeout = f->timeout;
    g->healthy_threshold = 5;
    g->unhealthy_threshold = 2;
}

static void set_given(struct target_group *g, const struct check *in)
{
    if (in->enabled.set)
        g->health_enabled = in->enabled.v;
    if (in->protocol.n > 0)
        g->health_protocol = in->protocol;
    if (in->port.n > 0)
        g->health_port = in->port;
    if (in->path.n > 0)
        g->health_path = in->path;
    if (in->interval.set)
        g->health_interval = in->interval.v;
    if (in->timeout.set)
        g->health_timeout = in->timeout.v;
    if (in->healthy.set)
        g->healthy_threshold = in->healthy.v;
    if (in->unhealthy.set)
        g->unhealthy_threshold = in->unhealthy.v;
    if (in->matcher != NULL && in->matcher->http_code.n > 0)
        g->http_code = in->matcher->http_code;
    if (in->matcher != NULL && in->matcher->grpc_code.n > 0)
        g->grpc_code = in->matcher->grpc_code;
}

/* One code, or "200-299", of a matcher. */
static int check_code(struct call *c, const char *what, struct str part, int64_t least,
                      int64_t most)
{
    struct str from = part, to = part;
    int64_t first = 0, last = 0;

    (void)str_cut(part, '-', &from, &to);
    if (!str_to_int(from, &first) || !str_to_int(to, &last) || first > last)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "Health check matcher %s code '%.*s' is not valid", what, STR_ARG(part));
    if (first < least || last > most)
        return elb_refuse(
            c, &AWS_VALIDATION_ERROR,
            "Health check matcher %s code '%.*s' must be within '%lld-%lld' inclusive", what,
            STR_ARG(part), (long long)least, (long long)most);
    return 0;
}

static int check_codes(struct call *c, const char *what, struct str codes, int64_t least,
                       int64_t most)
{
    struct str rest = codes, part;
    int r = 0;

    while (r == 0 && str_next(&rest, ',', &part))
        r = check_code(c, what, part, least, most);
    if (r == 0 && codes.n > 0 && codes.at[codes.n - 1] == ',')
        r = check_code(c, what, S(""), least, most);
    return r;
}

static int check_matcher(struct call *c, const struct target_group *g, const struct check *in)
{
    const struct family *f = family_of(g);

    if (in->matcher == NULL)
        return 0;
    if (in->matcher->http_code.n > 0 && in->matcher->grpc_code.n > 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "HTTP codes and gRPC codes cannot be specified at the same time");
    if (is_grpc(g) && in->matcher->http_code.n > 0)
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "HTTP codes are not supported for target groups with the GRPC protocol "
                          "version");
    if (!is_grpc(g) && in->matcher->grpc_code.n > 0)
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "gRPC codes are only supported for target groups with the GRPC protocol "
                          "version");
    return is_grpc(g) ? check_codes(c, "gRPC", in->matcher->grpc_code, 0, 99)
                      : check_codes(c, "HTTP", in->matcher->http_code, f->least_code, f->most_code);
}

static int check_times(struct call *c, const struct target_group *g)
{
    if (family_of(g)->timeout_below && g->health_timeout >= g->health_interval)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "Health check timeout '%lld' must be smaller than the interval '%lld'",
                          (long long)g->health_timeout, (long long)g->health_interval);
    if (g->health_timeout > g->health_interval)
        return elb_refuse(
            c, &AWS_VALIDATION_ERROR,
            "Health check timeout '%lld' must be smaller than or equal to the interval '%lld'",
            (long long)g->health_timeout, (long long)g->health_interval);
    return 0;
}

static int check_check(struct call *c, const struct target_group *g, const struct check *in)
{
    int64_t port = 0;

    if (!g->health_enabled && !is_lambda(g))
        return elb_refuse(
            c, &elbv2_invalid_configuration_request_exception,
            "Health check enabled must be true for target groups with target type '%.*s'",
            STR_ARG(g->target_type));
    if (is_lambda(g) && (in->protocol.n > 0 || in->port.n > 0))
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "Health check %s cannot be specified for target groups with target type "
                          "'lambda'",
                          in->protocol.n > 0 ? "protocol" : "port");
    if (!is_lambda(g) && !elb_is_word(g->health_protocol, family_of(g)->checks))
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "Health check protocol '%.*s' is not supported for target groups with "
                          "the %.*s protocol",
                          STR_ARG(g->health_protocol), STR_ARG(g->protocol));
    if (str_is(g->health_protocol, "TCP") && in->matcher != NULL)
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "Custom health check matchers are not supported for health checks for "
                          "target groups with the TCP protocol");
    if (str_is(g->health_protocol, "TCP") && in->path.n > 0)
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "Health check paths are not supported for health checks for target "
                          "groups with the TCP protocol");
    if (in->path.n > 0 && in->path.at[0] != '/')
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "Health check path '%.*s' must begin with a '/' character",
                          STR_ARG(in->path));
    if (in->port.n > 0 && !str_is(in->port, "traffic-port") &&
        (!str_to_int(in->port, &port) || port < 1 || port > 65535))
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "Health check port '%.*s' must be either 'traffic-port' or an integer "
                          "between '1-65535' inclusive",
                          STR_ARG(in->port));
    return 0;
}

/* What was asked for, onto the group, and whether it may be so. */
static int read_check(struct call *c, struct target_group *g, const struct check *in)
{
    int r;

    set_given(g, in);
    r = check_check(c, g, in);
    if (r == 0)
        r = check_matcher(c, g, in);
    if (r == 0)
        r = check_times(c, g);
    fill_http(g, family_of(g));
    return r;
}

/* --- creation -------------------------------------------------------------------------------- */

static int check_vpc(struct call *c, struct str id)
{
    struct vpc *vpc = NULL;
    int r = id.n > 0 ? vpc_list(c->store, c->arena, c->account, c->region, id, &vpc) : 0;

    if (r == 0 && vpc == NULL)
        r = elb_refuse(c, &AWS_VALIDATION_ERROR, "The VPC ID '%.*s' is not found", STR_ARG(id));
    return r;
}

static int check_lambda(struct call *c, const struct elbv2_create_target_group_input *in)
{
    const char *given = in->protocol.n > 0           ? "Protocol"
                        : in->port.set               ? "Port"
                        : in->vpc_id.n > 0           ? "VPC ID"
                        : in->protocol_version.n > 0 ? "Protocol version"
                                                     : NULL;

    if (given == NULL)
        return 0;
    return elb_refuse(c, &AWS_VALIDATION_ERROR,
                      "%s cannot be specified for target groups with target type 'lambda'", given);
}

static int check_transport(struct call *c, const struct target_group *g,
                           const struct elbv2_create_target_group_input *in)
{
    if (is_lambda(g))
        return check_lambda(c, in);
    if (in->protocol.n == 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR, "A protocol must be specified");
    if (!in->port.set)
        return elb_refuse(c, &AWS_VALIDATION_ERROR, "A port must be specified");
    if (in->vpc_id.n == 0)
        return elb_refuse(c, &AWS_VALIDATION_ERROR, "A VPC ID must be specified");
    if (str_is(g->target_type, "alb") && !str_is(g->protocol, "TCP"))
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "Protocol '%.*s' is not supported for target groups with target type "
                          "'alb'",
                          STR_ARG(g->protocol));
    if (str_is(g->protocol, "GENEVE") && g->port != 6081)
        return elb_refuse(c, &AWS_VALIDATION_ERROR,
                          "Port must be '6081' for target groups with the GENEVE protocol");
    if (in->protocol_version.n > 0 && !is_http(g->protocol))
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "Protocol versions are not supported for target groups with the %.*s "
                          "protocol",
                          STR_ARG(g->protocol));
    if (str_is(g->ip_address_type, "ipv6") && !str_is(g->target_type, "ip") &&
        !str_is(g->target_type, "instance"))
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "IP address type 'ipv6' is not supported for target groups with target "
                          "type '%.*s'",
                          STR_ARG(g->target_type));
    return check_vpc(c, in->vpc_id);
}

static struct target_group read_wanted(struct call *c,
                                       const struct elbv2_create_target_group_input *in)
{
    struct target_group g = {
        .account = c->account,
        .region = c->region,
        .name = in->name,
        .protocol = in->protocol,
        .port = in->port.set ? in->port.v : 0,
        .vpc = in->vpc_id,
        .target_type = in->target_type.n > 0 ? in->target_type : S("instance"),
        .ip_address_type = in->ip_address_type.n > 0 ? in->ip_address_type : S("ipv4"),
        .control_port = in->target_control_port.set ? in->target_control_port.v : 0,
    };

    if (is_http(g.protocol))
        g.protocol_version = in->protocol_version.n > 0 ? in->protocol_version : S("HTTP1");
    return g;
}

static bool same_settings(const struct target_group *a, const struct target_group *b)
{
    return str_eq(a->protocol, b->protocol) && a->port == b->port && str_eq(a->vpc, b->vpc) &&
           str_eq(a->target_type, b->target_type) &&
           str_eq(a->protocol_version, b->protocol_version) &&
           str_eq(a->ip_address_type, b->ip_address_type) &&
           a->health_enabled == b->health_enabled &&
           str_eq(a->health_protocol, b->health_protocol) &&
           str_eq(a->health_port, b->health_port) && str_eq(a->health_path, b->health_path) &&
           a->health_interval == b->health_interval && a->health_timeout == b->health_timeout &&
           a->healthy_threshold == b->healthy_threshold &&
           a->unhealthy_threshold == b->unhealthy_threshold && str_eq(a->http_code, b->http_code) &&
           str_eq(a->grpc_code, b->grpc_code) && a->control_port == b->control_port;
}

static int check_count(struct call *c, const struct target_group *g)
{
    const char *name = str_is(g->protocol, "GENEVE") ? "geneve-target-groups" : "target-groups";
    int64_t have = 0;
    int r;

    if (elb_limit(c, name) == INT64_MAX)
        return 0;
    r = target_group_count(c->store, c->account, c->region, &have);
    return r < 0 ? r : elb_check_limit(c, name, have + 1, &elbv2_too_many_target_groups_exception);
}

static int insert(struct call *c, struct target_group *g)
{
    struct str id = ids_hex(c->ids, c->arena, 16);
    int r = check_count(c, g);

    g->arn = call_arn(c, "targetgroup/%.*s/%.*s", STR_ARG(g->name), STR_ARG(id));
    return r == 0 ? target_group_insert(c->store, g) : r;
}

struct done elb_create_target_group(struct call *c, const void *input)
{
    const struct elbv2_create_target_group_input *in = input;
    const struct check check = {
        .protocol = in->health_check_protocol,
        .port = in->health_check_port,
        .path = in->health_check_path,
        .enabled = in->health_check_enabled,
        .interval = in->health_check_interval_seconds,
        .timeout = in->health_check_timeout_seconds,
        .healthy = in->healthy_threshold_count,
        .unhealthy = in->unhealthy_threshold_count,
        .matcher = in->matcher,
    };
    struct target_group g = read_wanted(c, in), *found = NULL;
    struct elbv2_create_target_group_output out = {0};
    int r = elb_check_name(c, "Target group", in->name);

    if (r == 0)
        r = check_transport(c, &g, in);
    set_defaults(&g, &check);
    if (r == 0)
        r = read_check(c, &g, &check);
    if (r == 0)
        r = elb_check_tags(c, in->tags.at, in->tags.n);
    if (r == 0)
        r = target_group_find_by_name(c->store, c->arena, c->account, c->region, g.name, &found);
    if (r == 0 && found != NULL && !same_settings(found, &g))
        r = elb_refuse(c, &elbv2_duplicate_target_group_name_exception,
                       "A target group with the same name '%.*s' exists, but with different "
                       "settings",
                       STR_ARG(g.name));
    if (r == 0 && found == NULL) {
        r = insert(c, &g);
        if (r == 0)
            r = elb_put_tags(c, g.arn, in->tags.at, in->tags.n);
        found = &g;
    }
    out.target_groups.at = arena_alloc(c->arena, sizeof *out.target_groups.at);
    out.target_groups.n = 1;
    if (r == 0)
        r = elb_show_group(c, found, out.target_groups.at);
    return elb_answer(c, r, &out);
}

struct done elb_modify_target_group(struct call *c, const void *input)
{
    const struct elbv2_modify_target_group_input *in = input;
    const struct check check = {
        .protocol = in->health_check_protocol,
        .port = in->health_check_port,
        .path = in->health_check_path,
        .enabled = in->health_check_enabled,
        .interval = in->health_check_interval_seconds,
        .timeout = in->health_check_timeout_seconds,
        .healthy = in->healthy_threshold_count,
        .unhealthy = in->unhealthy_threshold_count,
        .matcher = in->matcher,
    };
    struct elbv2_modify_target_group_output out = {0};
    struct target_group *g = NULL;
    int r = elb_need_group(c, in->target_group_arn, &g);

    if (r == 0)
        r = read_check(c, g, &check);
    if (r == 0)
        r = target_group_update(c->store, g);
    out.target_groups.at = arena_alloc(c->arena, sizeof *out.target_groups.at);
    out.target_groups.n = 1;
    if (r == 0)
        r = elb_show_group(c, g, out.target_groups.at);
    return elb_answer(c, r, &out);
}

struct done elb_delete_target_group(struct call *c, const void *input)
{
    const struct elbv2_delete_target_group_input *in = input;
    struct load_balancer *user = NULL;
    int r = elb_check_arn(c, in->target_group_arn, ELB_GROUP);

    if (r == 0)
        r = load_balancer_list_by_target_group(c->store, c->arena, in->target_group_arn, &user);
    if (r == 0 && user != NULL)
        r = elb_refuse(c, &elbv2_resource_in_use_exception,
                       "Target group '%.*s' is currently in use by a listener or a rule",
                       STR_ARG(in->target_group_arn));
    if (r == 0)
        r = tag_remove_all(c->store, in->target_group_arn);
    if (r == 0)
        r = target_group_delete(c->store, in->target_group_arn);
    return elb_answer(c, r, NULL);
}

/* --- description ----------------------------------------------------------------------------- */

static int find_named(struct call *c, const struct elbv2_describe_target_groups_input *in,
                      struct target_group **ret_first)
{
    struct target_group **tail = ret_first;
    size_t n = in->target_group_arns.n + in->names.n;
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        bool by_arn = i < in->target_group_arns.n;

        if (by_arn)
            r = elb_check_arn(c, in->target_group_arns.at[i], ELB_GROUP);
        if (r == 0)
            r = by_arn ? target_group_find(c->store, c->arena, in->target_group_arns.at[i], tail)
                       : target_group_find_by_name(c->store, c->arena, c->account, c->region,
                                                   in->names.at[i - in->target_group_arns.n], tail);
        if (r == 0 && *tail == NULL)
            r = elb_refuse(c, &elbv2_target_group_not_found_exception,
                           "One or more target groups not found");
        if (r == 0)
            tail = &(*tail)->next;
    }
    return r;
}

static int find_page(struct call *c, const struct elbv2_describe_target_groups_input *in,
                     struct target_group **ret_first, struct str *ret_next)
{
    struct elbv2_page page;
    struct target_group *last;
    int64_t n = 1, place = 0;
    int r = elb_read_page(c, in->marker, in->page_size, &page);

    page.most++; /* one more tells whether there is a next page */
    if (r == 0)
        r = target_group_page(c->store, c->arena, c->account, c->region, &page, ret_first);
    if (r != 0 || *ret_first == NULL)
        return r;
    for (last = *ret_first; last->next != NULL && n < page.most - 1; last = last->next)
        n++;
    if (last->next == NULL)
        return 0;
    last->next = NULL;
    r = target_group_place(c->store, last->arn, &place);
    *ret_next = elb_marker(c, place);
    return r;
}

struct done elb_describe_target_groups(struct call *c, const void *input)
{
    const struct elbv2_describe_target_groups_input *in = input;
    struct elbv2_describe_target_groups_output out = {0};
    struct target_group *first = NULL;
    struct load_balancer *lb = NULL;
    size_t n = 0;
    int r = 0;

    if ((in->load_balancer_arn.n > 0) + (in->target_group_arns.n > 0) + (in->names.n > 0) > 1) {
        r = elb_refuse(c, &AWS_VALIDATION_ERROR,
                       "Target group names, target group ARNs, and a load balancer ARN cannot be "
                       "specified at the same time");
    } else if (in->load_balancer_arn.n > 0) {
        r = elb_need_balancer(c, in->load_balancer_arn, &lb);
        if (r == 0)
            r = target_group_list_by_load_balancer(c->store, c->arena, lb->arn, &first);
    } else if (in->target_group_arns.n + in->names.n > 0) {
        r = find_named(c, in, &first);
    } else {
        r = find_page(c, in, &first, &out.next_marker);
    }
    ELB_COUNT(n, first);
    out.target_groups.at = arena_array(c->arena, n, sizeof *out.target_groups.at);
    for (const struct target_group *g = first; r == 0 && g != NULL; g = g->next)
        r = elb_show_group(c, g, &out.target_groups.at[out.target_groups.n++]);
    return elb_answer(c, r, &out);
}

/* Annotations. Source: aws-alb-ingress-controller v1.1.4, internal/ingress/annotations. */
#include "annotations.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>

#include "go_json.h"
#include "go_text.h"
#include "klog.h"

enum row_kind {
    TEXT,
    NUMBER, /* anything else is refused */
    COUNT,  /* anything else is the default */
    LIST,   /* a,b,c */
    PAIRS,  /* k=v,k=v in the order written */
    TAGS,   /* likewise, as a set; what follows a second '=' is dropped */
};

/* Where a default is a flag's value. */
enum row_default { FIXED, FLAG_TARGET_TYPE, FLAG_BACKEND_PROTOCOL };

struct row {
    const char *name;
    const char *older; /* a former name, or NULL */
    enum row_kind kind;
    size_t offset;
    const char *otherwise; /* NULL: absent */
    enum row_default from;
};

#define IN_SERVICE(member) offsetof(struct service_annotations, member)
#define IN_INGRESS(member) offsetof(struct ingress_annotations, member)

static const struct row service_rows[] = {
    {"healthcheck-interval-seconds", NULL,           NUMBER, IN_SERVICE(health_interval),  "15",           FIXED                },
    {"healthcheck-path",             NULL,           TEXT,   IN_SERVICE(health_path),      "/",            FIXED                },
    {"healthcheck-port",             NULL,           TEXT,   IN_SERVICE(health_port),      "traffic-port", FIXED                },
    {"healthcheck-protocol",         NULL,           TEXT,   IN_SERVICE(health_protocol),  NULL,           FLAG_BACKEND_PROTOCOL},
    {"healthcheck-timeout-seconds",  NULL,           NUMBER, IN_SERVICE(health_timeout),   "5",            FIXED                },
    {"target-type",                  NULL,           TEXT,   IN_SERVICE(target_type),      NULL,           FLAG_TARGET_TYPE     },
    {"backend-protocol",             NULL,           TEXT,   IN_SERVICE(backend_protocol), "HTTP",         FIXED                },
    {"healthy-threshold-count",      NULL,           COUNT,  IN_SERVICE(healthy_count),    "2",            FIXED                },
    {"unhealthy-threshold-count",    NULL,           COUNT,  IN_SERVICE(unhealthy_count),  "2",            FIXED                },
    {"success-codes",                "successCodes", TEXT,   IN_SERVICE(success_codes),    "200",          FIXED                },
    {"target-group-attributes",      NULL,           PAIRS,  IN_SERVICE(attributes),       NULL,           FIXED                },
};

static const struct row ingress_rows[] = {
    {"web-acl-id",               "waf-acl-id", TEXT,  IN_INGRESS(web_acl),         NULL,                        FIXED},
    {"ip-address-type",          NULL,         TEXT,  IN_INGRESS(ip_address_type), "ipv4",                      FIXED},
    {"scheme",                   NULL,         TEXT,  IN_INGRESS(scheme),          "internal",                  FIXED},
    {"load-balancer-attributes", "attributes", PAIRS, IN_INGRESS(attributes),      NULL,                        FIXED},
    {"security-groups",          NULL,         LIST,  IN_INGRESS(security_groups), NULL,                        FIXED},
    {"subnets",                  NULL,         LIST,  IN_INGRESS(subnets),         NULL,                        FIXED},
    {"tags",                     NULL,         TAGS,  IN_INGRESS(tags),            NULL,                        FIXED},
    {"ssl-policy",               NULL,         TEXT,  IN_INGRESS(ssl_policy),      "ELBSecurityPolicy-2016-08", FIXED},
    {"certificate-arn",          NULL,         LIST,  IN_INGRESS(certificates),    NULL,                        FIXED},
};

struct reading {
    struct arena *a;
    const struct settings *settings;
    const cJSON *annotations;
    struct str error;
};

struct str annotations_find(struct arena *a, const struct settings *s, const char *name,
                            const cJSON *first, const cJSON *second)
{
    struct str key = arena_printf(a, "%.*s/%s", STR_ARG(s->annotations_prefix), name);
    const cJSON *item = json_member(first, key);

    if (!cJSON_IsString(item))
        item = json_member(second, key);
    return cJSON_IsString(item) ? arena_str(a, json_text(item)) : (struct str){0};
}

static struct str find(struct reading *r, const char *name)
{
    struct str value = annotations_find(r->a, r->settings, name, r->annotations, NULL);

    return value.at == NULL ? value : arena_str(r->a, value);
}

static struct str default_of(const struct settings *s, const struct row *row)
{
    switch (row->from) {
    case FLAG_TARGET_TYPE:
        return s->target_type;
    case FLAG_BACKEND_PROTOCOL:
        return s->backend_protocol;
    case FIXED:
        break;
    }
    return str_c(row->otherwise);
}

static void refuse_pairs(struct reading *r, const struct strs *bad, const char *verb)
{
    struct str all = strs_join(r->a, bad, ", ");

    if (bad->n > 0)
        r->error =
            arena_printf(r->a, "%s to parse `%.*s` into Key=Value pair(s)", verb, STR_ARG(all));
}

static void read_pairs(struct reading *r, struct str text, struct pairs *ret)
{
    struct strs parts = strs_split(r->a, text), bad = {0};

    *ret = (struct pairs){0};
    for (size_t i = 0; i < parts.n; i++) {
        struct str key, value;

        if (!str_cut(parts.at[i], '=', &key, &value) || str_chr(value, '=') != STR_NONE)
            strs_add(r->a, &bad, parts.at[i]);
        else
            *LIST_ADD(r->a, ret) = (struct pair){str_trim(key), str_trim(value)};
    }
    refuse_pairs(r, &bad, "unable");
}

static void read_tags(struct reading *r, struct str text, struct pairs *ret)
{
    struct strs parts = strs_split(r->a, text), bad = {0};

    *ret = (struct pairs){0};
    for (size_t i = 0; i < parts.n; i++) {
        struct str key, value, dropped;

        if (!str_cut(parts.at[i], '=', &key, &value)) {
            strs_add(r->a, &bad, parts.at[i]);
            continue;
        }
        (void)str_cut(value, '=', &value, &dropped);
        pairs_put(r->a, ret, key, value);
    }
    refuse_pairs(r, &bad, "Unable");
}

static void read_number(struct reading *r, const struct row *row, struct str text, int64_t *ret)
{
    if (go_parse_int(text, ret))
        return;
    if (row->kind == COUNT) {
        bool ok = go_parse_int(str_c(row->otherwise), ret);

        assert(ok);
        return;
    }
    r->error = arena_printf(r->a, "the annotation %.*s/%s does not contain a valid value (%.*s)",
                            STR_ARG(r->settings->annotations_prefix), row->name, STR_ARG(text));
}

/* The newer name wins, but an empty list says nothing. */
static struct str find_either(struct reading *r, const struct row *row)
{
    struct str value = find(r, row->name);
    bool empty_list = row->kind == PAIRS && strs_split(r->a, value).n == 0;

    return row->older != NULL && (value.at == NULL || empty_list) ? find(r, row->older) : value;
}

static void read_row(struct reading *r, const struct row *row, void *into)
{
    void *at = (char *)into + row->offset;
    struct str text = find_either(r, row);

    if (text.at == NULL)
        text = default_of(r->settings, row);
    switch (row->kind) {
    case TEXT:
        *(struct str *)at = text;
        break;
    case NUMBER:
    case COUNT:
        read_number(r, row, text, at);
        break;
    case LIST:
        *(struct strs *)at = strs_split(r->a, text);
        break;
    case PAIRS:
        read_pairs(r, text, at);
        break;
    case TAGS:
        read_tags(r, text, at);
        break;
    }
}

static bool read_rows(struct reading *r, const struct row *rows, size_t n, void *into)
{
    for (size_t i = 0; i < n && r->error.n == 0; i++)
        read_row(r, &rows[i], into);
    return r->error.n == 0;
}

static bool read_service(struct reading *r, struct service_annotations *ret)
{
    if (!read_rows(r, service_rows, ARRAY_LEN(service_rows), ret))
        return false;
    if (ret->health_timeout >= ret->health_interval)
        r->error = arena_printf(r->a,
                                "healthcheck timeout must be less than healthcheck interval. "
                                "Timeout was: %lld. Interval was %lld",
                                (long long)ret->health_timeout, (long long)ret->health_interval);
    else if (!str_is(ret->target_type, "instance") && !str_is(ret->target_type, "ip"))
        r->error =
            arena_printf(r->a, "the annotation target-type does not contain a valid value (%.*s)",
                         STR_ARG(ret->target_type));
    return r->error.n == 0;
}

static struct str check_port(const struct listen_port *port, struct arena *a)
{
    if (port->port < 1 || port->port > 65535)
        return arena_printf(a, "Invalid port provided. Must be between 1 and 65535. It was %lld",
                            (long long)port->port);
    if (!str_is(port->protocol, "HTTP") && !str_is(port->protocol, "HTTPS"))
        return S("Invalid protocol provided. Must be HTTP or HTTPS and in order to use HTTPS you "
                 "must have specified a certificate ARN");
    return (struct str){0};
}

/* As Go decodes a map[string]int64: null is 0, the last of equal keys wins. */
static struct str add_port(struct arena *a, const cJSON *item, struct ingress_annotations *ret)
{
    char number[32] = "";

    if (!cJSON_IsNull(item) && !go_json_is_int(item)) {
        if (cJSON_IsNumber(item))
            (void)snprintf(number, sizeof number, " %.17g", item->valuedouble);
        return arena_printf(a,
                            "listen-ports JSON structure was invalid: json: cannot unmarshal %s%s "
                            "into Go value of type int64",
                            go_json_kind(item), number);
    }
    for (const cJSON *later = item->next; later != NULL; later = later->next)
        if (strcmp(later->string, item->string) == 0)
            return (struct str){0};
    *LIST_ADD(a, &ret->ports) = (struct listen_port){
        cJSON_IsNull(item) ? 0 : (int64_t)item->valuedouble, arena_str(a, str_c(item->string))};
    return (struct str){0};
}

/* A JSON array of {"HTTP": 80} objects: all of it is decoded, then it is checked. */
static void read_port_list(struct reading *r, const cJSON *tree, struct ingress_annotations *ret)
{
    static const char wrong[] = "listen-ports JSON structure was invalid: json: cannot unmarshal "
                                "%s into Go value of type %s";

    if (!cJSON_IsArray(tree)) {
        r->error = arena_printf(r->a, wrong, go_json_kind(tree), "[]map[string]int64");
        return;
    }
    JSON_EACH(map, tree) {
        if (!cJSON_IsObject(map) && !cJSON_IsNull(map))
            r->error = arena_printf(r->a, wrong, go_json_kind(map), "map[string]int64");
        for (const cJSON *item = map->child; item != NULL && r->error.n == 0; item = item->next)
            r->error = add_port(r->a, item, ret);
        if (r->error.n > 0)
            return;
    }
    for (size_t i = 0; i < ret->ports.n && r->error.n == 0; i++)
        r->error = check_port(&ret->ports.at[i], r->a);
}

static void read_ports(struct reading *r, struct ingress_annotations *ret)
{
    struct str text = find(r, "listen-ports"), trouble = {0};
    CLEANUP(json_freep) cJSON *tree = NULL;

    if (text.at == NULL) {
        bool https = find(r, "certificate-arn").at != NULL;

        *LIST_ADD(r->a, &ret->ports) =
            https ? (struct listen_port){443, S("HTTPS")} : (struct listen_port){80, S("HTTP")};
        return;
    }
    tree = go_json_parse(r->a, text, &trouble);
    if (tree == NULL)
        r->error =
            arena_printf(r->a, "listen-ports JSON structure was invalid: %.*s", STR_ARG(trouble));
    else if (!cJSON_IsNull(tree))
        read_port_list(r, tree, ret);
}

static void read_cidrs(struct reading *r, struct ingress_annotations *ret)
{
    struct strs all = strs_split(r->a, find(r, "security-group-inbound-cidrs"));

    if (all.n > 0)
        klog_write(KLOG_WARNING, "main.go:217",
                   "`security-group-inbound-cidrs` annotation is deprecated, use `inbound-cidrs` "
                   "instead");
    else
        all = strs_split(r->a, find(r, "inbound-cidrs"));
    for (size_t i = 0; i < all.n; i++) {
        if (!go_is_cidr(all.at[i])) {
            r->error = arena_printf(r->a, "invalid CIDR address: %.*s", STR_ARG(all.at[i]));
            return;
        }
        strs_add(r->a, str_chr(all.at[i], ':') == STR_NONE ? &ret->cidrs : &ret->v6_cidrs,
                 all.at[i]);
    }
    if (all.n > 0)
        return;
    strs_add(r->a, &ret->cidrs, S("0.0.0.0/0"));
    if (str_is(ret->ip_address_type, "dualstack"))
        strs_add(r->a, &ret->v6_cidrs, S("::/0"));
}

static void read_actions(struct reading *r, struct ingress_annotations *ret)
{
    struct str prefix =
        arena_printf(r->a, "%.*s/actions.", STR_ARG(r->settings->annotations_prefix));

    JSON_EACH(item, r->annotations) {
        struct str key = str_c(item->string), name;
        struct action action;

        if (!str_starts(key, prefix) || !cJSON_IsString(item))
            continue;
        name = arena_str(r->a, str_from(key, prefix.n));
        if (!action_parse(r->a, name, json_text(item), &action, &r->error))
            return;
        *LIST_ADD(r->a, &ret->actions) = (struct named_action){name, action};
    }
}

static void check_ingress(struct reading *r, const struct ingress_annotations *in)
{
    if (!str_is(in->ip_address_type, "ipv4") && !str_is(in->ip_address_type, "dualstack"))
        r->error = S("IP address type must be either `ipv4` or `dualstack`");
    else if (!str_is(in->scheme, "internal") && !str_is(in->scheme, "internet-facing"))
        r->error = S("ALB scheme must be either `internal` or `internet-facing`");
}

bool annotations_read_ingress(struct arena *a, const struct settings *s, const cJSON *annotations,
                              struct ingress_annotations *ret, struct str *ret_error)
{
    struct reading r = {.a = a, .settings = s, .annotations = annotations};
    struct ingress_annotations read = {0};

    if (read_service(&r, &read.service) &&
        read_rows(&r, ingress_rows, ARRAY_LEN(ingress_rows), &read))
        check_ingress(&r, &read);
    if (r.error.n == 0)
        read_ports(&r, &read);
    if (r.error.n == 0)
        read_cidrs(&r, &read);
    if (r.error.n == 0)
        read_actions(&r, &read);
    *ret_error = r.error;
    if (r.error.n == 0)
        *ret = read;
    return r.error.n == 0;
}

bool annotations_read_service(struct arena *a, const struct settings *s, const cJSON *annotations,
                              struct service_annotations *ret, struct str *ret_error)
{
    struct reading r = {.a = a, .settings = s, .annotations = annotations};
    struct service_annotations read = {0};
    struct pairs tags; /* they have no effect on a Service, but must be right */
    bool ok = read_service(&r, &read);

    if (ok)
        read_tags(&r, find(&r, "tags"), &tags);
    ok = r.error.n == 0;
    *ret_error = r.error;
    if (ok)
        *ret = read;
    return ok;
}

static bool is_default(const struct settings *s, const struct row *row, const void *at)
{
    int64_t number;

    switch (row->kind) {
    case TEXT:
        return str_eq(*(const struct str *)at, default_of(s, row));
    case NUMBER:
    case COUNT:
        return go_parse_int(str_c(row->otherwise), &number) && number == *(const int64_t *)at;
    case PAIRS:
        return ((const struct pairs *)at)->n == 0;
    case LIST:
    case TAGS:
        break;
    }
    return false;
}

struct service_annotations annotations_merge(const struct settings *s,
                                             const struct service_annotations *service,
                                             const struct service_annotations *ingress)
{
    static const size_t sizes[] = {
        [TEXT] = sizeof(struct str),  [NUMBER] = sizeof(int64_t),     [COUNT] = sizeof(int64_t),
        [LIST] = sizeof(struct strs), [PAIRS] = sizeof(struct pairs), [TAGS] = sizeof(struct pairs),
    };
    struct service_annotations merged = *service;

    for (size_t i = 0; i < ARRAY_LEN(service_rows); i++) {
        const struct row *row = &service_rows[i];

        if (is_default(s, row, (const char *)service + row->offset))
            memcpy((char *)&merged + row->offset, (const char *)ingress + row->offset,
                   sizes[row->kind]);
    }
    return merged;
}

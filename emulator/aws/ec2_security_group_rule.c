/* Rules of security groups. A rule has one peer and an id of its own; permissions with many peers
 * become many rules. Source: Amazon EC2 API Reference, AuthorizeSecurityGroupIngress,
 * RevokeSecurityGroupIngress, ModifySecurityGroupRules; reference section 5.5. */
#include "aws/ec2.h"

#include <strings.h>

#include "aws/cidr.h"
#include "store/ec2_group.h"

enum { MOST_RULES = 60, LONGEST_DESCRIPTION = 255, HIGHEST_PORT = 65535 };

/* --- protocols and words --------------------------------------------------------------------- */

static const struct {
    const char *name, *number;
} protocols[] = {
    {"tcp",    "6" },
    {"udp",    "17"},
    {"icmp",   "1" },
    {"icmpv6", "58"},
    {"-1",     "-1"},
};

/* "tcp" of "TCP" and of "6"; other numbers as they are; empty for anything else. */
static struct str normal_protocol(struct call *c, struct str given)
{
    int64_t number;

    if (str_ieq(given, S("all")))
        return S("-1");
    for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
        if (str_ieq(given, str_c(protocols[i].name)) || str_is(given, protocols[i].number))
            return str_c(protocols[i].name);
    if (!str_to_int(given, &number) || number < 0 || number > 255)
        return (struct str){0};
    return arena_printf(c->arena, "%lld", (long long)number);
}

static bool is_icmp(struct str protocol)
{
    return str_is(protocol, "icmp") || str_is(protocol, "icmpv6");
}

static bool has_ports(struct str protocol)
{
    return str_is(protocol, "tcp") || str_is(protocol, "udp");
}

static struct str upper(struct call *c, struct str s)
{
    char *text = arena_cstr(c->arena, s);

    for (char *at = text; *at != '\0'; at++)
        if (*at >= 'a' && *at <= 'z')
            *at = (char)(*at - 'a' + 'A');
    return str_c(text);
}

static struct str peer_of(const struct security_group_rule *r)
{
    return r->cidr.n > 0          ? r->cidr
           : r->cidr6.n > 0       ? r->cidr6
           : r->prefix_list.n > 0 ? r->prefix_list
                                  : r->peer_group;
}

/* "peer: 0.0.0.0/0, TCP, from port: 80, to port: 80, ALLOW" */
static struct str words_of(struct call *c, const struct security_group_rule *r)
{
    struct str peer = peer_of(r), name = upper(c, r->protocol);

    if (str_is(r->protocol, "-1"))
        return arena_printf(c->arena, "peer: %.*s, ALL, ALLOW", STR_ARG(peer));
    if (is_icmp(r->protocol))
        return arena_printf(c->arena, "peer: %.*s, %.*s, type: %lld, code: %lld, ALLOW",
                            STR_ARG(peer), STR_ARG(name), (long long)r->from_port,
                            (long long)r->to_port);
    if (!has_ports(r->protocol))
        return arena_printf(c->arena, "peer: %.*s, %.*s, ALLOW", STR_ARG(peer), STR_ARG(name));
    return arena_printf(c->arena, "peer: %.*s, %.*s, from port: %lld, to port: %lld, ALLOW",
                        STR_ARG(peer), STR_ARG(name), (long long)r->from_port,
                        (long long)r->to_port);
}

/* A description is no part of what a rule is. */
static bool same_rule(const struct security_group_rule *a, const struct security_group_rule *b)
{
    return a->egress == b->egress && str_eq(a->protocol, b->protocol) &&
           a->from_port == b->from_port && a->to_port == b->to_port && str_eq(a->cidr, b->cidr) &&
           str_eq(a->cidr6, b->cidr6) && str_eq(a->prefix_list, b->prefix_list) &&
           str_eq(a->peer_group, b->peer_group);
}

/* --- the view -------------------------------------------------------------------------------- */

static int list_rules(struct call *c, struct str id, void **ret_first)
{
    return security_group_rule_list_in(c->store, c->arena, c->account, c->region, id,
                                       (struct security_group_rule **)ret_first);
}

static struct ec2_referenced_security_group *referenced(struct call *c,
                                                        const struct security_group_rule *r)
{
    struct ec2_referenced_security_group *ref = arena_alloc(c->arena, sizeof *ref);

    ref->group_id = r->peer_group;
    ref->user_id = r->peer_account.n > 0 ? r->peer_account : c->account;
    return ref;
}

static int show_rule(struct call *c, const void *row, void *view)
{
    const struct security_group_rule *rule = row;
    struct ec2_security_group_rule *v = view;
    int r = 0;

    *v = (struct ec2_security_group_rule){
        .security_group_rule_id = rule->id,
        .group_id = rule->group_id,
        .group_owner_id = c->account,
        .is_egress = OPT_BOOL(rule->egress),
        .ip_protocol = rule->protocol,
        .from_port = OPT_INT(rule->from_port),
        .to_port = OPT_INT(rule->to_port),
        .cidr_ipv4 = rule->cidr,
        .cidr_ipv6 = rule->cidr6,
        .prefix_list_id = rule->prefix_list,
        .description = rule->description,
        .security_group_rule_arn = ec2_arn(c, "security-group-rule", rule->id),
    };
    if (rule->peer_group.n > 0)
        v->referenced_group_info = referenced(c, rule);
    v->tags.at = ec2_tags(c, "security-group-rule", rule->id, &v->tags.n, &r);
    return r;
}

static const struct ec2_filter_row rule_filters[] = {
    {"group-id",               "groupId"            },
    {"security-group-rule-id", "securityGroupRuleId"},
};

const struct ec2_kind ec2_security_group_rule_kind = {
    .type = "security-group-rule",
    .prefix = "sgr",
    .missing = "InvalidSecurityGroupRuleId.NotFound",
    .malformed = "InvalidSecurityGroupRuleId.Malformed",
    .noun = "security group rule ID",
    .ids = "SecurityGroupRuleId",
    .view = &ec2_security_group_rule_shape,
    EC2_FILTERS(rule_filters),
    .list = list_rules,
    .show = show_rule,
};

struct done ec2_describe_security_group_rules(struct call *c, const void *input)
{
    return ec2_describe(c, input, &ec2_security_group_rule_kind);
}

/* --- reading permissions --------------------------------------------------------------------- */

/* What authorizing and revoking, in and out, have in common. */
struct change {
    bool egress;
    struct security_group *group;
    const struct ec2_ip_permission *permissions;
    size_t count;
    struct security_group_rule *rules; /* what they say, one peer each */
    size_t n, room;
};

static bool description_holds(struct call *c, struct str text, struct done *ret_done)
{
    bool fine = text.n <= LONGEST_DESCRIPTION;

    for (size_t i = 0; fine && i < text.n; i++) {
        char ch = text.at[i];

        fine = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
               (ch != '\0' && strchr(". _-:/()#,@[]+=&;{}!$*", ch) != NULL);
    }
    return fine || ec2_refuse(c, ret_done, "InvalidParameterValue",
                              "Invalid rule description. Valid descriptions are strings less than "
                              "256 characters from the following set:  a-zA-Z0-9. "
                              "_-:/()#,@[]+=&;{}!$*");
}

/* Protocol and ports of a permission into @rule. */
static bool read_traffic(struct call *c, const struct ec2_ip_permission *p,
                         struct security_group_rule *rule, struct done *ret_done)
{
    if (p->ip_protocol.n == 0)
        return ec2_refuse(c, ret_done, "MissingParameter",
                          "The request must contain the parameter ipProtocol");
    rule->protocol = normal_protocol(c, p->ip_protocol);
    rule->from_port = p->from_port.set ? p->from_port.v : -1;
    rule->to_port = p->to_port.set ? p->to_port.v : -1;
    if (rule->protocol.n == 0)
        return ec2_refuse(c, ret_done, "InvalidParameterValue",
                          "Invalid value '%.*s' for IP protocol. Unknown protocol.",
                          STR_ARG(p->ip_protocol));
    if (!has_ports(rule->protocol) && !is_icmp(rule->protocol)) {
        rule->from_port = rule->to_port = -1;
        return true;
    }
    if (has_ports(rule->protocol) && (!p->from_port.set || !p->to_port.set))
        return ec2_refuse(c, ret_done, "InvalidParameterValue",
                          "Invalid value 'Must specify both from and to ports with TCP/UDP.' for "
                          "portRange.");
    if (is_icmp(rule->protocol) && (rule->from_port < -1 || rule->from_port > 255 ||
                                    rule->to_port < -1 || rule->to_port > 255))
        return ec2_refuse(c, ret_done, "InvalidParameterValue", "ICMP code (%lld) out of range",
                          (long long)rule->to_port);
    if (!has_ports(rule->protocol))
        return true;
    /* -1 for both is every port. */
    if (rule->from_port == -1 && rule->to_port == -1) {
        rule->from_port = 0;
        rule->to_port = HIGHEST_PORT;
    }
    if (rule->from_port < 0 || rule->to_port > HIGHEST_PORT || rule->from_port > rule->to_port)
        return ec2_refuse(c, ret_done, "InvalidParameterValue",
                          "Invalid TCP/UDP port range (%lld:%lld)", (long long)rule->from_port,
                          (long long)rule->to_port);
    return true;
}

static bool read_block(struct call *c, struct str given, bool six, struct str *ret_text,
                       struct done *ret_done)
{
    if (six ? cidr6_canonical(c->arena, given, ret_text)
            : cidr_canonical(c->arena, given, ret_text))
        return true;
    return ec2_refuse(c, ret_done, "InvalidParameterValue", "CIDR block %.*s is malformed",
                      STR_ARG(given));
}

static bool read_peer_group(struct call *c, const struct change *change,
                            const struct ec2_user_id_group_pair *pair,
                            struct security_group_rule *rule, struct done *ret_done)
{
    struct security_group *peer = NULL, *first = NULL;
    int r;

    if (pair->group_id.n > 0) {
        if (!ec2_need(c, &ec2_security_group_kind, pair->group_id, &peer, ret_done))
            return false;
    } else {
        r = security_group_list(c->store, c->arena, c->account, c->region, (struct str){0}, &first);
        if (r < 0)
            return ec2_failed(c, r, ret_done);
        for (; peer == NULL && first != NULL; first = first->next)
            if (str_eq(first->vpc, change->group->vpc) && str_eq(first->name, pair->group_name))
                peer = first;
        if (peer == NULL)
            return ec2_refuse(c, ret_done, "InvalidGroup.NotFound",
                              "The security group '%.*s' does not exist in VPC '%.*s'",
                              STR_ARG(pair->group_name), STR_ARG(change->group->vpc));
    }
    if (!str_eq(peer->vpc, change->group->vpc) &&
        !ec2_vpcs_are_peered(c, peer->vpc, change->group->vpc))
        return ec2_refuse(c, ret_done, "InvalidGroup.NotFound",
                          "You have specified two resources that belong to different networks.");
    rule->peer_group = peer->id;
    rule->peer_account = peer->account;
    return true;
}

static bool add_rule(struct call *c, struct change *change, const struct security_group_rule *rule,
                     struct done *ret_done)
{
    if (!description_holds(c, rule->description, ret_done))
        return false;
    for (size_t i = 0; i < change->n; i++)
        if (same_rule(&change->rules[i], rule))
            return ec2_refuse(c, ret_done, "InvalidParameterValue",
                              "The same permission must not appear multiple times");
    change->rules[change->n++] = *rule;
    return true;
}

static size_t peers_of(const struct ec2_ip_permission *p)
{
    return p->ip_ranges.n + p->ipv6_ranges.n + p->prefix_list_ids.n + p->user_id_group_pairs.n;
}

/* One permission into rules. */
static bool read_permission(struct call *c, struct change *change,
                            const struct ec2_ip_permission *p, struct done *ret_done)
{
    struct security_group_rule head = {.group_id = change->group->id, .egress = change->egress};

    if (!read_traffic(c, p, &head, ret_done))
        return false;
    if (peers_of(p) == 0)
        return ec2_refuse(c, ret_done, "MissingParameter",
                          "Source group ID or CIDR block must be specified");
    for (size_t i = 0; i < p->ip_ranges.n; i++) {
        struct security_group_rule rule = head;

        rule.description = p->ip_ranges.at[i].description;
        if (!read_block(c, p->ip_ranges.at[i].cidr_ip, false, &rule.cidr, ret_done) ||
            !add_rule(c, change, &rule, ret_done))
            return false;
    }
    for (size_t i = 0; i < p->ipv6_ranges.n; i++) {
        struct security_group_rule rule = head;

        rule.description = p->ipv6_ranges.at[i].description;
        if (!read_block(c, p->ipv6_ranges.at[i].cidr_ipv6, true, &rule.cidr6, ret_done) ||
            !add_rule(c, change, &rule, ret_done))
            return false;
    }
    for (size_t i = 0; i < p->prefix_list_ids.n; i++) {
        struct security_group_rule rule = head;

        rule.description = p->prefix_list_ids.at[i].description;
        rule.prefix_list = p->prefix_list_ids.at[i].prefix_list_id;
        if (!ec2_prefix_list_holds(c, rule.prefix_list, ret_done) ||
            !add_rule(c, change, &rule, ret_done))
            return false;
    }
    for (size_t i = 0; i < p->user_id_group_pairs.n; i++) {
        struct security_group_rule rule = head;

        rule.description = p->user_id_group_pairs.at[i].description;
        if (!read_peer_group(c, change, &p->user_id_group_pairs.at[i], &rule, ret_done) ||
            !add_rule(c, change, &rule, ret_done))
            return false;
    }
    return true;
}

static bool read_permissions(struct call *c, struct change *change, struct done *ret_done)
{
    for (size_t i = 0; i < change->count; i++)
        change->room += peers_of(&change->permissions[i]);
    change->rules = arena_array(c->arena, change->room + 1, sizeof *change->rules);
    for (size_t i = 0; i < change->count; i++)
        if (!read_permission(c, change, &change->permissions[i], ret_done))
            return false;
    return true;
}

/* The old form has one permission's members in the request itself. */
struct flat_form {
    struct str protocol, cidr, group_name, group_owner;
    struct opt_int from, to;
};

static void use_flat_form(struct call *c, struct change *change, const struct flat_form *flat)
{
    struct ec2_ip_permission *p;

    if (change->count > 0 || (flat->protocol.n == 0 && flat->group_name.n == 0))
        return;
    p = arena_alloc(c->arena, sizeof *p);
    p->ip_protocol = flat->protocol.n > 0 ? flat->protocol : S("-1");
    p->from_port = flat->from;
    p->to_port = flat->to;
    if (flat->cidr.n > 0) {
        p->ip_ranges.at = arena_alloc(c->arena, sizeof *p->ip_ranges.at);
        p->ip_ranges.at[0].cidr_ip = flat->cidr;
        p->ip_ranges.n = 1;
    }
    if (flat->group_name.n > 0) {
        p->user_id_group_pairs.at = arena_alloc(c->arena, sizeof *p->user_id_group_pairs.at);
        p->user_id_group_pairs.at[0].group_name = flat->group_name;
        p->user_id_group_pairs.at[0].user_id = flat->group_owner;
        p->user_id_group_pairs.n = 1;
    }
    change->permissions = p;
    change->count = 1;
}

/* --- authorizing ----------------------------------------------------------------------------- */

static bool room_holds(struct call *c, const struct change *change,
                       const struct security_group_rule *first, struct done *ret_done)
{
    size_t have = change->n;

    for (; first != NULL; first = first->next) {
        have += first->egress == change->egress;
        for (size_t i = 0; i < change->n; i++)
            if (same_rule(first, &change->rules[i]))
                return ec2_refuse(c, ret_done, "InvalidPermission.Duplicate",
                                  "the specified rule \"%.*s\" already exists",
                                  STR_ARG(words_of(c, &change->rules[i])));
    }
    return have <= MOST_RULES ||
           ec2_refuse(c, ret_done, "RulesPerSecurityGroupLimitExceeded",
                      "The maximum number of rules per security group has been reached.");
}

/* Both results look alike. */
static struct done authorize_all(struct call *c, struct change *change,
                                 const struct ec2_tag_specification *specs, size_t n)
{
    struct ec2_authorize_security_group_ingress_result out = {.return_ = OPT_BOOL(true)};
    struct security_group_rule *have = NULL;
    struct done done;
    int r;

    if (change->count == 0)
        return ec2_fault(c, "MissingParameter",
                         "The request must contain the parameter IpPermissions");
    if (!read_permissions(c, change, &done))
        return done;
    r = security_group_rule_list(c->store, c->arena, change->group->id, &have);
    if (r < 0)
        return call_fail(c, r);
    if (!room_holds(c, change, have, &done))
        return done;
    out.security_group_rules.at =
        arena_array(c->arena, change->n + 1, sizeof *out.security_group_rules.at);
    for (size_t i = 0; r == 0 && i < change->n; i++) {
        r = security_group_rule_make(c->store, c->arena, &change->rules[i]);
        if (r == 0 && !ec2_tag_new(c, specs, n, "security-group-rule", change->rules[i].id, &done))
            return done;
        if (r == 0)
            r = show_rule(c, &change->rules[i], &out.security_group_rules.at[i]);
        out.security_group_rules.n++;
    }
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

struct done ec2_authorize_security_group_ingress(struct call *c, const void *input)
{
    const struct ec2_authorize_security_group_ingress_request *in = input;
    struct change change = {.permissions = in->ip_permissions.at, .count = in->ip_permissions.n};
    struct done done;

    if (!ec2_need_group(c, in->group_id, in->group_name, &change.group, &done))
        return done;
    use_flat_form(c, &change,
                  &(struct flat_form){in->ip_protocol, in->cidr_ip, in->source_security_group_name,
                                      in->source_security_group_owner_id, in->from_port,
                                      in->to_port});
    return authorize_all(c, &change, in->tag_specifications.at, in->tag_specifications.n);
}

struct done ec2_authorize_security_group_egress(struct call *c, const void *input)
{
    const struct ec2_authorize_security_group_egress_request *in = input;
    struct change change = {
        .egress = true, .permissions = in->ip_permissions.at, .count = in->ip_permissions.n};
    struct done done;

    if (!ec2_need(c, &ec2_security_group_kind, in->group_id, &change.group, &done))
        return done;
    use_flat_form(c, &change,
                  &(struct flat_form){in->ip_protocol, in->cidr_ip, in->source_security_group_name,
                                      in->source_security_group_owner_id, in->from_port,
                                      in->to_port});
    return authorize_all(c, &change, in->tag_specifications.at, in->tag_specifications.n);
}

/* --- revoking -------------------------------------------------------------------------------- */

static struct security_group_rule *find_same(struct security_group_rule *first,
                                             const struct security_group_rule *wanted)
{
    while (first != NULL && !same_rule(first, wanted))
        first = first->next;
    return first;
}

static struct security_group_rule *find_id(struct security_group_rule *first, struct str id,
                                           bool egress)
{
    while (first != NULL && !(str_eq(first->id, id) && first->egress == egress))
        first = first->next;
    return first;
}

static struct ec2_revoked_security_group_rule shown_revoked(const struct security_group_rule *r)
{
    return (struct ec2_revoked_security_group_rule){
        .security_group_rule_id = r->id,
        .group_id = r->group_id,
        .is_egress = OPT_BOOL(r->egress),
        .ip_protocol = r->protocol,
        .from_port = OPT_INT(r->from_port),
        .to_port = OPT_INT(r->to_port),
        .cidr_ipv4 = r->cidr,
        .cidr_ipv6 = r->cidr6,
        .prefix_list_id = r->prefix_list,
        .referenced_group_id = r->peer_group,
        .description = r->description,
    };
}

/* The rules that go: of the ids, and equal to what the permissions say. */
static bool find_revoked(struct call *c, struct change *change, const struct str_list *ids,
                         struct security_group_rule **gone, size_t *ret_n, struct done *ret_done)
{
    struct security_group_rule *have = NULL;
    int r = security_group_rule_list(c->store, c->arena, change->group->id, &have);

    if (r < 0)
        return ec2_failed(c, r, ret_done);
    for (size_t i = 0; i < ids->n; i++) {
        gone[*ret_n] = find_id(have, ids->at[i], change->egress);
        if (gone[(*ret_n)++] == NULL)
            return ec2_refuse(c, ret_done, "InvalidSecurityGroupRuleId.NotFound",
                              "The security group rule ID '%.*s' does not exist",
                              STR_ARG(ids->at[i]));
    }
    for (size_t i = 0; i < change->n; i++) {
        gone[*ret_n] = find_same(have, &change->rules[i]);
        if (gone[(*ret_n)++] == NULL)
            return ec2_refuse(c, ret_done, "InvalidPermission.NotFound",
                              "The specified rule does not exist in this security group.");
    }
    return true;
}

/* Both results look alike. */
static struct done revoke_all(struct call *c, struct change *change, const struct str_list *ids)
{
    struct ec2_revoke_security_group_ingress_result out = {.return_ = OPT_BOOL(true)};
    struct security_group_rule **gone;
    struct done done;
    size_t n = 0;
    int r = 0;

    if (change->count == 0 && ids->n == 0)
        return ec2_fault(c, "MissingParameter",
                         "The request must contain the parameter IpPermissions");
    if (change->count > 0 && ids->n > 0)
        return ec2_fault(c, "InvalidParameterCombination",
                         "The parameter ipPermissions cannot be used with the parameter "
                         "securityGroupRuleIds");
    if (!read_permissions(c, change, &done))
        return done;
    gone = arena_array(c->arena, change->n + ids->n + 1, sizeof(struct security_group_rule *));
    if (!find_revoked(c, change, ids, gone, &n, &done))
        return done;
    out.revoked_security_group_rules.at =
        arena_array(c->arena, n + 1, sizeof *out.revoked_security_group_rules.at);
    out.unknown_ip_permissions.at = arena_alloc(c->arena, sizeof *out.unknown_ip_permissions.at);
    for (size_t i = 0; r == 0 && i < n; i++) {
        r = security_group_rule_delete(c->store, gone[i]->id, gone[i]->group_id);
        if (r == 0)
            r = ec2_untag(c, "security-group-rule", gone[i]->id);
        out.revoked_security_group_rules.at[out.revoked_security_group_rules.n++] =
            shown_revoked(gone[i]);
    }
    return r < 0 ? call_fail(c, r) : call_reply(c, &out);
}

struct done ec2_revoke_security_group_ingress(struct call *c, const void *input)
{
    const struct ec2_revoke_security_group_ingress_request *in = input;
    struct change change = {.permissions = in->ip_permissions.at, .count = in->ip_permissions.n};
    struct done done;

    if (!ec2_need_group(c, in->group_id, in->group_name, &change.group, &done))
        return done;
    use_flat_form(c, &change,
                  &(struct flat_form){in->ip_protocol, in->cidr_ip, in->source_security_group_name,
                                      in->source_security_group_owner_id, in->from_port,
                                      in->to_port});
    return revoke_all(c, &change, &in->security_group_rule_ids);
}

struct done ec2_revoke_security_group_egress(struct call *c, const void *input)
{
    const struct ec2_revoke_security_group_egress_request *in = input;
    struct change change = {
        .egress = true, .permissions = in->ip_permissions.at, .count = in->ip_permissions.n};
    struct done done;

    if (!ec2_need(c, &ec2_security_group_kind, in->group_id, &change.group, &done))
        return done;
    use_flat_form(c, &change,
                  &(struct flat_form){in->ip_protocol, in->cidr_ip, in->source_security_group_name,
                                      in->source_security_group_owner_id, in->from_port,
                                      in->to_port});
    return revoke_all(c, &change, &in->security_group_rule_ids);
}

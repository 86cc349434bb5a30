/* Security groups as they are made. */
#include "store/ec2_group.h"

struct str ec2_new_id(struct store *s, struct arena *a, const char *prefix)
{
    struct str hex = ids_hex(store_ids(s), a, 17);

    return arena_printf(a, "%s-%.*s", prefix, STR_ARG(hex));
}

int security_group_rule_make(struct store *s, struct arena *a, struct security_group_rule *rule)
{
    rule->id = ec2_new_id(s, a, "sgr");
    return ec2_insert(s, &security_group_rule_table, rule, rule->group_id);
}

int security_group_make(struct store *s, struct arena *a, struct security_group *g, bool self)
{
    struct security_group_rule inside = {.protocol = S("-1"), .from_port = -1, .to_port = -1};
    struct security_group_rule out = inside;
    int r;

    if (g->id.n == 0)
        g->id = ec2_new_id(s, a, "sg");
    inside.group_id = inside.peer_group = out.group_id = g->id;
    inside.peer_account = g->account;
    out.egress = true;
    out.cidr = S("0.0.0.0/0");
    r = ec2_insert(s, &security_group_table, g, g->id);
    if (r == 0 && self)
        r = security_group_rule_make(s, a, &inside);
    return r < 0 ? r : security_group_rule_make(s, a, &out);
}

int security_group_in_use(struct store *s, struct arena *a, struct str id, bool *ret_used)
{
    struct security_group_rule *rule = NULL;
    struct network_interface *eni = NULL;
    int r = interface_list_by_group(s, a, id, &eni);

    *ret_used = eni != NULL;
    if (r == 0)
        r = security_group_rule_list_by_peer(s, a, id, &rule);
    for (; r == 0 && rule != NULL; rule = rule->next)
        *ret_used = *ret_used || !str_eq(rule->group_id, id);
    return r;
}

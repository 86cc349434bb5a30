/* The default VPC that every region of an account has from the start: made when EC2 is first asked
 * for something there. Source: Amazon VPC User Guide, "Default VPCs"; reference section 5.7. */
#include "aws/ec2.h"

#include "store/setting.h"

static struct str marker(struct call *c)
{
    return arena_printf(c->arena, "ec2/default-vpc/%.*s/%.*s", STR_ARG(c->account),
                        STR_ARG(c->region));
}

/* The default subnet of the @i-th zone: 172.31.<16 i>.0/20. */
int ec2_make_default_subnet(struct call *c, struct str vpc, struct str zone, size_t i,
                            struct str *ret_id)
{
    struct subnet subnet = {.id = ec2_id(c, "subnet"),
                            .account = c->account,
                            .region = c->region,
                            .vpc = vpc,
                            .zone = zone,
                            .cidr = arena_printf(c->arena, "172.31.%zu.0/20", i * 16),
                            .map_public = true,
                            .default_for_az = true};

    *ret_id = subnet.id;
    return ec2_insert(c->store, &subnet_table, &subnet, subnet.id);
}

/* The way out, in the main route table. */
static int make_gateway(struct call *c, struct str vpc)
{
    struct gateway gateway = {
        .id = ec2_id(c, "igw"), .account = c->account, .region = c->region, .vpc = vpc};
    struct vpc_route out = {.destination = S("0.0.0.0/0"), .target = gateway.id};
    struct route_table *table = NULL;
    int r = ec2_insert(c->store, &gateway_table, &gateway, gateway.id);

    if (r == 0)
        r = route_table_list(c->store, c->arena, c->account, c->region, (struct str){0}, &table);
    while (table != NULL && !(str_eq(table->vpc, vpc) && table->main))
        table = table->next;
    if (r < 0 || table == NULL)
        return r;
    out.route_table = table->id;
    return ec2_insert(c->store, &vpc_route_table, &out, table->id);
}

int ec2_make_default_vpc(struct call *c, struct str *ret_id)
{
    struct vpc vpc = {.id = ec2_id(c, "vpc"),
                      .account = c->account,
                      .region = c->region,
                      .cidr = S("172.31.0.0/16"),
                      .is_default = true,
                      .dns_support = true,
                      .dns_hostnames = true};
    struct str_list zones = ec2_zones(c);
    struct str subnet;
    int r = ec2_make_vpc(c, &vpc);

    if (r == 0)
        r = make_gateway(c, vpc.id);
    for (size_t i = 0; r == 0 && i < zones.n; i++)
        r = ec2_make_default_subnet(c, vpc.id, zones.at[i], i, &subnet);
    *ret_id = vpc.id;
    return r;
}

static int make_and_note(struct call *c)
{
    struct str id;
    int r = ec2_make_default_vpc(c, &id);

    return r < 0 ? r : setting_put(c->store, marker(c), id);
}

int ec2_need_region(struct call *c)
{
    struct str known = {0};
    int r = setting_get(c->store, c->arena, marker(c), &known);

    if (r < 0 || known.n > 0)
        return r;
    if (store_in_transaction(c->store))
        return make_and_note(c);
    r = store_begin(c->store);
    if (r == 0)
        r = make_and_note(c);
    if (r == 0)
        return store_commit(c->store);
    store_rollback(c->store);
    return r;
}

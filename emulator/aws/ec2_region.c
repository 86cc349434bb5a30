/* Regions, their zones, and what an account may have there.
 * Source: AWS General Reference, "Regions, Availability Zones"; Amazon EC2 API Reference,
 * DescribeAvailabilityZones, DescribeAccountAttributes. */
#include "aws/ec2.h"

/* Zones as an account of today has them: the letters, and the numbers of their ids. */
static const struct region_row {
    const char *name, *prefix; /* of zone ids */
    const char *zones;         /* a letter and a number each */
    bool opt_in;
} regions[] = {
    {"af-south-1",     "afs1",  "a1b2c3",       true },
    {"ap-east-1",      "ape1",  "a1b2c3",       true },
    {"ap-northeast-1", "apne1", "a4c1d2",       false},
    {"ap-northeast-2", "apne2", "a1b2c3d4",     false},
    {"ap-northeast-3", "apne3", "a3b1c2",       false},
    {"ap-south-1",     "aps1",  "a1b3c2",       false},
    {"ap-southeast-1", "apse1", "a1b2c3",       false},
    {"ap-southeast-2", "apse2", "a1b3c2",       false},
    {"ca-central-1",   "cac1",  "a1b2d4",       false},
    {"eu-central-1",   "euc1",  "a2b3c1",       false},
    {"eu-north-1",     "eun1",  "a1b2c3",       false},
    {"eu-south-1",     "eus1",  "a1b2c3",       true },
    {"eu-west-1",      "euw1",  "a3b1c2",       false},
    {"eu-west-2",      "euw2",  "a2b3c1",       false},
    {"eu-west-3",      "euw3",  "a1b2c3",       false},
    {"me-south-1",     "mes1",  "a1b2c3",       true },
    {"sa-east-1",      "sae1",  "a1b2c3",       false},
    {"us-east-1",      "use1",  "a4b6c1d2e3f5", false},
    {"us-east-2",      "use2",  "a1b2c3",       false},
    {"us-west-1",      "usw1",  "a1c3",         false},
    {"us-west-2",      "usw2",  "a2b1c3d4",     false},
};

/* A region that the table lacks has three zones. */
static struct region_row region_of(struct call *c)
{
    for (size_t i = 0; i < ARRAY_LEN(regions); i++)
        if (str_is(c->region, regions[i].name))
            return regions[i];
    return (struct region_row){arena_cstr(c->arena, c->region), "elb1", "a1b2c3", false};
}

struct str ec2_zone_id(struct call *c, struct str zone)
{
    struct region_row region = region_of(c);
    struct str name = str_c(region.name);

    if (!str_starts(zone, name) || zone.n != name.n + 1)
        return (struct str){0};
    for (const char *z = region.zones; *z != '\0'; z += 2)
        if (zone.at[name.n] == z[0])
            return arena_printf(c->arena, "%s-az%c", region.prefix, z[1]);
    return (struct str){0};
}

struct str_list ec2_zones(struct call *c)
{
    struct region_row region = region_of(c);
    struct str_list zones = {arena_array(c->arena, strlen(region.zones), sizeof(struct str)), 0};

    for (const char *z = region.zones; *z != '\0'; z += 2)
        zones.at[zones.n++] = arena_printf(c->arena, "%s%c", region.name, z[0]);
    return zones;
}

/* --- regions --------------------------------------------------------------------------------- */

/* Rows for the filter engine: links over the table. */
struct linked {
    struct linked *next;
    struct str name;
    const struct region_row *region;
};

static int list_regions(struct call *c, struct str id, void **ret_first)
{
    struct linked **tail = (struct linked **)ret_first;

    for (size_t i = 0; i < ARRAY_LEN(regions); i++) {
        struct linked *one;

        if (id.n > 0 && !str_is(id, regions[i].name))
            continue;
        one = arena_alloc(c->arena, sizeof *one);
        one->region = &regions[i];
        *tail = one;
        tail = &one->next;
    }
    return 0;
}

static int show_region(struct call *c, const void *row, void *view)
{
    const struct region_row *region = ((const struct linked *)row)->region;
    struct ec2_region *v = view;

    v->region_name = str_c(region->name);
    v->endpoint = arena_printf(c->arena, "ec2.%s.amazonaws.com", region->name);
    v->opt_in_status = region->opt_in ? S("not-opted-in") : S("opt-in-not-required");
    return 0;
}

static const struct ec2_filter_row region_filters[] = {
    {"endpoint",      "regionEndpoint"},
    {"opt-in-status", "optInStatus"   },
    {"region-name",   "regionName"    },
};

static const struct ec2_kind region_kind = {
    .missing = "InvalidParameterValue",
    .noun = "region",
    .ids = "RegionName",
    .view = &ec2_region_shape,
    EC2_FILTERS(region_filters),
    .list = list_regions,
    .show = show_region,
};

struct done ec2_describe_regions(struct call *c, const void *input)
{
    const struct ec2_describe_regions_request *in = input;
    struct ec2_describe_regions_result out = {0};
    const struct ec2_region *all;
    struct ec2_views views;
    struct done done;

    if (!ec2_collect(c, input, &region_kind, &views, &done))
        return done;
    all = views.at;
    out.regions.at = arena_array(c->arena, views.n + 1, sizeof *out.regions.at);
    /* Without a wish for all of them, those that the account has not opted into stay away. */
    for (size_t i = 0; i < views.n; i++)
        if (in->all_regions.v || in->region_names.n > 0 ||
            !str_is(all[i].opt_in_status, "not-opted-in"))
            out.regions.at[out.regions.n++] = all[i];
    return call_reply(c, &out);
}

/* --- zones ----------------------------------------------------------------------------------- */

static int list_zones(struct call *c, struct str id, void **ret_first)
{
    struct linked **tail = (struct linked **)ret_first;
    struct str_list zones = ec2_zones(c);

    for (size_t i = 0; i < zones.n; i++) {
        struct linked *one;

        if (id.n > 0 && !str_eq(id, zones.at[i]))
            continue;
        one = arena_alloc(c->arena, sizeof *one);
        one->name = zones.at[i];
        *tail = one;
        tail = &one->next;
    }
    return 0;
}

static int show_zone(struct call *c, const void *row, void *view)
{
    struct ec2_availability_zone *v = view;

    v->zone_name = ((const struct linked *)row)->name;
    v->zone_id = ec2_zone_id(c, v->zone_name);
    v->region_name = c->region;
    v->group_name = c->region;
    v->network_border_group = c->region;
    v->zone_type = S("availability-zone");
    v->state = S("available");
    v->opt_in_status = S("opt-in-not-required");
    v->messages.at = arena_alloc(c->arena, sizeof *v->messages.at);
    return 0;
}

static const struct ec2_filter_row zone_filters[] = {
    {"group-name",       "groupName"     },
    {"message",          "messageSet"    },
    {"opt-in-status",    "optInStatus"   },
    {"parent-zone-id",   "parentZoneId"  },
    {"parent-zone-name", "parentZoneName"},
    {"region-name",      "regionName"    },
    {"state",            "zoneState"     },
    {"zone-id",          "zoneId"        },
    {"zone-name",        "zoneName"      },
    {"zone-type",        "zoneType"      },
};

static const struct ec2_kind zone_kind = {
    .missing = "InvalidParameterValue",
    .noun = "availability zone",
    .ids = "ZoneName",
    .view = &ec2_availability_zone_shape,
    EC2_FILTERS(zone_filters),
    .list = list_zones,
    .show = show_zone,
};

/* A zone may be asked for by its id as well. */
struct done ec2_describe_availability_zones(struct call *c, const void *input)
{
    struct ec2_describe_availability_zones_request in =
        *(const struct ec2_describe_availability_zones_request *)input;
    struct str_list zones = ec2_zones(c);
    struct str_list names = {
        arena_array(c->arena, in.zone_names.n + in.zone_ids.n + 1, sizeof(struct str)), 0};

    for (size_t i = 0; i < in.zone_names.n + in.zone_ids.n; i++) {
        bool by_id = i >= in.zone_names.n;
        struct str wanted = by_id ? in.zone_ids.at[i - in.zone_names.n] : in.zone_names.at[i];
        struct str found = {0};

        for (size_t k = 0; k < zones.n; k++)
            if (str_eq(wanted, by_id ? ec2_zone_id(c, zones.at[k]) : zones.at[k]))
                found = zones.at[k];
        if (found.n == 0)
            return ec2_fault(c, "InvalidParameterValue", "Invalid availability zone%s: [%.*s]",
                             by_id ? "-id" : "", STR_ARG(wanted));
        names.at[names.n++] = found;
    }
    in.zone_names = names;
    return ec2_describe(c, &in, &zone_kind);
}

/* --- the account ----------------------------------------------------------------------------- */

static struct str default_vpc(struct call *c)
{
    struct vpc *v = NULL;

    if (vpc_list(c->store, c->arena, c->account, c->region, (struct str){0}, &v) < 0)
        return S("none");
    while (v != NULL && !v->is_default)
        v = v->next;
    return v != NULL ? v->id : S("none");
}

struct done ec2_describe_account_attributes(struct call *c, const void *input)
{
    const struct ec2_describe_account_attributes_request *in = input;
    const struct {
        const char *name;
        struct str value;
    } attributes[] = {
        {"supported-platforms",                   S("VPC")      },
        {"vpc-max-security-groups-per-interface", S("5")        },
        {"max-elastic-ips",                       S("5")        },
        {"max-instances",                         S("20")       },
        {"vpc-max-elastic-ips",                   S("5")        },
        {"default-vpc",                           default_vpc(c)},
    };
    struct ec2_describe_account_attributes_result out = {0};

    out.account_attributes.at =
        arena_array(c->arena, ARRAY_LEN(attributes), sizeof *out.account_attributes.at);
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
        struct ec2_account_attribute *one = &out.account_attributes.at[out.account_attributes.n];
        bool wanted = in->attribute_names.n == 0;

        for (size_t k = 0; k < in->attribute_names.n; k++)
            wanted = wanted || str_is(in->attribute_names.at[k], attributes[i].name);
        if (!wanted)
            continue;
        one->attribute_name = str_c(attributes[i].name);
        one->attribute_values.at = arena_alloc(c->arena, sizeof *one->attribute_values.at);
        one->attribute_values.at[0].attribute_value = attributes[i].value;
        one->attribute_values.n = 1;
        out.account_attributes.n++;
    }
    return call_reply(c, &out);
}

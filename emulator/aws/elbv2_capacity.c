/* Capacity reservations: capacity units that a load balancer keeps ready. Nothing here runs out of
 * capacity, so they are granted as soon as they are asked for.
 * Source: ELB API Reference 2015-12-01, ModifyCapacityReservation; Application Load Balancers User
 * Guide, "Capacity reservations". */
#include "aws/elbv2.h"

#include "base/macros.h"

enum { DAY_MS = 24 * 60 * 60 * 1000, DECREASES_A_DAY = 2, LEAST_UNITS = 100 };

static const int64_t most_units = 1500;

static int64_t decreases_left(struct call *c, const struct lb_capacity *now)
{
    if (now == NULL || now->day != c->now / DAY_MS)
        return DECREASES_A_DAY;
    return DECREASES_A_DAY - now->decreases;
}

/* What both operations answer; their outputs are alike. */
struct view {
    struct opt_int last_modified_time;
    struct opt_int decrease_requests_remaining;
    const struct elbv2_minimum_load_balancer_capacity *minimum;
    struct elbv2_zonal_capacity_reservation_state *zones;
    size_t zone_count;
};

static int show(struct call *c, const struct load_balancer *lb, const char *state, struct view *ret)
{
    struct elbv2_minimum_load_balancer_capacity *minimum = arena_alloc(c->arena, sizeof *minimum);
    struct elbv2_capacity_reservation_status *status = arena_alloc(c->arena, sizeof *status);
    struct elbv2_availability_zone *zones = NULL;
    struct lb_capacity *now = NULL;
    size_t n = 0;
    int r = lb_capacity_find(c->store, c->arena, lb->arn, &now);

    if (r == 0)
        r = elb_show_zones(c, lb, &zones, &n);
    if (r < 0)
        return r;
    ret->decrease_requests_remaining = OPT_INT(decreases_left(c, now));
    if (now != NULL)
        ret->last_modified_time = OPT_INT(now->modified);
    if (now == NULL || now->units == 0)
        return 0;
    minimum->capacity_units = OPT_INT(now->units);
    ret->minimum = minimum;
    status->code = str_c(state);
    ret->zones = arena_array(c->arena, n, sizeof *ret->zones);
    for (size_t i = 0; i < n; i++)
        ret->zones[ret->zone_count++] = (struct elbv2_zonal_capacity_reservation_state){
            status, zones[i].zone_name, {true, (double)now->units / (double)n}
        };
    return 0;
}

static int check_units(struct call *c, const struct load_balancer *lb, int64_t units)
{
    if (str_is(lb->type, "gateway"))
        return elb_refuse(c, &elbv2_operation_not_permitted_exception,
                          "Capacity reservations are not supported for load balancers with type "
                          "'gateway'");
    if (units < LEAST_UNITS)
        return elb_refuse(c, &elbv2_invalid_configuration_request_exception,
                          "The minimum capacity '%lld' must be at least '%d' capacity units",
                          (long long)units, LEAST_UNITS);
    if (str_is(lb->type, "application") && units > most_units)
        return elb_refuse(c, &elbv2_capacity_units_limit_exceeded_exception,
                          "You've exceeded the capacity units limit");
    return 0;
}

static int read_change(struct call *c, const struct elbv2_modify_capacity_reservation_input *in,
                       int64_t *ret_units)
{
    const struct elbv2_minimum_load_balancer_capacity *m = in->minimum_load_balancer_capacity;
    bool given = m != NULL && m->capacity_units.set;

    if (given == in->reset_capacity_reservation.v)
        return elb_refuse(c, &AWS_VALIDATION_ERROR, "%s",
                          given ? "A minimum capacity and a reset cannot be specified at the same "
                                  "time"
                                : "Either a minimum capacity or a reset must be specified");
    *ret_units = given ? m->capacity_units.v : 0;
    return 0;
}

static int change(struct call *c, const struct load_balancer *lb, int64_t units)
{
    struct lb_capacity next = {.arn = lb->arn, .units = units, .modified = c->now}, *now = NULL;
    int r = lb_capacity_find(c->store, c->arena, lb->arn, &now);
    bool lower = now != NULL && units < now->units;

    if (r < 0)
        return r;
    if (lower && decreases_left(c, now) == 0)
        return elb_refuse(c, &elbv2_capacity_decrease_requests_limit_exceeded_exception,
                          "You've exceeded the daily capacity decrease limit for this reservation");
    next.day = c->now / DAY_MS;
    next.decreases = DECREASES_A_DAY - decreases_left(c, now) + lower;
    return lb_capacity_put(c->store, &next);
}

struct done elb_modify_capacity_reservation(struct call *c, const void *input)
{
    const struct elbv2_modify_capacity_reservation_input *in = input;
    struct elbv2_modify_capacity_reservation_output out = {0};
    struct load_balancer *lb = NULL;
    struct view v = {0};
    int64_t units = 0;
    int r = elb_need_balancer(c, in->load_balancer_arn, &lb);

    if (r == 0)
        r = read_change(c, in, &units);
    if (r == 0 && units > 0)
        r = check_units(c, lb, units);
    if (r == 0)
        r = change(c, lb, units);
    if (r == 0)
        r = show(c, lb, "pending", &v);
    out.last_modified_time = v.last_modified_time;
    out.decrease_requests_remaining = v.decrease_requests_remaining;
    out.minimum_load_balancer_capacity = v.minimum;
    out.capacity_reservation_state.at = v.zones;
    out.capacity_reservation_state.n = v.zone_count;
    return elb_answer(c, r, &out);
}

struct done elb_describe_capacity_reservation(struct call *c, const void *input)
{
    const struct elbv2_describe_capacity_reservation_input *in = input;
    struct elbv2_describe_capacity_reservation_output out = {0};
    struct load_balancer *lb = NULL;
    struct view v = {0};
    int r = elb_need_balancer(c, in->load_balancer_arn, &lb);

    if (r == 0)
        r = show(c, lb, "provisioned", &v);
    out.last_modified_time = v.last_modified_time;
    out.decrease_requests_remaining = v.decrease_requests_remaining;
    out.minimum_load_balancer_capacity = v.minimum;
    out.capacity_reservation_state.at = v.zones;
    out.capacity_reservation_state.n = v.zone_count;
    return elb_answer(c, r, &out);
}

/* Rolling updates, Recreate and scaling, as numbers. */
#include "loops/deployment_plan.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void rollout_resolve(int64_t replicas, int64_t *max_surge, int64_t *max_unavailable)
{
    if (*max_surge <= 0 && *max_unavailable <= 0)
        *max_unavailable = 1; /* else nothing could ever move */
    if (*max_unavailable > replicas)
        *max_unavailable = replicas;
}

static int64_t total_spec(const struct rollout *r)
{
    int64_t sum = r->fresh == NULL ? 0 : r->fresh->spec;

    for (size_t i = 0; i < r->old_n; i++)
        sum += r->old[i].spec;
    return sum;
}

static int64_t total_available(const struct rollout *r)
{
    int64_t sum = r->fresh == NULL ? 0 : r->fresh->available;

    for (size_t i = 0; i < r->old_n; i++)
        sum += r->old[i].available;
    return sum;
}

static int64_t old_spec(const struct rollout *r)
{
    return total_spec(r) - (r->fresh == NULL ? 0 : r->fresh->spec);
}

/* How large the new set may be now, from @have. */
static int64_t fresh_size(const struct rollout *r, int64_t have)
{
    int64_t room = r->replicas + r->max_surge - total_spec(r);

    if (r->recreate || have > r->replicas)
        return r->replicas;
    if (room <= 0)
        return have;
    return have + least(room, r->replicas - have);
}

int64_t rollout_first_size(const struct rollout *r)
{
    return r->recreate && r->old_pods_run ? 0 : fresh_size(r, 0);
}

static bool set_is_scaling(const struct rollout *r, const struct rollout_set *s)
{
    return s->spec > 0 && s->desired >= 0 && s->desired != r->replicas;
}

bool rollout_is_scaling(const struct rollout *r)
{
    if (r->fresh != NULL && set_is_scaling(r, r->fresh))
        return true;
    for (size_t i = 0; i < r->old_n; i++)
        if (set_is_scaling(r, &r->old[i]))
            return true;
    return false;
}

/* --- scaling ---------------------------------------------------------------------------- */

/* The only set with replicas, or else the one that should get them; NULL when there are several. */
static struct rollout_set *single_set(struct rollout *r)
{
    struct rollout_set *found = r->fresh != NULL && r->fresh->spec > 0 ? r->fresh : NULL;
    size_t n = found != NULL;

    for (size_t i = 0; i < r->old_n; i++)
        if (r->old[i].spec > 0) {
            found = &r->old[i];
            n++;
        }
    if (n > 1)
        return NULL;
    if (n == 1)
        return found;
    if (r->fresh != NULL)
        return r->fresh;
    return r->old_n > 0 ? &r->old[r->old_n - 1] : NULL;
}

/* What @s gets of a change by @delta, in proportion to its size, never against the sign. */
static int64_t proportion(const struct rollout *r, const struct rollout_set *s, int64_t delta,
                          int64_t given)
{
    int64_t most = s->most > 0 ? s->most : s->desired > 0 ? s->desired : s->spec;
    int64_t now_most = r->replicas + r->max_surge, share;

    if (s->spec == 0 || most == 0 || delta == given)
        return 0;
    share = (2 * s->spec * now_most + most) / (2 * most) - s->spec; /* rounded */
    if (delta > 0)
        return share < 0 ? 0 : least(share, delta - given);
    return share > 0 ? 0 : -least(-share, given - delta);
}

static void give(const struct rollout *r, struct rollout_set *s, int64_t delta, int64_t *given)
{
    int64_t share = proportion(r, s, delta, *given);

    s->want = s->spec + share;
    *given += share;
}

/* Several sets are alive, a rollout is under way: all grow or shrink together. */
static void scale_together(struct rollout *r)
{
    int64_t allowed = r->replicas > 0 ? r->replicas + r->max_surge : 0;
    int64_t delta = allowed - total_spec(r), given = 0;
    struct rollout_set *rest = r->fresh;

    if (delta > 0 && r->fresh != NULL)
        give(r, r->fresh, delta, &given);
    for (size_t i = r->old_n; delta > 0 && i-- > 0;)
        give(r, &r->old[i], delta, &given);
    for (size_t i = 0; delta < 0 && i < r->old_n; i++)
        give(r, &r->old[i], delta, &given);
    if (delta < 0 && r->fresh != NULL)
        give(r, r->fresh, delta, &given);
    if (rest != NULL && delta != given) { /* what rounding left */
        rest->want += delta - given;
        if (rest->want < 0)
            rest->want = 0;
    }
}

static void scale(struct rollout *r)
{
    struct rollout_set *single = single_set(r);

    if (single != NULL) {
        single->want = r->replicas;
        return;
    }
    if (r->fresh != NULL && r->fresh->spec == r->replicas && r->fresh->available == r->replicas) {
        for (size_t i = 0; i < r->old_n; i++)
            r->old[i].want = 0;
        return;
    }
    if (!r->recreate)
        scale_together(r);
}

/* --- rolling ---------------------------------------------------------------------------- */

/* Old sets give up first what does not work anyway; returns how much they gave. */
static int64_t drop_unhealthy(struct rollout *r, int64_t most)
{
    int64_t dropped = 0;

    for (size_t i = 0; i < r->old_n && dropped < most; i++) {
        int64_t n = least(most - dropped, r->old[i].spec - r->old[i].available);

        if (n <= 0)
            continue;
        r->old[i].want -= n;
        dropped += n;
    }
    return dropped;
}

static void shrink_old(struct rollout *r)
{
    int64_t at_least = r->replicas - r->max_unavailable;
    int64_t spare = total_spec(r) - at_least, dropped, rest;

    if (r->fresh != NULL)
        spare -= r->fresh->spec - r->fresh->available;
    if (old_spec(r) == 0 || spare <= 0)
        return;
    dropped = drop_unhealthy(r, spare);
    rest = least(total_available(r) - at_least, spare - dropped);
    for (size_t i = 0; i < r->old_n && rest > 0; i++) {
        int64_t n = least(rest, r->old[i].want);

        r->old[i].want -= n;
        rest -= n;
    }
}

static void recreate(struct rollout *r)
{
    for (size_t i = 0; i < r->old_n; i++)
        r->old[i].want = 0;
    if (r->fresh != NULL && old_spec(r) == 0 && !r->old_pods_run)
        r->fresh->want = r->replicas;
}

void rollout_plan(struct rollout *r)
{
    if (r->fresh != NULL)
        r->fresh->want = r->fresh->spec;
    for (size_t i = 0; i < r->old_n; i++)
        r->old[i].want = r->old[i].spec;
    if (r->paused || rollout_is_scaling(r)) {
        scale(r);
        return;
    }
    if (r->recreate) {
        recreate(r);
        return;
    }
    if (r->fresh == NULL)
        return;
    r->fresh->want = fresh_size(r, r->fresh->spec);
    if (r->fresh->want == r->fresh->spec)
        shrink_old(r);
}

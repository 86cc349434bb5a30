/* POST /_elbow/reset: the world ends, its rows go, and it opens again from its fixture. The
 * process, its folder, its ports and the certificate authority stay, so that whoever has the
 * environment of `elbow env` goes on with it; with --seed the new world has the first one's ids.
 *
 * The AWS door stays open meanwhile and says 503 (world.aws is NULL). A kill on the way leaves an
 * empty database, which the next start fills from the fixture. */
#include "server.h"

#include "base/log.h"
#include "store/store.h"

static void answer(struct emulator *e, int status, struct str body)
{
    struct http_exchange *x = e->asker;

    e->asker = NULL;
    if (x != NULL)
        http_answer(x, status, HTTP_HEADERS({S("Content-Type"), S("application/json")}), body);
}

static void give_up(struct emulator *e)
{
    log_error("main", "the reset failed, the server ends: %.*s", STR_ARG(e->why));
    e->status = 1;
    answer(e, 500, S("{\"error\":\"the reset failed, the server ends; its log says why\"}\n"));
    server_end(e);
}

static void on_world_closed(struct emulator *e)
{
    if (e->ending) {
        answer(e, 503, S("{\"error\":\"the server ends\"}\n"));
        return;
    }
    if (store_renew(e->store) < 0) {
        (void)server_failed(e, S("the data file cannot be written"));
        give_up(e);
        return;
    }
    clock_init(&e->clock);
    ids_init(&e->ids, (uint64_t)e->options->seed);
    if (!world_open(e) || !server_tell_ready(e)) {
        give_up(e);
        return;
    }
    log_info("main", "the world is as at its start");
    answer(e, 200, S("{\"status\":\"reset\"}\n"));
}

void server_reset(struct emulator *e, struct http_exchange *x)
{
    if (e->asker != NULL || e->ending) {
        http_answer(x, 409, HTTP_HEADERS({S("Content-Type"), S("application/json")}),
                    S("{\"error\":\"a reset is under way\"}\n"));
        return;
    }
    e->asker = x;
    world_close(e, on_world_closed);
}

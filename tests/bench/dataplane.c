/* The data plane alone, with one load balancer made by hand, for the benchmarks.
 *   bench_dataplane PORT TARGET_PORT RULES WORKERS [TLS_PORT KEY_FILE CHAIN_FILE]
 * Listens on 127.0.0.1:PORT until SIGTERM. The last of RULES path rules is the one for "/". */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "dataplane/cookie.h"
#include "dataplane/dataplane.h"
#include "dataplane/dp_tls.h"

static void add_path(struct dp_balancer *b, struct dp_rule *r, struct str pattern)
{
    r->condition_count = 1;
    r->conditions = arena_alloc(&b->arena, sizeof *r->conditions);
    *r->conditions = (struct dp_condition){.field = DP_PATH, .count = 1};
    r->conditions->values = arena_alloc(&b->arena, sizeof(struct dp_pattern));
    r->conditions->values->text = pattern;
}

static void add_target(struct dp_balancer *b, uint16_t port)
{
    struct dp_target *t = arena_alloc(&b->arena, sizeof *t);

    t->id = S("10.0.0.1");
    t->at = t->health_at = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    t->reachable = t->health_reachable = true;
    t->state = DP_TARGET_HEALTHY;
    b->groups = arena_alloc(&b->arena, sizeof *b->groups);
    b->groups[0] = (struct dp_group){.arn = S("group"), .targets = t, .target_count = 1};
    b->group_count = 1;
}

static void add_tls(struct dp_balancer *b, const char *key_file, const char *chain_file)
{
    struct dp_certificate_pem pem = {.arn = S("bench")};
    struct dp_tls_options o = {.policy = S("ELBSecurityPolicy-TLS13-1-2-2021-06"),
                               .certificates = &pem,
                               .certificate_count = 1,
                               .http2 = true};
    struct str why = {0};

    if (file_read(&b->arena, key_file, 1 << 20, &pem.key) < 0 ||
        file_read(&b->arena, chain_file, 1 << 20, &pem.chain) < 0 ||
        dp_tls_new(&b->arena, &o, &b->listeners[1].tls, &why) < 0) {
        (void)fprintf(stderr, "bench_dataplane: no certificate: %.*s\n", STR_ARG(why));
        exit(1);
    }
}

static struct dp_balancer *make_balancer(uint16_t target_port, size_t rules, char **tls)
{
    struct dp_balancer *b = dp_balancer_new(S("bench"));
    struct dp_weighted *to = arena_alloc(&b->arena, sizeof *to);

    add_target(b, target_port);
    *to = (struct dp_weighted){.group = b->groups, .weight = 1};
    b->dns_name = S("bench.elb.localhost");
    b->names = arena_alloc(&b->arena, sizeof *b->names);
    b->names[0] = b->dns_name;
    b->name_count = 1;
    b->listeners = arena_array(&b->arena, 2, sizeof *b->listeners);
    b->listener_count = 1;
    b->listeners[0] = (struct dp_listener){.port = 80, .rule_count = rules};
    b->listeners[0].rules = arena_array(&b->arena, rules, sizeof(struct dp_rule));
    for (size_t i = 0; i < rules; i++) {
        struct dp_rule *r = &b->listeners[0].rules[i];

        r->priority = i + 1 == rules ? 0 : (int32_t)i + 1;
        r->action = (struct dp_action){.kind = DP_FORWARD, .groups = to, .group_count = 1};
        if (r->priority > 0)
            add_path(b, r, arena_printf(&b->arena, "/service-%zu/*", i));
    }
    if (tls != NULL) {
        b->listeners[b->listener_count++] =
            (struct dp_listener){.port = 443,
                                 .protocol = DP_HTTPS,
                                 .rules = b->listeners[0].rules,
                                 .rule_count = b->listeners[0].rule_count};
        add_tls(b, tls[0], tls[1]);
    }
    dp_balancer_seal(b);
    return b;
}

static void on_signal(uv_signal_t *s, int number)
{
    (void)number;
    dataplane_close(s->data, NULL, NULL);
    uv_close((uv_handle_t *)s, NULL);
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in tls_at = at;
    struct clock clock;
    struct ids ids;
    struct dataplane *d;
    bool https_failed;
    uv_signal_t term;
    uv_loop_t loop;

    if (argc < 5)
        return 2;
    (void)signal(SIGPIPE, SIG_IGN);
    clock_init(&clock);
    ids_init(&ids, 0);
    (void)uv_loop_init(&loop);
    at.sin_port = htons((uint16_t)atoi(argv[1]));
    tls_at.sin_port = htons((uint16_t)(argc > 7 ? atoi(argv[5]) : 0));
    if (dataplane_start(
            &loop,
            &(struct dataplane_settings){.workers = (unsigned)atoi(argv[4]),
                                         .http = &at,
                                         .https = argc > 7 ? &tls_at : NULL,
                                         .cookie_key = (const uint8_t[COOKIE_KEY_BYTES]){7},
                                         .clock = &clock,
                                         .ids = &ids},
            &d, &https_failed) < 0) {
        (void)fprintf(stderr, "bench_dataplane: cannot listen on port %s\n", argv[1]);
        return 1;
    }
    dataplane_put_balancer(d, make_balancer((uint16_t)atoi(argv[2]), (size_t)atoi(argv[3]),
                                            argc > 7 ? argv + 6 : NULL));
    (void)uv_signal_init(&loop, &term);
    term.data = d;
    (void)uv_signal_start(&term, on_signal, SIGTERM);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop) == 0 ? 0 : 1;
}

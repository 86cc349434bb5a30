/* Scenarios for the proxy as data: what the client sends, what its target must get and says, what
 * the client must get. Played over real sockets on loopback, port 0, in this process. */
#pragma once

#include "test.h"

#include "dataplane/cookie.h"
#include "dataplane/dataplane.h"

/* Fills in the load balancer's listener (port 80) and its attributes; groups[0] has the scenario's
 * target, groups[1] none. */
typedef void scenario_rules(struct dp_balancer *b);

enum target_end {
    TARGET_STAYS,   /* keeps its connection open */
    TARGET_CLOSES,  /* closes behind its last reply */
    TARGET_RESETS,  /* resets behind its last reply */
    TARGET_REFUSES, /* does not listen */
};

struct scenario {
    const char *label;
    scenario_rules *rules;
    const char *client; /* what the client sends */
    const char *target; /* what the target must get, requests parted by '|'; NULL: nothing */
    const char *reply;  /* what it says to each, parted by '|' */
    enum target_end end;
    const char *answer; /* what the client must get */
    bool closes;        /* and then the connection ends */
};

enum scenario_mode { MODE_WHOLE, MODE_BYTE_BY_BYTE, MODE_SLOW_READER };

/* In texts: "@DATE" stands for any date, "@TRACE" for a new trace root, "@PORT" for the target's
 * port. */
void scenario_play(const struct scenario *s, enum scenario_mode mode);

/* Rules. */
void rules_forward(struct dp_balancer *b); /* everything to groups[0] */

/* Helpers for tests of their own. */
struct dp_rule *scenario_add_rule(struct dp_balancer *b, int32_t priority);
void scenario_forward(struct dp_balancer *b, struct dp_rule *r, size_t group);
void scenario_path(struct dp_balancer *b, struct dp_rule *r, const char *pattern);

struct world {
    uv_loop_t loop;
    struct clock clock;
    struct ids ids;
    struct dataplane *plane;
    struct sockaddr_in front, front_tls;
    void (*on_health)(struct world *w, const struct dp_health_report *r);
    void (*on_log)(struct world *w, const struct dp_log *log);
    void *data;
};

void world_start(struct world *w, unsigned workers);
void world_end(struct world *w);

/* Waits until every worker has taken up what was put. */
void world_settle(struct world *w);

/* Puts it, and waits until every worker has it. NULL removes "lb". */
void world_put(struct world *w, struct dp_balancer *b);

/* A load balancer "lb" with two groups; groups[0] has one healthy target at 127.0.0.1:@port. */
struct dp_balancer *world_balancer(uint16_t port);

/* Sockets of the test: all non-blocking, all calls bounded by two seconds. */
int open_listener(uint16_t *ret_port);
int connect_to(const struct sockaddr_in *at);
int accept_one(int listener);
void send_all(int fd, struct str bytes);
/* Reads until @n bytes are there or the other end closed; returns how many. */
size_t read_n(int fd, char *room, size_t n);

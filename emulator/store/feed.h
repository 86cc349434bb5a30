/* The change feed: who changes something says so inside the transaction; who cares hears of it
 * after the commit, outside any transaction, in the order of the changes. A change that was
 * rolled back is never heard of. Control thread only. */
#pragma once

#include <stdbool.h>

#include "base/list.h"
#include "base/str.h"
#include "store/store.h"

enum change_topic {
    CHANGE_OBJECT,         /* a Kubernetes object; detail is store/object.h's */
    CHANGE_LOAD_BALANCING, /* a load balancer, listener, rule, target group or target */
    CHANGE_NETWORK,        /* EC2 and VPC: instances, interfaces, security groups … */
    CHANGE_EKS,            /* a cluster, node group or Fargate profile */
    CHANGE_IAM,            /* roles, policies, providers … */
    CHANGE_SETTING,
    CHANGE_CERTIFICATE, /* what TLS listeners present for a certificate's ARN */
};

/* What goes with a change beyond its key; owned by the feed once announced, released by the
 * feed through release() when all have heard of it or it was rolled back. */
struct change_detail {
    void (*release)(struct change_detail *detail);
};

struct change {
    enum change_topic topic;
    struct str key;               /* the ARN, id or name of what changed; borrowed */
    struct change_detail *detail; /* NULL for most topics; borrowed */
};

typedef void feed_cb(void *data, const struct change *change);

/* A subscriber; a member of whoever listens. */
struct feed_subscriber {
    struct link link;
    feed_cb *heard;
    void *data;
};

struct feed {
    struct link subscribers;
    struct link open;  /* announced in the running transaction */
    struct link ready; /* committed, not yet delivered */
    void (*wake)(void *data);
    void *wake_data;
    bool delivering;
};

void feed_init(struct feed *f);
void feed_deinit(struct feed *f);

/* @wake is called when committed changes wait for feed_deliver; the loop's owner sets it. */
void feed_set_wake(struct feed *f, void (*wake)(void *data), void *data);

/* Hears of every change from now on, until it is removed (also from inside its callback). */
void feed_subscribe(struct feed *f, struct feed_subscriber *sub, feed_cb *heard, void *data);
void feed_unsubscribe(struct feed_subscriber *sub);

/* Inside a transaction: this changed. @key is copied. */
void feed_announce(struct store *s, enum change_topic topic, struct str key);
void feed_announce_detail(struct store *s, enum change_topic topic, struct str key,
                          struct change_detail *detail);

/* Tells the subscribers of all committed changes, those that they cause meanwhile included.
 * Never call it inside a transaction. */
void feed_deliver(struct store *s);

/* For store.c: the open changes became true, or not. */
void feed_commit(struct feed *f);
void feed_rollback(struct feed *f);

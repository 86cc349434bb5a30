/* What runs the containers of pods. The kubelet (loops/) decides, a runtime does: `process` starts
 * real programs, `static` says that everything runs, `fake` is moved by a test. All keep the same
 * books here: pods, their folders, volumes and logs.
 *
 * What a process sees in place of a container's file system: its mounts lie below
 *   <folder>/pods/<uid>/containers/<container>/rootfs/<mount path>
 * (links into the pod's volumes), and every environment value, command word or argument that is a
 * mount path or begins with one, also behind the '=' of a flag, is rewritten to the path there:
 *   AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/secrets/eks.amazonaws.com/serviceaccount/token
 * arrives as
 *   AWS_WEB_IDENTITY_TOKEN_FILE=<rootfs>/var/run/secrets/eks.amazonaws.com/serviceaccount/token
 * ELBOW_ROOTFS names the rootfs itself, for programs that know fixed paths, and KUBECONFIG names
 * a file that says the same as the service account's token, CA and KUBERNETES_SERVICE_HOST, where
 * there is such a mount: clients built on client-go read it before they look for the mount.
 * ELBOW_POD_ADDRESS is where the pod's address is on this machine, for what wants to listen there.
 *
 * Control thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "net/fabric.h"
#include "runtime/container_log.h"

struct pod_runtime;
struct container;
struct container_exec;
struct image_catalogue;

struct runtime_options {
    uv_loop_t *loop;                         /* borrowed */
    const struct clock *clock;               /* borrowed */
    struct fabric *fabric;                   /* borrowed; where pod addresses are */
    const struct image_catalogue *catalogue; /* borrowed */
    struct str folder;         /* pods live below it; made when missing, emptied at the start */
    struct str ca_file;        /* Elbow's CA, PEM, for AWS_CA_BUNDLE and SSL_CERT_FILE */
    struct str proxy;          /* "http://127.0.0.1:4566": the door to the AWS APIs; empty: none */
    struct str program_folder; /* where our own binaries lie; empty: beside the running program */
};

/* Each returns a runtime that pod_runtime_close frees. */
struct pod_runtime *process_runtime_new(const struct runtime_options *o);
struct pod_runtime *static_runtime_new(const struct runtime_options *o);

/* Stops what still runs (SIGKILL), removes every pod's folder, then calls @on_closed (may be NULL)
 * from the loop and is gone. No container's callback comes after the call; the ends of execs do. */
void pod_runtime_close(struct pod_runtime *rt, void (*on_closed)(void *data), void *data);

/* "process", "static", "fake". */
const char *pod_runtime_name(const struct pod_runtime *rt);

/* --- pods ------------------------------------------------------------------------------- */

struct pod_sandbox {
    struct str uid, namespace, name;
    struct str address;   /* VPC address */
    struct str kube_host; /* where the cluster's API server really listens */
    uint16_t kube_port;
};

/* Makes room for a pod; repeating it is fine. 0 or a negative errno (logged). */
int pod_runtime_add_pod(struct pod_runtime *rt, const struct pod_sandbox *pod);
bool pod_runtime_has_pod(const struct pod_runtime *rt, struct str uid);

/* Writes one file of a volume ("token", "ca.crt"), in one step, so that a reader sees the old
 * or the new one. @path is relative and has no "..". 0 or a negative errno (logged). */
int pod_runtime_put_file(struct pod_runtime *rt, struct str uid, struct str volume, struct str path,
                         struct str content, unsigned mode);

/* Removes the pod's folder and logs. Its containers must have ended. */
void pod_runtime_remove_pod(struct pod_runtime *rt, struct str uid);

/* --- images ----------------------------------------------------------------------------- */

enum pull_result {
    PULL_OK,
    PULL_UNKNOWN, /* no entry of the catalogue fits: ErrImagePull with @why */
    PULL_BROKEN,  /* there is one, but its program is not on this machine: @why */
    PULL_INVALID, /* no image name at all: InvalidImageName */
};

struct pulled_image {
    struct str name;   /* normalised: "docker.io/library/nginx:1.7.9" */
    struct str digest; /* "sha256:…", made of the name */
    int64_t bytes;     /* what the kubelet tells as the size */
    struct str why;
};

/* Looks the image up. *ret_image in @a. */
enum pull_result pod_runtime_pull(struct pod_runtime *rt, struct arena *a, struct str image,
                                  struct pulled_image *ret_image);

/* --- containers ------------------------------------------------------------------------- */

struct container_env {
    struct str name, value;
};

struct container_mount {
    struct str volume, path, sub_path;
    bool read_only;
};

struct container_port {
    struct str name;
    uint16_t port;
};

/* Arrays and slices are borrowed for the call. */
struct container_spec {
    struct str pod_uid, name, image;
    struct str working_dir;
    const struct str *command, *args; /* none: the image's own */
    size_t command_n, args_n;
    const struct container_env *env;
    size_t env_n;
    const struct container_mount *mounts;
    size_t mounts_n;
    const struct container_port *ports;
    size_t ports_n;
    bool takes_stdin; /* spec.stdin: attaching may write; else stdin has nothing */
    bool stdin_once;  /* stdin ends with the first who attached */
    bool tty;
};

struct container_exit {
    int code;   /* as the kubelet shows it: 128 + signal when one ended it */
    int signal; /* 0: none */
};

/* Called once, from the loop, never before pod_runtime_start returned; the handle is gone then. */
typedef void container_exit_cb(void *data, const struct container_exit *how);

/* Starts a container. The log of its predecessor becomes the previous one. Returns 0 and
 * *ret_container; or a negative errno and *ret_why (in @a), what the kubelet puts behind
 * "Error: ". */
int pod_runtime_start(struct pod_runtime *rt, struct arena *a, const struct container_spec *spec,
                      container_exit_cb *on_exit, void *data, struct container **ret_container,
                      struct str *ret_why);

/* SIGTERM to the container's first process, after @grace_ms of the world's clock SIGKILL to all of
 * them; with @grace_ms 0 SIGKILL at once. Calling it again may only shorten. The exit callback
 * follows. */
void pod_runtime_stop(struct container *c, int64_t grace_ms);

/* Nobody waits for its end any more: the exit callback does not come. */
void pod_runtime_detach(struct container *c);

/* Whether a process stands behind it, which probes can ask. */
bool container_is_real(const struct container *c);

/* The log of a container's running instance (or the one that ended last), or of the one before.
 * Borrowed; take a reference to keep it. NULL when there is none. */
struct container_log *pod_runtime_log(struct pod_runtime *rt, struct str pod_uid,
                                      struct str container, bool previous);

/* --- exec and attach -------------------------------------------------------------------------- */

struct exec_callbacks {
    void (*on_output)(void *data, enum log_stream stream, struct str bytes); /* borrowed */
    void (*on_exit)(void *data, const struct container_exit *how);           /* once, last */
    void *data;
};

struct exec_options {
    const struct str *argv;
    size_t argv_n;
    bool takes_stdin;       /* else it reads nothing */
    bool tty;               /* at a terminal of its own: all output is LOG_STDOUT */
    uint16_t columns, rows; /* of the terminal; 0: 80 by 24 */
};

/* Runs a command beside a running container, with its environment, folder and paths. It ends with
 * the container at the latest. Returns 0 and *ret_exec (gone after on_exit, which comes even while
 * the runtime closes); or a negative errno and *ret_why in @a. Callbacks never come before the
 * return. */
int pod_runtime_exec(struct container *c, struct arena *a, const struct exec_options *o,
                     const struct exec_callbacks *callbacks, struct container_exec **ret_exec,
                     struct str *ret_why);

/* Joins the running container itself: its output from now on, and its end. What is written goes to
 * its stdin where its spec has one. Never fails. */
struct container_exec *pod_runtime_attach(struct container *c,
                                          const struct exec_callbacks *callbacks);

/* Bytes for its stdin (copied); no bytes: the end of stdin. */
void container_exec_write(struct container_exec *e, struct str bytes);

/* How many of those the program has not taken yet: the far writer should wait. */
size_t container_exec_unsent(const struct container_exec *e);

/* While @held its output is not read, because the far reader is slow. For an exec only: a container
 * is never held up by who looks on. */
void container_exec_hold(struct container_exec *e, bool held);

/* The terminal's size, where there is one. */
void container_exec_resize(struct container_exec *e, uint16_t columns, uint16_t rows);

/* SIGKILL; on_exit still comes. Nothing happens to an attached container. */
void container_exec_kill(struct container_exec *e);

/* The far side is gone: no callback comes any more, and the handle is gone. A command is killed, an
 * attached container goes on. */
void container_exec_release(struct container_exec *e);

/* The running instance of a container, for exec; NULL when it does not run. */
struct container *pod_runtime_find(struct pod_runtime *rt, struct str pod_uid,
                                   struct str container);

/* Where a port of a pod is on this machine, for port-forward and the proxy. False when the runtime
 * has no such pod. */
bool pod_runtime_locate(const struct pod_runtime *rt, struct str pod_uid, uint16_t port,
                        struct sockaddr_in *ret_where);

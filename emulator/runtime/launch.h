/* From a container's spec to what is started: its folder with mounts and files, its command line
 * and its environment. For runtime/process.c. */
#pragma once

#include "runtime/books.h"

struct launch_settings {
    struct str folder;   /* pods lie below <folder>/pods */
    struct str ca_file;  /* for AWS_CA_BUNDLE and SSL_CERT_FILE; empty: not set */
    struct str proxy;    /* for HTTPS_PROXY and HTTP_PROXY; empty: not set */
    struct str beside;   /* where our own programs lie */
    struct str base_env; /* PATH of the server */
};

/* NUL-terminated; everything in the arena. */
struct launch {
    char *file, *folder;
    char **argv, **env;
    struct str rootfs;
    const struct container_mount *mounts; /* whose paths lie below rootfs */
    size_t mounts_n;
};

/* <folder>/pods/<uid> */
struct str launch_pod_folder(struct arena *a, const struct launch_settings *s, struct str uid);

/* Makes the folders above a file, then the file, in one step. 0 or a negative errno. */
int launch_write_file(struct arena *a, struct str path, struct str content, unsigned mode);

/* Makes a folder and those above it. 0 or a negative errno. */
int launch_make_folders(struct arena *a, struct str path);

/* Removes a folder and all in it. */
void launch_remove_tree(const char *path);

/* Prepares the folder of @c and says what to start. 0, or a negative errno and *ret_why. */
int launch_prepare(struct arena *a, const struct launch_settings *s, const struct container *c,
                   const struct container_spec *spec, struct launch *ret_launch,
                   struct str *ret_why);

/* What a command beside @container starts with: its folder, environment and paths, and @argv. 0, or
 * a negative errno and *ret_why. Borrows from @container's launch. */
int launch_beside(struct arena *a, const struct launch_settings *s, const struct launch *container,
                  const struct str *argv, size_t argv_n, struct launch *ret_launch,
                  struct str *ret_why);

/* What a value that names a mounted path is at the real one: itself, or rewritten in @a. @rootfs
 * is where the mounts are linked. */
struct str launch_rewrite(struct arena *a, const struct container_mount *mounts, size_t mounts_n,
                          struct str rootfs, struct str value);

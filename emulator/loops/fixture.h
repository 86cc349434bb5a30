/* The world that a server begins with, from a file: account, networks, roles, clusters. Loaded
 * once, into an empty store, whole or not at all. */
#pragma once

#include "store/object_writer.h"
#include "store/store.h"

/* The text of fixture @wanted: a built-in name ("tutorial", "empty") or a file's path. 0; or
 * -errno and *ret_why. @a owns what was read; *ret_name is how messages call it. */
int fixture_open(struct arena *a, struct str wanted, struct str *ret_name, struct str *ret_text,
                 struct str *ret_why);

/* Fills an empty store in one transaction; a store that has a world already is left alone.
 * @version: of the clusters, "1.NN". 0; -EINVAL and *ret_why (file, line, column, what was
 * expected); or a negative error of the store. */
int fixture_load(struct store *s, struct arena *a, struct str name, struct str text,
                 struct str version, struct str *ret_why);

/* Creates the Kubernetes objects that the fixture has for a cluster, through the API, once: the
 * cluster's server must be open. What is refused is logged. */
void fixture_apply(struct store *s, struct object_writer *w, struct str cluster);

/* The region of the world. In @a. */
int fixture_region(struct store *s, struct arena *a, struct str *ret_region);

/* The ready file: how scripts and the small commands learn where a server listens. The server
 * writes it where --ready-file says, into its data folder, and into a folder of the user's running
 * servers, where `elbow env` finds the newest one by itself. */
#pragma once

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"

/* Writes @document to @path in one step (a temporary file, then a rename).
 * Returns 0 or -errno. */
int ready_write(struct arena *a, struct str path, const cJSON *document);

/* Where a running server @pid of this user is noted. In @a. The folder is made when @make. */
struct str ready_path_of(struct arena *a, int64_t pid, bool make);

/* The document of the server that is meant: the file @named, else the one in @data_dir, else the
 * newest server of this user that lives. NULL and *ret_why, one sentence, when there is none. The
 * caller owns the tree. */
cJSON *ready_find(struct arena *a, struct str named, struct str data_dir, struct str *ret_why);

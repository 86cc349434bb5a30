/* The folder that a server keeps its world in: the database, certificates, kubeconfig and the
 * pods' folders. One server at a time has it. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

struct data_dir {
    struct str path; /* absolute; in the arena that it was opened with */
    bool ephemeral;
    int lock; /* held as long as the server lives */
};

/* Takes the folder @wanted (the default one where it is empty), or with @ephemeral a new one under
 * the system's folder for temporary files. 0; or -errno and *ret_why, one sentence. */
int data_dir_open(struct arena *a, struct str wanted, bool ephemeral, struct data_dir *ret_dir,
                  struct str *ret_why);

/* "<folder>/<name>"; in @a. */
struct str data_dir_file(const struct data_dir *d, struct arena *a, const char *name);

/* Writes a file of the folder in one step, readable by its owner only. 0 or -errno. */
int data_dir_write(const struct data_dir *d, struct arena *a, const char *name, struct str text);

/* Gives the folder back; an ephemeral one is removed with all that is in it. */
void data_dir_close(struct data_dir *d);

/* The data folder and its lock. Ephemeral folders are named after their server's process, so that
 * the next server can remove what a killed one had to leave behind. */
#include "data_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define EPHEMERAL_PREFIX "elbow-serve."

static int remove_entry(const char *path, const struct stat *st UNUSED, int kind UNUSED,
                        struct FTW *walk UNUSED)
{
    return remove(path);
}

static void remove_tree(const char *path)
{
    (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *temporary_root(void)
{
    const char *root = getenv("TMPDIR");

    return root != NULL && root[0] == '/' ? root : "/tmp";
}

/* Removes ephemeral folders of servers that are no more. */
static void sweep(struct arena *a)
{
    DIR *dir = opendir(temporary_root());
    struct dirent *entry;

    if (dir == NULL)
        return;
    while ((entry = readdir(dir)) != NULL) {
        struct str name = str_c(entry->d_name);
        struct str path = arena_printf(a, "%s/%s", temporary_root(), entry->d_name);
        struct stat st;
        int64_t pid;

        if (str_starts(name, S(EPHEMERAL_PREFIX)) &&
            str_to_int(str_from(name, strlen(EPHEMERAL_PREFIX)), &pid) && pid > 1 &&
            kill((pid_t)pid, 0) < 0 && errno == ESRCH && lstat(path.at, &st) == 0 &&
            S_ISDIR(st.st_mode) && st.st_uid == getuid())
            remove_tree(path.at);
    }
    (void)closedir(dir);
}

static struct str default_path(struct arena *a)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

    if (state != NULL && state[0] == '/')
        return arena_printf(a, "%s/elbow", state);
    return arena_printf(a, "%s/.local/state/elbow", home != NULL ? home : "");
}

/* As mkdir -p, for the owner only. */
static int make_folders(const char *path)
{
    struct arena a = {0};
    char *partial = arena_cstr(&a, str_c(path));
    int r = 0;

    for (char *c = partial + 1; r == 0 && *c != '\0'; c++) {
        if (*c != '/')
            continue;
        *c = '\0';
        r = mkdir(partial, 0755) < 0 && errno != EEXIST ? -errno : 0;
        *c = '/';
    }
    if (r == 0 && mkdir(partial, 0700) < 0 && errno != EEXIST)
        r = -errno;
    arena_free(&a);
    return r;
}

static int take_lock(struct arena *a, struct str path, int *ret_lock, struct str *ret_why)
{
    int fd =
        open(arena_printf(a, "%.*s/lock", STR_ARG(path)).at, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int r;

    if (fd < 0) {
        r = -errno;
        *ret_why = arena_printf(a,
                                "cannot write to the data folder %.*s: %s; give another "
                                "--data-dir",
                                STR_ARG(path), strerror(-r));
        return r;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        (void)close(fd);
        *ret_why = arena_printf(a,
                                "another elbow serves %.*s; stop it, or give another --data-dir "
                                "or --ephemeral",
                                STR_ARG(path));
        return -EBUSY;
    }
    *ret_lock = fd;
    return 0;
}

int data_dir_open(struct arena *a, struct str wanted, bool ephemeral, struct data_dir *ret_dir,
                  struct str *ret_why)
{
    struct str path = wanted;
    int lock = -1, r;

    if (ephemeral) {
        sweep(a);
        path = arena_printf(a, "%s/%s%d", temporary_root(), EPHEMERAL_PREFIX, (int)getpid());
    } else if (path.n == 0) {
        path = default_path(a);
    }
    if (path.n > 0 && path.at[0] != '/') {
        char *here = getcwd(NULL, 0);

        path = arena_printf(a, "%s/%.*s", here != NULL ? here : "", STR_ARG(path));
        free(here);
    }
    r = make_folders(arena_cstr(a, path));
    if (r < 0) {
        *ret_why = arena_printf(a, "cannot make the data folder %.*s: %s; give another --data-dir",
                                STR_ARG(path), strerror(-r));
        return r;
    }
    r = take_lock(a, path, &lock, ret_why);
    if (r == 0)
        *ret_dir = (struct data_dir){arena_str(a, path), ephemeral, lock};
    return r;
}

struct str data_dir_file(const struct data_dir *d, struct arena *a, const char *name)
{
    return arena_printf(a, "%.*s/%s", STR_ARG(d->path), name);
}

int data_dir_write(const struct data_dir *d, struct arena *a, const char *name, struct str text)
{
    return file_write(data_dir_file(d, a, name).at, text, 0600);
}

void data_dir_close(struct data_dir *d)
{
    if (d->path.n == 0)
        return;
    if (d->ephemeral)
        remove_tree(d->path.at);
    (void)close(d->lock);
    *d = (struct data_dir){0};
}

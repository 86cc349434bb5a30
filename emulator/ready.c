/* The ready file, its writer and its finder. */
#include "ready.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { LARGEST_FILE = 1 << 20 };

int ready_write(struct arena *a, struct str path, const cJSON *document)
{
    CLEANUP(buf_free) struct buf text = buf_init(LARGEST_FILE);

    json_write(&text, document);
    buf_char(&text, '\n');
    return file_write(arena_cstr(a, path), buf_str(&text), 0600);
}

/* The user's own folder of running servers: under XDG_RUNTIME_DIR, else under /tmp. */
static struct str servers_folder(struct arena *a)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    struct stat st;

    if (runtime != NULL && stat(runtime, &st) == 0 && st.st_uid == getuid())
        return arena_printf(a, "%s/elbow", runtime);
    return arena_printf(a, "/tmp/elbow-%u", (unsigned)getuid());
}

struct str ready_path_of(struct arena *a, int64_t pid, bool make)
{
    struct str folder = servers_folder(a);

    if (make)
        (void)mkdir(folder.at, 0700);
    return arena_printf(a, "%s/%lld.json", folder.at, (long long)pid);
}

static cJSON *read_document(struct arena *a, struct str path)
{
    struct str text;

    if (file_read(a, arena_cstr(a, path), LARGEST_FILE, &text) < 0)
        return NULL;
    return json_parse(text, NULL);
}

static bool lives(const cJSON *document)
{
    int64_t pid = json_int(document, "pid", 0);

    return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

/* The newest living server; notes of dead ones (killed, so they could not clean up) are removed. */
static cJSON *newest(struct arena *a)
{
    struct str folder = servers_folder(a);
    DIR *dir = opendir(folder.at);
    struct timespec best = {0};
    cJSON *found = NULL;
    struct dirent *entry;

    if (dir == NULL)
        return NULL;
    while ((entry = readdir(dir)) != NULL) {
        struct str path = arena_printf(a, "%s/%s", folder.at, entry->d_name);
        CLEANUP(json_freep) cJSON *document = NULL;
        struct stat st;

        if (!str_ends(path, S(".json")) || stat(path.at, &st) < 0 || st.st_uid != getuid())
            continue;
        document = read_document(a, path);
        if (document == NULL || !lives(document)) {
            (void)unlink(path.at);
            continue;
        }
        if (found != NULL &&
            (st.st_mtim.tv_sec < best.tv_sec ||
             (st.st_mtim.tv_sec == best.tv_sec && st.st_mtim.tv_nsec < best.tv_nsec)))
            continue;
        cJSON_Delete(found);
        found = TAKE(document);
        best = st.st_mtim;
    }
    (void)closedir(dir);
    return found;
}

cJSON *ready_find(struct arena *a, struct str named, struct str data_dir, struct str *ret_why)
{
    struct str path = named;
    cJSON *document;

    if (path.n == 0 && data_dir.n > 0)
        path = arena_printf(a, "%.*s/server.json", STR_ARG(data_dir));
    document = path.n > 0 ? read_document(a, path) : newest(a);
    if (document != NULL && lives(document))
        return document;
    cJSON_Delete(document);
    if (path.n > 0)
        *ret_why = arena_printf(a, "no server runs that wrote %.*s; start one with 'elbow serve'",
                                STR_ARG(path));
    else
        *ret_why = S("no elbow server of this user runs; start one with 'elbow serve'");
    return NULL;
}

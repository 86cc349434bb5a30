/* Whole small files. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, struct str text)
{
    while (text.n > 0) {
        ssize_t n = write(fd, text.at, text.n);

        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0)
            text = str_from(text, (size_t)n);
    }
    return 0;
}

int file_write(const char *path, struct str text, unsigned mode)
{
    struct arena a = {0};
    const char *draft = arena_printf(&a, "%s.%d.new", path, (int)getpid()).at;
    int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode), r;

    r = fd < 0 ? -errno : write_all(fd, text);
    if (fd >= 0 && close(fd) < 0 && r == 0)
        r = -errno;
    if (r == 0 && rename(draft, path) < 0)
        r = -errno;
    if (r < 0 && fd >= 0)
        (void)unlink(draft);
    arena_free(&a);
    return r;
}

int file_read(struct arena *a, const char *path, size_t limit, struct str *ret_text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;
    struct stat st;
    char *text;
    size_t n = 0;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        r = -errno;
    else if (st.st_size < 0 || (size_t)st.st_size > limit)
        r = -EFBIG;
    text = r == 0 ? arena_alloc(a, (size_t)st.st_size + 1) : NULL;
    while (r == 0 && n < (size_t)st.st_size) {
        ssize_t got = read(fd, text + n, (size_t)st.st_size - n);

        if (got < 0 && errno != EINTR)
            r = -errno;
        if (got == 0)
            break;
        if (got > 0)
            n += (size_t)got;
    }
    (void)close(fd);
    if (r == 0)
        *ret_text = str_n(text, n);
    return r;
}

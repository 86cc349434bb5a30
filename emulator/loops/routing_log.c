/* Files of access and connection logs: gzip, one for each load balancer, kind and five minutes of
 * the world's clock, in the layout of AWS's buckets. Each batch is a gzip member of its own, so
 * that a file can be read at any time.
 * Source: Application Load Balancers User Guide, "Access log files", "Connection log files".
 * DIFFERS: the file of the running five minutes is there already; on AWS it comes at their end. */
#include "loops/routing_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <zlib.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"

enum { INTERVAL_MS = 5 * 60 * 1000, PATH_ROOM = 1024, GZIP = 15 + 16 };

/* The file that a load balancer's lines of one kind go to. */
struct log_file {
    char *key;
    int64_t end_ms;
    char name[PATH_ROOM];
};

struct routing_logs {
    struct str folder;
    const struct clock *clock;
    struct ids ids; /* of its own: traffic must not change what the API hands out */
    struct map files;
};

/* --- names ------------------------------------------------------------------------------------ */

/* The parts of arn:aws:elasticloadbalancing:REGION:ACCOUNT:loadbalancer/app/NAME/ID. */
struct arn_parts {
    struct str region, account, resource;
};

static bool cut_arn(struct str arn, struct arn_parts *ret)
{
    struct str rest = arn, part;

    for (int i = 0; i < 5; i++) {
        if (!str_next(&rest, ':', &part))
            return false;
        if (i == 3)
            ret->region = part;
        if (i == 4)
            ret->account = part;
    }
    ret->resource = str_from(rest, str_chr(rest, '/') + 1);
    return rest.n > 0;
}

/* BUCKET[/PREFIX]/AWSLogs/ACCOUNT/ under the folder. */
static void add_place(struct buf *b, struct str folder, const struct dp_log_place *place,
                      struct str account)
{
    buf_printf(b, "%.*s/%.*s/", STR_ARG(folder), STR_ARG(place->bucket));
    if (place->prefix.n > 0)
        buf_printf(b, "%.*s/", STR_ARG(place->prefix));
    buf_printf(b, "AWSLogs/%.*s/", STR_ARG(account));
}

static bool is_clean(struct str s)
{
    return str_find(s, S("..")) == STR_NONE && str_chr(s, '\0') == STR_NONE;
}

static void name_file(struct routing_logs *l, const struct dp_log *log, const struct arn_parts *arn,
                      struct log_file *f)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct buf b = buf_init(PATH_ROOM);
    time_t end = (time_t)(f->end_ms / 1000);
    char day[16], minute[24];
    struct tm tm;

    (void)gmtime_r(&end, &tm);
    (void)strftime(day, sizeof day, "%Y/%m/%d", &tm);
    (void)strftime(minute, sizeof minute, "%Y%m%dT%H%MZ", &tm);
    add_place(&b, l->folder, log->place, arn->account);
    buf_printf(&b, "elasticloadbalancing/%.*s/%s/%s%.*s_elasticloadbalancing_%.*s_",
               STR_ARG(arn->region), day, log->kind == DP_LOG_CONNECTION ? "conn_log." : "",
               STR_ARG(arn->account), STR_ARG(arn->region));
    for (size_t i = 0; i < arn->resource.n; i++)
        buf_char(&b, arn->resource.at[i] == '/' ? '.' : arn->resource.at[i]);
    buf_printf(&b, "_%s_%u.%u.%u.%u_%.*s.log.gz", minute, log->node >> 24, log->node >> 16 & 255,
               log->node >> 8 & 255, log->node & 255, STR_ARG(ids_hex(&l->ids, &a, 8)));
    f->name[0] = '\0';
    if (!b.full)
        (void)snprintf(f->name, sizeof f->name, "%.*s", STR_ARG(buf_str(&b)));
    buf_free(&b);
}

static struct log_file *need_file(struct routing_logs *l, const struct dp_log *log,
                                  const struct arn_parts *arn)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct str key = arena_printf(&a, "%d %.*s %.*s %.*s", log->kind, STR_ARG(log->arn),
                                  STR_ARG(log->place->bucket), STR_ARG(log->place->prefix));
    int64_t now = clock_now(l->clock), end = now - now % INTERVAL_MS + INTERVAL_MS;
    struct log_file *f = map_get(&l->files, key);

    if (f == NULL) {
        f = xcalloc(sizeof *f);
        f->key = xstrdup(key.at);
        (void)map_put(&l->files, str_c(f->key), f);
    }
    if (f->end_ms != end) {
        f->end_ms = end;
        name_file(l, log, arn, f);
    }
    return f;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0777);
        *slash = '/';
    }
}

static int append(char *path, const void *at, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    ssize_t written;

    if (fd < 0 && errno == ENOENT) {
        make_folders(path);
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    }
    if (fd < 0)
        return -errno;
    written = write(fd, at, n);
    (void)close(fd);
    return written == (ssize_t)n ? 0 : -EIO;
}

static int append_packed(char *path, struct str text)
{
    z_stream z = {0};
    size_t room;
    char *packed;
    int r;

    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return -ENOMEM;
    room = deflateBound(&z, text.n);
    packed = xcalloc(room);
    z.next_in = (Bytef *)(uintptr_t)text.at;
    z.avail_in = (uInt)text.n;
    z.next_out = (Bytef *)packed;
    z.avail_out = (uInt)room;
    r = deflate(&z, Z_FINISH) == Z_STREAM_END ? append(path, packed, room - z.avail_out) : -EIO;
    (void)deflateEnd(&z);
    free(packed);
    return r;
}

void routing_logs_write(struct routing_logs *l, const struct dp_log *log)
{
    struct arn_parts arn = {0};
    struct log_file *f;
    int r;

    if (l == NULL || l->folder.n == 0 || !cut_arn(log->arn, &arn) || log->place->bucket.n == 0 ||
        !is_clean(log->place->bucket) || !is_clean(log->place->prefix))
        return;
    f = need_file(l, log, &arn);
    r = f->name[0] == '\0' ? -ENAMETOOLONG : append_packed(f->name, log->lines);
    if (r < 0)
        log_warning("routing", "log lines of %.*s are lost: %s: %s", STR_ARG(log->arn), f->name,
                    strerror(-r));
}

static void test_place(struct routing_logs *l, const struct dp_log_place *place, struct str account,
                       const char *name)
{
    static const char text[] = "Enable AccessLog for ELB\n";
    struct buf b = buf_init(PATH_ROOM);
    char *path;

    if (!place->enabled || place->bucket.n == 0 || !is_clean(place->bucket) ||
        !is_clean(place->prefix))
        return;
    add_place(&b, l->folder, place, account);
    buf_add(&b, str_c(name));
    path = b.full ? NULL : buf_take(&b);
    if (path != NULL && access(path, F_OK) < 0)
        (void)append(path, text, sizeof text - 1);
    free(path);
    buf_free(&b);
}

void routing_logs_test(struct routing_logs *l, const struct dp_balancer *b)
{
    struct arn_parts arn = {0};

    if (l->folder.n == 0 || !cut_arn(b->arn, &arn))
        return;
    test_place(l, &b->attributes.access_log, arn.account, "ELBAccessLogTestFile");
    test_place(l, &b->attributes.connection_log, arn.account, "ELBConnectionLogTestFile");
}

/* --- life ------------------------------------------------------------------------------------- */

struct routing_logs *routing_logs_new(struct str folder, const struct clock *clock, struct ids *ids)
{
    struct routing_logs *l = xcalloc(sizeof *l);

    *l = (struct routing_logs){.folder = folder, .clock = clock, .ids = ids_fork(ids)};
    return l;
}

void routing_logs_free(struct routing_logs *l)
{
    struct map_entry *e;
    size_t at = 0;

    if (l == NULL)
        return;
    while ((e = map_next(&l->files, &at)) != NULL) {
        struct log_file *f = e->value;

        free(f->key);
        free(f);
    }
    map_free(&l->files);
    free(l);
}

/* Prepares the folder, the command line and the environment of a container that becomes a process.
 * Everything is made in the caller's arena; on disk all lies below the pod's folder.
 * Source: runtime/pod_runtime.h says what a process sees; fixtures/images.yaml what ${…} means. */
#include "runtime/launch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

enum {
    LARGEST_FILE = 4 << 20,
    FOLDER_MODE = 0755, /* nginx's workers may run as another user */
    OPEN_FOLDERS = 16,
};

/* --- folders and files ------------------------------------------------------------------ */

int launch_make_folders(struct arena *a, struct str path)
{
    char *text = arena_cstr(a, path);

    for (size_t i = 1; i <= path.n; i++) {
        if (i < path.n && text[i] != '/')
            continue;
        text[i] = '\0';
        if (mkdir(text, FOLDER_MODE) < 0 && errno != EEXIST)
            return -errno;
        if (i < path.n)
            text[i] = '/';
    }
    return 0;
}

static int make_folder_of(struct arena *a, struct str path)
{
    size_t slash = str_rchr(path, '/');

    return slash == STR_NONE ? 0 : launch_make_folders(a, str_first(path, slash));
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static int write_all(const char *path, struct str content, unsigned mode)
{
    CLEANUP(close_fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

    if (fd < 0)
        return -errno;
    while (content.n > 0) {
        ssize_t n = write(fd, content.at, content.n);

        if (n < 0)
            return -errno;
        content = str_from(content, (size_t)n);
    }
    return 0;
}

int launch_write_file(struct arena *a, struct str path, struct str content, unsigned mode)
{
    struct str fresh = arena_printf(a, "%.*s.new", STR_ARG(path));
    int r = make_folder_of(a, path);

    if (r == 0)
        r = write_all(fresh.at, content, mode);
    if (r == 0 && rename(fresh.at, arena_cstr(a, path)) < 0)
        r = -errno;
    return r;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    (void)remove(path);
    return 0;
}

void launch_remove_tree(const char *path)
{
    (void)nftw(path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
}

struct str launch_pod_folder(struct arena *a, const struct launch_settings *s, struct str uid)
{
    return arena_printf(a, "%.*s/pods/%.*s", STR_ARG(s->folder), STR_ARG(uid));
}

/* --- one launch ------------------------------------------------------------------------- */

struct maker {
    struct arena *arena;
    const struct launch_settings *settings;
    const struct container *container;
    const struct container_spec *spec;
    struct str pod_folder, folder, rootfs;
};

/* "/a//b/" as "a/b"; empty when the path leads upwards. */
static struct str plain_path(struct arena *a, struct str path)
{
    struct str out = {0}, part;

    while (str_next(&path, '/', &part)) {
        if (str_is(part, ".."))
            return (struct str){0};
        if (part.n > 0 && !str_is(part, "."))
            out = arena_printf(a, "%.*s%s%.*s", STR_ARG(out), out.n > 0 ? "/" : "", STR_ARG(part));
    }
    return out;
}

/* Links rootfs/<mount path> to the pod's volume. */
static int make_mount(const struct maker *m, const struct container_mount *mount)
{
    struct arena *a = m->arena;
    struct str path = plain_path(a, mount->path), sub = plain_path(a, mount->sub_path);
    struct str volume =
        arena_printf(a, "%.*s/volumes/%.*s", STR_ARG(m->pod_folder), STR_ARG(mount->volume));
    struct str link = arena_printf(a, "%.*s/%.*s", STR_ARG(m->rootfs), STR_ARG(path));
    int r;

    if (path.n == 0 || (sub.n == 0 && mount->sub_path.n > 0))
        return -EINVAL;
    r = launch_make_folders(a, volume);
    if (r == 0)
        r = make_folder_of(a, link);
    if (sub.n > 0)
        volume = arena_printf(a, "%.*s/%.*s", STR_ARG(volume), STR_ARG(sub));
    if (r == 0 && symlink(arena_cstr(a, volume), link.at) < 0 && errno != EEXIST)
        r = -errno;
    return r;
}

/* Whether @path is the mount's, or lies below it. */
static bool below(struct str path, struct str mount)
{
    while (mount.n > 1 && mount.at[mount.n - 1] == '/')
        mount.n--;
    return mount.n > 1 && str_starts(path, mount) && (path.n == mount.n || path.at[mount.n] == '/');
}

struct str launch_rewrite(struct arena *a, const struct container_mount *mounts, size_t mounts_n,
                          struct str rootfs, struct str value)
{
    struct str flag, rest = value, head = {0};

    if (value.n > 0 && value.at[0] == '-' && str_cut(value, '=', &flag, &rest))
        head = str_first(value, flag.n + 1);
    for (size_t i = 0; i < mounts_n; i++)
        if (below(rest, mounts[i].path))
            return arena_printf(a, "%.*s%.*s%.*s", STR_ARG(head), STR_ARG(rootfs), STR_ARG(rest));
    return value;
}

static struct str rewritten(const struct maker *m, struct str value)
{
    return launch_rewrite(m->arena, m->spec->mounts, m->spec->mounts_n, m->rootfs, value);
}

static bool has_mount(const struct container_spec *spec, struct str path)
{
    for (size_t i = 0; i < spec->mounts_n; i++)
        if (below(path, spec->mounts[i].path))
            return true;
    return false;
}

/* Where a port of the pod is on this machine: "127.168.34.12:80". */
static struct str socket_text(const struct maker *m, uint16_t port)
{
    struct sockaddr_in addr;
    char text[INET_ADDRSTRLEN];
    uint32_t address;

    if (!fabric_parse_address(m->container->pod->sandbox.address, &address) ||
        !fabric_locate(m->container->rt->fabric, address, port, &addr))
        return (struct str){0};
    (void)inet_ntop(AF_INET, &addr.sin_addr, text, sizeof text);
    return arena_printf(m->arena, "%s:%u", text, ntohs(addr.sin_port));
}

/* --- ${…} ------------------------------------------------------------------------------- */

static void put_folder(const struct maker *m, struct buf *out)
{
    buf_add(out, m->folder);
}

static void put_rootfs(const struct maker *m, struct buf *out)
{
    buf_add(out, m->rootfs);
}

static void put_html(const struct maker *m, struct buf *out)
{
    static const struct str pages = STR_INIT("/usr/share/nginx/html");

    if (has_mount(m->spec, pages))
        buf_printf(out, "%.*s%.*s", STR_ARG(m->rootfs), STR_ARG(pages));
    else
        buf_printf(out, "%.*s/html", STR_ARG(m->folder));
}

static void put_listen_line(const struct maker *m, uint16_t port, struct buf *out)
{
    struct str where = socket_text(m, port);

    if (where.n > 0)
        buf_printf(out, "listen %.*s; ", STR_ARG(where));
}

static void put_listen(const struct maker *m, struct buf *out)
{
    const struct image_recipe *r = m->container->recipe;

    for (size_t i = 0; i < m->spec->ports_n; i++)
        put_listen_line(m, m->spec->ports[i].port, out);
    for (size_t i = 0; m->spec->ports_n == 0 && i < r->ports_n; i++)
        put_listen_line(m, r->ports[i], out);
}

static void put_user(const struct maker *m, struct buf *out)
{
    (void)m;
    if (geteuid() == 0)
        buf_add(out, S("user root;"));
}

static const struct {
    const char *name;
    void (*put)(const struct maker *m, struct buf *out);
} placeholders[] = {
    {"folder", put_folder},
    {"rootfs", put_rootfs},
    {"html",   put_html  },
    {"listen", put_listen},
    {"user",   put_user  },
};

static bool put_placeholder(const struct maker *m, struct str name, struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(placeholders); i++)
        if (str_is(name, placeholders[i].name)) {
            placeholders[i].put(m, out);
            return true;
        }
    return false;
}

/* @text with its ${…}; an unknown one stays as it is. */
static struct str filled(const struct maker *m, struct str text)
{
    CLEANUP(buf_free) struct buf out = buf_init(LARGEST_FILE);
    struct str name, tail;
    size_t at;

    while ((at = str_find(text, S("${"))) != STR_NONE) {
        buf_add(&out, str_first(text, at));
        text = str_from(text, at);
        if (str_cut(str_from(text, 2), '}', &name, &tail) && put_placeholder(m, name, &out)) {
            text = tail;
        } else {
            buf_add(&out, S("${"));
            text = str_from(text, 2);
        }
    }
    buf_add(&out, text);
    return arena_str(m->arena, buf_str(&out));
}

/* --- the environment -------------------------------------------------------------------- */

struct env_list {
    const struct maker *maker;
    char **at;
    size_t n, room;
};

static bool set_by_pod(const struct container_spec *spec, struct str name)
{
    for (size_t i = 0; i < spec->env_n; i++)
        if (str_eq(spec->env[i].name, name))
            return true;
    return false;
}

static void add_env(struct env_list *l, struct str name, struct str value)
{
    if (l->n + 1 < l->room)
        l->at[l->n++] = (char *)(uintptr_t)arena_printf(l->maker->arena, "%.*s=%.*s", STR_ARG(name),
                                                        STR_ARG(value))
                            .at;
}

/* What the pod itself sets wins. */
static void add_default(struct env_list *l, const char *name, struct str value)
{
    if (value.n > 0 && !set_by_pod(l->maker->spec, str_c(name)))
        add_env(l, str_c(name), value);
}

static struct str write_kubeconfig(const struct maker *m, struct str server)
{
    static const struct str mount = STR_INIT("/var/run/secrets/kubernetes.io/serviceaccount");
    struct str path = arena_printf(m->arena, "%.*s/kubeconfig", STR_ARG(m->folder)), text;

    if (!has_mount(m->spec, mount))
        return (struct str){0};
    text = arena_printf(m->arena,
                        "apiVersion: v1\nkind: Config\ncurrent-context: pod\n"
                        "clusters:\n- name: pod\n  cluster:\n    server: %.*s\n"
                        "    certificate-authority: \"%.*s%.*s/ca.crt\"\n"
                        "users:\n- name: pod\n  user:\n    tokenFile: \"%.*s%.*s/token\"\n"
                        "contexts:\n- name: pod\n  context:\n    cluster: pod\n    user: pod\n"
                        "    namespace: %.*s\n",
                        STR_ARG(server), STR_ARG(m->rootfs), STR_ARG(mount), STR_ARG(m->rootfs),
                        STR_ARG(mount), STR_ARG(m->container->pod->sandbox.namespace));
    return launch_write_file(m->arena, path, text, 0600) == 0 ? path : (struct str){0};
}

static void add_cluster_env(struct env_list *l)
{
    const struct pod_sandbox *pod = &l->maker->container->pod->sandbox;
    struct arena *a = l->maker->arena;
    struct str port = arena_printf(a, "%u", pod->kube_port), server;

    if (pod->kube_host.n == 0)
        return;
    server = arena_printf(a, "https://%.*s:%.*s", STR_ARG(pod->kube_host), STR_ARG(port));
    add_default(l, "KUBERNETES_SERVICE_HOST", pod->kube_host);
    add_default(l, "KUBERNETES_SERVICE_PORT", port);
    add_default(l, "KUBERNETES_SERVICE_PORT_HTTPS", port);
    add_default(l, "KUBECONFIG", write_kubeconfig(l->maker, server));
}

/* The door to the AWS APIs, under amazonaws.com's own names; the cluster is reached directly. */
static void add_door_env(struct env_list *l)
{
    const struct launch_settings *s = l->maker->settings;
    static const char direct[] = "127.0.0.0/8,127.0.0.1,localhost,.svc,.cluster.local";

    if (s->proxy.n > 0) {
        add_default(l, "HTTPS_PROXY", s->proxy);
        add_default(l, "https_proxy", s->proxy);
        add_default(l, "HTTP_PROXY", s->proxy);
        add_default(l, "http_proxy", s->proxy);
        add_default(l, "NO_PROXY", str_c(direct));
        add_default(l, "no_proxy", str_c(direct));
    }
    add_default(l, "AWS_CA_BUNDLE", s->ca_file);
    add_default(l, "SSL_CERT_FILE", s->ca_file);
}

static char **make_env(const struct maker *m)
{
    enum { DEFAULTS = 24 };
    struct env_list l = {.maker = m, .room = m->spec->env_n + DEFAULTS + 1};
    struct str address = socket_text(m, 1), host, port;

    l.at = arena_array(m->arena, l.room, sizeof *l.at);
    add_default(&l, "PATH", m->settings->base_env);
    add_default(&l, "HOSTNAME", m->container->pod->sandbox.name);
    add_default(&l, "HOME", m->folder);
    add_default(&l, "TMPDIR", arena_printf(m->arena, "%.*s/tmp", STR_ARG(m->folder)));
    add_default(&l, "ELBOW_ROOTFS", m->rootfs);
    if (str_cut(address, ':', &host, &port))
        add_default(&l, "ELBOW_POD_ADDRESS", host);
    add_door_env(&l);
    add_cluster_env(&l);
    for (size_t i = 0; i < m->spec->env_n; i++)
        add_env(&l, m->spec->env[i].name, rewritten(m, m->spec->env[i].value));
    return l.at;
}

/* --- the command line ------------------------------------------------------------------- */

static void add_words(const struct maker *m, char **argv, size_t *n, const struct str *words,
                      size_t words_n)
{
    for (size_t i = 0; i < words_n; i++)
        argv[(*n)++] = arena_cstr(m->arena, rewritten(m, words[i]));
}

static int find_file(struct arena *a, const struct launch_settings *s, struct str program,
                     struct launch *ret, struct str *ret_why)
{
    const char *file = image_find_program(a, program, s->beside);

    if (file == NULL) {
        *ret_why =
            arena_printf(a, "exec: \"%.*s\": executable file not found in $PATH", STR_ARG(program));
        return -ENOENT;
    }
    ret->file = arena_cstr(a, str_c(file));
    return 0;
}

/* The container's own command, with its args; the image has none of its own that we know. */
static int command_line_of_pod(const struct maker *m, struct launch *ret, struct str *ret_why)
{
    const struct container_spec *spec = m->spec;
    size_t n = 0;
    int r;

    if (spec->command_n + spec->args_n == 0) {
        *ret_why = S("no command specified: an image of the kind \"command\" needs one");
        return -EINVAL;
    }
    ret->argv = arena_array(m->arena, spec->command_n + spec->args_n + 1, sizeof *ret->argv);
    add_words(m, ret->argv, &n, spec->command, spec->command_n);
    add_words(m, ret->argv, &n, spec->args, spec->args_n);
    r = find_file(m->arena, m->settings, str_c(ret->argv[0]), ret, ret_why);
    return r;
}

static int command_line(const struct maker *m, struct launch *ret, struct str *ret_why)
{
    const struct image_recipe *recipe = m->container->recipe;
    const struct container_spec *spec = m->spec;
    size_t n = 0;
    int r;

    if (recipe->run == IMAGE_COMMAND)
        return command_line_of_pod(m, ret, ret_why);
    r = find_file(m->arena, m->settings, recipe->program, ret, ret_why);
    if (r < 0)
        return r;
    ret->argv = arena_array(m->arena, 2 + recipe->arguments_n + spec->args_n, sizeof *ret->argv);
    ret->argv[n++] = ret->file;
    for (size_t i = 0; i < recipe->arguments_n; i++)
        ret->argv[n++] = arena_cstr(m->arena, filled(m, recipe->arguments[i]));
    if (recipe->append_pod_arguments)
        add_words(m, ret->argv, &n, spec->args, spec->args_n);
    return 0;
}

static int make_files(const struct maker *m)
{
    const struct image_recipe *recipe = m->container->recipe;
    int r = launch_make_folders(m->arena, arena_printf(m->arena, "%.*s/tmp", STR_ARG(m->folder)));

    if (r == 0)
        r = launch_make_folders(m->arena, m->rootfs);
    for (size_t i = 0; r == 0 && i < m->spec->mounts_n; i++)
        r = make_mount(m, &m->spec->mounts[i]);
    for (size_t i = 0; r == 0 && i < recipe->files_n; i++)
        r = launch_write_file(
            m->arena,
            arena_printf(m->arena, "%.*s/%.*s", STR_ARG(m->folder), STR_ARG(recipe->files[i].path)),
            filled(m, recipe->files[i].content), 0644);
    return r;
}

/* What outlives the spec. */
static const struct container_mount *copy_mounts(struct arena *a, const struct container_spec *spec)
{
    struct container_mount *copy = arena_array(a, spec->mounts_n, sizeof *copy);

    for (size_t i = 0; i < spec->mounts_n; i++)
        copy[i] = (struct container_mount){.path = arena_str(a, spec->mounts[i].path)};
    return copy;
}

int launch_prepare(struct arena *a, const struct launch_settings *s, const struct container *c,
                   const struct container_spec *spec, struct launch *ret_launch,
                   struct str *ret_why)
{
    struct maker m = {.arena = a, .settings = s, .container = c, .spec = spec};
    struct launch launch = {0};
    int r;

    m.pod_folder = launch_pod_folder(a, s, c->pod->sandbox.uid);
    m.folder = arena_printf(a, "%.*s/containers/%.*s", STR_ARG(m.pod_folder), STR_ARG(spec->name));
    m.rootfs = arena_printf(a, "%.*s/rootfs", STR_ARG(m.folder));
    r = make_files(&m);
    if (r < 0) {
        *ret_why = arena_printf(a, "cannot prepare the container's folder %.*s: %s",
                                STR_ARG(m.folder), strerror(-r));
        return r;
    }
    r = command_line(&m, &launch, ret_why);
    if (r < 0)
        return r;
    launch.folder = arena_cstr(a, m.folder);
    launch.env = make_env(&m);
    launch.rootfs = m.rootfs;
    launch.mounts = copy_mounts(a, spec);
    launch.mounts_n = spec->mounts_n;
    *ret_launch = launch;
    return 0;
}

int launch_beside(struct arena *a, const struct launch_settings *s, const struct launch *container,
                  const struct str *argv, size_t argv_n, struct launch *ret_launch,
                  struct str *ret_why)
{
    struct launch launch = *container;
    int r;

    launch.argv = arena_array(a, argv_n + 1, sizeof *launch.argv);
    for (size_t i = 0; i < argv_n; i++)
        launch.argv[i] = arena_cstr(a, launch_rewrite(a, container->mounts, container->mounts_n,
                                                      container->rootfs, argv[i]));
    r = find_file(a, s, str_c(launch.argv[0]), &launch, ret_why);
    if (r == 0)
        *ret_launch = launch;
    return r;
}

/* Container specs for the runtime. */
#include "loops/container_spec.h"

#include <errno.h>

#include "base/base64.h"
#include "base/macros.h"

enum { MOST_ENV = 1024, MOST_EXPANDED = 1 << 20 };

struct spec_maker {
    struct objects *objects;
    struct arena *arena;
    struct str cluster;
    const cJSON *pod, *container;
    struct container_env *env;
    size_t env_n, env_room;
    struct str *why;
};

/* --- values ----------------------------------------------------------------------------- */

/* "{base}['{key}']" of labels or annotations. */
static struct str subscript(const cJSON *pod, struct str path, struct str base, const char *of)
{
    struct str key;

    if (!str_starts(path, base) || !str_ends(path, S("']")))
        return (struct str){0};
    key = str_from(path, base.n);
    key = str_first(key, key.n - 2);
    return json_text(json_member(json_get(pod, of), key));
}

static struct str list_of_pairs(struct arena *a, const cJSON *pairs)
{
    struct str out = S("");

    JSON_EACH(item, pairs)
        out = arena_printf(a, "%.*s%s%s=\"%.*s\"", STR_ARG(out), out.n > 0 ? "\n" : "",
                           item->string, STR_ARG(json_text(item)));
    return out;
}

struct str downward_field(struct arena *a, const cJSON *pod, struct str path)
{
    static const char *const plain[] = {
        "metadata.name",           "metadata.namespace", "metadata.uid", "spec.nodeName",
        "spec.serviceAccountName", "status.hostIP",      "status.podIP",
    };
    struct str value;

    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        if (str_is(path, plain[i])) {
            value = json_str(pod, plain[i]);
            return value.at == NULL ? S("") : value;
        }
    if (str_is(path, "status.podIPs"))
        return json_str(pod, "status.podIP");
    if (str_is(path, "status.hostIPs"))
        return json_str(pod, "status.hostIP");
    if (str_is(path, "metadata.labels"))
        return list_of_pairs(a, json_get(pod, "metadata.labels"));
    if (str_is(path, "metadata.annotations"))
        return list_of_pairs(a, json_get(pod, "metadata.annotations"));
    value = subscript(pod, path, S("metadata.labels['"), "metadata.labels");
    if (value.at == NULL)
        value = subscript(pod, path, S("metadata.annotations['"), "metadata.annotations");
    return value;
}

struct str config_value(struct arena *a, const cJSON *doc, struct str key)
{
    const cJSON *item = json_member(json_get(doc, "data"), key);
    const cJSON *binary = json_member(json_get(doc, "binaryData"), key);
    struct str out = {0};

    if (str_is(json_str(doc, "kind"), "Secret"))
        binary = item;
    else if (item != NULL)
        return json_text(item);
    if (binary != NULL && base64_decode(a, json_text(binary), &out) && out.at == NULL)
        out = S("");
    return out;
}

static struct object *find(const struct spec_maker *m, const char *resource, struct str name)
{
    struct object_key key =
        key_of(m->cluster, resource, json_str(m->pod, "metadata.namespace"), name);

    return object_get(m->objects, key);
}

static int missing(const struct spec_maker *m, const char *kind, struct str name)
{
    *m->why = arena_printf(m->arena, "%s \"%.*s\" not found", kind, STR_ARG(name));
    return -ENOENT;
}

/* A configMapKeyRef or secretKeyRef. */
static int key_ref(const struct spec_maker *m, const cJSON *ref, const char *resource,
                   const char *kind, const char *title, struct str *ret)
{
    struct str name = json_str(ref, "name"), key = json_str(ref, "key");
    bool optional = json_bool(ref, "optional", false);
    struct object *o = find(m, resource, name);

    *ret = (struct str){0};
    if (o == NULL)
        return optional ? 0 : missing(m, kind, name);
    *ret = config_value(m->arena, object_doc(o), key);
    if (ret->at != NULL || optional)
        return 0;
    *m->why = arena_printf(m->arena, "couldn't find key %.*s in %s %.*s/%.*s", STR_ARG(key), title,
                           STR_ARG(json_str(m->pod, "metadata.namespace")), STR_ARG(name));
    return -ENOENT;
}

/* limits.cpu and the like, of this container. */
static struct str resource_field(const struct spec_maker *m, const cJSON *ref)
{
    struct str path = json_str(ref, "resource"), list, name;

    if (!str_cut(path, '.', &list, &name))
        return (struct str){0};
    return json_text(json_member(json_member(json_get(m->container, "resources"), list), name));
}

static int value_from(const struct spec_maker *m, const cJSON *from, struct str *ret)
{
    const cJSON *field = json_get(from, "fieldRef"), *map = json_get(from, "configMapKeyRef");
    const cJSON *secret = json_get(from, "secretKeyRef");
    const cJSON *resource = json_get(from, "resourceFieldRef");

    *ret = (struct str){0};
    if (field != NULL)
        *ret = downward_field(m->arena, m->pod, json_str(field, "fieldPath"));
    else if (map != NULL)
        return key_ref(m, map, "configmaps", "configmap", "ConfigMap", ret);
    else if (secret != NULL)
        return key_ref(m, secret, "secrets", "secret", "Secret", ret);
    else if (resource != NULL)
        *ret = resource_field(m, resource);
    return 0;
}

/* --- $(VAR) ----------------------------------------------------------------------------- */

static const struct container_env *find_env(const struct spec_maker *m, struct str name)
{
    for (size_t i = m->env_n; i-- > 0;)
        if (str_eq(m->env[i].name, name))
            return &m->env[i];
    return NULL;
}

/* $(NAME) becomes the value, $$ a dollar; an unknown name stays as it is. */
static struct str expanded(const struct spec_maker *m, struct str text)
{
    CLEANUP(buf_free) struct buf out = buf_init(MOST_EXPANDED);
    struct str name, tail;
    size_t at;

    if (str_chr(text, '$') == STR_NONE)
        return text;
    while ((at = str_chr(text, '$')) != STR_NONE) {
        const struct container_env *e = NULL;

        buf_add(&out, str_first(text, at));
        text = str_from(text, at + 1);
        if (str_starts(text, S("$"))) {
            buf_char(&out, '$');
            text = str_from(text, 1);
            continue;
        }
        if (str_starts(text, S("(")) && str_cut(str_from(text, 1), ')', &name, &tail))
            e = find_env(m, name);
        if (e == NULL) {
            buf_char(&out, '$');
            continue;
        }
        buf_add(&out, e->value);
        text = tail;
    }
    buf_add(&out, text);
    return arena_str(m->arena, buf_str(&out));
}

/* --- environment ------------------------------------------------------------------------ */

static void put_env(struct spec_maker *m, struct str name, struct str value)
{
    struct container_env *e = (struct container_env *)(uintptr_t)find_env(m, name);

    if (e == NULL && m->env_n < m->env_room)
        e = &m->env[m->env_n++];
    if (e != NULL)
        *e = (struct container_env){name, value};
}

static void put_all(struct spec_maker *m, const cJSON *doc, struct str prefix)
{
    JSON_EACH(item, json_get(doc, "data")) {
        struct str key = str_c(item->string);

        put_env(m, arena_printf(m->arena, "%.*s%.*s", STR_ARG(prefix), STR_ARG(key)),
                config_value(m->arena, doc, key));
    }
}

static int put_env_from(struct spec_maker *m, const cJSON *from)
{
    const cJSON *map = json_get(from, "configMapRef"), *secret = json_get(from, "secretRef");
    const cJSON *ref = map != NULL ? map : secret;
    struct object *o = find(m, map != NULL ? "configmaps" : "secrets", json_str(ref, "name"));

    if (o != NULL)
        put_all(m, object_doc(o), json_str(from, "prefix"));
    else if (!json_bool(ref, "optional", false))
        return missing(m, map != NULL ? "configmap" : "secret", json_str(ref, "name"));
    return 0;
}

static int put_envs(struct spec_maker *m)
{
    int r = 0;

    m->env_room = MOST_ENV;
    m->env = arena_array(m->arena, m->env_room, sizeof *m->env);
    JSON_EACH(from, json_get(m->container, "envFrom"))
        if ((r = put_env_from(m, from)) < 0)
            return r;
    JSON_EACH(item, json_get(m->container, "env")) {
        const cJSON *from = json_get(item, "valueFrom");
        struct str value = expanded(m, json_str(item, "value"));

        if (from != NULL && (r = value_from(m, from, &value)) < 0)
            return r;
        if (from == NULL || value.at != NULL)
            put_env(m, json_str(item, "name"), value);
    }
    return 0;
}

/* --- the rest --------------------------------------------------------------------------- */

static const struct str *words(const struct spec_maker *m, const char *of, size_t *ret_n)
{
    const cJSON *list = json_get(m->container, of);
    struct str *out = arena_array(m->arena, (size_t)cJSON_GetArraySize(list), sizeof *out);
    size_t n = 0;

    JSON_EACH(item, list)
        out[n++] = expanded(m, json_text(item));
    *ret_n = n;
    return out;
}

static const struct container_mount *mounts(const struct spec_maker *m, size_t *ret_n)
{
    const cJSON *list = json_get(m->container, "volumeMounts");
    struct container_mount *out =
        arena_array(m->arena, (size_t)cJSON_GetArraySize(list), sizeof *out);
    size_t n = 0;

    JSON_EACH(item, list)
        out[n++] = (struct container_mount){
            .volume = json_str(item, "name"),
            .path = json_str(item, "mountPath"),
            .sub_path = json_str(item, "subPath"),
            .read_only = json_bool(item, "readOnly", false),
        };
    *ret_n = n;
    return out;
}

static const struct container_port *ports(const struct spec_maker *m, size_t *ret_n)
{
    const cJSON *list = json_get(m->container, "ports");
    struct container_port *out =
        arena_array(m->arena, (size_t)cJSON_GetArraySize(list), sizeof *out);
    size_t n = 0;

    JSON_EACH(item, list)
        out[n++] = (struct container_port){json_str(item, "name"),
                                           (uint16_t)json_int(item, "containerPort", 0)};
    *ret_n = n;
    return out;
}

int container_spec_plan(struct objects *objects, struct arena *a, struct str cluster,
                        const cJSON *pod, const cJSON *container, struct container_spec *ret_spec,
                        struct str *ret_why)
{
    struct spec_maker m = {.objects = objects,
                           .arena = a,
                           .cluster = cluster,
                           .pod = pod,
                           .container = container,
                           .why = ret_why};
    int r = put_envs(&m);

    if (r < 0)
        return r;
    *ret_spec = (struct container_spec){
        .pod_uid = json_str(pod, "metadata.uid"),
        .name = json_str(container, "name"),
        .image = json_str(container, "image"),
        .working_dir = json_str(container, "workingDir"),
        .env = m.env,
        .env_n = m.env_n,
        .takes_stdin = json_bool(container, "stdin", false),
        .stdin_once = json_bool(container, "stdinOnce", false),
        .tty = json_bool(container, "tty", false),
    };
    ret_spec->command = words(&m, "command", &ret_spec->command_n);
    ret_spec->args = words(&m, "args", &ret_spec->args_n);
    ret_spec->mounts = mounts(&m, &ret_spec->mounts_n);
    ret_spec->ports = ports(&m, &ret_spec->ports_n);
    return 0;
}

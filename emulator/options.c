/* The table of settings, and its four readers: defaults, YAML file, environment, flags. */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <yaml.h>

enum option_kind {
    OPTION_TEXT,
    OPTION_SWITCH,
    OPTION_NUMBER,
    OPTION_LIST,
    OPTION_CHOICE,
    OPTION_ADDRESS,
    OPTION_VERSION
};

/* kind, field (with dashes for underscores it is the name), default, what it takes (a choice's
 * words parted by '|'), help. */
#define OPTIONS(X)                                                                                 \
    X(TEXT, data_dir, "", "DIR", "keep the world here (default ~/.local/state/elbow)")             \
    X(SWITCH, ephemeral, "false", "true|false", "keep nothing: a temporary folder, removed after") \
    X(TEXT, fixture, "tutorial", "NAME|FILE", "the world to begin with: tutorial, empty, a file")  \
    X(TEXT, config, "", "FILE", "a YAML file with any of these settings")                          \
    X(ADDRESS, aws_listen, "127.0.0.1:4566", "ADDRESS:PORT", "AWS APIs, proxy door, /_elbow/")     \
    X(ADDRESS, kube_listen, "127.0.0.1:6443", "ADDRESS:PORT", "Kubernetes; a port a cluster, up")  \
    X(ADDRESS, front_http, "", "ADDRESS:PORT", "load balancers by Host (127.0.0.1:80, else 8080)") \
    X(ADDRESS, front_https, "", "ADDRESS:PORT", "the same by SNI (127.0.0.1:443, else 8443)")      \
    X(TEXT, lb_domain, "localhost", "DOMAIN", "load balancer names end so: or amazonaws.com")      \
    X(NUMBER, provisioning_delay, "0", "MS", "how long a new load balancer is provisioning")       \
    X(LIST, account_limit, "", "NAME=N", "a limit of DescribeAccountLimits, to hold (repeatable)") \
    X(TEXT, s3_folder, "", "DIR", "S3 buckets are its folders (default: s3 in the data folder)")   \
    X(CHOICE, runtime, "auto", "process|docker|static|fake|auto",                                  \
      "what runs the pods; auto is process")                                                       \
    X(LIST, image, "", "PATTERN=PATH", "run such images as the program at PATH (repeatable)")      \
    X(TEXT, image_catalogue, "", "FILE", "your image catalogue, read before the built-in one")     \
    X(CHOICE, iam, "enforce", "enforce|audit|off", "whether policies bind issued credentials")     \
    X(CHOICE, security_groups, "enforce", "enforce|off", "whether security groups stop traffic")   \
    X(VERSION, kubernetes_version, "", "1.NN", "the release that the clusters show: 1.14 to 1.36") \
    X(NUMBER, seed, "0", "N", "the same ids and choices every run (0: different ones)")            \
    X(NUMBER, workers, "1", "N", "threads that carry traffic")                                     \
    X(TEXT, ready_file, "", "FILE", "written in one step when everything answers")                 \
    X(CHOICE, log_format, "text", "text|json", "the form of the log on standard error")            \
    X(CHOICE, log_level, "info", "error|warning|info|debug", "the least weight of a log line")

struct option {
    const char *field_name;
    enum option_kind kind;
    size_t field;
    const char *value; /* the default */
    const char *takes;
    const char *help;
};

#define ROW(kind, field, value, takes, help) \
    {#field, OPTION_##kind, offsetof(struct options, field), value, takes, help},

static const struct option table[] = {OPTIONS(ROW)};

/* A field's name with another letter for the underscore, in upper case where @upper. In @a. */
static struct str spelled(struct arena *a, const struct option *o, char dash, bool upper)
{
    char *name = arena_cstr(a, str_c(o->field_name));

    for (char *c = name; *c != '\0'; c++)
        *c = *c == '_' ? dash : upper ? (char)(*c - 'a' + 'A') : *c;
    return str_c(name);
}

struct reader {
    struct arena *arena;
    struct options *options;
    struct str *why;
};

static const struct option *find_option(struct arena *a, struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (str_eq(name, spelled(a, &table[i], '-', false)))
            return &table[i];
    return NULL;
}

static int complain(struct reader *r, const struct option *o, struct str value, struct str source)
{
    *r->why =
        arena_printf(r->arena, "%.*s: '%.*s' is not a value of %s, which takes %s", STR_ARG(source),
                     STR_ARG(value), spelled(r->arena, o, '-', false).at, o->takes);
    return -EINVAL;
}

static bool is_one_of(struct str value, const char *words)
{
    struct str rest = str_c(words), word;

    while (str_next(&rest, '|', &word))
        if (str_eq(word, value))
            return true;
    return false;
}

/* "host:port" with a port of 0 to 65535; the host may be in brackets. */
static bool is_address(struct str value)
{
    size_t colon = str_rchr(value, ':');
    int64_t port;

    return colon != STR_NONE && colon > 0 && str_to_int(str_from(value, colon + 1), &port) &&
           port >= 0 && port <= 65535;
}

/* A release that EKS had or has, near enough. */
static bool is_version(struct str value)
{
    enum { OLDEST = 14, NEWEST = 36 };
    int64_t minor;

    return str_starts(value, S("1.")) && str_to_int(str_from(value, 2), &minor) &&
           minor >= OLDEST && minor <= NEWEST;
}

static void append(struct arena *a, struct option_list *list, struct str value)
{
    struct str *grown = arena_array(a, list->n + 1, sizeof *grown);

    if (list->n > 0)
        memcpy(grown, list->at, list->n * sizeof *grown);
    grown[list->n] = value;
    *list = (struct option_list){grown, list->n + 1};
}

static int set_option(struct reader *r, const struct option *o, struct str value, struct str source)
{
    void *field = (char *)r->options + o->field;
    int64_t number;

    switch (o->kind) {
    case OPTION_SWITCH:
        if (!is_one_of(value, "true|false|1|0"))
            return complain(r, o, value, source);
        *(bool *)field = is_one_of(value, "true|1");
        return 0;
    case OPTION_NUMBER:
        if (!str_to_int(value, &number) || number < 0)
            return complain(r, o, value, source);
        *(int64_t *)field = number;
        return 0;
    case OPTION_LIST:
        if (value.n > 0 && str_chr(value, '=') == STR_NONE)
            return complain(r, o, value, source);
        if (value.n > 0)
            append(r->arena, field, value);
        return 0;
    case OPTION_CHOICE:
        if (!is_one_of(value, o->takes))
            return complain(r, o, value, source);
        break;
    case OPTION_ADDRESS:
        if (value.n > 0 && !is_address(value))
            return complain(r, o, value, source);
        break;
    case OPTION_VERSION:
        if (value.n > 0 && !is_version(value))
            return complain(r, o, value, source);
        break;
    case OPTION_TEXT:
        break;
    }
    *(struct str *)field = value;
    return 0;
}

static int read_defaults(struct reader *r)
{
    int result = 0;

    for (size_t i = 0; result == 0 && i < ARRAY_LEN(table); i++)
        result = set_option(r, &table[i], str_c(table[i].value), S("default"));
    return result;
}

/* --- the config file -------------------------------------------------------------------- */

static int complain_at(struct reader *r, struct str path, yaml_mark_t mark, const char *expected)
{
    *r->why = arena_printf(r->arena, "%.*s:%zu:%zu: expected %s", STR_ARG(path), mark.line + 1,
                           mark.column + 1, expected);
    return -EINVAL;
}

static int set_from_node(struct reader *r, struct str path, const struct option *o,
                         const yaml_node_t *node)
{
    struct str value, source;

    if (node->type != YAML_SCALAR_NODE)
        return complain_at(r, path, node->start_mark, o->takes);
    value =
        arena_str(r->arena, str_n((const char *)node->data.scalar.value, node->data.scalar.length));
    source = arena_printf(r->arena, "%.*s:%zu:%zu", STR_ARG(path), node->start_mark.line + 1,
                          node->start_mark.column + 1);
    return set_option(r, o, value, source);
}

/* A key may be written with underscores, too. */
static struct str dashed(struct arena *a, struct str key)
{
    char *name = arena_cstr(a, key);

    for (char *c = name; *c != '\0'; c++)
        *c = *c == '_' ? '-' : *c;
    return str_n(name, key.n);
}

static int read_pair(struct reader *r, struct str path, yaml_document_t *document,
                     const yaml_node_pair_t *pair)
{
    const yaml_node_t *key = yaml_document_get_node(document, pair->key);
    yaml_node_t *value = yaml_document_get_node(document, pair->value);
    const struct option *o = NULL;
    int result = 0;

    if (key->type == YAML_SCALAR_NODE)
        o = find_option(r->arena, dashed(r->arena, str_n((const char *)key->data.scalar.value,
                                                         key->data.scalar.length)));
    if (o == NULL)
        return complain_at(r, path, key->start_mark,
                           "the name of a setting (elbow serve --help lists them)");
    if (o->kind != OPTION_LIST || value->type != YAML_SEQUENCE_NODE)
        return set_from_node(r, path, o, value);
    for (yaml_node_item_t *i = value->data.sequence.items.start;
         result == 0 && i < value->data.sequence.items.top; i++)
        result = set_from_node(r, path, o, yaml_document_get_node(document, *i));
    return result;
}

static int read_document(struct reader *r, struct str path, yaml_document_t *document)
{
    yaml_node_t *root = yaml_document_get_root_node(document);
    int result = 0;

    if (root == NULL)
        return 0;
    if (root->type != YAML_MAPPING_NODE)
        return complain_at(r, path, root->start_mark, "a mapping of settings");
    for (yaml_node_pair_t *pair = root->data.mapping.pairs.start;
         result == 0 && pair < root->data.mapping.pairs.top; pair++)
        result = read_pair(r, path, document, pair);
    return result;
}

static int read_config(struct reader *r, struct str path)
{
    FILE *file = fopen(arena_cstr(r->arena, path), "re");
    yaml_document_t document;
    yaml_parser_t parser;
    int result;

    if (file == NULL) {
        *r->why = arena_printf(r->arena, "cannot read the config file %.*s: %s", STR_ARG(path),
                               strerror(errno));
        return -EINVAL;
    }
    (void)yaml_parser_initialize(&parser);
    yaml_parser_set_input_file(&parser, file);
    if (yaml_parser_load(&parser, &document) != 0) {
        result = read_document(r, path, &document);
        yaml_document_delete(&document);
    } else {
        result = complain_at(r, path, parser.problem_mark, "YAML");
    }
    yaml_parser_delete(&parser);
    (void)fclose(file);
    return result;
}

/* --- environment and flags -------------------------------------------------------------- */

static struct str variable_value(char **environment, struct str name)
{
    for (char **e = environment; e != NULL && *e != NULL; e++) {
        struct str key, value;

        if (str_cut(str_c(*e), '=', &key, &value) && str_eq(key, name))
            return value;
    }
    return (struct str){0};
}

static int read_environment(struct reader *r, char **environment)
{
    int result = 0;

    for (size_t i = 0; result == 0 && i < ARRAY_LEN(table); i++) {
        struct str name =
            arena_printf(r->arena, "ELBOW_%s", spelled(r->arena, &table[i], '_', true).at);
        struct str value = variable_value(environment, name);

        if (value.n > 0)
            result = set_option(r, &table[i], value, name);
    }
    return result;
}

/* One flag at argv[*at]: "--name=value", "--name value" or, for a switch, "--name". */
static int read_flag(struct reader *r, int argc, char **argv, int *at)
{
    struct str argument = str_c(argv[*at]), name = argument, value = {0};
    bool given = false;
    const struct option *o;

    if (str_starts(argument, S("--"))) {
        name = str_from(argument, 2);
        given = str_cut(name, '=', &name, &value);
    }
    o = str_starts(argument, S("--")) ? find_option(r->arena, name) : NULL;
    if (o == NULL) {
        *r->why = arena_printf(r->arena,
                               "unknown argument '%.*s'; 'elbow serve --help' lists the "
                               "settings",
                               STR_ARG(argument));
        return -EINVAL;
    }
    if (!given && o->kind == OPTION_SWITCH) {
        value = S("true");
    } else if (!given) {
        if (*at + 1 >= argc) {
            *r->why = arena_printf(r->arena, "%.*s needs a value: %s", STR_ARG(argument), o->takes);
            return -EINVAL;
        }
        value = str_c(argv[++*at]);
    }
    return set_option(r, o, value, str_first(argument, name.n + 2));
}

static int read_flags(struct reader *r, int argc, char **argv)
{
    int result = 0;

    for (int i = 0; result == 0 && i < argc; i++)
        result = read_flag(r, argc, argv, &i);
    return result;
}

/* The file is named by a flag or a variable, but weighs less than both: it is looked for first. */
static int find_config(struct reader *r, int argc, char **argv, char **environment,
                       struct str *ret_path)
{
    struct options scratch = {0};
    struct reader first = {r->arena, &scratch, r->why};
    int result = read_environment(&first, environment);

    if (result == 0)
        result = read_flags(&first, argc, argv);
    *ret_path = scratch.config;
    return result;
}

int options_read(struct arena *a, int argc, char **argv, char **environment,
                 struct options *ret_options, struct str *ret_why)
{
    struct options options = {0};
    struct reader r = {a, &options, ret_why};
    struct str config;
    int result = find_config(&r, argc, argv, environment, &config);

    if (result == 0)
        result = read_defaults(&r);
    if (result == 0 && config.n > 0)
        result = read_config(&r, config);
    if (result == 0)
        result = read_environment(&r, environment);
    if (result == 0)
        result = read_flags(&r, argc, argv);
    if (result == 0 && options.ephemeral && options.data_dir.n > 0) {
        *ret_why = S("--ephemeral keeps nothing and --data-dir keeps everything: give one of them");
        result = -EINVAL;
    }
    if (result == 0)
        *ret_options = options;
    return result;
}

void options_print_help(FILE *out)
{
    struct arena a = {0};

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        bool is_switch = table[i].kind == OPTION_SWITCH;
        struct str flag = arena_printf(&a, "--%s %s", spelled(&a, &table[i], '-', false).at,
                                       is_switch ? "" : table[i].takes);

        const char *value = table[i].value;
        bool says = value[0] != '\0' && !is_switch && strcmp(value, "0") != 0;

        (void)fprintf(out, "  %-44s %s%s%s%s\n", flag.at, table[i].help, says ? " (" : "",
                      says ? value : "", says ? ")" : "");
    }
    arena_free(&a);
}

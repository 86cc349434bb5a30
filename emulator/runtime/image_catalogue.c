/* Reads the image catalogue and finds the recipe of an image. The catalogue owns its recipes in
 * its arena. Source: the form is fixtures/images.yaml's own; image names as docker reads them. */
#include "runtime/image_catalogue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/macros.h"

enum {
    LONGEST_NAME = 255,
    LONGEST_TAG = 128,
    LARGEST_CATALOGUE = 4 << 20,
};

extern const char fixture_images[];
extern const size_t fixture_images_size;

void image_catalogue_init(struct image_catalogue *c)
{
    *c = (struct image_catalogue){0};
    c->end = &c->first;
}

void image_catalogue_deinit(struct image_catalogue *c)
{
    arena_free(&c->arena);
}

/* --- names ------------------------------------------------------------------------------ */

static bool is_lower(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_word(char c)
{
    return is_lower(c) || (c >= 'A' && c <= 'Z') || c == '_';
}

/* path-component: alpha-numeric parts joined by '.', '_', '__' or any number of '-' */
static bool is_component(struct str s)
{
    if (s.n == 0 || !is_lower(s.at[0]) || !is_lower(s.at[s.n - 1]))
        return false;
    for (size_t i = 1; i < s.n; i++) {
        bool same_run = s.at[i] == s.at[i - 1] && (s.at[i] == '-' || s.at[i] == '_');

        if (!is_lower(s.at[i]) && s.at[i] != '.' && s.at[i] != '_' && s.at[i] != '-')
            return false;
        if (!is_lower(s.at[i]) && !is_lower(s.at[i - 1]) && !same_run)
            return false;
    }
    return true;
}

static bool is_path(struct str path)
{
    struct str part;

    if (path.n == 0 || path.at[path.n - 1] == '/')
        return false;
    while (str_next(&path, '/', &part))
        if (!is_component(part))
            return false;
    return true;
}

static bool is_domain(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_word(s.at[i]) && s.at[i] != '.' && s.at[i] != '-' && s.at[i] != ':')
            return false;
    return s.n > 0 && s.at[0] != '.' && s.at[0] != ':' && s.at[0] != '-';
}

static bool is_tag(struct str s)
{
    if (s.n == 0 || s.n > LONGEST_TAG || !is_word(s.at[0]))
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (!is_word(s.at[i]) && s.at[i] != '.' && s.at[i] != '-')
            return false;
    return true;
}

/* The part before the first slash is a registry when it looks like a host. */
static void split_domain(struct str name, struct str *ret_domain, struct str *ret_path)
{
    struct str head, tail;

    *ret_domain = (struct str){0};
    *ret_path = name;
    if (!str_cut(name, '/', &head, &tail))
        return;
    if (str_chr(head, '.') == STR_NONE && str_chr(head, ':') == STR_NONE &&
        str_chr(head, '*') == STR_NONE && !str_is(head, "localhost"))
        return;
    *ret_domain = head;
    *ret_path = tail;
}

/* "name:tag" in two; the colon of a port is in the part before the last slash. */
static void split_tag(struct str s, struct str *ret_name, struct str *ret_tag)
{
    size_t colon = str_rchr(s, ':'), slash = str_rchr(s, '/');

    *ret_name = s;
    *ret_tag = (struct str){0};
    if (colon == STR_NONE || (slash != STR_NONE && slash > colon))
        return;
    *ret_name = str_first(s, colon);
    *ret_tag = str_from(s, colon + 1);
}

static struct str full_name(struct arena *a, struct str domain, struct str path)
{
    if (domain.n > 0 && !str_is(domain, "index.docker.io"))
        return arena_printf(a, "%.*s/%.*s", STR_ARG(domain), STR_ARG(path));
    if (str_chr(path, '/') != STR_NONE)
        return arena_printf(a, "docker.io/%.*s", STR_ARG(path));
    return arena_printf(a, "docker.io/library/%.*s", STR_ARG(path));
}

bool image_name_normalise(struct arena *a, struct str image, struct str *ret_name)
{
    struct str name = image, digest = {0}, tag, domain, path;

    if (str_cut(image, '@', &name, &digest) && !str_starts(digest, S("sha256:")))
        return false;
    if (str_ends(name, S(":")))
        return false;
    split_tag(name, &name, &tag);
    split_domain(name, &domain, &path);
    if (name.n > LONGEST_NAME || !is_path(path) || (domain.n > 0 && !is_domain(domain)) ||
        (tag.n > 0 && !is_tag(tag)))
        return false;
    if (str_is(domain, "docker.io") && str_chr(path, '/') == STR_NONE)
        domain = (struct str){0};
    name = full_name(a, domain, path);
    if (tag.n == 0 && digest.n == 0)
        tag = S("latest");
    *ret_name = arena_printf(a, "%.*s%s%.*s%s%.*s", STR_ARG(name), tag.n > 0 ? ":" : "",
                             STR_ARG(tag), digest.n > 0 ? "@" : "", STR_ARG(digest));
    return true;
}

/* A pattern is filled up as a name is; without a tag it means every tag. */
static struct str normal_pattern(struct arena *a, struct str pattern)
{
    struct str name, tag, domain, path;

    split_tag(pattern, &name, &tag);
    split_domain(name, &domain, &path);
    if (str_is(domain, "docker.io") && str_chr(path, '/') == STR_NONE)
        domain = (struct str){0};
    if (!str_is(name, "*"))
        name = full_name(a, domain, path);
    if (tag.n == 0 && (str_ends(name, S("*")) || str_chr(pattern, '@') != STR_NONE))
        return name;
    return arena_printf(a, "%.*s:%.*s", STR_ARG(name), STR_ARG(tag.n > 0 ? tag : S("*")));
}

/* '*' stands for any text, everything else for itself. */
static bool matches(struct str pattern, struct str text)
{
    size_t p = 0, t = 0, star = STR_NONE, from = 0;

    while (t < text.n) {
        if (p < pattern.n && pattern.at[p] == '*') {
            star = p++;
            from = t;
        } else if (p < pattern.n && pattern.at[p] == text.at[t]) {
            p++;
            t++;
        } else if (star != STR_NONE) {
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.at[p] == '*')
        p++;
    return p == pattern.n;
}

const struct image_recipe *image_catalogue_find(const struct image_catalogue *c, struct str image)
{
    struct str untagged = image, digest;

    /* "nginx:1@sha256:…" and "nginx@sha256:…" mean the image of that name */
    (void)str_cut(image, '@', &untagged, &digest);
    for (const struct image_recipe *r = c->first; r != NULL; r = r->next) {
        struct str name, tag;

        split_tag(r->pattern, &name, &tag);
        if (matches(r->pattern, image) || matches(r->pattern, untagged) ||
            (str_is(tag, "*") && matches(name, untagged)))
            return r;
    }
    return NULL;
}

struct str image_unknown_message(const struct image_catalogue *c, struct arena *a, struct str image)
{
    struct str where = c->user_file;

    if (where.n == 0)
        where = S("a file of yours, given with --image-catalogue FILE (or use --image "
                  "PATTERN=PATH)");
    return arena_printf(a,
                        "rpc error: code = NotFound desc = failed to pull and unpack image "
                        "\"%.*s\": failed to resolve reference \"%.*s\": %.*s: not found: no entry "
                        "of the image catalogue says what to run for it; add one to %.*s",
                        STR_ARG(image), STR_ARG(image), STR_ARG(image), STR_ARG(where));
}

/* --- entries ---------------------------------------------------------------------------- */

static struct image_recipe *append_recipe(struct image_catalogue *c)
{
    struct image_recipe *r = arena_alloc(&c->arena, sizeof *r);

    r->append_pod_arguments = true;
    *c->end = r;
    c->end = &r->next;
    return r;
}

static void set_program(struct image_catalogue *c, struct image_recipe *r, struct str program)
{
    r->program = arena_str(&c->arena, program);
    r->run = str_is(program, "static")    ? IMAGE_STATIC
             : str_is(program, "command") ? IMAGE_COMMAND
                                          : IMAGE_PROGRAM;
}

int image_catalogue_add(struct image_catalogue *c, struct arena *a, struct str setting,
                        struct str *ret_why)
{
    struct image_recipe *r;
    struct str pattern, path;

    if (!str_cut(setting, '=', &pattern, &path) || pattern.n == 0 || path.n == 0) {
        *ret_why = arena_printf(a, "--image takes PATTERN=PATH, not '%.*s'", STR_ARG(setting));
        return -EINVAL;
    }
    r = append_recipe(c);
    r->pattern = normal_pattern(&c->arena, pattern);
    set_program(c, r, path);
    return 0;
}

/* One reading of a catalogue's text. */
struct reader {
    struct image_catalogue *catalogue;
    struct arena *arena;
    struct str name;
    struct str *why;
    yaml_document_t *document;
};

static int complain(struct reader *r, yaml_mark_t mark, const char *expected)
{
    *r->why = arena_printf(r->arena, "%.*s:%zu:%zu: expected %s", STR_ARG(r->name), mark.line + 1,
                           mark.column + 1, expected);
    return -EINVAL;
}

static yaml_node_t *node_at(struct reader *r, int index)
{
    return yaml_document_get_node(r->document, index);
}

static struct str scalar(const yaml_node_t *node)
{
    if (node == NULL || node->type != YAML_SCALAR_NODE)
        return (struct str){0};
    return str_n((const char *)node->data.scalar.value, node->data.scalar.length);
}

static size_t sequence_length(const yaml_node_t *node)
{
    return (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
}

typedef int field_cb(struct reader *r, struct image_recipe *recipe, yaml_node_t *value);

static int read_image(struct reader *r, struct image_recipe *recipe, yaml_node_t *value)
{
    if (scalar(value).n == 0)
        return complain(r, value->start_mark, "a pattern for image names");
    recipe->pattern = normal_pattern(&r->catalogue->arena, scalar(value));
    return 0;
}

static int read_program(struct reader *r, struct image_recipe *recipe, yaml_node_t *value)
{
    if (scalar(value).n == 0)
        return complain(r, value->start_mark, "a program, \"static\" or \"command\"");
    set_program(r->catalogue, recipe, scalar(value));
    return 0;
}

static int read_package(struct reader *r, struct image_recipe *recipe, yaml_node_t *value)
{
    if (scalar(value).n == 0)
        return complain(r, value->start_mark, "a package's name");
    recipe->package = arena_str(&r->catalogue->arena, scalar(value));
    return 0;
}

static int read_pod_arguments(struct reader *r, struct image_recipe *recipe, yaml_node_t *value)
{
    struct str text = scalar(value);

    if (!str_is(text, "append") && !str_is(text, "ignore"))
        return complain(r, value->start_mark, "append or ignore");
    recipe->append_pod_arguments = str_is(text, "append");
    return 0;
}

static int read_arguments(struct reader *r, struct image_recipe *recipe, yaml_node_t *value)
{
    struct str *arguments;

    if (value->type != YAML_SEQUENCE_NODE)
        return complain(r, value->start_mark, "a list of arguments");
    recipe->arguments_n = sequence_length(value);
    arguments = arena_array(&r->catalogue->arena, recipe->arguments_n, sizeof *arguments);
    for (size_t i = 0; i < recipe->arguments_n; i++)
        arguments[i] = arena_str(&r->catalogue->arena,
                                 scalar(node_at(r, value->data.sequence.items.start[i])));
    recipe->arguments = arguments;
    return 0;
}

static int read_ports(struct reader *r, struct image_recipe *recipe, yaml_node_t *value)
{
    uint16_t *ports;

    if (value->type != YAML_SEQUENCE_NODE)
        return complain(r, value->start_mark, "a list of ports");
    recipe->ports_n = sequence_length(value);
    ports = arena_array(&r->catalogue->arena, recipe->ports_n, sizeof *ports);
    for (size_t i = 0; i < recipe->ports_n; i++) {
        const yaml_node_t *node = node_at(r, value->data.sequence.items.start[i]);
        int64_t port;

        if (!str_to_int(scalar(node), &port) || port < 1 || port > UINT16_MAX)
            return complain(r, node->start_mark, "a port from 1 to 65535");
        ports[i] = (uint16_t)port;
    }
    recipe->ports = ports;
    return 0;
}

/* Nothing outside the container's folder is ever written. */
static bool is_inside(struct str path)
{
    struct str part;

    if (path.n == 0 || path.at[0] == '/')
        return false;
    while (str_next(&path, '/', &part))
        if (part.n == 0 || str_is(part, "..") || str_is(part, "."))
            return false;
    return true;
}

static int read_files(struct reader *r, struct image_recipe *recipe, yaml_node_t *value)
{
    struct image_file *files;

    if (value->type != YAML_MAPPING_NODE)
        return complain(r, value->start_mark, "a mapping of paths to contents");
    recipe->files_n = (size_t)(value->data.mapping.pairs.top - value->data.mapping.pairs.start);
    files = arena_array(&r->catalogue->arena, recipe->files_n, sizeof *files);
    for (size_t i = 0; i < recipe->files_n; i++) {
        const yaml_node_pair_t *pair = &value->data.mapping.pairs.start[i];
        const yaml_node_t *path = node_at(r, pair->key), *content = node_at(r, pair->value);

        if (!is_inside(scalar(path)))
            return complain(r, path->start_mark, "a relative path without ..");
        if (content->type != YAML_SCALAR_NODE)
            return complain(r, content->start_mark, "the file's content");
        files[i].path = arena_str(&r->catalogue->arena, scalar(path));
        files[i].content = arena_str(&r->catalogue->arena, scalar(content));
    }
    recipe->files = files;
    return 0;
}

static const struct {
    const char *name;
    field_cb *read;
} fields[] = {
    {"image",         read_image        },
    {"program",       read_program      },
    {"arguments",     read_arguments    },
    {"pod-arguments", read_pod_arguments},
    {"ports",         read_ports        },
    {"files",         read_files        },
    {"package",       read_package      },
};

static int read_field(struct reader *r, struct image_recipe *recipe, const yaml_node_pair_t *pair)
{
    const yaml_node_t *key = node_at(r, pair->key);

    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (str_is(scalar(key), fields[i].name))
            return fields[i].read(r, recipe, node_at(r, pair->value));
    return complain(r, key->start_mark,
                    "one of image, program, arguments, pod-arguments, ports, files, package");
}

static int read_entry(struct reader *r, const yaml_node_t *entry)
{
    struct image_recipe *recipe = append_recipe(r->catalogue);
    int result = 0;

    if (entry->type != YAML_MAPPING_NODE)
        return complain(r, entry->start_mark, "an entry with image and program");
    for (yaml_node_pair_t *pair = entry->data.mapping.pairs.start;
         result == 0 && pair < entry->data.mapping.pairs.top; pair++)
        result = read_field(r, recipe, pair);
    if (result == 0 && (recipe->pattern.n == 0 || recipe->program.n == 0))
        result = complain(r, entry->start_mark, "both image and program in an entry");
    return result;
}

static int read_root(struct reader *r)
{
    const yaml_node_t *root = yaml_document_get_root_node(r->document), *list = NULL;
    int result = 0;

    if (root == NULL)
        return 0; /* an empty file */
    if (root->type == YAML_MAPPING_NODE &&
        root->data.mapping.pairs.top - root->data.mapping.pairs.start == 1 &&
        str_is(scalar(node_at(r, root->data.mapping.pairs.start->key)), "images"))
        list = node_at(r, root->data.mapping.pairs.start->value);
    if (list == NULL || list->type != YAML_SEQUENCE_NODE)
        return complain(r, root->start_mark, "images: and a list of entries");
    for (yaml_node_item_t *i = list->data.sequence.items.start;
         result == 0 && i < list->data.sequence.items.top; i++)
        result = read_entry(r, node_at(r, *i));
    return result;
}

int image_catalogue_read(struct image_catalogue *c, struct arena *a, struct str name,
                         struct str text, struct str *ret_why)
{
    yaml_document_t document;
    struct reader r = {c, a, name, ret_why, &document};
    yaml_parser_t parser;
    int result;

    (void)yaml_parser_initialize(&parser);
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text.n > 0 ? text.at : ""),
                                 text.n);
    if (yaml_parser_load(&parser, &document) != 0) {
        result = read_root(&r);
        yaml_document_delete(&document);
    } else {
        result = complain(&r, parser.problem_mark, "YAML");
    }
    yaml_parser_delete(&parser);
    return result;
}

static void closep(FILE **file)
{
    if (*file != NULL)
        (void)fclose(*file);
}

int image_catalogue_read_file(struct image_catalogue *c, struct arena *a, struct str path,
                              struct str *ret_why)
{
    CLEANUP(closep) FILE *file = fopen(arena_cstr(a, path), "re");
    CLEANUP(buf_free) struct buf text = buf_init(LARGEST_CATALOGUE);
    char *to;
    size_t n;

    if (file == NULL) {
        *ret_why = arena_printf(a, "cannot read the image catalogue %.*s: %s", STR_ARG(path),
                                strerror(errno));
        return -EINVAL;
    }
    while ((to = buf_reserve(&text, BUFSIZ)) != NULL && (n = fread(to, 1, BUFSIZ, file)) > 0)
        buf_commit(&text, n);
    if (text.full || ferror(file) != 0) {
        *ret_why = arena_printf(a, "cannot read the image catalogue %.*s", STR_ARG(path));
        return -EINVAL;
    }
    c->user_file = arena_str(&c->arena, path);
    return image_catalogue_read(c, a, path, buf_str(&text), ret_why);
}

int image_catalogue_read_builtin(struct image_catalogue *c, struct arena *a, struct str *ret_why)
{
    return image_catalogue_read(c, a, S("fixtures/images.yaml"),
                                str_n(fixture_images, fixture_images_size), ret_why);
}

/* --- programs --------------------------------------------------------------------------- */

static const char *runnable(struct arena *a, struct str folder, struct str program)
{
    struct str path = arena_printf(a, "%.*s/%.*s", STR_ARG(folder), STR_ARG(program));

    return access(path.at, X_OK) == 0 ? path.at : NULL;
}

const char *image_find_program(struct arena *a, struct str program, struct str beside)
{
    struct str folders = str_c(getenv("PATH")), folder;
    const char *found;

    if (str_chr(program, '/') != STR_NONE)
        return access(arena_cstr(a, program), X_OK) == 0 ? arena_cstr(a, program) : NULL;
    if (beside.n > 0 && (found = runnable(a, beside, program)) != NULL)
        return found;
    /* an ordinary user's PATH lacks the sbin folders, where nginx is */
    folders =
        arena_printf(a, "%.*s:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin", STR_ARG(folders));
    while (str_next(&folders, ':', &folder))
        if (folder.n > 0 && (found = runnable(a, folder, program)) != NULL)
            return found;
    return NULL;
}

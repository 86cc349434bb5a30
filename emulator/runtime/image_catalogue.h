/* The image catalogue: an image name decides what runs. Entries of --image PATTERN=PATH come
 * first, then the user's file, then fixtures/images.yaml, which the program carries inside. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum image_run {
    IMAGE_STATIC,  /* no process: the container just is there */
    IMAGE_PROGRAM, /* a program of the recipe's */
    IMAGE_COMMAND, /* the container's own command */
};

struct image_file {
    struct str path, content; /* with ${…} still in it */
};

struct image_recipe {
    struct str pattern; /* normalised */
    enum image_run run;
    struct str program;
    const struct str *arguments;
    size_t arguments_n;
    bool append_pod_arguments;
    const uint16_t *ports;
    size_t ports_n;
    const struct image_file *files;
    size_t files_n;
    struct str package; /* what to install when the program is missing */
    struct image_recipe *next;
};

struct image_catalogue {
    struct arena arena;
    struct image_recipe *first;
    struct image_recipe **end;
    struct str user_file; /* the file to add images to; empty: none was given */
};

void image_catalogue_init(struct image_catalogue *c);
void image_catalogue_deinit(struct image_catalogue *c);

/* Appends one --image PATTERN=PATH. 0, or -EINVAL and *ret_why (in @a). */
int image_catalogue_add(struct image_catalogue *c, struct arena *a, struct str setting,
                        struct str *ret_why);

/* Appends the entries of a catalogue's text; @name is for messages. 0, or -EINVAL and *ret_why
 * (in @a): file, line, column and what was expected. */
int image_catalogue_read(struct image_catalogue *c, struct arena *a, struct str name,
                         struct str text, struct str *ret_why);

/* Appends the user's file and remembers it as the one to add images to. */
int image_catalogue_read_file(struct image_catalogue *c, struct arena *a, struct str path,
                              struct str *ret_why);

/* Appends the entries that the program carries inside. */
int image_catalogue_read_builtin(struct image_catalogue *c, struct arena *a, struct str *ret_why);

/* The recipe for a normalised image name, or NULL. */
const struct image_recipe *image_catalogue_find(const struct image_catalogue *c, struct str image);

/* An image name as docker reads it: "nginx" is "docker.io/library/nginx:latest". False when it is
 * none. *ret_name in @a. Source: distribution/reference, grammar in reference.go. */
bool image_name_normalise(struct arena *a, struct str image, struct str *ret_name);

/* What is not known to the catalogue, in the words of containerd, and which file to add it to. */
struct str image_unknown_message(const struct image_catalogue *c, struct arena *a,
                                 struct str image);

/* The program's path: as it is when it has a slash, else in @beside, PATH or the sbin folders.
 * NULL when there is none that may be run. In @a. */
const char *image_find_program(struct arena *a, struct str program, struct str beside);

/* Every setting of the server has one place of truth: a row of the table in options.c, which gives
 * its flag (--name), its variable (ELBOW_NAME), its key in the --config YAML and its line of help.
 * A flag wins over the variable, the variable over the file, the file over the default. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/str.h"

struct option_list {
    struct str *at;
    size_t n;
};

struct options {
    struct str data_dir;
    bool ephemeral;
    struct str fixture;
    struct str config;
    struct str aws_listen, kube_listen, front_http, front_https; /* host:port; front may be "" */
    struct str lb_domain;
    int64_t provisioning_delay;       /* ms */
    struct option_list account_limit; /* "NAME=N" */
    struct str s3_folder;
    struct str runtime;
    struct option_list image; /* "PATTERN=PATH" */
    struct str image_catalogue;
    struct str iam;
    struct str security_groups;
    struct str kubernetes_version;
    int64_t seed;
    int64_t workers;
    struct str ready_file;
    struct str log_format;
    struct str log_level;
};

/* Reads the defaults, the config file, ELBOW_* of @environment and the flags in @argv (without
 * program and command), in that order of rising weight. Text lives in @a or in the arguments.
 * Returns 0; or -EINVAL and *ret_why, one sentence that names the setting and what it takes. */
int options_read(struct arena *a, int argc, char **argv, char **environment,
                 struct options *ret_options, struct str *ret_why);

/* The table as help text, a line a setting. */
void options_print_help(FILE *out);

/* Whether a word has the form that the API wants, and in its words what is wrong with it. Pure. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

enum { WORD_MOST_FAULTS = 6 };

/* What is wrong with a word; texts are constants or lie in the arena. */
struct word_faults {
    struct arena *arena;
    struct str at[WORD_MOST_FAULTS];
    size_t n;
};

typedef void word_check(struct word_faults *f, struct str word);

void word_dns_label(struct word_faults *f, struct str word);      /* RFC 1123 */
void word_dns_subdomain(struct word_faults *f, struct str word);  /* RFC 1123 */
void word_dns_1035_label(struct word_faults *f, struct str word); /* of Services */
void word_wildcard_subdomain(struct word_faults *f, struct str word);
void word_path_segment(struct word_faults *f, struct str word); /* names of RBAC kinds */
void word_qualified_name(struct word_faults *f, struct str word);
void word_label_value(struct word_faults *f, struct str word);
void word_config_key(struct word_faults *f, struct str word);
void word_env_name(struct word_faults *f, struct str word);
void word_port_name(struct word_faults *f, struct str word);
void word_percent(struct word_faults *f, struct str word);
void word_ip(struct word_faults *f, struct str word);
void word_cidr(struct word_faults *f, struct str word);

/* A name's form for what is put before random letters: a trailing '-' is fine. */
void word_as_prefix(struct word_faults *f, word_check *check, struct str word);

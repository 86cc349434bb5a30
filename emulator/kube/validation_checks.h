/* What the per-kind validations are written with: places in a document, and findings there. */
#pragma once

#include "base/json.h"
#include "kube/field_error.h"
#include "kube/kinds.h"
#include "kube/validation_words.h"

struct checks {
    struct field_errors *errors;
    struct arena *arena;
    const struct kind *kind; /* the row that was asked for */
};

/* --- places: "spec.containers", "spec.containers[0]", "data[key]"; in the arena -------------- */

struct str at_child(struct checks *c, struct str place, const char *name);
struct str at_index(struct checks *c, struct str place, size_t i);
struct str at_key(struct checks *c, struct str place, struct str key);

/* --- findings ------------------------------------------------------------------------------ */

void find_required(struct checks *c, struct str place, const char *detail);
void find_forbidden(struct checks *c, struct str place, const char *detail);
void find_invalid(struct checks *c, struct str place, const cJSON *value, const char *detail);
void find_invalid_text(struct checks *c, struct str place, struct str value, const char *detail);
void find_duplicate(struct checks *c, struct str place, const cJSON *value);
void find_unsupported(struct checks *c, struct str place, const cJSON *value,
                      const char *const *supported, size_t n);

/* --- checks of one value -------------------------------------------------------------------- */

/* An Invalid for each thing that is wrong with the word. */
void check_word(struct checks *c, struct str place, struct str word, word_check *check);

/* As check_word, and Required when it is empty. */
void need_word(struct checks *c, struct str place, struct str word, word_check *check);

/* One of the words, which are in byte order; absent is fine. */
void check_choice(struct checks *c, struct str place, const cJSON *value,
                  const char *const *choices, size_t n);
#define CHECK_CHOICE(c, place, value, choices) \
    check_choice(c, place, value, choices, ARRAY_LEN(choices))

/* The number at @member of @object is not negative; absent is fine. */
void check_not_negative(struct checks *c, struct str place, const cJSON *object,
                        const char *member);

/* 1 to 65535. */
void check_port_number(struct checks *c, struct str place, const cJSON *value);
/* That, or the name of a port. Absent is fine. */
void check_port(struct checks *c, struct str place, const cJSON *value);

/* A number or a percentage, not negative; absent is fine. */
void check_int_or_percent(struct checks *c, struct str place, const cJSON *value);

/* `field is immutable` when the values differ. */
void check_immutable(struct checks *c, struct str place, const cJSON *old, const cJSON *now);

/* A map of labels, as metadata and selectors have it. */
void check_labels(struct checks *c, struct str place, const cJSON *labels);
void check_label_selector(struct checks *c, struct str place, const cJSON *selector);
void check_annotations(struct checks *c, struct str place, const cJSON *annotations);

/* The keys of what is data: ConfigMaps and Secrets. */
void check_data_keys(struct checks *c, struct str place, const cJSON *data);

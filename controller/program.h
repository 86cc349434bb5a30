/* The controller as a whole: what is started in which order, and how all of it ends. */
#pragma once

#include "settings.h"

/* Runs until SIGTERM or SIGINT, or until it can't go on; the result is the exit status. @s may be
 * completed by what the instance's metadata say. */
int program_run(struct settings *s);

/* What v1.1.4 prints first. In @a. */
struct str program_banner(struct arena *a);

/* --explain: lists what the Ingress depends on, and tells. The result is the exit status. */
int program_explain(struct settings *s);

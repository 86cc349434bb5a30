/* The server: everything wired together, started and ended in order. Owns no logic of its own. */
#pragma once

#include "options.h"

/* Serves until it is told to end (SIGTERM, SIGINT). Returns the exit status; a start that fails
 * has said why in one line on standard error, and left nothing half-started. */
int emulator_serve(const struct options *options);

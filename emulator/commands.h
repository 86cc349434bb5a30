/* The small commands beside `serve`: they find the running server by its ready file and ask it. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* Runs the command named by argv[1] ("env", "status", "reset", "logs", "version"); *ret_status is
 * its exit status. False, with nothing done, when there is no such command. */
bool command_run(int argc, char **argv, int *ret_status);

/* A line for each command. */
void commands_print_help(FILE *out);

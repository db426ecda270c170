/* Configuration from LYNKS_* environment variables, by one table per process.
 *
 * A variable NAME may be given as NAME_FILE instead: the path of a file whose first line is the
 * value. Both at once, a value out of bounds, or an unreadable file is an error; all are reported.
 */
#ifndef LYNKS_PROTO_BASE_CONFIG_H
#define LYNKS_PROTO_BASE_CONFIG_H

#include "proto/base/base.h"

enum config_type {
    CONFIG_STRING, /* char *; min and max are lengths */
    CONFIG_SECRET, /* char *; like STRING, never printed */
    CONFIG_UINT,   /* uint64_t */
    CONFIG_BOOL,   /* bool; 0, 1, true, false */
    CONFIG_CHOICE, /* char *; one of the words in choices, separated by | */
};

struct config_option {
    const char *name; /* "LYNKS_HTTP_PORT" */
    enum config_type type;
    size_t offset;             /* of the member in the process' config struct */
    const char *default_value; /* NULL: required. "" is a valid default of strings */
    uint64_t min, max;
    const char *choices; /* CONFIG_CHOICE only */
    const char *help;
};

enum config_outcome { CONFIG_RUN, CONFIG_EXIT_OK, CONFIG_EXIT_ERROR };

/* Reads argv (--help, --options, --check, --version, nothing else) and the environment into config.
 * Prints what is asked for on stdout, errors on stderr, one a line. --check also names LYNKS_*
 * variables that this process does not know (a typo), as errors. --options prints the table as JSON
 * for programs (deploy/up, the documentation): an array with one object a variable: name, type
 * (string, secret, uint, bool, choice), default (null: required; always a string), meaning, and
 * where the type has them min and max (lengths, of a string), or choices. table: ended by a row
 * whose name is NULL. config must be zeroed before. */
enum config_outcome config_load(void *config, const char *process,
                                const struct config_option *table, int argc, char **argv);
/* The same, and is_valid looks at the whole config: it prints what the table cannot tell, one error
 * a line on stderr, and gives false if there was any. */
enum config_outcome config_load_checked(void *config, const char *process,
                                        const struct config_option *table,
                                        bool (*is_valid)(const void *config), int argc,
                                        char **argv);
/* What main returns when the outcome is not CONFIG_RUN. */
int config_exit_code(enum config_outcome outcome);
/* Frees the strings in config; secrets are wiped. */
void config_free(void *config, const struct config_option *table);

#endif

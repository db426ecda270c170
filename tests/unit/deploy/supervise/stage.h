/* What the tests of the supervisor share: a folder that goes away with its files, a loop, and
 * tables whose programs are lines of shell. */
#ifndef LYNKS_TESTS_UNIT_DEPLOY_SUPERVISE_STAGE_H
#define LYNKS_TESTS_UNIT_DEPLOY_SUPERVISE_STAGE_H

#include "deploy/supervise/table.h"
#include "proto/loop/loop.h"

struct stage {
    char *dir;
    struct loop *loop;
};

int stage_setup(void **state); /* of cmocka: *state is a struct stage */
int stage_teardown(void **state);

/* All that follows: the caller frees. */
char *stage_path(const struct stage *stage, const char *name);
/* text: what stands between the braces of the table; "@" is the folder, a backtick a double quote.
 */
struct table *stage_table(const struct stage *stage, const char *text);
char *stage_read(const struct stage *stage, const char *name); /* "" if there is no such file */

bool stage_exists(const struct stage *stage, const char *name);
/* A port of 127.0.0.1 that nobody listens on now. */
uint16_t stage_free_port(void);
/* Not there, or only a zombie. */
bool stage_is_gone(pid_t pid);

#endif

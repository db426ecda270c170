/* What the migrator tells people: one line each. Both take a printf format and its values. */
#ifndef LYNKS_SQL_MIGRATE_SAY_H
#define LYNKS_SQL_MIGRATE_SAY_H

#include "proto/base/base.h"

#include <stdio.h>

#define say(...) say_line(stdout, mem_printf(__VA_ARGS__))
#define complain(...) say_line(stderr, mem_printf(__VA_ARGS__))

void say_line(FILE *to, char *line); /* takes line */

#endif

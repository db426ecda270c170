/* What the migrator tells people: one line each. Both take a printf format and its values. */
#ifndef LYNKS_SQL_MIGRATE_REPORT_H
#define LYNKS_SQL_MIGRATE_REPORT_H

#include "proto/base/base.h"

#include <stdio.h>

#define report(...) report_line(stdout, mem_printf(__VA_ARGS__))
#define report_error(...) report_line(stderr, mem_printf(__VA_ARGS__))

void report_line(FILE *to, char *line); /* takes line */

#endif

/* What the migrator tells people: one line each. */
#ifndef LYNKS_SQL_SAY_H
#define LYNKS_SQL_SAY_H

#include "proto/base.h"

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));      /* stdout */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2))); /* stderr */

#endif

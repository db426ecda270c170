/* What the migrator tells people: one line each. */
#ifndef LYNKS_SQL_SAY_H
#define LYNKS_SQL_SAY_H

#include <stdio.h>

#define say(...) say_to(stdout, __VA_ARGS__)
#define complain(...) say_to(stderr, __VA_ARGS__)

void say_to(FILE *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

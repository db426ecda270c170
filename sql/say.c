#include "sql/say.h"

#include <stdarg.h>
#include <stdio.h>

#define PREFIX "lynks-migrate: "

__attribute__((format(printf, 2, 0))) static void write_line(FILE *to, const char *format,
                                                             va_list values)
{
    (void)fputs(PREFIX, to);
    (void)vfprintf(to, format, values);
    (void)fputc('\n', to);
    (void)fflush(to);
}

void say(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    write_line(stdout, format, values);
    va_end(values);
}

void complain(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    write_line(stderr, format, values);
    va_end(values);
}

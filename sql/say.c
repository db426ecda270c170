#include "sql/say.h"

#include <stdarg.h>

void say_to(FILE *to, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    (void)fputs("lynks-migrate: ", to);
    (void)vfprintf(to, format, values);
    (void)fputc('\n', to);
    (void)fflush(to);
    va_end(values);
}

#include "sql/migrate/say.h"

#include <stdlib.h>

void say_line(FILE *to, char *line)
{
    (void)fprintf(to, "lynks-migrate: %s\n", line);
    (void)fflush(to);
    free(line);
}

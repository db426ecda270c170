#include "sql/migrate/report.h"

#include <stdlib.h>

void report_line(FILE *to, char *line)
{
    (void)fprintf(to, "lynks-migrate: %s\n", line);
    (void)fflush(to);
    free(line);
}

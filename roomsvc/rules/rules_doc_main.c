/* lynks-permissions: prints roomsvc/PERMISSIONS.md. */
#include "roomsvc/rules/rules_doc.h"

#include <string.h>

#include "proto/base/exit_code.h"

static const char usage[] = "usage: lynks-permissions\n"
                            "Prints the document of who may do what in a room.\n";

int main(int argc, char **argv)
{
    if (argc == 1) {
        rules_doc_write(stdout);
    } else if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        (void)fputs(usage, stdout);
    } else {
        (void)fputs(usage, stderr);
        return EXIT_USAGE;
    }
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

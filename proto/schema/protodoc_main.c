/* lynks-protodoc: prints proto/PROTOCOL.md, or with --dictionary a dictionary for libFuzzer. */
#include "proto/schema/protodoc.h"

#include <string.h>

#include "proto/base/exit_code.h"

static const char usage[] =
    "usage: lynks-protodoc [--dictionary]\n"
    "Prints the document of the bus' messages, or a dictionary of them for libFuzzer.\n";

int main(int argc, char **argv)
{
    if (argc == 1) {
        protodoc_write_document(stdout);
    } else if (argc == 2 && strcmp(argv[1], "--dictionary") == 0) {
        protodoc_write_dictionary(stdout);
    } else if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        (void)fputs(usage, stdout);
    } else {
        (void)fputs(usage, stderr);
        return EXIT_USAGE;
    }
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

/* lynks-protodoc: prints proto/PROTOCOL.md, or with --dictionary a dictionary for libFuzzer. */
#include "proto/schema/protodoc.h"

#include <string.h>

int main(int argc, char **argv)
{
    if (argc == 1) {
        protodoc_write_document(stdout);
    } else if (argc == 2 && strcmp(argv[1], "--dictionary") == 0) {
        protodoc_write_dictionary(stdout);
    } else {
        fprintf(stderr, "usage: %s [--dictionary]\n", argv[0]);
        return 2;
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

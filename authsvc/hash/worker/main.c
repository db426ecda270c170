#include "authsvc/hash/worker/hash_memory.h"
#include "authsvc/hash/worker/hash_worker.h"
#include "proto/base/exit_code.h"

#include <stdio.h>
#include <string.h>

static const char usage[] = "usage: lynks-hash NICENESS\n"
                            "Hashes passwords for lynks-authsvc, which starts it.\n";

int main(int argc, char **argv)
{
    bool wants_help = argc == 2 && strcmp(argv[1], "--help") == 0;
    if (argc != 2 || strncmp(argv[1], "--", 2) == 0) {
        (void)fputs(usage, wants_help ? stdout : stderr);
        return wants_help ? EXIT_OK : EXIT_USAGE;
    }
    if (!hash_worker_init(argv[1])) {
        return EXIT_FAILED;
    }
    hash_memory_keep();
    hash_worker_run();
    return EXIT_OK;
}

#include "authsvc/hash/worker/hash_memory.h"
#include "authsvc/hash/worker/hash_worker.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "lynks-hash hashes passwords for lynks-authsvc, which starts it.\n");
        return 2;
    }
    if (!hash_worker_init(argv[1])) {
        return 1;
    }
    hash_memory_keep();
    hash_worker_run();
    return 0;
}

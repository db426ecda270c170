#include "gateway/descriptors.h"

#include <dirent.h>
#include <sys/resource.h>

#define OWN_MIN 8

uint64_t descriptors_raise_limit(uint64_t clients)
{
    struct rlimit limit;
    rlim_t wanted = clients + 2 * (rlim_t)DESCRIPTORS_OWN;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return wanted;
    }
    if (limit.rlim_cur < wanted && limit.rlim_cur < limit.rlim_max) {
        struct rlimit raised = {.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted,
                                .rlim_max = limit.rlim_max};
        limit = setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised : limit;
    }
    return limit.rlim_cur;
}

uint64_t descriptors_count_open(void)
{
    uint64_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        count += entry->d_name[0] != '.';
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return count;
}

uint64_t descriptors_for_clients(uint64_t wanted, uint64_t limit, uint64_t open)
{
    uint64_t left = limit > open ? limit - open : 0;
    uint64_t own = limit / 4 < DESCRIPTORS_OWN ? limit / 4 : DESCRIPTORS_OWN;
    own = own < OWN_MIN ? OWN_MIN : own;
    uint64_t max = left > own ? left - own : 1;
    return max < wanted ? max : wanted;
}

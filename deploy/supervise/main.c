/* lynks-supervise [--detach] TABLE: starts what the table lists and keeps it running. */
#include <stdio.h>

#include "deploy/supervise/detach.h"
#include "deploy/supervise/run.h"
#include "proto/base/exit_code.h"

static const char usage[] =
    "usage: lynks-supervise [--detach] [--check] TABLE\n"
    "Starts the processes of TABLE in order, each when those before it are ready, and starts\n"
    "again what crashes. SIGINT or SIGTERM stops all; deploy/supervise/table.h tells the format.\n"
    "  --detach  returns when all are ready, and goes on in the background\n"
    "  --check   only reads the table\n";

struct options {
    const char *path;
    bool detach;
    bool check;
    bool help;
};

static bool parse_arguments(struct options *options, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--detach")) {
            options->detach = true;
        } else if (!strcmp(argv[i], "--check")) {
            options->check = true;
        } else if (!strcmp(argv[i], "--help")) {
            options->help = true;
        } else if (argv[i][0] == '-' || options->path) {
            return false;
        } else {
            options->path = argv[i];
        }
    }
    return options->help || options->path;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    bool ok = parse_arguments(&options, argc, argv);
    if (!ok || options.help) {
        fputs(usage, ok ? stdout : stderr);
        return ok ? EXIT_OK : EXIT_USAGE;
    }
    AUTO(table_free) struct table *table = run_read_table(options.path);
    if (!table || options.check) {
        return table ? EXIT_OK : EXIT_USAGE;
    }
    int report_fd = -1;
    int exit_code = EXIT_OK;
    if (options.detach && !detach_fork(&report_fd, &exit_code)) {
        return exit_code;
    }
    return run_table(table, report_fd);
}

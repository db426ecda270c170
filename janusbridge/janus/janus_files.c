#include "janusbridge/janus/janus_files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "proto/base/log.h"

/* Counting stops here: it must not hold up the loop. */
#define COUNT_MAX 65536
#define REMIND_MS 60000

struct janus_files {
    struct janus_files_parts parts;
    uint64_t timer;
    bool is_told;
    uint64_t told_ms; /* when it was warned of last */
    struct metric *open, *limit;
};

/* The number in the file's first line that begins with name (""; the first line); 0: none. */
static uint64_t read_number(const char *path, const char *name)
{
    char line[256];
    uint64_t number = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    while (number == 0 && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            number = strtoull(line + strlen(name), NULL, 10);
        }
    }
    (void)fclose(file);
    return number;
}

struct count {
    uint64_t open;
    bool is_exact;
};

/* Whose process is of another account we may not look into its folder. Its size is their number
 * since Linux 6.2; before that it is 0, and the table's size is left, which is as many as the
 * process has ever had open at a time, rounded up to a power of two. */
static struct count count_open(const char *process)
{
    AUTO(mem_free) char *folder = mem_printf("%s/fd", process);
    AUTO(mem_free) char *status = mem_printf("%s/status", process);
    DIR *list = opendir(folder);
    if (list != NULL) {
        uint64_t count = 0;
        for (const struct dirent *item; count < COUNT_MAX && (item = readdir(list)) != NULL;) {
            count += item->d_name[0] != '.';
        }
        (void)closedir(list);
        if (count < COUNT_MAX) {
            return (struct count){.open = count, .is_exact = true};
        }
    }
    struct stat info;
    if (stat(folder, &info) == 0 && info.st_size > 0) {
        return (struct count){.open = (uint64_t)info.st_size, .is_exact = true};
    }
    return (struct count){.open = read_number(status, "FDSize:"), .is_exact = false};
}

static void look_at_files(void *arg)
{
    struct janus_files *files = arg;
    const struct janus_files_parts *parts = &files->parts;
    files->timer = clock_after(parts->clock, JANUS_FILES_INTERVAL_MS, look_at_files, files);
    AUTO(mem_free)
    char *process = mem_printf("%s/%" PRIu64, parts->proc, read_number(parts->pid_file, ""));
    AUTO(mem_free) char *limits = mem_printf("%s/limits", process);
    const uint64_t limit = read_number(limits, "Max open files");
    const struct count count = limit > 0 ? count_open(process) : (struct count){0};
    metric_set(files->open, (int64_t)count.open);
    metric_set(files->limit, (int64_t)limit);
    const uint64_t now_ms = clock_mono_ms(parts->clock);
    if (limit == 0 || count.open < limit * JANUS_FILES_WARN_PERCENT / 100) {
        files->is_told = false;
    } else if (!files->is_told || (count.is_exact && now_ms - files->told_ms >= REMIND_MS)) {
        /* What it has had open once does not become less: no reminder of that. */
        files->is_told = true;
        files->told_ms = now_ms;
        log_warn(count.is_exact ? "janus runs out of descriptors: soon it will accept nobody"
                                : "janus may have run out of descriptors: it has had up to so many",
                 LOG_U64("open", count.open), LOG_U64("limit", limit));
    }
}

struct janus_files *janus_files_new(const struct janus_files_parts *parts)
{
    struct janus_files *files = mem_alloc(sizeof(*files));
    files->parts = *parts;
    files->open = metrics_gauge(parts->metrics, "lynks_janus_files",
                                "Descriptors that Janus has open, or that it had at most; 0: "
                                "unknown",
                                NULL);
    files->limit = metrics_gauge(parts->metrics, "lynks_janus_files_max",
                                 "Descriptors that Janus may have open; 0: unknown", NULL);
    look_at_files(files);
    return files;
}

void janus_files_free(struct janus_files **files)
{
    if (*files != NULL) {
        clock_cancel((*files)->parts.clock, (*files)->timer);
        mem_free(files);
    }
}

#include "deploy/supervise/textfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        return false;
    }
    size_t bytes = strlen(text);
    bool ok = write(fd, text, bytes) == (ssize_t)bytes;
    return close(fd) == 0 && ok;
}

bool textfile_replace(const char *path, const char *text)
{
    if (!path) {
        return true;
    }
    AUTO(mem_free) char *fresh = mem_printf("%s.new", path);
    if (write_file(fresh, text) && rename(fresh, path) == 0) {
        return true;
    }
    unlink(fresh);
    return false;
}

bool textfile_write_pid(const char *path, pid_t pid)
{
    AUTO(mem_free) char *text = mem_printf("%d\n", (int)pid);
    return textfile_replace(path, text);
}

void textfile_remove(const char *path)
{
    if (path) {
        unlink(path);
    }
}

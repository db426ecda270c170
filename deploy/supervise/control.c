#include "deploy/supervise/control.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define REQUEST_BYTES 4096
#define ID_DIGITS_MAX 10

struct control {
    struct supervisor *supervisor;
    const char *path;
    int answer_fd; /* of the restart that is under way; -1: none */
};

static bool read_request(const char *path, char text[static REQUEST_BYTES])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return false;
    }
    ssize_t bytes = read(fd, text, REQUEST_BYTES - 1);
    close(fd);
    unlink(path);
    text[bytes > 0 ? bytes : 0] = '\0';
    return bytes > 0;
}

/* Splits text into its lines; the names point into it. */
static size_t take_names(char *text, const char *names[static TABLE_ENTRIES_MAX])
{
    size_t count = 0;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line && count < TABLE_ENTRIES_MAX;
         line = strtok_r(NULL, "\n", &rest)) {
        names[count++] = line;
    }
    return count;
}

static int open_answer(const struct control *control, const char *id)
{
    size_t digits = strspn(id, "0123456789");
    if (!digits || digits > ID_DIGITS_MAX || id[digits]) {
        return -1;
    }
    AUTO(mem_free) char *path = mem_printf("%s.%s", control->path, id);
    return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
}

static void control_on_restart(void *arg, enum restart_event event, const char *line)
{
    struct control *control = arg;
    switch (event) {
    case RESTART_LINE:
        dprintf(control->answer_fd, "+ %s\n", line);
        return;
    case RESTART_DONE:
        dprintf(control->answer_fd, "ok\n");
        break;
    case RESTART_FAILED:
        dprintf(control->answer_fd, "! %s\n", line);
        break;
    }
    close(control->answer_fd);
    control->answer_fd = -1;
}

static void control_restart(struct control *control, const char *const *names, size_t count,
                            int answer_fd)
{
    AUTO(mem_free) char *why = NULL;
    int before = control->answer_fd;
    control->answer_fd = answer_fd; /* it may be told before supervisor_restart returns */
    if (!supervisor_restart(control->supervisor, names, count, control_on_restart, control, &why)) {
        dprintf(answer_fd, "! %s\n", why);
        close(answer_fd);
        control->answer_fd = before;
    }
}

void control_take(struct control *control)
{
    char text[REQUEST_BYTES];
    if (!control->path || !read_request(control->path, text)) {
        return;
    }
    const char *names[TABLE_ENTRIES_MAX]; /* the first is the id */
    size_t count = take_names(text, names);
    int answer_fd = count ? open_answer(control, names[0]) : -1;
    if (answer_fd >= 0) {
        control_restart(control, names + 1, count - 1, answer_fd);
    }
}

struct control *control_new(struct supervisor *supervisor, const char *path)
{
    struct control *control = mem_alloc(sizeof(*control));
    *control = (struct control){.supervisor = supervisor, .path = path, .answer_fd = -1};
    return control;
}

void control_free(struct control **control)
{
    if (!*control) {
        return;
    }
    if ((*control)->answer_fd >= 0) {
        close((*control)->answer_fd);
    }
    mem_free(control);
}

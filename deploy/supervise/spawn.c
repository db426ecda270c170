#include "deploy/supervise/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LISTEN_FD 3 /* SD_LISTEN_FDS_START of systemd's protocol */
/* Descriptors from here on are nobody's that is handed over. */
#define FREE_FD (LISTEN_FD + ENTRY_LISTENS_MAX)
#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* What a child inherits beside its entry's environment. */
static const char *const inherited[] = {
    "LANG=",         "LC_ALL=",        "TZ=",           "ASAN_OPTIONS=",
    "LSAN_OPTIONS=", "UBSAN_OPTIONS=", "TSAN_OPTIONS=", "LLVM_PROFILE_FILE="};

struct plan {
    const struct entry *entry;
    char *const *argv;
    int program_fd; /* of argv[0], opened before privileges are dropped; -1: it has only its path */
    const int *listen_fds;
    int log_fd;
    pid_t parent;
};

static const char *find_own(const char *name_and_equals)
{
    for (char **item = environ; *item; item++) {
        if (!strncmp(*item, name_and_equals, strlen(name_and_equals))) {
            return *item;
        }
    }
    return NULL;
}

/* In the child, which alone knows its pid. Never freed: exec follows. */
static const char **build_env(const struct plan *plan)
{
    const struct entry *entry = plan->entry;
    size_t most = entry->env_count + ARRAY_LEN(inherited) + 4;
    const char **env = mem_alloc(most * sizeof(*env));
    size_t n = 0;
    const char *path = find_own("PATH=");
    env[n++] = path ? path : DEFAULT_PATH;
    for (size_t i = 0; i < ARRAY_LEN(inherited); i++) {
        const char *item = find_own(inherited[i]);
        if (item) {
            env[n++] = item;
        }
    }
    for (size_t i = 0; i < entry->env_count; i++) {
        env[n++] = entry->env[i];
    }
    if (plan->listen_fds) {
        env[n++] = mem_printf("LISTEN_FDS=%zu", plan->entry->listen_count);
        env[n++] = mem_printf("LISTEN_PID=%d", (int)getpid());
    }
    return env;
}

/* Signal masks and ignored signals outlive exec. The mask comes last: until then all are blocked,
 * since the loop's handlers write to a pipe that is still the supervisor's. */
static void reset_signals(void)
{
    for (int number = 1; number < NSIG; number++) {
        signal(number, SIG_DFL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool place_fds(const struct plan *plan)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int log = plan->log_fd >= 0 ? plan->log_fd : null;
    if (dup2(null, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 ||
        dup2(log, STDERR_FILENO) < 0) {
        return false;
    }
    /* First out of the way: one of them may be where another one goes. */
    int fds[ENTRY_LISTENS_MAX];
    const size_t count = plan->listen_fds ? plan->entry->listen_count : 0;
    for (size_t i = 0; i < count; i++) {
        fds[i] = fcntl(plan->listen_fds[i], F_DUPFD_CLOEXEC, FREE_FD);
        if (fds[i] < 0) {
            return false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (dup2(fds[i], LISTEN_FD + (int)i) < 0) {
            return false;
        }
    }
    return true;
}

/* The folder is entered as the supervisor: its owner then needs no right to the folders above it.
 */
static bool enter_as_user(const struct entry *entry)
{
    if (entry->dir && chdir(entry->dir) != 0) {
        return false;
    }
    if (!entry->user) {
        return true;
    }
    return setgroups(0, NULL) == 0 && setgid(entry->gid) == 0 && setuid(entry->uid) == 0;
}

rlim_t spawn_file_limit(rlim_t hard)
{
    return hard < SPAWN_FILES_MAX ? hard : SPAWN_FILES_MAX;
}

static void set_file_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = spawn_file_limit(files.rlim_max);
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

static void run_child(const struct plan *plan)
{
    setsid();
    reset_signals();
    set_file_limit();
    if (!place_fds(plan)) {
        dprintf(STDERR_FILENO, "cannot set up descriptors: %s\n", strerror(errno));
        return;
    }
    if (!enter_as_user(plan->entry)) {
        dprintf(STDERR_FILENO, "cannot enter %s as %s: %s\n", plan->entry->dir,
                plan->entry->user ? plan->entry->user : "oneself", strerror(errno));
        return;
    }
    /* After setuid, which resets it. The supervisor may have died before. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != plan->parent) {
        return;
    }
    char *const *env = (char *const *)(uintptr_t)build_env(plan);
    if (plan->program_fd >= 0) {
        fexecve(plan->program_fd, plan->argv, env);
    }
    execve(plan->argv[0], plan->argv, env); /* scripts can only be run by their path */
    dprintf(STDERR_FILENO, "cannot run %s: %s\n", plan->argv[0], strerror(errno));
}

static bool spawn(struct plan *plan, struct spawned *ret_spawned)
{
    plan->parent = getpid();
    plan->program_fd = -1;
    /* The user of the entry may not be able to reach the program by its path. */
    if (plan->entry->user) {
        const int fd = open(plan->argv[0], O_PATH | O_CLOEXEC);
        plan->program_fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, FREE_FD);
        if (fd >= 0) {
            close(fd);
        }
    }
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) {
        run_child(plan);
        _exit(127);
    }
    int why = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (plan->program_fd >= 0) {
        close(plan->program_fd);
    }
    errno = why;
    if (pid < 0) {
        return false;
    }
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by itself */
    if (pidfd < 0) {
        why = errno;
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        errno = why;
        return false;
    }
    *ret_spawned = (struct spawned){.pid = pid, .pidfd = pidfd};
    return true;
}

bool spawn_entry(const struct entry *entry, const int *listen_fds, int log_fd,
                 struct spawned *ret_spawned)
{
    struct plan plan = {.entry = entry,
                        .argv = entry->argv,
                        .listen_fds = entry->listen_count > 0 ? listen_fds : NULL,
                        .log_fd = log_fd};
    return spawn(&plan, ret_spawned);
}

bool spawn_command(const struct entry *entry, const char *command, struct spawned *ret_spawned)
{
    AUTO(mem_free) char *text = mem_strdup(command);
    char shell[] = "/bin/sh";
    char option[] = "-c";
    char *argv[] = {shell, option, text, NULL};
    struct plan plan = {.entry = entry, .argv = argv, .log_fd = -1};
    return spawn(&plan, ret_spawned);
}

int spawn_reap(struct spawned *spawned)
{
    int status = 0;
    /* The pid is still its own until it is reaped, and so is the process group. */
    kill(-spawned->pid, SIGKILL);
    while (waitpid(spawned->pid, &status, 0) < 0 && errno == EINTR) {
        continue;
    }
    close(spawned->pidfd);
    *spawned = (struct spawned){.pid = 0, .pidfd = -1};
    return status;
}

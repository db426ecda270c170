#include "deploy/supervise/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int detach_block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

/* An end of the pipe without a byte is a child that died: 1. */
static int wait_for_report(int report_fd, int signal_fd, pid_t child)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = report_fd, .events = POLLIN},
                               {.fd = signal_fd, .events = POLLIN}};
        if (poll(fds, ARRAY_LEN(fds), -1) < 0) {
            continue;
        }
        struct signalfd_siginfo info;
        if (fds[1].revents && read(signal_fd, &info, sizeof(info)) == sizeof(info)) {
            /* The child has no terminal that could hang up: SIGHUP means something else to it. */
            kill(child, info.ssi_signo == SIGHUP ? SIGTERM : (int)info.ssi_signo);
        }
        unsigned char code = 1;
        if (fds[0].revents) {
            return read(report_fd, &code, 1) == 1 ? code : 1;
        }
    }
}

bool detach_fork(int *ret_fd, int *ret_exit)
{
    int ends[2];
    *ret_exit = 1;
    int signal_fd = detach_block_signals(); /* before the fork, so that none is missed */
    if (signal_fd < 0 || pipe2(ends, O_CLOEXEC) != 0) {
        perror("lynks-supervise");
        return false;
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        close(signal_fd);
        close(ends[0]);
        setsid();
        *ret_fd = ends[1];
        return true;
    }
    close(ends[1]);
    if (child < 0) {
        perror("lynks-supervise: fork");
    } else {
        *ret_exit = wait_for_report(ends[0], signal_fd, child);
    }
    close(ends[0]);
    close(signal_fd);
    return false;
}

void detach_report(int fd, int exit_code)
{
    unsigned char code = (unsigned char)exit_code;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    fflush(NULL);
    for (int i = STDIN_FILENO; null >= 0 && i <= STDERR_FILENO; i++) {
        dup2(null, i);
    }
    if (null >= 0) {
        close(null);
    }
    while (write(fd, &code, 1) < 0 && errno == EINTR) {
        continue;
    }
    close(fd);
}

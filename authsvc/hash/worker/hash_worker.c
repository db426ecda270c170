#include "authsvc/hash/worker/hash_worker.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "authsvc/hash/message/hash_message.h"
#include "authsvc/hash/worker/hash_memory.h"

/* How long a hash goes on before it lets others go first. Without it the kernel asks itself only at
 * its tick, every 4 ms where HZ is 250. */
#define YIELD_US 500
/* Memory is kept this long for the next hash. */
#define IDLE_MS 100

/* For the kernel with autogroups, and for the one without. A refusal only costs the courtesy.
 * Another's session is not ours to make nice. */
static void give_way(const char *niceness)
{
    (void)setpriority(PRIO_PROCESS, 0, (int)strtol(niceness, NULL, 10));
    int fd = getsid(0) == getpid() ? open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        ssize_t rc = write(fd, niceness, strlen(niceness));
        (void)rc;
        close(fd);
    }
}

static void on_alarm(int signal_number)
{
    (void)signal_number;
    sched_yield();
}

static void set_yielding(bool yields)
{
    const struct timeval period = {.tv_usec = yields ? YIELD_US : 0};
    const struct itimerval timer = {.it_interval = period, .it_value = period};
    (void)setitimer(ITIMER_REAL, &timer, NULL);
}

static struct hash_answer answer_to(const struct hash_request *request)
{
    struct hash_answer answer = {.err = ERR_INTERNAL};
    const struct password_params *params = &request->params;
    const struct str password = {.data = request->password, .bytes = request->password_bytes};
    switch (request->task) {
    case HASH_VERIFY:
        answer.err = password_verify(params, request->stored, password);
        answer.needs_rehash =
            answer.err == ERR_OK && password_needs_rehash(params, request->stored);
        break;
    case HASH_VERIFY_UNKNOWN:
        answer.err = password_verify(params, NULL, password);
        break;
    case HASH_MAKE:
        answer.err = password_hash(params, password, answer.stored);
        break;
    }
    return answer;
}

/* Sleeps until there is a request, or the other end is closed. */
static void wait_for_request(void)
{
    struct pollfd poll_fd = {.fd = HASH_WORKER_FD, .events = POLLIN};
    while (poll(&poll_fd, 1, hash_memory_bytes() > 0 ? IDLE_MS : -1) <= 0) {
        hash_memory_release();
    }
}

static bool serve_one(void)
{
    struct hash_request request;
    wait_for_request();
    if (!hash_message_receive(HASH_WORKER_FD, &request, sizeof(request))) {
        return false;
    }
    set_yielding(true);
    struct hash_answer answer = answer_to(&request);
    set_yielding(false);
    sodium_memzero(&request, sizeof(request));
    bool sent = hash_message_send(HASH_WORKER_FD, &answer, sizeof(answer));
    sodium_memzero(&answer, sizeof(answer));
    return sent;
}

bool hash_worker_init(const char *niceness)
{
    const struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    give_way(niceness);
    return sigaction(SIGALRM, &action, NULL) == 0 && sodium_init() >= 0;
}

void hash_worker_run(void)
{
    while (serve_one()) {
    }
}

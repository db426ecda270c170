/* How long one password takes: lynks-bench-hash MEMORY_KIB PASSES THREADS COUNT
 *
 * Each of the threads checks one password COUNT times with libsodium's Argon2id, as authsvc does at
 * a login, and nothing else. Prints the median of all the times in microseconds. */
#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS_MAX 64
#define COUNT_MAX 1000

static const char password[] = "test123";

struct job {
    const char *stored;
    size_t count;
    double *ret_microseconds; /* count of them */
    bool failed;
};

static double now_microseconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void *check_all(void *argument)
{
    struct job *job = argument;
    for (size_t i = 0; i < job->count; i++) {
        const double begin = now_microseconds();
        if (crypto_pwhash_str_verify(job->stored, password, strlen(password)) != 0) {
            job->failed = true;
        }
        job->ret_microseconds[i] = now_microseconds() - begin;
    }
    return NULL;
}

static int compare(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The median in microseconds; below 0 if a check failed or a thread could not be made. */
static double measure(const char *stored, size_t threads, size_t count)
{
    static double times[THREADS_MAX * COUNT_MAX];
    pthread_t ids[THREADS_MAX];
    struct job jobs[THREADS_MAX];
    size_t made = 0;
    bool failed = false;
    for (; made < threads; made++) {
        jobs[made] = (struct job){stored, count, times + made * count, false};
        if (pthread_create(&ids[made], NULL, check_all, &jobs[made]) != 0) {
            failed = true;
            break;
        }
    }
    for (size_t i = 0; i < made; i++) {
        (void)pthread_join(ids[i], NULL);
        failed = failed || jobs[i].failed;
    }
    if (failed) {
        return -1;
    }
    qsort(times, threads * count, sizeof times[0], compare);
    return times[threads * count / 2];
}

static bool number(const char *text, unsigned long long max, unsigned long long *ret_number)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < 1 || value > max) {
        return false;
    }
    *ret_number = value;
    return true;
}

int main(int argc, char **argv)
{
    unsigned long long memory_kib = 0;
    unsigned long long passes = 0;
    unsigned long long threads = 0;
    unsigned long long count = 0;
    if (argc != 5 || !number(argv[1], UINT32_MAX, &memory_kib) || !number(argv[2], 100, &passes) ||
        !number(argv[3], THREADS_MAX, &threads) || !number(argv[4], COUNT_MAX, &count)) {
        (void)fprintf(stderr, "usage: lynks-bench-hash MEMORY_KIB PASSES THREADS COUNT\n");
        return 2;
    }
    char stored[crypto_pwhash_STRBYTES];
    if (sodium_init() < 0 || crypto_pwhash_str(stored, password, strlen(password), passes,
                                               (size_t)memory_kib * 1024) != 0) {
        (void)fprintf(stderr, "lynks-bench-hash: libsodium failed\n");
        return 1;
    }
    const double median = measure(stored, (size_t)threads, (size_t)count);
    if (median < 0) {
        (void)fprintf(stderr, "lynks-bench-hash: a check failed\n");
        return 1;
    }
    (void)printf("%.1f\n", median);
    return 0;
}

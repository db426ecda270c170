#include "tests/support/c/log_capture.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>

#define LINES_MAX 512
#define LINE_BYTES 512
#define EXPECTED_MAX 8

static struct {
    pthread_mutex_t lock; /* pool threads log too */
    char lines[LINES_MAX][LINE_BYTES];
    enum log_level levels[LINES_MAX];
    size_t count;
    const char *expected[EXPECTED_MAX];
    size_t expected_count;
} capture = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void sink(void *arg, enum log_level level, const char *line)
{
    (void)arg;
    pthread_mutex_lock(&capture.lock);
    size_t i = capture.count < LINES_MAX ? capture.count++ : LINES_MAX - 1;
    capture.levels[i] = level;
    (void)snprintf(capture.lines[i], LINE_BYTES, "%s", line);
    pthread_mutex_unlock(&capture.lock);
}

int log_capture_setup(void **state)
{
    (void)state;
    capture.count = 0;
    capture.expected_count = 0;
    log_init("test", LOG_LEVEL_DEBUG, LOG_FORMAT_LOGFMT);
    log_set_sink(sink, NULL);
    return 0;
}

static bool is_expected(const char *line)
{
    for (size_t i = 0; i < capture.expected_count; i++) {
        if (strstr(line, capture.expected[i]) != NULL) {
            return true;
        }
    }
    return false;
}

int log_capture_teardown(void **state)
{
    (void)state;
    int unexpected = 0;
    log_set_sink(NULL, NULL);
    for (size_t i = 0; i < capture.count; i++) {
        if (capture.levels[i] >= LOG_LEVEL_WARN && !is_expected(capture.lines[i])) {
            (void)fprintf(stderr, "unexpected log line: %s\n", capture.lines[i]);
            unexpected++;
        }
    }
    return unexpected == 0 ? 0 : -1;
}

void log_capture_expect(const char *text)
{
    assert(capture.expected_count < EXPECTED_MAX);
    capture.expected[capture.expected_count++] = text;
}

size_t log_capture_count(const char *text)
{
    size_t count = 0;
    pthread_mutex_lock(&capture.lock);
    for (size_t i = 0; i < capture.count; i++) {
        count += strstr(capture.lines[i], text) != NULL;
    }
    pthread_mutex_unlock(&capture.lock);
    return count;
}

/* Catches every log line of a test, so that a warning nobody expects fails it. */
#ifndef LYNKS_TESTS_SUPPORT_C_LOG_CAPTURE_H
#define LYNKS_TESTS_SUPPORT_C_LOG_CAPTURE_H

#include "proto/base/log.h"

/* For cmocka's setup and teardown: teardown fails the test, printing the lines, if a warning or an
 * error was logged that log_capture_expect did not name. */
int log_capture_setup(void **state);
int log_capture_teardown(void **state);

/* A warning or error line that holds text may come, any number of times, in this test. At most 8
 * texts. */
void log_capture_expect(const char *text);
/* How many lines of any level held text so far. */
size_t log_capture_count(const char *text);

#endif

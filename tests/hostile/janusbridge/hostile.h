/* What the tests against a misbehaving Janus share. */
#ifndef LYNKS_TESTS_HOSTILE_JANUSBRIDGE_HOSTILE_H
#define LYNKS_TESTS_HOSTILE_JANUSBRIDGE_HOSTILE_H

#include "tests/contract/janusbridge/rig.h"

#define CALL_MS 200
#define FAR_MS 30000 /* a deadline that nothing waits for */

const char *fault_name(enum peer_fault fault);
/* Bytes that the program has allocated and not freed. */
size_t live_bytes(void);
/* A call must be answered by its deadline, give or take what a busy machine takes. */
enum err answer_in_time(struct rig *rig, struct mock_call *call);
/* From now on Janus behaves: calls must work again by themselves. (How soon is shown where the
 * clock is a fake: on a busy machine it is the machine that takes long.) */
void expect_recovery(struct rig *rig);
int hostile_setup(void **state);          /* the session itself is never at fault */
int hostile_setup_in_doubt(void **state); /* it is */

#endif

/* The key that gateways of tests have, and tokens that are drawn with it. TOKEN is a session's. */
#ifndef LYNKS_TESTS_SUPPORT_C_TEST_TOKEN_H
#define LYNKS_TESTS_SUPPORT_C_TEST_TOKEN_H

#define TOKEN_KEY "a-key-of-tests-of-32-characters-or-more"
#define TOKEN "000102030405060708090a0b0c0d0e0f1011121314151617b1b807d0d09c49f3"
/* The digits of a participant's, and such a token. */
#define PARTICIPANT_DIGITS "000102030405060708090a0b0c0d0e0f1011121314151617e4a9854306ac6757"
#define PARTICIPANT_TOKEN "lp_" PARTICIPANT_DIGITS
/* The secret of an invitation, and what looks like one. */
#define INVITATION "li_000102030405060708090a0b0c0d0e0f1011121314151617c0e8097a41cb0849"
#define FOREIGN_INVITATION "li_000102030405060708090a0b0c0d0e0f1011121314151617c0e8097a41cb0840"
/* A stream key. */
#define STREAM_KEY "ls_000102030405060708090a0b0c0d0e0f10111213141516178628ebad2dc520ca"
/* Looks like one, but no gateway has drawn it. */
#define FOREIGN_TOKEN "000102030405060708090a0b0c0d0e0f1011121314151617b1b807d0d09c49f0"

#endif

/* A private real Janus (tests/support/janus) and a way to ask it behind the bridge's back. */
#ifndef LYNKS_TESTS_INTEGRATION_JANUS_REAL_JANUS_H
#define LYNKS_TESTS_INTEGRATION_JANUS_REAL_JANUS_H

#include "tests/contract/janusbridge/rig.h"

#define REAL_JANUS_VALUE_BYTES 256

struct real_janus {
    char folder[REAL_JANUS_VALUE_BYTES];
    char plain_url[REAL_JANUS_VALUE_BYTES]; /* http */
    char url[REAL_JANUS_VALUE_BYTES];       /* what the bridge uses */
    char ca_file[REAL_JANUS_VALUE_BYTES];
    char admin_key[REAL_JANUS_VALUE_BYTES];
    int pid;
    int port;
};

/* environment: "NAME=value ..." for the script, or "". */
void real_janus_start(struct real_janus *janus, const char *environment);
void real_janus_kill(struct real_janus *janus); /* -9 */
void real_janus_start_again(struct real_janus *janus);
void real_janus_remove(struct real_janus *janus); /* stops it, removes its folder, clears it */

/* The session that was made last, from Janus' log; 0 if there is none. */
uint64_t real_janus_last_session(const struct real_janus *janus);

size_t real_janus_logged(const struct real_janus *janus,
                         const char *text); /* lines that hold text */

/* POSTs body to path as a stranger would; gives the answer, caller frees. */
char *real_janus_ask(struct rig *rig, const struct real_janus *janus, const char *path,
                     const char *body);
/* The same with a GET. */
char *real_janus_get(struct rig *rig, const struct real_janus *janus, const char *path);

#endif

/* TURN servers (RFC 8656), by which clients get to Janus where they have no UDP of their own, and
 * the credentials for them: good for a time, as coturn's use-auth-secret takes them ("A REST API
 * for access to TURN services", draft-uberti-behave-turn-rest-00, section 2.2). A server knows
 * nothing of rooms, so that who is taken out of his could use them until they run out: they are
 * good for as long as it takes to look for ways, since that is when a server looks at them. A
 * relay that was had with them goes on. Immutable. */
#ifndef LYNKS_GATEWAY_TURN_TURN_H
#define LYNKS_GATEWAY_TURN_TURN_H

#include "proto/base/base.h"

#define TURN_URLS_MAX 8
#define TURN_SECRET_BYTES_MIN 16
#define TURN_SECRET_BYTES_MAX 256

struct turn;

/* The expiry, a colon and whom it is for; the HMAC-SHA1 of that in base64. */
struct turn_credential {
    char username[48];
    char password[32];
};

/* urls: turn: and turns: (RFC 7065), separated by commas; empty: there are no servers. secret: what
 * they share with us. lifetime_s: how long a credential is good. NULL: a URL is none, or one too
 * many: *ret_bad is it, borrowed; or there are some without a secret, or with one of other bounds
 * than those above: then it is empty. */
struct turn *turn_new(const char *urls, const char *secret, uint64_t lifetime_s,
                      struct str *ret_bad);
void turn_free(struct turn **turn); /* wipes the secret */

size_t turn_url_count(const struct turn *turn); /* 0: clients are told of no server */
struct str turn_url(const struct turn *turn, size_t i);

/* For whoever this is in his room, from now on. To be called only if there is a server. */
void turn_make_credential(const struct turn *turn, uint64_t participant, uint64_t now_unix_ms,
                          struct turn_credential *ret_credential);

#endif

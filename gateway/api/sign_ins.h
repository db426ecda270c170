/* What all ways of signing in have in common: how often it may be tried, and the token that a
 * success gives. One for the whole API, so that who is limited in one way is limited in all. Lives
 * on the loop. */
#ifndef LYNKS_GATEWAY_API_SIGN_INS_H
#define LYNKS_GATEWAY_API_SIGN_INS_H

#include "gateway/http/auth.h"
#include "proto/base/clock.h"
#include "proto/base/metrics.h"

/* How often it may be tried: from one address, and for one name from one address. */
struct sign_ins_config {
    uint64_t address_burst, address_per_minute;
    uint64_t name_burst, name_per_minute;
    uint64_t table_max;
};

struct sign_ins;
struct sign_ins *sign_ins_new(const struct clock *clock, struct metrics *metrics,
                              const struct sign_ins_config *config); /* clock is borrowed */
void sign_ins_free(struct sign_ins **sign_ins);

#define SIGN_IN_NAME_KEY_BYTES (ADDRESS_BYTES + 32) /* client address, SHA-256 of the user name */

/* One that is being tried: the exchange's state. */
struct sign_in {
    char token[TOKEN_HEX + 1];
    uint8_t token_hash[AUTH_HASH_BYTES];
    uint8_t name_key[SIGN_IN_NAME_KEY_BYTES];
};

/* Takes an attempt; attaches the sign_in to the exchange, which wipes it. ERR_RATE_LIMITED: there
 * were too many. */
enum err sign_ins_try(struct sign_ins *sign_ins, struct exchange *exchange, struct str username);
/* The same, and draws the token. *ret_token_hash is borrowed from the exchange. */
enum err sign_ins_begin(struct sign_ins *sign_ins, struct exchange *exchange, struct str username,
                        struct str *ret_token_hash);
/* How it ended. Only a wrong password counts against a name. */
void sign_ins_end(struct sign_ins *sign_ins, const struct exchange *exchange, enum err err);

#endif

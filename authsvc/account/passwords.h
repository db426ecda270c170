/* Another password for a user: the one that he has checked, the new one hashed and stored, his
 * other sessions ended, in one go.
 *
 * Lives on the loop. What it is given is borrowed. */
#ifndef LYNKS_AUTHSVC_ACCOUNT_PASSWORDS_H
#define LYNKS_AUTHSVC_ACCOUNT_PASSWORDS_H

#include "authsvc/hash/hasher.h"
#include "authsvc/session/sessions.h"

struct passwords_parts {
    const struct clock *clock;
    struct store store;
    struct hasher hasher;
    struct sessions *sessions;
    struct metrics *metrics;
};

struct passwords;

struct passwords *passwords_new(const struct passwords_parts *parts);
/* Nothing new goes to hasher and store: before they are freed. */
void passwords_stop(struct passwords *passwords);
void passwords_free(struct passwords **passwords); /* after hasher and store */

#define PASSWORD_BYTES_MIN 10 /* of new ones */
/* May it be the password of who has this name? Not the name itself, in whatever case. */
bool password_is_good(struct str password, const char *username);

/* Answers a user_password, later. ERR_FORBIDDEN; ERR_BAD_CREDENTIALS: the one that he has is wrong,
 * or he is disabled, or gone; ERR_WEAK_PASSWORD: the new one is not good; ERR_NOT_FOUND: there is
 * no such user (told only to who may manage users). */
void passwords_start(struct passwords *passwords, struct call *call);

#endif

/* The original API: POST /login, /create and /list_participants. Its wire format is a promise, to
 * the byte ("succesful" too). Messages asked: login, room_create, room_participants. */
#ifndef LYNKS_GATEWAY_API_ORIGINAL_H
#define LYNKS_GATEWAY_API_ORIGINAL_H

#include "gateway/api/sign_ins.h"
#include "gateway/api/user_limit.h"

/* Borrowed. */
struct original_parts {
    const struct clock *clock;
    struct sign_ins *sign_ins;
    struct user_limit *creates;
};

struct original;
struct original *original_new(const struct original_parts *parts);
void original_free(struct original **original);

struct resource original_resource(struct original *original);

#endif

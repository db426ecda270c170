/* A user as others are told of him. */
#ifndef LYNKS_AUTHSVC_SESSION_USER_RECORD_H
#define LYNKS_AUTHSVC_SESSION_USER_RECORD_H

#include "authsvc/store/store.h"
#include "proto/schema/msg.h"

/* The names are borrowed from user. */
struct msg_user user_record(const struct store_user *user);

#endif

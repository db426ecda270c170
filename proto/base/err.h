/* The error table: one enum for every module, generated from errors.def. Functions return it.
 * Only the gateway's HTTP files turn it into a status. */
#ifndef LYNKS_PROTO_BASE_ERR_H
#define LYNKS_PROTO_BASE_ERR_H

#include "proto/base/base.h"

enum err {
    ERR_OK = 0,
#define ERR(name, number, http, retryable, refusal, code, text) ERR_##name = (number),
#include "proto/base/errors.def"
#undef ERR
};

bool err_is_known(uint64_t number); /* may a peer have sent this number? ERR_OK included */
int err_http_status(enum err err);  /* 200 for ERR_OK */
bool err_is_retryable(enum err err);
bool err_is_callers(enum err err);  /* it lies in what was asked: we are well */
bool err_is_refusal(enum err err);  /* not done, whatever it was: another may do it (errors.def) */
const char *err_code(enum err err); /* "ok" for ERR_OK; static */
const char *err_text(enum err err); /* static */

#endif

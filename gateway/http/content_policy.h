/* What a browser may do with a page of the web client (Content Security Policy Level 3, Trusted
 * Types): it loads from this service alone, runs no script that is not one of its files, and is
 * shown in pages of other origins only where they are named. */
#ifndef LYNKS_GATEWAY_HTTP_CONTENT_POLICY_H
#define LYNKS_GATEWAY_HTTP_CONTENT_POLICY_H

#include "proto/base/base.h"

/* The value of the header; the caller frees it. ancestors: LYNKS_FRAME_ANCESTORS, none, or self and
 * origins (http(s)://host[:port]), separated by commas. NULL: *ret_bad, borrowed from it, is none
 * of these. */
char *content_policy_new(const char *ancestors, struct str *ret_bad);

#endif

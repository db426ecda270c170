/* Text of strangers on a terminal. */
#ifndef LYNKS_PROTO_UNICODE_VISIBLE_H
#define LYNKS_PROTO_UNICODE_VISIBLE_H

#include "proto/base/strbuf.h"

/* Adds s, in which each byte that is no UTF-8 and each character that has no sign of its own
 * (controls, escapes, what changes the direction or has no width) is written as its number, \u{1b}.
 * How many columns that takes. */
size_t visible_add(struct strbuf *text, struct str s);

#endif

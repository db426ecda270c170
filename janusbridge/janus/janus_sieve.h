/* What the bridge reads of Janus' JSON, taken from the text while it arrives.
 *
 * Strangers choose how long a name in a room is, and how many members it has, so Janus' answers and
 * events can be of any size. The sieve keeps the members that janus_message.c reads and skips all
 * others, whatever they hold; blanks are dropped. What it gives is JSON again, for
 * janus_document_parse, and small.
 *
 * Of each message it keeps at most bytes_max. One that would need more is cut: its members before
 * the one that does not fit stay, then comes "cut":true, and the messages after it are whole. So
 * one room's trouble stays in its message.
 *
 * What is kept must be well formed; what is skipped is not judged, but its strings and brackets
 * must end. Pure: no I/O, no time. */
#ifndef LYNKS_JANUSBRIDGE_JANUS_JANUS_SIEVE_H
#define LYNKS_JANUSBRIDGE_JANUS_JANUS_SIEVE_H

#include "proto/base/base.h"

#define JANUS_BATCH_MAX 256 /* messages in one answer to a long poll */
#define JANUS_DEPTH_MAX 16  /* of what is kept; Janus' deepest answer has 7 levels */

struct janus_sieve;

struct janus_sieve *janus_sieve_new(void);
void janus_sieve_free(struct janus_sieve **sieve);

/* A new text: one message, or an array of them. bytes_max bounds what is kept of each message, give
 * or take a key and the brackets that are open. */
void janus_sieve_begin(struct janus_sieve *sieve, size_t bytes_max);
/* The next part of the text, cut anywhere. False: it is no text of Janus' (no JSON, kept parts
 * deeper than JANUS_DEPTH_MAX, more than JANUS_BATCH_MAX messages, thousands of blanks in a row);
 * nothing more is taken. */
bool janus_sieve_take(struct janus_sieve *sieve, const char *data, size_t bytes);
/* What was kept; borrowed until the next begin. Empty unless the text was taken to its end. */
struct str janus_sieve_text(const struct janus_sieve *sieve);
size_t janus_sieve_cuts(const struct janus_sieve *sieve); /* messages of this text that were cut */

#endif

/* Secrets that clients show: drawn by gateways, with a check value in them, so that any gateway
 * refuses one that no gateway has drawn without asking anybody (design.md, section 3). The check
 * value says nothing about whether the secret is still good.
 *
 * A token is 24 random bytes and the first 8 bytes of HMAC-SHA-256 of its kind and of those 24,
 * under a key that only gateways have; clients have it as hex digits. What is to be the same one
 * when a request comes again has bytes that follow from that request instead of random ones. */
#ifndef LYNKS_GATEWAY_HTTP_TOKEN_H
#define LYNKS_GATEWAY_HTTP_TOKEN_H

#include "proto/base/base.h"

#define TOKEN_HEX 64 /* lower-case hex digits */
/* Clients have a participant's token, the secret of an invitation and a stream key with these
 * before the digits; a session's token has nothing there. */
#define TOKEN_PARTICIPANT_PREFIX "lp_"
#define TOKEN_INVITATION_PREFIX "li_"
#define TOKEN_STREAM_KEY_PREFIX "ls_"
#define TOKEN_PREFIX_BYTES 3
#define TOKEN_PREFIXED_BYTES (TOKEN_PREFIX_BYTES + TOKEN_HEX)
#define TOKEN_KEY_BYTES_MIN 32
#define TOKEN_KEY_BYTES_MAX 128

/* The check value of one kind is not right for another. */
enum token_kind {
    TOKEN_SESSION,
    TOKEN_PARTICIPANT,
    TOKEN_INVITATION,
    TOKEN_STREAM_KEY,
};

struct token_keys;

/* text: one key, or two with a comma between them, of TOKEN_KEY_BYTES_MIN to TOKEN_KEY_BYTES_MAX
 * printable ASCII characters each, without spaces and commas. Tokens are drawn with the first;
 * those of the second are taken, too. NULL: text is no such thing. */
struct token_keys *token_keys_new(const char *text);
void token_keys_free(struct token_keys **keys); /* wipes them */

/* Draws the digits of a fresh one, ended by NUL. */
void token_draw(const struct token_keys *keys, enum token_kind kind, char ret_token[TOKEN_HEX + 1]);
/* The same one for the same kind and seed, with any gateway that has the same first key; who has
 * not the key does not find it, even if he knows the seed. */
void token_derive(const struct token_keys *keys, enum token_kind kind, struct str seed,
                  char ret_token[TOKEN_HEX + 1]);

/* A hash of data that says nothing to who has not the key, however easily data could be guessed.
 * With another first key it is another one. */
void token_keys_hash(const struct token_keys *keys, struct str data, void *ret_hash,
                     size_t hash_bytes); /* crypto_auth_hmacsha256_BYTES at most */

enum token_verdict {
    TOKEN_IS_OURS,
    TOKEN_IS_FOREIGN, /* it looks like one, but no gateway with these keys has drawn it */
    TOKEN_IS_NONE,    /* it has not the form of one */
};

/* token: the digits. Takes the same time for every check value. */
enum token_verdict token_judge(const struct token_keys *keys, enum token_kind kind,
                               struct str token);

#endif

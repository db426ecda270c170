/* CURVE keys of the bus: one pair per role. A process has its own secret key, and the public keys
 * of all roles as one line of text: "role=Z85 key,role=Z85 key,...". */
#ifndef LYNKS_PROTO_BUS_KEYS_H
#define LYNKS_PROTO_BUS_KEYS_H

#include "proto/base/err.h"

#define KEY_Z85_BYTES 40

struct keys;

/* secret_z85: this role's own. public_keys: the line. The pair must match, each
 * role and each key may stand once; at most 16 roles. NULL and *ret_why (static) on error. */
struct keys *keys_new(const char *role, const char *secret_z85, const char *public_keys,
                      const char **ret_why);
void keys_free(struct keys **keys); /* wipes the secret */

/* All strings are borrowed and live as long as keys. */
const char *keys_role(const struct keys *keys);
const char *keys_secret(const struct keys *keys);                            /* Z85 */
const char *keys_find_public(const struct keys *keys, const char *role);     /* Z85, or NULL */
const char *keys_find_role(const struct keys *keys, const char *public_z85); /* or NULL */
const char *keys_intern_role(const struct keys *keys, const char *role);     /* role, or NULL */

#endif

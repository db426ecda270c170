#include "proto/bus/keys.h"
#include "proto/base/base.h"

#include <zmq.h>

#define ROLES_MAX 16
#define ROLE_BYTES_MAX 32

struct role_key {
    char role[ROLE_BYTES_MAX + 1];
    char public_z85[KEY_Z85_BYTES + 1];
};

struct keys {
    size_t own; /* index into roles */
    char secret_z85[KEY_Z85_BYTES + 1];
    struct role_key roles[ROLES_MAX];
    size_t role_count;
};

static bool is_role_name(struct str s)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    for (size_t i = 0; i < s.bytes; i++) {
        if (s.data[i] == '\0' || strchr(allowed, s.data[i]) == NULL) {
            return false;
        }
    }
    return s.bytes > 0 && s.bytes <= ROLE_BYTES_MAX;
}

/* libzmq's decoder refuses characters outside the alphabet and groups that overflow. */
static bool is_z85_key(const char *z85)
{
    uint8_t raw[KEY_Z85_BYTES / 5 * 4];
    bool valid = strlen(z85) == KEY_Z85_BYTES && zmq_z85_decode(raw, z85) != NULL;
    explicit_bzero(raw, sizeof(raw));
    return valid;
}

static const struct role_key *find_role(const struct keys *keys, const char *role)
{
    for (size_t i = 0; i < keys->role_count; i++) {
        if (strcmp(keys->roles[i].role, role) == 0) {
            return &keys->roles[i];
        }
    }
    return NULL;
}

/* Two roles with one key could not be told apart, so that is refused like a role that stands twice.
 */
static const char *add_role(struct keys *keys, struct str text)
{
    const char *equals = memchr(text.data, '=', text.bytes); /* Z85 knows '=' too: the first */
    if (equals == NULL) {
        return "public keys: expected role=key";
    }
    if (keys->role_count == ROLES_MAX) {
        return "public keys: too many roles";
    }
    struct str role = {text.data, (size_t)(equals - text.data)};
    struct str key = {equals + 1, text.bytes - role.bytes - 1};
    struct role_key *added = &keys->roles[keys->role_count];
    if (!is_role_name(role) || !str_copy(added->role, sizeof(added->role), role)) {
        return "public keys: not a role name";
    }
    if (!str_copy(added->public_z85, sizeof(added->public_z85), key) ||
        !is_z85_key(added->public_z85)) {
        return "public keys: a key is not 40 characters of Z85";
    }
    if (find_role(keys, added->role) != NULL || keys_find_role(keys, added->public_z85) != NULL) {
        return "public keys: a role or a key stands twice";
    }
    keys->role_count++;
    return NULL;
}

static const char *add_roles(struct keys *keys, const char *public_keys)
{
    const char *rest = public_keys;
    for (;;) {
        size_t bytes = strcspn(rest, ",");
        const char *why = add_role(keys, (struct str){rest, bytes});
        if (why != NULL) {
            return why;
        }
        if (rest[bytes] == '\0') {
            return NULL;
        }
        rest += bytes + 1;
    }
}

static const char *set_own(struct keys *keys, const char *role, const char *secret_z85)
{
    if (!is_z85_key(secret_z85)) {
        return "secret key: not 40 characters of Z85";
    }
    (void)str_copy(keys->secret_z85, sizeof(keys->secret_z85), str_of(secret_z85));
    const struct role_key *own = find_role(keys, role);
    if (own == NULL) {
        return "public keys: this role is missing";
    }
    char derived[KEY_Z85_BYTES + 1];
    if (zmq_curve_public(derived, secret_z85) != 0 || strcmp(derived, own->public_z85) != 0) {
        return "secret key: does not belong to this role's public key";
    }
    keys->own = (size_t)(own - keys->roles);
    return NULL;
}

struct keys *keys_new(const char *role, const char *secret_z85, const char *public_keys,
                      const char **ret_why)
{
    AUTO(keys_free) struct keys *keys = mem_alloc(sizeof(*keys));
    const char *why = add_roles(keys, public_keys);
    if (why == NULL) {
        why = set_own(keys, role, secret_z85);
    }
    if (why != NULL) {
        *ret_why = why;
        return NULL;
    }
    return STEAL(keys);
}

void keys_free(struct keys **keys)
{
    if (*keys != NULL) {
        explicit_bzero((*keys)->secret_z85, sizeof((*keys)->secret_z85));
        mem_free(keys);
    }
}

const char *keys_role(const struct keys *keys)
{
    return keys->roles[keys->own].role;
}

const char *keys_secret(const struct keys *keys)
{
    return keys->secret_z85;
}

const char *keys_find_public(const struct keys *keys, const char *role)
{
    const struct role_key *found = find_role(keys, role);
    return found != NULL ? found->public_z85 : NULL;
}

const char *keys_find_role(const struct keys *keys, const char *public_z85)
{
    for (size_t i = 0; i < keys->role_count; i++) {
        if (strcmp(keys->roles[i].public_z85, public_z85) == 0) {
            return keys->roles[i].role;
        }
    }
    return NULL;
}

const char *keys_intern_role(const struct keys *keys, const char *role)
{
    const struct role_key *found = find_role(keys, role);
    return found != NULL ? found->role : NULL;
}

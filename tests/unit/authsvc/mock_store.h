/* A store that remembers what it was asked; the test gives the answers. */
#ifndef LYNKS_TESTS_UNIT_AUTHSVC_MOCK_STORE_H
#define LYNKS_TESTS_UNIT_AUTHSVC_MOCK_STORE_H

#include "authsvc/store/store.h"

#define MOCK_STORE_MAX 32

enum mock_store_op {
    MOCK_FIND_USER,
    MOCK_GET_USER,
    MOCK_CHANGE_USER,
    MOCK_ADD_USER,
    MOCK_FIND_USERS,
    MOCK_CHANGE_PASSWORD,
    MOCK_REMOVE_USER,
    MOCK_FIND_COMMAND,
    MOCK_OPEN_SESSION,
    MOCK_FIND_SESSION,
    MOCK_FIND_SESSIONS,
    MOCK_EXTEND,
    MOCK_REVOKE,
    MOCK_FIND_REVOKED,
    MOCK_FIND_ACTS,
    MOCK_COUNT,
    MOCK_SWEEP,
    MOCK_SET_PASSWORD /* has no answer */
};

struct mock_store_call {
    enum mock_store_op op;
    bool answered;
    uint64_t deadline_ms;
    char username[256];
    struct store_draft draft;
    struct store_change change;
    struct store_new_user new_user;
    struct store_users_page users_page;
    struct store_password password;
    struct store_removal removal;
    unsigned char key[STORE_KEY_BYTES];
    struct store_target target;
    struct store_page page;
    struct store_acts_page acts_page;
    struct token_hash token;
    struct store_extension items[STORE_BATCH_MAX];
    size_t count;
    struct store_revocation after;
    uint64_t expired_before_unix_ms;
    uint64_t user_id;
    char from[PASSWORD_STORED_BYTES];
    char to[PASSWORD_STORED_BYTES];
    union {
        store_user_fn *user;
        store_changed_fn *changed;
        store_users_fn *users;
        store_command_fn *command;
        store_opened_fn *opened;
        store_session_fn *session;
        store_page_fn *sessions;
        store_extended_fn *extended;
        store_ended_fn *ended;
        store_revocations_fn *revocations;
        store_acts_fn *acts;
        store_counted_fn *counted;
        store_swept_fn *swept;
    } fn;
    void *arg;
};

struct mock_store {
    enum err refuse; /* not ERR_OK: every call is refused with it */
    struct mock_store_call *calls[MOCK_STORE_MAX];
    size_t count;
};

void mock_store_init(struct mock_store *mock);
void mock_store_fini(struct mock_store *mock);
struct store mock_store_store(struct mock_store *mock);

/* The oldest call of this kind without an answer; NULL if there is none. It counts as answered from
 * now on: the test calls its fn. */
struct mock_store_call *mock_store_take(struct mock_store *mock, enum mock_store_op op);
size_t mock_store_pending(const struct mock_store *mock, enum mock_store_op op);

#endif

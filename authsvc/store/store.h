/* Users and sessions at rest, as an interface: store_mysql.c implements it, tests mock it.
 *
 * Each function returns at once. ERR_OK: fn (arg) is called once, later, on the loop. Anything else
 * (ERR_UNAVAILABLE: surely down; ERR_OVERLOADED): fn is never called. What fn is given is borrowed
 * until it returns. deadline_ms: monotonic; what waits longer ends with ERR_DEADLINE. */
#ifndef LYNKS_AUTHSVC_STORE_STORE_H
#define LYNKS_AUTHSVC_STORE_STORE_H

#include "proto/crypto/password.h"
#include "proto/unicode/label.h"
#include "authsvc/store/session.h"

#define STORE_BATCH_MAX 128
#define STORE_EVICTED_MAX 100
#define STORE_REVOCATIONS_MAX 1000
#define STORE_ADDRESS_BYTES 16 /* of a client, IPv4 as ::ffff:a.b.c.d; all 0: not known */

#define STORE_KEY_BYTES 16 /* of a command that is done once */
#define STORE_NAME_BYTES LABEL_BYTES

#define STORE_REQUEST_ID_BYTES 65
#define STORE_DETAIL_BYTES 801

/* Who commands something, and from where: for the audit, in the command's own transaction. */
struct store_origin {
    bool is_kept;     /* false: it is nobody else's business */
    uint64_t kind;    /* an enum principal_kind */
    uint64_t user_id; /* 0: the admin tool */
    char operator_name[STORE_NAME_BYTES];
    unsigned char address[STORE_ADDRESS_BYTES]; /* all 0: not known */
    char request_id[STORE_REQUEST_ID_BYTES];
};

struct store_user {
    uint64_t id;
    char username[STORE_NAME_BYTES];
    char display_name[STORE_NAME_BYTES];  /* the user name where none was given */
    uint64_t role;                        /* an enum role */
    uint64_t is_disabled;                 /* 0 or 1 */
    uint64_t password_changes;            /* how often the user has changed it */
    uint64_t version;                     /* grows with each other change */
    char password[PASSWORD_STORED_BYTES]; /* as stored */
};
/* user NULL: there is none of this name or id. */
typedef void store_user_fn(void *arg, enum err err, const struct store_user *user);

struct store_ended {
    struct token_hash *tokens; /* of the sessions; borrowed */
    size_t count;
    bool was_done; /* none now: the command of this key has been done before */
};

/* What is changed of a user; what has no has_ is always given. */
struct store_change {
    uint64_t user_id;
    unsigned char key[STORE_KEY_BYTES]; /* of the command: once done, it is not done again */
    bool has_display_name, has_role, has_disabled, has_version;
    char display_name[STORE_NAME_BYTES]; /* empty: the user name again */
    uint64_t role;                       /* an enum role */
    uint64_t is_disabled;                /* 0 or 1 */
    uint64_t version;                    /* which he must have */
    uint64_t now_unix_ms;
    struct store_origin origin;
};
struct store_changed {
    struct store_user user; /* as he is now */
    bool is_renamed;        /* by this */
    /* His sessions, if they have ended, or have to be looked up anew. */
    struct store_ended sessions;
};
/* ERR_NOT_FOUND: there is no such user; ERR_STALE: he has another version; ERR_CONFLICT: nobody
 * would be left who is an admin and may sign in. */
typedef void store_changed_fn(void *arg, enum err err, const struct store_changed *changed);

/* A user who is to go. */
struct store_removal {
    uint64_t user_id;
    unsigned char key[STORE_KEY_BYTES]; /* of the command: once done, it is not done again */
    bool has_version, has_heir;
    uint64_t version; /* which he must have */
    uint64_t heir_id; /* who gets his rooms; without one they end */
    uint64_t now_unix_ms;
    struct store_origin origin;
};

/* A user to be. */
struct store_new_user {
    unsigned char key[STORE_KEY_BYTES]; /* of the command: once done, it is not done again */
    /* Of what the client has given this key for; all 0: the key is none of a client. */
    unsigned char body_hash[STORE_KEY_BYTES];
    char username[STORE_NAME_BYTES];
    char display_name[STORE_NAME_BYTES]; /* empty: the user name */
    uint64_t role;                       /* an enum role */
    char password[PASSWORD_STORED_BYTES];
    struct store_origin origin;
};

/* Users in the order of their ids. */
struct store_users_page {
    uint64_t after_id;
    uint64_t limit;                /* USERS_PAGE at most */
    char search[STORE_NAME_BYTES]; /* empty: all */
};
struct store_users_found {
    struct store_user items[USERS_PAGE]; /* without their passwords */
    size_t count;
};
typedef void store_users_fn(void *arg, enum err err, const struct store_users_found *found);

/* A session by its id, of one user. */
struct store_session_ref {
    bool is_there; /* false: none is meant */
    struct session_id id;
};
/* id: as on the bus; empty: none. */
void store_session_ref_set(struct store_session_ref *ref, struct str id);

/* Another password. */
struct store_password {
    uint64_t user_id;
    uint64_t password_changes; /* the user's, when the one before was found to be right */
    uint64_t now_unix_ms;
    unsigned char key[STORE_KEY_BYTES]; /* of the command: once done, it is not done again */
    char to[PASSWORD_STORED_BYTES];
    struct store_session_ref except; /* this session goes on */
    bool is_forced;                  /* whatever the one before is */
    struct store_origin origin;
};
/* is_done: the command of this key was done before. */
typedef void store_command_fn(void *arg, enum err err, bool is_done);

/* session NULL: there is none, or its user is disabled. One that has expired may still be there. */
typedef void store_session_fn(void *arg, enum err err, const struct session *session);

struct store_draft {
    struct token_hash token;
    uint64_t user_id;
    uint64_t password_changes; /* the user's, when the password was found to be right */
    uint64_t kind;             /* an enum session_kind */
    char device[STORE_NAME_BYTES];
    unsigned char address[STORE_ADDRESS_BYTES];
    uint64_t now_unix_ms;
    uint64_t expires_unix_ms;
    uint64_t sessions_max; /* of the user; those past it go, dead ones first, then the oldest */
};
struct store_opened {
    struct session session;
    struct token_hash evicted[STORE_EVICTED_MAX];
    size_t evicted_count;
};
/* ERR_CONFLICT: the token belongs to another user, or to a session that is over or was revoked. A
 * live session of the same user is success: the call was repeated. ERR_BAD_CREDENTIALS: the user is
 * gone or disabled, or has changed his password meanwhile. */
typedef void store_opened_fn(void *arg, enum err err, const struct store_opened *opened);

/* Sessions of a user that go on: the one, or a page of them. */
struct store_page {
    uint64_t user_id;
    uint64_t now_unix_ms;
    uint64_t limit; /* SESSIONS_PAGE at most */
    struct store_session_ref session;
    uint64_t after_created_unix_ms; /* of the last one before the page; 0: none */
    struct session_id after;        /* likewise: its id */
};
struct store_session_row {
    struct token_hash token;
    uint64_t kind; /* an enum session_kind */
    char device[STORE_NAME_BYTES];
    unsigned char address[STORE_ADDRESS_BYTES];
    uint64_t created_unix_ms;
    uint64_t used_unix_ms;
    uint64_t expires_unix_ms;
};
struct store_page_found {
    struct store_session_row items[SESSIONS_PAGE]; /* the newest first */
    size_t count;
};
typedef void store_page_fn(void *arg, enum err err, const struct store_page_found *found);

struct store_extension {
    uint64_t id; /* of the session */
    struct token_hash token;
    uint64_t expires_unix_ms;
    uint64_t used_unix_ms;
};
/* gone[i]: the session of items[i] is not there any more. One of another token has come into its
 * place when a back-up was restored: that one is left alone. */
typedef void store_extended_fn(void *arg, enum err err, const bool *gone);

/* A revocation of this token, which is nobody's, says that the database has become another one:
 * deploy/admin restore writes it, and all that is known of sessions is to be looked up anew. */
#define STORE_EVERY_TOKEN                                                                          \
    {                                                                                              \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
/* What became of a session, in its row of the log of revocations (session_revocations.news).
 * authsvc looks up either anew; roomsvc takes out of rooms who came in by a session that was ended.
 */
enum store_session_news {
    STORE_SESSION_CHANGED = 0, /* it goes on with another role, or has run out of time */
    STORE_SESSION_ENDED = 1,   /* by its user, by somebody else, or for a newer one */
};
struct store_revocation {
    uint64_t seq;
    struct token_hash token;
    uint64_t user_id; /* not 0: it is of no session, but of this user */
    uint64_t news;    /* of a user an enum auth_news, of a session an enum store_session_news */
};
struct store_revocations {
    uint64_t now_unix_ms;         /* by the database's clock */
    struct store_revocation last; /* to go on after */
    /* What was asked with is not there: the database is not the one that it was (a back-up was
     * restored), and numbers begin again below. No items; ask with STORE_SEQ_NOW. */
    bool is_lost;
    struct store_revocation items[STORE_REVOCATIONS_MAX];
    size_t count; /* STORE_REVOCATIONS_MAX: there are more */
};
typedef void store_revocations_fn(void *arg, enum err err, const struct store_revocations *revoked);

/* What ends before its time: the session of this token, or (user_id not 0) of that user all, all
 * but one, or only one. */
struct store_target {
    struct token_hash token;
    uint64_t user_id;
    struct store_session_ref only, except;
    bool has_key;
    unsigned char key[STORE_KEY_BYTES]; /* of the command */
    uint64_t now_unix_ms;
    struct store_origin origin;
};
typedef void store_ended_fn(void *arg, enum err err, const struct store_ended *ended);

/* The audit, the newest first. */
struct store_acts_page {
    uint64_t before_id; /* 0: from the newest */
    uint64_t since_unix_ms;
    uint64_t limit;              /* AUDIT_PAGE at most */
    char name[STORE_NAME_BYTES]; /* of who did it, or to whom; empty: all */
};
struct store_act {
    uint64_t id;
    uint64_t created_unix_ms;
    uint64_t act;     /* an enum act */
    uint64_t by_kind; /* an enum principal_kind */
    uint64_t by_id;
    char by_name[STORE_NAME_BYTES];
    unsigned char address[STORE_ADDRESS_BYTES];
    uint64_t user_id;
    char username[STORE_NAME_BYTES];
    uint64_t room_id;
    char detail[STORE_DETAIL_BYTES];
    char request_id[STORE_REQUEST_ID_BYTES];
};
struct store_acts_found {
    struct store_act items[AUDIT_PAGE];
    size_t count;
};
typedef void store_acts_fn(void *arg, enum err err, const struct store_acts_found *found);

struct store_counted {
    uint64_t users, disabled, sessions;
};
typedef void store_counted_fn(void *arg, enum err err, const struct store_counted *counted);

/* more: the bound was reached, call again. */
typedef void store_swept_fn(void *arg, enum err err, bool more);

struct store_ops {
    enum err (*find_user)(void *self, struct str username, uint64_t deadline_ms, store_user_fn *fn,
                          void *arg);
    enum err (*get_user)(void *self, uint64_t user_id, uint64_t deadline_ms, store_user_fn *fn,
                         void *arg);
    /* The user as he is there, also if the command was done before. ERR_CONFLICT: somebody has the
     * name; ERR_KEY_REUSED, ERR_IN_FLIGHT. */
    enum err (*add_user)(void *self, const struct store_new_user *user, uint64_t deadline_ms,
                         store_user_fn *fn, void *arg);
    enum err (*find_users)(void *self, const struct store_users_page *page, uint64_t deadline_ms,
                           store_users_fn *fn, void *arg);
    /* All of it or nothing; in one go with the end of his sessions, if he is disabled. */
    enum err (*change_user)(void *self, const struct store_change *change, uint64_t deadline_ms,
                            store_changed_fn *fn, void *arg);
    /* And ends his sessions, all but one, in one go. ERR_NOT_FOUND: there is no such user;
     * ERR_BAD_CREDENTIALS: he is disabled, or has changed it meanwhile; not if is_forced. */
    enum err (*change_password)(void *self, const struct store_password *change,
                                uint64_t deadline_ms, store_ended_fn *fn, void *arg);
    /* And ends his sessions, in one go with the word to roomsvc what becomes of his rooms.
     * ERR_NOT_FOUND, ERR_STALE, ERR_CONFLICT: as for a change; ERR_NO_HEIR. */
    enum err (*remove_user)(void *self, const struct store_removal *removal, uint64_t deadline_ms,
                            store_ended_fn *fn, void *arg);
    enum err (*find_command)(void *self, const unsigned char key[STORE_KEY_BYTES],
                             uint64_t deadline_ms, store_command_fn *fn, void *arg);
    enum err (*open_session)(void *self, const struct store_draft *draft, uint64_t deadline_ms,
                             store_opened_fn *fn, void *arg);
    enum err (*find_session)(void *self, const struct token_hash *token, uint64_t deadline_ms,
                             store_session_fn *fn, void *arg);
    enum err (*find_sessions)(void *self, const struct store_page *page, uint64_t deadline_ms,
                              store_page_fn *fn, void *arg);
    /* Only while the stored password is still from. Nobody waits for it. */
    void (*set_password)(void *self, uint64_t user_id, const char *from, const char *to);
    /* Never shortens. count <= STORE_BATCH_MAX. */
    enum err (*extend)(void *self, const struct store_extension *items, size_t count,
                       store_extended_fn *fn, void *arg);
    /* Ends all of them, for every replica, or none. */
    enum err (*revoke)(void *self, const struct store_target *target, uint64_t deadline_ms,
                       store_ended_fn *fn, void *arg);
    /* Revocations after this one, which an answer gave as its last. Of seq STORE_SEQ_NOW: none,
     * only the last one before the last minute's, whose seq is 0 if there is none. */
    enum err (*find_revoked)(void *self, const struct store_revocation *after,
                             store_revocations_fn *fn, void *arg);
    enum err (*find_acts)(void *self, const struct store_acts_page *page, uint64_t deadline_ms,
                          store_acts_fn *fn, void *arg);
    /* Users, those of them who may not sign in, and sessions that go on. */
    enum err (*count)(void *self, uint64_t deadline_ms, store_counted_fn *fn, void *arg);
    /* Removes a bounded number of sessions that expired, and revocations made, before these; never
     * the newest revocation, after which all go on. And old rows of all else that is kept for a
     * while only. */
    enum err (*sweep)(void *self, uint64_t expired_before_unix_ms, uint64_t revoked_before_unix_ms,
                      store_swept_fn *fn, void *arg);
};
#define STORE_SEQ_NOW UINT64_MAX

struct store {
    const struct store_ops *ops;
    void *self;
};

#endif

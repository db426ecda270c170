#include "tests/unit/authsvc/mock_store.h"

#include <assert.h>

static struct mock_store_call *remember(struct mock_store *mock, enum mock_store_op op, void *arg)
{
    size_t i = 0;
    while (i < mock->count && !mock->calls[i]->answered) {
        i++;
    }
    assert(i < MOCK_STORE_MAX);
    if (i == mock->count) {
        mock->calls[mock->count++] = NULL;
    }
    /* The oldest stays first. */
    mem_free(&mock->calls[i]);
    for (; i + 1 < mock->count; i++) {
        mock->calls[i] = mock->calls[i + 1];
    }
    struct mock_store_call *call = mem_alloc(sizeof(*call));
    mock->calls[mock->count - 1] = call;
    call->op = op;
    call->arg = arg;
    return call;
}

static enum err find_user(void *self, struct str username, uint64_t deadline_ms, store_user_fn *fn,
                          void *arg)
{
    struct mock_store *mock = self;
    if (mock->refuse == ERR_OK) {
        struct mock_store_call *call = remember(mock, MOCK_FIND_USER, arg);
        (void)str_copy(call->username, sizeof(call->username), username);
        call->deadline_ms = deadline_ms;
        call->fn.user = fn;
    }
    return mock->refuse;
}

static enum err get_user(void *self, uint64_t user_id, uint64_t deadline_ms, store_user_fn *fn,
                         void *arg)
{
    struct mock_store *mock = self;
    if (mock->refuse == ERR_OK) {
        struct mock_store_call *call = remember(mock, MOCK_GET_USER, arg);
        call->user_id = user_id;
        call->deadline_ms = deadline_ms;
        call->fn.user = fn;
    }
    return mock->refuse;
}

static enum err add_user(void *self, const struct store_new_user *user, uint64_t deadline_ms,
                         store_user_fn *fn, void *arg)
{
    struct mock_store *mock = self;
    if (mock->refuse == ERR_OK) {
        struct mock_store_call *call = remember(mock, MOCK_ADD_USER, arg);
        call->new_user = *user;
        call->deadline_ms = deadline_ms;
        call->fn.user = fn;
    }
    return mock->refuse;
}

static enum err find_users(void *self, const struct store_users_page *page, uint64_t deadline_ms,
                           store_users_fn *fn, void *arg)
{
    struct mock_store *mock = self;
    if (mock->refuse == ERR_OK) {
        struct mock_store_call *call = remember(mock, MOCK_FIND_USERS, arg);
        call->users_page = *page;
        call->deadline_ms = deadline_ms;
        call->fn.users = fn;
    }
    return mock->refuse;
}

static enum err change_user(void *self, const struct store_change *change, uint64_t deadline_ms,
                            store_changed_fn *fn, void *arg)
{
    struct mock_store *mock = self;
    if (mock->refuse == ERR_OK) {
        struct mock_store_call *call = remember(mock, MOCK_CHANGE_USER, arg);
        call->change = *change;
        call->deadline_ms = deadline_ms;
        call->fn.changed = fn;
    }
    return mock->refuse;
}

static enum err change_password(void *self, const struct store_password *change,
                                uint64_t deadline_ms, store_ended_fn *fn, void *arg)
{
    struct mock_store *mock = self;
    if (mock->refuse == ERR_OK) {
        struct mock_store_call *call = remember(mock, MOCK_CHANGE_PASSWORD, arg);
        call->password = *change;
        call->deadline_ms = deadline_ms;
        call->fn.ended = fn;
    }
    return mock->refuse;
}

static enum err remove_user(void *self, const struct store_removal *removal, uint64_t deadline_ms,
                            store_ended_fn *fn, void *arg)
{
    struct mock_store *mock = self;
    if (mock->refuse == ERR_OK) {
        struct mock_store_call *call = remember(mock, MOCK_REMOVE_USER, arg);
        call->removal = *removal;
        call->deadline_ms = deadline_ms;
        call->fn.ended = fn;
    }
    return mock->refuse;
}

static enum err find_command(void *self, const unsigned char key[STORE_KEY_BYTES],
                             uint64_t deadline_ms, store_command_fn *fn, void *arg)
{
    struct mock_store *mock = self;
    if (mock->refuse == ERR_OK) {
        struct mock_store_call *call = remember(mock, MOCK_FIND_COMMAND, arg);
        memcpy(call->key, key, sizeof(call->key));
        call->deadline_ms = deadline_ms;
        call->fn.command = fn;
    }
    return mock->refuse;
}

static enum err open_session(void *self, const struct store_draft *draft, uint64_t deadline_ms,
                             store_opened_fn *fn, void *arg)
{
    struct mock_store *mock = self;
    if (mock->refuse == ERR_OK) {
        struct mock_store_call *call = remember(mock, MOCK_OPEN_SESSION, arg);
        call->draft = *draft;
        call->deadline_ms = deadline_ms;
        call->fn.opened = fn;
    }
    return mock->refuse;
}

static enum err find_session(void *self, const struct token_hash *token, uint64_t deadline_ms,
                             store_session_fn *fn, void *arg)
{
    struct mock_store *mock = self;
    if (mock->refuse == ERR_OK) {
        struct mock_store_call *call = remember(mock, MOCK_FIND_SESSION, arg);
        call->token = *token;
        call->deadline_ms = deadline_ms;
        call->fn.session = fn;
    }
    return mock->refuse;
}

static enum err find_sessions(void *self, const struct store_page *page, uint64_t deadline_ms,
                              store_page_fn *fn, void *arg)
{
    struct mock_store *mock = self;
    if (mock->refuse == ERR_OK) {
        struct mock_store_call *call = remember(mock, MOCK_FIND_SESSIONS, arg);
        call->page = *page;
        call->deadline_ms = deadline_ms;
        call->fn.sessions = fn;
    }
    return mock->refuse;
}

static void set_password(void *self, uint64_t user_id, const char *from, const char *to)
{
    struct mock_store_call *call = remember(self, MOCK_SET_PASSWORD, NULL);
    call->user_id = user_id;
    (void)str_copy(call->from, sizeof(call->from), str_of(from));
    (void)str_copy(call->to, sizeof(call->to), str_of(to));
}

static enum err extend(void *self, const struct store_extension *items, size_t count,
                       store_extended_fn *fn, void *arg)
{
    struct mock_store *mock = self;
    if (mock->refuse == ERR_OK) {
        struct mock_store_call *call = remember(mock, MOCK_EXTEND, arg);
        memcpy(call->items, items, count * sizeof(*items));
        call->count = count;
        call->fn.extended = fn;
    }
    return mock->refuse;
}

static enum err revoke(void *self, const struct store_target *target, uint64_t deadline_ms,
                       store_ended_fn *fn, void *arg)
{
    struct mock_store *mock = self;
    if (mock->refuse == ERR_OK) {
        struct mock_store_call *call = remember(mock, MOCK_REVOKE, arg);
        call->target = *target;
        call->deadline_ms = deadline_ms;
        call->fn.ended = fn;
    }
    return mock->refuse;
}

static enum err find_revoked(void *self, const struct store_revocation *after,
                             store_revocations_fn *fn, void *arg)
{
    struct mock_store *mock = self;
    if (mock->refuse == ERR_OK) {
        struct mock_store_call *call = remember(mock, MOCK_FIND_REVOKED, arg);
        call->after = *after;
        call->fn.revocations = fn;
    }
    return mock->refuse;
}

static enum err find_acts(void *self, const struct store_acts_page *page, uint64_t deadline_ms,
                          store_acts_fn *fn, void *arg)
{
    struct mock_store *mock = self;
    if (mock->refuse == ERR_OK) {
        struct mock_store_call *call = remember(mock, MOCK_FIND_ACTS, arg);
        call->acts_page = *page;
        call->deadline_ms = deadline_ms;
        call->fn.acts = fn;
    }
    return mock->refuse;
}

static enum err count_heads(void *self, uint64_t deadline_ms, store_counted_fn *fn, void *arg)
{
    struct mock_store *mock = self;
    if (mock->refuse == ERR_OK) {
        struct mock_store_call *call = remember(mock, MOCK_COUNT, arg);
        call->deadline_ms = deadline_ms;
        call->fn.counted = fn;
    }
    return mock->refuse;
}

static enum err sweep(void *self, uint64_t expired_before_unix_ms, uint64_t revoked_before_unix_ms,
                      store_swept_fn *fn, void *arg)
{
    struct mock_store *mock = self;
    (void)revoked_before_unix_ms;
    if (mock->refuse == ERR_OK) {
        struct mock_store_call *call = remember(mock, MOCK_SWEEP, arg);
        call->expired_before_unix_ms = expired_before_unix_ms;
        call->fn.swept = fn;
    }
    return mock->refuse;
}

static const struct store_ops ops = {
    .find_user = find_user,
    .get_user = get_user,
    .add_user = add_user,
    .find_users = find_users,
    .change_user = change_user,
    .change_password = change_password,
    .remove_user = remove_user,
    .find_command = find_command,
    .open_session = open_session,
    .find_session = find_session,
    .find_sessions = find_sessions,
    .set_password = set_password,
    .extend = extend,
    .revoke = revoke,
    .find_revoked = find_revoked,
    .find_acts = find_acts,
    .count = count_heads,
    .sweep = sweep,
};

void mock_store_init(struct mock_store *mock)
{
    *mock = (struct mock_store){0};
}

void mock_store_fini(struct mock_store *mock)
{
    for (size_t i = 0; i < mock->count; i++) {
        mem_free(&mock->calls[i]);
    }
}

struct store mock_store_store(struct mock_store *mock)
{
    return (struct store){.ops = &ops, .self = mock};
}

struct mock_store_call *mock_store_take(struct mock_store *mock, enum mock_store_op op)
{
    for (size_t i = 0; i < mock->count; i++) {
        if (mock->calls[i]->op == op && !mock->calls[i]->answered) {
            mock->calls[i]->answered = true;
            return mock->calls[i];
        }
    }
    return NULL;
}

size_t mock_store_pending(const struct mock_store *mock, enum mock_store_op op)
{
    size_t count = 0;
    for (size_t i = 0; i < mock->count; i++) {
        count += mock->calls[i]->op == op && !mock->calls[i]->answered;
    }
    return count;
}

/* authsvc's store against a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>

#include "tests/integration/db/ask_store.h"
#include "tests/integration/db/store_fixture.h"

#define NOW 1700000000000

static struct ask_store *store;

static struct store_draft draft(uint64_t n, uint64_t sessions_max)
{
    return (struct store_draft){.token = token(n),
                                .user_id = fixture.user_id,
                                .kind = SESSION_ORIGINAL,
                                .now_unix_ms = NOW,
                                .expires_unix_ms = NOW + 1000 + n,
                                .sessions_max = sessions_max};
}

static void open_session(uint64_t n, uint64_t sessions_max)
{
    struct store_opened opened;
    struct store_draft d = draft(n, sessions_max);
    assert_int_equal(ask_open_session(store, &d, &opened), ERR_OK);
}

static void a_session_is_opened_once(void **state)
{
    (void)state;
    struct store_opened opened;
    struct session found;
    struct store_draft d = draft(1, 10);
    assert_false(exists(1, &found));
    assert_int_equal(ask_open_session(store, &d, &opened), ERR_OK);
    assert_true(exists(1, &found));
    assert_int_equal(found.id, opened.session.id);
    assert_int_equal(found.user_id, fixture.user_id);
    assert_int_equal(found.created_unix_ms, NOW);
    assert_int_equal(found.expires_unix_ms, NOW + 1001);
    struct store_opened again;
    assert_int_equal(ask_open_session(store, &d, &again), ERR_OK);
    assert_int_equal(again.session.id, opened.session.id);
    AUTO(mem_free) char *count = must_select(fixture.db, "SELECT COUNT(*) FROM sessions");
    assert_string_equal(count, "1");

    struct store_draft theirs = d;
    theirs.user_id = fixture.other_id;
    assert_int_equal(ask_open_session(store, &theirs, &again), ERR_CONFLICT);
    struct store_draft late = d;
    late.now_unix_ms = NOW + 1001;
    assert_int_equal(ask_open_session(store, &late, &again), ERR_CONFLICT);
    struct store_draft nobody = draft(2, 10);
    nobody.user_id = 999;
    assert_int_equal(ask_open_session(store, &nobody, &again), ERR_BAD_CREDENTIALS);
    assert_false(exists(2, &found));
}

static void the_oldest_goes_first(void **state)
{
    (void)state;
    struct session found;
    for (uint64_t n = 1; n <= 3; n++) {
        open_session(n, 3);
    }
    struct store_opened opened;
    struct store_draft d = draft(4, 3);
    assert_int_equal(ask_open_session(store, &d, &opened), ERR_OK);
    struct token_hash first = token(1);
    assert_int_equal(opened.evicted_count, 1);
    assert_memory_equal(&opened.evicted[0], &first, sizeof(first));
    assert_false(exists(1, &found));
    assert_true(exists(2, &found));
    /* One that is over goes before the oldest; the new one never goes. */
    must_run(fixture.db, "UPDATE sessions SET expires_unix_ms = 5 ORDER BY id DESC LIMIT 1");
    open_session(5, 3);
    assert_true(exists(2, &found));
    assert_false(exists(4, &found));
    open_session(6, 1);
    AUTO(mem_free) char *count = must_select(fixture.db, "SELECT COUNT(*) FROM sessions");
    assert_string_equal(count, "1");
    assert_true(exists(6, &found));
    AUTO(mem_free)
    char *revoked = must_select(fixture.db, "SELECT COUNT(*) FROM session_revocations");
    assert_string_equal(revoked, "5");
    /* The one that was over was ended by nobody: it takes nobody out of a meeting. */
    AUTO(mem_free)
    char *news = must_select(fixture.db, "SELECT GROUP_CONCAT(news ORDER BY seq SEPARATOR '')"
                                         " FROM session_revocations");
    assert_string_equal(news, "10111");
}

static void the_bound_holds_for_logins_at_once(void **state)
{
    (void)state;
    struct store_draft drafts[80];
    for (size_t i = 0; i < ARRAY_LEN(drafts); i++) {
        drafts[i] = draft(100 + i, 3);
    }
    AUTO(ask_store_free) struct ask_store *many = ask_store_new(&fixture.config, 4);
    assert_int_equal(ask_open_sessions(many, drafts, ARRAY_LEN(drafts)), 0);
    AUTO(mem_free) char *count = must_select(fixture.db, "SELECT COUNT(*) FROM sessions");
    assert_string_equal(count, "3");
}

/* Of the n-th session, which is there. */
static struct store_extension extension(uint64_t n, uint64_t expires_unix_ms)
{
    struct session found;
    assert_true(exists(n, &found));
    return (struct store_extension){
        .id = found.id, .token = token(n), .expires_unix_ms = expires_unix_ms};
}

static void extends(size_t count)
{
    struct store_extension items[STORE_BATCH_MAX];
    bool gone[STORE_BATCH_MAX];
    struct session found;
    for (size_t i = 0; i < count; i++) {
        items[i] = extension(i + 1, NOW + 5000 + i);
        items[i].used_unix_ms = NOW + 77 + i;
    }
    assert_int_equal(ask_extend(store, items, count, gone), ERR_OK);
    for (size_t i = 0; i < count; i++) {
        assert_false(gone[i]);
        assert_true(exists(i + 1, &found));
        assert_int_equal(found.expires_unix_ms, NOW + 5000 + i);
    }
    AUTO(mem_free) char *used = must_select(fixture.db, "SELECT MAX(used_unix_ms) FROM sessions");
    assert_int_equal(strtoull(used, NULL, 10), NOW + 76 + count);
    /* An older expiry or use does not count, and what is gone is told. */
    struct token_hash last = token(count);
    AUTO(mem_free)
    char *drop = mem_printf("DELETE FROM sessions WHERE id = %" PRIu64, items[count - 1].id);
    must_run(fixture.db, drop);
    for (size_t i = 0; i < count; i++) {
        items[i].expires_unix_ms = NOW;
        items[i].used_unix_ms = NOW + 1;
    }
    assert_int_equal(ask_extend(store, items, count, gone), ERR_OK);
    for (size_t i = 0; i + 1 < count; i++) {
        assert_false(gone[i]);
    }
    assert_true(gone[count - 1]);
    assert_true(count == 1 || exists(1, &found));
    assert_true(count == 1 || found.expires_unix_ms == NOW + 5000);
    value_is("SELECT COUNT(*) FROM sessions WHERE used_unix_ms = 1700000000001", "0");
    assert_int_equal(ask_find_session(store, &last, &found, &gone[0]), ERR_OK);
    assert_false(gone[0]);
    must_run(fixture.db, "DELETE FROM sessions");
}

static void sliding_in_batches(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 2, 16, 17, STORE_BATCH_MAX};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        for (uint64_t n = 1; n <= counts[i]; n++) {
            open_session(n, 1000);
        }
        extends(counts[i]);
    }
}

/* By all connections: those of the store are its own. */
static uint64_t rows_read(void)
{
    AUTO(mem_free)
    char *rows =
        must_select(fixture.db, "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS"
                                " WHERE VARIABLE_NAME = 'ROWS_READ'");
    assert_string_not_equal(rows, "");
    return strtoull(rows, NULL, 10);
}

/* A batch reads, and so locks, its own rows and not the table. */
static void a_batch_reads_its_own_rows_only(void **state)
{
    (void)state;
    struct store_extension items[STORE_BATCH_MAX];
    bool gone[STORE_BATCH_MAX];
    for (uint64_t n = 1; n <= STORE_BATCH_MAX; n++) {
        open_session(n, 1000);
        items[n - 1] = extension(n, NOW + 5000);
    }
    AUTO(mem_free)
    char *fill =
        mem_printf("INSERT INTO sessions (token_hash, user_id, created_unix_ms, expires_unix_ms)"
                   " SELECT UNHEX(SHA2(seq, 256)), %" PRIu64 ", 1, 1 FROM seq_1_to_3000",
                   fixture.user_id);
    must_run(fixture.db, fill);
    must_run(fixture.db, "DELETE FROM sessions WHERE id = (SELECT MIN(id) FROM sessions)");
    uint64_t before = rows_read();
    assert_int_equal(ask_extend(store, items, STORE_BATCH_MAX, gone), ERR_OK);
    assert_in_range(rows_read() - before, STORE_BATCH_MAX, 4 * STORE_BATCH_MAX);
    assert_true(gone[0]); /* both statements were run */
    must_run(fixture.db, "DELETE FROM sessions");
}

static void passwords_are_set_if_unchanged(void **state)
{
    (void)state;
    struct store_user user;
    bool found = false;
    assert_int_equal(ask_find_user(store, "testuser", &user, &found), ERR_OK);
    assert_true(found);
    assert_int_equal(user.id, fixture.user_id);
    ask_set_password(store, user.id, "other", "new");
    struct store_user after;
    assert_int_equal(ask_find_user(store, "testuser", &after, &found), ERR_OK);
    assert_string_equal(after.password, user.password);
    ask_set_password(store, user.id, user.password, "new");
    assert_int_equal(ask_find_user(store, "testuser", &after, &found), ERR_OK);
    assert_string_equal(after.password, "new");
    /* A space at the end makes it another name. */
    assert_int_equal(ask_find_user(store, "testuser ", &after, &found), ERR_OK);
    assert_false(found);
}

static void sweeping_is_bounded(void **state)
{
    (void)state;
    AUTO(mem_free)
    char *fill =
        mem_printf("INSERT INTO sessions (token_hash, user_id, created_unix_ms, expires_unix_ms)"
                   " SELECT UNHEX(SHA2(seq, 256)), %" PRIu64 ", 1, seq FROM seq_1_to_700",
                   fixture.user_id);
    must_run(fixture.db, fill);
    bool more = false;
    assert_int_equal(ask_sweep(store, 601, 0, &more), ERR_OK);
    assert_true(more);
    assert_int_equal(ask_sweep(store, 601, 0, &more), ERR_OK);
    assert_false(more);
    AUTO(mem_free)
    char *least = must_select(fixture.db, "SELECT MIN(expires_unix_ms) FROM sessions");
    assert_string_equal(least, "601");
    must_run(fixture.db, "INSERT INTO session_revocations (token_hash, created_unix_ms)"
                         " VALUES (REPEAT('a', 32), 10), (REPEAT('b', 32), 20)");
    assert_int_equal(ask_sweep(store, 0, 20, &more), ERR_OK);
    AUTO(mem_free) char *left = must_select(fixture.db, "SELECT COUNT(*) FROM session_revocations");
    assert_string_equal(left, "1");
}

static const struct store_revocation from_now = {.seq = STORE_SEQ_NOW};

static void revocations_are_followed(void **state)
{
    (void)state;
    struct store_revocations *revoked = mem_alloc(sizeof(*revoked));
    assert_int_equal(ask_find_revoked(store, &from_now, revoked), ERR_OK);
    assert_int_equal(revoked->count, 0);
    const struct store_revocation start = revoked->last;
    assert_int_equal(ask_find_revoked(store, &start, revoked), ERR_OK);
    assert_int_equal(revoked->count, 0);
    assert_int_equal(revoked->last.seq, start.seq);
    open_session(1, 1);
    open_session(2, 1);
    assert_int_equal(ask_find_revoked(store, &start, revoked), ERR_OK);
    struct token_hash first = token(1);
    assert_int_equal(revoked->count, 1);
    assert_memory_equal(&revoked->items[0].token, &first, sizeof(first));
    assert_true(revoked->last.seq > start.seq);
    mem_free(&revoked);
}

static size_t end_sessions(const struct store_target *target)
{
    size_t count = 0;
    assert_int_equal(ask_revoke(store, target, &count), ERR_OK);
    return count;
}

static void a_session_is_revoked_once_and_for_all(void **state)
{
    (void)state;
    struct session found;
    struct store_opened opened;
    open_session(1, 10);
    open_session(2, 10);
    const struct store_target target = {.token = token(1), .now_unix_ms = NOW};
    assert_true(exists(1, &found));
    assert_int_equal(end_sessions(&target), 1);
    assert_int_equal(end_sessions(&target), 0);
    value_is("SELECT COUNT(*) FROM session_revocations", "1");
    bool gone = false;
    const struct store_extension renewal = {
        .id = found.id, .token = token(1), .expires_unix_ms = NOW + 9000};
    assert_int_equal(ask_extend(store, &renewal, 1, &gone), ERR_OK);
    assert_true(gone);
    assert_false(exists(1, &found));
    assert_true(exists(2, &found));
    /* The login that made it comes a second time, late. */
    struct store_draft late = draft(1, 10);
    assert_int_equal(ask_open_session(store, &late, &opened), ERR_CONFLICT);
    assert_false(exists(1, &found));
}

/* The bus repeats it, because the answer to the first got lost. */
static void one_that_comes_again_with_its_key_is_told_the_same(void **state)
{
    (void)state;
    open_session(1, 10);
    open_session(2, 10);
    const struct token_hash first = token(1);
    struct store_target target = {
        .user_id = fixture.user_id, .has_key = true, .key = "0123456789abcde", .now_unix_ms = NOW};
    store_session_ref_set(
        &target.only, (struct str){.data = (const char *)first.bytes, .bytes = SESSION_ID_BYTES});
    bool was_done = true;
    size_t count = 0;
    assert_int_equal(ask_revoke_again(store, &target, &count, &was_done), ERR_OK);
    assert_int_equal(count, 1);
    assert_false(was_done);
    assert_int_equal(ask_revoke_again(store, &target, &count, &was_done), ERR_OK);
    assert_int_equal(count, 0);
    assert_true(was_done);
    /* Another command finds nothing, and stays one that found nothing. */
    target.key[0] = 'x';
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask_revoke_again(store, &target, &count, &was_done), ERR_OK);
        assert_false(was_done);
    }
}

static void one_that_comes_again_ends_nothing_opened_since(void **state)
{
    (void)state;
    const struct token_hash first = token(1);
    struct session found;
    bool was_done = true;
    size_t count = 0;
    open_session(1, 10);
    open_session(2, 10);
    struct store_target target = {
        .user_id = fixture.user_id, .has_key = true, .key = "0123456789abcde", .now_unix_ms = NOW};
    store_session_ref_set(
        &target.except, (struct str){.data = (const char *)first.bytes, .bytes = SESSION_ID_BYTES});
    for (uint64_t n = 3; n <= 4; n++) {
        /* The first round ends one, the second (its key begins with x) has none to end. */
        assert_int_equal(ask_revoke_again(store, &target, &count, &was_done), ERR_OK);
        assert_int_equal(count, n == 3 ? 1 : 0);
        assert_false(was_done);
        open_session(n, 10);
        assert_int_equal(ask_revoke_again(store, &target, &count, &was_done), ERR_OK);
        assert_int_equal(count, 0);
        assert_true(was_done);
        assert_true(exists(1, &found));
        assert_true(exists(n, &found));
        const struct store_target newest = {.token = token(n), .now_unix_ms = NOW};
        assert_int_equal(end_sessions(&newest), 1);
        target.key[0] = 'x';
    }
}

static void all_sessions_of_a_user_are_revoked(void **state)
{
    (void)state;
    struct session found;
    struct store_opened opened;
    for (uint64_t n = 1; n <= 9; n++) {
        open_session(n, 10);
    }
    struct store_draft theirs = draft(10, 10);
    theirs.user_id = fixture.other_id;
    assert_int_equal(ask_open_session(store, &theirs, &opened), ERR_OK);
    const struct store_target target = {.user_id = fixture.user_id, .now_unix_ms = NOW};
    assert_int_equal(end_sessions(&target), 9);
    assert_int_equal(end_sessions(&target), 0);
    value_is("SELECT COUNT(*) FROM sessions", "1");
    assert_true(exists(10, &found));
    value_is("SELECT COUNT(DISTINCT token_hash) FROM session_revocations", "9");
    const struct store_target nobody = {.user_id = 999, .now_unix_ms = NOW};
    assert_int_equal(end_sessions(&nobody), 0);
}

/* A replica that starts now may have read a session just before it was revoked. */
static void following_begins_a_minute_ago(void **state)
{
    (void)state;
    struct store_revocations *revoked = mem_alloc(sizeof(*revoked));
    must_run(fixture.db, "INSERT INTO session_revocations (token_hash, created_unix_ms)"
                         " VALUES (REPEAT('a', 32), UNIX_TIMESTAMP() * 1000 - 120000),"
                         " (REPEAT('b', 32), UNIX_TIMESTAMP() * 1000 - 5000),"
                         " (REPEAT('c', 32), UNIX_TIMESTAMP() * 1000)");
    assert_int_equal(ask_find_revoked(store, &from_now, revoked), ERR_OK);
    assert_int_equal(revoked->count, 0);
    const struct store_revocation start = revoked->last;
    assert_int_equal(ask_find_revoked(store, &start, revoked), ERR_OK);
    assert_int_equal(revoked->count, 2);
    assert_int_equal(revoked->items[0].token.bytes[0], 'b');
    mem_free(&revoked);
}

static void a_database_that_went_back_is_noticed(void **state)
{
    (void)state;
    struct store_revocations *revoked = mem_alloc(sizeof(*revoked));
    must_run(fixture.db, "INSERT INTO session_revocations (seq, token_hash, created_unix_ms)"
                         " VALUES (7, REPEAT('a', 32), 1)");
    struct store_revocation seen = {.seq = 7};
    memset(seen.token.bytes, 'a', sizeof(seen.token.bytes));
    assert_int_equal(ask_find_revoked(store, &seen, revoked), ERR_OK);
    assert_false(revoked->is_lost);
    /* Also when others have got the number meanwhile. */
    memset(seen.token.bytes, 'b', sizeof(seen.token.bytes));
    assert_int_equal(ask_find_revoked(store, &seen, revoked), ERR_OK);
    assert_true(revoked->is_lost);
    must_run(fixture.db, "DELETE FROM session_revocations");
    memset(seen.token.bytes, 'a', sizeof(seen.token.bytes));
    assert_int_equal(ask_find_revoked(store, &seen, revoked), ERR_OK);
    assert_true(revoked->is_lost);
    assert_int_equal(revoked->count, 0);
    assert_int_equal(ask_find_revoked(store, &from_now, revoked), ERR_OK);
    assert_false(revoked->is_lost);
    assert_int_equal(revoked->last.seq, 0);
    mem_free(&revoked);
}

/* All go on after it, however old it is. */
static void the_newest_revocation_is_not_swept(void **state)
{
    (void)state;
    bool more = false;
    must_run(fixture.db, "INSERT INTO session_revocations (token_hash, created_unix_ms)"
                         " VALUES (REPEAT('a', 32), 1), (REPEAT('b', 32), 2)");
    assert_int_equal(ask_sweep(store, 0, 1000, &more), ERR_OK);
    value_is("SELECT COUNT(*) FROM session_revocations", "1");
    value_is("SELECT COUNT(*) FROM session_revocations WHERE token_hash = REPEAT('b', 32)", "1");
}

/* A back-up was restored, and the id was given to another session: that one is none of ours. */
static void anothers_session_is_not_extended(void **state)
{
    (void)state;
    struct session found;
    bool gone[2] = {false, true};
    open_session(1, 10);
    open_session(2, 10);
    struct store_extension items[] = {extension(1, NOW + 9000), extension(2, NOW + 9000)};
    items[0].token = token(3);
    assert_true(exists(1, &found));
    const uint64_t before = found.expires_unix_ms;
    assert_int_equal(ask_extend(store, items, 2, gone), ERR_OK);
    assert_true(gone[0]);
    assert_false(gone[1]);
    assert_true(exists(1, &found));
    assert_int_equal(found.expires_unix_ms, before);
    assert_true(exists(2, &found));
    assert_int_equal(found.expires_unix_ms, NOW + 9000);
}

/* ---- people ---- */

static struct store_page_found page_found;

static size_t page_of(uint64_t limit, uint64_t after_created, const struct token_hash *after)
{
    struct store_page page = {.user_id = fixture.user_id,
                              .now_unix_ms = NOW,
                              .limit = limit,
                              .after_created_unix_ms = after_created};
    if (after != NULL) {
        memcpy(page.after.bytes, after->bytes, sizeof(page.after.bytes));
    }
    assert_int_equal(ask_find_sessions(store, &page, &page_found), ERR_OK);
    return page_found.count;
}

static struct store_session_ref ref_of(uint64_t n)
{
    struct store_session_ref ref;
    struct token_hash hash = token(n);
    store_session_ref_set(
        &ref, (struct str){.data = (const char *)hash.bytes, .bytes = SESSION_ID_BYTES});
    return ref;
}

static void sessions_come_in_pages(void **state)
{
    (void)state;
    struct store_opened opened;
    for (uint64_t n = 1; n <= 5; n++) {
        struct store_draft d = draft(n, 10);
        d.now_unix_ms = NOW - (n % 2); /* 2, 4 are newer; 1, 3, 5 are as old as each other */
        d.kind = SESSION_WEB;
        d.address[15] = (unsigned char)n;
        (void)str_copy(d.device, sizeof(d.device), STR_LIT("T\xc3\xa9l\xc3\xa9phone"));
        assert_int_equal(ask_open_session(store, &d, &opened), ERR_OK);
    }
    struct store_draft theirs = draft(6, 10);
    theirs.user_id = fixture.other_id;
    assert_int_equal(ask_open_session(store, &theirs, &opened), ERR_OK);
    struct store_draft over = draft(7, 10);
    over.expires_unix_ms = NOW;
    assert_int_equal(ask_open_session(store, &over, &opened), ERR_OK);

    static const unsigned char order[] = {2, 4, 1, 3, 5};
    struct token_hash last = {{0}};
    uint64_t created = 0;
    size_t seen = 0;
    for (size_t limit = 2, got = 2; got == limit; seen += got) {
        got = page_of(limit, created, seen == 0 ? NULL : &last);
        for (size_t i = 0; i < got; i++) {
            assert_int_equal(page_found.items[i].address[15], order[seen + i]);
        }
        last = page_found.items[got - 1].token;
        created = page_found.items[got - 1].created_unix_ms;
    }
    assert_int_equal(seen, 5);
    assert_string_equal(page_found.items[0].device, "T\xc3\xa9l\xc3\xa9phone");
    assert_int_equal(page_found.items[0].kind, SESSION_WEB);
    assert_int_equal(page_found.items[0].used_unix_ms, NOW - 1);

    struct store_page one = {.user_id = fixture.user_id, .now_unix_ms = NOW, .session = ref_of(4)};
    assert_int_equal(ask_find_sessions(store, &one, &page_found), ERR_OK);
    assert_int_equal(page_found.count, 1);
    assert_int_equal(page_found.items[0].address[15], 4);
    one.session = ref_of(6); /* another's */
    assert_int_equal(ask_find_sessions(store, &one, &page_found), ERR_OK);
    assert_int_equal(page_found.count, 0);
}

static void one_or_all_others_are_revoked(void **state)
{
    (void)state;
    struct session found;
    size_t count = 0;
    for (uint64_t n = 1; n <= 4; n++) {
        open_session(n, 10);
    }
    struct store_opened opened;
    struct store_draft theirs = draft(6, 10);
    theirs.user_id = fixture.other_id;
    assert_int_equal(ask_open_session(store, &theirs, &opened), ERR_OK);
    struct store_target target = {
        .user_id = fixture.user_id, .only = ref_of(2), .now_unix_ms = NOW};
    assert_int_equal(ask_revoke(store, &target, &count), ERR_OK);
    assert_int_equal(count, 1);
    assert_false(exists(2, &found));
    assert_int_equal(ask_revoke(store, &target, &count), ERR_OK);
    assert_int_equal(count, 0);
    target.only = ref_of(6);
    assert_int_equal(ask_revoke(store, &target, &count), ERR_OK);
    assert_int_equal(count, 0);
    target.only = (struct store_session_ref){.is_there = false};
    target.except = ref_of(3);
    assert_int_equal(ask_revoke(store, &target, &count), ERR_OK);
    assert_int_equal(count, 2);
    assert_true(exists(3, &found));
    assert_true(exists(6, &found));
    value_is("SELECT COUNT(*) FROM session_revocations", "3");
}

static void a_disabled_user_has_no_session(void **state)
{
    (void)state;
    struct session found;
    struct store_user user;
    bool is_there = false;
    struct token_hash first = token(1);
    open_session(1, 10);
    assert_int_equal(ask_find_session(store, &first, &found, &is_there), ERR_OK);
    assert_true(is_there);
    assert_int_equal(found.role, ROLE_MEMBER);
    must_run(fixture.db, "UPDATE users SET role = 2, disabled = 1, display_name = 'T'"
                         " WHERE username = 'testuser'");
    assert_int_equal(ask_find_session(store, &first, &found, &is_there), ERR_OK);
    assert_false(is_there);
    assert_int_equal(ask_find_user(store, "testuser", &user, &is_there), ERR_OK);
    assert_int_equal(user.is_disabled, 1);
    assert_int_equal(user.role, ROLE_ADMIN);
    assert_string_equal(user.display_name, "T");
    struct store_opened opened;
    struct store_draft d = draft(2, 10);
    assert_int_equal(ask_open_session(store, &d, &opened), ERR_BAD_CREDENTIALS);
    assert_int_equal(ask_find_user(store, "other", &user, &is_there), ERR_OK);
    assert_string_equal(user.display_name, "other");
}

/* The password was right, then it was changed, then the session is opened. */
static void a_sign_in_with_the_password_before_comes_too_late(void **state)
{
    (void)state;
    struct store_opened opened;
    struct store_draft d = draft(1, 10);
    must_run(fixture.db, "UPDATE users SET password_changes = 1 WHERE username = 'testuser'");
    assert_int_equal(ask_open_session(store, &d, &opened), ERR_BAD_CREDENTIALS);
    d.password_changes = 1;
    assert_int_equal(ask_open_session(store, &d, &opened), ERR_OK);
    assert_int_equal(opened.session.role, ROLE_MEMBER);
}

static int setup(void **state)
{
    (void)store_fixture_setup(state);
    store = ask_store_new(&fixture.config, 1);
    return 0;
}

static int teardown(void **state)
{
    ask_store_free(&store);
    return store_fixture_teardown(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(a_session_is_opened_once),
        TEST(the_oldest_goes_first),
        TEST(the_bound_holds_for_logins_at_once),
        TEST(sliding_in_batches),
        TEST(a_batch_reads_its_own_rows_only),
        TEST(passwords_are_set_if_unchanged),
        TEST(sweeping_is_bounded),
        TEST(revocations_are_followed),
        TEST(a_session_is_revoked_once_and_for_all),
        TEST(one_that_comes_again_with_its_key_is_told_the_same),
        TEST(one_that_comes_again_ends_nothing_opened_since),
        TEST(all_sessions_of_a_user_are_revoked),
        TEST(following_begins_a_minute_ago),
        TEST(a_database_that_went_back_is_noticed),
        TEST(the_newest_revocation_is_not_swept),
        TEST(anothers_session_is_not_extended),
        TEST(sessions_come_in_pages),
        TEST(one_or_all_others_are_revoked),
        TEST(a_disabled_user_has_no_session),
        TEST(a_sign_in_with_the_password_before_comes_too_late),
    };
    return cmocka_run_group_tests_name("store", tests, server_setup, server_teardown);
}

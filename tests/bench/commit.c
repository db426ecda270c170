/* What the database alone takes for a guest's join: lynks-bench-commit PORT USER THREADS SECONDS
 *
 * The statements of roomsvc's transaction (roomsvc/store/participant_join.c), prepared, over as
 * many connections, with nothing before, between or after them. The password is in MYSQL_PWD; rooms
 * are on standard input, a line "ROOM CODE" each. Prints one line of JSON. */
#include <inttypes.h>
#include <mysql.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/base.h"
#include "proto/base/clock.h"

#define DATABASE "lynks_db"
#define ROOMS_MAX 100000
#define THREADS_MAX 32
#define TEXT_BYTES 64
#define EVENT_BYTES 110 /* of a guest who joins */
#define PARAMS_MAX 8
#define NOW "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS UNSIGNED)"

/* In the order in which they run. */
enum step { KEY, LOCK, ROOM, COUNT, WHO, EVENT, KEEP, STEPS };
static const char *const statements[STEPS] = {
    [KEY] = "INSERT IGNORE INTO room_commands (command_key, room_id, body_hash, created_unix_ms)"
            " VALUES (?, 0, '0123456789abcdef', " NOW ")",
    [LOCK] = "SELECT room_id, seq, in_janus, (SELECT generation FROM journal_generation)"
             " FROM rooms WHERE code = ? FOR UPDATE",
    [ROOM] = "SELECT r.room_id, r.code, r.name, r.access, r.guests_wait, r.lobby, r.locked,"
             " r.pin IS NOT NULL, r.participants_max, r.publishers_max, r.chat, r.screen_share,"
             " r.mute_on_entry, r.unmute, r.expires_unix_ms, r.empty_timeout_s, r.owner_id,"
             " IFNULL(IFNULL(o.display_name, o.username), ''), IFNULL(m.role, 0),"
             " r.created_unix_ms, r.version, r.closed_unix_ms IS NOT NULL, " NOW ", r.node"
             " FROM rooms r LEFT JOIN users o ON o.id = r.owner_id"
             " LEFT JOIN room_members m ON m.room_id = r.room_id AND m.user_id = 0"
             " WHERE r.code = ?",
    [COUNT] = "SELECT COUNT(*), COUNT(IF(user_id <> 0, 1, NULL)), COUNT(IF(user_id = 0, NULL, 1)),"
              " (SELECT COUNT(*) FROM participants a WHERE a.address = ? AND a.state = 2)"
              " FROM participants WHERE room_id = ? AND state = 2",
    [WHO] = "INSERT INTO participants (participant_id, room_id, user_id, name, role, state,"
            " token_hash, address, joined_unix_ms, changed_unix_ms)"
            " VALUES (?, ?, 0, 'somebody', 2, 2, ?, ?, " NOW ", " NOW ")",
    [EVENT] = "INSERT INTO room_events (room_id, seq, audience, time_unix_ms, data)"
              " VALUES (?, ?, 1, " NOW ", ?)",
    [KEEP] = "UPDATE rooms SET seq = ?, empty_unix_ms = 0,"
             " used_unix_ms = GREATEST(used_unix_ms, " NOW ") WHERE room_id = ?",
};

struct room {
    char id[TEXT_BYTES], code[TEXT_BYTES];
};

struct bench {
    struct room *rooms;
    size_t room_count;
    unsigned port;
    const char *user;
    uint64_t until_us;
    atomic_size_t next, done;
};

struct session {
    MYSQL *mysql;
    MYSQL_STMT *statements[STEPS];
};

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "lynks-bench-commit: %s: %s\n", what, why);
    exit(1);
}

static void open_session(const struct bench *bench, struct session *session)
{
    session->mysql = mysql_init(NULL);
    if (mysql_real_connect(session->mysql, "127.0.0.1", bench->user, getenv("MYSQL_PWD"), DATABASE,
                           bench->port, NULL, 0) == NULL ||
        mysql_query(session->mysql, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED") !=
            0) {
        die("connect", mysql_error(session->mysql));
    }
    for (size_t i = 0; i < STEPS; i++) {
        session->statements[i] = mysql_stmt_init(session->mysql);
        if (mysql_stmt_prepare(session->statements[i], statements[i], strlen(statements[i])) != 0) {
            die(statements[i], mysql_stmt_error(session->statements[i]));
        }
    }
}

/* Reads what the first row has in its second column, if there is a result. */
static uint64_t run(const struct session *session, enum step step, const struct str *params)
{
    MYSQL_STMT *statement = session->statements[step];
    MYSQL_BIND binds[PARAMS_MAX] = {0};
    uint64_t second = 0;
    for (size_t i = 0; i < mysql_stmt_param_count(statement); i++) {
        union {
            const void *in;
            void *out;
        } data = {.in = params[i].data}; /* only read */
        binds[i] = (MYSQL_BIND){
            .buffer_type = MYSQL_TYPE_BLOB, .buffer = data.out, .buffer_length = params[i].bytes};
    }
    if (mysql_stmt_bind_param(statement, binds) != 0 || mysql_stmt_execute(statement) != 0 ||
        (mysql_stmt_field_count(statement) > 0 && mysql_stmt_store_result(statement) != 0)) {
        die(statements[step], mysql_stmt_error(statement));
    }
    if (step == LOCK && mysql_stmt_fetch(statement) != 1) {
        MYSQL_BIND column = {.buffer_type = MYSQL_TYPE_LONGLONG,
                             .buffer = &second,
                             .buffer_length = sizeof(second),
                             .is_unsigned = 1};
        (void)mysql_stmt_fetch_column(statement, &column, 1, 0);
    }
    (void)mysql_stmt_free_result(statement);
    return second;
}

static void text(const struct session *session, const char *sql)
{
    if (mysql_query(session->mysql, sql) != 0) {
        die(sql, mysql_error(session->mysql));
    }
}

static struct str of(const void *data, size_t bytes)
{
    return (struct str){.data = data, .bytes = bytes};
}

static void join_once(const struct session *session, const struct room *room)
{
    static const char event[EVENT_BYTES] = "";
    unsigned char random[32]; /* the key and the address are parts of it */
    char id[TEXT_BYTES], seq[TEXT_BYTES];
    const struct str room_id = str_of(room->id), code = str_of(room->code);
    randombytes_buf(random, sizeof(random));
    uint64_t number = 0;
    memcpy(&number, random, sizeof(number));
    (void)snprintf(id, sizeof(id), "%" PRIu64, (number & ((UINT64_C(1) << 53) - 1)) | 1);
    text(session, "START TRANSACTION READ WRITE");
    (void)run(session, KEY, (const struct str[]){of(random, 16)});
    const uint64_t last = run(session, LOCK, &code);
    (void)snprintf(seq, sizeof(seq), "%" PRIu64, last + 1);
    (void)run(session, ROOM, &code);
    (void)run(session, COUNT, (const struct str[]){of(random + 16, 16), room_id});
    (void)run(
        session, WHO,
        (const struct str[]){str_of(id), room_id, of(random, sizeof(random)), of(random + 16, 16)});
    (void)run(session, EVENT, (const struct str[]){room_id, str_of(seq), of(event, sizeof(event))});
    (void)run(session, KEEP, (const struct str[]){str_of(seq), room_id});
    text(session, "COMMIT");
}

static void *work(void *arg)
{
    struct bench *bench = arg;
    struct session session;
    open_session(bench, &session);
    while (system_mono_us() < bench->until_us) {
        const size_t number = atomic_fetch_add(&bench->next, 1);
        join_once(&session, &bench->rooms[number % bench->room_count]);
        (void)atomic_fetch_add(&bench->done, 1);
    }
    mysql_close(session.mysql);
    return NULL;
}

int main(int argc, char **argv)
{
    struct bench bench = {.room_count = 0};
    pthread_t threads[THREADS_MAX];
    const size_t count = argc == 5 ? strtoul(argv[3], NULL, 10) : 0;
    if (count == 0 || count > THREADS_MAX || sodium_init() < 0) {
        die("arguments", "lynks-bench-commit PORT USER THREADS SECONDS");
    }
    bench.rooms = mem_alloc(ROOMS_MAX * sizeof(*bench.rooms));
    while (bench.room_count < ROOMS_MAX && scanf("%63s %63s", bench.rooms[bench.room_count].id,
                                                 bench.rooms[bench.room_count].code) == 2) {
        bench.room_count++;
    }
    bench.port = (unsigned)strtoul(argv[1], NULL, 10);
    bench.user = argv[2];
    const uint64_t seconds = strtoul(argv[4], NULL, 10);
    bench.until_us = system_mono_us() + seconds * 1000000;
    for (size_t i = 0; i < count; i++) {
        (void)pthread_create(&threads[i], NULL, work, &bench);
    }
    for (size_t i = 0; i < count; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    printf("{\"connections\": %zu, \"rooms\": %zu, \"rate\": %.1f}\n", count, bench.room_count,
           (double)bench.done / (double)seconds);
    free(bench.rooms);
    return 0;
}

/* Logs: one line per event on stderr, logfmt or JSON. The only module with global state.
 *
 *   log_warn("janus session lost", LOG_U64("session", id), LOG_STR("request_id", rid));
 *
 * Values are quoted and escaped, so nothing that a peer sends can break out of its line. Secrets
 * (passwords, tokens, keys) are never passed in. May be called from any thread. */
#ifndef LYNKS_PROTO_BASE_LOG_H
#define LYNKS_PROTO_BASE_LOG_H

#include "proto/base/metrics.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

struct log_field {
    const char *key;                          /* NULL ends the list */
    enum { LOG_TYPE_STR, LOG_TYPE_U64 } type; /* which of the two below counts */
    struct str s;
    uint64_t u;
};

#define LOG_STR(k, v) ((struct log_field){.key = (k), .type = LOG_TYPE_STR, .s = (v)})
#define LOG_Z(k, v) LOG_STR(k, str_of(v))
#define LOG_U64(k, v) ((struct log_field){.key = (k), .type = LOG_TYPE_U64, .u = (uint64_t)(v)})

#define LOG_EVENT(level, event, ...)                                                               \
    log_write((level), (event), (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){.key = NULL}})
#define log_debug(...) LOG_EVENT(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) LOG_EVENT(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) LOG_EVENT(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) LOG_EVENT(LOG_LEVEL_ERROR, __VA_ARGS__)

void log_init(const char *process, enum log_level level, enum log_format format);
void log_write(enum log_level level, const char *event, const struct log_field *fields);

/* From here on nobody who logs waits for stderr: a thread writes (log_writer.h), and what it cannot
 * get rid of is dropped, counted in dropped (NULL: nowhere) and told later. Before there are other
 * threads; once. false if there is no thread to be had. */
bool log_start(struct metric *dropped);
/* When only one thread is left: what waits is written, within half a second. Later lines are
 * written at once, or dropped if stderr still takes none. Harmless without log_start. */
void log_stop(void);

/* For events that a peer can cause at will: at most one line a second for each gate. The next line
 * that gets through ends with suppressed=N, the number of those that did not. Lines of one gate are
 * written by one thread.
 *
 *   log_warn_limited(&x->refused, clock_mono_ms(x->clock), "frame refused", LOG_Z("from", from));
 */
struct log_gate {
    uint64_t next_mono_ms; /* 0 at first */
    uint64_t suppressed;
};

/* The last field of the list is where the count goes. */
#define LOG_EVENT_LIMITED(level, gate, now_mono_ms, event, ...)                                    \
    log_write_limited(                                                                             \
        (level), (gate), (now_mono_ms), (event),                                                   \
        (struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){.key = NULL}, {.key = NULL}})
#define log_info_limited(...) LOG_EVENT_LIMITED(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn_limited(...) LOG_EVENT_LIMITED(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error_limited(...) LOG_EVENT_LIMITED(LOG_LEVEL_ERROR, __VA_ARGS__)

/* fields: with room for one more behind the row that ends them. */
void log_write_limited(enum log_level level, struct log_gate *gate, uint64_t now_mono_ms,
                       const char *event, struct log_field *fields);

/* Tests: every line goes to fn instead of stderr; NULL restores. */
typedef void log_sink_fn(void *arg, enum log_level level, const char *line);
void log_set_sink(log_sink_fn *fn, void *arg);

#endif

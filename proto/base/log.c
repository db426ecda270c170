#include "proto/base/log.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/log_writer.h"

/* A line longer than this is cut: it keeps each line one write, whole even among threads. */
#define LINE_BYTES_MAX LOG_LINE_BYTES_MAX
/* What waits while stderr takes nothing: a few thousand lines. */
#define WAITING_BYTES_MAX ((size_t)256 * 1024)
#define FLUSH_MS 500 /* at the end */

static struct {
    const char *process;
    enum log_level level;
    enum log_format format;
    log_sink_fn *sink;
    void *sink_arg;
    struct log_writer *writer; /* NULL: lines are written at once */
    bool is_stuck;             /* the writer was left hanging: whoever writes would hang too */
} state = {.process = "lynks", .level = LOG_LEVEL_INFO};

struct line {
    char text[LINE_BYTES_MAX];
    size_t bytes;
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_init(const char *process, enum log_level level, enum log_format format)
{
    state.process = process;
    state.level = level;
    state.format = format;
}

void log_set_sink(log_sink_fn *fn, void *arg)
{
    state.sink = fn;
    state.sink_arg = arg;
}

/* Room is kept for the two bytes that end a line. */
static void put(struct line *line, const char *text, size_t bytes)
{
    size_t room = LINE_BYTES_MAX - 3 - line->bytes;
    size_t n = bytes < room ? bytes : room;
    memcpy(line->text + line->bytes, text, n);
    line->bytes += n;
}

static void put_z(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* A quoted string that is valid in logfmt and in JSON: bytes that are not printable ASCII are
 * escaped one by one, so that a line is always valid whatever a peer sent. */
static void put_quoted(struct line *line, struct str s)
{
    put(line, "\"", 1);
    for (size_t i = 0; i < s.bytes; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c == '"' || c == '\\') {
            char escaped[2] = {'\\', (char)c};
            put(line, escaped, 2);
        } else if (c < 0x20 || c >= 0x7f) {
            char escaped[7];
            (void)snprintf(escaped, sizeof(escaped), "\\u%04x", c);
            put(line, escaped, 6);
        } else {
            put(line, s.data + i, 1);
        }
    }
    put(line, "\"", 1);
}

static bool is_plain_text(struct str s)
{
    for (size_t i = 0; i < s.bytes; i++) {
        char c = s.data[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!word && strchr("._:/-+[]", c) == NULL) {
            return false;
        }
    }
    return s.bytes > 0;
}

static void put_field(struct line *line, const struct log_field *field)
{
    bool json = state.format == LOG_FORMAT_JSON;
    put_z(line, json ? ",\"" : " ");
    put_z(line, field->key);
    put_z(line, json ? "\":" : "=");
    if (field->type == LOG_TYPE_U64) {
        char number[24];
        (void)snprintf(number, sizeof(number), "%" PRIu64, field->u);
        put_z(line, number);
    } else if (!json && is_plain_text(field->s)) {
        put(line, field->s.data, field->s.bytes);
    } else {
        put_quoted(line, field->s);
    }
}

/* RFC 3339, UTC, milliseconds. */
static void put_head(struct line *line, enum log_level level, const char *event)
{
    struct timespec now;
    struct tm tm;
    char seconds[32];
    char head[128];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
    const char *format = state.format == LOG_FORMAT_JSON
                             ? "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\",\"process\":\"%s\","
                               "\"event\":"
                             : "time=%s.%03ldZ level=%s process=%s event=";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(head, sizeof(head), format, seconds, now.tv_nsec / 1000000, level_names[level],
                   state.process);
#pragma GCC diagnostic pop
    put_z(line, head);
    put_quoted(line, str_of(event));
}

static void begin_line(struct line *line, enum log_level level, const char *event)
{
    line->bytes = 0;
    put_head(line, level, event);
}

/* Without its newline. */
static void end_line(struct line *line)
{
    if (state.format == LOG_FORMAT_JSON) {
        line->text[line->bytes++] = '}';
    }
}

static size_t tell_dropped(uint64_t dropped, char *text)
{
    struct line line;
    const struct log_field field = LOG_U64("lines", dropped);
    begin_line(&line, LOG_LEVEL_WARN, "log lines dropped");
    put_field(&line, &field);
    end_line(&line);
    line.text[line.bytes++] = '\n';
    memcpy(text, line.text, line.bytes);
    return line.bytes;
}

bool log_start(struct metric *dropped)
{
    const struct log_writer_config config = {.fd = STDERR_FILENO,
                                             .bytes_max = WAITING_BYTES_MAX,
                                             .tell = tell_dropped,
                                             .dropped = dropped};
    state.writer = log_writer_new(&config);
    return state.writer != NULL;
}

void log_stop(void)
{
    state.is_stuck = !log_writer_free(&state.writer, FLUSH_MS);
}

static void hand_out(const struct line *line)
{
    if (state.writer != NULL) {
        log_writer_put(state.writer, (struct str){line->text, line->bytes});
    } else if (!state.is_stuck) {
        /* Nobody is left to tell if stderr is gone. */
        ssize_t ignored = write(STDERR_FILENO, line->text, line->bytes);
        (void)ignored;
    }
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    if (level < state.level) {
        return;
    }
    struct line line;
    begin_line(&line, level, event);
    for (const struct log_field *field = fields; field->key != NULL; field++) {
        put_field(&line, field);
    }
    end_line(&line);
    if (state.sink != NULL) {
        line.text[line.bytes] = '\0';
        state.sink(state.sink_arg, level, line.text);
        return;
    }
    line.text[line.bytes++] = '\n';
    hand_out(&line);
}

void log_write_limited(enum log_level level, struct log_gate *gate, uint64_t now_mono_ms,
                       const char *event, struct log_field *fields)
{
    if (now_mono_ms < gate->next_mono_ms) {
        gate->suppressed++;
        return;
    }
    if (gate->suppressed > 0) {
        struct log_field *end = fields;
        while (end->key != NULL) {
            end++;
        }
        *end = LOG_U64("suppressed", gate->suppressed);
    }
    gate->suppressed = 0;
    gate->next_mono_ms = now_mono_ms + 1000;
    log_write(level, event, fields);
}

#include "sql/migrate/statements.h"

#include <ctype.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

struct splitter {
    struct str text;
    size_t at;
    char *statement; /* being collected; as large as the text */
    size_t bytes;
    struct statements *out;
};

static bool starts_with(const struct splitter *s, const char *z)
{
    size_t bytes = strlen(z);
    return s->text.bytes - s->at >= bytes && memcmp(s->text.data + s->at, z, bytes) == 0;
}

/* The place after the next z, or the end of the text (*ret_found false). */
static size_t find_after(const struct splitter *s, size_t from, const char *z, bool *ret_found)
{
    size_t bytes = strlen(z);
    for (size_t at = from; at + bytes <= s->text.bytes; at++) {
        if (memcmp(s->text.data + at, z, bytes) == 0) {
            *ret_found = true;
            return at + bytes;
        }
    }
    *ret_found = false;
    return s->text.bytes;
}

static void add_statement(struct splitter *s)
{
    size_t start = 0;
    while (start < s->bytes && isspace((unsigned char)s->statement[start])) {
        start++;
    }
    while (s->bytes > start && isspace((unsigned char)s->statement[s->bytes - 1])) {
        s->bytes--;
    }
    if (s->bytes > start) {
        struct statements *out = s->out;
        out->items = mem_realloc_array(out->items, out->count + 1, sizeof(*out->items));
        out->items[out->count++] =
            str_dup((struct str){.data = s->statement + start, .bytes = s->bytes - start});
    }
    s->bytes = 0;
}

/* A doubled quote is two quoted texts side by side, which is good enough here. */
static const char *take_quoted(struct splitter *s)
{
    char quote = s->text.data[s->at];
    for (size_t at = s->at + 1; at < s->text.bytes; at++) {
        if (s->text.data[at] == '\\' && quote != '`') {
            at++;
        } else if (s->text.data[at] == quote) {
            memcpy(s->statement + s->bytes, s->text.data + s->at, at + 1 - s->at);
            s->bytes += at + 1 - s->at;
            s->at = at + 1;
            return NULL;
        }
    }
    return "a quote is not closed";
}

static const char *take_comment(struct splitter *s, bool *ret_taken)
{
    bool found = true;
    *ret_taken = true;
    if (starts_with(s, "-- ") || starts_with(s, "--\n") || starts_with(s, "#")) {
        s->at = find_after(s, s->at, "\n", &found);
        found = true; /* the last line may lack its end */
    } else if (starts_with(s, "/*")) {
        s->at = find_after(s, s->at + 2, "*/", &found);
    } else {
        *ret_taken = false;
        return NULL;
    }
    s->statement[s->bytes++] = ' ';
    return found ? NULL : "a comment is not closed";
}

static const char *take_next(struct splitter *s)
{
    bool taken = false;
    const char *why = take_comment(s, &taken);
    if (taken) {
        return why;
    }
    char c = s->text.data[s->at];
    if (c == '\'' || c == '"' || c == '`') {
        return take_quoted(s);
    }
    s->at++;
    if (c == ';') {
        add_statement(s);
    } else {
        s->statement[s->bytes++] = c;
    }
    return NULL;
}

const char *statements_split(struct str text, struct statements *ret)
{
    *ret = (struct statements){0};
    if (text.bytes > STATEMENTS_FILE_BYTES_MAX || memchr(text.data, '\0', text.bytes) != NULL) {
        return "not a text file of at most 1 MiB";
    }
    AUTO(mem_free) char *buffer = mem_alloc(text.bytes + 1);
    struct splitter s = {.text = text, .statement = buffer, .out = ret};
    const char *why = NULL;
    while (why == NULL && s.at < text.bytes) {
        why = take_next(&s);
    }
    if (why != NULL) {
        statements_fini(ret);
        return why;
    }
    add_statement(&s); /* the last semicolon may be missing */
    return NULL;
}

const char *statements_read(const char *path, struct statements *ret)
{
    *ret = (struct statements){0};
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return strerror(errno);
    }
    AUTO(mem_free) char *text = mem_alloc(STATEMENTS_FILE_BYTES_MAX + 1);
    size_t bytes = fread(text, 1, STATEMENTS_FILE_BYTES_MAX + 1, file);
    bool failed = ferror(file) != 0;
    (void)fclose(file);
    if (failed) {
        return "cannot be read";
    }
    return statements_split((struct str){.data = text, .bytes = bytes}, ret);
}

void statements_fini(struct statements *statements)
{
    for (size_t i = 0; i < statements->count; i++) {
        free(statements->items[i]);
    }
    free(statements->items);
    *statements = (struct statements){0};
}

void statements_checksum(const struct statements *statements, size_t count,
                         char ret[CHECKSUM_BYTES])
{
    crypto_hash_sha256_state state;
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < count && i < statements->count; i++) {
        /* With the NUL, so that no two lists look alike. */
        crypto_hash_sha256_update(&state, (const unsigned char *)statements->items[i],
                                  strlen(statements->items[i]) + 1);
    }
    crypto_hash_sha256_final(&state, digest);
    hex_encode(ret, digest, sizeof(digest));
}

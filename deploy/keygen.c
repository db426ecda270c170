/* lynks-keygen DIR ROLE...: the CURVE key pairs of the bus.
 *
 * Makes DIR/<role>.secret (mode 0600, one line) for each role that has none, and DIR/public (0644):
 * the line "role=key,role=key" that every process is given. Secrets that are there are kept. Files
 * appear whole or not at all; runs at the same time agree on the secrets of the one that came
 * first. */
#include "proto/base/base.h"
#include "proto/base/exit_code.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#define Z85_BYTES 40
#define ROLE_BYTES_MAX 32

static const char usage[] =
    "usage: lynks-keygen DIR ROLE...\n"
    "Makes DIR/ROLE.secret for each role that has none, and DIR/public with the keys of all.\n";

static bool keygen_fail(const char *what, const char *path)
{
    (void)fprintf(stderr, "lynks-keygen: %s %s: %s\n", what, path, strerror(errno));
    return false;
}

static bool is_role(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t bytes = strlen(name);
    return bytes > 0 && bytes <= ROLE_BYTES_MAX && strspn(name, allowed) == bytes;
}

static void close_fd(const int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

static bool write_all(int fd, struct str text)
{
    while (text.bytes > 0) {
        ssize_t written = write(fd, text.data, text.bytes);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        text = (struct str){text.data + written, text.bytes - (size_t)written};
    }
    return true;
}

static bool sync_folder(const char *dir)
{
    AUTO(close_fd) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return (fd >= 0 && fsync(fd) == 0) || keygen_fail("cannot sync", dir);
}

/* A new file beside path with text and a newline in it, on the disk. */
static bool write_beside(char *template, struct str text, mode_t mode)
{
    AUTO(close_fd) int fd = mkostemp(template, O_CLOEXEC);
    if (fd < 0) {
        return keygen_fail("cannot create", template);
    }
    if (fchmod(fd, mode) != 0 || !write_all(fd, text) || !write_all(fd, STR_LIT("\n")) ||
        fsync(fd) != 0) {
        keygen_fail("cannot write", template);
        unlink(template);
        return false;
    }
    return true;
}

/* keep: a file that is there stays, and that is success. */
static bool put_file(const char *dir, const char *name, const char *text, mode_t mode, bool keep)
{
    AUTO(mem_free) char *path = mem_printf("%s/%s", dir, name);
    AUTO(mem_free) char *beside = mem_printf("%s/.%s.XXXXXX", dir, name);
    if (!write_beside(beside, str_of(text), mode)) {
        return false;
    }
    bool done = keep ? link(beside, path) == 0 || errno == EEXIST : rename(beside, path) == 0;
    if (!done) {
        keygen_fail("cannot create", path);
    }
    if (keep || !done) {
        unlink(beside);
    }
    return done && sync_folder(dir);
}

/* Reads the key back, whoever wrote it. */
static bool read_secret(const char *dir, const char *name, char *ret_secret)
{
    AUTO(mem_free) char *path = mem_printf("%s/%s", dir, name);
    AUTO(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return keygen_fail("cannot open", path);
    }
    struct stat info;
    char text[Z85_BYTES + 2];
    ssize_t bytes = read(fd, text, sizeof(text));
    if (bytes < 0 || fstat(fd, &info) != 0) {
        return keygen_fail("cannot read", path);
    }
    if ((info.st_mode & 077) != 0) {
        (void)fprintf(stderr, "lynks-keygen: %s: others may read it; chmod 600 it\n", path);
        return false;
    }
    bool has_newline = bytes == Z85_BYTES + 1 && text[Z85_BYTES] == '\n';
    if (bytes != Z85_BYTES && !has_newline) {
        (void)fprintf(stderr, "lynks-keygen: %s: not a key\n", path);
        return false;
    }
    memcpy(ret_secret, text, Z85_BYTES);
    ret_secret[Z85_BYTES] = '\0';
    explicit_bzero(text, sizeof(text));
    return true;
}

static bool make_secret(const char *dir, const char *name)
{
    char public_key[Z85_BYTES + 1];
    char secret[Z85_BYTES + 1];
    if (zmq_curve_keypair(public_key, secret) != 0) {
        return keygen_fail("cannot make a key for", name);
    }
    bool done = put_file(dir, name, secret, 0600, /* keep= */ true);
    explicit_bzero(secret, sizeof(secret));
    return done;
}

/* The role's "role=key"; NULL (printed) if there is none to be had. Caller frees. */
static char *provide_role(const char *dir, const char *role)
{
    AUTO(mem_free) char *name = mem_printf("%s.secret", role);
    AUTO(mem_free) char *path = mem_printf("%s/%s", dir, name);
    char secret[Z85_BYTES + 1];
    char public_key[Z85_BYTES + 1];
    bool is_there = access(path, F_OK) == 0;
    if ((!is_there && !make_secret(dir, name)) || !read_secret(dir, name, secret)) {
        return NULL;
    }
    int rc = zmq_curve_public(public_key, secret);
    explicit_bzero(secret, sizeof(secret));
    if (rc != 0) {
        (void)fprintf(stderr, "lynks-keygen: %s: not a key\n", path);
        return NULL;
    }
    return mem_printf("%s=%s", role, public_key);
}

static bool are_roles(int count, char **names)
{
    for (int i = 0; i < count; i++) {
        bool is_new = true;
        for (int k = 0; k < i; k++) {
            is_new = is_new && strcmp(names[k], names[i]) != 0;
        }
        if (!is_role(names[i]) || !is_new) {
            (void)fprintf(stderr, "lynks-keygen: %s: %s\n", names[i],
                          is_new ? "not a role name" : "stands twice");
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    bool wants_help = argc == 2 && strcmp(argv[1], "--help") == 0;
    if (argc < 3) {
        (void)fputs(usage, wants_help ? stdout : stderr);
        return wants_help ? EXIT_OK : EXIT_USAGE;
    }
    if (!are_roles(argc - 2, argv + 2)) {
        return EXIT_USAGE;
    }
    const char *dir = argv[1];
    AUTO(mem_free) char *line = NULL;
    for (int i = 2; i < argc; i++) {
        AUTO(mem_free) char *entry = provide_role(dir, argv[i]);
        if (entry == NULL) {
            return EXIT_FAILED;
        }
        char *longer = line == NULL ? mem_strdup(entry) : mem_printf("%s,%s", line, entry);
        mem_free(&line);
        line = longer;
    }
    return put_file(dir, "public", line, 0644, /* keep= */ false) ? EXIT_OK : EXIT_FAILED;
}

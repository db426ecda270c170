#include "gateway/http/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/schema/msg.h"

/* Of a room's code as it stands in a link: more dashes are no help for the eye. */
#define CODE_BYTES_MAX 20
/* Folders in folders. */
#define DEPTH_MAX 4
#define HASHED_FOLDER "/assets/"

struct files {
    struct file *list;
    size_t count;
    const struct file *index;
};

/* ---- names ---- */

static const struct {
    const char *ending, *content_type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".wav", "audio/wav"},
    {".txt", "text/plain; charset=utf-8"},
};

static bool ends_with(const char *text, const char *ending)
{
    const size_t bytes = strlen(text), ending_bytes = strlen(ending);
    return bytes > ending_bytes && strcmp(text + bytes - ending_bytes, ending) == 0;
}

/* NULL: none that we serve. */
static const char *type_of_path(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (ends_with(path, types[i].ending)) {
            return types[i].content_type;
        }
    }
    return NULL;
}

/* ---- reading ---- */

/* A folder on its way into memory. */
struct reading {
    struct files *files;
    size_t bytes;
    char *why; /* what is wrong; NULL: nothing so far */
};

/* Takes why. */
static bool fail_reading(struct reading *reading, char *why)
{
    reading->why = why;
    return false;
}

static bool fail_reading_of(struct reading *reading, const char *path)
{
    return fail_reading(reading, mem_printf("%s: %s", path, strerror(errno)));
}

static bool read_bytes(int fd, char *ret_data, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        const ssize_t count = read(fd, ret_data + done, bytes - done);
        if (count <= 0 && !(count < 0 && errno == EINTR)) {
            errno = count == 0 ? EIO : errno; /* it has become shorter */
            return false;
        }
        done += count > 0 ? (size_t)count : 0;
    }
    return true;
}

/* Takes path. */
static bool add_file(struct reading *reading, int fd, size_t bytes, char **path)
{
    struct files *files = reading->files;
    if (files->count == FILES_MAX) {
        return fail_reading(reading, mem_printf("more than %d files", FILES_MAX));
    }
    if (bytes > FILES_BYTES_MAX - reading->bytes) {
        return fail_reading(reading, mem_printf("more than %u bytes", FILES_BYTES_MAX));
    }
    struct file *file = &files->list[files->count++];
    *file = (struct file){.path = STEAL(*path),
                          .plain = {.data = mem_alloc(bytes + 1), .bytes = bytes}};
    reading->bytes += bytes;
    if (!read_bytes(fd, file->plain.data, bytes)) {
        return fail_reading_of(reading, file->path);
    }
    etag_of((struct str){.data = file->plain.data, .bytes = bytes}, file->plain.etag);
    return true;
}

static bool read_folder_entry(struct reading *reading, int folder_fd, const char *folder,
                              const char *name, unsigned depth);

static bool read_folder(struct reading *reading, int fd, const char *path, unsigned depth)
{
    bool is_well = true;
    const struct dirent *entry;
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        close(fd);
        return fail_reading_of(reading, path);
    }
    /* Hidden ones are of whoever keeps the folder, not of the client. */
    while (is_well && (entry = readdir(folder)) != NULL) {
        is_well = entry->d_name[0] == '.' ||
                  read_folder_entry(reading, dirfd(folder), path, entry->d_name, depth);
    }
    closedir(folder);
    return is_well;
}

static bool read_folder_entry(struct reading *reading, int folder_fd, const char *folder,
                              const char *name, unsigned depth)
{
    AUTO(mem_free) char *path = mem_printf("%s/%s", folder, name);
    struct stat status;
    if (!request_segment_is_plain(str_of(name))) {
        return fail_reading(reading, mem_printf("%s: a name of other characters than letters, "
                                                "digits and -._~",
                                                path));
    }
    /* A pipe would keep us waiting for a writer. */
    const int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) != 0) {
        const bool failed = fail_reading_of(reading, path);
        if (fd >= 0) {
            close(fd);
        }
        return failed;
    }
    if (S_ISDIR(status.st_mode) && depth < DEPTH_MAX) {
        return read_folder(reading, fd, path, depth + 1);
    }
    const bool is_well = S_ISREG(status.st_mode)
                             ? add_file(reading, fd, (size_t)status.st_size, &path)
                             : fail_reading(reading, mem_printf("%s: no file", path));
    close(fd);
    return is_well;
}

/* ---- what was read ---- */

static void free_file(struct file *file)
{
    free(file->path);
    free(file->plain.data);
    free(file->gzip.data);
}

static struct file *find_path(const struct files *files, const char *path)
{
    for (size_t i = 0; i < files->count; i++) {
        if (strcmp(files->list[i].path, path) == 0) {
            return &files->list[i];
        }
    }
    return NULL;
}

/* Gives the compressed forms to their files. */
static bool pair_forms(struct reading *reading)
{
    struct files *files = reading->files;
    for (size_t i = 0; i < files->count;) {
        struct file *packed = &files->list[i];
        if (!ends_with(packed->path, ".gz")) {
            i++;
            continue;
        }
        AUTO(mem_free)
        char *path = str_dup(
            (struct str){.data = packed->path, .bytes = strlen(packed->path) - strlen(".gz")});
        struct file *file = find_path(files, path);
        if (file == NULL) {
            return fail_reading(reading, mem_printf("%s: %s is not there", packed->path, path));
        }
        file->gzip = packed->plain;
        packed->plain.data = NULL;
        free_file(packed);
        *packed = files->list[--files->count];
    }
    return true;
}

static bool give_types(struct reading *reading)
{
    struct files *files = reading->files;
    for (size_t i = 0; i < files->count; i++) {
        struct file *file = &files->list[i];
        file->content_type = type_of_path(file->path);
        file->has_hash = strncmp(file->path, HASHED_FOLDER, strlen(HASHED_FOLDER)) == 0;
        if (file->content_type == NULL) {
            return fail_reading(reading,
                                mem_printf("%s: a kind of file that is not served", file->path));
        }
    }
    files->index = find_path(files, "/index.html");
    return files->index != NULL || fail_reading(reading, mem_strdup("there is no index.html"));
}

struct files *files_new(const char *root, char **ret_why)
{
    AUTO(files_free) struct files *files = mem_alloc(sizeof(*files));
    struct reading reading = {.files = files};
    files->list = mem_alloc(FILES_MAX * sizeof(*files->list));
    const int fd = open(root, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    const bool is_well =
        fd < 0 ? fail_reading(&reading, mem_strdup(strerror(errno)))
               : read_folder(&reading, fd, "", 0) && pair_forms(&reading) && give_types(&reading);
    if (!is_well) {
        *ret_why = reading.why;
        return NULL;
    }
    return STEAL(files);
}

void files_free(struct files **files)
{
    if (*files != NULL) {
        for (size_t i = 0; i < (*files)->count; i++) {
            free_file(&(*files)->list[i]);
        }
        free((*files)->list);
        mem_free(files);
    }
}

/* ---- which file a request is for ---- */

/* No dots: ".." is another folder to whoever resolves it. */
static bool is_id_or_word(struct str segment)
{
    return request_segment_is_plain(segment) && segment.bytes <= REQUEST_PARAMETER_BYTES_MAX &&
           memchr(segment.data, '.', segment.bytes) == NULL;
}

/* As in links: ten small letters, and dashes for the eye. */
static bool is_code_of_room(struct str segment)
{
    size_t letters = 0;
    for (size_t i = 0; i < segment.bytes; i++) {
        const char c = segment.data[i];
        if ((c < 'a' || c > 'z') && c != '-') {
            return false;
        }
        letters += c != '-';
    }
    return letters == ROOM_CODE_LETTERS && segment.bytes <= CODE_BYTES_MAX;
}

static bool is_word_of(struct str segment, const char *const *words)
{
    while (*words != NULL && !str_eq(segment, str_of(*words))) {
        words++;
    }
    return *words != NULL;
}

/* The client has one page, and shows what its path says. */
static bool is_page(const struct request *request)
{
    static const char *const alone[] = {"", "test", "profile", "admin", NULL};
    static const char *const with_one[] = {"admin", "rooms", NULL};
    const struct str *segments = request->segments;
    switch (request->segment_count) {
    case 1:
        return is_word_of(segments[0], alone) || is_code_of_room(segments[0]);
    case 2:
        return is_word_of(segments[0], with_one) && is_id_or_word(segments[1]);
    default:
        return false;
    }
}

const struct file *files_find(const struct files *files, const struct request *request)
{
    if (files == NULL) {
        return NULL;
    }
    return is_page(request) ? files->index : find_path(files, request->path);
}

/* The files of the web client: a folder that is read once, at start, and kept in memory. Beside a
 * file its compressed form may stand, under its name and ".gz".
 *
 * Paths are compared as they were sent: an escaped character is another one, and nothing but what
 * was read is ever found, so no path leads out of the folder. */
#ifndef LYNKS_GATEWAY_HTTP_FILES_H
#define LYNKS_GATEWAY_HTTP_FILES_H

#include "gateway/http/etag.h"
#include "gateway/http/request.h"

#define FILES_MAX 200               /* in the folder, compressed forms among them */
#define FILES_BYTES_MAX (16U << 20) /* of all of them */

/* What is sent of a file. */
struct file_form {
    char *data; /* NULL: there is no such form */
    size_t bytes;
    char etag[ETAG_BYTES]; /* of these bytes: strong */
};

struct file {
    char *path; /* "/assets/app-1f2e.js" */
    const char *content_type;
    bool has_hash; /* its name changes with what it holds: it may be kept for ever */
    struct file_form plain, gzip;
};

struct files;

/* NULL: root cannot be read, has no index.html, or has what cannot be served; *ret_why (the caller
 * frees it) says what is wrong. */
struct files *files_new(const char *root, char **ret_why);
void files_free(struct files **files);

/* The file that the request's path names, or index.html for the paths of the client's pages, which
 * are its own to tell apart; NULL: it names none. files may be NULL: there are none. After
 * request_split. */
const struct file *files_find(const struct files *files, const struct request *request);

#endif

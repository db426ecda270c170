/* Small files that others read at any moment: pid files and the status file. */
#ifndef LYNKS_DEPLOY_SUPERVISE_TEXTFILE_H
#define LYNKS_DEPLOY_SUPERVISE_TEXTFILE_H

#include <sys/types.h>

#include "proto/base/base.h"

/* The file then holds the old text or the new one, never a part. false, errno set, if it cannot be
 * written. A path of NULL is no file: true. */
bool textfile_replace(const char *path, const char *text);
bool textfile_write_pid(const char *path, pid_t pid);
void textfile_remove(const char *path);

#endif

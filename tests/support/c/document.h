/* Documents that are kept in the tree and written by code. */
#ifndef LYNKS_TESTS_SUPPORT_C_DOCUMENT_H
#define LYNKS_TESTS_SUPPORT_C_DOCUMENT_H

#include <stdio.h>

/* What write writes. The caller frees it. */
char *document_written_by(void (*write)(FILE *out));
/* A file of the tree, at most 1 MiB: LYNKS_SOURCE_DIR "/README.md". The caller frees it. */
char *document_read(const char *path);

#endif

/* A folder with files of a web client, for the length of a test. */
#ifndef LYNKS_TESTS_UNIT_GATEWAY_HTTP_WEB_FOLDER_H
#define LYNKS_TESTS_UNIT_GATEWAY_HTTP_WEB_FOLDER_H

#include "proto/base/base.h"

#define WEB_FOLDER_INDEX "<!doctype html><title>Lynks</title>"

struct web_folder {
    char root[64];
};

/* With index.html alone. */
void web_folder_init(struct web_folder *folder);
/* Removes it, and all that is in it. */
void web_folder_fini(const struct web_folder *folder);

void web_folder_write(const struct web_folder *folder, const char *path, struct str bytes);
void web_folder_remove(const struct web_folder *folder, const char *path);
/* The folders of a path that are not there yet are made by web_folder_write, too. */
void web_folder_make(const struct web_folder *folder, const char *path);
void web_folder_link(const struct web_folder *folder, const char *path, const char *to);

#endif

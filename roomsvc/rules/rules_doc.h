/* The document of who may do what in a room, written from the rules. */
#ifndef LYNKS_ROOMSVC_RULES_RULES_DOC_H
#define LYNKS_ROOMSVC_RULES_RULES_DOC_H

#include <stdio.h>

/* roomsvc/PERMISSIONS.md. */
void rules_doc_write(FILE *out);

#endif

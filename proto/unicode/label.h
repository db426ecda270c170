/* What people call themselves and their devices: checked, and brought into one form, so that what
 * looks the same is the same. */
#ifndef LYNKS_PROTO_UNICODE_LABEL_H
#define LYNKS_PROTO_UNICODE_LABEL_H

#include "proto/base/base.h"

#define LABEL_CHARACTERS_MAX 64
#define LABEL_BYTES 257 /* so many characters of UTF-8, and a NUL */

/* Writes text in normal form C (Unicode Standard Annex 15). text is well-formed UTF-8. false: it is
 * no label (text_is_label), has more than LABEL_CHARACTERS_MAX characters, before or afterwards, or
 * so many marks on one character that they would cover the lines around it. */
bool label_make(struct str text, char ret_label[LABEL_BYTES]);

/* label without regard to case, and to forms that look alike (Unicode Standard Annex 31,
 * NFKC_Casefold): two names with the same result are one name to people. The caller frees it. NULL:
 * label is no text. */
char *label_fold(const char *label);

#endif

/* Text that people read: names, labels. Pure functions over UTF-8 that was checked already. */
#ifndef LYNKS_PROTO_BASE_TEXT_H
#define LYNKS_PROTO_BASE_TEXT_H

#include "proto/base/base.h"

/* How many characters (code points) there are. */
size_t text_characters(struct str text);

/* Can it be shown beside other text without harm? No control character (C0, DEL, C1, line and
 * paragraph separator), none that changes the direction of what follows (Unicode Standard Annex 9),
 * none that has no width and so makes two names look the same, and not only spaces. */
bool text_is_label(struct str text);

#endif

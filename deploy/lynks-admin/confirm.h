/* Questions before what cannot be undone. */
#ifndef LYNKS_DEPLOY_LYNKS_ADMIN_CONFIRM_H
#define LYNKS_DEPLOY_LYNKS_ADMIN_CONFIRM_H

#include <stdbool.h>

/* Asks whoever sits at the terminal; true: he says yes. Without a terminal there is nobody to ask:
 * false. Whenever it is false it has said why. */
bool confirm_ask(const char *question);

#endif

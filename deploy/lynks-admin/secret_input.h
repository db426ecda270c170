/* Passwords from whoever sits at the terminal, or from a program. Never an argument: those are seen
 * by everybody on the machine. */
#ifndef LYNKS_DEPLOY_LYNKS_ADMIN_SECRET_INPUT_H
#define LYNKS_DEPLOY_LYNKS_ADMIN_SECRET_INPUT_H

#include <stdbool.h>

#define SECRET_INPUT_BYTES 1026 /* the longest password, a newline and a NUL */

/* From a terminal: asked for twice, without echo. Else the first line of standard input. False: it
 * has complained: the two differ, there is none, or it is too long. Wipe it after use. */
bool secret_input_read(const char *prompt, char ret_secret[SECRET_INPUT_BYTES]);

#endif

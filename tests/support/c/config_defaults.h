/* A configuration as a process has it when no variable is set, whatever the environment says. */
#ifndef LYNKS_TESTS_SUPPORT_C_CONFIG_DEFAULTS_H
#define LYNKS_TESTS_SUPPORT_C_CONFIG_DEFAULTS_H

#include "proto/base/config.h"

/* config must be zeroed before; what has no default stays so. The strings are config's:
 * config_free. Who changes one in a copy of it keeps the original for that. */
void config_set_defaults(void *config, const struct config_option *table);

#endif

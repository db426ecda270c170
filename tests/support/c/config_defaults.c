#include "tests/support/c/config_defaults.h"

#include <stdlib.h>

void config_set_defaults(void *config, const struct config_option *table)
{
    for (const struct config_option *option = table; option->name != NULL; option++) {
        void *member = (char *)config + option->offset;
        const char *text = option->default_value;
        if (text == NULL) {
            continue;
        }
        switch (option->type) {
        case CONFIG_UINT:
            *(uint64_t *)member = strtoull(text, NULL, 10);
            break;
        case CONFIG_BOOL:
            *(bool *)member = strcmp(text, "1") == 0;
            break;
        case CONFIG_STRING:
        case CONFIG_SECRET:
        case CONFIG_CHOICE:
            *(char **)member = mem_strdup(text);
            break;
        }
    }
}

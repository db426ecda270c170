#include "deploy/lynks-admin/confirm.h"

#include <strings.h>
#include <unistd.h>

#include "deploy/lynks-admin/tool.h"

bool confirm_ask(const char *question)
{
    char answer[8] = "";
    if (!isatty(STDIN_FILENO)) {
        tool_complain("there is nobody to ask whether this is meant: say --yes");
        return false;
    }
    (void)fprintf(stderr, "%s [y/N] ", question);
    if (fgets(answer, sizeof(answer), stdin) == NULL) {
        answer[0] = '\0';
    }
    answer[strcspn(answer, "\n")] = '\0';
    if (strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0) {
        return true;
    }
    tool_complain("nothing was done");
    return false;
}

#include "deploy/lynks-admin/secret_input.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "deploy/lynks-admin/tool.h"

static bool read_secret_line(char secret[SECRET_INPUT_BYTES])
{
    if (fgets(secret, SECRET_INPUT_BYTES, stdin) == NULL) {
        tool_complain("no password was given");
        return false;
    }
    const size_t bytes = strcspn(secret, "\n");
    if (secret[bytes] == '\0' && bytes == SECRET_INPUT_BYTES - 1) {
        tool_complain("the password is too long");
        return false;
    }
    secret[bytes] = '\0';
    return true;
}

static struct termios before;

/* Whoever stops at the question gets his terminal back as it was. tcsetattr may be called here
 * (POSIX, async-signal-safe functions). */
static void give_terminal_back(int signal)
{
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    _exit(128 + signal);
}

static bool ask_without_echo(const char *prompt, char secret[SECRET_INPUT_BYTES])
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction old[ARRAY_LEN(ends)];
    const struct sigaction end = {.sa_handler = give_terminal_back};
    if (tcgetattr(STDIN_FILENO, &before) != 0) {
        tool_complain("the terminal does not say how it is set");
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        (void)sigaction(ends[i], &end, &old[i]);
    }
    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent); /* what was typed before is no answer */
    (void)fprintf(stderr, "%s: ", prompt);
    const bool ok = read_secret_line(secret);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    (void)fputc('\n', stderr);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        (void)sigaction(ends[i], &old[i], NULL);
    }
    return ok;
}

bool secret_input_read(const char *prompt, char ret_secret[SECRET_INPUT_BYTES])
{
    char again[SECRET_INPUT_BYTES];
    if (!isatty(STDIN_FILENO)) {
        return read_secret_line(ret_secret);
    }
    if (!ask_without_echo(prompt, ret_secret) || !ask_without_echo("Once more", again)) {
        return false;
    }
    const bool same = strcmp(ret_secret, again) == 0;
    explicit_bzero(again, sizeof(again));
    if (!same) {
        tool_complain("the two are not the same");
    }
    return same;
}

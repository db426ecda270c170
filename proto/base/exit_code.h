/* How every program of Lynks ends. deploy/OPERATING.md tells it to operators. */
#ifndef LYNKS_PROTO_BASE_EXIT_CODE_H
#define LYNKS_PROTO_BASE_EXIT_CODE_H

enum exit_code {
    EXIT_OK = 0,        /* did what it was asked to; a service: answered all that it had in hand */
    EXIT_FAILED = 1,    /* could not do it; stderr says why, and it may work the next time */
    EXIT_USAGE = 2,     /* arguments or configuration are wrong: the next time it fails as well */
    EXIT_CUT_SHORT = 3, /* a service that was told to end and did not finish what it had in hand */
    EXIT_INTERRUPTED = 130, /* told to end before it was ready; what a shell says of SIGINT */
};

#endif

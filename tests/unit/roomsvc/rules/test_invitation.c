/* Which invitations let somebody in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/rules/invitation.h"

#define NOW 1000

static void it_lets_in_while_it_is_good(void **state)
{
    static const struct {
        struct invitation invitation;
        enum err expected;
    } rows[] = {
        {{.id = 0}, ERR_NO_SUCH_INVITATION},
        {{.id = 1}, ERR_OK},
        {{.id = 1, .is_revoked = 1}, ERR_INVITATION_REVOKED},
        {{.id = 1, .not_before_unix_ms = NOW + 1}, ERR_INVITATION_EARLY},
        {{.id = 1, .not_before_unix_ms = NOW}, ERR_OK},
        {{.id = 1, .expires_unix_ms = NOW}, ERR_INVITATION_EXPIRED},
        {{.id = 1, .expires_unix_ms = NOW + 1}, ERR_OK},
        {{.id = 1, .max_uses = 2, .uses = 1}, ERR_OK},
        {{.id = 1, .max_uses = 2, .uses = 2}, ERR_INVITATION_USED_UP},
        {{.id = 1, .uses = 1000}, ERR_OK},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(invitation_is_good(&rows[i].invitation, NOW), rows[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_lets_in_while_it_is_good)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gateway/http/token.h"
#include "tests/support/c/test_token.h"

#define OTHER_KEY "another-key-of-tests-of-32-characters-or-more"
#define MANY 10000

static int setup(void **state)
{
    *state = token_keys_new(TOKEN_KEY);
    return 0;
}

static int teardown(void **state)
{
    struct token_keys *keys = *state;
    token_keys_free(&keys);
    assert_null(keys);
    return 0;
}

static void assert_verdict(const struct token_keys *keys, const char *token,
                           enum token_verdict verdict)
{
    if (token_judge(keys, TOKEN_SESSION, str_of(token)) != verdict) {
        fail_msg("%s: not %d", token, (int)verdict);
    }
}

static void test_drawn_ones_are_ours(void **state)
{
    char token[TOKEN_HEX + 1], before[TOKEN_HEX + 1] = "";
    for (size_t i = 0; i < 100; i++) {
        token_draw(*state, TOKEN_SESSION, token);
        assert_int_equal(strlen(token), TOKEN_HEX);
        assert_verdict(*state, token, TOKEN_IS_OURS);
        assert_string_not_equal(token, before);
        memcpy(before, token, sizeof(before));
    }
}

/* The check value says what a token is for. */
static void test_kinds_are_not_one_another(void **state)
{
    char token[TOKEN_HEX + 1];
    token_draw(*state, TOKEN_PARTICIPANT, token);
    assert_int_equal(token_judge(*state, TOKEN_PARTICIPANT, str_of(token)), TOKEN_IS_OURS);
    assert_verdict(*state, token, TOKEN_IS_FOREIGN);
    assert_int_equal(token_judge(*state, TOKEN_INVITATION, str_of(token)), TOKEN_IS_FOREIGN);
    assert_int_equal(token_judge(*state, TOKEN_PARTICIPANT, STR_LIT(TOKEN)), TOKEN_IS_FOREIGN);
    assert_int_equal(token_judge(*state, TOKEN_PARTICIPANT, STR_LIT(PARTICIPANT_TOKEN)),
                     TOKEN_IS_NONE);
}

/* What comes again gets the same one, from another gateway, too, while the first key is the same.
 */
static void test_derived_ones(void **state)
{
    static const char expected[] =
        "2d96f2bc1a49df2af32f56c075d10586c44412883eb4a925fbfdec41c56093a6";
    struct token_keys *both = token_keys_new(TOKEN_KEY "," OTHER_KEY);
    struct token_keys *other = token_keys_new(OTHER_KEY);
    char token[TOKEN_HEX + 1];
    token_derive(*state, TOKEN_PARTICIPANT, STR_LIT("seed"), token);
    assert_string_equal(token, expected);
    assert_int_equal(token_judge(*state, TOKEN_PARTICIPANT, str_of(token)), TOKEN_IS_OURS);
    token_derive(both, TOKEN_PARTICIPANT, STR_LIT("seed"), token);
    assert_string_equal(token, expected);
    token_derive(other, TOKEN_PARTICIPANT, STR_LIT("seed"), token);
    assert_string_not_equal(token, expected);
    token_derive(*state, TOKEN_PARTICIPANT, STR_LIT("seed2"), token);
    assert_string_not_equal(token, expected);
    token_derive(*state, TOKEN_INVITATION, STR_LIT("seed"), token);
    assert_memory_not_equal(token, expected, 48);
    token_derive(*state, TOKEN_SESSION, STR_LIT("seed"), token);
    assert_memory_not_equal(token, expected, 48);
    token_keys_free(&both);
    token_keys_free(&other);
}

/* Other gateways, and what was drawn before an update, depend on the bytes. */
static void test_bytes_do_not_change(void **state)
{
    assert_verdict(*state, TOKEN, TOKEN_IS_OURS);
    assert_verdict(*state, FOREIGN_TOKEN, TOKEN_IS_FOREIGN);
    assert_int_equal(token_judge(*state, TOKEN_PARTICIPANT, STR_LIT(PARTICIPANT_DIGITS)),
                     TOKEN_IS_OURS);
}

/* Each digit counts, those of the check value as those before it. */
static void test_every_digit_counts(void **state)
{
    char token[TOKEN_HEX + 1];
    for (size_t i = 0; i < TOKEN_HEX; i++) {
        memcpy(token, TOKEN, sizeof(token));
        token[i] = token[i] == '0' ? '1' : '0';
        assert_verdict(*state, token, TOKEN_IS_FOREIGN);
    }
}

static void test_form(void **state)
{
    static const char *const bad[] = {
        "", "0", TOKEN "0", TOKEN "00", (" " TOKEN),
    };
    char token[TOKEN_HEX + 1];
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_verdict(*state, bad[i], TOKEN_IS_NONE);
    }
    for (int c = 1; c < 256; c++) {
        bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        memcpy(token, FOREIGN_TOKEN, sizeof(token));
        token[TOKEN_HEX - 1] = (char)c;
        if (!is_digit) {
            assert_verdict(*state, token, TOKEN_IS_NONE);
        }
    }
    assert_int_equal(token_judge(*state, TOKEN_SESSION, STR_NONE), TOKEN_IS_NONE);
    assert_int_equal(
        token_judge(*state, TOKEN_SESSION, (struct str){.data = TOKEN, .bytes = TOKEN_HEX - 1}),
        TOKEN_IS_NONE);
}

static void test_random_ones_are_foreign(void **state)
{
    struct token_keys *others = token_keys_new(OTHER_KEY);
    char token[TOKEN_HEX + 1];
    for (size_t i = 0; i < MANY; i++) {
        token_draw(others, TOKEN_SESSION, token);
        assert_verdict(*state, token, TOKEN_IS_FOREIGN);
    }
    token_keys_free(&others);
}

/* While the key changes, tokens of both are taken, and drawn with the first. */
static void test_two_keys(void **state)
{
    struct token_keys *other = token_keys_new(OTHER_KEY);
    struct token_keys *both = token_keys_new(OTHER_KEY "," TOKEN_KEY);
    char token[TOKEN_HEX + 1];
    assert_verdict(both, TOKEN, TOKEN_IS_OURS);
    assert_verdict(both, FOREIGN_TOKEN, TOKEN_IS_FOREIGN);
    token_draw(both, TOKEN_SESSION, token);
    assert_verdict(both, token, TOKEN_IS_OURS);
    assert_verdict(other, token, TOKEN_IS_OURS);
    assert_verdict(*state, token, TOKEN_IS_FOREIGN);
    token_keys_free(&other);
    token_keys_free(&both);
}

static void test_hashes(void **state)
{
    const struct token_keys *keys = *state;
    struct token_keys *other = token_keys_new(OTHER_KEY);
    struct token_keys *both = token_keys_new(TOKEN_KEY "," OTHER_KEY);
    uint8_t hash[16], again[16];
    token_keys_hash(keys, STR_LIT("a"), hash, sizeof(hash));
    token_keys_hash(both, STR_LIT("a"), again, sizeof(again));
    assert_memory_equal(hash, again, sizeof(hash));
    token_keys_hash(keys, STR_LIT("b"), again, sizeof(again));
    assert_memory_not_equal(hash, again, sizeof(hash));
    token_keys_hash(other, STR_LIT("a"), again, sizeof(again));
    assert_memory_not_equal(hash, again, sizeof(hash));
    token_keys_free(&other);
    token_keys_free(&both);
}

static void test_keys(void **state)
{
    char key[2 * TOKEN_KEY_BYTES_MAX + 1];
    static const struct {
        size_t bytes;
        bool is_good;
    } lengths[] = {{0, false},
                   {TOKEN_KEY_BYTES_MIN - 1, false},
                   {TOKEN_KEY_BYTES_MIN, true},
                   {TOKEN_KEY_BYTES_MAX, true},
                   {TOKEN_KEY_BYTES_MAX + 1, false}};
    static const char *const bad[] = {TOKEN_KEY ",",
                                      "," TOKEN_KEY,
                                      TOKEN_KEY "," TOKEN_KEY "," TOKEN_KEY,
                                      TOKEN_KEY " ",
                                      TOKEN_KEY ",\t" OTHER_KEY,
                                      TOKEN_KEY "\xc3\xa4",
                                      TOKEN_KEY "\x7f"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        memset(key, 'k', sizeof(key));
        key[lengths[i].bytes] = '\0';
        struct token_keys *keys = token_keys_new(key);
        assert_int_equal(keys != NULL, lengths[i].is_good);
        token_keys_free(&keys);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_null(token_keys_new(bad[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drawn_ones_are_ours),
        cmocka_unit_test(test_bytes_do_not_change),
        cmocka_unit_test(test_kinds_are_not_one_another),
        cmocka_unit_test(test_derived_ones),
        cmocka_unit_test(test_every_digit_counts),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_random_ones_are_foreign),
        cmocka_unit_test(test_two_keys),
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

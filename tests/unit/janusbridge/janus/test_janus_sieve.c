/* What is kept of Janus' text, however it arrives, and what becomes of messages that are too large.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "janusbridge/janus/janus_message.h"

#define PLENTY 65536
#define EVENT(sender, feed, name)                                                                  \
    "{\"janus\":\"event\",\"session_id\":1,\"sender\":" #sender                                    \
    ",\"plugindata\":{\"plugin\":\"janus.plugin.videoroom\",\"data\":{\"videoroom\":\"event\","    \
    "\"room\":1234,\"publishers\":[{\"id\":" #feed ",\"display\":\"" name "\"}]}}}"

/* Sieves text in pieces of so many bytes; gives what was kept, or NULL. Caller frees. */
static char *sieve_in_pieces(const char *text, size_t bytes, size_t piece, size_t bytes_max,
                             size_t *ret_cuts)
{
    AUTO(janus_sieve_free) struct janus_sieve *sieve = janus_sieve_new();
    janus_sieve_begin(sieve, bytes_max);
    for (size_t i = 0; i < bytes; i += piece) {
        if (!janus_sieve_take(sieve, text + i, bytes - i < piece ? bytes - i : piece)) {
            return NULL;
        }
    }
    *ret_cuts = janus_sieve_cuts(sieve);
    const struct str kept = janus_sieve_text(sieve);
    return kept.bytes > 0 ? str_dup(kept) : NULL;
}

static char *sieve_text(const char *text)
{
    size_t cuts;
    return sieve_in_pieces(text, strlen(text), strlen(text) + 1, PLENTY, &cuts);
}

static char *filled(char c, size_t bytes)
{
    char *text = mem_alloc(bytes + 1);
    memset(text, c, bytes);
    return text;
}

/* text with the mark $ replaced. */
static char *with_filler(const char *text, const char *filler)
{
    const char *mark = strchr(text, '$');
    return mem_printf("%.*s%s%s", (int)(mark - text), text, filler, mark + 1);
}

static void test_what_is_kept(void **state)
{
    static const struct {
        const char *text, *kept;
    } rows[] = {
        {"{}", "{}"},
        {" [ ] \n", "[]"},
        {"{\"janus\":\"ack\"}", "{\"janus\":\"ack\"}"},
        {"{ \"janus\" : \"ack\" ,\n\t\"id\" : 7 }", "{\"janus\":\"ack\",\"id\":7}"},
        {"{\"a\":1,\"janus\":\"ack\"}", "{\"janus\":\"ack\"}"},
        {"{\"janus\":\"ack\",\"a\":1}", "{\"janus\":\"ack\"}"},
        {"{\"a\":[{\"id\":[1,\"]}\\\"\"]}],\"id\":2}", "{\"id\":2}"},
        {"{\"a\":\"\\\\\",\"id\":2}", "{\"id\":2}"},
        {"{\"a\":{},\"b\":[],\"c\":true,\"d\":null}", "{}"},
        {"{\"display\":\"x\",\"id\":1}", "{\"display\":null,\"id\":1}"},
        {"{\"joining\":{\"id\":1,\"display\":\"x\"}}", "{\"joining\":null}"},
        {"{\"data\":{\"participants\":[{\"id\":1,\"x\":2},{\"id\":3}],\"exists\":true}}",
         "{\"data\":{\"participants\":[{\"id\":1},{\"id\":3}],\"exists\":true}}"},
        {"[{\"janus\":\"a\"},{\"x\":1},{\"janus\":\"b\"}]",
         "[{\"janus\":\"a\"},{},{\"janus\":\"b\"}]"},
        {"{\"janus\":\"a\\\"b\\\\\"}", "{\"janus\":\"a\\\"b\\\\\"}"},
        {"{\"id\":-1.5e+3,\"code\":1E9}", "{\"id\":-1.5e+3,\"code\":1E9}"},
        {"{\"j\\u0061nus\":1,\"janusx\":1,\"anus\":1,\"a-very-long-key-of-a-stranger\":1}", "{}"},
        {"{\"a\":\"\xff\x01\",\"id\":1}", "{\"id\":1}"}, /* what is skipped is not judged */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const size_t bytes = strlen(rows[i].text);
        for (size_t piece = 1; piece <= bytes; piece++) {
            size_t cuts;
            AUTO(mem_free)
            char *kept = sieve_in_pieces(rows[i].text, bytes, piece, PLENTY, &cuts);
            assert_non_null(kept);
            assert_string_equal(kept, rows[i].kept);
            assert_int_equal(cuts, 0);
        }
    }
}

static void test_what_is_no_text_of_janus(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "7",
        "\"x\"",
        "null",
        "<html>",
        "\xef\xbb\xbf{}",
        "{",
        "[",
        "{\"id\":1",
        "{\"id\":1]",
        "[1}",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"id\":1,}",
        "{,}",
        "{\"id\"}",
        "{\"id\" 1}",
        "{id:1}",
        "{\"id\":}",
        "{\"id\":1 \"code\":2}",
        "{}x",
        "{}{}",
        "{\"a\":\"",
        "{\"a\":{",
        "{\"a\":[1,2",
        "{\"id\":\"",
        "{\"id\":#}",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO(mem_free) char *kept = sieve_text(texts[i]);
        if (kept != NULL) {
            fail_msg("taken: %s as %s", texts[i], kept);
        }
    }
}

static void test_depth(void **state)
{
    (void)state;
    AUTO(mem_free) char *open = filled('[', 100000);
    AUTO(mem_free) char *close = filled(']', 100000);
    AUTO(mem_free) char *fits = mem_printf("%.16s%.16s", open, close);
    AUTO(mem_free) char *kept = sieve_text(fits);
    assert_string_equal(kept, fits);
    AUTO(mem_free) char *deeper = mem_printf("%.17s%.17s", open, close);
    assert_null(sieve_text(deeper));
    /* A stranger may nest what is skipped as deep as he likes. */
    AUTO(mem_free) char *skipped = mem_printf("{\"metadata\":%s%s,\"id\":1}", open, close);
    AUTO(mem_free) char *kept_of_skipped = sieve_text(skipped);
    assert_string_equal(kept_of_skipped, "{\"id\":1}");
}

static void test_blanks_are_bounded(void **state)
{
    (void)state;
    AUTO(mem_free) char *some = filled(' ', 4096);
    AUTO(mem_free) char *many = filled('\n', 4097);
    AUTO(mem_free) char *good = mem_printf("{%s\"id\":1%s}%s", some, some, some);
    AUTO(mem_free) char *kept = sieve_text(good);
    assert_string_equal(kept, "{\"id\":1}");
    AUTO(mem_free) char *bad = mem_printf("{\"a\":%s1}", many);
    assert_null(sieve_text(bad));
}

static void test_the_number_of_messages_is_bounded(void **state)
{
    (void)state;
    char text[2 * (JANUS_BATCH_MAX + 1) + 2];
    for (size_t i = 0; i < JANUS_BATCH_MAX + 1; i++) {
        text[2 * i] = i == 0 ? '[' : ',';
        text[2 * i + 1] = '1';
    }
    text[sizeof(text) - 1] = '\0';
    text[sizeof(text) - 2] = ']';
    assert_null(sieve_text(text));
    text[sizeof(text) - 4] = ']';
    text[sizeof(text) - 3] = '\0';
    AUTO(mem_free) char *kept = sieve_text(text);
    assert_string_equal(kept, text);
}

/* However large the name is, and wherever in it the text is torn. */
static void test_a_large_name_is_skipped(void **state)
{
    (void)state;
    AUTO(mem_free) char *name = filled('x', 1100000);
    AUTO(mem_free)
    char *text = with_filler("[" EVENT(33, 7, "$") "," EVENT(34, 8, "y") "]", name);
    const size_t pieces[] = {1, 7, 8192, 65537, 2000000};
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        size_t cuts;
        AUTO(mem_free) char *kept = sieve_in_pieces(text, strlen(text), pieces[i], 512, &cuts);
        assert_non_null(kept);
        assert_true(strlen(kept) < 512);
        assert_int_equal(cuts, 0);
        AUTO(janus_document_free)
        struct janus_document *document = janus_document_parse(str_of(kept));
        assert_int_equal(janus_document_count(document), 2);
        struct janus_message message;
        struct janus_news news;
        assert_true(janus_document_get(document, 0, &message));
        janus_message_news(&message, 1234, &news);
        assert_int_equal(news.kind, JANUS_NEWS_PUBLISH);
        assert_int_equal(news.ids[0], 7);
    }
}

/* The one that is too large is known by its sender, and could be anything; the others are whole. */
static void expect_one_cut(const char *text, size_t piece, size_t bytes_max)
{
    size_t cuts;
    AUTO(mem_free) char *kept = sieve_in_pieces(text, strlen(text), piece, bytes_max, &cuts);
    assert_non_null(kept);
    assert_int_equal(cuts, 1);
    assert_true(strlen(kept) < 3 * bytes_max);
    AUTO(janus_document_free)
    struct janus_document *document = janus_document_parse(str_of(kept));
    assert_non_null(document);
    assert_int_equal(janus_document_count(document), 3);
    for (size_t i = 0; i < 3; i++) {
        struct janus_message message;
        struct janus_news news;
        assert_true(janus_document_get(document, i, &message));
        assert_int_equal(message.kind, JANUS_EVENT);
        assert_int_equal(message.sender, 32 + i);
        assert_int_equal(message.is_cut, i == 1);
        janus_message_news(&message, 1234, &news);
        assert_int_equal(news.kind, i == 1 ? JANUS_NEWS_SENSELESS : JANUS_NEWS_PUBLISH);
    }
}

static void test_a_message_that_needs_too_much_is_cut(void **state)
{
    /* Each kind of thing may be the one that does not fit. */
    static const char *const plugindata[] = {
        "{\"plugin\":\"$\",\"data\":{}}",
        "{\"plugin\":\"$\"}",
        "{\"data\":{\"publishers\":[[],$[]]}}",
        "{\"data\":{\"room\":$1}}",
        "{\"data\":{\"publishers\":[{\"id\":1}],\"leaving\":\"\\\"$\\\\\",\"a\":[{\"b\":\"}]\"}]}}",
        "[\"$\",[{}]]",
        "\"$\"",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(plugindata); i++) {
        const char *unit = i == 2 ? "[]," : "1";
        char filler[3001] = "";
        for (size_t j = 0; j + strlen(unit) < sizeof(filler); j += strlen(unit)) {
            memcpy(filler + j, unit, strlen(unit) + 1);
        }
        AUTO(mem_free) char *middle = with_filler(plugindata[i], filler);
        AUTO(mem_free)
        char *text =
            with_filler("[" EVENT(32, 7, "x") ",{\"janus\":\"event\",\"sender\":33,"
                                              "\"plugindata\":$,\"id\":[]}," EVENT(34, 8, "y") "]",
                        middle);
        for (size_t piece = 1; piece < 80; piece++) {
            expect_one_cut(text, piece, 300);
        }
        expect_one_cut(text, 10000, 300);
    }
}

/* Wherever the bound falls, what comes out is JSON and no larger than it may be. */
static void test_every_bound(void **state)
{
    static const char text[] =
        "{\"janus\":\"event\",\"transaction\":\"t\",\"plugindata\":{\"plugin\":"
        "\"janus.plugin.videoroom\",\"data\":{\"room\":1234,\"display\":\"x\","
        "\"publishers\":[{\"id\":1},{\"id\":2}]}},\"sender\":33}";
    (void)state;
    for (size_t bytes_max = 0; bytes_max < sizeof(text); bytes_max++) {
        size_t cuts;
        AUTO(mem_free)
        char *kept = sieve_in_pieces(text, sizeof(text) - 1, 1000, bytes_max, &cuts);
        assert_non_null(kept);
        assert_true(strlen(kept) <= bytes_max + sizeof(",\"cut\":true}") + 8);
        AUTO(janus_document_free)
        struct janus_document *document = janus_document_parse(str_of(kept));
        assert_non_null(document);
        assert_int_equal(strstr(kept, "\"cut\":true") != NULL, cuts == 1);
    }
}

/* What is cut is counted at once, and what makes no sense stays so, however large it is. */
static void test_a_cut_at_the_very_end(void **state)
{
    (void)state;
    AUTO(janus_sieve_free) struct janus_sieve *sieve = janus_sieve_new();
    janus_sieve_begin(sieve, 10);
    assert_true(janus_sieve_take(sieve, "{\"data\":\"01234", 14));
    assert_int_equal(janus_sieve_cuts(sieve), 1);
    janus_sieve_begin(sieve, 10);
    assert_false(janus_sieve_take(sieve, "{\"data\":[1,#", 12));
    assert_int_equal(janus_sieve_cuts(sieve), 0);
    assert_false(janus_sieve_take(sieve, "]}", 2));
}

/* Without a sender or a transaction nobody can tell what is missing. */
static void test_a_cut_message_of_nobody(void **state)
{
    (void)state;
    AUTO(mem_free) char *name = filled('x', 1000);
    AUTO(mem_free)
    char *text = with_filler("{\"janus\":\"event\",\"plugindata\":\"$\",\"sender\":33}", name);
    size_t cuts;
    AUTO(mem_free) char *kept = sieve_in_pieces(text, strlen(text), 100, 300, &cuts);
    assert_string_equal(kept, "{\"janus\":\"event\",\"cut\":true}");
    AUTO(janus_document_free)
    struct janus_document *document = janus_document_parse(str_of(kept));
    struct janus_message message;
    assert_false(janus_document_get(document, 0, &message));
    /* A text that is too large without being a message is none of Janus'. */
    AUTO(mem_free) char *other = with_filler("[[\"$\"]]", name);
    assert_null(sieve_in_pieces(other, strlen(other), 100, 300, &cuts));
}

static void test_it_is_used_again(void **state)
{
    (void)state;
    AUTO(janus_sieve_free) struct janus_sieve *sieve = janus_sieve_new();
    for (int i = 0; i < 3; i++) {
        janus_sieve_begin(sieve, 20);
        assert_true(janus_sieve_take(sieve, "{\"id\":1}", 8));
        assert_int_equal(janus_sieve_text(sieve).bytes, 8);
        janus_sieve_begin(sieve, 20);
        assert_false(janus_sieve_take(sieve, "x", 1));
        assert_int_equal(janus_sieve_text(sieve).bytes, 0);
        janus_sieve_begin(sieve, 20);
        assert_true(janus_sieve_take(sieve, "{\"data\":\"0123456789012345\"}", 27));
        assert_int_equal(janus_sieve_cuts(sieve), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_kept),
        cmocka_unit_test(test_what_is_no_text_of_janus),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_blanks_are_bounded),
        cmocka_unit_test(test_the_number_of_messages_is_bounded),
        cmocka_unit_test(test_a_large_name_is_skipped),
        cmocka_unit_test(test_a_message_that_needs_too_much_is_cut),
        cmocka_unit_test(test_every_bound),
        cmocka_unit_test(test_a_cut_at_the_very_end),
        cmocka_unit_test(test_a_cut_message_of_nobody),
        cmocka_unit_test(test_it_is_used_again),
    };
    return cmocka_run_group_tests_name("janus_sieve", tests, NULL, NULL);
}

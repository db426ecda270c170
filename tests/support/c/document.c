#include "tests/support/c/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proto/base/base.h"

#define DOCUMENT_BYTES_MAX (1 << 20)

char *document_written_by(void (*write)(FILE *out))
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(out);
    write(out);
    assert_int_equal(fclose(out), 0);
    return text;
}

char *document_read(const char *path)
{
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    char *text = mem_alloc(DOCUMENT_BYTES_MAX);
    const size_t bytes = fread(text, 1, DOCUMENT_BYTES_MAX - 1, in);
    assert_in_range(bytes, 1, DOCUMENT_BYTES_MAX - 2);
    assert_int_equal(fclose(in), 0);
    return text;
}

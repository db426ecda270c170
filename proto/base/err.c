#include "proto/base/err.h"

struct row {
    enum err err;
    int http_status;
    bool retryable;
    bool refusal;
    const char *code;
    const char *text;
};

static const struct row rows[] = {
    {ERR_OK, 200, false, false, "ok", "Done."},
#define ERR(name, number, http, retryable, refusal, code, text)                                    \
    {ERR_##name, http, retryable, refusal, code, text},
#include "proto/base/errors.def"
#undef ERR
};

static const struct row *find(uint64_t number)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if ((uint64_t)rows[i].err == number) {
            return &rows[i];
        }
    }
    return NULL;
}

static const struct row *get(enum err err)
{
    const struct row *row = find((uint64_t)err);
    return row != NULL ? row : find(ERR_INTERNAL);
}

bool err_is_known(uint64_t number)
{
    return find(number) != NULL;
}

int err_http_status(enum err err)
{
    return get(err)->http_status;
}

bool err_is_callers(enum err err)
{
    return err != ERR_OK && get(err)->http_status < 500;
}

bool err_is_retryable(enum err err)
{
    return get(err)->retryable;
}

bool err_is_refusal(enum err err)
{
    return get(err)->refusal;
}

const char *err_code(enum err err)
{
    return get(err)->code;
}

const char *err_text(enum err err)
{
    return get(err)->text;
}

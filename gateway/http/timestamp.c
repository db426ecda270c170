#include "gateway/http/timestamp.h"

#include <time.h>

#define SHAPE "dddd-dd-ddTdd:dd:dd"
#define SHAPE_BYTES (sizeof(SHAPE) - 1)
#define OFFSET_BYTES 6 /* "+01:00" */

static bool is_decimal(char c)
{
    return c >= '0' && c <= '9';
}

static int number_at(const char *digits, size_t count)
{
    int number = 0;
    for (size_t i = 0; i < count; i++) {
        number = number * 10 + (digits[i] - '0');
    }
    return number;
}

static bool has_shape(struct str text)
{
    static const char shape[] = SHAPE;
    for (size_t i = 0; i < SHAPE_BYTES; i++) {
        if (i >= text.bytes ||
            (shape[i] == 'd' ? !is_decimal(text.data[i]) : text.data[i] != shape[i])) {
            return false;
        }
    }
    return true;
}

/* Milliseconds of ".123456", which it takes off text; 0: there is none. */
static uint64_t take_part_of_second(struct str *text)
{
    uint64_t ms = 0;
    size_t digits = 0;
    if (text->bytes < 2 || text->data[0] != '.' || !is_decimal(text->data[1])) {
        return 0;
    }
    while (1 + digits < text->bytes && is_decimal(text->data[1 + digits])) {
        ms = digits < 3 ? ms * 10 + (uint64_t)(text->data[1 + digits] - '0') : ms;
        digits++;
    }
    for (size_t i = digits; i < 3; i++) {
        ms *= 10;
    }
    text->data += 1 + digits;
    text->bytes -= 1 + digits;
    return ms;
}

/* What is left of a time: Z, or an offset from UTC. */
static bool read_offset(struct str text, int64_t *ret_seconds)
{
    *ret_seconds = 0;
    if (text.bytes == 1) {
        return text.data[0] == 'Z';
    }
    if (text.bytes != OFFSET_BYTES || (text.data[0] != '+' && text.data[0] != '-') ||
        !is_decimal(text.data[1]) || !is_decimal(text.data[2]) || text.data[3] != ':' ||
        !is_decimal(text.data[4]) || !is_decimal(text.data[5])) {
        return false;
    }
    const int hours = number_at(text.data + 1, 2);
    const int minutes = number_at(text.data + 4, 2);
    *ret_seconds = (text.data[0] == '-' ? -1 : 1) * (hours * INT64_C(3600) + minutes * INT64_C(60));
    return hours < 24 && minutes < 60;
}

bool timestamp_read(struct str text, uint64_t *ret_unix_ms)
{
    int64_t offset_s = 0;
    if (!has_shape(text)) {
        return false;
    }
    const char *at = text.data;
    const struct tm told = {.tm_year = number_at(at, 4) - 1900,
                            .tm_mon = number_at(at + 5, 2) - 1,
                            .tm_mday = number_at(at + 8, 2),
                            .tm_hour = number_at(at + 11, 2),
                            .tm_min = number_at(at + 14, 2),
                            .tm_sec = number_at(at + 17, 2)};
    struct str rest = {.data = at + SHAPE_BYTES, .bytes = text.bytes - SHAPE_BYTES};
    const uint64_t ms = take_part_of_second(&rest);
    struct tm real = told;
    const int64_t seconds = timegm(&real); /* makes of 30 February the first days of March */
    const bool is_real = real.tm_mday == told.tm_mday && real.tm_mon == told.tm_mon &&
                         real.tm_hour == told.tm_hour && real.tm_min == told.tm_min &&
                         real.tm_sec == told.tm_sec;
    if (!is_real || !read_offset(rest, &offset_s) || seconds - offset_s < 0) {
        return false;
    }
    *ret_unix_ms = (uint64_t)(seconds - offset_s) * 1000 + ms;
    return true;
}

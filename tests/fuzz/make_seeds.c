/* make_seeds FOLDER: writes FOLDER/codec/ and FOLDER/prescan/, one small file for each message of
 * the schema and for each shape that the pre-scan tells apart. Run it when the schema has grown:
 * build/fuzz/fuzz/make_seeds tests/fuzz/corpus */
#include "tests/unit/proto/schema/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define AMOUNT_MAX 40 /* keeps long strings and lists small */

static void write_seed(const char *folder, const char *target, const char *name, struct str bytes)
{
    AUTO(mem_free) char *subfolder = mem_printf("%s/%s", folder, target);
    AUTO(mem_free) char *path = mem_printf("%s/%s", subfolder, name);
    mkdir(subfolder, 0755);
    FILE *out = fopen(path, "wb");
    if (out == NULL || fwrite(bytes.data, 1, bytes.bytes, out) != bytes.bytes || fclose(out) != 0) {
        perror(path);
        exit(1);
    }
}

static uint64_t large_amount(const struct msg_field *field)
{
    if (field->type == FIELD_ENUM || field->type == FIELD_U64) {
        return wire_most(field);
    }
    if (field->max <= AMOUNT_MAX) {
        return field->max;
    }
    return field->min > AMOUNT_MAX ? field->min : AMOUNT_MAX;
}

static void write_message(const char *folder, const struct msg_type *type, bool is_large)
{
    AUTO(wire_free) struct wire *wire = wire_new();
    wire_envelope(wire, type->id, 0);
    wire_map(wire, type->field_count);
    for (size_t i = 0; i < type->field_count; i++) {
        const struct msg_field *field = &type->fields[i];
        wire_field(wire, field, is_large ? large_amount(field) : wire_least(field));
    }
    AUTO(mem_free) char *name = mem_printf("%s-%s", type->name, is_large ? "large" : "small");
    write_seed(folder, "codec", name, wire_str(wire));
}

static const struct {
    const char *name;
    size_t place;
    struct str bytes;
} envelopes[] = {
    {"major", WIRE_MAJOR, STR_LIT("\x02")},
    {"minor", WIRE_MINOR, STR_LIT("\x05")},
    {"unknown", WIRE_MESSAGE, STR_LIT("\xcd\x27\x0f")},
    {"principal", WIRE_PRINCIPAL, STR_LIT("\x96\x01\x02\x02\x01\x00\x00")},
    {"principal-1.1", WIRE_PRINCIPAL, STR_LIT("\x93\x01\x02\x00")},
    {"request-failed", WIRE_STATUS, STR_LIT("\x01")},
    {"no-body", WIRE_BODY, STR_LIT("\xc0")},
    {"unknown-tag", WIRE_BODY, STR_LIT("\x81\x3f\x91\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00")},
};

static void write_envelopes(const char *folder)
{
    AUTO(wire_free) struct wire *wire = wire_new();
    for (size_t i = 0; i < ARRAY_LEN(envelopes); i++) {
        wire_envelope_with(wire, envelopes[i].place, envelopes[i].bytes);
        AUTO(mem_free) char *name = mem_printf("envelope-%s", envelopes[i].name);
        write_seed(folder, "codec", name, wire_str(wire));
    }
    wire_envelope(wire, MSG_login_reply, ERR_INTERNAL);
    WIRE_RAW(wire, "\xc0");
    write_seed(folder, "codec", "reply-failed", wire_str(wire));
    wire_envelope(wire, MSG_NONE, ERR_BAD_REQUEST);
    WIRE_RAW(wire, "\xc0");
    write_seed(folder, "codec", "reply-not-understood", wire_str(wire));
    wire_envelope(wire, MSG_bridge_info_reply, 0);
    WIRE_RAW(wire, "\x82\x01\xa7\xe2\x82\xac\xf0\x9f\x98\x80\x05"
                   "\x83\x01\xa2\xc3\xa4\x02\xc2\x03\x00");
    write_seed(folder, "codec", "utf8", wire_str(wire));
}

static void write_shapes(const char *folder)
{
    static const struct {
        const char *name;
        struct str bytes;
    } shapes[] = {
        {"nested", STR_LIT("\x93\x92\x01\x02\x81\x01\x90\xc0")},
        {"deep", STR_LIT("\x91\x91\x91\x91\x91\x91\x91\x91\x91\x01")},
        {"array-16", STR_LIT("\xdc\x00\x02\x01\xff")},
        {"array-32-huge", STR_LIT("\xdd\x7f\xff\xff\xff")},
        {"map-16", STR_LIT("\xde\x00\x01\x01\xc3")},
        {"map-32", STR_LIT("\xdf\x00\x00\x00\x01\x01\xc2")},
        {"str-8", STR_LIT("\xd9\x02hi")},
        {"bin-16", STR_LIT("\xc5\x00\x02hi")},
        {"ext-8", STR_LIT("\xc7\x01\x05z")},
        {"fixext-4", STR_LIT("\xd6\x01zzzz")},
        {"float-64", STR_LIT("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00")},
        {"uint-64", STR_LIT("\xcf\x00\x00\x00\x00\x00\x00\x00\x05")},
        {"trailing", STR_LIT("\x91\x01\x01")},
        {"cut", STR_LIT("\xda\x00")},
        {"never-used", STR_LIT("\xc1")},
    };
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        write_seed(folder, "prescan", shapes[i].name, shapes[i].bytes);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    const struct msg_type *type = NULL;
    while ((type = msg_type_next(type)) != NULL) {
        write_message(argv[1], type, /* is_large= */ false);
        write_message(argv[1], type, /* is_large= */ true);
    }
    write_envelopes(argv[1]);
    write_shapes(argv[1]);
    return 0;
}

#include "authsvc/session/origins.h"

#include "proto/base/address.h"
#include "proto/base/log.h"
#include "proto/unicode/label.h"

_Static_assert(STORE_REQUEST_ID_BYTES > REQUEST_ID_BYTES_MAX, "with a NUL");

struct store_origin origin_of(const struct call *call, const struct msg_origin *told,
                              uint64_t user_id, bool is_grave)
{
    const struct principal *principal = &call->context.principal;
    const bool is_himself = principal->kind == PRINCIPAL_USER && principal->user_id == user_id;
    const bool is_known =
        principal->kind == PRINCIPAL_USER || principal->kind == PRINCIPAL_ADMIN_TOOL;
    struct store_origin origin = {.is_kept = is_known && (!is_himself || is_grave),
                                  .kind = principal->kind,
                                  .user_id = principal->user_id};
    (void)str_copy(origin.request_id, sizeof(origin.request_id), call->context.request_id);
    if (told != NULL && told->address.bytes == sizeof(origin.address)) {
        memcpy(origin.address, told->address.data, sizeof(origin.address));
    }
    if (told != NULL && !label_make(told->operator_name, origin.operator_name)) {
        origin.operator_name[0] =
            '\0'; /* as the machine of the operator has it, which may be odd */
    }
    return origin;
}

void origin_log(const struct store_origin *by, enum act act, uint64_t user_id)
{
    char address[ADDRESS_TEXT_BYTES];
    if (!by->is_kept) {
        return;
    }
    (void)address_write((struct str){(const char *)by->address, sizeof(by->address)}, address);
    log_info("audit", LOG_Z("act", msg_enum_text("act", act)), LOG_U64("user", user_id),
             LOG_U64("by", by->user_id), LOG_Z("operator", by->operator_name),
             LOG_Z("address", address), LOG_Z("request_id", by->request_id));
}

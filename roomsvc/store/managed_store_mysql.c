#include "roomsvc/store/managed_store_mysql.h"

#include "roomsvc/store/managed_commands.h"
#include "roomsvc/store/managed_pages.h"

static const struct managed_store_ops ops = {managed_command_run, managed_page_find,
                                             managed_members_find, managed_commands_sweep};

struct managed_store managed_store_mysql(struct managed_db *self)
{
    return (struct managed_store){.ops = &ops, .self = self};
}

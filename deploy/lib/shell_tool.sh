# lynks-admin, with the key and the addresses of the stack that runs.
# shellcheck shell=bash disable=SC2154

gateway_entry() { # jq filter on its entry in the process table
    jq -r ".entries[] | select(.name == \"gateway\") | $1" "$state/table.json"
}

run_shell_tool() { # arguments
    local programs
    check_owner
    is_running || die "nothing runs in $state"
    [[ -r $state/table.json ]] || die "cannot read $state (run this as the user who started it)"
    programs=$(dirname "$(gateway_entry '.argv[0]')")
    LYNKS_AUTHSVC_ADDRESS=$(gateway_entry .env.LYNKS_AUTHSVC_ADDRESS)
    LYNKS_ROOMSVC_ADDRESS=$(gateway_entry .env.LYNKS_ROOMSVC_ADDRESS)
    LYNKS_BUS_SECRET_KEY_FILE=$state/secrets/bus/admin.secret
    LYNKS_BUS_PUBLIC_KEYS_FILE=$state/secrets/bus/public
    LYNKS_FIRST_PASSWORD=$state/secrets/admin-password
    export LYNKS_AUTHSVC_ADDRESS LYNKS_ROOMSVC_ADDRESS LYNKS_BUS_SECRET_KEY_FILE LYNKS_BUS_PUBLIC_KEYS_FILE LYNKS_FIRST_PASSWORD
    exec "$programs/lynks-admin" "$@"
}

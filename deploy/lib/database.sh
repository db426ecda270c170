# How the database of the stack that runs is reached, as deploy/up has written it down for lynks-migrate.
# shellcheck shell=bash disable=SC2154

migrator() { # jq filter on its entry in the process table
    jq -r ".entries[] | select(.name == \"migrate\") | $1" "$state/table.json"
}

# Sets what lib/backup.sh needs.
reach_database() {
    check_owner
    is_running || die "nothing runs in $state"
    [[ -r $state/table.json ]] || die "cannot read $state (run this as the user who started it)"
    migrator_dir=$(migrator .dir) sql_dir=$migrator_dir/sql
    database=$(migrator .env.LYNKS_MYSQL_DATABASE)
    # The longest name that a database can have, less _restore.
    ((${#database} <= 56)) || refuse "LYNKS_MYSQL_DATABASE is too long for a back-up: 56 characters at most"
    database_user=$(value LYNKS_BACKUP_MYSQL_USER)
    if [[ -n $database_user ]]; then
        MYSQL_PWD=$(value LYNKS_BACKUP_MYSQL_PASSWORD) || exit
    elif [[ $(jq '[.entries[] | select(.name == "mysql")] | length' "$state/table.json") == 1 ]]; then
        database_user=lynks_backup
        MYSQL_PWD=$(cat "$state/secrets/mysql-backup-password") || exit
    else
        database_user=$(migrator .env.LYNKS_MYSQL_USER)
        MYSQL_PWD=$(<"$migrator_dir/$(migrator .env.LYNKS_MYSQL_PASSWORD_FILE)")
    fi
    export MYSQL_PWD # for mariadb and mariadb-dump
    client=(--no-defaults --protocol=tcp --host="$(migrator .env.LYNKS_MYSQL_HOST)"
        --port="$(migrator .env.LYNKS_MYSQL_PORT)" --user="$database_user")
    local trusted
    trusted=$(migrator '.env.LYNKS_MYSQL_CA_FILE // ""')
    add_tls "$(migrator '.env.LYNKS_MYSQL_TLS // "off"')" "${trusted:+$migrator_dir/$trusted}"
}

# As deploy/up runs it, with another account and on another database.
migrate_database() { # database
    local -a variables
    mapfile -t variables < <(migrator '.env | to_entries[] | "\(.key)=\(.value)"')
    (umask 077 && printf '%s\n' "$MYSQL_PWD" >"$work/password")
    cd "$migrator_dir" && exec env -i "${variables[@]}" LYNKS_MYSQL_USER="$database_user" \
        LYNKS_MYSQL_PASSWORD_FILE="$work/password" LYNKS_MYSQL_DATABASE="$1" "$(migrator '.argv[0]')"
}

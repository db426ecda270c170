# The private MariaDB, or somebody's server.
# shellcheck shell=bash disable=SC2154

mysql_data_mib=200 # what a fresh one takes, and some room

# As root it runs as the package's account mysql. MariaDB works with absolute paths, so every folder above must be
# open to that account; where one is not (a state folder under /root, say) it runs as root instead: it
# listens on loopback and its own socket only, and the account of Lynks has no rights but on its own database.
choose_mysql_user() {
    mysql_user=
    ((EUID == 0)) || return 0
    if runuser -u mysql -- test -x "$state/mysql" 2>/dev/null; then
        mysql_user=mysql
    else
        progress mysql "runs as root: the account mysql cannot reach $state"
    fi
    take_over_mysql_data
}

# Data that root's server has made can be given to the account, but root's server does not touch what the account has
# made: there may be links in it.
take_over_mysql_data() {
    local data=$state/mysql/data owner
    [[ -e $data || -L $data ]] || return 0
    owner=$(stat -c %U -- "$data")
    case $owner/${mysql_user:-root} in
        mysql/mysql | root/root) ;;
        root/mysql) chown -R mysql: "$data" ;;
        mysql/root) die "the account mysql, whose data there are, cannot reach $data: open the folders above it" ;;
        *) die "$data belongs to $owner" ;;
    esac
}

# A folder of ours, in which nobody else has a say. In earlier versions it was the database's: what that may have left
# under these names is not followed.
make_mysql_folder() {
    install -d -m 711 "$state/mysql"
    ((EUID != 0)) || chown root: "$state/mysql"
    # An installer that outlives whoever was killed has it, too.
    exec 6<"$state/mysql"
    flock -w 120 6 || die "another run is still making the database's data folder"
    rm -rf "$state/mysql/init.sql" "$state/mysql/tmp" "$state/mysql/data.new"
}

mysql_owns() { # folder: made for the database
    install -d -m 700 ${mysql_user:+-o "$mysql_user" -g "$(id -g "$mysql_user")"} "$1"
}

sql_text() { # as an SQL literal
    local text=${1//\\/\\\\}
    printf "'%s'" "${text//\'/\'\'}"
}

# For deploy/admin: to read all of the database, and to put tables in the place of others.
write_backup_account() { # host
    local account="lynks_backup@'$1'" name
    name=$(value LYNKS_MYSQL_DATABASE)
    ((${#name} <= 56)) || return 0 # those of a restore would have no name; deploy/admin tells
    name=${name//_/\\_} # a wildcard otherwise
    printf "CREATE USER IF NOT EXISTS %s;\n" "$account"
    printf "ALTER USER %s IDENTIFIED BY %s;\n" "$account" "$(sql_text "$(<"$state/secrets/mysql-backup-password")")"
    printf "GRANT SELECT, SHOW VIEW, TRIGGER, ALTER, DROP, CREATE, INSERT ON \`%s\`.* TO %s;\n" "$name" "$account"
    printf "GRANT ALL PRIVILEGES ON \`%s\`.* TO %s;\n" "${name}\\_restore" "$account" "${name}\\_before" "$account"
}

# Run by the server at each start, before it listens: so root never is without a password on a port.
write_mysql_init() {
    local file=$state/mysql/init.sql name database host
    name=$(sql_text "$(value LYNKS_MYSQL_USER)") database="\`$(value LYNKS_MYSQL_DATABASE)\`"
    {
        printf 'CREATE DATABASE IF NOT EXISTS %s CHARACTER SET utf8mb4;\n' "$database"
        for host in localhost 127.0.0.1; do
            printf "CREATE USER IF NOT EXISTS %s@'%s';\n" "$name" "$host"
            printf "ALTER USER %s@'%s' IDENTIFIED BY %s;\n" "$name" "$host" \
                "$(sql_text "$(<"$state/secrets/mysql-password")")"
            printf "GRANT ALL PRIVILEGES ON %s.* TO %s@'%s';\n" "$database" "$name" "$host"
            write_backup_account "$host"
        done
        # The installer leaves the root of each name of this machine without a password.
        printf "DELETE FROM mysql.global_priv WHERE User = 'root' AND Host <> 'localhost';\n"
        printf "DELETE FROM mysql.proxies_priv WHERE Host <> 'localhost';\n"
        printf 'FLUSH PRIVILEGES;\n'
        printf 'ALTER USER root@localhost IDENTIFIED BY %s;\n' \
            "$(sql_text "$(<"$state/secrets/mysql-root-password")")"
    } | (umask 077 && cat >"$file")
    [[ -z $mysql_user ]] || chown "$mysql_user:" "$file"
}

# In a folder beside, and renamed when whole: an interrupted first start leaves no half of a database behind.
make_mysql_data() {
    [[ ! -d $state/mysql/data ]] || return 0
    local fresh=$state/mysql/data.new install_log=$log/mysql-install.log
    progress mysql "making its data folder"
    mysql_owns "$fresh"
    : >"$install_log"
    quietly "$install_log" install_mysql_data ||
        die "mariadb-install-db failed; see $install_log: $(cause_in "$install_log")"
    mv "$fresh" "$state/mysql/data"
}

# The line of a log that says best why something failed.
cause_in() { # file
    local pattern
    for pattern in 'no space|disk space|error 28|limit exceeded|read-only|denied' 'error|cannot|could not' .; do
        grep -iE -m 1 "$pattern" "$1" | sed "s/error 28$/& (no space left on the disk)/" && return
    done
    say "it said nothing"
}

# The path is relative because mariadb-install-db does not quote it everywhere. --force: the machine's own name need not
# be known to it (there may be no /etc/hosts); the accounts for it go with the first start. As the account itself, not
# with --user: that would be root at work in a folder of the account.
install_mysql_data() {
    local -a as=() options=(--no-defaults --datadir=./data.new --tmpdir=. --force
        --auth-root-authentication-method=normal --skip-test-db)
    cd "$state/mysql" || return
    if [[ -n $mysql_user ]]; then
        as=(runuser -u "$mysql_user" --)
    elif ((EUID == 0)); then
        options+=(--user=root)
    fi
    # Somebody's own TMPDIR may be closed to the account mysql.
    "${as[@]}" env -u TMPDIR mariadb-install-db "${options[@]}"
}

prepare_mysql() {
    local name
    for name in LYNKS_MYSQL_USER LYNKS_MYSQL_DATABASE; do
        [[ $(value $name) =~ ^[A-Za-z0-9_]{1,64}$ ]] || refuse "$name may hold letters, digits and _ only"
    done
    [[ $(value LYNKS_MYSQL_USER) != lynks_backup ]] || refuse "LYNKS_MYSQL_USER: lynks_backup is the account for back-ups"
    make_mysql_folder
    choose_mysql_user
    mysql_owns "$state/mysql/tmp"
    secret mysql-password "$(value LYNKS_MYSQL_PASSWORD)"
    secret mysql-backup-password
    secret mysql-root-password
    write_mysql_init
    make_mysql_data
    exec 6>&-
}

# The socket's path is short and relative on purpose: the kernel takes 107 bytes at most.
table_mysql() {
    local option
    put process mysql
    put dir "$state/mysql/data"
    if [[ -n $mysql_user ]]; then put user "$mysql_user"; fi
    put arg "$(PATH=$PATH:/usr/sbin:/sbin command -v mariadbd)"
    for option in --no-defaults "--datadir=$state/mysql/data" "--tmpdir=$state/mysql/tmp" --socket=mysql.sock --pid-file=mysql.pid \
        "--port=$mysql_port" --bind-address=127.0.0.1 "--init-file=$state/mysql/init.sql" --skip-name-resolve \
        --skip-log-bin --performance-schema=OFF --innodb-buffer-pool-size=64M --max-connections=200 \
        --local-infile=OFF --character-set-server=utf8mb4; do
        put arg "$option"
    done
    if ((EUID == 0)) && [[ -z $mysql_user ]]; then put arg --user=root; fi
    put port 127.0.0.1 "$mysql_port" LYNKS_MYSQL_PORT
    put ready tcp 127.0.0.1 "$mysql_port"
    put shows "on 127.0.0.1:$mysql_port"
    put ms ready_within_ms 60000
    put ms stop_within_ms 30000
}

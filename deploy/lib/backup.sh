# Back-up and restore: for deploy/admin, natively and in the container of its own. The caller sets the array `client`
# (how the database is reached, for mariadb and mariadb-dump; the password is in MYSQL_PWD), `database`, `sql_dir` (the
# migrations of the Lynks that runs), and has the function migrate_database NAME, which brings that one to them.
#
# A file is what mariadb-dump says between two lines of ours, the first of which names the migration, and the last of
# which has the SHA-256 of all before it: what lacks it is no whole back-up. Leases of bridges (table nodes) and of gateways,
# with who has a stream of theirs (table presence), and connections for media (table rtc_connections) are left out: they are
# of the processes that run, and not of the data.
#
# A restore fills ${database}_restore beside what is in use, migrates it there, and puts its tables in the place of
# the others by a single RENAME TABLE, which is done as a whole or not at all. The old ones go by way of
# ${database}_before. So until then nothing has changed, and after it all has.
# shellcheck shell=bash disable=SC2154

backup_header='-- lynks-backup 1 migration='
backup_footer='-- lynks-backup-end sha256='
lock_within_s=15 # a client that was killed may hold it for a moment
swap_within_s=3  # calls of the services wait meanwhile, and they have 4 s
swap_attempts=5

work=
part=    # the unfinished back-up
job=     # the process group of what is at work
scratch= # the database beside, while there is one
lock_pid=
outcome=

# backup_begin: what is left behind, and in which state, is decided here, however it ends.
backup_begin() {
    work=$(mktemp -d)
    trap backup_end EXIT
    trap 'outcome=interrupted; exit 130' INT TERM HUP
}

backup_end() {
    local code=$?
    trap '' INT TERM HUP
    [[ -z $job ]] || { kill -TERM -- "-$job" && wait "$job"; } 2>/dev/null || true
    [[ -z $part ]] || rm -f -- "$part"
    if [[ -n $scratch ]]; then
        drop_database "$scratch" || say "$me: cannot drop the database $scratch; the next restore does it" >&2
        [[ $outcome == restored ]] || say "$me: ${outcome:-failed}: nothing has changed; the database is as it was" >&2
    elif [[ $outcome == interrupted ]]; then
        say "$me: interrupted: nothing was written or changed" >&2
    fi
    [[ -z $lock_pid ]] || kill "$lock_pid" 2>/dev/null || true
    rm -rf -- "$work"
    exit "$code"
}

# The function in a process group of its own, so that a signal to us is heard at once and ends all of it.
in_group() { # function, arguments
    local code=0
    set -m
    "$@" &
    job=$!
    set +m
    wait "$job" || code=$?
    job=
    return "$code"
}

add_tls() { # off, on or verify; file to trust, or ""
    case $1 in
        off) client+=(--skip-ssl) ;;
        on) client+=(--ssl) ;;
        verify)
            client+=(--ssl --ssl-verify-server-cert)
            [[ -z $2 ]] || client+=(--ssl-ca="$2")
            ;;
    esac
}

query() { # SQL [DATABASE]
    mariadb "${client[@]}" --batch --skip-column-names --execute "$1" ${2:+"$2"}
}

drop_database() {
    query "DROP DATABASE IF EXISTS \`$1\`"
}

# As lynks-migrate has it.
lock_of() { # database
    printf "CONCAT('lynks_migrate_', LEFT(SHA2('%s', 256), 32))" "$1"
}

under_way="a back-up, a restore or a migration of this database is under way"

# Held by a connection of its own for as long as this runs: no migration, back-up or restore meanwhile. A back-up of
# half a migration would be worth nothing.
lock_database() {
    local locked
    query 'DO 1' || die "the database does not let us in"
    coproc lock_session { exec mariadb "${client[@]}" --batch --skip-column-names --unbuffered; }
    lock_pid=$lock_session_PID
    printf 'SELECT GET_LOCK(%s, %d);\n' "$(lock_of "$database")" "$lock_within_s" >&"${lock_session[1]}"
    IFS= read -r locked <&"${lock_session[0]}" || die "the database has gone"
    [[ $locked == 1 ]] || die "$under_way"
}

# What a restore that was killed has left behind may still be at work there, under the lock that load and lynks-migrate
# take.
empty_scratch() {
    local locked
    locked=$(query "SELECT GET_LOCK($(lock_of "${database}_restore"), $lock_within_s)")
    [[ $locked == 1 ]] || die "$under_way"
    scratch=${database}_restore
    if ! { drop_database "$scratch" && drop_database "${database}_before" &&
        query "CREATE DATABASE \`$scratch\` CHARACTER SET utf8mb4"; }; then
        scratch=
        die "the account may not make the database ${database}_restore (OPERATING.md says which rights it needs)"
    fi
}

# NNN_name, the last; it must be whole.
database_migration() { # database
    local name whole
    IFS=$'\t' read -r name whole < <(query "SELECT name, finished_unix_ms IS NOT NULL FROM schema_migrations
        ORDER BY version DESC LIMIT 1" "$1") || die "the database $1 is none of Lynks"
    [[ $whole == 1 ]] || die "the migration $name of the database is unfinished: start Lynks, which goes on with it"
    say "$name"
}

own_migration() {
    local -a files=("$sql_dir"/[0-9][0-9][0-9]_*.sql)
    basename "${files[-1]}" .sql
}

# ---- back-up ----

backup_to() { # FILE, or -
    local file=$1
    if [[ $file == - ]]; then
        [[ ! -t 1 ]] || refuse "a back-up is not for a terminal: say where it goes, like backup - >FILE"
        exec 4>&1
    else
        [[ ! -e $file || -f $file ]] || refuse "$file is there and no file"
        part=$(mktemp -- "$(dirname -- "$file")/.$(basename -- "$file").XXXXXX") || die "cannot write beside $file"
        exec 4>"$part" # mode 0600
    fi
    lock_database
    migration=$(database_migration "$database")
    in_group dump || die "the back-up failed"
    if [[ -n $part ]]; then
        { sync -- "$part" && mv -T -- "$part" "$file"; } || die "cannot write $file"
        part=
    fi
    outcome="done"
    say "$me: backed up, migration $migration" >&2
}

# To descriptor 4. The last line is only there when all the rest is.
dump() {
    local sum
    mkfifo "$work/copy"
    sha256sum <"$work/copy" >"$work/sum" &
    sum=$!
    {
        printf '%s%s\n' "$backup_header" "$migration"
        mariadb-dump "${client[@]}" --single-transaction --no-tablespaces --default-character-set=utf8mb4 \
            --ignore-table-data="$database.nodes" --ignore-table-data="$database.presence" \
            --ignore-table-data="$database.rtc_connections" "$database"
    } | tee "$work/copy" >&4 || return
    wait "$sum" && printf '%s%.64s\n' "$backup_footer" "$(<"$work/sum")" >&4
}

# ---- restore ----

restore_from() { # FILE, or -
    local file=$1
    if [[ $file == - ]]; then
        [[ ! -t 0 ]] || refuse "a back-up does not come from a terminal: say restore - <FILE"
        exec 3<&0
    else
        [[ -f $file && -r $file ]] || refuse "cannot read $file"
        exec 3<"$file"
    fi
    check_header
    lock_database
    migration=$(database_migration "$database")
    [[ $migration == "$(own_migration)" ]] ||
        die "the database has migration $migration, and this is a Lynks of $(own_migration): start it first"
    empty_scratch
    in_group load || loaded=no
    check_footer
    [[ ${loaded:-} != no ]] || die "the database did not take the back-up"
    in_group migrate_database "$scratch" >&2 || die "the back-up could not be migrated"
    settle
    swap
    say "$me: restored; it was of migration ${header#"$backup_header"}" >&2
    drop_database "${database}_before" || say "$me: cannot drop the database ${database}_before; the next restore does it" >&2
}

check_header() {
    local version
    header=
    IFS= read -r -n 200 header <&3 || true
    [[ $header =~ ^"$backup_header"([0-9]{3})_[a-z0-9_]+$ ]] || die "this is no back-up of Lynks"
    version=${BASH_REMATCH[1]}
    ((10#$version <= 10#$(own_migration | cut -c1-3))) ||
        die "the back-up is of migration ${header#"$backup_header"}, newer than this Lynks, which ends with $(own_migration)"
}

# Into the scratch database, as it comes; whether it was whole is known at its end. tee goes on when the database does
# not take it, since a cut file is the likelier reason, and is to be told as such. --binary-mode: the client takes
# nothing in the file for a command to itself.
load() {
    local sum last code=0
    mkfifo "$work/copy" "$work/end"
    head -n -1 <"$work/copy" | sha256sum >"$work/sum" &
    sum=$!
    tail -n 1 <"$work/end" | head -c 200 >"$work/footer" &
    last=$!
    { printf '%s\n' "$header" && cat <&3; } | tee -p "$work/copy" "$work/end" |
        { printf 'DO GET_LOCK(%s, 0);\n' "$(lock_of "$scratch")" && cat; } |
        mariadb "${client[@]}" --binary-mode --default-character-set=utf8mb4 "$scratch" 2>"$work/load-error" || code=1
    wait "$sum" && wait "$last" || code=1
    return "$code"
}

check_footer() {
    local footer
    footer=$(tr -d '\0' <"$work/footer")
    [[ $footer == "$backup_footer"* ]] || die "the back-up is cut: its end is missing"
    [[ $footer == "$backup_footer$(cut -c1-64 "$work/sum")" ]] || die "the back-up is damaged: its check sum is another"
    [[ ! -s $work/load-error ]] || cat "$work/load-error" >&2
}

# What processes that run have seen must not come again. Revocations are numbered on beyond those that they have read,
# and the one without a token tells each authsvc to forget what it knows of sessions (authsvc/store/store.h). Open rooms
# count as used now, because how long ago they were used when the back-up was made says nothing: those without a code
# from the look on that is due at once, like the look at closed ones, which Janus may have; those with one from here on,
# since nobody looks at them for that. The journal of rooms gets another generation, so that whoever has read on in the
# one before begins anew: one that neither database has had, and no third one that came from the same back-up. People
# send what their connections of now send.
settle() {
    local next
    if ! { next=$(query "SELECT 1000000 + GREATEST(
        (SELECT COALESCE(MAX(auto_increment), 0) FROM information_schema.tables
            WHERE table_schema IN ('$database', '$scratch') AND table_name = 'session_revocations'),
        (SELECT COALESCE(MAX(seq), 0) FROM \`$database\`.session_revocations))") &&
        query "INSERT INTO session_revocations (seq, token_hash, created_unix_ms)
            VALUES ($next, REPEAT(CHAR(0), 32), UNIX_TIMESTAMP(NOW(3)) * 1000);
        UPDATE journal_generation SET generation = 1 + FLOOR(RAND() * 1000000000) +
            GREATEST(generation, (SELECT generation FROM \`$database\`.journal_generation));
        UPDATE rooms SET used_unix_ms = 0, look_unix_ms = 0 WHERE code IS NULL OR closed_unix_ms IS NOT NULL;
        UPDATE rooms SET used_unix_ms = UNIX_TIMESTAMP(NOW(3)) * 1000
            WHERE code IS NOT NULL AND closed_unix_ms IS NULL;
        UPDATE participants p LEFT JOIN \`$database\`.rtc_connections c ON c.participant_id = p.participant_id
            AND c.joined_unix_ms = p.joined_unix_ms AND c.kind = 1 AND p.state = 2
            SET p.published = IFNULL(c.published, 0), p.lost = IFNULL(c.lost, 0)" "$scratch"; }; then
        die "cannot prepare what was restored"
    fi
}

# Whoever interrupts has to wait for its end, which is near: it happens or it does not.
swap() {
    local table out='' in='' attempt
    query "CREATE DATABASE \`${database}_before\` CHARACTER SET utf8mb4" || die "cannot make the database ${database}_before"
    while IFS= read -r table; do
        out+=", \`$database\`.\`$table\` TO \`${database}_before\`.\`$table\`"
    done < <(tables_to_swap "$database")
    while IFS= read -r table; do
        in+=", \`$scratch\`.\`$table\` TO \`$database\`.\`$table\`"
    done < <(tables_to_swap "$scratch")
    [[ $in == *schema_migrations* ]] || die "cannot read what was restored"
    trap '' INT TERM HUP
    for ((attempt = 1; attempt <= swap_attempts; attempt++)); do
        if query "SET lock_wait_timeout = $swap_within_s; RENAME TABLE ${out#, }$in"; then
            outcome=restored
            return
        fi
    done
    die "the tables are in use and could not be exchanged"
}

# All that the back-up has, but for what is left out of it.
tables_to_swap() { # database
    query "SELECT t.table_name FROM information_schema.tables t
        JOIN information_schema.tables r ON r.table_schema = '$scratch' AND r.table_name = t.table_name
        WHERE t.table_schema = '$1' AND t.table_type = 'BASE TABLE' AND t.table_name NOT IN ('nodes', 'presence',
            'rtc_connections')"
}

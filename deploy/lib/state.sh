# The state folder. Who may read what:
#   run/      process ids and status: everybody
#   log/      logs: the owner
#   secrets/  the stack's keys and passwords, kept from start to start: the owner
#   private/  one folder per process, made anew at each start, with only what that process may know: its files are
#             the process' own, but private/ itself is closed to it. A process is started inside its folder
#             (the supervisor enters it before it gives up its rights), so it needs no way to the folders of others.
#   mysql/    the private MariaDB: the folder is the owner's, data/ and tmp/ in it are the database's
#   front/    of HTTPS (front.sh): the folder is the owner's, those in it are the front's or the owner's
#   tmp/      in place of the system's folder for temporary files, where that cannot be written
# Nothing is written, renamed or given away in a folder that belongs to a lesser account: it could lead us with a link
# to any file of the machine.
# shellcheck shell=bash disable=SC2154

make_state() {
    local why
    check_owner
    why=$(mkdir -p -- "$state" 2>&1) && [[ -w $state ]] ||
        die "cannot write the state folder $state (LYNKS_STATE)${why:+: ${why##*: }}"
    check_contents
    chmod 711 "$state"
    check_room
    install -d -m 755 "$run"
    install -d -m 750 "$log"
    # What makes temporary files (the compiler, say) has a place for them.
    [[ -d ${TMPDIR:-/tmp} && -w ${TMPDIR:-/tmp} ]] || { install -d -m 700 "$state/tmp" && export TMPDIR=$state/tmp; }
}

# What is in it was put there by us, or else by somebody who could have put a link there. As root, private/, mysql/
# and front/ have in them what belongs to the accounts of the processes.
check_contents() {
    local foreign others
    local -a but=()
    ((EUID != 0)) || but=(! -path "$state/private*/*" ! -path "$state/mysql" ! -path "$state/mysql/*" ! -path "$state/front/*")
    others=$(find "$state" -maxdepth 0 -perm /022 ! -empty)
    [[ -z $others ]] || die "others may write the state folder $state: look what is in it, then chmod go-w it"
    foreign=$(find "$state" -mindepth 1 -maxdepth 2 ! -uid "$EUID" "${but[@]}" -print -quit 2>/dev/null) || true
    [[ -z $foreign ]] || die "$foreign belongs to $(stat -c %U -- "$foreign"): the state folder was used by another user;\
 run this as $(stat -c %U -- "$foreign"), or set LYNKS_STATE"
}

# A database takes most of it. Where one is there already it has what it needs.
check_room() {
    local free need=16
    [[ -z $private_mysql || -d $state/mysql/data ]] || need=$mysql_data_mib
    free=$(df -Pm -- "$state" | awk 'NR == 2 { print $4 }')
    ((free >= need)) || die "too little room on the disk of $state: $free MiB are free, $need MiB are needed"
}

random_hex() { # bytes
    head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'
}

# secret NAME VALUE: kept in secrets/NAME. Without a VALUE: the one that is there, or a random one.
secret() {
    local file=$state/secrets/$1
    install -d -m 700 "$state/secrets"
    [[ -n ${2:-} || ! -s $file ]] || return 0
    (umask 077 && printf '%s\n' "${2:-$(random_hex 24)}" >"$file.new") && mv "$file.new" "$file"
}

# Each role has an account of its own, so that none can look into what another one knows (as in containers). Whoever is
# not root runs all as himself.
make_accounts() {
    local role
    ((EUID == 0)) && [[ $accounts != root ]] || accounts=
    [[ -n $accounts ]] || return 0
    for role in migrate gateway authsvc roomsvc janusbridge janus; do
        make_account "$accounts-$role"
    done
    [[ $turn_wanted != 1 ]] || make_account "$accounts-turn"
}

make_account() { # name
    local why
    getent passwd "$1" >/dev/null && return
    # Another deploy/up may be faster.
    why=$(useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$1" \
        2>&1 9>&-) || getent passwd "$1" >/dev/null || die "cannot make the account $1 (LYNKS_USER): ${why##*$'\n'}"
}

account_of() { # role; nothing: that of whoever runs this
    printf '%s' "${accounts:+$accounts-$1}"
}

private_begin() { # process, role: its folder, empty, in $private; the role's account in $account
    private=$state/private/$1
    account=$(account_of "$2")
    install -d -m 700 "$state/private"
    rm -rf "$private"
    install -d -m 700 "$private"
}

private_file() { # source, name
    install -m 400 "$1" "$private/$2"
}

private_end() {
    [[ -z $account ]] || chown -R "$account:" "$private"
}

make_keys() {
    install -d -m 700 "$state/secrets/bus"
    "$bin/lynks-keygen" "$state/secrets/bus" gateway authsvc roomsvc janusbridge admin >"$log/keys.log" 2>&1 ||
        die "lynks-keygen failed: $(tail -n 1 "$log/keys.log")"
}

# The first admin's, drawn once; lynks-admin empties the file when the password was changed.
draw_admin_password() {
    [[ -e $state/secrets/admin-password ]] || secret admin-password
}

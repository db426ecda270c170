# systemd's units of an installed Lynks: written from the process table (units.jq), started, and restarted where they changed.
# In the state folder env/ has the environment of each, and started/ by what each was started: a check sum of its unit and of
# all that it reads then.
# shellcheck shell=bash disable=SC2154

# Each file is there whole or not at all, and those of before that are not wanted any more stay until remove_old_units.
write_units() {
    local name text dir
    install -d -m 755 "$units_dir"
    install -d -m 700 "$state/env" "$state/started"
    wanted_units=
    (umask 077 && jq -j --arg state "$state" -f "$root/deploy/lib/units.jq" "$state/table.json" >"$state/units")
    while IFS= read -r -d '' name && IFS= read -r -d '' text; do
        case $name in
            units/*) dir=$units_dir name=${name#units/} wanted_units+=" $name " ;;
            env/*) dir=$state/env name=${name#env/} ;;
        esac
        (umask "$([[ $dir == "$units_dir" ]] && printf 022 || printf 077)" && printf '%s' "$text" >"$dir/.$name.new")
        mv "$dir/.$name.new" "$dir/$name"
    done <"$state/units"
    rm "$state/units"
    systemctl daemon-reload
}

# What a process is started with, but for what it writes itself. Of the database and the files in its folder only the former is ours.
start_sum() { # name
    {
        cat "$units_dir/lynks-$1.service" "$state/env/$1" "$units_dir/lynks-$1.socket" 2>/dev/null || true
        case $1 in
            mysql) cat "$state/mysql/init.sql" ;;
            front | certificate) cat "$state"/front/haproxy.cfg "$state"/front/keep-certificate ;;
            *) (cd "$state/private/$1" && find . -type f ! -name '*.pid' -print0 | sort -z | xargs -0 -r sha256sum) ;;
        esac
    } | sha256sum | cut -d' ' -f1
}

main_pid() { # name; 0: there is none
    systemctl show --property MainPID --value "lynks-$1.service"
}

runs_as_written() { # name
    systemctl --quiet is-active "lynks-$1.service" && [[ $(cat "$state/started/$1" 2>/dev/null) == "$(start_sum "$1")" ]] &&
        [[ ! -e $state/private/$1 || /proc/$(main_pid "$1")/cwd -ef $state/private/$1 ]]
}

# A process reads from its folder while it runs, too, so all are made anew beside the ones in use, which stay until nobody needs
# them any more.
renew_private() {
    [[ ! -d $state/private ]] || mv "$state/private" "$state/private.before.$(random_hex 4)"
}

# Whoever runs in a folder that was made anew as it had been goes on in the one that he has.
keep_private() {
    local folder before name pid
    for folder in "$state"/private/*; do
        name=${folder##*/} pid=$(main_pid "$name")
        for before in "$state"/private.before.*/"$name"; do
            if [[ /proc/$pid/cwd -ef $before && $(stat -c %U "$before") == "$(stat -c %U "$folder")" ]] &&
                diff -rq --no-dereference --exclude='*.pid' "$before" "$folder" >/dev/null; then
                rm -rf "$folder"
                mv "$before" "$folder"
            fi
        done
    done
}

# The socket alone, where it is what has changed; else its descriptor stays open while the program starts again.
renew_socket() { # name
    local socket=lynks-$1.socket
    [[ -e $units_dir/$socket ]] || return 0
    systemctl --quiet is-active "$socket" && cmp -s "$units_dir/$socket" "$state/started/$1.socket" && return
    systemctl stop "lynks-$1.service" "$socket" 2>/dev/null || true
    systemctl start "$socket" || return
    cp "$units_dir/$socket" "$state/started/$1.socket"
}

not_ready() { # name
    last_words "lynks-$1.service" >&2
    say "$me: $1 does not get ready" >&2
    return 1
}

started() { # name
    start_sum "$1" >"$state/started/.new" && mv "$state/started/.new" "$state/started/$1"
}

roll() { # name
    if runs_as_written "$1"; then
        wait_until_ready "$1" || not_ready "$1"
        return
    fi
    [[ $1 != certificate ]] || rm -f "$state"/front/*/status.map # it tells anew that it is ready
    renew_socket "$1" && restart_unit "$1" || not_ready "$1" || return
    started "$1"
    progress "$1" "ready"
}

run_step() { # name; "back": the database may be of a later version
    systemctl reset-failed "lynks-$1.service" 2>/dev/null || true
    systemctl restart "lynks-$1.service" && return
    [[ ${2-} == back ]] || not_ready "$1"
}

# In the order of the table. Those that do not run yet are started side by side, since they may wait for each other; who
# runs is restarted alone. False, said why, at the first that does not come.
start_units() { # [back]
    local name step
    local -a fresh=()
    while read -r name step; do
        if [[ $step == true ]]; then
            run_step "$name" "${1-}" || return
        elif [[ $name == mysql || $name == janus ]]; then
            roll "$name" || return
        elif ! systemctl --quiet is-active "lynks-$name.service"; then
            systemctl reset-failed "lynks-$name.service" 2>/dev/null || true
            renew_socket "$name" && systemctl --no-block start "lynks-$name.service" || return
            fresh+=("$name")
        fi
    done < <(jq -r '.entries[] | "\(.name) \(.step // false)"' "$state/table.json")
    for name in "${fresh[@]}"; do
        wait_until_ready "$name" || not_ready "$name" || return
        started "$name"
        progress "$name" "ready"
    done
    while IFS= read -r name; do
        roll "$name" || return
    done < <(unit_names)
    systemctl --quiet enable lynks.target && systemctl start lynks.target
}

all_units() {
    find "$units_dir" -maxdepth 1 -name 'lynks*' -printf '%f\n' 2>/dev/null | sort
}

# Those that the table does not have any more.
remove_old_units() {
    local unit
    local -a old=()
    while IFS= read -r unit; do
        [[ $wanted_units == *" $unit "* ]] || old+=("$unit")
    done < <(all_units)
    ((${#old[@]})) || return 0
    systemctl stop "${old[@]}" || true
    (cd "$units_dir" && rm -f -- "${old[@]}")
    systemctl daemon-reload
}

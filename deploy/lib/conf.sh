# The configuration of an installed Lynks: a file of lines NAME=VALUE, where the value goes to the end of the line as it is.
# shellcheck shell=bash disable=SC2154

conf=/etc/lynks/lynks.conf

given_names() { # the variables that deploy/install was called with, for the file
    compgen -e | grep '^LYNKS_' | grep -vxE 'LYNKS_(STATE|BUILD)' || true
}

# What it was called with comes first; a variable that is set to nothing is one that is not set.
read_conf() {
    local line name text number=0
    [[ -e $conf ]] || return 0
    while IFS= read -r line || [[ -n $line ]]; do
        number=$((number + 1))
        [[ ! $line =~ ^[[:space:]]*(#|$) ]] || continue
        [[ $line =~ ^(LYNKS_[A-Z0-9_]+)=(.*)$ ]] || refuse "$conf: line $number is none like NAME=VALUE"
        name=${BASH_REMATCH[1]} text=${BASH_REMATCH[2]}
        [[ ! $name =~ ^LYNKS_(STATE|BUILD)$ ]] || refuse "$conf: $name cannot be set there"
        [[ -v $name ]] || export "$name=$text"
    done <"$conf"
}

conf_value() { # name: files are found from everywhere
    if [[ $1 == *_FILE ]]; then realpath -s -- "${!1}"; else printf '%s' "${!1}"; fi
}

write_conf() { # names that were given, one a line
    local line name given=" ${1//$'\n'/ } "
    install -d -m 755 "${conf%/*}"
    {
        if [[ -e $conf ]]; then
            while IFS= read -r line || [[ -n $line ]]; do
                [[ $given == *" ${line%%=*} "* ]] || printf '%s\n' "$line"
            done <"$conf"
        else
            printf '# Variables of Lynks (lynks install --help lists them), a line NAME=VALUE for each.\n'
            printf '# After a change: lynks install\n'
            # Everybody knows his password, and this one is here to stay.
            [[ $given == *" LYNKS_DEMO_USER "* ]] || printf 'LYNKS_DEMO_USER=0\n'
        fi
        for name in $1; do
            [[ -z ${!name} ]] || printf '%s=%s\n' "$name" "$(conf_value "$name")"
        done
    } | (umask 077 && cat >"$conf.new") || return
    mv "$conf.new" "$conf"
}

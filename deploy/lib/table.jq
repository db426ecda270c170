# The process table (deploy/supervise/table.h) from what lib/table.sh has put together: five words for each member.
def endpoint($host; $port): {host: $host, port: ($port | tonumber)};

reduce ($ARGS.positional | range(0; length; 5) as $i | .[$i:$i + 5]) as [$what, $a, $b, $c, $d] ({};
    if $what == "table" then .[$a] = $b
    elif $what == "process" then .entries += [{name: $a}]
    elif $what == "step" then .entries += [{name: $a, step: true}]
    else .entries[-1] |= (
        if $what == "arg" then .argv += [$a]
        elif $what == "env" then .env[$a] = $b
        # What the user set stays out of the arguments, which anybody can read in /proc.
        elif $what == "given" then .env[$a] = $ENV[$a]
        elif $what == "port" then .ports += [endpoint($a; $b) + {variable: $c}]
        elif $what == "port_by_interface" then .ports += [endpoint($a; $b) + {variable: $c, by_interface: true}]
        elif $what == "listen" then .listen += [endpoint($a; $b) + {variable: $c}]
        elif $what == "ready" and $a == "command" then .ready += [{type: $a, command: $b}]
        elif $what == "ready" then .ready += [{type: $a} + endpoint($b; $c) + if $a == "http" then {path: $d} else {} end]
        elif $what == "flag" then .[$a] = true
        elif $what == "ms" then .[$a] = ($b | tonumber)
        else .[$what] = $a
        end)
    end)

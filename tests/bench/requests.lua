-- The requests that wrk sends, and what it found as one line of JSON. Arguments: kind, folder with the files
-- tokens, rooms and paths (one value a line).

local threads = 0

function setup(thread)
    thread:set("seed", threads)
    threads = threads + 1
end

local function lines(path)
    local all = {}
    for line in io.lines(path) do all[#all + 1] = line end
    return all
end

local function pick(list)
    return list[math.random(#list)]
end

local makers = {}

function makers.nginx()
    return function() return wrk.format("GET", "/") end
end

function makers.login()
    local one = wrk.format("POST", "/login", { ["Content-Type"] = "application/json" },
        '{"username":"testuser","password":"test123"}')
    return function() return one end
end

function makers.create(folder)
    local tokens = lines(folder .. "/tokens")
    return function()
        return wrk.format("POST", "/create", { Authorization = pick(tokens) }, "{}")
    end
end

function makers.list(folder)
    local tokens, rooms = lines(folder .. "/tokens"), lines(folder .. "/rooms")
    return function()
        return wrk.format("POST", "/list_participants", { Authorization = pick(tokens) },
            '{"room_id":' .. pick(rooms) .. '}')
    end
end

-- Janus' own API: what /list_participants costs without Lynks.
function makers.janus(folder)
    local paths, rooms = lines(folder .. "/paths"), lines(folder .. "/rooms")
    return function()
        return wrk.format("POST", pick(paths), {}, '{"janus":"message","transaction":"t","body":'
            .. '{"request":"listparticipants","room":' .. pick(rooms) .. '}}')
    end
end

function init(args)
    math.randomseed(os.time() * 16 + seed)
    request = makers[args[1]](args[2])
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format('RESULT {"requests":%d,"seconds":%.6f,"p50":%.3f,"p99":%.3f,"refused":%d,"broken":%d}\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
        errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end

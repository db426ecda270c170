-- The requests that wrk sends, and what it found as one line of JSON. Arguments: kind, folder with the files tokens,
-- rooms and paths (one value a line), how many of the tokens and of the rooms to draw from; for sweep also where to
-- begin and the number of threads.

local threads = 0
local all = {}

function setup(thread)
    thread:set("seed", threads)
    threads = threads + 1
    all[threads] = thread
end

local function lines(path, max)
    local list = {}
    for line in io.lines(path) do
        if #list == max then break end
        list[#list + 1] = line
    end
    return list
end

local function pick(list)
    return list[math.random(#list)]
end

-- While the load lasts requests are only drawn: making them would take a processor from those who answer. There are
-- always as many, so that this costs the same whatever they were made from.
local READY = 50000

local function drawing(make)
    local ready = {}
    for i = 1, READY do ready[i] = make(i) end
    return function() return pick(ready) end
end

-- Requests for lists, all of one length. The same one twice would be one string in memory: blanks tell them apart.
local BODY_BYTES = 48
local BLANKS = 8

local function list_requests()
    local whole = wrk.format("POST", "/list_participants", { Authorization = "TOKEN" },
        "BODY" .. string.rep(" ", BODY_BYTES - 4))
    local head, middle = whole:match("^(.-)TOKEN(.-)BODY +$")
    return function(token, room, number)
        local body = string.rep(" ", number % BLANKS) .. '{"room_id":' .. room .. '}'
        return head .. token .. middle .. body .. string.rep(" ", BODY_BYTES - #body)
    end
end

local makers = {}

function makers.nginx()
    local request = wrk.format("GET", "/")
    return drawing(function() return request end)
end

function makers.login(folder)
    local users = lines(folder .. "/users")
    return drawing(function()
        return wrk.format("POST", "/login", { ["Content-Type"] = "application/json" },
            '{"username":"' .. pick(users) .. '","password":"test123"}')
    end)
end

function makers.create(folder, tokens_max)
    local tokens = lines(folder .. "/tokens", tokens_max)
    return drawing(function()
        return wrk.format("POST", "/create", { Authorization = pick(tokens) }, "{}")
    end)
end

-- The same with a password as applications sign in.
function makers.session(folder)
    local users = lines(folder .. "/users")
    return drawing(function()
        return wrk.format("POST", "/v1/sessions", { ["Content-Type"] = "application/json" },
            '{"username":"' .. pick(users) .. '","password":"test123"}')
    end)
end

function makers.me(folder, tokens_max)
    local tokens = lines(folder .. "/tokens", tokens_max)
    return drawing(function()
        return wrk.format("GET", "/v1/users/me", { Authorization = "Bearer " .. pick(tokens) })
    end)
end

-- A page of users from anywhere among them, as an admin.
function makers.users(folder)
    local token, ids = lines(folder .. "/admin")[1], lines(folder .. "/many")
    return drawing(function()
        return wrk.format("GET", "/v1/users?limit=100&page_token=" .. string.format("%016x", pick(ids)),
            { Authorization = "Bearer " .. token })
    end)
end

-- Lists with tokens that nobody has drawn.
function makers.stranger(folder, _, rooms_max)
    local rooms = lines(folder .. "/rooms", rooms_max)
    local list_request = list_requests()
    return drawing(function(i)
        local token = {}
        for n = 1, 8 do token[n] = string.format("%08x", math.random(0, 2 ^ 31 - 1)) end
        return list_request(table.concat(token), pick(rooms), i)
    end)
end

function makers.list(folder, tokens_max, rooms_max)
    local tokens, rooms = lines(folder .. "/tokens", tokens_max), lines(folder .. "/rooms", rooms_max)
    local list_request = list_requests()
    return drawing(function(i) return list_request(pick(tokens), pick(rooms), i) end)
end

-- Each token and each room in turn, so that none is left out. The threads share them out between them.
function makers.sweep(folder, tokens_max, rooms_max, begin, step)
    local tokens, rooms = lines(folder .. "/tokens", tokens_max), lines(folder .. "/rooms", rooms_max)
    local list_request = list_requests()
    return function()
        local at = begin + seed + sent * step
        sent = sent + 1
        return list_request(tokens[at % #tokens + 1], rooms[at % #rooms + 1], 0)
    end
end

-- Janus' own API: what /list_participants costs without Lynks.
function makers.janus(folder, _, rooms_max)
    local paths, rooms = lines(folder .. "/paths"), lines(folder .. "/rooms", rooms_max)
    return drawing(function()
        return wrk.format("POST", pick(paths), {}, '{"janus":"message","transaction":"t","body":'
            .. '{"request":"listparticipants","room":' .. pick(rooms) .. '}}')
    end)
end

sent = 0 -- by a sweep, in this thread

function init(args)
    math.randomseed(os.time() * 16 + seed)
    request = makers[args[1]](args[2], tonumber(args[3]), tonumber(args[4]), tonumber(args[5]), tonumber(args[6]))
end

-- How many requests the thread has sent that has sent the fewest.
local function fewest()
    local count = math.huge
    for _, thread in ipairs(all) do count = math.min(count, thread:get("sent")) end
    return count
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format('RESULT {"requests":%d,"seconds":%.6f,"p50":%.3f,"p99":%.3f,"max":%.3f,"refused":%d,'
        .. '"broken":%d,"fewest":%d}\n', summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000,
        latency:percentile(99) / 1000, latency.max / 1000, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout, fewest()))
end

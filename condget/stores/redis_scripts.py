"""The transactions of a cache in Redis, in Lua: each script runs as one step, which nobody sees half done.

All keys begin with the prefix in KEYS[1]:

| Key | Type | |
|---|---|---|
| `response:ID` | hash | `head`, `partition`, and the chunks of the content under their numbers. |
| `url:DIGEST` | sorted set | The ids of the visible responses of a URL, the newest last. |
| `used` | sorted set | When a response was used last. 0: it was replaced, and somebody may still read it. |
| `ends` | sorted set | When a response is of no use any more. |
| `facts` | hash | Size and URL of each response, and the `total` of the sizes. |
| `lease:DIGEST` | string | The token of the one who requests a target. |

The server may lose any key at any time: it expires `response:ID`, evicts what it likes, or is emptied. A script then
finds less than there was, and mends the sums. Instants are those of the server's clock, which all clients share.
"""

from __future__ import annotations

#: How long half-written content waits for its next chunk, in seconds.
ABANDONED_AFTER = 600
#: How long content of several chunks stays for its readers after it was replaced, in seconds, unless room is needed.
READABLE_FOR = 600
#: Most responses of one URL (variants, parts, partitions): their heads are looked at for each request.
MOST_ALIKE = 64

_COMMON = f"""
local used, ends, facts = KEYS[1] .. 'used', KEYS[1] .. 'ends', KEYS[1] .. 'facts'
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000

local function response(id) return KEYS[1] .. 'response:' .. id end
local function url(digest) return KEYS[1] .. 'url:' .. digest end
local function total() return tonumber(redis.call('HGET', facts, 'total') or 0) end

local function fact(id)
    local size, digest = string.match(redis.call('HGET', facts, id) or '', '^(%d+) (.*)$')
    return tonumber(size), digest
end

local function count(id, size, digest)
    local before = fact(id)
    redis.call('HSET', facts, id, string.format('%d %s', size, digest))
    redis.call('HINCRBY', facts, 'total', size - (before or 0))
end

-- The first write is one that a full server allows; all that follow it in a script are allowed then.
local function drop(id)
    redis.call('ZREM', used, id)
    redis.call('ZREM', ends, id)
    redis.call('UNLINK', response(id))
    local size, digest = fact(id)
    if size then
        redis.call('ZREM', url(digest), id)
        redis.call('HDEL', facts, id)
        redis.call('HINCRBY', facts, 'total', -size)
    end
    return size or 0
end

-- Take a response out of sight. Content of several chunks stays for a while, for those who read it.
local function retire(id, digest)
    redis.call('ZREM', url(digest), id)
    if redis.call('HEXISTS', response(id), '1') == 1 then
        redis.call('ZADD', used, 0, id)
        redis.call('ZADD', ends, now + {READABLE_FOR}, id)
        redis.call('EXPIRE', response(id), {READABLE_FOR})
    else
        drop(id)
    end
end

local function keep(key, seconds)
    if redis.call('TTL', key) < seconds then redis.call('EXPIRE', key, seconds) end
end

-- Drop what is of no use any more, then the least recently used, until so many bytes more fit into the budget and
-- at least `forced` bytes are free. Return whether they fit.
local function make_room(bytes, budget, forced)
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 1000)) do
        forced = forced - drop(id)
    end
    while total() + bytes > budget or forced > 0 do
        local oldest = redis.call('ZRANGE', used, 0, 0)[1]
        if not oldest then return total() + bytes <= budget end
        forced = forced - drop(oldest)
    end
    return true
end
"""

LOAD = """
local found = {}
for _, id in ipairs(redis.call('ZREVRANGE', KEYS[1] .. 'url:' .. ARGV[1], 0, -1)) do
    local parts = redis.call('HMGET', KEYS[1] .. 'response:' .. id, 'partition', 'head')
    if parts[1] == ARGV[2] and parts[2] then
        found[#found + 1] = id
        found[#found + 1] = parts[2]
    end
end
return found
"""

APPEND = f"""{_COMMON}
local id, digest, number, chunk, budget, forced = unpack(ARGV)
local key = response(id)
if redis.call('HEXISTS', key, number) == 1 then return 'ok' end
if redis.call('HLEN', key) ~= tonumber(number) then return 'gone' end
if not make_room(#chunk, tonumber(budget), tonumber(forced)) then return 'full' end
redis.call('HSET', key, number, chunk)
redis.call('EXPIRE', key, {ABANDONED_AFTER})
redis.call('ZADD', ends, now + {ABANDONED_AFTER}, id)
count(id, (fact(id) or 0) + #chunk, digest)
return 'ok'
"""

COMMIT = f"""{_COMMON}
local id, digest, number, chunk, budget, forced, partition, head, size, seconds = unpack(ARGV)
local key = response(id)
size, seconds = tonumber(size), tonumber(seconds)
if redis.call('ZSCORE', url(digest), id) then return 'ok' end
if redis.call('HLEN', key) ~= tonumber(number) then return 'gone' end
for index = 11, #ARGV do
    if redis.call('ZSCORE', url(digest), ARGV[index]) then retire(ARGV[index], digest) end
end
if not make_room(size - (fact(id) or 0), tonumber(budget), tonumber(forced)) then return 'full' end
local newest = redis.call('ZREVRANGE', url(digest), 0, 0, 'WITHSCORES')[2] or 0
for _, old in ipairs(redis.call('ZREVRANGE', url(digest), {MOST_ALIKE - 1}, -1)) do retire(old, digest) end
redis.call('HSET', key, 'head', head, 'partition', partition)
if chunk ~= '' then redis.call('HSET', key, number, chunk) end
redis.call('EXPIRE', key, seconds)
redis.call('ZADD', url(digest), newest + 1, id)
redis.call('ZADD', used, now, id)
redis.call('ZADD', ends, now + seconds, id)
count(id, size, digest)
for _, index in ipairs({{url(digest), used, ends, facts}}) do keep(index, seconds) end
return 'ok'
"""

FRESHEN = f"""{_COMMON}
local id, digest, head, seconds = unpack(ARGV)
seconds = tonumber(seconds)
if not redis.call('ZSCORE', url(digest), id) or redis.call('EXISTS', response(id)) == 0 then return end
redis.call('HSET', response(id), 'head', head)
redis.call('EXPIRE', response(id), seconds)
redis.call('ZADD', used, 'XX', now, id)
redis.call('ZADD', ends, 'XX', now + seconds, id)
for _, index in ipairs({{url(digest), used, ends, facts}}) do keep(index, seconds) end
"""

#: ARGV: pairs of an id and the digest of its URL.
DISCARD = f"""{_COMMON}
for index = 1, #ARGV, 2 do
    if redis.call('ZSCORE', url(ARGV[index + 1]), ARGV[index]) then retire(ARGV[index], ARGV[index + 1]) end
end
"""

INVALIDATE = f"""{_COMMON}
for _, digest in ipairs(ARGV) do
    for _, id in ipairs(redis.call('ZRANGE', url(digest), 0, -1)) do retire(id, digest) end
end
"""

#: Drops what was begun, what is damaged.
DROP = f"""{_COMMON}
for _, id in ipairs(ARGV) do drop(id) end
"""

TOUCH = f"""{_COMMON}
for _, id in ipairs(ARGV) do
    if tonumber(redis.call('ZSCORE', used, id) or 0) > 0 then redis.call('ZADD', used, now, id) end
end
"""

#: Drops a thousand responses; returns how many of them were visible, and whether there are more.
CLEAR = f"""{_COMMON}
local visible = 0
for _, id in ipairs(redis.call('ZRANGE', ends, 0, 999)) do
    if tonumber(redis.call('ZSCORE', used, id) or 0) > 0 then visible = visible + 1 end
    drop(id)
end
return {{visible, redis.call('ZCARD', ends)}}
"""

#: Changes a lease whose token is still the caller's: prolongs it, or gives it back where ARGV[2] is 0.
LEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then return redis.call('DEL', KEYS[1]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

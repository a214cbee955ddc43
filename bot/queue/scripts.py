"""What happens to a thread's inbox, each in one step of Redis (Lua); queue.py calls it.

Keys: `seen:<request>` names the thread of a request that was accepted; `inbox:<thread>` is the list of what is to be
done, oldest first; `queue:threads:<team>` orders the threads by the time at which their head was put;
`holder:<request>` is the worker that is at it, while it renews its hold; `tries:<request>` counts starts and failures.

Slack tells things again that were not acknowledged, so what was said first may come last: PUT puts a message before
those that were said after it and that nobody has begun.
"""

_HEAD_OF = """
local function head_of(inbox, threads, thread)
  local head = redis.call('LINDEX', inbox, 0)
  if head then redis.call('ZADD', threads, cjson.decode(head).put_at, thread)
  else redis.call('ZREM', threads, thread) end
  return head
end
"""
_PUT = """
local function is_begun(id)
  return redis.call('EXISTS', 'holder:' .. id) == 1 or redis.call('EXISTS', 'tries:' .. id) == 1
end

local seen, inbox, threads = KEYS[1], KEYS[2], KEYS[3]
local raw, thread = ARGV[1], ARGV[2]
local said_at, later = tonumber(cjson.decode(raw).ts), nil  -- what can't be read is not accepted
local new = redis.call('SET', seen, thread, 'NX', 'EX', ARGV[3])
if new then
  for i, waiting in ipairs(said_at and redis.call('LRANGE', inbox, 0, -1) or {}) do
    local other = cjson.decode(waiting)
    local is_later = (tonumber(other.ts) or 0) > said_at and not (i == 1 and is_begun(other.id))
    if is_later and not later then later = waiting end
  end
  if later then redis.call('LINSERT', inbox, 'BEFORE', later, raw) else redis.call('RPUSH', inbox, raw) end
  redis.call('EXPIRE', inbox, ARGV[4])
end
return {new and 1 or 0, head_of(inbox, threads, thread)}
"""
_REDO = """
local seen, inbox, threads = KEYS[1], KEYS[2], KEYS[3]
local raw, thread = ARGV[1], ARGV[2]
local id, at = cjson.decode(raw).id, nil
redis.call('SET', seen, thread, 'EX', ARGV[3])
for i, waiting in ipairs(redis.call('LRANGE', inbox, 0, -1)) do
  if cjson.decode(waiting).id == id then at = i - 1 end
end
if at then redis.call('LSET', inbox, at, raw) else redis.call('RPUSH', inbox, raw) end
redis.call('EXPIRE', inbox, ARGV[4])
return head_of(inbox, threads, thread)
"""
_REMOVE = """
local inbox, threads = KEYS[1], KEYS[2]
local id, thread, only = ARGV[1], ARGV[2], ARGV[3]
local removed = 0
for _, waiting in ipairs(redis.call('LRANGE', inbox, 0, -1)) do
  if cjson.decode(waiting).id == id and (only == '' or only == waiting) then
    removed = redis.call('LREM', inbox, 1, waiting)
  end
end
return {removed, head_of(inbox, threads, thread)}
"""
START = """
local inbox, holder, tries = KEYS[1], KEYS[2], KEYS[3]
local id, worker = ARGV[1], ARGV[2]
local head = redis.call('LINDEX', inbox, 0)
if not head or cjson.decode(head).id ~= id then return {'gone'} end
local held = redis.call('GET', holder)
if held and held ~= worker then return {'held'} end
redis.call('SET', holder, worker, 'PX', ARGV[3])
local starts = redis.call('HINCRBY', tries, 'starts', 1)
redis.call('EXPIRE', tries, ARGV[4])
return {'yours', head, starts, tonumber(redis.call('HGET', tries, 'failures') or 0)}
"""
KEEP = """
local inbox, holder = KEYS[1], KEYS[2]
local raw, worker = ARGV[1], ARGV[2]
local head = redis.call('LINDEX', inbox, 0)
if not head or cjson.decode(head).id ~= cjson.decode(raw).id then return 'removed' end
if head ~= raw then return 'redone' end
local held = redis.call('GET', holder)
if held and held ~= worker then return 'lost' end
redis.call('SET', holder, worker, 'PX', ARGV[3])
return 'kept'
"""
RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"

PUT, REDO, REMOVE = (_HEAD_OF + script for script in (_PUT, _REDO, _REMOVE))

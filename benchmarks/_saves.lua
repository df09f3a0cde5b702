-- wrk's end of benchmarks/saves.py: each request of the files once, in turn, then the idle one.
-- Arguments: where to write the summary, the idle request's file, "once" or "around" (from the
-- beginning again when they run out), then the files of requests: each preceded by its length in
-- four bytes.
local files, turn, idle, begun = {}, 0, nil, false
local threads = {}
ran_out = false

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  summary_file = arguments[1]
  local file = assert(io.open(arguments[2], "rb"))
  idle = file:read("*a")
  file:close()
  around = arguments[3] == "around"
  for place = 4, #arguments do
    files[#files + 1] = assert(io.open(arguments[place], "rb"))
  end
end

function request()
  if not begun then -- wrk asks once before it starts, and sends nothing
    begun = true
    return idle
  end
  turn = turn % #files + 1
  local length = files[turn]:read(4)
  if length == nil and around then
    files[turn]:seek("set", 0)
    length = files[turn]:read(4)
  end
  if length == nil then
    ran_out = true
    return idle
  end
  local a, b, c, d = length:byte(1, 4)
  return files[turn]:read(((a * 256 + b) * 256 + c) * 256 + d)
end

function done(summary, latency)
  local file = assert(io.open(threads[1]:get("summary_file"), "w"))
  local errors = summary.errors
  file:write(string.format(
    '{"requests":%d,"seconds":%.6f,"p50_ms":%.3f,"p90_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f,' ..
    '"refused":%d,"socket_errors":%d,"ran_out":%s}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(90) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    tostring(threads[1]:get("ran_out"))))
  file:close()
end

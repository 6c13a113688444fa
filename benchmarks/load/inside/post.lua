-- wrk's script: posts the body of the file ENVBUILD_BENCH_BODY, and tells what it found as one line of JSON.
-- With ENVBUILD_BENCH_CHECK it also tells how often each answer came, in a line of a count and the answer in
-- hexadecimal; to look at every answer costs time, so that it is for windows that are not measured.
local file = assert(io.open(assert(os.getenv("ENVBUILD_BENCH_BODY")), "rb"))
wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = "application/json"
file:close()

local thread

function setup(only)
  thread = only
end

if os.getenv("ENVBUILD_BENCH_CHECK") then
  answers = {}

  function response(status, headers, body)
    answers[body] = (answers[body] or 0) + 1
  end
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    'envbuild-bench {"requests": %d, "microseconds": %d, "connect": %d, "read": %d, "write": %d, "status": %d, ' ..
    '"timeout": %d, "p50": %d, "p99": %d}',
    summary.requests, summary.duration, errors.connect, errors.read, errors.write, errors.status, errors.timeout,
    latency:percentile(50), latency:percentile(99)))
  for answer, count in pairs(thread:get("answers") or {}) do
    local text = answer:gsub(".", function(byte) return string.format("%02x", string.byte(byte)) end)
    print(string.format("envbuild-bench-answer %d %s", count, text))
  end
end

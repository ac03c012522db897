--- scripts/bench/peers/cjson.lua STREAM: lua-cjson's decode of the documents of a stream.
local cjson = require "cjson"

local file <close> = assert(io.open(arg[1], "rb"))
local bytes, at, list = file:read "a", 1, {}
while at <= #bytes do
  local _, payload, after = (">s2s4"):unpack(bytes, at)
  list[#list + 1], at = payload, after
end

local function run(rounds)
  local started = os.clock()
  for _ = 1, rounds do
    for i = 1, #list do cjson.decode(list[i]) end
  end
  return (os.clock() - started) * 1e6 / rounds / #list
end

run(2)
print(("lua-cjson, a document %30.3f µs"):format(run(20)))

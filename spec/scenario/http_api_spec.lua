-- The API as it is described: lua/doc/openapi.json against the running server, and every request in
-- lua/doc/http.md with its answer.
local cjson = require "cjson"
local scenario = require "spec.support.scenario"
local files, http, mosquitto, scope, tagline, wait =
  scenario "files http mosquitto scope tagline wait"

local page = files.read "lua/doc/http.md"
local openapi = cjson.decode(files.read "lua/doc/openapi.json")

-- The document's own config, run.
local function start()
  local m, port = mosquitto.start(), http.free_port()
  local folder = scope.folder()
  local text = page:match "\n```lua\n(.-)\n```"
  text = text:gsub("127%.0%.0%.1:8080", "127.0.0.1:" .. port)
    :gsub('host = "10%.0%.0%.1"',
      ('host = "127.0.0.1", port = %d, client_id = "web"'):format(m.port))
  local path = folder .. "/plant.lua"
  files.write(path, text)
  local t = tagline.run(path)
  m:wait_subscribed "web"
  m:publish("plant/boiler/up", '{"t":21.5}')
  t:value "plant.boiler.temperature"
  wait.poll("the value in the history", nil, function()
    local rows = http.get(port, "/api/v1/history?tag=plant.boiler.temperature&last=1h").json
    return rows and #rows == 1
  end)
  return m, t, port
end

-- Schemas, as far as the document uses them

local function type_of(value)
  if value == cjson.null then return "null" end
  if type(value) == "table" then return "object" end
  if math.type(value) == "integer" or type(value) == "number" and value == math.floor(value) then
    return "integer"
  end
  return type(value)
end

local function fits_type(wanted, value)
  local is = type_of(value)
  for _, one in ipairs(type(wanted) == "table" and wanted or { wanted }) do
    if one == is or one == "number" and is == "integer" then return true end
    if one == "array" and is == "object" and (next(value) == nil or #value > 0) then return true end
  end
  return false
end

local function check(schema, value, where)
  if schema["$ref"] then
    schema = openapi.components.schemas[schema["$ref"]:match "([^/]+)$"]
    assert.is_table(schema, where)
  end
  if schema.type then
    assert.truthy(fits_type(schema.type, value), where .. ": " .. type_of(value))
  end
  if schema.const ~= nil then assert.equal(schema.const, value, where) end
  if schema.enum then
    local found = false
    for _, one in ipairs(schema.enum) do found = found or one == value end
    assert.truthy(found, where .. ": " .. tostring(value))
  end
  for _, name in ipairs(schema.required or {}) do
    assert.truthy(value[name] ~= nil, where .. "." .. name)
  end
  for name, one in pairs(schema.properties or {}) do
    if value[name] ~= nil then check(one, value[name], where .. "." .. name) end
  end
  if schema.items then
    for i, one in ipairs(value) do check(schema.items, one, where .. "[" .. i .. "]") end
  end
end

local function check_answer(operation, a, where)
  local response = operation.responses[tostring(a.status)]
  assert.is_table(response, where .. ": status " .. a.status)
  local kind = (a.headers["content-type"] or ""):match "^[^;]+"
  local content = response.content and response.content[kind]
  if not response.content then return end
  assert.is_table(content, where .. ": " .. tostring(kind))
  if kind == "application/json" then
    assert.truthy(a.json ~= nil, where .. ": " .. a.body)
    check(content.schema, a.json, where)
  end
end

-- What to ask with, where a path or a parameter needs it.
local asks = {
  ["/api/v1/explain"] = "?tag=plant.boiler.temperature",
  ["/api/v1/history"] = "?tag=plant.boiler.temperature",
}
-- Parameters that are right, and wrong.
local right = {
  match = "plant.boiler*", limit = "1", after = "plant.boiler.temperature", format = "csv",
  from = "0", to = "2100-01-01", last = "1h", every = "1m", as = "avg",
  zone = "Asia/Kolkata", tag = "plant.boiler.temperature", topic = "plant/x", payload = "%7B",
}
local wrong = {
  limit = "0", format = "xml", from = "yesterday", to = "x", last = "1 hour", every = "x",
  zone = "Mars", match = "%zz", after = "none", tag = "none",
}

local function each_operation()
  local list = {}
  for path, item in pairs(openapi.paths) do
    for _, method in ipairs { "get", "post" } do
      if item[method] then
        list[#list + 1] = { path = path, method = method:upper(), operation = item[method] }
      end
    end
  end
  table.sort(list, function(a, b) return a.path .. a.method < b.path .. b.method end)
  return list
end

describe("openapi.json", function()
  after_each(scope.finish)

  it("describes what the server answers", function()
    local _, t, port = start()
    for _, one in ipairs(each_operation()) do
      local path = one.path:gsub("{name}", "plant.boiler.temperature")
      local where = one.method .. " " .. path
      if path == "/api/v1/events" then
        local e = http.events(port, path)
        assert.equal("text/event-stream", e.answer.headers["content-type"])
        local items = { type = "object", required = { "tag", "type", "status" } }
        check({ type = "array", items = items }, e:next "snapshot".data, where)
        e:close()
      else
        local ask = one.method == "GET" and asks[path] or ""
        check_answer(one.operation, http.request(port, path .. ask, { method = one.method,
          body = one.method == "POST" and '{"value":1}' or nil }), where)
        for _, parameter in ipairs(one.operation.parameters or {}) do
          local name = parameter.name
          local joint = ask == "" and "?" or "&"
          if one.method == "GET" and parameter["in"] == "query" then
            assert.truthy(right[name], name)
            local value = path == "/api/v1/stations" and name == "after" and "plant.boiler"
              or right[name]
            local query = path .. ((name == "tag" or name == "topic" or name == "payload") and "?"
              or ask .. joint) .. name .. "=" .. value
            if name == "payload" then query = query .. "&topic=a" end
            if name == "as" or name == "zone" then query = query .. "&every=1h" end
            local a = http.get(port, query)
            assert.equal(200, a.status, query .. ": " .. a.body)
            check_answer(one.operation, a, query)
            if wrong[name] and not (path == "/api/v1/messages" and name == "match") then
              query = path .. (name == "tag" and "?" or ask .. joint) .. name .. "=" .. wrong[name]
              a = http.get(port, query)
              assert.truthy(a.status == 400 or a.status == 404, query .. ": " .. a.status)
              check_answer(one.operation, a, query)
            end
          end
        end
      end
    end
    t:stop()
  end)

  it("has every path of the API, and methods that are not there are refused", function()
    local _, t, port = start()
    local endpoints = http.get(port, "/api/v1/").json.endpoints
    assert.is_true(#endpoints > 0)
    for _, name in ipairs(endpoints) do
      assert.is_table(openapi.paths["/api/v1/" .. name:gsub("NAME", "{name}")], name)
    end
    for path, item in pairs(openapi.paths) do
      for _, method in ipairs { "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT" } do
        if not item[method:lower()] then
          local a = http.request(port, (path:gsub("{name}", "plant.boiler.setpoint")),
            { method = method })
          assert.equal(405, a.status, method .. " " .. path)
          assert.truthy(a.headers.allow:find "GET")
        end
      end
      local target = path:gsub("{name}", "plant.boiler.setpoint") .. (asks[path] or "")
      local head = http.request(port, target, { method = "HEAD" })
      assert.same({ true, "" }, { head.status < 400, head.body }, path)
    end
    t:stop()
  end)
end)

-- Values that are another time's or another machine's.
local function is_volatile(name) return name == "time" or name == "version" end

local function same_shape(shown, got, where)
  assert.equal(type_of(shown) == "integer" and "number" or type_of(shown),
    type_of(got) == "integer" and "number" or type_of(got), where)
  if type(shown) ~= "table" then
    assert.equal(shown, got, where)
    return
  end
  if #shown > 0 then assert.equal(#shown, #got, where) end
  for name, value in pairs(shown) do
    assert.truthy(got[name] ~= nil, where .. "." .. name)
    if is_volatile(name) then
      assert.equal(type(value), type(got[name]))
    else
      same_shape(value, got[name], where .. "." .. name)
    end
  end
end

local function plain(line)
  return (line:gsub("%d%d%d%d%-%d%d%-%d%dT[%d:.]+Z", "TIME"))
end

describe("http.md", function()
  after_each(scope.finish)

  it("shows requests and the answers that they get", function()
    local _, t, port = start()
    local n = 0
    for request, kind, answer in page:gmatch "\n```http\n(.-)\n```\n\n```(%a+)\n(.-)\n```" do
      n = n + 1
      local method, path = request:match "^(%u+) (%S+)"
      if path:find "events" then
        local e = http.events(port, path)
        local event = e:next()
        assert.equal(answer:match "event: (%a+)", event.event)
        same_shape(cjson.decode(answer:match "data: ([^\n]+)"), event.data, path)
        assert.truthy(answer:match "id: (%x+%-%x+)" and event.id:find "^%x+%-%x+$")
      else
        local body = request:match "\n\n(.*)$"
        local a = http.request(port, path, { method = method, body = body,
          headers = { ["Content-Type"] = request:match "Content%-Type: ([^\n]+)" } })
        assert.equal(200, a.status, path .. ": " .. a.body)
        if kind == "json" then
          same_shape(cjson.decode(answer), a.json, path)
        else
          for line in answer:gmatch "[^\n]+" do
            assert.truthy(plain(a.body):find(plain(line), 1, true), path .. ": " .. line)
          end
        end
      end
    end
    assert.truthy(n >= 14)
    t:stop()
  end)

  it("names every metric, and no other", function()
    local _, t, port = start()
    local section = page:match "\n## /metrics\n(.-)\n## "
    local named = {}
    for cell in section:gmatch "\n| (`[^|]+) |" do
      local first
      for name in cell:gmatch "`([%w_]+)`" do
        if name:sub(1, 1) == "_" then
          name = first:match "^(tagline_outlet)" .. name
        else
          first = name
        end
        named[name] = true
      end
    end
    for name in http.get(port, "/metrics").body:gmatch "# TYPE (%S+)" do
      assert.truthy(named[name], name)
      named[name] = nil
    end
    assert.is_nil(next(named))
    t:stop()
  end)
end)

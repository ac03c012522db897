-- The examples of secure lines, each against a local Mosquitto that is set up the way its
-- service is.
local scenario = require "spec.support.scenario"
local mosquitto, netns, pki, scope, tagline = scenario "mosquitto netns pki scope tagline"

-- options: what Mosquitto has besides its certificate; url: the scheme; topic and payload of a
-- message, tag: that has a value then.
local function works(name, case)
  local ca = pki.new()
  local cert, key = ca:sign("broker", "DNS:" .. (case.server_name or "localhost"))
  local own, own_key = ca:sign("gw1")
  local net = case.websocket and netns.new() or nil
  local port = mosquitto.free_port()
  local m = mosquitto.start { net = net, "listener " .. port .. (net and "" or " 127.0.0.1"),
    "cafile " .. ca.file, "certfile " .. cert,
    "keyfile " .. key, table.unpack(case.options or {}) }
  local env = { TAGLINE_URL = case.url:format(port), TAGLINE_CA = ca.file, AWS_CERT = own,
    AWS_KEY = own_key }
  for word, value in pairs(case.env or {}) do env[word] = value end
  local t = tagline.run("examples/secure/" .. name .. ".lua", nil, { env = env, net = net })
  t:wait_log "connected to 127%.0%.0%.1:%d+ %(TLS 1%.3"
  m.process:wait_log "Sending SUBACK"
  m:publish(case.topic or "plant/boiler", case.payload or '{"temp":21.5}', { qos = case.qos or 1 })
  assert.equal(21.5, t:value(case.tag).value)
  t:stop()
end

describe("the example of a secure line", function()
  after_each(scope.finish)

  it("to Mosquitto with a CA of the plant", function()
    works("mosquitto", { url = "mqtts://localhost:%d", tag = "plant.boiler.temperature" })
  end)
  it("to AWS IoT Core, with a client certificate", function()
    works("aws_iot_core",
      { url = "mqtts://localhost:%d", options = { "require_certificate true" },
        tag = "aws.boiler.temperature" })
  end)
  it("to Azure IoT Hub", function()
    works("azure_iot_hub",
      { url = "mqtts://localhost:%d", topic = "devices/gw1/messages/devicebound/x",
        tag = "azure.commands.setpoint" })
  end)
  it("to The Things Stack", function()
    works("things_stack", { url = "mqtts://localhost:%d", topic = "v3/a@ttn/devices/d1/up", qos = 0,
      payload = '{"uplink_message":{"decoded_payload":{"temp":21.5}}}',
        tag = "tts.sensor-d1.temperature" })
  end)
  it("to Orange Live Objects, over a WebSocket", function()
    works("live_objects", { url = "wss://localhost:%d/mqtt", websocket = true,
      options = { "protocol websockets" }, topic = "fifo/plant",
      payload = '{"value":{"temp":21.5}}', tag = "live_objects.boiler.temperature" })
  end)
  it("to HiveMQ Cloud, with another name than the address", function()
    works("hivemq_cloud", { url = "mqtts://127.0.0.1:%d", server_name = "example.hivemq.cloud",
      env = { HIVEMQ_NAME = "example.hivemq.cloud" },
      tag = "hivemq.boiler.temperature" })
  end)
end)

-- All examples in one process, as scripts/demo runs them: a line for each system. With a folder in
-- TAGLINE_DEMO it keeps a history there, and serves the page at the port TAGLINE_HTTP_PORT.
local folder = env("TAGLINE_DEMO", "")
if folder ~= "" then
  history { file = folder .. "/demo.db", keep = "1d" }
  spool { folder = folder .. "/spool", max = "100MB" }
  -- on this computer alone, and for a demo: elsewhere a token belongs here
  http { listen = "127.0.0.1:" .. env "TAGLINE_HTTP_PORT", write = true,
    values = "plant.*" }
end

require "first"
require "things_network_v2"
require "things_stack_v3"
require "loriot"
require "slovanet"
require "pixii"
require "live_objects"
require "chirpstack_v4"
require "sparkplug"
require "meshtastic"
require "opcua_gateway"
require "shelly_gen2"
require "tasmota"
require "victron"
require "zigbee2mqtt"
require "cbor_meter"
require "senml"

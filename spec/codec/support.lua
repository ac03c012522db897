-- For the specs of codecs: messages as a station sees them, and the list of devices.
local support = {}

local modules = { "elsys", "dragino_lht65", "dragino_lht52", "adeunis_ftd", "adeunis_temp" }

--- All device decoders and cayenne_lpp, in a fixed order.
function support.devices()
  local list = {}
  for _, name in ipairs(modules) do list[#list + 1] = require("tagline.codec.device." .. name) end
  local milesight = require "tagline.codec.device.milesight"
  for _, name in ipairs { "am107", "am319", "am319_hcho", "am319_o3", "em300", "em300_mcs",
    "em300_sld", "em300_mld", "em300_di",
    "em300_di_hall", "em300_cl", "am319_hcho_well", "am319_hcho_ir", "am319l_hcho_ir",
      "am319l_o3" } do list[#list + 1] = milesight[name] end
  list[#list + 1] = require("tagline.codec.device.dragino_lht65").n
  list[#list + 1] = require("tagline.codec.device.adeunis_temp").v2
  list[#list + 1] = require "tagline.codec.cayenne_lpp"
  return list
end

--- A station whose tags have these names; those in `addressed` have an address.
function support.station(names, addressed)
  local tags = {}
  for _, name in ipairs(names) do tags[name] = { name = name, address = "" } end
  for _, name in ipairs(addressed or {}) do tags[name] = { name = name, address = "JA=x" } end
  return { tags = tags }
end

return support

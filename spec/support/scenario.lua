-- What a scenario stands on, by name: local broker, scope = scenario "broker scope". The modules
-- of spec/support, each loaded when it is first asked for.
return function(names)
  local found = {}
  for name in names:gmatch "%S+" do found[#found + 1] = require("spec.support." .. name) end
  return table.unpack(found)
end

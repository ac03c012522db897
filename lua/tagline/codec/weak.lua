--- Metatables with weak keys, for what codecs remember of stations. A script's own table has none
--- (core/sandbox/weak.c), so the core is told of ours. One for each module, not for each table.
local found, core = pcall(require, "tagline.weak")

--- `meta` (or a new table), with weak keys.
return function(meta)
  meta = meta or {}
  meta.__mode = "k"
  if found then core.allow(meta) end
  return meta
end

-- The process for area b: see plant.lua.
require "plant" "b"

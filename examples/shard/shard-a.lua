-- The process for area a: see plant.lua.
require "plant" "a"

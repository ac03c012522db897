-- One process for the second hall, on this machine or another:
-- tagline run examples/shared/hall_2.lua
require "plant" "hall-2"

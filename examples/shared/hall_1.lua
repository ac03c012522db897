-- One process for the first hall: tagline run examples/shared/hall_1.lua
require "plant" "hall-1"

-- All examples in one process, as scripts/demo runs them: a line for each system.
require "first"
require "things_network_v2"
require "things_stack_v3"
require "loriot"
require "slovanet"
require "pixii"
require "live_objects"
require "chirpstack_v4"

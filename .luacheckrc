std = "lua54"
max_line_length = 140
files["spec"] = { std = "+busted", max_line_length = 160 }
-- Configs have the vocabulary, and no more of the standard library than is safe.
stds.config = dofile("lua/library/luacheckrc.lua")
exclude_files = { "lua/library/tagline.lua" } -- annotations: it defines what nobody reads
files["examples"] = { std = "+config" }
files["examples/**/*_spec.lua"] = { std = "+busted" }
files["scripts/bench/config.lua"] = { std = "+config" }
files["scripts/bench/decoders.lua"] = { std = "+config" }

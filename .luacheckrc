std = "lua54"
max_line_length = 140
files["spec"] = { std = "+busted", max_line_length = 160 }
-- Configs have the vocabulary, and no more of the standard library than is safe.
stds.config = {
  read_globals = { "line", "station", "limits", "every", "after", "env", "file", "json",
    "Ai", "Ao", "Ci", "Co", "Di", "Do", "Qi", "TxtI", "TxtO", "TiA", "ToA", "TiR", "ToR" },
}
files["examples"] = { std = "+config" }
files["scripts/bench/config.lua"] = { std = "+config" }

-- A luacheck standard for configs. In the .luacheckrc beside them:
--
--   stds.tagline = dofile("PREFIX/share/tagline/lua/library/luacheckrc.lua")
--   std = "lua54+tagline"
return {
  read_globals = {
    "line", "station", "limits", "history", "spool", "outlet", "http", "every", "after",
    "env", "file", "json", "re",
    "lines", "stations", "tags", "explain", "messages", "credential",
    "Ai", "Ao", "Ci", "Co", "Di", "Do", "Qi", "TxtI", "TxtO", "TiA", "ToA", "TiR", "ToR",
  },
}

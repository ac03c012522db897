--- The words of the REPL beside lines, stations, tags and those that look at messages, in one
--- table. Each is told of in tagline.repl.help_texts, and a spec checks that. `live` holds what
--- the core offers (core/repl/l_live.c), `api` is the table that they all end up in.
local discover = require "tagline.discover.word"
local find = require "tagline.repl.find"
local history = require "tagline.repl.history"
local more = require "tagline.repl.more"
local status = require "tagline.repl.status"
local help = require "tagline.repl.help"
local watch = require "tagline.repl.watch"

return function(live, api)
  return {
    discover = discover.word(live, api),
    find = find.word(api),
    help = help.word(live, api),
    history = history.word(live),
    more = more.word,
    plot = history.plot_word(live),
    reload = live.reload,
    status = status.word(live),
    watch = watch.word(live),
  }
end

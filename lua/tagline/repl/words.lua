--- The words of the REPL beside lines, stations, tags and those that look at messages, in one
--- table. Each is told of in tagline.repl.help_texts, and a spec checks that. `live` holds what
--- the core offers (core/repl/l_live.c), `api` is the table that they all end up in.
local find = require "tagline.repl.find"
local history = require "tagline.repl.history"
local more = require "tagline.repl.more"
local status = require "tagline.repl.status"
local help = require "tagline.repl.help"
local watch = require "tagline.repl.watch"

--- discover() needs some forty modules, which is too much for one turn of the loop at the first evaluation.
local function discover(live, api)
  local word
  return function(...)
    word = word or require("tagline.discover.word").word(live, api)
    return word(...)
  end
end

return function(live, api)
  return {
    discover = discover(live, api),
    find = find.word(api),
    help = help.word(live, api),
    history = history.word(live),
    more = more.word,
    plot = history.plot_word(live, api),
    reload = live.reload,
    status = status.word(live),
    watch = watch.word(live),
  }
end

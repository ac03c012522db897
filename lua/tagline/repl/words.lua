--- The words of the REPL beside lines, stations, tags and those that look at messages, in one
--- table. Each is told of in tagline.repl.help_texts, and a spec checks that. `live` holds what
--- the core offers (core/repl/l_live.c), `api` is the table that they all end up in.
---
--- What a word needs is loaded when it is first called: some thirty modules together are too much
--- for one turn of the loop, which the first evaluation would hold.

local function word(module, maker, live, api)
  local made
  return function(...)
    made = made or require(module)[maker](live, api)
    return made(...)
  end
end

return function(live, api)
  return {
    discover = word("tagline.discover.word", "word", live, api),
    find = word("tagline.repl.find", "word", api),
    help = word("tagline.repl.help", "word", live, api),
    history = word("tagline.repl.history", "word", live, api),
    more = function(...) return require "tagline.repl.more".word(...) end,
    plot = word("tagline.repl.history", "plot_word", live, api),
    reload = live.reload,
    status = word("tagline.repl.status", "word", live),
    watch = word("tagline.repl.watch", "word", live),
  }
end

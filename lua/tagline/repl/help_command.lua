--- `tagline help WORD`: what help("WORD") says at the prompt, without a running process.
local help = require "tagline.repl.help"
local near = require "tagline.config.near"
local say = require "tagline.test.say"

local M = {}

-- What the program knows of running things: nothing runs here.
local nothing = { modules = function() return {} end }

function M.main(word)
  local core = require "tagline.core"
  local text = help.about(word, core, nothing)
  if text then
    print(text)
    return 0
  end
  local meant = near.find(word, help.names(core, nothing))
  say.error(("tagline help: there is nothing about '%s'%s (see 'tagline help')"):format(word,
    meant and ("; did you mean '%s'?"):format(meant) or ""))
  return 1
end

return M

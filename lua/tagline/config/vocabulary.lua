--- The words of a config: line, station, limits, every, after and the tag types, and what a word
--- that is not known becomes. They fill what tagline.config.load keeps; `self` is that.
local environment = require "tagline.config.environment"
local http = require "tagline.config.http"
local kinds = require "tagline.config.kinds"
local near = require "tagline.config.near"
local outlets = require "tagline.config.outlets"
local tag = require "tagline.config.tag"

local metatable = debug.getmetatable -- past __metatable

local function record_word(self, word, name, given, finish)
  local at = self:place(3)
  if not self.running then
    error(word .. ": lines and stations are made while the config loads; see reload()", 3)
  end
  if type(name) == "table" and name ~= self.poison and given == nil then
    self.problems:add { at = at,
      text = ('expected a name before the braces (%s "name" { … }), got none'):format(word),
      line = word == "station" and self.open[#self.open] or nil }
    return finish("?", at, name)
  elseif type(name) ~= "string" then
    if name ~= self.poison then
      self.problems:add { at = at, text = kinds.expected("a name behind " .. word, name),
        line = self.open[#self.open] }
    end
    name = "?"
  end
  local waiting = { word = word, name = name, at = at }
  if word == "line" then self.open[#self.open + 1] = waiting else self.waiting[waiting] = true end
  local function braces(fields, ...)
    self.waiting[waiting] = nil
    if word == "line" then
      for i = #self.open, 1, -1 do
        if self.open[i] == waiting then table.remove(self.open, i) end
      end
    end
    if fields == self.poison then return self.poison end
    if type(fields) ~= "table" or metatable(fields) ~= nil or select("#", ...) > 0 then
      self.problems:add { at = at, [word] = waiting,
        text = kinds.expected("braces with fields behind the name", fields),
        line = word == "line" and waiting or self.open[#self.open] }
      return self.poison
    end
    return finish(name, at, fields)
  end
  if given ~= nil then return braces(given) end
  return braces
end

--- every and after. While the config runs they are those of the api.
local function timer_word(self, kind, check)
  return function(seconds, fn)
    if not self.running then
      local live = (self.opts.api or {})[kind]
      if not live then error(kind .. ": only while the config loads", 2) end
      local well, why = pcall(live, seconds, fn)
      if not well then error(why, 2) end -- with the caller's line, not this one
      return
    end
    local at = self:place(2)
    local wrong = seconds ~= self.poison and check(seconds)
    if not wrong and fn ~= self.poison then
      wrong = kinds.handler(fn)
      if wrong then wrong = wrong .. " as the second value" end
    end
    if wrong then self.problems:add { at = at, field = kind, text = wrong } end
    self.timers[#self.timers + 1] = { kind = kind, seconds = seconds, fn = fn, at = at }
    return self.poison
  end
end

--- line, station, limits, every, after and the tag types.
local function vocabulary(self, words)
  function words.line(name, given)
    return (record_word(self, "line", name, given, function(...) return self.lines:check(...) end))
  end
  function words.station(name, given)
    return (record_word(self, "station", name, given, function(checked, at, fields)
      self.seq = self.seq + 1
      local st = self.checker:check(checked, at, fields, self.seq)
      st.line = self.open[#self.open]
      self.stations[#self.stations + 1] = st
      return st
    end))
  end
  for _, name in ipairs(tag.types) do words[name] = self.tags:word(name) end

  outlets.words(self, words)
  http.words(self, words)
  words.limits = self:word_once("limits", self.shapes.limits, function(one)
    self.limits = self.limits or {}
    for key, value in pairs(one) do self.limits[key] = value end
    if one.stall_time and self.opts.stall_time then self.opts.stall_time(one.stall_time) end
  end)
  words.every = timer_word(self, "every", kinds.seconds(0.001, 1e9))
  words.after = timer_word(self, "after", kinds.seconds(0, 1e9))
end

local function unknown_word(self, names)
  return function(_, name)
    if not self.running then error(("unknown word '%s'"):format(tostring(name)), 2) end
    local at = self:place(2)
    local key = ("%s\0%d\0%s"):format(at.file, at.line, tostring(name))
    if not self.unknown[key] then
      self.unknown[key] = true
      local text = ("unknown word '%s'"):format(tostring(name))
      if environment.closed[name] then
        text = ("'%s' is not available in a config (--unsafe opens it)"):format(name)
      else
        local meant = near.find(tostring(name), names)
        text = text .. (meant and ("; did you mean '%s'?"):format(meant)
          or " (a string needs quotes)")
      end
      self.problems:add { at = at, line = self.open[#self.open], text = text }
    end
    return self.poison
  end
end

return function(self)
  local words, open = {}, self.opts.unsafe and _G
  self.env = open and words or {}
  environment.library(words, self.opts.print or function(text) io.stderr:write(text, "\n") end)
  environment.words(words, self)
  vocabulary(self, words)
  for name, value in pairs(self.opts.api or {}) do
    if words[name] == nil then words[name] = value end
  end
  local names = {}
  for name in pairs(words) do names[#names + 1] = name end
  table.sort(names)
  local unknown = unknown_word(self, names)
  if not open then
    return environment.join(self.env, words, unknown, function() return self.running end)
  end
  words._G, words.string, words.math, words.os = words, string, math, os
  words.setmetatable, words.getmetatable = setmetatable, getmetatable
  setmetatable(words, { __metatable = false, __index = function(t, name)
    local value = open[name]
    if value ~= nil then return value end
    return unknown(t, name)
  end })
end

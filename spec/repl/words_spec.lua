--- spec/repl/words_spec.lua — the first evaluation of a process loads the table of words: what a
--- word needs comes when it is called, so that the loop is not held for all of them together.
describe("the words of the REPL", function()
  local function loaded()
    local names = {}
    for name in pairs(package.loaded) do
      if name:find "^tagline%.[%w_]+%." then names[#names + 1] = name end
    end
    return names
  end

  it("load what they need when they are first called", function()
    local before = loaded()
    for _, name in ipairs(before) do package.loaded[name] = nil end
    local api = { lines = {}, stations = {}, tags = {} }
    for name, word in pairs(require "tagline.repl.words"({}, api)) do api[name] = word end
    assert.same({ "tagline.repl.words" }, loaded())
    api.find("x")
    assert.is_not_nil(package.loaded["tagline.repl.find"])
    assert.is_nil(package.loaded["tagline.repl.status"])
  end)
end)

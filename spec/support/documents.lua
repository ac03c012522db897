-- What users read: README.md, lua/README.md, the pages of lua/doc/ and examples/README.md, and
-- their fenced blocks.
local files = require "spec.support.files"

local documents = {}

--- Paths of all documents for users, in the order of their names.
function documents.paths()
  local found = { "README.md", "examples/README.md", "lua/README.md" }
  local list = assert(io.popen "ls lua/doc/*.md")
  for path in list:lines() do found[#found + 1] = path end
  list:close()
  return found
end

--- All that is for users to look up, as one text.
function documents.reference()
  local texts = {}
  for _, path in ipairs(documents.paths()) do texts[#texts + 1] = files.read(path) end
  return table.concat(texts, "\n")
end

--- The fenced blocks of a text, in order: { language, info, body, line }; info is what stands
--- behind the language.
function documents.blocks(text)
  local found, open, number = {}, nil, 0
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    number = number + 1
    local language, info = line:match "^```(%w*) ?(.*)$"
    if open and line == "```" then
      open.body, open.lines = table.concat(open.lines, "\n") .. "\n", nil
      found[#found + 1], open = open, nil
    elseif open then
      table.insert(open.lines, line)
    elseif language then
      open = { language = language, info = info, line = number, lines = {} }
    end
  end
  assert(not open, "a block is not closed")
  return found
end

return documents

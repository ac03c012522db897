--- `tagline init`: writes the files of a new folder. That none of them is there yet, and that the
--- folders are, is the command's matter.
local files = require "tagline.init.files"

local main = {}

-- Where the library for editors is: beside these modules.
local function library()
  local here = debug.getinfo(1, "S").source:match "^@(.*)/tagline/init/main%.lua$"
  return (here or "/usr/share/tagline/lua") .. "/library"
end

local function json_text(s) return '"' .. s:gsub('[\\"]', "\\%0") .. '"' end

local function write(path, text)
  local file, why = io.open(path, "wb")
  if not file then return nil, why end
  local ok, failed = file:write(text)
  if not file:close() or not ok then
    return nil, ("%s: %s"):format(path, failed or "not written")
  end
  return true
end

--- Writes them all and prints their names; the exit code.
function main.main(folder)
  local made = {}
  for _, file in ipairs(files) do
    local text = file.text:gsub("LIBRARY", function() return json_text(library()) end)
    local path = folder .. "/" .. file.name
    local ok, why = write(path, text)
    if not ok then
      io.stderr:write("tagline init: ", why, "\n")
      for _, one in ipairs(made) do os.remove(one) end
      return 1
    end
    made[#made + 1] = path
  end
  for i, path in ipairs(made) do
    io.stdout:write(("%-24s %s\n"):format(path, files[i].doc))
  end
  local quoted = folder:find "[^%w_./-]" and "'" .. folder:gsub("'", "'\\''") .. "'" or folder
  local go = folder == "." and "" or "cd " .. quoted .. " && "
  io.stdout:write("\nNext: ", go, "tagline check plant.lua && tagline test\n")
  return 0
end

return main

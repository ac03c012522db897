-- The documents for users are true: their configs load, their commands and transcripts are run and
-- give what is shown, and their links lead somewhere.
local scenario = require "spec.support.scenario"
local documents, files, run, scope = scenario "documents files document_run scope"

--- The names by which a page's headings are linked to, as GitHub makes them.
local function anchors(text)
  local found, fenced = {}, false
  for line in text:gmatch "[^\n]+" do
    if line:find "^```" then fenced = not fenced end
    local heading = not fenced and line:match "^#+ (.*)$"
    if heading then
      found[heading:lower():gsub("[^%w%-_ \x80-\xff]", ""):gsub("…", ""):gsub(" ", "-")] = true
    end
  end
  return found
end

local function folder_of(path) return path:match "^(.*/)" or "" end

--- A path without "x/../".
local function plain(path)
  local before
  repeat before, path = path, path:gsub("[^/]+/%.%./", "", 1) until before == path
  return path
end

-- Pages whose blocks a spec of their own runs.
local elsewhere = { ["lua/doc/http.md"] = true }

describe("document", function()
  after_each(scope.finish)

  for _, path in ipairs(documents.paths()) do
    local text = files.read(path)

    if not elsewhere[path] then
      it(path .. " runs as it is written", function()
        local ok, why = pcall(run.document, path)
        local lacking = not ok and tostring(why):match "this program is built without [^:]+"
        if lacking then return pending(lacking) end
        if not ok then error(why, 0) end
      end)

      it(path .. " has no block without a fence", function()
        local before = ""
        for line in text:gsub("\n```.-\n```", ""):gmatch "([^\n]*)\n" do
          assert.falsy(before == "" and line:find "^    %S", line)
          before = line
        end
      end)
    end

    it(path .. " has links that lead somewhere", function()
      for target in text:gsub("\n```.-\n```", ""):gmatch "%]%(([^)]+)%)" do
        if not target:find "^https?://" then
          local file, anchor = target:match "^([^#]*)#?(.*)$"
          file = file == "" and path or plain(folder_of(path) .. file)
          local found, content = pcall(files.read, file)
          assert.is_true(found, path .. ": " .. target)
          if anchor ~= "" then
            assert.is_true(anchors(content)[anchor] == true, path .. ": " .. target)
          end
        end
      end
    end)
  end
end)

describe("a document's run", function()
  after_each(scope.finish)

  local function try(text)
    local path = scope.file("page.md", text)
    local ok, why = pcall(run.document, path)
    return ok, tostring(why)
  end

  it("fails where a command prints something else", function()
    local ok, why = try "```sh\n$ echo one\ntwo\n```\n"
    assert.is_false(ok)
    assert.truthy(why:find("page.md:1: $ echo one", 1, true), why)
    assert.is_true(try "```sh\n$ echo 'took 12 ms'\ntook 7.5 s\n```\n")
  end)

  it("fails where a config has a problem, and where a block says nothing of itself", function()
    local ok, why = try '```lua\nline "x" {}\n```\n'
    assert.is_false(ok)
    assert.truthy(why:find("without host", 1, true) or why:find("host", 1, true), why)
    assert.is_false(try "```text\nx\n```\n")
    assert.is_true(try "```text not-run: it is a drawing\nx\n```\n")
    assert.is_true(try '```lua in=tags\nt = Ai "JA=x"\n```\n')
  end)
end)

-- scripts/package/follow: what it runs, and that a difference fails.
local uv = require "luv"
local files = require "spec.support.files"
local process = require "spec.support.process"
local scope = require "spec.support.scope"

local follow = uv.cwd() .. "/scripts/package/follow"

local function try(text)
  local folder = scope.folder()
  files.write(folder .. "/page.md", text)
  local code, out, err = process.run(follow, { "page.md" }, { cwd = folder })
  return code, out .. err
end

describe("following a document", function()
  after_each(scope.finish)

  it("writes files, types commands, and takes numbers, ages and columns for alike", function()
    local code, text = try [[
# A page

```text file=list
one 1
```

```sh
$ cat list
one  7
$ echo 'age 12 ms, 2026-11-29T20:20:30.544Z'
age 3.5 s, 2025-01-01T00:00:00.000Z
```

```sh exit=3
$ echo no; exit 3
no
```

```sh commands
test -f list
```

```sh terminal=run
$ sh -c 'echo first; until [ -f next ]; do :; done; echo second; exec cat </dev/null'
first
```

```sh
$ touch next
```

```json terminal=run
second
```

```text not-run: a drawing
```
]]
    assert.equal(0, code, text)
    assert.truthy(text:find("8 blocks of page.md, as they are written", 1, true), text)
  end)

  it("fails at the line of the first difference", function()
    local code, text = try "# A page\n\n```sh\n$ echo one\ntwo\n```\n\n```sh\n$ touch never\n```\n"
    assert.equal(1, code)
    assert.truthy(text:find("page.md:3: echo one", 1, true), text)
    assert.equal(1, (try "```sh\n$ exit 1\n```\n"))
    assert.equal(1, (try "```sh exit=1\n$ true\n```\n"))
    assert.equal(1, (try "```sh commands\nfalse\n```\n"))
    assert.equal(1, (try "```sh terminal=x\n$ echo one\ntwo\n```\n"))
    assert.equal(1, (try "```what\n```\n"))
  end)
end)

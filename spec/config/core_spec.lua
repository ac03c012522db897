-- The checks of tagline.core that configs rely on: patterns, filters, masks, zones, addresses.
local core = require "tagline.core"

describe("tagline.core", function()
  it("knows topics and filters", function()
    assert.is_true(core.filter_check "a/+/#")
    assert.is_true(core.filter_check "$share/g/a")
    assert.same({ nil, 2 }, { (core.filter_check "a+/b"), select(3, core.filter_check "a/b+") - 1 })
    assert.is_true(core.topic_check "a/b")
    assert.is_nil((core.topic_check "a/+"))
    assert.is_true(core.filter_match("a/#", "a"))
    assert.is_true(core.filter_match("$share/g/a/+", "a/b"))
    assert.is_false(core.filter_match("#", "$SYS/x"))
  end)

  it("tells text from UTF-8 that is none", function()
    assert.same({ true, 3 }, { core.utf8 "añ" })
    assert.same({ false, 1 }, { core.utf8 "a\xff" })
  end)

  it("reads expressions: their groups, or where they break", function()
    assert.same({ count = 3, groups = { "a", "b" } }, core.regex("(?<b>x)(?<a>y)(z)", true))
    assert.same({ count = 0, groups = {} }, core.regex("x\\x{100}", false))
    local none, why, at = core.regex("a(b", true)
    assert.is_nil(none)
    assert.equal("missing closing parenthesis", why)
    assert.equal(3, at)
  end)

  it("knows plain addresses", function()
    assert.is_true(core.plain "plant/boiler-1/up")
    assert.is_false(core.plain "plant/.*")
  end)

  it("knows JSON addresses and time masks", function()
    for _, path in ipairs { "", "a.b", "[1].x", 'a["b.c"][2]' } do
      assert.is_true(core.json_path(path))
    end
    for _, path in ipairs { "a[0]", "a..b", "a[", "[x]" } do
      assert.is_nil((core.json_path(path)))
    end
    for _, mask in ipairs { "UNIX", "UNIXMS", "ISO8601", "yyyy-mm-dd hh:mi:ss.mss" } do
      assert.is_true(core.timemask(mask))
    end
    for _, mask in ipairs { "", "hb", "yyyy HH" } do assert.is_nil((core.timemask(mask))) end
  end)

  it("finds time zones, and none outside their folder", function()
    for _, name in ipairs { "UTC", "local", "+01:00", "-0530", "Europe/Bratislava" } do
      assert.is_true(core.zone(name))
    end
    for _, name in ipairs { "", "Mars/Base", "Europe", "../../../etc/passwd", "/etc/localtime",
      "+99:99", "a b", ("x"):rep(300),
      "Europe/../UTC", "zone.tab" } do
      local ok, why = core.zone(name)
      assert.is_nil(ok, name)
      assert.is_string(why)
    end
  end)

  it("raises on what is no text", function()
    for name, check in pairs(core) do assert.is_false((pcall(check, true)), name) end
  end)
end)

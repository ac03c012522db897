/* spec/sandbox/library_test.c — our own parts of Lua's library do what Lua's manual says (6.4 to
** 6.6), and the modules re and json what their documents say, also at their edges. */
#include "sandbox_support.h"

#define RE "local re = require 'tagline.re' "
#define JSON "local json = require 'tagline.json' "

static void patterns_of_pcre (void **unused) {
  (void)unused;
  static const char *const codes[] = {
    RE "assert(re.match('t=21.5', '=([0-9.]+)') == '21.5')",
    RE "assert(re.match('abc', 'b') == 'b' and re.match('abc', 'x') == nil)",
    RE "local a, b = re.match('b', '(a)?(b)') assert(a == nil and b == 'b')",
    RE
    "local from, to, x = re.find('a17b', '([0-9]+)') assert(from == 2 and to == 3 and x == '17')",
    RE "assert(re.find('aa', 'a', 2) == 2 and re.find('aa', 'a', -1) == 2)",
    RE "assert(re.find('a', 'a', 3) == nil and re.find('a', 'b') == nil)",
    RE "assert(re.find('äb', 'b', 2) == 3)", /* in the middle of a letter: the next one */
    RE "assert(re.match('\\xff1', '[0-9]') == '1')",
    RE "local t = {} for w in re.gmatch('a1 b2', '[a-z]([0-9])') do t[#t + 1] = w end "
       "assert(table.concat(t, ',') == '1,2')",
    RE "local n = 0 for w in re.gmatch('äö', '') do n = n + 1 end assert(n == 3)",
    RE "local n = 0 for w in re.gmatch('\\xff\\xfe', '') do n = n + 1 end assert(n == 3)",
    RE "assert(re.gsub('a1b2', '[0-9]', 'x') == 'axbx')",
    RE "local s, n = re.gsub('abc', 'x*', '-') assert(s == '-a-b-c-' and n == 4)",
    RE "local s, n = re.gsub('aaa', 'a', 'b', 2) assert(s == 'bba' and n == 2)",
    RE "assert(re.gsub('äö', '', '.') == '.ä.ö.')",
    RE "assert(re.gsub('k=1 k=2', 'k=([0-9])', function(d) return d * 10 end) == '10 20')",
    RE "assert(re.gsub('a b', '[ab]', { a = 'x' }) == 'x b')",
    RE "assert(re.gsub('k1 k2', 'k([0-9])', { ['1'] = 'one', ['2'] = false }) == 'one k2')",
    RE "assert(re.gsub('b', '(a)?b', { x = 1 }) == 'b')", /* a group that took no part */
    RE "assert(re.gsub('ab', '.', function() return nil end) == 'ab')",
    RE "assert(re.gsub('ab', '(.)', '%1') == '%1%1')", /* taken literally */
    RE "for i = 1, 500 do assert(re.match('a' .. i, 'a' .. i)) end assert(re.match('a1', 'a1'))",
  };
  static const raising errors[] = {
    { RE "re.match('a', '(')", "pattern, byte" },
    { RE "re.match({}, 'a')", "string expected" },
    { RE "re.gsub('a', 'a', true)", "string/function/table expected" },
    { RE "re.gsub('a', 'a', function() return {} end)", "invalid replacement value (a table)" },
    { RE "re.gsub('a', 'a')", "string/function/table expected" },
    { RE "re.match(('a'):rep(60), '(a|aa)+[^a]')", "too many steps" },
  };
  all_hold(codes, COUNT(codes));
  all_raise(errors, COUNT(errors));
}

static void functions_of_string (void **unused) {
  (void)unused;
  static const char *const codes[] = {
    "assert(('x'):rep(3, ',') == 'x,x,x' and ('x'):rep(0) == '' and (''):rep(9) == '')",
    "local s = ('ab'):rep(200000, '-') assert(#s == 599999 and s:sub(-3) == '-ab')",
    "local s = ('0123456789'):rep(300000) assert(#s == 3000000 and s:sub(-10) == '0123456789')",
    "assert(('a%b'):gsub('%%', '%%%%') == 'a%%b')",
    "assert(('ab'):gsub('(a)(b)', '%2%1%0') == 'baab')",
    "assert(('ab'):gsub('()b', '%1') == 'a2')",
    "assert(('ab'):gsub('', '-') == '-a-b-' and ('ab'):gsub('^a', 'x') == 'xb')",
    "assert(('ab'):gsub('%w', { a = 1 }) == '1b' and ('ab'):gsub('%w', function() end) == 'ab')",
    "assert(('x'):rep(9):gsub('x', 'y', 3) == 'yyyxxxxxx')",
    "local s = ('ab'):rep(1000) assert(s:gsub('c', '') == s)",
    "assert(string.pack('c3c2', 'abc', 'd') == 'abcd\\0' and string.packsize('i4') == 4)",
    "assert(string.unpack('<i2', '\\1\\0') == 1 and ('%5.1f'):format(2.25) == '  2.2')",
    "assert(('%q'):format('a\\n') == '\"a\\\\\\n\"' and ('aB'):upper():lower() == 'ab')",
    "assert(('ab'):reverse() == 'ba' and utf8.len('äb') == 2 and utf8.char(228) == 'ä')",
    "assert(utf8.offset('äb', 2) == 3 and os.date('!%Y', 0) == '1970' and os.date())",
    "assert(string.dump == nil and getmetatable('') == 'string')",
  };
  static const raising errors[] = {
    { "('x'):rep(math.maxinteger)", "resulting string too large" },
    { "('xy'):rep(math.maxinteger // 2 + 1)", "resulting string too large" },
    { "('x'):rep(2, ('y'):rep(1000000)):rep(1 << 50)", "resulting string too large" },
    { "('x'):gsub('x', '%')", "invalid use of '%' in replacement" },
    { "('x'):gsub('x', true)", "string/function/table expected" },
    { "('x'):gsub('x', function() return {} end)", "invalid replacement value (a table)" },
    { "string.pack(('i'):rep(4097), 1)", "format is longer than 4096 bytes" },
    { "string.pack('c99999999999999999999', '')", "resulting string too large" },
    { "string.pack('c9999999999c9999999999', '')", "resulting string too large" },
    { "os.date(('%Y'):rep(3000))", "format is longer than 4096 bytes" },
    { "string.packsize(('b'):rep(5000))", "format is longer than 4096 bytes" },
  };
  all_hold(codes, COUNT(codes));
  all_raise(errors, COUNT(errors));
}

static void functions_of_table (void **unused) {
  (void)unused;
  static const char *const codes[] = {
    "local t = { 1, 2 } table.insert(t, 3) table.insert(t, 1, 0) assert(table.concat(t) == '0123')",
    "local t = { 1, 2, 3 } assert(table.remove(t, 1) == 1 and table.remove(t) == 3 and #t == 1)",
    "local t = {} assert(table.remove(t) == nil and table.remove(t, 0) == nil)",
    "local t = { 1, 2, 3 } table.move(t, 1, 3, 2) assert(table.concat(t) == '1123')",
    "local t = { 1, 2, 3 } table.move(t, 2, 3, 1) assert(table.concat(t) == '233')",
    "local t = table.move({ 1, 2, 3 }, 1, 3, 2, { 9 }) assert(table.concat(t) == '9123')",
    "local t = { 1, 2, 3 } table.move(t, 1, 3, 2, t) assert(table.concat(t) == '1123')",
    "local t = { 1 } assert(table.move(t, 2, 1, 5) == t)",
    "assert(table.concat({ 1, 'a', 2.5 }, '-') == '1-a-2.5' and table.concat({}, 'x') == '')",
    "assert(table.concat({ 1, 2, 3 }, ',', 2) == '2,3' and table.concat({ 1 }, ',', 2, 1) == '')",
    "local t = { 3, 1, 2 } table.sort(t) assert(table.concat(t) == '123')",
    "local t = { 3, 1, 2 } table.sort(t, function(a, b) return a > b end) "
    "assert(table.concat(t) == '321')",
    "local t = {} table.sort(t) t = { 1 } table.sort(t, 5) assert(t[1] == 1)",
    "local p = setmetatable({}, { __index = function(_, i) return i < 3 and i or nil end, "
    "__len = function() return 2 end }) assert(table.concat(p, ',') == '1,2')",
  };
  static const raising errors[] = {
    { "table.insert({ 1 }, 3, 9)", "position out of bounds" },
    { "table.insert({ 1 }, 0, 9)", "position out of bounds" },
    { "table.insert({}, 1, 2, 3)", "wrong number of arguments" },
    { "table.remove({ 1 }, 3)", "position out of bounds" },
    { "table.move({}, -1, math.maxinteger, 2)", "too many elements to move" },
    { "table.move({}, 1, 3, math.maxinteger)", "destination wrap around" },
    { "table.concat({ {} })", "invalid value (at index 1) in table for 'concat'" },
    { "table.concat(5)", "table expected" },
    { "table.insert(setmetatable({}, { __len = function() return 'x' end }), 1)", "integer" },
    { "table.sort(setmetatable({}, { __len = function() return 1 << 40 end }))", "too big" },
    { "table.sort({ 1, 2 }, 5)", "function expected" },
    { "table.sort({ 1, 'x' })", "attempt to compare" },
  };
  all_hold(codes, COUNT(codes));
  all_raise(errors, COUNT(errors));
}

static void calls_and_coroutines (void **unused) {
  (void)unused;
  static const char *const codes[] = {
    "assert(select('#', pcall(function() return 1, nil, 3 end)) == 4)",
    "local ok, why = pcall(error, 'x') assert(not ok and why == 'x')",
    "assert(pcall(pcall) == false)",
    "local ok, why = xpcall(function() error('x', 0) end, function(e) return e .. '!' end) "
    "assert(not ok and why == 'x!')",
    "assert(xpcall(function(a, b) return a + b end, print, 1, 2) and true)",
    "local ok, a, b = coroutine.resume(coroutine.create(function(...) return ... end), 1, 2) "
    "assert(ok and a == 1 and b == 2)",
    "local co = coroutine.create(function() error 'x' end) local ok, why = coroutine.resume(co) "
    "assert(not ok and why == 'code:1: x' and coroutine.status(co) == 'dead')",
    "local co = coroutine.create(function() coroutine.yield(5) end) "
    "assert(select(2, coroutine.resume(co)) == 5 and coroutine.resume(co))",
    "local co = coroutine.create(function() coroutine.yield() end) coroutine.resume(co) "
    "assert(coroutine.close(co) and coroutine.status(co) == 'dead')",
    "local co = coroutine.create(function() local x <close> = setmetatable({}, "
    "{ __close = function() error 'closing' end }) coroutine.yield() end) coroutine.resume(co) "
    "local ok, why = coroutine.close(co) assert(not ok and why:find 'closing')",
    "local f = coroutine.wrap(function() local x <close> = setmetatable({}, "
    "{ __close = function() closed = true end }) error({ 7 }) end) "
    "local ok, why = pcall(f) assert(not ok and why[1] == 7 and closed)",
    "local ok, why = pcall(coroutine.wrap(function() error 'x' end)) assert(why:find 'x')",
    "local f = coroutine.wrap(function() end) f() local ok, why = pcall(f) "
    "assert(not ok and why:find 'dead coroutine')",
    "local ok, why = coroutine.resume(coroutine.running()) assert(not ok and why)",
  };
  static const raising errors[] = {
    { "coroutine.resume(5)", "coroutine expected" },
    { "coroutine.wrap(5)", "function expected" },
    { "coroutine.close(coroutine.running())", "cannot close a running coroutine" },
    { "local co co = coroutine.create(function() coroutine.wrap(function() coroutine.close(co) "
      "end)() "
      "end) assert(coroutine.resume(co))",
      "cannot close a normal coroutine" },
    { "xpcall(print, 5)", "function expected" },
    { "local function again() local co = coroutine.create(function() local x <close> = "
      "setmetatable({}, { __close = again }) coroutine.yield() end) coroutine.resume(co) "
      "assert(coroutine.close(co)) end again()",
      "C stack overflow" },
    { "coroutine.wrap(function() coroutine.wrap(function() error('deep', 0) end)() end)()",
      "deep" },
  };
  all_hold(codes, COUNT(codes));
  all_raise(errors, COUNT(errors));
}

static void documents_in_json (void **unused) {
  (void)unused;
  static const char *const codes[] = {
    JSON "assert(json.encode { 1, 'a', true, false, json.null } == '[1,\"a\",true,false,null]')",
    JSON "assert(json.encode { a = 1 } == '{\"a\":1}' and json.encode {} == '{}')",
    JSON "assert(json.encode { [5] = 1, x = 2 }:find '\"5\":1')",
    JSON "assert(json.encode { [1.5] = 1 } == '{\"1.5\":1}' and json.encode { [-1] = 2 } == "
         "'{\"-1\":2}')",
    JSON "assert(json.encode { [3] = 1 } == '[null,null,1]')",
    JSON "assert(json.encode 'a\"\\\\\\n\\1ä' == '\"a\\\\\"\\\\\\\\\\\\n\\\\u0001ä\"')",
    JSON "assert(json.encode(1 << 62) == '4611686018427387904' and json.encode(0.5) == '0.5')",
    JSON "local s = json.encode(('x'):rep(10000)) assert(#s == 10002)",
    JSON "assert(json.decode '[1,2.5,\"x\",null,{\"a\":[]}]'[5].a)",
    JSON "local a, b, c = json.pick { 'a.b', '?c', 'd' } '{\"a\":{\"b\":7},\"c\":null}' "
         "assert(a == 7 and b == nil and c == nil)",
    JSON "local a = json.pick { '?a' } '{\"a\":0}' assert(a == true)",
  };
  static const raising errors[] = {
    { JSON "json.encode(0/0)", "must not be NaN or Infinity" },
    { JSON "json.encode { [1] = 1, [1000] = 2 }", "excessively sparse array" },
    { JSON "json.encode { [{}] = 1 }", "table key must be a number or string" },
    { JSON "json.encode { [true] = 1 }", "table key must be a number or string" },
    { JSON "json.encode(print)", "cannot serialise function: type not supported" },
    { JSON "json.encode(coroutine.create(print))", "type not supported" },
    { JSON "json.encode '\\xff'", "not UTF-8 (byte 1)" },
    { JSON "json.encode()", "expected 1 argument" },
    { JSON "json.encode(1, 2)", "expected 1 argument" },
    { JSON "local t = {} t[1] = t json.encode(t)", "excessive depth" },
    { JSON "json.decode '{'", "the text is not JSON: line 1, column 2" },
    { JSON "json.decode()", "string expected" },
    { JSON "json.pick {}", "expected 1 to" },
    { JSON "json.pick { 5 }", "address 1: expected a string, got number" },
    { JSON "json.pick { 'a', ('x'):rep(1001) }", "address 2: expected at most 1000 bytes" },
    { JSON "json.pick { 'a[' }", "address 1:" },
    { JSON "json.pick { 'a' } '{'", "the text is not JSON" },
    { JSON "json.pick { 'a' }('{', 'the reply')", "the reply is not JSON" },
    { JSON "json.pick { 'a' } (5)", "string expected" },
  };
  all_hold(codes, COUNT(codes));
  all_raise(errors, COUNT(errors));
}

#define SPEC(f) cmocka_unit_test_setup_teardown(f, begin_box, end_box)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(patterns_of_pcre),     SPEC(functions_of_string), SPEC(functions_of_table),
    SPEC(calls_and_coroutines), SPEC(documents_in_json),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

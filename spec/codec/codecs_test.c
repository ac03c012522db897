/* spec/codec/codecs_test.c — what codecs do in C: each reads what is usual, and gives nothing at
** the first thing that is rare or wrong, so that the Lua module finds the words. */
#include "codec/codec.h"
#define MORE_MODULES tl_open_codecs
#include "sandbox/sandbox_support.h"

/* --- entries of a device's frame --- */

#define ENTRIES                                                                         \
  "local add, read, one, frame, clear = require 'tagline.entries'.new(1) "              \
  "add(1, { { 't', '>i2', 10 } }) add(2, { { 'on', '>I1', bool = true } }) "            \
  "add(3, { { '', '>I1' }, { 'n', '<I4' } }) add(4, { { 'd', '<d', finite = true } }) " \
  "add(5, { { 'f', '>f', 2 } }) add(6, { { 'x', '>d' } }) "

static void entries_of_a_frame (void **unused) {
  (void)unused;
  static const char *const codes[] = {
    ENTRIES "local t = frame('\\1\\xff\\x9c\\2\\1') assert(t.t == -10 and t.on == true)",
    ENTRIES "local t = frame('\\2\\5') assert(t.on.status == 'invalid' and t.on.value == 5)",
    ENTRIES "local t = frame('\\3\\9\\1\\0\\0\\0') assert(t.n == 1 and next(t) == 'n')",
    ENTRIES "local t = frame('\\4' .. string.pack('<d', 1/0)) assert(t.d.status == 'invalid')",
    ENTRIES "assert(frame('\\4' .. string.pack('<d', 1.5)).d == 1.5)",
    ENTRIES "assert(frame('\\5' .. string.pack('>f', 3)).f == 1.5)",
    ENTRIES "assert(frame('\\6' .. string.pack('>d', 1/0)).x == 1/0)",
    ENTRIES
    "local t = frame('\\1\\0\\1\\2\\0', { on = true }) assert(t.t == nil and t.on == false)",
    ENTRIES
    "local t = { old = 1 } assert(frame('\\2\\0', nil, t) == t and t.on == false and t.old)",
    ENTRIES "assert(frame '' == nil and frame '\\9' == nil and frame '\\1\\0' == nil)",
    ENTRIES "assert(frame(('\\2\\0'):rep(1000)) == nil)", /* longer than any frame */
    ENTRIES "local t = {} assert(read('\\2\\1\\1\\0\\10\\9', 1, t) == 6 and t.on and t.t == 1)",
    ENTRIES "local t = {} assert(read('\\2\\1', 3, t) == 3 and next(t) == nil)",
    ENTRIES "local t = {} assert(one('\\0\\20', 1, t, 1) == 3 and t.t == 2)",
    ENTRIES "local t = {} assert(one('\\0', 1, t, 1) == nil and one('\\0', 1, t, 77) == nil)",
    ENTRIES "clear() assert(frame '\\2\\0' == nil) add(2, { { 'y', '<i1' } }) "
            "assert(frame('\\2\\xff').y == -1)",
    ENTRIES "add(2, { { 'z', '>I1' } }) assert(frame('\\2\\7').z == 7)", /* defined again */
    ENTRIES "for i = 10, 250 do add(i, { { 'k' .. i, '>I1' } }) end "
            "for i = 10, 250 do assert(frame(string.char(i, 7))['k' .. i] == 7) end "
            "assert(frame('\\2\\1').on == true)",
    "local add, _, _, frame = require 'tagline.entries'.new(2) add(0x0102, { { 'v', '>I8' } }) "
    "assert(frame('\\1\\2' .. ('\\0'):rep(7) .. '\\5').v == 5 and frame '\\1' == nil)",
  };
  static const raising errors[] = {
    { "require 'tagline.entries'.new(3)", "expected 1 or 2" },
    { "require 'tagline.entries'.new(0)", "expected 1 or 2" },
    { ENTRIES "read('a', 0, {})", "no such place" },
    { ENTRIES "one('a', 3, {}, 1)", "no such place" },
    { ENTRIES "add(1, {})", "too many parts" },
    { ENTRIES "local t = {} for i = 1, 300 do t[i] = { 'a', '>i1' } end add(1, t)",
      "too many parts" },
    { ENTRIES "add(1, { { 'a', 'i2' } })", "expected a format such as \">i2\", got 'i2'" },
    { ENTRIES "add(1, { { 'a', '>i9' } })", "expected a format" },
    { ENTRIES "add(1, { { 'a', '>i22' } })", "expected a format" },
    { ENTRIES "add(1, { { 'a', '>i' } })", "expected a format" },
    { ENTRIES "add(1, { { 'a', '>z' } })", "expected a format" },
    { ENTRIES "add(1, { { 'a', '>f4' } })", "expected a format" },
    { ENTRIES "add(1, { 5 })", "table expected" },
  };
  all_hold(codes, COUNT(codes));
  all_raise(errors, COUNT(errors));
}

/* --- bytes --- */

#define BYTES "local b = require 'tagline.bytes' "

static void texts_of_bytes (void **unused) {
  (void)unused;
  static const char *const codes[] = {
    BYTES "for _, t in ipairs { '', 'a', 'ab', 'abc', 'abcd' } do "
          "assert(b.base64_decode(b.base64_encode(t)) == t) end",
    BYTES "for _, t in ipairs { 'a', 'ab=c', 'YQ=a', 'YR==', 'YWK=', 'Y!==', 'YW!=', 'YWJ!', "
          "'====', 'YQ==YQ==', '!QQQYQ==' } do assert(b.base64_decode(t) == nil, t) end",
    BYTES "local long = ('x'):rep(9000) assert(b.base64_decode(b.base64_encode(long)) == long)",
    BYTES "assert(b.hex_decode '0aFf' == '\\10\\255' and b.hex_decode '' == '')",
    BYTES "for _, t in ipairs { '0', '0g', 'g0', '0/', '0:', '0@', '0`' } do "
          "assert(b.hex_decode(t) == nil, t) end",
  };
  all_hold(codes, COUNT(codes));
}

/* --- zlib --- */

#define ZLIB                                                                                 \
  "local z = require 'tagline.zlib' "                                                        \
  "local gz = '\\31\\139\\8\\0\\0\\0\\0\\0\\2\\3\\75\\4\\0\\67\\190\\183\\232\\1\\0\\0\\0' " \
  "local wrapped = '\\120\\156\\75\\4\\0\\0\\98\\0\\98' "

static void compressed_texts (void **unused) {
  (void)unused;
  static const char *const codes[] = {
    ZLIB "assert(z.gunzip(gz) == 'a' and z.gunzip(gz .. gz) == 'aa')",
    ZLIB "assert(z.inflate(wrapped) == 'a' and z.inflate '\\75\\4\\0' == 'a')",
    ZLIB "assert(z.inflate('xx' .. wrapped .. 'y', 10, 3, 2 + #wrapped) == 'a')",
    ZLIB "local v, why, at = z.gunzip(gz .. 'x') assert(not v and at == #gz + 1 and why:find "
         "'expected the end of the compressed data, got 1 more')",
    ZLIB "local v, why = z.inflate(wrapped .. wrapped) assert(not v and why:find 'the end of')",
    ZLIB "local v, why = z.gunzip(gz:sub(1, -3)) assert(not v and why:find 'got the end')",
    ZLIB "local v, why = z.gunzip '' assert(not v and why:find 'got the end')",
    ZLIB "local v, why, at = z.gunzip 'abcdef' assert(not v and why:find 'incorrect header')",
    ZLIB "local v, why = z.gunzip(gz:sub(1, -9) .. '\\0' .. gz:sub(-7)) "
         "assert(not v and why:find 'incorrect data check')",
    ZLIB "local v, why = z.gunzip(gz, 0) assert(not v and why:find 'at most 0 bytes')",
    ZLIB "local v, why = z.inflate '\\120\\187\\0\\0\\0\\0' assert(not v and why:find 'preset')",
  };
  static const raising errors[] = {
    { ZLIB "z.gunzip(gz, -1)", "expected bytes, from 0 to 2^32" },
    { ZLIB "z.gunzip(gz, 1 << 33)", "expected bytes, from 0 to 2^32" },
    { ZLIB "z.gunzip(gz, 9, 0)", "expected a byte of the string" },
    { ZLIB "z.gunzip(gz, 9, 99)", "expected a byte of the string" },
    { ZLIB "z.gunzip(gz, 9, 5, 3)", "expected a byte of the string" },
    { ZLIB "z.gunzip(gz, 9, 1, 99)", "expected a byte of the string" },
  };
  all_hold(codes, COUNT(codes));
  all_raise(errors, COUNT(errors));
}

/* --- Protocol Buffers --- */

#define PROTOBUF                                                                               \
  "local inner = { [1] = { 'v', 'uint32' } } "                                                 \
  "local read = require 'tagline.protobuf'.reader { [1] = { 'n', 'count' }, "                  \
  "[2] = { 'list', 'uint64', list = true }, [3] = { 'f', 'float' }, [4] = { 'd', 'double' }, " \
  "[5] = { 's', 'string', place = true }, [6] = { 'on', 'bool' }, "                            \
  "[7] = { 'inner', 'message', list = true, message = inner }, "                               \
  "[8] = { 'one', 'uint64', oneof = true }, [9] = { 'two', 'bytes', oneof = true } } "

static void messages_by_a_schema (void **unused) {
  (void)unused;
  static const char *const codes[] = {
    PROTOBUF "local m = read '' assert(m.at == 1 and #m.list == 0 and #m.inner == 0)",
    PROTOBUF "local m = read '\\8\\7\\48\\1' assert(m.n == 7 and m.on == true)",
    PROTOBUF "local m = read '\\16\\1\\16\\2' assert(m.list[1] == 1 and m.list[2] == 2)",
    PROTOBUF
    "local m = read '\\18\\3\\1\\2\\3' assert(#m.list == 3 and m.list[3] == 3)", /* packed */
    PROTOBUF "local m = read('\\29' .. string.pack('<f', 1.5) .. '\\33' .. string.pack('<d', 2.5)) "
             "assert(m.f == 1.5 and m.d == 2.5)",
    PROTOBUF "local m = read '\\42\\2ab' assert(m.s == 'ab' and m.s_at == 3)",
    PROTOBUF "local m = read '\\58\\2\\8\\5\\58\\0' assert(m.inner[1].v == 5 and m.inner[2].at)",
    PROTOBUF "local m = read '\\64\\9' assert(m.wire == 'one' and m.wire_value == 9)",
    PROTOBUF "local m = read '\\64\\9\\74\\1x' assert(m.wire == 'two' and m.wire_value == 'x')",
    PROTOBUF "local m = read '\\160\\1\\5\\165\\2\\0\\0\\0\\0' assert(m.at)", /* unknown: skipped */
    PROTOBUF "for _, wrong in ipairs { '\\8', '\\8\\x80', '\\9\\0', '\\18\\2\\1', '\\18\\1\\x80', "
             "'\\29\\0', '\\33\\0', '\\42\\5a', '\\58\\5', '\\58\\1\\8', '\\3', '\\0\\1', "
             "'\\8' .. ('\\xff'):rep(9) .. '\\1', '\\8' .. ('\\xff'):rep(10), '\\10\\1a', "
             "'\\58\\7\\8\\x80\\x80\\x80\\x80\\x20\\0' } do assert(read(wrong) == nil, wrong) end",
    "local deep = { [2] = { 's', 'string' } } deep[1] = { 'm', 'message', message = deep } "
    "local read = require 'tagline.protobuf'.reader(deep) local text = '' "
    "for i = 1, 30 do text = '\\10' .. string.char(#text) .. text end assert(read(text)) "
    "for i = 1, 5 do text = '\\10' .. string.char(#text) .. text end assert(not read(text))",
  };
  static const raising errors[] = {
    { "require 'tagline.protobuf'.reader { { 'a', 'int7' } }", "unknown kind int7" },
    { "require 'tagline.protobuf'.reader { { 'a' } }", "unknown kind nil" },
    { "require 'tagline.protobuf'.reader { { nil, 'bool' } }", "a field without a name" },
    { "require 'tagline.protobuf'.reader { { 'a', 'message' } }", "table expected" },
    { "local t = { { 'a', 'bool' } } for i = 1, 30 do t = { { 'm', 'message', message = t } } end "
      "require 'tagline.protobuf'.reader(t)",
      "too many messages" },
  };
  all_hold(codes, COUNT(codes));
  all_raise(errors, COUNT(errors));
}

/* --- plain metrics of Sparkplug --- */

/* told(TYPE): a reader of one metric "m", alias 5; payload(METRIC…): bytes of a message. */
#define METRICS                                                                       \
  "local function wrap(r) return { "                                                  \
  "read = function(_, ...) local v, seq, at = r:read(...) "                           \
  "if v then return v:samples(), seq, at end end, "                                   \
  "tell = function(_, ...) return r:tell(...) end } end "                             \
  "local function told(type, tag) local r = require 'tagline.metrics'.reader() "      \
  "assert(r:tell('m', 5, type, tag == nil and 't' or tag)) return wrap(r) end "       \
  "local function payload(...) local t = {} for i, m in ipairs { ... } do "           \
  "t[i] = '\\18' .. string.char(#m) .. m end return table.concat(t) end "             \
  "local A = '\\16\\5' "                                                              \
  "local function value(type, field) local s = told(type):read(payload(A .. field)) " \
  "return s and s[1].t.value end "

static void plain_metrics (void **unused) {
  (void)unused;
  static const char *const codes[] = {
    METRICS "assert(value(1, '\\80\\x7f') == 127 and value(1, '\\80\\xff\\1') == -1)",
    METRICS "assert(value(1, '\\80\\xff\\xff\\xff\\xff\\15') == -1)", /* as 32 bits */
    METRICS "assert(value(1, '\\80\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\1') == -1)",
    METRICS "assert(value(1, '\\80\\x80\\2') == nil)", /* 256 */
    METRICS "assert(value(2, '\\80\\x80\\2') == 256 and value(3, '\\80\\1') == 1)",
    METRICS "assert(value(4, '\\88\\1') == 1 and value(4, '\\80\\xff\\xff\\xff\\xff\\15') == nil)",
    METRICS "assert(value(5, '\\80\\xff\\1') == 255 and value(5, '\\80\\x80\\2') == nil)",
    METRICS "assert(value(7, '\\88\\1') == 1 and value(8, '\\88\\2') == 2)",
    METRICS "assert(value(8, '\\88' .. ('\\xff'):rep(9) .. '\\1') == nil)",
    METRICS
    "assert(value(9, '\\101' .. string.pack('<f', 1.5)) == 1.5 and value(9, '\\80\\1') == nil)",
    METRICS "assert(value(10, '\\105' .. string.pack('<d', 2.5)) == 2.5)",
    METRICS "assert(value(11, '\\112\\1') == true and value(11, '\\80\\1') == nil)",
    METRICS "assert(value(12, '\\122\\2hi') == 'hi' and value(12, '\\80\\1') == nil)",
    METRICS "assert(value(13, '\\88\\xe8\\7') == 1 and value(3, '\\122\\1x') == nil)",
    METRICS "local s, seq, at = told(3):read('\\8\\xe8\\7\\24\\9' .. payload(A .. '\\80\\1')) "
            "assert(s[1].t.time == 1 and seq == 9 and at == 1000)",
    METRICS "local s = told(3):read(payload(A .. '\\24\\xd0\\15\\80\\1')) assert(s[1].t.time == 2)",
    METRICS "local s = told(3):read(payload(A .. '\\56\\1')) assert(s[1].t.status == 'invalid')",
    METRICS "local s = told(3):read(payload(A)) assert(s[1].t.reason == 'type')",
    METRICS "local s = told(3):read(payload('\\10\\1m\\80\\1')) assert(s[1].t.value == 1)",
    METRICS "local s = told(3):read(payload(A .. '\\80\\1', A .. '\\80\\2')) "
            "assert(#s == 2 and s[2].t.value == 2)",
    METRICS "local s = told(3, false):read(payload(A .. '\\80\\1', A .. '\\80\\2')) "
            "assert(#s == 1 and next(s[1]) == nil)",
    METRICS "local r = told(3) local old = payload(A .. '\\40\\1\\80\\1') "
            "assert(r:read(old) == nil and r:read(old, true)[1].t.value == 1)",
    METRICS "local r = told(3) for i = 10, 60 do assert(r:tell('n' .. i, i, 3, 'k' .. i)) end "
            "assert(r:read(payload('\\16\\60\\80\\7'))[1].k60.value == 7)",
    METRICS
    "local r = wrap(require 'tagline.metrics'.reader()) assert(r:tell('m', nil, 3, 't')) "
    "assert(r:read(payload('\\10\\1m\\80\\1')) and not r:read(payload('\\10\\1m\\16\\5\\80\\1')))",
    METRICS "local r = told(3) assert(not r:tell('x', 1, 0, 't') and not r:tell('x', 1, 16, 't'))",
    METRICS "local s = told(3):read(payload(A .. '\\48\\1\\32\\3\\80\\1\\160\\1\\7')) "
            "assert(s[1].t.value == 1)", /* transient, its datatype, an unknown field */
  };
  all_hold(codes, COUNT(codes));
}

static void metrics_that_are_rare_or_wrong_are_left_to_lua (void **unused) {
  (void)unused;
  static const char *const codes[] = {
    METRICS
    "for _, wrong in ipairs { '\\80', '\\16', '\\10\\5a', '\\81\\0', '\\66\\0', '\\24', "
    "'\\24' .. ('\\xff'):rep(9) .. '\\1', '\\32\\x80', '\\40', '\\48', '\\56', '\\101\\0', "
    "'\\105\\0', '\\122\\9', '\\112', '\\130\\0', '\\32\\4\\80\\1', '\\160', '\\165\\1\\0', "
    "'\\161\\1\\0', '\\162\\1\\9', '\\3', '\\80\\x80\\x80\\x80\\x80\\x20' } do "
    "assert(not told(3):read(payload(A .. wrong)), ('%q'):format(wrong)) end",
    METRICS "for _, wrong in ipairs { '\\16\\6\\80\\1', '\\10\\1x\\80\\1', '\\80\\1' } do "
            "assert(not told(3):read(payload(wrong)), wrong) end",
    METRICS "for _, wrong in ipairs { '\\18', '\\18\\5a', '\\16\\1', '\\8', '\\10\\0', '\\25\\0', "
            "'\\34\\1x', '\\42\\1x', '\\3', '\\50', '\\24' .. ('\\xff'):rep(9) .. '\\1' } do "
            "assert(not told(3):read(wrong), ('%q'):format(wrong)) end",
    METRICS "assert(told(3):read('\\50\\1x\\18\\4\\16\\5\\80\\1')[1].t.value == 1)",
  };
  static const raising errors[] = {
    { METRICS "told(3):read()", "string expected" },
    { "require 'tagline.metrics'.reader().read(5, '')", "tagline.metrics expected" },
    { METRICS "told(3):tell(5, 1, 3)", "string expected" },
  };
  all_hold(codes, COUNT(codes));
  all_raise(errors, COUNT(errors));
}

#define SPEC(f) cmocka_unit_test_setup_teardown(f, begin_box, end_box)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(entries_of_a_frame), SPEC(texts_of_bytes),
    SPEC(compressed_texts),   SPEC(messages_by_a_schema),
    SPEC(plain_metrics),      SPEC(metrics_that_are_rare_or_wrong_are_left_to_lua),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

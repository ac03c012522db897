/* spec/base/utf8_test.c — UTF-8 against the definition, decoded the slow way. */
#include "base_support.h"

#include "base/utf8.h"

/* The definition, another way round: decode, then ask whether the shortest encoding of the
** result is what stands there. */
static size_t naive_sequence (const uint8_t *at, size_t len) {
  size_t n = at[0] < 0x80             ? 1
             : (at[0] & 0xE0) == 0xC0 ? 2
             : (at[0] & 0xF0) == 0xE0 ? 3
             : (at[0] & 0xF8) == 0xF0 ? 4
                                      : 0;
  if (n == 0 || n > len) return 0;
  uint32_t c = n == 1 ? at[0] : at[0] & (0x7Fu >> n);
  for (size_t i = 1; i < n; i++) {
    if ((at[i] & 0xC0) != 0x80) return 0;
    c = c << 6 | (at[i] & 0x3F);
  }
  if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) return 0;
  size_t shortest = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  return n == shortest ? n : 0;
}

static size_t naive_prefix (const uint8_t *at, size_t len) {
  size_t i = 0, n;
  while (i < len && (n = naive_sequence(at + i, len - i)) > 0) i += n;
  return i;
}

static void check (const uint8_t *bytes, size_t len) {
  uint8_t *copy = exact_copy(bytes, len);
  size_t expected = naive_prefix(bytes, len), got = tl_utf8_prefix(copy, len);
  if (got != expected) {
    for (size_t i = 0; i < len; i++) print_error("%02x ", bytes[i]);
    fail_msg("expected a prefix of %zu of %zu bytes, got %zu", expected, len, got);
  }
  assert_true(tl_utf8_valid(tl_slice_of(copy, len)) == (expected == len));
  free(copy);
}

static void agrees_on_every_one_two_and_three_byte_text (void **unused) {
  (void)unused;
  uint8_t b[3];
  for (unsigned i = 0; i < 256; i++) {
    b[0] = (uint8_t)i;
    assert_int_equal(tl_utf8_prefix(b, 1), naive_prefix(b, 1));
    for (unsigned j = 0; j < 256; j++) {
      b[1] = (uint8_t)j;
      assert_int_equal(tl_utf8_prefix(b, 2), naive_prefix(b, 2));
      for (unsigned k = 0; k < 256; k += i < 0xC0 ? 51 : 1) {
        b[2] = (uint8_t)k;
        if (tl_utf8_prefix(b, 3) != naive_prefix(b, 3)) check(b, 3);
      }
    }
  }
}

static void agrees_on_four_byte_texts_at_every_border (void **unused) {
  (void)unused;
  static const uint8_t borders[] = { 0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF };
  enum { N = sizeof borders };
  for (unsigned lead = 0xE0; lead < 256; lead++)
    for (unsigned i = 0; i < N * N * N; i++) {
      uint8_t b[4] = { (uint8_t)lead, borders[i % N], borders[i / N % N], borders[i / N / N] };
      check(b, 4);
    }
}

static void names_the_place_of_each_kind_of_bad_byte (void **unused) {
  (void)unused;
  static const char *const bad[] = {
    "\x80",             /* a tail without a lead */
    "\xBF",             /* the same, highest */
    "\xC0\xAF",         /* overlong '/' in two bytes */
    "\xC1\xBF",         /* overlong U+007F */
    "\xE0\x9F\xBF",     /* overlong in three */
    "\xF0\x8F\xBF\xBF", /* overlong in four */
    "\xED\xA0\x80",     /* first high surrogate */
    "\xED\xAF\xBF",     /* last high surrogate */
    "\xED\xB0\x80",     /* first low surrogate */
    "\xED\xBF\xBF",     /* last low surrogate */
    "\xF4\x90\x80\x80", /* U+110000 */
    "\xF5\x80\x80\x80", /* beyond any lead */
    "\xF8\x88\x80\x80\x80",
    "\xFC\x84\x80\x80\x80\x80",
    "\xFE",
    "\xFF",
    "\xC3",         /* cut after one of two */
    "\xE2\x82",     /* cut after two of three */
    "\xF0\x9F\x98", /* cut after three of four */
    "\xC3(",        /* a lead without its tail */
    "\xE2\x82(",
    "\xF0\x9F\x98(",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    for (size_t before = 0; before < 40; before++) {
      /* at every place relative to the block-wise path */
      uint8_t text[128];
      memset(text, 'a', sizeof text);
      memcpy(text + before, bad[i], strlen(bad[i]));
      assert_int_equal(tl_utf8_prefix(text, before + strlen(bad[i])), before);
      assert_int_equal(tl_utf8_prefix(text, sizeof text), before);
    }
}

static void takes_every_code_point_but_surrogates (void **unused) {
  (void)unused;
  for (uint32_t c = 0; c <= 0x10FFFF; c++) {
    uint8_t b[4];
    size_t n = 0;
    if (c < 0x80)
      b[n++] = (uint8_t)c;
    else if (c < 0x800)
      b[n++] = (uint8_t)(0xC0 | c >> 6);
    else if (c < 0x10000)
      b[n++] = (uint8_t)(0xE0 | c >> 12), b[n++] = (uint8_t)(0x80 | (c >> 6 & 63));
    else
      b[n++] = (uint8_t)(0xF0 | c >> 18), b[n++] = (uint8_t)(0x80 | (c >> 12 & 63)),
      b[n++] = (uint8_t)(0x80 | (c >> 6 & 63));
    if (c >= 0x80) b[n++] = (uint8_t)(0x80 | (c & 63));
    bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    if (tl_utf8_prefix(b, n) != (surrogate ? 0 : n)) fail_msg("U+%04X", c);
  }
}

static void agrees_on_random_mixtures_of_any_length (void **unused) {
  (void)unused;
  static const char *const parts[] = { "a",    "0123456789abcdef", "é",    "€",       "😀",
                                       "\x80", "\xED\xA0\x80",     "\xC3", "zzzzzzz", "\xE2\x82" };
  uint64_t seed = 1;
  for (int i = 0; i < 20000; i++) {
    uint8_t text[256];
    size_t len = 0, pieces = random_next(&seed) % 12;
    for (size_t k = 0; k < pieces; k++) {
      const char *part = parts[random_next(&seed) % (random_next(&seed) % 4 == 0 ? 10 : 5)];
      memcpy(text + len, part, strlen(part));
      len += strlen(part);
    }
    check(text, len);
  }
}

static void an_empty_text_is_well_formed (void **unused) {
  (void)unused;
  assert_int_equal(tl_utf8_prefix(NULL, 0), 0);
  assert_true(tl_utf8_valid(tl_slice_of(NULL, 0)));
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(agrees_on_every_one_two_and_three_byte_text),
    cmocka_unit_test(agrees_on_four_byte_texts_at_every_border),
    cmocka_unit_test(names_the_place_of_each_kind_of_bad_byte),
    cmocka_unit_test(takes_every_code_point_but_surrogates),
    cmocka_unit_test(agrees_on_random_mixtures_of_any_length),
    cmocka_unit_test(an_empty_text_is_well_formed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

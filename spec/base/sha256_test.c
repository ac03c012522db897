/* spec/base/sha256_test.c — the examples of FIPS 180-4 and its lengths' edges. */
#include "base_support.h"

#include "base/sha256.h"

static void is (const char *text, size_t n, const char *expected) {
  char digits[65];
  for (size_t cut = 0; cut <= n && cut < 130; cut++) { /* in two pieces */
    tl_sha256 h;
    tl_sha256_init(&h);
    tl_sha256_add(&h, text, cut);
    tl_sha256_add(&h, text + cut, n - cut);
    tl_sha256_hex(&h, digits);
    assert_string_equal(digits, expected);
  }
}

static void gives_the_digests_of_the_standards_examples (void **unused) {
  (void)unused;
  is("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  is("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  is("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void takes_a_million_bytes (void **unused) {
  (void)unused;
  static char text[1000];
  char digits[65];
  tl_sha256 h;
  memset(text, 'a', sizeof text);
  tl_sha256_init(&h);
  for (int i = 0; i < 1000; i++) tl_sha256_add(&h, text, sizeof text);
  tl_sha256_hex(&h, digits);
  assert_string_equal(digits, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void pads_at_each_length_around_a_block (void **unused) {
  (void)unused;
  static char text[64];
  memset(text, 'a', sizeof text);
  is(text, 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
  is(text, 56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a");
  is(text, 63, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34");
  is(text, 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(gives_the_digests_of_the_standards_examples),
    cmocka_unit_test(takes_a_million_bytes),
    cmocka_unit_test(pads_at_each_length_around_a_block),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* core/payload/json_flat.c — the document that most devices send: one short object of numbers,
** words and texts, with no blank but one behind a comma or a colon. It is read, on processors with
** AVX2, without a branch that depends on lengths, kinds or the order of members: these differ from
** message to message, and a processor guesses them wrong. Checked as strictly as elsewhere; what
** is not exactly so, or is wrong, is left to those who read byte by byte. Must not know what
** becomes of the values.
**
** 64 bytes become sets of bytes, a bit for each: quotes, digits, points. A rule of the grammar is
** a few operations for all of them at once, as in json_wide.c. */
#include "payload/json_scan.h"
#include "payload/json_set.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define FLAT __attribute__((target("avx2,bmi,bmi2,pclmul")))
#define FLAT_HOT TL_HOT FLAT

enum { WORDS = 4, LEAST = 32, MOST = 64 * WORDS }; /* bytes of a document */

/* What a value is, if it is one, by its first byte. */
static const uint8_t type_of[256] = {
  ['"'] = TL_JSON_STRING, ['-'] = TL_JSON_NUMBER, ['0'] = TL_JSON_NUMBER, ['1'] = TL_JSON_NUMBER,
  ['2'] = TL_JSON_NUMBER, ['3'] = TL_JSON_NUMBER, ['4'] = TL_JSON_NUMBER, ['5'] = TL_JSON_NUMBER,
  ['6'] = TL_JSON_NUMBER, ['7'] = TL_JSON_NUMBER, ['8'] = TL_JSON_NUMBER, ['9'] = TL_JSON_NUMBER,
  ['t'] = TL_JSON_TRUE,   ['f'] = TL_JSON_FALSE,  ['n'] = TL_JSON_NULL,
};

#define ALL (~(uint64_t)0)

/* What its first 8 bytes are then, where `known` has bits, and its length, where `counts` has. */
static const struct {
  uint64_t known, text, counts, len;
} kinds[] = {
  [TL_JSON_NONE] = { ALL, ALL, 0, 0 }, /* never */
  [TL_JSON_NULL] = { 0xffffffff, 0x6c6c756e, ALL, 4 },
  [TL_JSON_FALSE] = { 0xffffffffff, 0x65736c6166, ALL, 5 },
  [TL_JSON_TRUE] = { 0xffffffff, 0x65757274, ALL, 4 },
  [TL_JSON_NUMBER] = { 0, 0, 0, 0 },
  [TL_JSON_STRING] = { 0, 0, 0, 0 },
};

/* --- sets of 64 bytes --- */

typedef struct {
  uint64_t quote, apart, digit, zero, minus, point, blank; /* apart: a comma or a colon */
  bool odd; /* a backslash, a control byte or one beyond ASCII is among them */
} marks;

/* What 64 bytes leave to the next: their last bit, as the lowest; `inside` in all bits. */
typedef struct {
  uint64_t inside, closed, lead, blank, number, more, zero, sum;
} carried;

FLAT_HOT __m256i is (__m256i x, char c) { return _mm256_cmpeq_epi8(x, _mm256_set1_epi8(c)); }

FLAT_HOT __m256i is_apart (__m256i x) { return _mm256_or_si256(is(x, ','), is(x, ':')); }

FLAT_HOT __m256i is_digit (__m256i x) {
  x = _mm256_sub_epi8(x, _mm256_set1_epi8('0'));
  return _mm256_cmpeq_epi8(_mm256_min_epu8(x, _mm256_set1_epi8(9)), x);
}

FLAT_HOT __m256i is_odd (__m256i x) { /* bytes beyond ASCII are negative */
  return _mm256_or_si256(is(x, '\\'), _mm256_cmpgt_epi8(_mm256_set1_epi8(' '), x));
}

FLAT_HOT uint64_t bits_of (__m256i x) { return (uint32_t)_mm256_movemask_epi8(x); }

/* The bytes from `at` on, the document's first ones or later ones. Those behind its end are in no
** set, and are not read: some of the last ones are read twice. */
FLAT_HOT marks marks_at (const uint8_t *at, const uint8_t *end, bool first) {
  const uint8_t *from = first || end - at >= 64 ? at : end - 64;
  const uint8_t *half = from + 32 < end - 32 ? from + 32 : end - 32;
  unsigned apart = (unsigned)(half - from), before = (unsigned)(at - from);
  __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)from);
  __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)half);
  __m256i odd = _mm256_or_si256(is_odd(a), is_odd(b));
#define BITS(low, high) ((bits_of(low) | bits_of(high) << apart) >> before)
  return (marks){ .quote = BITS(is(a, '"'), is(b, '"')),
                  .apart = BITS(is_apart(a), is_apart(b)),
                  .digit = BITS(is_digit(a), is_digit(b)),
                  .zero = BITS(is(a, '0'), is(b, '0')),
                  .minus = BITS(is(a, '-'), is(b, '-')),
                  .point = BITS(is(a, '.'), is(b, '.')),
                  .blank = BITS(is(a, ' '), is(b, ' ')),
                  .odd = !_mm256_testz_si256(odd, odd) };
#undef BITS
}

/* The bytes behind those of x. */
FLAT_HOT uint64_t behind (uint64_t x, uint64_t *last) {
  uint64_t moved = x << 1 | *last;
  *last = x >> 63;
  return moved;
}

/* The bytes of strings, with the opening quotes and without the closing ones. */
FLAT_HOT uint64_t strings (uint64_t quote, uint64_t *inside) {
  __m128i all = _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)quote), _mm_set1_epi8(-1), 0);
  uint64_t in = (uint64_t)_mm_cvtsi128_si64(all) ^ *inside;
  *inside = 0 - (in >> 63);
  return in;
}

/* Where numbers, which begin at `start`, break a rule. Exponents are wrong here. */
FLAT_HOT uint64_t bad_numbers (carried *c, const marks *m, uint64_t out, uint64_t start,
                               uint64_t letters) {
  uint64_t digit = m->digit & out, minus = m->minus & out, point = m->point & out, sum;
  uint64_t head = digit | minus, more = behind(minus | point, &c->more);
  uint64_t before = behind(head | point, &c->number);
  /* whole parts are 0 in the sum, fractions 1; the carry of each whole part goes behind it */
  bool over = __builtin_add_overflow(head, head & start, &sum);
  c->sum = over | __builtin_add_overflow(sum, c->sum, &sum);
  uint64_t zero = m->zero & digit & (start | more) & ~sum;
  return (minus & ~start) | (point & ~(sum & ~head)) | (more & ~digit) |
         (behind(zero, &c->zero) & digit) | (digit & ~(start | before)) | (letters & before);
}

/* What is wrong in 64 bytes; in *apart their commas and colons outside of strings, and the
** document's last byte. `open`: its first byte, where it is among them. Not looked at: whether
** keys, colons, values and commas alternate, and what words consist of. */
FLAT_HOT uint64_t look (carried *c, const marks *m, const uint8_t *at, const uint8_t *end,
                        uint64_t open, uint64_t *apart) {
  uint64_t in = strings(m->quote, &c->inside), closed = m->quote & ~in, out = ~(in | m->quote);
  uint64_t separators = m->apart & out, bad = m->odd;
  if (end - at <= 64) {
    uint64_t last = (uint64_t)1 << (end - at - 1);
    bad |= in & last;
    out &= last | (last - 1);
    separators |= last;
  }
  uint64_t lead = behind(separators | open, &c->lead), blank = m->blank & out;
  uint64_t start = (lead & ~blank) | behind(blank, &c->blank); /* of keys and values */
  uint64_t letters = out & ~(separators | open | blank | m->digit | m->minus | m->point);
  *apart = separators;
  return bad | (blank & ~lead) | (m->quote & in & ~start) |
         (behind(closed, &c->closed) & ~separators) | (separators & start) |
         bad_numbers(c, m, out, start, letters);
}

/* For each 64 bytes what `look` finds, and the points. False: something is odd or wrong. */
FLAT_HOT bool separate (const uint8_t *doc, const uint8_t *end, uint64_t *apart, uint64_t *points) {
  carried c = { 0 };
  marks m = marks_at(doc, end, true);
  points[0] = m.point;
  if (end - doc <= 64) return look(&c, &m, doc, end, 1, apart) == 0;
  uint64_t bad = look(&c, &m, doc, end, 1, apart);
  for (const uint8_t *at = doc + 64; at < end; at += 64) {
    m = marks_at(at, end, false);
    *++points = m.point;
    bad |= look(&c, &m, at, end, 0, ++apart);
  }
  return bad == 0;
}

/* --- members --- */

/* The 8 bytes from p on, which lies before the end; 0 for those behind it. */
FLAT_HOT uint64_t eight (const uint8_t *p, const uint8_t *end) {
  const uint8_t *from = p < end - 8 ? p : end - 8;
  uint64_t x;
  memcpy(&x, from, sizeof x);
  return x >> 8 * (p - from);
}

/* A key whose first 8 bytes are those of this one. */
static __attribute__((noinline)) size_t long_key (const tl_json_set *set, size_t which,
                                                  const uint8_t *p, size_t len) {
  if (which == TL_JSON_FLAT_MAX) return which;
  const tl_json_node *child = set->nodes + set->nodes->children + which;
  bool same = child->len == len && memcmp(set->keys + child->key + 8, p + 8, len - 8) == 0;
  return same ? which : TL_JSON_FLAT_MAX;
}

/* Which of the set's keys it is, or TL_JSON_FLAT_MAX. */
FLAT_HOT size_t which_key (const tl_json_set *set, const uint8_t *p, size_t len,
                           const uint8_t *end) {
  uint64_t x = _bzhi_u64(eight(p, end), len < 8 ? 8 * (unsigned)len : 64);
  __m256i head = _mm256_set1_epi64x((long long)x);
  const __m256i *heads = (const __m256i *)(const void *)set->flat.heads;
  __m256i low = _mm256_cmpeq_epi64(head, _mm256_loadu_si256(heads));
  __m256i high = _mm256_cmpeq_epi64(head, _mm256_loadu_si256(heads + 1));
  unsigned found = (unsigned)_mm256_movemask_pd((__m256d)low) |
                   (unsigned)_mm256_movemask_pd((__m256d)high) << 4 | 1u << TL_JSON_FLAT_MAX;
  size_t which = (size_t)__builtin_ctz(found);
  return len < 8 ? which : long_key(set, which, p, len);
}

/* The value between p and behind. Not 0: it is none. `points`: those in it. */
FLAT_HOT uint64_t take (tl_json_value *to, const uint8_t *p, const uint8_t *behind,
                        const uint8_t *end, uint64_t points) {
  size_t n = (size_t)(behind - p);
  uint8_t type = type_of[*p];
  size_t quote = type == TL_JSON_STRING;
  to->type = type;
  to->escaped = false;
  to->integral = (points == 0) & (type == TL_JSON_NUMBER);
  to->format = 0;
  to->raw.at = p + quote;
  to->raw.len = n - 2 * quote;
  return ((eight(p, end) ^ kinds[type].text) & kinds[type].known) |
         ((n ^ kinds[type].len) & kinds[type].counts);
}

/* The values of keys that the set has not go to `nowhere`, so that no branch tells them apart. */
static FLAT bool flat (const tl_json_set *set, const uint8_t *doc, const uint8_t *end,
                       tl_json_value *values) {
  uint64_t apart[WORDS], points[WORDS], bad = 0;
  tl_json_value nowhere, *places[TL_JSON_FLAT_MAX + 1];
  if (!separate(doc, end, apart, points)) return false;
  places[TL_JSON_FLAT_MAX] = &nowhere;
  for (uint32_t i = 0; i < set->slots; i++) {
    places[i] = &values[set->order[i]];
    values[i] = (tl_json_value){ 0 };
  }
  const uint8_t *block = doc, *comma = doc; /* the brace is the first */
  uint64_t next = apart[0];
  size_t i = 0;
  do {
    while (!next) next = apart[++i], block += 64;
    const uint8_t *colon = block + __builtin_ctzll(next);
    uint64_t from = next & (0 - next), inner = 0;
    if (*colon != ':') return false;
    next &= next - 1;
    while (!next) {
      inner |= points[i] & (0 - from);
      from = 1;
      next = apart[++i];
      block += 64;
    }
    const uint8_t *key = comma + 1 + (comma[1] == ' '), *value = colon + 1 + (colon[1] == ' ');
    comma = block + __builtin_ctzll(next);
    inner |= points[i] & ((next & (0 - next)) - from);
    next &= next - 1;
    size_t which = which_key(set, key + 1, (size_t)(colon - key) - 2, end);
    bad |= take(places[which], value, comma, end, inner) | (*key ^ '"');
  } while (*comma == ',');
  return bad == 0 && comma == end - 1;
}

bool tl_json_flat_works (void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("pclmul");
}

bool tl_json_flat (const tl_json_set *set, const uint8_t *doc, const uint8_t *end,
                   tl_json_value *values) {
  ptrdiff_t len = end - doc;
  return len >= LEAST && len <= MOST && *doc == '{' && end[-1] == '}' &&
         flat(set, doc, end, values);
}

#else

bool tl_json_flat_works (void) { return false; }

bool tl_json_flat (const tl_json_set *set, const uint8_t *doc, const uint8_t *end,
                   tl_json_value *values) {
  (void)set, (void)doc, (void)end, (void)values;
  return false;
}

#endif

/* core/payload/json_wide.c — passes over elements of an array that no address wants, 256 bytes
** at a time, on processors with AVX2. Checked as strictly as elsewhere; what is unusual is left
** to those who read byte by byte, and so is what is wrong. Must not know addresses.
**
** A stripe of 256 bytes becomes sets of bytes, a bit for each: its quotes, its commas, its
** digits. A rule of the grammar is then a few operations for all of them at once, without a
** branch: "behind a minus comes a digit" is (minus << 1) & ~digit == 0. Where a run of bytes
** ends is found by an addition: the carry of run + first byte goes to the byte behind it. */
#include "payload/json_scan.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#pragma GCC diagnostic ignored "-Wpsabi" /* nothing of these types leaves this file */

#define WIDE __attribute__((target("avx2,popcnt")))
#define WIDE_HOT TL_HOT WIDE

enum { STRIPE = 256, WORDS = 4 };

typedef uint64_t set __attribute__((vector_size(32))); /* bit i of word k: byte 64 k + i */

/* What one stripe leaves to the next: sets of the stripe before, of which the last bytes count,
** and whether a string or a run goes on (0 or 1). */
typedef struct {
  tl_json_scan scan;
  const uint8_t *checked; /* escapes and UTF-8 sequences before it are */
  set scalar, point, zero, lead, head, blank, t, f, n;
  unsigned in_string, integer, blanks, ahead;
  bool unusual;
} carried;

/* Of a stripe, outside of strings. */
typedef struct {
  set bad;                               /* here it breaks a rule */
  set open, close, object, comma, colon; /* object: its brackets are braces */
  set late;                              /* structural, next behind ',' or '{', and no ':' */
} marks;

/* Where in the elements a stripe begins. */
typedef struct {
  uint8_t arrays[TL_JSON_DEPTH + 1]; /* for each level around the current one */
  unsigned depth, limit;
  bool array;
  uint32_t passed, wanted; /* elements */
  const uint8_t *looked;   /* behind the last stripe that was looked at */
} place;

/* --- sets --- */

WIDE_HOT bool any (set x) { return !_mm256_testz_si256((__m256i)x, (__m256i)x); }

/* For shifts by n bytes: the words before those of x. */
WIDE_HOT set words_before (set x, set last) { return __builtin_shufflevector(last, x, 3, 4, 5, 6); }

#define BEHIND(x, before, n) ((x) << (n) | (before) >> (64 - (n)))

/* The bytes behind those of x; `last` is x of the stripe before. */
WIDE_HOT set behind (set x, set *last) {
  set moved = BEHIND(x, words_before(x, *last), 1);
  *last = x;
  return moved;
}

/* All bits of word k where bit k is set, which is below 16. */
WIDE_HOT set words_of (unsigned bits) {
  const uint64_t spread = bits * (uint64_t)0x0204081 & 0x01010101; /* bit k to byte k */
  return (set)_mm256_cvtepi8_epi64(_mm_cvtsi64_si128((int64_t)(spread * 255)));
}

/* The highest bits of the four words. */
WIDE_HOT unsigned tops (set x) { return (unsigned)_mm256_movemask_pd((__m256d)x); }

/* run + first + carry, 256 bits wide; `first` is part of `run`. */
WIDE_HOT set add (set run, set first, unsigned *carry) {
  set sum = run + first;
  unsigned over = tops(first | (run & ~sum)), full = tops((set)(sum == ~(set){ 0 }));
  unsigned plus = ((over << 1 | *carry) + full) ^ full; /* through words that are all ones */
  *carry = plus >> 4;
  return sum - words_of(plus & 15);
}

/* 16 bytes of the first half of a stripe and those 128 behind them: their even places and so on
** side by side, places 8 b + i of a half in pairs by i. */
WIDE_HOT __m256i pairs (const uint8_t *at) {
  const __m256i by_place = _mm256_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15, 0,
                                            8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
  __m256i half = _mm256_loadu2_m128i((const __m128i *)(const void *)(at + STRIPE / 2),
                                     (const __m128i *)(const void *)at);
  return _mm256_shuffle_epi8(half, by_place);
}

WIDE_HOT void change_places (set *a, set *b, int apart, uint64_t low) {
  set change = (*a >> apart ^ *b) & low;
  *b ^= change;
  *a ^= change << apart;
}

/* p[k]: bit k of each byte of the stripe. First p[i] gets the bytes 8 b + i; then the bits of
** eight bytes, one of each p[i], change places with those of bytes in p: 1, 2 and 4 apart. */
WIDE_HOT void take_bits (const uint8_t *at, set *p) {
  __m256i x[8], y[8];
  for (int r = 0; r < 8; r++) x[r] = pairs(at + 16 * r);
  for (int r = 0; r < 4; r++) {
    y[2 * r] = _mm256_unpacklo_epi16(x[2 * r], x[2 * r + 1]);     /* i of 0 to 3 */
    y[2 * r + 1] = _mm256_unpackhi_epi16(x[2 * r], x[2 * r + 1]); /* and of 4 to 7 */
  }
  for (int r = 0; r < 2; r++) {
    for (int i = 0; i < 2; i++) {
      x[4 * r + 2 * i] = _mm256_unpacklo_epi32(y[4 * r + i], y[4 * r + 2 + i]);
      x[4 * r + 2 * i + 1] = _mm256_unpackhi_epi32(y[4 * r + i], y[4 * r + 2 + i]);
    }
  }
  for (int i = 0; i < 4; i++) {
    p[2 * i] = (set)_mm256_unpacklo_epi64(x[i], x[4 + i]);
    p[2 * i + 1] = (set)_mm256_unpackhi_epi64(x[i], x[4 + i]);
  }
  for (int i = 0; i < 8; i += 2) change_places(&p[i], &p[i + 1], 1, 0x5555555555555555);
  for (int i = 0; i < 4; i++)
    change_places(&p[i + (i & 2)], &p[i + (i & 2) + 2], 2, 0x3333333333333333);
  for (int i = 0; i < 4; i++) change_places(&p[i], &p[i + 4], 4, 0x0f0f0f0f0f0f0f0f);
}

/* --- strings --- */

/* Escapes and UTF-8 sequences, one by one; a quote behind a backslash is taken out of `quote`. */
static bool check_unusual (carried *c, const uint8_t *at, const uint64_t *where, uint64_t *quote) {
  if (c->checked > at) quote[0] &= ~(uint64_t)1; /* the byte before may be a backslash */
  for (int k = 0; k < WORDS; k++) {
    for (uint64_t left = where[k]; left; left &= left - 1) {
      const uint8_t *p = at + 64 * k + __builtin_ctzll(left);
      if (p < c->checked) continue;
      bool escape = *p == '\\';
      c->checked = escape ? tl_json_escape(&c->scan, p) : tl_json_sequence(&c->scan, p);
      if (!c->checked) return false;
      size_t next = (size_t)(p + 1 - at);
      if (escape && next < STRIPE) quote[next / 64] &= ~((uint64_t)1 << next % 64);
    }
  }
  return true;
}

/* The bytes of strings, with the opening quotes and without the closing ones. */
WIDE_HOT set strings (carried *c, set quote) {
  set in = quote;
  for (int n = 1; n < 64; n *= 2) in ^= in << n;
  unsigned odd = tops(in); /* words with an odd number of quotes turn all that follow */
  odd ^= odd << 1;
  odd = (odd ^ odd << 2) << 1 ^ c->in_string * 31;
  c->in_string = odd >> 4 & 1;
  return in ^ words_of(odd & 15);
}

/* --- a stripe --- */

/* true, false and null: where one begins says where its other letters must be. */
WIDE_HOT set bad_words (carried *c, set scalar, set first, set numeric, const set *p) {
  set h6 = p[6] & p[5] & ~p[4] & scalar, h7 = p[6] & p[5] & p[4] & scalar; /* 6x, 7x */
  set l0 = ~(p[3] | p[2]), l4 = p[2] & ~p[3], lc = p[3] & p[2];            /* x0 to x3, … */
  set q0 = ~(p[1] | p[0]), q1 = p[0] & ~p[1], q2 = p[1] & ~p[0], q3 = p[1] & p[0];
  set t = h7 & l4 & q0, f = h6 & l4 & q2, n = h6 & lc & q2, first_letters = t | f | n;
  set bt = words_before(t, c->t), bf = words_before(f, c->f), bn = words_before(n, c->n);
  c->t = t;
  c->f = f;
  c->n = n;
  set r = BEHIND(t, bt, 1), a = BEHIND(f, bf, 1), s = BEHIND(f, bf, 3);
  set u = BEHIND(t, bt, 2) | BEHIND(n, bn, 1), e = BEHIND(t, bt, 3) | BEHIND(f, bf, 4);
  set l = BEHIND(f, bf, 2) | BEHIND(n, bn, 2) | BEHIND(n, bn, 3);
  set over = BEHIND(t, bt, 4) | BEHIND(f, bf, 5) | BEHIND(n, bn, 4);
  set bad = (first_letters & ~first) | (over & scalar);
  bad |= ((h7 & l0 & q2) ^ r) | ((h7 & l0 & q3) ^ s) | ((h7 & l4 & q1) ^ u);
  bad |= ((h6 & l4 & q1) ^ e) | ((h6 & l0 & q1) ^ a) | ((h6 & lc & q0) ^ l);
  return bad | (scalar & ~(numeric | first_letters | r | a | s | u | e | l));
}

/* Numbers have no exponent here: those are unusual. */
WIDE_HOT set bad_scalars (carried *c, set scalar, set first, const set *p) {
  set h2 = p[5] & ~(p[6] | p[4]) & scalar, lc = h2 & p[3] & p[2];
  set digit = p[5] & p[4] & ~p[6] & ~(p[3] & (p[1] | p[2])) & scalar;
  set minus = lc & p[0] & ~p[1], dot = lc & p[1] & ~p[0], head = digit | minus;
  set sum = add(head, first & head, &c->integer); /* in it whole parts are 0, fractions 1 */
  set more = behind(minus | dot, &c->point);
  set zero = digit & ~(p[3] | p[2] | p[1] | p[0]) & (first | more) & ~sum;
  set bad = (minus & ~first) | (dot & ~(sum & ~head)) | (more & ~digit) |
            (behind(zero, &c->zero) & digit);
  return bad | bad_words(c, scalar, first, head | dot, p);
}

/* An opening bracket that closes at once stands where a value would. */
static bool empty_ones (const uint8_t *at, const uint64_t *close) {
  for (int k = 0; k < WORDS; k++) {
    for (uint64_t left = close[k]; left; left &= left - 1) {
      const uint8_t *p = at + 64 * k + __builtin_ctzll(left), *q = p - 1;
      while (tl_json_is_blank(*q)) q--; /* at the latest at the bracket around all */
      if (*q != (*p == ']' ? '[' : '{')) return false;
    }
  }
  return true;
}

/* The order of tokens, as far as it is the same in objects and arrays. */
WIDE_HOT void order (carried *c, const uint8_t *at, set values, set blank, set scalar_before,
                     marks *m) {
  set structural = m->open | m->close | m->comma | m->colon;
  set value = behind(structural & ~m->close, &c->lead); /* here a value must be */
  set blank_before = behind(blank, &c->blank);
  if (any(blank) | c->blanks) value = (value | add(blank, value & blank, &c->blanks)) & ~blank;
  set empty = value & m->close;
  if (__builtin_expect(any(empty), 0)) {
    uint64_t close[WORDS];
    memcpy(close, &empty, sizeof close);
    c->unusual |= !empty_ones(at, close);
  }
  set next = behind(m->comma | (m->open & m->object), &c->head);
  next = (add(~structural, next & ~structural, &c->ahead) | next) & structural;
  /* a key and its colon have nothing between them; a blank there is unusual */
  m->bad |=
      (m->colon & (~next | scalar_before | blank_before)) | (((values | m->open) ^ value) & ~empty);
  m->late = next & ~m->colon & ~empty;
}

WIDE_HOT void take_marks (carried *c, const uint8_t *at, const set *p, marks *m) {
  set h2 = p[5] & ~(p[6] | p[4]), l0 = ~(p[3] | p[2]), l8 = p[3] & ~p[2], lc = p[3] & p[2];
  set q0 = ~(p[1] | p[0]), q1 = p[0] & ~p[1], q2 = p[1] & ~p[0], q3 = p[1] & p[0];
  set quote = h2 & l0 & q2 & ~p[7], control = ~(p[7] | p[6] | p[5]);
  set special = p[7] | (p[6] & ~p[5] & p[4] & lc & q0); /* UTF-8 and backslashes */
  set line = { 0 };                                     /* blanks that are no spaces */
  m->bad = line;
  if (__builtin_expect(any(special | control) | (c->checked > at), 0)) {
    uint64_t where[WORDS], quotes[WORDS];
    memcpy(where, &special, sizeof where);
    memcpy(quotes, &quote, sizeof quotes);
    c->unusual |= !check_unusual(c, at, where, quotes);
    memcpy(&quote, quotes, sizeof quotes);
    line = control & ~p[4] & ((l8 & (q1 | q2)) | (lc & q1));
    m->bad = control & ~line;
  }
  set in = strings(c, quote), outside = ~(in | quote);
  m->bad |= (line & in) | (special & ~in);
  set blank = ((h2 & l0 & q0) | line) & outside, bracket = p[6] & p[4] & outside;
  m->object = p[5];
  m->open = bracket & l8 & q3;
  m->close = bracket & lc & q1;
  m->comma = h2 & lc & q0 & outside;
  m->colon = p[5] & p[4] & ~p[6] & l8 & q2 & outside;
  set scalar = outside & ~(m->open | m->close | m->comma | m->colon | blank);
  set before = behind(scalar, &c->scalar), first = scalar & ~before;
  m->bad |= bad_scalars(c, scalar, first, p);
  order(c, at, (quote & in) | first, blank, before, m);
}

/* --- levels --- */

/* The usual stripe: all of it in one object or, where its brackets are `},{`, in the objects of
** one array. False: not so, or the last element that may be passed begins in it. */
WIDE_HOT bool flat (place *at, const marks *m, set *bad) {
  set braces = m->open & m->object, ends = m->close & m->object, none = { 0 };
  set apart = braces & BEHIND(m->comma, words_before(m->comma, none), 1) &
              BEHIND(ends, words_before(ends, none), 2);
  /* one in the first bytes may belong to the stripe before: then a bracket is left over */
  set back = apart >> 2 | __builtin_shufflevector(apart, none, 1, 2, 3, 4) << 62;
  if (at->array | any((m->open | m->close) ^ (apart | back))) return false;
  uint32_t n = 0;
  for (int k = 0; k < WORDS; k++) n += (uint32_t)__builtin_popcountll(apart[k]);
  if (n > 0 && !at->arrays[at->depth - 1]) return false;
  if (at->depth == 1) {
    if (n >= at->wanted - at->passed) return false;
    at->passed += n;
  }
  *bad = m->bad | (m->late & ~apart);
  return true;
}

/* The byte in which the elements end, a comma among `commas` of the outermost level. */
static bool last_comma (place *at, uint64_t commas, uint64_t *bit) {
  for (; commas; commas &= commas - 1) {
    if (++at->passed < at->wanted) continue;
    *bit = commas & (0 - commas);
    return true;
  }
  return false;
}

typedef struct {
  uint64_t bad, open, close, object, comma, colon, late;
} word;

/* Bracket by bracket. 1: the elements end at *end, 0: they go on, -1: not as they should be. */
static int nested (place *at, const word *w, uint64_t *end) {
  uint64_t left = ~(uint64_t)0, bad = w->bad;
  for (uint64_t brackets = w->open | w->close;; brackets &= brackets - 1) {
    uint64_t bit = brackets & (0 - brackets), span = left & (bit | (bit - 1));
    bad |= (at->array ? w->colon : w->late) & span;
    if (at->depth == 0 && last_comma(at, w->comma & span, end)) break;
    if (!bit) return bad ? -1 : 0;
    left = ~(bit | (bit - 1));
    if (w->open & bit) {
      if (at->depth == at->limit) return -1;
      at->arrays[at->depth++] = at->array;
      at->array = !(w->object & bit);
      continue;
    }
    if (at->array == !!(w->object & bit)) return -1;
    if (at->depth == 0) {
      at->passed++;
      *end = bit;
      break;
    }
    at->array = at->arrays[--at->depth];
  }
  return bad & (*end | (*end - 1)) ? -1 : 1;
}

static int nested_words (place *at, const marks *m, size_t *end) {
  for (int k = 0; k < WORDS; k++) {
    word w = { m->bad[k],   m->open[k],  m->close[k], m->object[k],
               m->comma[k], m->colon[k], m->late[k] };
    uint64_t bit = 0;
    int rc = nested(at, &w, &bit);
    if (rc == 0) continue;
    if (rc > 0) *end = (size_t)(64 * k + __builtin_ctzll(bit));
    return rc;
  }
  return 0;
}

static WIDE const uint8_t *pass (const tl_json_scan *s, const uint8_t *p, place *at) {
  carried c = { .scan = *s, .checked = p, .blanks = 1 }; /* a value is awaited */
  for (;; p += STRIPE) {
    uint8_t last[STRIPE];
    size_t room = (size_t)(s->end - p), end;
    set bits[8], bad;
    marks m;
    if (room >= STRIPE) {
      take_bits(p, bits);
      at->looked = p + STRIPE;
    } else { /* the document's end, and blanks */
      at->looked = s->end;
      memset(last, ' ', sizeof last);
      memcpy(last, p, room);
      take_bits(last, bits);
    }
    take_marks(&c, p, bits, &m);
    if (c.unusual) return NULL;
    if (!flat(at, &m, &bad)) {
      int rc = nested_words(at, &m, &end);
      if (rc != 0) return rc > 0 ? p + end : NULL;
    } else if (any(bad))
      return NULL;
    if (room <= STRIPE) return NULL;
  }
}

const uint8_t *tl_json_pass (const tl_json_scan *s, const uint8_t *p, unsigned depth, uint32_t n,
                             uint32_t *passed, const uint8_t **looked) {
  *looked = s->end;
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("popcnt")) return NULL;
  place at;
  at.depth = 0;
  at.limit = TL_JSON_DEPTH - depth;
  at.array = true;
  at.passed = 0;
  at.wanted = n;
  p = pass(s, p, &at);
  *passed = at.passed;
  *looked = at.looked;
  return p;
}

#else

const uint8_t *tl_json_pass (const tl_json_scan *s, const uint8_t *p, unsigned depth, uint32_t n,
                             uint32_t *passed, const uint8_t **looked) {
  (void)p, (void)depth, (void)n, (void)passed;
  *looked = s->end;
  return NULL;
}

#endif

/* core/payload/timeword.c — words in a time's text: AM and PM, names of zones. Must not know
** components nor calendars. */
#include "payload/timemask_impl.h"

static bool is_letter (uint8_t c) { return (uint8_t)((c | 0x20) - 'a') < 26; }

static bool is_digit (uint8_t c) { return (uint8_t)(c - '0') < 10; }

int tl_half_of_day (const uint8_t *at, const uint8_t *stop, const uint8_t **end) {
  if (at == stop) return 0;
  int letter = *at | 0x20, half = letter == 'a' ? 1 : 2;
  if ((letter != 'a' && letter != 'p') || ++at == stop) return 0;
  bool points = *at == '.';
  at += points;
  if (at == stop || (*at | 0x20) != 'm') return 0;
  at++;
  if (points && at < stop && *at == '.') at++;
  if (at < stop && is_letter(*at)) return 0;
  *end = at;
  return half;
}

static bool same_word (tl_slice s, const char *word) { /* in any case; `word` is in small letters */
  size_t i = 0;
  for (; i < s.len && word[i]; i++)
    if ((s.at[i] | 0x20) != word[i]) return false;
  return i == s.len && !word[i];
}

static bool among (tl_slice s, const char *const *words, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (same_word(s, words[i])) return true;
  return false;
}

#define AMONG(s, words) among(s, words, sizeof words / sizeof *words)

static bool all_capitals (tl_slice s) {
  for (size_t i = 0; i < s.len; i++)
    if (s.at[i] < 'A' || s.at[i] > 'Z') return false;
  return true;
}

/* Names of zones: those in wide use in any case; Area/City; and behind the first digits (before
** them stand labels, "RTC 12:00") two to five capitals that are no weekday and no month, and
** the last word of "Central European Time". */
static bool names_zone (tl_slice s, tl_slice before, bool behind_digits) {
  static const char *const zones[] = { "cet",  "cest", "met",  "mez",  "mesz", "wet",  "eet",
                                       "eest", "bst",  "msk",  "est",  "edt",  "cst",  "cdt",
                                       "mst",  "mdt",  "pst",  "pdt",  "akst", "akdt", "hst",
                                       "jst",  "kst",  "aest", "aedt", "acst", "acdt", "awst",
                                       "nzst", "nzdt", "sast", "zulu" };
  static const char *const others[] = { "mon",  "tue",  "wed",   "thu",   "fri",  "sat",  "sun",
                                        "tues", "thur", "thurs", "jan",   "feb",  "mar",  "apr",
                                        "may",  "jun",  "jul",   "aug",   "sep",  "sept", "oct",
                                        "nov",  "dec",  "march", "april", "june", "july" };
  if (s.len > 2 && memchr(s.at + 1, '/', s.len - 2)) return true;
  if (AMONG(s, zones)) return true;
  if (!behind_digits) return false;
  if (before.len > 0 && tl_slice_eq(s, TL_LIT("Time"))) return true;
  return s.len >= 2 && s.len <= 5 && all_capitals(s) && !AMONG(s, others);
}

static bool in_mask (const tl_timemask *m, tl_slice word) {
  return memmem(m->text, m->length, word.at, word.len) != NULL;
}

tl_time_words tl_time_words_of (const tl_timemask *m, tl_slice text, bool has_offset,
                                const uint8_t *weekday) {
  const uint8_t *at = text.at, *end = text.at + text.len;
  tl_time_words found = TL_WORDS_FINE;
  tl_slice before = { 0 }; /* the word before, behind the first digits */
  bool digits = false;
  while (at < end) {
    const uint8_t *from = at, *behind;
    if (!is_letter(*at)) {
      digits |= is_digit(*at++);
      continue;
    }
    if (tl_half_of_day(at, end, &behind)) {
      if (!m->has_half) return TL_WORDS_FOREIGN;
      at = behind;
      continue;
    }
    while (at < end && (is_letter(*at) || *at == '/' || *at == '_')) at++;
    tl_slice word = tl_slice_of(from, (size_t)(at - from));
    bool ours = from == weekday || word.len < 2;
    if (!ours && !has_offset && (same_word(word, "utc") || same_word(word, "gmt"))) {
      if (end - at > 1 && (*at == '+' || *at == '-') && is_digit(at[1]))
        return TL_WORDS_FOREIGN; /* an offset where none is looked for */
      found = TL_WORDS_UTC;
    } else if (!ours && !has_offset && names_zone(word, before, digits) && !in_mask(m, word))
      return TL_WORDS_FOREIGN;
    if (digits) before = word;
  }
  return found;
}

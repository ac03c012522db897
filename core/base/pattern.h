/* core/base/pattern.h — PCRE2 patterns with limits: no subject can make a match run away. Knows
** nothing else. Matching uses JIT where it is there; match, depth and heap limits hold with JIT
** and without. A match that is not decided after about 15 ms of processor time (and 20 ns per
** byte of the subject) is given up too. */
#ifndef TL_BASE_PATTERN_H
#define TL_BASE_PATTERN_H

#include "base/slice.h"

typedef struct tl_pattern tl_pattern;

enum {
  TL_PATTERN_WHOLE = 1, /* must match the whole subject */
  /* pattern and subject are UTF-8 (checked for the pattern; the subject must be checked by the
  ** caller) */
  TL_PATTERN_UTF = 2,
  /* JIT-compile once it was used often: for many patterns that are rarely tried */
  TL_PATTERN_LAZY = 4
};

/* Compile. On failure err->at is the byte offset in the pattern and err->text PCRE2's message.
** Own the result. */
int tl_pattern_new (tl_pattern **out, tl_slice pattern, int flags, tl_err *err);
void tl_pattern_free (tl_pattern *p); /* NULL is fine */

typedef struct {
  uint32_t from, to; /* byte offsets; from == UINT32_MAX: the group took no part */
} tl_group;

/* Try the pattern. Returns the number of groups written to groups[0..max) (group 0 is the whole
** match; at least 1), 0 when it does not match, TL_ELIMIT when a limit ran out, another
** negative code otherwise. `groups` may be NULL with max 0. */
int tl_pattern_match (const tl_pattern *p, tl_slice subject, tl_group *groups, int max);

/* One message may be matched against many patterns. Between begin and end the processor time of all
** calls of tl_pattern_match() is added up, roughly. After 50 ms all further calls return TL_ELIMIT
** at once.
** tl_pattern_sum_begin() returns the value that is to be passed to end. Pairs may be nested. */
extern uint64_t tl_pattern_sum; /* ns; UINT64_MAX: nothing is summed up */
static inline uint64_t tl_pattern_sum_begin (void) {
  uint64_t before = tl_pattern_sum;
  tl_pattern_sum = 0;
  return before;
}
static inline void tl_pattern_sum_end (uint64_t before) { tl_pattern_sum = before; }
bool tl_pattern_sum_is_over (void);

/* The same for a match that begins at byte `from` or later (from <= subject.len; with UTF,
** where a character begins). What comes before it is still seen by \b and lookbehind. */
int tl_pattern_match_from (const tl_pattern *p, tl_slice subject, size_t from, tl_group *groups,
                           int max);

/* Set an upper limit of the processor time of each match from now on. It matters where it is lower
** than the limit that follows from the subject's size. 0: only that limit counts. */
void tl_pattern_limit (uint64_t ns);

/* capture groups, without group 0 */
int tl_pattern_group_count (const tl_pattern *p);
/* The i-th named group (0-based, by name order): its name (NUL-terminated, lives as long as p)
** and group number; false past the end. */
bool tl_pattern_named (const tl_pattern *p, int i, const char **name, int *number);

/* Not PCRE2: a whole name against a pattern in which '*' is any bytes and '?' is one; both
** NUL-terminated. */
bool tl_glob_match (const char *pattern, const char *name);

#endif

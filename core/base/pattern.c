/* core/base/pattern.c — PCRE2 patterns with limits. Knows nothing else. One process has one
** match context, one JIT stack and one block of match data, large enough for the pattern with
** the most groups: matching allocates nothing.
**
** PCRE2's match limit counts backtracking steps from one starting point. That bounds neither
** the starting points nor what one step may read, so `(a*+c|a)*[de]` spends seconds on 4 KB of
** "a". Hence two ways to match. The fast one has a limit so low that steps times bytes stay
** within FAST_NS. What it cannot decide, and what could be slow without any step, goes to a
** second compilation of the pattern with callouts between its items, where we look at the
** processor time. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "base/pattern.h"

#include "base/clock.h"

#include <pcre2.h>
#include <stdlib.h>

enum {
  MATCH_LIMIT = 100000, /* backtracking steps from one starting point */
  FAST_NS = 5000000,    /* what the fast way may cost at worst, by the estimate below */
  LEAST_STEPS = 8,
  BYTES_PER_NS = 3,   /* that a step reads at least */
  SLOW_NS = 15000000, /* processor time for the slow way */
  SUM_NS = 50000000,  /* processor time for all the patterns that one message meets */
  SLOW_NS_PER_BYTE = 20,
  CALLOUTS_PER_LOOK = 256,
  LAZY_USES = 64, /* JIT compilation costs about as much as this many matches without */
  DEPTH_LIMIT = 10000,
  HEAP_LIMIT = 1024, /* KiB */
  JIT_STACK_FIRST = 32 * 1024,
  JIT_STACK_LAST = 512 * 1024,
  PATTERN_MAX = 65535 /* bytes: no longer topic can be typed either */
};

struct tl_pattern {
  pcre2_code *code;
  pcre2_code *watched; /* the same with callouts; made when first needed */
  uint8_t *text;       /* for that */
  size_t text_len;
  uint32_t options;
  uint32_t groups; /* capture groups */
  uint32_t names, name_size;
  const uint8_t *name_table;
  bool want_jit, has_jit, watched_jit, one_start;
  uint8_t uses; /* until it is compiled */
};

static struct {
  pcre2_compile_context *compile;
  pcre2_match_context *match;
  pcre2_jit_stack *stack;
  pcre2_match_data *data;
  uint32_t data_groups;
  uint32_t callouts, callouts_per_look;
  uint64_t deadline; /* processor time */
  uint64_t most;     /* see tl_pattern_limit */
  bool in_sum;       /* the match that runs counts */
  uint64_t slow_ns;  /* that the last match took of the slow way */
} shared;

uint64_t tl_pattern_sum = UINT64_MAX;

void tl_pattern_limit (uint64_t ns) { shared.most = ns; }

static int on_callout (pcre2_callout_block *block, void *ctx) {
  (void)block, (void)ctx;
  if (++shared.callouts < shared.callouts_per_look) return 0;
  shared.callouts = 0;
  return tl_clock_cpu_ns() > shared.deadline ? PCRE2_ERROR_MATCHLIMIT : 0;
}

static int make_contexts (void) {
  if (shared.match) return TL_OK;
  pcre2_compile_context *compile = pcre2_compile_context_create(NULL);
  pcre2_match_context *match = pcre2_match_context_create(NULL);
  /* NULL where there is no JIT */
  pcre2_jit_stack *stack = pcre2_jit_stack_create(JIT_STACK_FIRST, JIT_STACK_LAST, NULL);
  if (!compile || !match) {
    pcre2_compile_context_free(compile);
    pcre2_match_context_free(match);
    pcre2_jit_stack_free(stack);
    return TL_ENOMEM;
  }
  pcre2_set_max_pattern_length(compile, PATTERN_MAX);
  pcre2_set_callout(match, on_callout, NULL);
  pcre2_set_depth_limit(match, DEPTH_LIMIT);
  pcre2_set_heap_limit(match, HEAP_LIMIT);
  if (stack) pcre2_jit_stack_assign(match, NULL, stack);
  shared.compile = compile;
  shared.match = match;
  shared.stack = stack;
  return TL_OK;
}

static int make_match_data (uint32_t groups) {
  if (shared.data && shared.data_groups >= groups) return TL_OK;
  pcre2_match_data *data = pcre2_match_data_create(groups < 16 ? 16 : groups, NULL);
  if (!data) return TL_ENOMEM;
  pcre2_match_data_free(shared.data);
  shared.data = data;
  shared.data_groups = groups < 16 ? 16 : groups;
  return TL_OK;
}

static int fail_at (tl_err *err, int number, size_t at) {
  char text[160];
  if (pcre2_get_error_message(number, (PCRE2_UCHAR *)text, sizeof text) < 0)
    text[sizeof text - 1] = '\0';
  return tl_fail(err, number == PCRE2_ERROR_NOMEMORY ? TL_ENOMEM : TL_ESYNTAX, at, "%s", text);
}

/* \C would match half a character; (*UTF) in a pattern that was not announced as UTF-8 would
** skip the caller's check. */
static uint32_t compile_options (int flags) {
  uint32_t options = PCRE2_NEVER_BACKSLASH_C;
  options |= flags & TL_PATTERN_UTF ? PCRE2_UTF : PCRE2_NEVER_UTF;
  if (flags & TL_PATTERN_WHOLE) options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
  return options;
}

static void use_jit (tl_pattern *p) {
  p->want_jit = false;
  p->has_jit = pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE) == 0;
}

static int keep_text (tl_pattern *p, tl_slice pattern) {
  p->text = malloc(pattern.len > 0 ? pattern.len : 1);
  if (!p->text) return TL_ENOMEM;
  if (pattern.len > 0) memcpy(p->text, pattern.at, pattern.len);
  p->text_len = pattern.len;
  return TL_OK;
}

int tl_pattern_new (tl_pattern **out, tl_slice pattern, int flags, tl_err *err) {
  int number, rc = make_contexts();
  PCRE2_SIZE at;
  if (rc != TL_OK) return tl_fail(err, rc, 0, "no memory");
  tl_pattern *p = calloc(1, sizeof *p);
  if (!p) return tl_fail(err, TL_ENOMEM, 0, "no memory");
  PCRE2_SPTR text = pattern.len > 0 ? pattern.at : (PCRE2_SPTR) "";
  p->options = compile_options(flags);
  p->code = pcre2_compile(text, pattern.len, p->options, &number, &at, shared.compile);
  if (!p->code) {
    free(p);
    return fail_at(err, number, at);
  }
  pcre2_pattern_info(p->code, PCRE2_INFO_CAPTURECOUNT, &p->groups);
  pcre2_pattern_info(p->code, PCRE2_INFO_NAMECOUNT, &p->names);
  pcre2_pattern_info(p->code, PCRE2_INFO_NAMEENTRYSIZE, &p->name_size);
  pcre2_pattern_info(p->code, PCRE2_INFO_NAMETABLE, &p->name_table);
  uint32_t all_options = 0;
  pcre2_pattern_info(p->code, PCRE2_INFO_ALLOPTIONS, &all_options);
  p->one_start = (all_options & PCRE2_ANCHORED) != 0;
  rc = make_match_data(p->groups + 1);
  if (rc == TL_OK) rc = keep_text(p, pattern);
  if (rc != TL_OK) {
    tl_pattern_free(p);
    return tl_fail(err, rc, 0, "no memory");
  }
  p->want_jit = true;
  p->uses = LAZY_USES;
  if (!(flags & TL_PATTERN_LAZY)) use_jit(p);
  *out = p;
  return TL_OK;
}

void tl_pattern_free (tl_pattern *p) {
  if (!p) return;
  pcre2_code_free(p->code);
  pcre2_code_free(p->watched);
  free(p->text);
  free(p);
}

static int code_of (int rc) {
  switch (rc) {
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
    case PCRE2_ERROR_JIT_STACKLIMIT:
    case PCRE2_ERROR_RECURSELOOP: return TL_ELIMIT;
    case PCRE2_ERROR_NOMATCH: return 0;
    case PCRE2_ERROR_NOMEMORY: return TL_ENOMEM;
    default: return TL_EMALFORMED;
  }
}

static int copy_groups (tl_group *groups, int max, int set, uint32_t count) {
  const PCRE2_SIZE *pairs = pcre2_get_ovector_pointer(shared.data);
  int n = (int)count + 1 < max ? (int)count + 1 : max;
  for (int i = 0; i < n; i++) {
    bool unset = i >= set || pairs[2 * i] == PCRE2_UNSET;
    groups[i].from = unset ? UINT32_MAX : (uint32_t)pairs[2 * i];
    groups[i].to = unset ? UINT32_MAX : (uint32_t)pairs[2 * i + 1];
  }
  return n > 0 ? n : 1;
}

static int run (const pcre2_code *code, bool jit, tl_slice subject, size_t from, uint32_t steps) {
  PCRE2_SPTR text = subject.len > 0 ? subject.at : (PCRE2_SPTR) "";
  pcre2_set_match_limit(shared.match, steps);
  return jit ? pcre2_jit_match(code, text, subject.len, from, PCRE2_NO_UTF_CHECK, shared.data,
                               shared.match)
             : pcre2_match(code, text, subject.len, from, PCRE2_NO_UTF_CHECK, shared.data,
                           shared.match);
}

/* Match the slow way: PCRE2 calls on_callout between any two items of the pattern, which checks the
** time. */
static int run_watched (tl_pattern *p, tl_slice subject, size_t from) {
  if (!p->watched) {
    int number;
    PCRE2_SIZE at;
    p->watched = pcre2_compile(p->text, p->text_len, p->options | PCRE2_AUTO_CALLOUT, &number, &at,
                               shared.compile);
    if (!p->watched)
      return number == PCRE2_ERROR_NOMEMORY ? PCRE2_ERROR_NOMEMORY : PCRE2_ERROR_MATCHLIMIT;
    p->watched_jit = pcre2_jit_compile(p->watched, PCRE2_JIT_COMPLETE) == 0;
  }
  shared.callouts = 0;
  shared.callouts_per_look = subject.len < 4096
                                 ? CALLOUTS_PER_LOOK
                                 : (uint32_t)(CALLOUTS_PER_LOOK * 4096 / subject.len + 1);
  uint64_t most = SLOW_NS + SLOW_NS_PER_BYTE * (uint64_t)subject.len;
  if (shared.most > 0 && shared.most < most) most = shared.most;
  if (shared.in_sum && SUM_NS - tl_pattern_sum < most) most = SUM_NS - tl_pattern_sum;
  uint64_t began = tl_clock_cpu_ns();
  shared.deadline = began + most;
  int rc = run(p->watched, p->watched_jit, subject, from, MATCH_LIMIT);
  shared.slow_ns = tl_clock_cpu_ns() - began;
  return rc;
}

/* How many steps from each starting point fit into FAST_NS, if each reads the whole subject. */
static uint64_t fast_steps (const tl_pattern *p, size_t len) {
  uint64_t worst = ((uint64_t)len / BYTES_PER_NS + 1) * (p->one_start ? 1 : (uint64_t)len + 1);
  return FAST_NS / worst;
}

int tl_pattern_match_from (const tl_pattern *p, tl_slice subject, size_t from, tl_group *groups,
                           int max) {
  /* every pattern is on the heap: what is made lazily may be written */
  tl_pattern *own = (tl_pattern *)p;
  if (subject.len >= UINT32_MAX) return TL_ETOOBIG;
  uint64_t steps = fast_steps(p, subject.len);
  int rc = PCRE2_ERROR_MATCHLIMIT;
  if (steps > 0) {
    if (p->want_jit && --own->uses == 0) use_jit(own);
    if (steps < LEAST_STEPS)
      steps = LEAST_STEPS;
    else if (steps > MATCH_LIMIT)
      steps = MATCH_LIMIT;
    rc = run(p->code, p->has_jit, subject, from, (uint32_t)steps);
  }
  if (rc == PCRE2_ERROR_MATCHLIMIT && steps < MATCH_LIMIT) rc = run_watched(own, subject, from);
  return rc < 0 ? code_of(rc) : copy_groups(groups, max, rc, p->groups);
}

int tl_pattern_match (const tl_pattern *p, tl_slice subject, tl_group *groups, int max) {
  if (tl_pattern_sum == UINT64_MAX) return tl_pattern_match_from(p, subject, 0, groups, max);
  if (tl_pattern_sum >= SUM_NS) return TL_ELIMIT;
  uint32_t ticks = tl_clock_busy;
  shared.in_sum = true;
  shared.slow_ns = 0;
  int rc = tl_pattern_match_from(p, subject, 0, groups, max);
  uint64_t took = (uint64_t)(tl_clock_busy - ticks) * TL_CLOCK_BUSY_NS;
  shared.in_sum = false;
  tl_pattern_sum += took > shared.slow_ns ? took : shared.slow_ns;
  return rc;
}

bool tl_pattern_sum_is_over (void) {
  return tl_pattern_sum != UINT64_MAX && tl_pattern_sum >= SUM_NS;
}

int tl_pattern_group_count (const tl_pattern *p) { return (int)p->groups; }

bool tl_pattern_named (const tl_pattern *p, int i, const char **name, int *number) {
  if (i < 0 || (uint32_t)i >= p->names) return false;
  /* group number, high byte first, then the name */
  const uint8_t *entry = p->name_table + (size_t)i * p->name_size;
  *number = entry[0] << 8 | entry[1];
  *name = (const char *)entry + 2;
  return true;
}

/* core/sandbox/pieces.c — see pieces.h. */
#include "sandbox/pieces.h"

#include <stdlib.h>

#include "base/fiber.h"
#include "sandbox/watchdog.h"

/* Real time. While other processes have the processor a piece does less, but never nothing. */
enum { PIECE_NS = 2000000, BRIEF_NS = 500000 };

/* The part of the sandbox that belongs to what runs in it now. */
typedef struct {
  lua_State *L;
  lua_State *running;
  tl_budget budget;
  tl_sandbox_wait wait;
  int depth, closing;
  size_t loading_memory, memory_mark, memory_asked;
  bool memory_passed, pausable, system_refused;
  uint64_t checked_ticks;
  tl_sandbox *watched;
} state;

struct tl_pieces {
  tl_sandbox *box;
  tl_fiber *fiber;
  void (*body)(void *ctx);
  void *ctx;
  int thread; /* registry reference of its Lua thread */
  state own;  /* kept here while the work is paused */
  bool lends, minds, brief;
  /* bytes; lent: not counted against the limit of the others, while the work is paused */
  size_t memory_before, lent;
  bool hurried;
  const char *why;
  uint64_t left_cpu, left_mono; /* ns, when it paused */
  uint64_t left_ticks;
};

/* Exchange that part of the sandbox with *other. */
static void swap (tl_sandbox *b, state *other) {
  state now = {
    b->L,
    b->running,
    b->budget,
    b->wait,
    b->depth,
    b->closing,
    b->memory.loading,
    b->memory.mark,
    b->memory.asked,
    b->memory.passed,
    b->pausable,
    b->memory.system_refused,
    b->checked_ticks,
    tl_watchdog_switch_to(other->watched),
  };
  b->L = other->L;
  b->running = other->running;
  b->budget = other->budget;
  b->wait = other->wait;
  b->depth = other->depth;
  b->closing = other->closing;
  b->memory.loading = other->loading_memory;
  b->memory.mark = other->memory_mark;
  b->memory.asked = other->memory_asked;
  b->memory.passed = other->memory_passed;
  b->pausable = other->pausable;
  b->memory.system_refused = other->system_refused;
  b->checked_ticks = other->checked_ticks;
  b->ticked = false;
  *other = now;
}

static void run (void *ctx) {
  tl_pieces *p = ctx;
  p->body(p->ctx);
}

static int p_thread (lua_State *L) {
  tl_pieces *p = lua_touserdata(L, 1);
  p->own.L = lua_newthread(L);
  p->thread = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

int tl_pieces_new (tl_pieces **out, tl_sandbox *b, void (*body)(void *ctx), void *ctx) {
  tl_pieces *p = calloc(1, sizeof *p);
  if (!p) return TL_ENOMEM;
  *p = (tl_pieces){ .box = b, .body = body, .ctx = ctx, .thread = LUA_NOREF };
  p->memory_before = b->memory.used;
  int rc = tl_fiber_new(&p->fiber, run, p);
  if (rc == TL_OK && tl_sandbox_enter(b, p_thread, p, 0, "lua", NULL) != LUA_OK) rc = TL_ENOMEM;
  if (rc < 0) {
    tl_pieces_free(p);
    return rc;
  }
  p->own.running = p->own.L;
  *out = p;
  return TL_OK;
}

/* The time during the pause does not count. */
static void go_on_counting (tl_pieces *p) {
  tl_budget *b = &p->own.budget;
  if (!b->inside) return;
  uint64_t cpu = tl_clock_cpu_ns() - p->left_cpu;
  if (b->cpu_ns > 0) b->cpu_ns += cpu;
  uint64_t now = tl_clock_mono_ns(), away = now - p->left_mono;
  tl_sandbox_wait *w = &p->own.wait;
  if (b->deadline_ns > 0) b->deadline_ns += away;
  w->began += away;
  w->cpu += cpu;
  if (w->until == 0) return;
  w->until += away;
  tl_watchdog_alarm(now, w->until);
}

/* What is lent to a config that is being loaded is in the memory of all: the limit of those that
** lend nothing, and the mark that was made of it, rise and fall with that. */
static void follow_lent (tl_pieces *p) {
  p->own.memory_mark += p->box->memory.loading - p->own.loading_memory;
  p->own.loading_memory = p->box->memory.loading;
}

void tl_pieces_lend (tl_pieces *p) { p->lends = true; }
void tl_pieces_mind (tl_pieces *p, bool brief) {
  p->minds = true;
  p->brief = brief;
}

bool tl_pieces_go (tl_pieces *p) {
  tl_sandbox *b = p->box;
  tl_pieces *outer = b->pieces;
  if (p->left_mono > 0) {
    go_on_counting(p);
    b->away_ticks += tl_ticks() - p->left_ticks;
  }
  b->memory.loading -= p->lent;
  if (!p->lends) follow_lent(p);
  swap(b, &p->own);
  b->pieces = p;
  tl_watchdog_ring_in(p->brief ? BRIEF_NS : PIECE_NS);
  bool more = tl_fiber_go(p->fiber);
  b->pieces = outer;
  swap(b, &p->own);
  if (outer) tl_watchdog_ring_in(PIECE_NS);
  bool grown = p->lends && more && b->memory.used > p->memory_before;
  p->lent = grown ? b->memory.used - p->memory_before : 0;
  b->memory.loading += p->lent;
  if (!more) return false;
  p->left_cpu = tl_clock_cpu_ns();
  p->left_mono = tl_clock_mono_ns();
  p->left_ticks = tl_ticks();
  return true;
}

void tl_pieces_hurry (tl_pieces *p, const char *why) {
  p->hurried = true;
  p->why = why;
}

void tl_pieces_free (tl_pieces *p) {
  if (!p) return;
  if (p->thread != LUA_NOREF) luaL_unref(p->box->L, LUA_REGISTRYINDEX, p->thread);
  tl_fiber_free(p->fiber);
  free(p);
}

/* Pauses only in the outermost call. Calls inside it have budgets in C's stack frames, and are
** short. */
bool tl_pause_now (tl_sandbox *b) {
  tl_pieces *p = b->pieces;
  if (!p || p->hurried || b->depth > 1) return false;
  if (p->minds && !b->pausable) return false;
  tl_fiber_pause(p->fiber);
  return true;
}

bool tl_pause (tl_sandbox *b) { return b->pieces && tl_watchdog_rang() && tl_pause_now(b); }

void tl_pause_protected (lua_State *L) {
  tl_sandbox *b = tl_sandbox_of(L);
  tl_pause(b);
  if (b->ticked || tl_pieces_end(b)) tl_budget_check(L);
}

const char *tl_pieces_end (const tl_sandbox *b) {
  return b->pieces && b->budget.inside ? b->pieces->why : NULL;
}

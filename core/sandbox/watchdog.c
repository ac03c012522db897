/* core/sandbox/watchdog.c — see watchdog.h. At a tick it only sets a hook of the running
** thread, which lua.h allows in a signal handler. */
#include "sandbox/watchdog.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static tl_sandbox *volatile watched;
static lua_Hook hook;
static timer_t timer, bell, clock_alarm;
static bool has_alarm;
static uint64_t alarm_ns; /* when it comes, or came */
static int uncalled;      /* signals since the hook was set, which is still there */
static int users;
static volatile bool rang;

enum { TICK, BELL, ALARM };
enum { PATIENCE = 16 };

static void on_tick (int number, siginfo_t *info, void *context) {
  tl_sandbox *s = watched;
  (void)number;
  (void)context;
  if (info->si_value.sival_int == BELL) rang = true;
  if (info->si_value.sival_int == TICK) tl_clock_busy++;
  if (!s) return;
  s->ticked = true;
  if (info->si_value.sival_int == TICK) s->ticks++;
  lua_State *L = s->running;
  lua_Hook now = lua_gethook(L);
  /* A signal may have come while the look took the hook away, before its mask; or while Lua saw
  ** that there was none, before it told the running function not to look any more. Nothing would
  ** call it then, nor set it again. The second is not to be seen, and to set it walks along all
  ** calls, which may take longer than a tick: so only where it was not called for long. */
  bool is_dead = now == hook && (lua_gethookmask(L) == 0 || ++uncalled >= PATIENCE);
  if (!now || is_dead) {
    lua_sethook(L, hook, LUA_MASKCOUNT, 1);
    uncalled = 0;
  }
  /* The hook of a coroutine counts instructions, of which there are few where it waits: now. */
  bool counts = now && now != hook && (lua_gethookmask(L) & LUA_MASKCOUNT);
  if (counts && info->si_value.sival_int == ALARM) lua_sethook(L, now, lua_gethookmask(L), 1);
}

static bool make_timer (timer_t *out, clockid_t clock, int value) {
  struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
                            .sigev_signo = SIGVTALRM,
                            .sigev_value.sival_int = value,
                            .sigev_notify_thread_id = gettid() };
  return timer_create(clock, &event, out) == 0;
}

bool tl_watchdog_start (lua_Hook look) {
  struct sigaction action = { .sa_sigaction = on_tick, .sa_flags = SA_RESTART | SA_SIGINFO };
  struct itimerspec every = { { 0, TL_TICK_NS }, { 0, TL_TICK_NS } };
  hook = look;
  if (users == 0) {
    sigaction(SIGVTALRM, &action, NULL);
    if (!make_timer(&timer, CLOCK_THREAD_CPUTIME_ID, TICK)) return false;
    if (!make_timer(&bell, CLOCK_MONOTONIC, BELL)) {
      timer_delete(timer);
      return false;
    }
    timer_settime(timer, 0, &every, NULL);
  }
  users++;
  return true;
}

void tl_watchdog_stop (void) {
  if (--users > 0) return;
  timer_delete(timer);
  timer_delete(bell);
  if (has_alarm) timer_delete(clock_alarm);
  has_alarm = false;
  alarm_ns = 0;
}

void tl_watchdog_ring_in (long ns) {
  struct itimerspec once = { { 0, 0 }, { 0, ns } };
  rang = false;
  timer_settime(bell, 0, &once, NULL);
}

bool tl_watchdog_rang (void) { return rang; }

void tl_watchdog_alarm (uint64_t now_ns, uint64_t due_ns) {
  struct itimerspec at = { { 0, 0 },
                           { (time_t)(due_ns / 1000000000u), (long)(due_ns % 1000000000u) } };
  if (alarm_ns > now_ns && alarm_ns <= due_ns && due_ns - alarm_ns <= (due_ns - now_ns) / 10)
    return;
  if (!has_alarm) has_alarm = make_timer(&clock_alarm, CLOCK_MONOTONIC, ALARM);
  if (has_alarm) timer_settime(clock_alarm, TIMER_ABSTIME, &at, NULL);
  alarm_ns = due_ns;
}

tl_sandbox *tl_watchdog_switch_to (tl_sandbox *s) {
  tl_sandbox *before = watched;
  watched = s;
  return before;
}

tl_sandbox *tl_watchdog_watched (void) { return watched; }

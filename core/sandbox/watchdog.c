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
static timer_t timer, bell;
static int users;
static volatile bool rang;

enum { TICK, BELL };

static void on_tick (int number, siginfo_t *info, void *context) {
  tl_sandbox *s = watched;
  (void)number;
  (void)context;
  if (info->si_value.sival_int == BELL)
    rang = true;
  else
    tl_clock_busy++;
  if (!s) return;
  s->ticked = true;
  if (info->si_value.sival_int == TICK) s->ticks++;
  lua_State *L = s->running;
  if (!lua_gethook(L)) lua_sethook(L, hook, LUA_MASKCOUNT, 1);
}

bool tl_watchdog_start (lua_Hook look) {
  struct sigaction action = { .sa_sigaction = on_tick, .sa_flags = SA_RESTART | SA_SIGINFO };
  struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
                            .sigev_signo = SIGVTALRM,
                            .sigev_notify_thread_id = gettid() };
  struct itimerspec every = { { 0, TL_TICK_NS }, { 0, TL_TICK_NS } };
  hook = look;
  if (users == 0) {
    event.sigev_value.sival_int = TICK;
    sigaction(SIGVTALRM, &action, NULL);
    if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) != 0) return false;
    event.sigev_value.sival_int = BELL;
    if (timer_create(CLOCK_MONOTONIC, &event, &bell) != 0) {
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
}

void tl_watchdog_ring_in (long ns) {
  struct itimerspec once = { { 0, 0 }, { 0, ns } };
  rang = false;
  timer_settime(bell, 0, &once, NULL);
}

bool tl_watchdog_rang (void) { return rang; }

tl_sandbox *tl_watchdog_switch_to (tl_sandbox *s) {
  tl_sandbox *before = watched;
  watched = s;
  return before;
}

tl_sandbox *tl_watchdog_watched (void) { return watched; }

/* core/sandbox/watchdog.c — see watchdog.h. What it does at a tick is what lua.h allows for
** signals: to set a hook, of the thread that runs. */
#include "sandbox/watchdog.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static tl_sandbox *volatile watched;
static lua_Hook hook;
static timer_t timer;
static int users;

static void on_tick (int number) {
  tl_sandbox *s = watched;
  (void)number;
  tl_clock_busy++;
  if (!s) return;
  s->ticked = true;
  s->ticks++;
  lua_State *L = s->running;
  if (!lua_gethook(L)) lua_sethook(L, hook, LUA_MASKCOUNT, 1);
}

bool tl_watchdog_start (lua_Hook look) {
  struct sigaction action = { .sa_handler = on_tick, .sa_flags = SA_RESTART };
  struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
                            .sigev_signo = SIGVTALRM,
                            .sigev_notify_thread_id = gettid() };
  struct itimerspec every = { { 0, TL_TICK_NS }, { 0, TL_TICK_NS } };
  hook = look;
  if (users == 0) {
    sigaction(SIGVTALRM, &action, NULL);
    if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) != 0) return false;
    timer_settime(timer, 0, &every, NULL);
  }
  users++;
  return true;
}

void tl_watchdog_stop (void) {
  if (--users == 0) timer_delete(timer);
}

tl_sandbox *tl_watchdog_switch_to (tl_sandbox *s) {
  tl_sandbox *before = watched;
  watched = s;
  return before;
}

tl_sandbox *tl_watchdog_switch_toed (void) { return watched; }

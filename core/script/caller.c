/* core/script/caller.c — for whom code runs, what the log tells of the changes that a person
** makes, and calls that wait at a console. See caller.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "script/script.h"

/* how many levels of calls are searched for a function that was typed at a prompt */
enum { LEVELS = 8 };

tl_caller tl_caller_here (lua_State *L) {
  const tl_script *s = tl_script_of(L);
  tl_caller here = s->caller.now;
  if (s->errors.scope) here.line = s->errors.scope->line;
  return here;
}

/* Was a function on this stack typed at a prompt? When such a function is called later from a
** handler, what it does still counts as done by a person. */
static bool typed (lua_State *L) {
  lua_Debug ar;
  for (int level = 0; level < LEVELS && lua_getstack(L, level, &ar); level++)
    if (lua_getinfo(L, "S", &ar) &&
        (strcmp(ar.source, TL_CHUNK_TYPED) == 0 || strcmp(ar.source, TL_CHUNK_SCRIPT) == 0))
      return true;
  return false;
}

bool tl_caller_is_person (lua_State *L) { return tl_caller_here(L).eval != 0 || typed(L); }

tl_caller tl_caller_enter (tl_script *s, tl_caller caller) {
  tl_caller before = s->caller.now;
  s->caller.now = caller;
  return before;
}

void tl_caller_leave (tl_script *s, tl_caller before) { s->caller.now = before; }

void tl_caller_owe (tl_script *s, tl_caller caller) {
  if (s->caller.console && caller.eval != 0) s->caller.console->owe(s, caller);
}

void tl_caller_settle (tl_script *s, tl_caller caller) {
  if (s->caller.console && caller.eval != 0) s->caller.console->settle(s, caller);
}

void tl_caller_set_console (tl_script *s, const tl_console_hooks *hooks) {
  s->caller.console = hooks;
}

/* --- what the log tells --- */

static void note (tl_change *change, lua_State *L, const char *scope, const char *fmt,
                  va_list args) {
  *change = (tl_change){ .caller = tl_caller_here(L), .scope = scope };
  if (tl_caller_is_person(L)) vsnprintf(change->text, sizeof change->text, fmt, args);
}

tl_change tl_change_of (lua_State *L, const char *scope, const char *fmt, ...) {
  tl_change change;
  va_list args;
  va_start(args, fmt);
  note(&change, L, scope, fmt, args);
  va_end(args);
  return change;
}

void tl_change_log (const tl_change *change, const char *how, const char *why) {
  char who[40] = "REPL";
  if (change->text[0] == '\0') return;
  if (change->caller.eval != 0)
    snprintf(who, sizeof who, "REPL of uid %lu", (unsigned long)change->caller.uid);
  if (!how)
    tl_log(TL_LOG_INFO, change->scope, "%s: %s", who, change->text);
  else
    tl_log(TL_LOG_WARN, change->scope, "%s: %s %s: %s", who, how, change->text, why);
}

void tl_change_log_now (lua_State *L, const char *scope, const char *fmt, ...) {
  tl_change change;
  va_list args;
  va_start(args, fmt);
  note(&change, L, scope, fmt, args);
  va_end(args);
  tl_change_log(&change, NULL, NULL);
}

/* --- waiting --- */

tl_eval *tl_eval_of (lua_State *L) {
  const tl_console_hooks *console = tl_script_of(L)->caller.console;
  return console ? console->of(L) : NULL;
}

static const tl_console_hooks *console_of (const tl_eval *e) {
  return ((const tl_eval_head *)e)->console;
}

int tl_eval_wait (lua_State *L, tl_eval *e, void (*stop)(void *ctx), void *ctx) {
  return console_of(e)->wait(L, e, stop, ctx);
}

void tl_eval_wake (tl_eval *e, int (*push)(lua_State *co, void *arg), void *arg) {
  console_of(e)->wake(e, push, arg);
}

int tl_eval_rest (lua_State *L) {
  const tl_console_hooks *console = tl_script_of(L)->caller.console;
  return console ? console->rest(L) : 0;
}

bool tl_eval_resume (tl_script *s, lua_State *co, bool ok, const char *why) {
  return s->caller.console && s->caller.console->resume(s, co, ok, why);
}

void tl_eval_show (tl_eval *e, tl_slice text) { console_of(e)->show(e, text); }

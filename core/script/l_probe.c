/* core/script/l_probe.c — line:probe() at the prompt: shows at once what the probe reports,
** and the evaluation waits for its end. */
#include <stdio.h>
#include <stdlib.h>

#include "dial/probe.h"
#include "script/script.h"

typedef struct {
  tl_eval *e;
  tl_probe *probe; /* NULL: the probe has ended */
  bool well;
  char why[400];
} asked;

static int p_answer (lua_State *co, void *arg) {
  const asked *a = arg;
  if (a->well) {
    lua_pushboolean(co, 1);
    return 1;
  }
  lua_pushnil(co);
  lua_pushstring(co, a->why);
  return 2;
}

static void on_stage (void *ctx, const char *text) {
  asked *a = ctx;
  char line[800];
  int n = snprintf(line, sizeof line, "%s\n", text);
  if (n > 0) tl_eval_show(a->e, tl_slice_str(line));
}

static void on_done (void *ctx, bool well, const char *why) {
  asked *a = ctx;
  a->probe = NULL;
  a->well = well;
  snprintf(a->why, sizeof a->why, "%s", why);
  tl_eval_wake(a->e, p_answer, a);
  free(a);
}

static void stop (void *ctx) {
  asked *a = ctx;
  if (a->probe) tl_probe_stop(a->probe);
  free(a);
}

int tl_line_probe (lua_State *L) {
  tl_line *line = tl_check_line(L, 1);
  tl_eval *e = tl_eval_of(L);
  if (!e) return luaL_error(L, "probe() is for the prompt, and for repl -e");
  asked *a = calloc(1, sizeof *a);
  if (!a) return luaL_error(L, "not enough memory");
  a->e = e;
  if (tl_probe_start(&a->probe, tl_link_dial(tl_line_link(line)), on_stage, on_done, a) < 0) {
    free(a);
    return luaL_error(L, "not enough memory");
  }
  lua_settop(L, 0);
  return tl_eval_wait(L, e, stop, a);
}

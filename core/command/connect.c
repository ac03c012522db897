/* core/command/connect.c — one line after the other is probed. Nothing of the config runs. */
#include "command/connect.h"

#include <stdio.h>

#include "dial/probe.h"
#include "gateway/gateway.h"

typedef struct {
  tl_loop *loop;
  tl_gateway *gateway;
  size_t line; /* the one that is probed */
  int failed;
} trying;

static void print_stage (void *ctx, const char *text) {
  (void)ctx;
  puts(text);
  fflush(stdout); /* a stage may take its time */
}

static void next_line (trying *t);

static void done (void *ctx, bool well, const char *why) {
  trying *t = ctx;
  (void)why;
  if (!well) t->failed++;
  t->line++;
  next_line(t);
}

static void next_line (trying *t) {
  tl_model *m = tl_gateway_model(t->gateway);
  tl_probe *probe;
  if (t->line == m->line_count) {
    tl_loop_stop(t->loop);
    return;
  }
  tl_line *line = m->lines[t->line];
  printf("%s\n", line->name);
  if (tl_probe_start(&probe, tl_link_dial(tl_line_link(line)), print_stage, done, t) == TL_OK)
    return;
  puts("  no memory");
  t->failed++;
  tl_loop_stop(t->loop);
}

static void on_stopped (void *ctx) { tl_loop_stop(ctx); }

int tl_connect_lines (tl_script *script) {
  trying t = { .failed = 0 };
  tl_err err = { .text = "" };
  int failed = -1;
  if (tl_loop_new(&t.loop) >= 0 &&
      tl_gateway_new(&t.gateway, t.loop, &tl_script_handlers, script) >= 0) {
    tl_script_attach(script, t.gateway, t.loop);
    if (tl_config_apply(script, NULL, NULL, &err) == TL_OK) {
      next_line(&t);
      tl_loop_run(t.loop);
      failed = t.failed;
    }
    tl_gateway_stop(t.gateway, on_stopped, t.loop);
    tl_loop_run(t.loop);
  }
  if (failed < 0) fprintf(stderr, "tagline: %s\n", err.text[0] ? err.text : "no resources");
  tl_gateway_free(t.gateway);
  if (t.loop) tl_loop_free(t.loop);
  return failed;
}

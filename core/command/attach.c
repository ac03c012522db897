/* core/command/attach.c — see attach.h. */
#include "command/attach.h"

#include <stdlib.h>

/* One attached client. */
typedef struct person {
  struct person *next;
  tl_console_client *client;
  tl_eval *eval;
  bool logs;
} person;

struct tl_attach {
  tl_script *script;
  person *people;
};

static bool on_output (void *ctx, tl_slice text) {
  person *p = ctx;
  tl_console_send(p->client, 'o', text);
  return !tl_console_behind(p->client);
}

static void on_done (void *ctx, bool ok, tl_slice text) {
  tl_console_send(((person *)ctx)->client, ok ? 'r' : 'f', text);
}
static void on_note (void *ctx, tl_slice text) {
  tl_console_send(((person *)ctx)->client, 'n', text);
}
static void on_more (void *ctx) { tl_console_send(((person *)ctx)->client, 'm', TL_LIT("")); }

static void on_leave (void *ctx) { tl_console_send(((person *)ctx)->client, 'q', TL_LIT("")); }

static const tl_eval_events eval_events = { on_output, on_done, on_note, on_more, on_leave };

int tl_attach_new (tl_attach **out, tl_script *script) {
  tl_attach *a = calloc(1, sizeof *a);
  if (!a) return TL_ENOMEM;
  a->script = script;
  *out = a;
  return TL_OK;
}

void tl_attach_free (tl_attach *a) { free(a); }

static void on_opened (void *ctx, tl_console_client *c) {
  tl_attach *a = ctx;
  person *p = calloc(1, sizeof *p);
  if (p && tl_eval_new(&p->eval, a->script, &eval_events, p) != TL_OK) {
    free(p);
    p = NULL;
  }
  if (p) {
    p->client = c;
    p->next = a->people;
    a->people = p;
  }
  tl_console_set_user(c, p);
}

static const char *find (tl_slice body, const char *word) {
  return memmem(body.at, body.len, word, strlen(word));
}

/* hello is made by our own client: flat, without blanks. */
static int number_after (tl_slice body, const char *word, int otherwise) {
  const char *at = find(body, word), *end = (const char *)body.at + body.len;
  int n = 0;
  if (!at || (at += strlen(word)) == end || *at < '0' || *at > '9') return otherwise;
  for (; at < end && *at >= '0' && *at <= '9' && n < 100000000; at++) n = n * 10 + (*at - '0');
  return n;
}

static void hello (person *p, tl_slice body) {
  p->logs = find(body, "\"logs\":true");
  bool json = find(body, "\"json\":true");
  tl_console_set_json(p->client, json);
  tl_eval_options(p->eval, json, find(body, "\"tty\":true"), number_after(body, "\"wait\":", 0),
                  number_after(body, "\"width\":", 80), tl_console_uid(p->client));
  tl_eval_answer_within(p->eval, number_after(body, "\"answer\":", 10000));
}

static void complete (person *p, tl_slice body) {
  tl_buf words;
  tl_buf_init(&words);
  tl_eval_complete(p->eval, body, &words);
  tl_console_send(p->client, 'c', tl_buf_bytes(&words));
  tl_buf_fini(&words);
}

static void on_frame (void *ctx, tl_console_client *c, char type, tl_slice body) {
  person *p = tl_console_user(c);
  (void)ctx;
  if (!p) {
    tl_console_send(c, 'f', TL_LIT("no memory for an evaluation"));
    return;
  }
  switch (type) {
    case 'h': hello(p, body); break;
    case 'e': tl_eval_run(p->eval, body, false); break;
    case 'l': tl_eval_run(p->eval, body, true); break;
    case 's': tl_eval_script(p->eval, number_after(body, "", 1)); break;
    case 'c': complete(p, body); break;
    case 'p': tl_console_send(c, 'p', TL_LIT("")); break;
    case 'x': tl_eval_cancel(p->eval); break;
    case 'i': tl_eval_entered(p->eval); break;
    default: break;
  }
}

static void on_closed (void *ctx, tl_console_client *c) {
  tl_attach *a = ctx;
  person *p = tl_console_user(c);
  if (!p) return;
  person **at = &a->people;
  while (*at != p) at = &(*at)->next;
  *at = p->next;
  tl_eval_free(p->eval);
  free(p);
}

static void on_drained (void *ctx, tl_console_client *c) {
  person *p = tl_console_user(c);
  (void)ctx;
  if (p) tl_eval_drained(p->eval);
}

const tl_console_events tl_attach_events = { on_opened, on_frame, on_closed, on_drained };

bool tl_attach_log (tl_attach *a, const char *line) {
  tl_buf text;
  bool any = false;
  tl_buf_init(&text);
  for (person *p = a->people; p; p = p->next) {
    if (!p->logs) continue;
    any = true;
    if (text.len == 0) tl_buf_fmt(&text, "%s\n", line);
    if (!text.failed) tl_console_send(p->client, 'o', tl_buf_bytes(&text));
  }
  tl_buf_fini(&text);
  return any;
}

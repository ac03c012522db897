/* spec/postgres/played_server.h — a PostgreSQL that a spec plays: it lets one client in, answers
** its statements with the rows that the spec has for them, or refuses, ends, keeps silent. It runs
** between the turns of the loop, without memory that fails. */
#ifndef SPEC_POSTGRES_PLAYED_SERVER_H
#define SPEC_POSTGRES_PLAYED_SERVER_H

#include "net/net_support.h"
#include "support/torture.h"

#include <netinet/tcp.h>

#include "base/buf.h"

enum { ANSWERS, REFUSES, IS_SILENT, FAILS_STEPS, ENDS_WITH_WORDS, ENDS };

/* One row for each statement whose text holds `part`. */
typedef struct {
  const char *part;
  int columns;
  const char *values[3];
} played_row;

static int listening, client = -1, manner;
static const char *version = "15.4";
static uint16_t port;
static bool started, aborted; /* aborted: up to the end of the step */
static tl_buf in;
static const played_row *played_rows;            /* ends with a `part` NULL; NULL: no rows at all */
static const char *failing_part, *failing_state; /* statements with this in their text fail */
static const char *ending_part;                  /* the server ends at those with this one */
static const char *awaited;                      /* a text somewhere in what it is told … */
static bool awaited_came;                        /* … was there */
static bool chatty;                              /* it says things that nobody asked for */
static char statement[4000], prepared[400];      /* what is asked now, and by name */

static void say (char type, const void *body, size_t n) {
  uint8_t head[5] = { (uint8_t)type, 0, 0, (uint8_t)((n + 4) >> 8), (uint8_t)(n + 4) };
  (void)!send(client, head, 5, MSG_NOSIGNAL);
  if (n > 0) (void)!send(client, body, n, MSG_NOSIGNAL);
}

static void say_error (const char *state, const char *text) {
  char body[200];
  int n = snprintf(body, sizeof body, "SFATAL%cVFATAL%cC%s%cM%s%c%c", 0, 0, state, 0, text, 0, 0);
  say('E', body, (size_t)n);
}

static void hang_up (void) {
  if (client >= 0) close(client);
  client = -1;
  started = false;
  tl_buf_clear(&in);
}

static void say_fact (const char *name, const char *value) {
  char body[100];
  int n = snprintf(body, sizeof body, "%s%c%s%c", name, 0, value, 0);
  say('S', body, (size_t)n);
}

static void say_hello (void) {
  if (manner == REFUSES) {
    say_error("28P01", "password authentication failed for user \"x\"");
    hang_up();
    return;
  }
  say('R', "\0\0\0\0", 4);
  say_fact("server_version", version);
  say_fact("in_hot_standby", "off");
  say_fact("default_transaction_read_only", "off");
  say('K', "\0\0\0\1\0\0\0\2", 8);
  say('Z', "I", 1);
}

static const played_row *row_of_statement (void) {
  for (const played_row *r = played_rows; r && r->part; r++)
    if (strstr(statement, r->part)) return r;
  return NULL;
}

static void add_number (tl_buf *out, uint32_t number, int bytes) {
  while (bytes-- > 0) tl_buf_byte(out, (uint8_t)(number >> 8 * bytes));
}

/* What a statement gives: its columns, all text, or their values. */
static void say_row (const played_row *r, bool values) {
  tl_buf out;
  tl_buf_init(&out);
  add_number(&out, (uint32_t)r->columns, 2);
  for (int i = 0; i < r->columns; i++)
    if (values) {
      add_number(&out, (uint32_t)strlen(r->values[i]), 4);
      tl_buf_str(&out, r->values[i]);
    } else {
      tl_buf_add(&out, "c\0\0\0\0\0\0\0\0\0\0\31\377\377\377\377\377\377\0\0", 20);
    }
  say(values ? 'D' : 'T', out.at, out.len);
  tl_buf_fini(&out);
}

static void note_statement (char type, const char *body) {
  const char *second = body + strlen(body) + 1;
  if (type == 'P')
    snprintf(body[0] != '\0' ? prepared : statement,
             body[0] != '\0' ? sizeof prepared : sizeof statement, "%s", second);
  else if (second[0] != '\0')
    snprintf(statement, sizeof statement, "%s", prepared);
}

static void run_statement (void) {
  const played_row *r = row_of_statement();
  if (ending_part && strstr(statement, ending_part)) {
    hang_up();
    return;
  }
  if (failing_part && strstr(statement, failing_part)) {
    say_error(failing_state, "so it is");
    aborted = true;
    return;
  }
  if (r) say_row(r, true);
  say('C', "INSERT 0 1", 11);
}

static void answer (char type, const char *body) {
  if (manner == IS_SILENT) return;
  if (manner == ENDS_WITH_WORDS)
    say_error("57P01", "terminating connection due to administrator command");
  if (manner == ENDS_WITH_WORDS || manner == ENDS) {
    hang_up();
    return;
  }
  if (chatty) {
    static const char plain[] = "SNOTICE\0Mby the way\0", coded[] = "SNOTICE\0C00000\0Mbye\0";
    static const char empty[] = "SNOTICE\0C00000\0";
    say('N', plain, sizeof plain);
    say('N', coded, sizeof coded);
    say('N', empty, sizeof empty);
  }
  if (type == 'S') {
    say('Z', "I", 1);
    aborted = false;
    return;
  }
  if (type == 'P' && manner == FAILS_STEPS) say_error("42P01", "relation \"value\" does not exist");
  if (manner == FAILS_STEPS || aborted) return;
  if (type == 'P' || type == 'B') {
    note_statement(type, body);
    say(type == 'P' ? '1' : '2', NULL, 0);
  }
  if (type == 'D' && row_of_statement())
    say_row(row_of_statement(), false);
  else if (type == 'D')
    say('n', NULL, 0);
  if (type == 'E') run_statement();
}

static uint32_t word_at (size_t at) {
  const uint8_t *p = in.at + at;
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void serve (void) {
  uint8_t bytes[65536];
  memory_is_spared = true;
  if (client < 0 && readable(listening)) {
    client = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    started = false;
    tl_buf_clear(&in);
  }
  ssize_t n = -1;
  while (client >= 0 && (n = recv(client, bytes, sizeof bytes, 0)) > 0)
    tl_buf_add(&in, bytes, (size_t)n);
  if (n == 0) hang_up();
  for (size_t head = started ? 1 : 0; client >= 0 && in.len >= head + 4; head = 1) {
    size_t len = head + word_at(head);
    if (awaited && memmem(in.at, in.len, awaited, strlen(awaited))) awaited_came = true;
    if (in.len < len) break;
    bool first = !started;
    started = true;
    if (first)
      say_hello();
    else
      answer((char)in.at[0], (const char *)in.at + head + 4);
    if (client >= 0) tl_buf_drop(&in, len); /* else it was emptied */
  }
  memory_is_spared = false;
}

static void quick_turn (void) {
  serve();
  turn();
}
#define UNTIL(condition)                                                       \
  do {                                                                         \
    int64_t end_ = tl_clock_mono_ms() + DEADLINE_MS;                           \
    for (; !(condition); quick_turn()) assert_true(tl_clock_mono_ms() < end_); \
  } while (0)

#endif

/* core/console/server.h — the Unix socket that `tagline repl` attaches to: frames in and out,
** no meaning. The meaning is in script/, joined in command/run.c.
**
** A frame is a type byte, a length of 4 bytes (big-endian) and that many bytes. Requests
** (client to server):
**   'h' hello {"tty":bool,"width":N,"json":bool,"logs":bool,"wait":N}, the first frame, and
**   again when the width changed;
**   'e' evaluate this code, a whole; one evaluation at a time, each ends with one 'r' or 'f';
**   those of writes that this client's
**       evaluations left under way are waited for, up to `wait` milliseconds;
**   'l' evaluate these lines, which may want more: ends with 'm', too;
**   's' N (decimal): the code of the next 'e' or 'l' begins at this line of a script;
**   'c' complete {"line":TEXT,"at":N}, N the number of bytes before the cursor; answered by one
**   'c';
**   'p' is anybody there? Answered by one 'p', also while an evaluation runs;
**   'x' cancel the evaluation (it then ends with 'f'; nothing when there is none);
**   'i' an input line (ends a watch).
** Answers (server to client):
**   'o' output text, written as it is, at any time;
**   'n' a note, for stderr;
**   'r' an evaluation ended well (text: its result as a person or, with "json", a program reads
**   it; empty when there is none);
**   'f' it failed (text: the error);
**   'm' the lines are unfinished: the client asks again with all of them and one more;
**   'p' yes;
**   'c' completions, a JSON list of texts, each beginning with the word before the cursor; a
**   number behind them says how many more
**       there are. */
#ifndef TL_CONSOLE_SERVER_H
#define TL_CONSOLE_SERVER_H

#include "base/buf.h"
#include "net/loop.h"

typedef struct tl_console tl_console;
typedef struct tl_console_client tl_console_client;

typedef struct {
  void (*opened)(void *ctx, tl_console_client *c);
  void (*frame)(void *ctx, tl_console_client *c, char type, tl_slice body); /* body borrowed */
  /* once each; the client must not be used afterwards */
  void (*closed)(void *ctx, tl_console_client *c);
  /* one that was behind has read most of it; may be NULL */
  void (*drained)(void *ctx, tl_console_client *c);
} tl_console_events;

/* Listen on `path`: folder made with 0700 when missing, socket 0600, a stale socket (nobody
** answers) replaced. TL_EEXIST: a running process answers there. TL_ETOOBIG: the path is longer
** than a socket's may be. TL_EREFUSED: another user could put a socket of theirs in our place.
** Failure fills err. Only this user and root are let in, others are closed at once. A frame of
** more than TL_CONSOLE_FRAME bytes closes its client. Keeps tl_loop_run() going until it is
** closed. */
enum { TL_CONSOLE_FRAME = 16 << 20 };
int tl_console_listen (tl_console **out, tl_loop *loop, const char *path,
                       const tl_console_events *events, void *ctx, tl_err *err);
/* Closes the clients (`closed` comes for each before this returns, and nothing after), removes
** the socket if it is still ours. NULL is fine. May be called inside an event. */
void tl_console_close (tl_console *c);
/* Never blocks. A client that does not read is bounded: beyond `TL_CONSOLE_BACKLOG` bytes 'o'
** frames are dropped and counted, and the client is told how many as soon as it reads again. Other
** frames are never dropped; a client that does not read is not read from. A write that fails closes
** the client, later. */
enum { TL_CONSOLE_BACKLOG = 1 << 20 };
void tl_console_send (tl_console_client *c, char type, tl_slice body);
/* a program reads it: what it missed is told as {"outputs_left_out":N} */
void tl_console_set_json (tl_console_client *c, bool json);
/* Is the client slow to read? A sender that can wait should wait then: nothing is dropped yet. */
bool tl_console_behind (tl_console_client *c);
void *tl_console_user (const tl_console_client *c);
void tl_console_set_user (tl_console_client *c, void *user);
uint32_t tl_console_uid (const tl_console_client *c); /* SO_PEERCRED */

#endif

/* core/console/server.h — the Unix socket that `tagline repl` attaches to: frames in and out, no meaning. The meaning is in script/, joined
** in command/run.c.
**
** A frame is a type byte, a length of 4 bytes (big-endian) and that many bytes. Requests (client to server): 'h' hello {"tty":bool,"width":N,"json":bool};
** 'e' evaluate this code; 'c' complete (JSON {"line":…,"at":N}); 'x' cancel the evaluation; 'i' input line (ends a watch). Answers: 'o' output text; 'r' an evaluation ended
** well; 'f' it failed (text: the error); 'm' it needs more lines; 'c' completions (JSON list). */
#ifndef TL_CONSOLE_SERVER_H
#define TL_CONSOLE_SERVER_H

#include "base/buf.h"
#include "net/loop.h"

typedef struct tl_console tl_console;
typedef struct tl_console_client tl_console_client;

typedef struct {
  void (*opened) (void *ctx, tl_console_client *c);
  void (*frame) (void *ctx, tl_console_client *c, char type, tl_slice body); /* body borrowed */
  void (*closed) (void *ctx, tl_console_client *c);                          /* the client must not be used afterwards */
} tl_console_events;

/* Listen on `path`: folder made with 0700 when missing, socket 0600, a stale socket (nobody answers) replaced. TL_EEXIST: a running process
** answers there. Failure fills err. */
int tl_console_listen (tl_console **out, tl_loop *loop, const char *path, const tl_console_events *events, void *ctx, tl_err *err);
void tl_console_close (tl_console *c); /* closes clients, removes the socket */
/* Never blocks. A client that does not read is bounded: beyond `TL_CONSOLE_BACKLOG` bytes 'o' frames are dropped and counted, and the
** client is told how many as soon as it reads again. Others are never dropped. */
enum { TL_CONSOLE_BACKLOG = 1 << 20 };
void tl_console_send (tl_console_client *c, char type, tl_slice body);
void *tl_console_user (const tl_console_client *c);
void tl_console_set_user (tl_console_client *c, void *user);
uint32_t tl_console_uid (const tl_console_client *c); /* SO_PEERCRED */

#endif

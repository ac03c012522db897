/* core/command/talk.h — a conversation with a running process over its console socket, as `repl`
** and `status` have it: find it, ask it, and notice that it does not answer. */
#ifndef TL_COMMAND_TALK_H
#define TL_COMMAND_TALK_H

#include <signal.h>

#include "base/buf.h"

enum { TL_TALK_INTERRUPTED = 130, TL_TALK_SILENT = 131 };

/* ms, 10000. A process that has not answered for this long counts as dead: a healthy one answers
** the question whether it is there between any two messages. A variable, so that specs need not
** wait. */
extern int tl_talk_patience_ms;

typedef struct {
  const char *command; /* "repl", for messages on stderr */
  int fd;
  bool json, logs;
  int wait_ms;      /* for the functions of writes */
  bool answer_too;  /* so long for the answer to a write, too; else as the process likes */
  int patience_ms;  /* set by open(): wait_ms, but not less than tl_talk_patience_ms */
  unsigned width;   /* of the terminal, as the process knows it */
  sigset_t waiting; /* the signal mask while we wait: SIGINT is let in only there */
  struct sigaction before;
  int64_t heard_at, asked_at; /* tl_clock_mono_ms(); asked_at 0: nothing is asked */
  bool silence_logged;
  tl_buf frame;  /* the last one's body */
  char why[400]; /* the error of a connection that failed */
  /* results and output go here, not to standard output; NULL: they are written */
  tl_buf *result, *output;
} tl_talk;

/* Find the process (`socket` NULL: the only one that runs) and connect. SIGINT is blocked but while
** waiting. 0; else the exit code, after saying why on stderr. */
int tl_talk_open (tl_talk *t, const char *socket);
void tl_talk_close (tl_talk *t); /* after open() returned 0 */
/* Introduce ourselves; `tty`: a person reads. 0, or negative when the process is gone. */
int tl_talk_hello (tl_talk *t, bool tty);
void tl_talk_renew_hello (tl_talk *t); /* the window may have another size by now */

/* Wait for the process or, if `input` is not negative, for that descriptor. 1: the process; 2: the
** input; 0: Ctrl-C; -1: nothing within timeout_ms (negative: no limit). */
int tl_talk_wait (tl_talk *t, int input, int timeout_ms);
/* Read one frame, and write its output, result or error, with control characters made visible.
** Returns the frame's type. 0: the process is gone. -1: our own output failed, or there is no
** memory; this was printed. */
int tl_talk_frame (tl_talk *t);
/* Wait until the process has answered that it is there: 'r', or as evaluate(). */
int tl_talk_greet (tl_talk *t);
/* Request an evaluation ('e' or 'l') and wait for its end. Returns 'r', 'f' or 'm'
** (console/server.h); 0: the process is gone; -1: our output failed; TL_TALK_INTERRUPTED: Ctrl-C
** came twice; TL_TALK_SILENT: the process does not answer.
** `typed`: a person waits. They may press Enter to end a watch, and decide themselves how long to
** wait for a silent process. */
int tl_talk_evaluate (tl_talk *t, char type, tl_slice code, bool typed);
/* The exit code of an answer that ends everything, after saying what is to be said. */
int tl_talk_exit (tl_talk *t, int answer);

/* Write text to a descriptor: as it is, or, on a terminal, with nothing in it that moves it. */
bool tl_talk_write (int fd, tl_slice text);

volatile int *tl_talk_interrupted (void); /* Ctrl-C came */

#endif

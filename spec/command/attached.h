/* spec/command/attached.h — `tagline repl` in a child process, on pipes or on a terminal; the spec
** plays the running process that it attaches to. */
#ifndef SPEC_COMMAND_ATTACHED_H
#define SPEC_COMMAND_ATTACHED_H

#include "support/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "command/command.h"
#include "command/talk.h"
#include "console/client.h"

enum { DEADLINE_MS = 90000 }; /* only reached by what fails */

static char folder[64], path[100];
static int server, peer, in, out, errors, terminal;
static pid_t child;
static const char *term; /* TERM of the next terminal; NULL: there is none */
static unsigned short columns;
static tl_buf frame, seen; /* seen: what came on a pipe or the screen */

static inline int listen_at (const char *name) {
  struct sockaddr_un sa = { .sun_family = AF_UNIX };
  snprintf(path, sizeof path, "%s/tagline/%s.sock", folder, name);
  snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
  assert_int_equal(listen(fd, 4), 0);
  return fd;
}

static inline int setup (void **state) {
  char sub[80];
  (void)state;
  signal(SIGPIPE, SIG_IGN);
  alarm(600); /* this program waits with deadlines, but the child is beyond them */
  server = peer = in = out = errors = terminal = -1;
  child = 0;
  term = "xterm";
  columns = 100;
  snprintf(folder, sizeof folder, "/tmp/tagline-spec-XXXXXX");
  if (!mkdtemp(folder)) return -1;
  snprintf(sub, sizeof sub, "%s/tagline", folder);
  mkdir(sub, 0700);
  setenv("XDG_RUNTIME_DIR", folder, 1);
  setenv("XDG_STATE_HOME", folder, 1);
  setenv("HOME", folder, 1);
  return 0;
}

static inline int teardown (void **state) {
  char command[100];
  (void)state;
  int fds[] = { server, peer, in, out, errors, terminal };
  for (int i = 0; i < 6; i++)
    if (fds[i] >= 0) close(fds[i]);
  if (child > 0) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
  }
  tl_buf_fini(&frame);
  tl_buf_fini(&seen);
  snprintf(command, sizeof command, "rm -r %s", folder);
  return system(command);
}

/* The end of a child, without the handlers of its parent; what it did counts for coverage. */
void __gcov_dump (void) __attribute__((weak));
static inline void end_child (int code) {
  if (__gcov_dump) __gcov_dump();
  _exit(code);
}

static inline int count (char **argv) {
  int argc = 0;
  while (argv[argc]) argc++;
  return argc;
}

/* What the next child does before the command begins, and when it has ended; NULL: nothing. */
static void (*before_command)(void), (*after_command)(void);

/* Start the command with pipes. */
#define START(...) start((char *[]){ "repl", __VA_ARGS__, NULL })
static inline void start (char **argv) {
  int i[2], o[2], e[2];
  assert_int_equal(pipe2(i, O_CLOEXEC) + pipe2(o, O_CLOEXEC) + pipe2(e, O_CLOEXEC), 0);
  child = fork();
  if (child == 0) {
    dup2(i[0], 0);
    dup2(o[1], 1);
    dup2(e[1], 2);
    for (int fd = 3; fd < 64; fd++) close(fd); /* no exec here that would */
    if (before_command) before_command();
    int rc = tl_command_repl(count(argv), argv);
    if (after_command) after_command();
    fflush(stdout);
    end_child(rc);
  }
  close(i[0]);
  close(o[1]);
  close(e[1]);
  in = i[1];
  out = o[0];
  errors = e[0];
}

static inline void attach (void) {
  struct pollfd p = { .fd = server, .events = POLLIN };
  assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
  peer = accept4(server, NULL, NULL, SOCK_CLOEXEC);
  assert_true(peer >= 0);
}

/* The next frame must be this one. That we are there is said whenever it is asked. */
static inline void expect (char type, const char *body) {
  struct pollfd p = { .fd = peer, .events = POLLIN };
  char got = 'p';
  while (got == 'p') {
    if (poll(&p, 1, DEADLINE_MS) != 1) fail_msg("no frame came; expected %c: %s", type, body);
    assert_int_equal(tl_console_get(peer, &got, &frame), 1);
    if (got == 'p') assert_int_equal(tl_console_put(peer, 'p', TL_LIT("")), 0);
  }
  tl_buf_byte(&frame, 0);
  assert_int_equal(got, type);
  assert_string_equal((char *)frame.at, body);
}
static inline void answer (char type, const char *body) {
  assert_int_equal(tl_console_put(peer, type, tl_slice_str(body)), 0);
}

/* All that comes on fd until its end is this text (a part of it with `part`). */
static inline void says (int fd, const char *text, bool part) {
  struct pollfd p = { .fd = fd, .events = POLLIN };
  tl_buf_clear(&seen);
  for (;;) {
    assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
    tl_buf_reserve(&seen, 4096);
    ssize_t n = read(fd, seen.at + seen.len, 4095);
    if (n <= 0) break;
    seen.len += (size_t)n;
  }
  tl_buf_byte(&seen, 0);
  if (part && !strstr((char *)seen.at, text))
    fail_msg("'%s' does not say '%s'", (char *)seen.at, text);
  if (!part) assert_string_equal((char *)seen.at, text);
}

static inline void exits (int code) {
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  child = 0;
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), code);
}

/* --- on a terminal --- */

/* `tagline repl` is attached to the process that this program plays, and has said so. */
static inline void open_terminal (void) {
  struct winsize ws = { .ws_row = 24, .ws_col = columns };
  char *argv[] = { "repl", "--socket", path, NULL }, hello[100];
  child = forkpty(&terminal, NULL, NULL, &ws);
  if (child == 0) {
    unsetenv("TERM");
    if (term) setenv("TERM", term, 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    for (int fd = 3; fd < 64; fd++) close(fd);
    end_child(tl_command_repl(3, argv));
  }
  attach();
  snprintf(hello, sizeof hello, "{\"tty\":true,\"width\":%d,\"json\":false,\"wait\":1000}",
           columns);
  expect('h', hello);
}

static inline void start_terminal (void) {
  char got = 0; /* before the prompt: is anybody there? */
  open_terminal();
  assert_int_equal(tl_console_get(peer, &got, &frame), 1);
  assert_int_equal(got, 'p');
  answer('p', "");
}
/* It has ended, and another one may be started. */
static inline void end_terminal (void) {
  close(terminal);
  close(peer);
  terminal = peer = -1;
  tl_buf_clear(&seen);
}

static inline void type (const char *keys) {
  assert_int_equal(write(terminal, keys, strlen(keys)), strlen(keys));
}

/* Read the screen until `text` is there, and forget what came up to it. */
static inline void shows (const char *text) {
  int64_t end = tl_clock_mono_ms() + DEADLINE_MS;
  for (;;) {
    tl_buf_byte(&seen, 0);
    seen.len--;
    char *found = seen.len ? memmem(seen.at, seen.len, text, strlen(text)) : NULL;
    if (found) {
      tl_buf_drop(&seen, (size_t)(found - (char *)seen.at) + strlen(text));
      return;
    }
    struct pollfd p = { .fd = terminal, .events = POLLIN };
    if (tl_clock_mono_ms() > end || poll(&p, 1, DEADLINE_MS) != 1)
      fail_msg("'%s' never shows '%s'", seen.at ? (char *)seen.at : "", text);
    tl_buf_reserve(&seen, 4096);
    ssize_t n = read(terminal, seen.at + seen.len, 4095);
    if (n <= 0) fail_msg("the terminal ended; '%s' was not shown", text);
    seen.len += (size_t)n;
  }
}

static inline void begin_terminal (void) {
  server = listen_at("plant");
  start_terminal();
  shows("tagline> ");
}

#endif

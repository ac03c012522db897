/* spec/console/server_test.c — the console socket, driven from the same process by plain
** sockets and by client.h. */
#include "net/net_support.h"

#include <dirent.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "console/client.h"
#include "console/server.h"

enum { CLIENTS = 8 };

static char folder[64], path[100];
static tl_console *console;
static tl_err err;
static int opened, closed;
static tl_console_client *clients[CLIENTS]; /* in the order of coming; NULL when gone */
static tl_buf frames;                       /* "0e:code\n" for every frame */
static bool echo, large, close_in_frame, close_in_closed;

static void on_opened (void *ctx, tl_console_client *c) {
  assert_ptr_equal(ctx, &console);
  assert_int_equal(tl_console_uid(c), geteuid());
  assert_null(tl_console_user(c));
  tl_console_set_user(c, (void *)(intptr_t)(opened + 1));
  clients[opened++] = c;
}
static void on_frame (void *ctx, tl_console_client *c, char type, tl_slice body) {
  assert_ptr_equal(ctx, &console);
  intptr_t who = (intptr_t)tl_console_user(c) - 1;
  assert_ptr_equal(clients[who], c);
  tl_buf_fmt(&frames, "%d%c:", (int)who, type);
  if (body.len > 1000)
    tl_buf_fmt(&frames, "%zu", body.len);
  else
    tl_buf_slice(&frames, body);
  tl_buf_byte(&frames, '\n');
  static const uint8_t block[100000];
  if (echo) tl_console_send(c, 'r', body);
  if (large) tl_console_send(c, 'c', tl_slice_of(block, sizeof block));
  if (close_in_frame) tl_console_close(console);
}
static void on_closed (void *ctx, tl_console_client *c) {
  (void)ctx;
  intptr_t who = (intptr_t)tl_console_user(c) - 1;
  assert_ptr_equal(clients[who], c); /* once each */
  clients[who] = NULL;
  closed++;
  if (close_in_closed) tl_console_close(console);
}
static const tl_console_events events = { .opened = on_opened,
                                          .frame = on_frame,
                                          .closed = on_closed };

static int setup (void **state) {
  opened = closed = 0;
  echo = large = close_in_frame = close_in_closed = false;
  console = NULL;
  snprintf(folder, sizeof folder, "/tmp/tagline-spec-XXXXXX");
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/run/plant.sock", folder);
  tl_buf_clear(&frames);
  return loop_setup(state);
}
static int teardown (void **state) {
  char sub[80];
  snprintf(sub, sizeof sub, "%s/run", folder);
  unlink(path);
  rmdir(sub);
  tl_buf_fini(&frames);
  return rmdir(folder) + loop_teardown(state);
}

static void open_console (void) {
  memset(&err, 0, sizeof err);
  if (tl_console_listen(&console, loop, path, &events, &console, &err) != 0)
    fail_msg("%s", err.text);
}
static void close_console (void) {
  tl_console_close(console);
  tl_loop_run(loop); /* returns: nothing is left */
  assert_int_equal(opened, closed);
}
static int attach (void) {
  int before = opened;
  int fd = tl_console_connect(path, true, 20000, &err);
  if (fd < 0) fail_msg("%s", err.text);
  RUN_UNTIL(opened == before + 1);
  set_nonblocking(fd);
  return fd;
}
static void send_bytes (int fd, const void *bytes, size_t n) {
  assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), n);
}
static bool frames_are (const char *want) {
  return frames.len == strlen(want) &&
         memcmp(frames.at ? (void *)frames.at : "", want, frames.len) == 0;
}

/* Turns of the loop until `n` bytes came. */
static void receive (int fd, uint8_t *out, size_t n) {
  size_t have = 0;
  while (have < n) {
    ssize_t rc = recv(fd, out + have, n - have, 0);
    assert_true(rc > 0 || (rc < 0 && errno == EAGAIN));
    if (rc > 0) have += (size_t)rc;
    turn();
  }
}
static bool ended (int fd) {
  char c;
  ssize_t rc = recv(fd, &c, 1, MSG_PEEK);
  return rc == 0 || (rc < 0 && errno == ECONNRESET);
}

static void makes_a_folder_and_a_socket_for_this_user_only (void **state) {
  struct stat st;
  char sub[80];
  (void)state;
  mode_t mask = umask(0); /* not by the umask's grace */
  open_console();
  umask(mask);
  snprintf(sub, sizeof sub, "%s/run", folder);
  assert_int_equal(stat(sub, &st), 0);
  assert_int_equal(st.st_mode & 07777, 0700);
  assert_int_equal(stat(path, &st), 0);
  assert_true(S_ISSOCK(st.st_mode));
  assert_int_equal(st.st_mode & 07777, 0600);
  close_console();
  assert_int_equal(stat(path, &st), -1);
}

static void takes_frames_in_any_split (void **state) {
  static const char stream[] = "e\0\0\0\005print"
                               "x\0\0\0\0"
                               "c\0\0\0\002{}";
  (void)state;
  open_console();
  int fd = attach();
  for (size_t cut = 0; cut <= sizeof stream - 1; cut++) { /* whole at 0; else two parts */
    tl_buf_clear(&frames);
    send_bytes(fd, stream, cut);
    if (cut > 0) turn();
    send_bytes(fd, stream + cut, sizeof stream - 1 - cut);
    RUN_UNTIL(frames_are("0e:print\n0x:\n0c:{}\n"));
  }
  tl_buf_clear(&frames);
  for (size_t i = 0; i < sizeof stream - 1; i++) { /* byte by byte */
    send_bytes(fd, stream + i, 1);
    turn();
  }
  RUN_UNTIL(frames_are("0e:print\n0x:\n0c:{}\n"));
  close(fd);
  RUN_UNTIL(closed == 1);
  close_console();
}

static void answers_each_client_for_itself (void **state) {
  int fds[3];
  uint8_t in[16];
  (void)state;
  open_console();
  echo = true;
  for (int i = 0; i < 3; i++) fds[i] = attach();
  send_bytes(fds[1], "e\0\0\0\003one", 8);
  send_bytes(fds[2], "e\0\0\0\003two", 8);
  receive(fds[1], in, 8);
  assert_memory_equal(in, "r\0\0\0\003one", 8);
  receive(fds[2], in, 8);
  assert_memory_equal(in, "r\0\0\0\003two", 8);
  assert_false(readable(fds[0]));
  close(fds[1]);
  RUN_UNTIL(closed == 1);
  assert_null(clients[1]);
  assert_non_null(clients[0]);
  tl_console_send(clients[0], 'o', TL_LIT("hi"));
  assert_true(readable(fds[0])); /* at once, without a turn of the loop */
  close_console();               /* with two clients still there */
  assert_true(ended(fds[2]));
  close(fds[0]);
  close(fds[2]);
}

static void takes_a_frame_of_the_greatest_length_and_closes_beyond (void **state) {
  size_t big = TL_CONSOLE_FRAME, sent = 0;
  uint8_t *bytes = calloc(1, big), head[5] = { 'e', 1, 0, 0, 0 };
  (void)state;
  open_console();
  int fd = attach();
  send_bytes(fd, head, 5);
  while (sent < big) {
    ssize_t n = send(fd, bytes + sent, big - sent, MSG_NOSIGNAL);
    if (n > 0) sent += (size_t)n;
    turn();
  }
  RUN_UNTIL(frames_are("0e:16777216\n"));
  int other = attach();
  head[4] = 1;
  send_bytes(fd, head, 5); /* refused by its length, before the body */
  RUN_UNTIL(closed == 1);
  assert_true(ended(fd));
  assert_non_null(clients[1]);
  close(fd);
  close(other);
  close_console();
  free(bytes);
}

/* Reads frames as they come: counts of each type; the last notice and its place. */
static int outputs, results;
static size_t missed;
static bool read_frames (int fd, tl_buf *in) {
  ssize_t n;
  if (tl_buf_reserve(in, 1 << 16) < 0) return false;
  while ((n = recv(fd, in->at + in->len, 1 << 16, 0)) > 0) {
    in->len += (size_t)n;
    if (tl_buf_reserve(in, 1 << 16) < 0) return false;
  }
  size_t at = 0;
  while (in->len - at >= 5) {
    const uint8_t *h = in->at + at;
    size_t len = (size_t)h[1] << 24 | (size_t)h[2] << 16 | (size_t)h[3] << 8 | h[4];
    if (in->len - at - 5 < len) break;
    size_t left_out;
    char text[100] = "";
    memcpy(text, h + 5, len < 99 ? len : 99);
    if (h[0] == 'o' && sscanf(text, "[%zu output", &left_out) == 1)
      missed += left_out;
    else if (h[0] == 'o')
      outputs++;
    else
      results++;
    at += 5 + len;
  }
  tl_buf_drop(in, at);
  return true;
}

static void drops_output_for_a_client_that_does_not_read_and_says_how_much (void **state) {
  static uint8_t block[10000];
  tl_buf in;
  (void)state;
  tl_buf_init(&in);
  outputs = results = 0;
  missed = 0;
  open_console();
  int slow = attach(), quick = attach();
  for (int i = 0; i < 1000; i++) tl_console_send(clients[0], 'o', tl_slice_of(block, sizeof block));
  tl_console_send(clients[1], 'o', TL_LIT("other"));
  assert_true(readable(quick)); /* held up by nobody */
  for (int i = 0; i < 1000; i++) {
    turn();
    assert_true(read_frames(slow, &in));
    if (outputs + (int)missed == 1000) break;
  }
  assert_int_equal(outputs + (int)missed, 1000);
  assert_in_range(missed, 700, 999); /* the bound, and what the kernel holds */
  /* An answer is never dropped, and stands behind the notice of what is missing before it. */
  missed = 0;
  outputs = 0;
  for (int i = 0; i < 1000; i++) tl_console_send(clients[0], 'o', tl_slice_of(block, sizeof block));
  for (int i = 0; i < 3; i++) tl_console_send(clients[0], 'r', TL_LIT("done"));
  while (results < 3) {
    turn();
    assert_true(read_frames(slow, &in));
  }
  assert_int_equal(outputs + (int)missed, 1000);
  assert_int_equal(results, 3);
  close(slow);
  close(quick);
  RUN_UNTIL(closed == 2);
  close_console();
  tl_buf_fini(&in);
}

static void a_client_that_asks_and_never_reads_is_not_read_from (void **state) {
  static uint8_t request[100005] = { 'e', 0, 1, 0x86, 0xa0 };
  tl_buf in;
  size_t sent = 0, total = 100 * sizeof request;
  (void)state;
  tl_buf_init(&in);
  outputs = results = 0;
  open_console();
  echo = true;
  int fd = attach();
  int64_t still = tl_clock_mono_ms();
  while (tl_clock_mono_ms() - still < 100 && sent < total) { /* until it stalls */
    ssize_t n = send(fd, request + sent % sizeof request, sizeof request - sent % sizeof request,
                     MSG_NOSIGNAL);
    if (n > 0) {
      sent += (size_t)n;
      still = tl_clock_mono_ms();
    }
    turn();
  }
  assert_in_range(sent, TL_CONSOLE_BACKLOG / 2, total / 2);
  while (sent < total || results < 100) { /* it reads after all: everything is answered */
    size_t left = sent < total ? sizeof request - sent % sizeof request : 0;
    ssize_t n = send(fd, request + sent % sizeof request, left, MSG_NOSIGNAL);
    if (n > 0) sent += (size_t)n;
    turn();
    assert_true(read_frames(fd, &in));
  }
  assert_int_equal(results, 100);
  close(fd);
  close_console();
  tl_buf_fini(&in);
}

static void the_answers_to_one_read_are_bounded (void **state) {
  enum { MANY = 200 };
  uint8_t requests[MANY * 5];
  tl_buf in;
  (void)state;
  for (int i = 0; i < MANY; i++) memcpy(requests + i * 5, "c\0\0\0", 5);
  tl_buf_init(&in);
  outputs = results = 0;
  open_console();
  large = true;
  int fd = attach();
  send_bytes(fd, requests, sizeof requests);
  RUN_UNTIL(frames.len > 0);
  for (int i = 0; i < 5; i++) turn();
  size_t asked = frames.len / 4;       /* "0c:\n" each */
  assert_in_range(asked, 5, MANY / 4); /* a megabyte, and what the socket holds */
  while (results < MANY) {             /* it reads after all: everything is answered */
    turn();
    assert_true(read_frames(fd, &in));
  }
  assert_int_equal(frames.len / 4, MANY);
  close(fd);
  close_console();
  tl_buf_fini(&in);
}

static void a_client_that_vanishes_with_bytes_pending_is_forgotten (void **state) {
  static uint8_t block[3 << 20];
  (void)state;
  open_console();
  int fd = attach();
  tl_console_send(clients[0], 'r', tl_slice_of(block, sizeof block));
  close(fd);
  RUN_UNTIL(closed == 1);
  fd = attach();
  close(fd);
  for (int i = 0; i < 3; i++) /* a write error closes it once */
    if (clients[1]) tl_console_send(clients[1], 'r', TL_LIT("x"));
  RUN_UNTIL(closed == 2);
  close_console();
}

static void may_be_closed_inside_events (void **state) {
  (void)state;
  open_console();
  int fd = attach(), other = attach();
  close_in_frame = true;
  send_bytes(fd, "x\0\0\0\0x\0\0\0\0", 10);
  RUN_UNTIL(closed == 2);
  assert_true(frames_are("0x:\n")); /* not the second */
  tl_loop_run(loop);
  close(fd);
  close(other);
  opened = closed = 0;
  close_in_frame = false;
  close_in_closed = true;
  open_console();
  fd = attach();
  other = attach();
  close(fd);
  RUN_UNTIL(closed == 2);
  tl_loop_run(loop);
  close(other);
  tl_console_close(NULL);
}

static void replaces_a_stale_socket (void **state) {
  struct sockaddr_un sa = { .sun_family = AF_UNIX };
  (void)state;
  char sub[80];
  snprintf(sub, sizeof sub, "%s/run", folder);
  mkdir(sub, 0700);
  snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
  close(fd); /* left behind by a process that was killed */
  assert_int_equal(tl_console_connect(path, true, 20000, &err), UV_ECONNREFUSED);
  open_console();
  close(attach());
  RUN_UNTIL(closed == 1);
  close_console();
}

static void leaves_a_socket_alone_that_somebody_answers_on (void **state) {
  tl_console *second = NULL;
  char want[200];
  (void)state;
  open_console();
  assert_int_equal(tl_console_listen(&second, loop, path, &events, NULL, &err), TL_EEXIST);
  snprintf(want, sizeof want, "a running process answers on '%s'", path);
  assert_string_equal(err.text, want);
  assert_null(second);
  RUN_UNTIL(opened == 1 && closed == 1); /* the look whether it answers was a client for a moment */
  close(attach());
  close_console();
}

static void removes_the_socket_only_if_it_is_still_ours (void **state) {
  struct stat st;
  (void)state;
  open_console();
  tl_console *first = console;
  assert_int_equal(unlink(path), 0);
  open_console(); /* somebody else took the place meanwhile */
  tl_console *second = console;
  tl_console_close(first);
  assert_int_equal(stat(path, &st), 0);
  tl_console_close(second);
  assert_int_equal(stat(path, &st), -1);
  tl_loop_run(loop);
}

static void check_refusal (const char *where, int code, const char *words) {
  tl_console *none = NULL;
  memset(&err, 0, sizeof err);
  assert_int_equal(tl_console_listen(&none, loop, where, &events, NULL, &err), code);
  assert_int_equal(err.code, code);
  assert_null(none);
  if (!strstr(err.text, words)) fail_msg("'%s' does not say '%s'", err.text, words);
}

static void says_why_it_cannot_listen (void **state) {
  char longer[200], place[100];
  (void)state;
  memset(longer, 'x', sizeof longer);
  longer[0] = '/';
  longer[sizeof longer - 1] = 0;
  check_refusal(longer, TL_ETOOBIG, "at most 107 bytes");
  snprintf(place, sizeof place, "%s/none/at/x.sock", folder);
  check_refusal(place, UV_ENOENT, "none/at': no such file or directory");
  snprintf(place, sizeof place, "%s/run", folder);
  mkdir(place, 0700);
  fclose(fopen(path, "w"));
  check_refusal(path, UV_EADDRINUSE, "exists and is not a socket");
  unlink(path);
  chmod(place, 0777);
  check_refusal(path, TL_EREFUSED, "others may write in socket folder");
  chmod(place, 01777); /* like /tmp */
  open_console();
  close_console();
  rmdir(place);
  fclose(fopen(place, "w"));
  check_refusal(path, UV_ENOTDIR, "is not a folder");
  unlink(place);
  if (geteuid() != 0) return;
  mkdir(place, 0700);
  assert_int_equal(chown(place, 65534, 65534), 0);
  check_refusal(path, TL_EREFUSED, "belongs to another user");
}

/* In a child of another user: 0 connected and then ended by the server, 2 anything else. */
static int as_nobody (void) {
  if (setgid(65534) < 0 || setuid(65534) < 0) _exit(77);
  struct sockaddr_un sa = { .sun_family = AF_UNIX };
  char c;
  snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  alarm(600); /* only reached by what fails */
  if (connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0) _exit(2);
  _exit(recv(fd, &c, 1, 0) == 0 ? 0 : 2);
}

static void lets_no_other_user_in_even_if_the_file_would (void **state) {
  char sub[80];
  int status = -1;
  (void)state;
  if (geteuid() != 0) skip(); /* needs two users */
  open_console();
  snprintf(sub, sizeof sub, "%s/run", folder);
  chmod(folder, 0755);
  chmod(sub, 0755);
  chmod(path, 0666);
  pid_t child = fork();
  if (child == 0) as_nobody();
  RUN_UNTIL(waitpid(child, &status, WNOHANG) == child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  assert_int_equal(opened, 0); /* its owner never heard of it */
  close_console();
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(makes_a_folder_and_a_socket_for_this_user_only),
    SPEC(takes_frames_in_any_split),
    SPEC(answers_each_client_for_itself),
    SPEC(takes_a_frame_of_the_greatest_length_and_closes_beyond),
    SPEC(drops_output_for_a_client_that_does_not_read_and_says_how_much),
    SPEC(a_client_that_asks_and_never_reads_is_not_read_from),
    SPEC(the_answers_to_one_read_are_bounded),
    SPEC(a_client_that_vanishes_with_bytes_pending_is_forgotten),
    SPEC(may_be_closed_inside_events),
    SPEC(replaces_a_stale_socket),
    SPEC(leaves_a_socket_alone_that_somebody_answers_on),
    SPEC(removes_the_socket_only_if_it_is_still_ours),
    SPEC(says_why_it_cannot_listen),
    SPEC(lets_no_other_user_in_even_if_the_file_would),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/nats/torture_test.c — a session with a real server: each request for memory and each call of
** libnats fails in turn. Opening and sending end with a word of why, and then work again; what was
** told as stored is in the stream, once. */
#include "net/net_support.h"
#include "support/torture.h"

#include <nats/nats.h>
#include <spawn.h>
#include <sys/wait.h>

#include "base/value.h"
#include "nats/session.h"

FAILING(natsOptions_Create, natsStatus, NATS_NO_MEMORY, (natsOptions * *o), (o))
FAILING(natsOptions_SetServers, natsStatus, NATS_NO_MEMORY,
        (natsOptions * o, const char **list, int n), (o, list, n))
FAILING(natsOptions_SetNoRandomize, natsStatus, NATS_NO_MEMORY, (natsOptions * o, bool on), (o, on))
FAILING(natsOptions_SetTimeout, natsStatus, NATS_NO_MEMORY, (natsOptions * o, int64_t ms), (o, ms))
FAILING(natsOptions_SetName, natsStatus, NATS_NO_MEMORY, (natsOptions * o, const char *n), (o, n))
FAILING(natsOptions_SetErrorHandler, natsStatus, NATS_NO_MEMORY,
        (natsOptions * o, natsErrHandler f, void *ctx), (o, f, ctx))
FAILING(natsOptions_SetClosedCB, natsStatus, NATS_NO_MEMORY,
        (natsOptions * o, natsConnectionHandler f, void *ctx), (o, f, ctx))
FAILING(natsConnection_Connect, natsStatus, NATS_TIMEOUT, (natsConnection * *c, natsOptions *o),
        (c, o))
FAILING(natsConnection_JetStream, natsStatus, NATS_NO_MEMORY,
        (jsCtx * *js, natsConnection *c, jsOptions *o), (js, c, o))
FAILING(js_GetStreamInfo, natsStatus, NATS_TIMEOUT,
        (jsStreamInfo * *info, jsCtx *js, const char *name, jsOptions *o, jsErrCode *code),
        (info, js, name, o, code))
FAILING(js_AddStream, natsStatus, NATS_NO_RESPONDERS,
        (jsStreamInfo * *info, jsCtx *js, jsStreamConfig *config, jsOptions *o, jsErrCode *code),
        (info, js, config, o, code))
FAILING(js_GetLastMsg, natsStatus, NATS_TIMEOUT,
        (natsMsg * *msg, jsCtx *js, const char *stream, const char *subject, jsOptions *o,
         jsErrCode *code),
        (msg, js, stream, subject, o, code))
FAILING(js_PublishMsgAsync, natsStatus, NATS_CONNECTION_CLOSED,
        (jsCtx * js, natsMsg **msg, jsPubOptions *o), (js, msg, o))
FAILING(natsMsg_Create, natsStatus, NATS_NO_MEMORY,
        (natsMsg * *msg, const char *subject, const char *reply, const char *data, int n),
        (msg, subject, reply, data, n))
FAILING(natsMsgHeader_Set, natsStatus, NATS_NO_MEMORY,
        (natsMsg * msg, const char *key, const char *value), (msg, key, value))

extern char **environ;

static char folder[64], servers[64];
static uint16_t port;
static pid_t server;
static tl_nats_config *config;

static void start_server (void) {
  char port_text[16];
  posix_spawn_file_actions_t actions;
  snprintf(port_text, sizeof port_text, "%d", port);
  char *words[] = { "nats-server", "-a", "127.0.0.1", "-p", port_text, "-js", "-sd", folder, NULL };
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  assert_int_equal(posix_spawnp(&server, "nats-server", &actions, NULL, words, environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  for (int64_t end = tl_clock_mono_ms() + DEADLINE_MS;; poll(NULL, 0, 10)) {
    struct sockaddr_in sa = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons(port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int rc = connect(fd, (struct sockaddr *)&sa, sizeof sa);
    close(fd);
    if (rc == 0) return;
    assert_true(tl_clock_mono_ms() < end);
  }
}

static int set_up (void **unused) {
  (void)unused;
  strcpy(folder, "/tmp/tagline-nats-XXXXXX");
  if (!mkdtemp(folder)) return -1;
  port = closed_port();
  snprintf(servers, sizeof servers, "127.0.0.1:%d", port);
  start_server();
  config = tl_nats_config_new();
  config->servers = strdup(servers);
  config->stream = strdup("TAGS");
  config->subject = strdup("tags.{line}.{station}.{tag}");
  return 0;
}

static int tear_down (void **unused) {
  char command[120];
  (void)unused;
  tl_nats_config_unref(config);
  kill(server, SIGTERM);
  waitpid(server, NULL, 0);
  nats_Close();
  snprintf(command, sizeof command, "rm -r '%s'", folder);
  return system(command);
}

/* Numbers of a tag of its own for each call, from `first` on. */
static int send_batch (tl_nats_session *s, int tag, uint64_t doubt) {
  enum { MANY = 3 };
  char name[40];
  snprintf(name, sizeof name, "l.s.t%d", tag);
  tl_series series = { .type = TL_CI, .name = tl_slice_str(name) };
  tl_outlet_value values[MANY];
  for (int i = 0; i < MANY; i++)
    values[i] = (tl_outlet_value){
      .number = (uint64_t)(3 * tag + i + 1),
      .series = &series,
      .arrival_ms = doubt ? 1000 : tl_clock_wall_ms(),
      .sample = { .status = TL_VALID, .time_ms = 1000 + i, .value = { .integer = i } }
    };
  tl_outlet_batch b = { .spool = 7, .values = values, .count = MANY };
  return tl_nats_send(s, &b, doubt);
}

/* How many messages of that tag the stream has. */
static uint64_t stored (int tag) {
  natsConnection *c = NULL;
  jsCtx *js = NULL;
  jsStreamInfo *info = NULL;
  jsOptions options;
  char subject[40];
  uint64_t n = 0;
  snprintf(subject, sizeof subject, "tags.l.s.t%d", tag);
  assert_int_equal(natsConnection_ConnectTo(&c, servers), NATS_OK);
  assert_int_equal(natsConnection_JetStream(&js, c, NULL), NATS_OK);
  jsOptions_Init(&options);
  options.Stream.Info.SubjectsFilter = subject;
  assert_int_equal(js_GetStreamInfo(&info, js, "TAGS", &options, NULL), NATS_OK);
  for (int i = 0; info->State.Subjects && i < info->State.Subjects->Count; i++)
    n += info->State.Subjects->List[i].Msgs;
  jsStreamInfo_Destroy(info);
  jsCtx_Destroy(js);
  natsConnection_Destroy(c);
  return n;
}

static tl_nats_session *open_session (void) {
  tl_nats_session *s = NULL;
  assert_int_equal(tl_nats_session_new(&s, config, 7), TL_OK);
  if (tl_nats_open(s) < 0) fail_msg("%s", tl_nats_why(s));
  return s;
}

static void a_session_opens_or_says_why_not (void **unused) {
  (void)unused;
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_nats_session *s = NULL;
    memory_fails(t.at, t.for_ever);
    int rc = tl_nats_session_new(&s, config, 7);
    if (rc == TL_OK) rc = tl_nats_open(s);
    memory_heals();
    assert_true(memory_failed || rc == TL_OK);
    if (rc < 0 && s) assert_true(tl_nats_why(s)[0] != '\0');
    if (s) tl_nats_session_unref(s);
  }
}

/* As its outlet does: what failed is sent again on a new connection, where the server knows what
** it has already, or is asked. */
static void what_is_sent_is_there_once (void **unused) {
  (void)unused;
  int tag = 0;
  for (int doubt = 0; doubt < 2; doubt++)
    for (torture_round t = { 0 }; torture_next(&t); tag++) {
      tl_nats_session *s = open_session();
      size_t refused;
      memory_fails(t.at, t.for_ever);
      int rc = send_batch(s, tag, doubt ? UINT64_MAX : 0);
      memory_heals();
      bool failed = memory_failed;
      assert_true(failed || rc == TL_OK);
      if (rc < 0) {
        assert_true(tl_nats_why(s)[0] != '\0');
        tl_nats_session_unref(s);
        s = open_session();
        if (send_batch(s, tag, UINT64_MAX) < 0) fail_msg("again: %s", tl_nats_why(s));
      }
      tl_nats_refused(s, &refused);
      assert_int_equal(refused, 0);
      assert_int_equal(stored(tag), 3);
      tl_nats_session_unref(s);
      memory_failed = failed;
    }
}

static void a_stopped_session_ends_at_once_and_a_lost_one_says_why (void **unused) {
  char why[200];
  (void)unused;
  tl_nats_session *s = open_session();
  tl_nats_stop(s);
  tl_nats_listen(s); /* returns */
  assert_true(send_batch(s, 9000, 0) < 0);
  assert_string_equal(tl_nats_why(s), "stopped");
  tl_nats_lost(s, why, sizeof why);
  assert_string_equal(why, "the connection is lost");
  tl_nats_session_unref(s);
  s = open_session();
  kill(server, SIGKILL);
  waitpid(server, NULL, 0);
  tl_nats_listen(s); /* returns */
  assert_true(send_batch(s, 9001, 0) < 0);
  assert_true(strncmp(tl_nats_why(s), "the connection is lost", 22) == 0);
  assert_true(tl_nats_open(s) < 0);
  assert_true(tl_nats_why(s)[0] != '\0');
  tl_nats_session_unref(s);
  start_server();
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_session_opens_or_says_why_not),
    cmocka_unit_test(what_is_sent_is_there_once),
    cmocka_unit_test(a_stopped_session_ends_at_once_and_a_lost_one_says_why),
  };
  if (access("/usr/sbin/nats-server", X_OK) != 0 && system("nats-server --version") != 0) {
    print_message("left out: there is no nats-server here\n");
    return 0;
  }
  return cmocka_run_group_tests(tests, set_up, tear_down);
}

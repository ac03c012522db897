/* spec/nats/torture_test.c — a session with a real server: each request for memory and each call of
** libnats fails in turn. Opening and sending end with a word of why, and then work again; what was
** told as stored is in the stream, once. */
#include "net/net_support.h"
#include "support/torture.h"

#include <nats/nats.h>
#include <spawn.h>
#include <sys/wait.h>

#include "base/value.h"
#include "nats/session_impl.h"

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
FAILING(natsOptions_SetSecure, natsStatus, NATS_NO_MEMORY, (natsOptions * o, bool on), (o, on))
FAILING(natsOptions_LoadCATrustedCertificates, natsStatus, NATS_SSL_ERROR,
        (natsOptions * o, const char *path), (o, path))
FAILING(natsOptions_SetUserInfo, natsStatus, NATS_NO_MEMORY,
        (natsOptions * o, const char *user, const char *password), (o, user, password))
WRAPPED(natsConnection_Connect,
        natsStatus __wrap_natsConnection_Connect(natsConnection **c, natsOptions *o);)
FAILING(pthread_cond_timedwait, int, ETIMEDOUT,
        (pthread_cond_t * c, pthread_mutex_t *m, const struct timespec *until), (c, m, until))
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

static natsStatus connect_result; /* of each attempt; NATS_OK: what libnats says */
natsStatus __real_natsConnection_Connect (natsConnection **c, natsOptions *o);
natsStatus __wrap_natsConnection_Connect (natsConnection **c, natsOptions *o) {
  if (connect_result != NATS_OK) return connect_result;
  return memory_is_refused() ? NATS_TIMEOUT : __real_natsConnection_Connect(c, o);
}

extern char **environ;

enum { MAX_PAYLOAD = 4096 };

static char folder[64], servers[64];
static uint16_t port;
static pid_t server;
static tl_nats_config *config;

static void start_server (void) {
  char port_text[16], path[80];
  posix_spawn_file_actions_t actions;
  snprintf(port_text, sizeof port_text, "%d", port);
  snprintf(path, sizeof path, "%s/server.conf", folder);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fprintf(file, "max_payload: %d\n", MAX_PAYLOAD);
  fclose(file);
  char *words[] = { "nats-server", "-c",  path,  "-a",   "127.0.0.1", "-p",
                    port_text,     "-js", "-sd", folder, NULL };
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

/* Long, so that both name and subject need more memory than a new session has. */
static const char *name_of (int tag) {
  static char name[130];
  snprintf(name, sizeof name, "l.s.t%0*d", 120, tag);
  return name;
}

/* Numbers of a tag of its own for each call. */
static int send_batch (tl_nats_session *s, int tag, uint64_t doubt) {
  enum { MANY = 3 };
  const char *name = name_of(tag);
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
  char subject[160];
  uint64_t n = 0;
  snprintf(subject, sizeof subject, "tags.%s", name_of(tag));
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

/* --- what is said --- */

static void each_failure_to_connect_has_its_words (void **unused) {
  (void)unused;
  static const struct {
    natsStatus status;
    const char *user, *why;
  } cases[] = {
    { NATS_CONNECTION_AUTH_FAILED, "me", "the server refuses user 'me' or its password" },
    { NATS_NOT_PERMITTED, NULL, "the server wants a user: give user and password" },
    { NATS_SECURE_CONNECTION_REQUIRED, NULL,
      "the server wants TLS: give tls_ca_file, or write tls:// before the host" },
    { NATS_SECURE_CONNECTION_WANTED, NULL,
      "the server has no TLS, and tls_ca_file or tls:// asks for it" },
    { NATS_SSL_ERROR, NULL, "tls_ca_file says which CAs are trusted" },
    { NATS_NO_MEMORY, NULL, "no memory" },
    { NATS_IO_ERROR, NULL,
      "it takes a connection, but does not speak NATS: it stands still, or is another service" },
    { NATS_NO_SERVER, NULL,
      "it takes a connection, but does not speak NATS: it stands still, or is another service" },
    { NATS_PROTOCOL_ERROR, NULL, "Protocol Error" },
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    tl_nats_session *s = NULL;
    config->user = (char *)(uintptr_t)cases[i].user;
    assert_int_equal(tl_nats_session_new(&s, config, 7), TL_OK);
    connect_result = cases[i].status;
    assert_true(tl_nats_open(s) < 0);
    connect_result = NATS_OK;
    if (!strstr(tl_nats_why(s), cases[i].why)) fail_msg("%zu: %s", i, tl_nats_why(s));
    tl_nats_session_unref(s);
  }
  config->user = NULL;
}

/* What only the config can mend is said with the words of the config. */
static void a_wrong_file_and_a_taken_subject_are_named (void **unused) {
  static char missing[] = "/nowhere/ca.pem", other[] = "OTHER";
  char *stream = config->stream;
  tl_nats_session *s = open_session();
  (void)unused;
  tl_nats_session_unref(s);
  config->stream = other; /* the first one takes the subjects */
  assert_int_equal(tl_nats_session_new(&s, config, 7), TL_OK);
  assert_true(tl_nats_open(s) < 0);
  assert_string_equal(tl_nats_why(s),
                      "another stream takes 'tags.*.*.*' already: name that one, or "
                      "change subject");
  tl_nats_session_unref(s);
  config->stream = stream;
  config->tls_ca_file = missing;
  assert_int_equal(tl_nats_session_new(&s, config, 7), TL_OK);
  assert_true(tl_nats_open(s) < 0);
  assert_int_equal(strncmp(tl_nats_why(s), "tls_ca_file '/nowhere/ca.pem': ", 31), 0);
  tl_nats_session_unref(s);
  config->tls_ca_file = NULL;
}

static void each_answer_of_jetstream_has_its_words (void **unused) {
  (void)unused;
  static const struct {
    natsStatus status;
    int code;
    const char *why;
  } cases[] = {
    { NATS_NO_RESPONDERS, 0, "JetStream is off at this server: start it with -js" },
    { NATS_ERR, 10039, "JetStream is off at this server: start it with -js" },
    { NATS_ERR, 10076, "JetStream is off at this server: start it with -js" },
    { NATS_TIMEOUT, 0, "JetStream does not answer: it is starting, or this user may not ask it" },
    { NATS_ERR, 10058, "stream 'TAGS': Error (10058)" },
    { NATS_ERR, 10059, "stream 'TAGS' is gone" },
    { NATS_ERR, 10047, "JetStream has no room: make some on its disk, or raise its limits" },
    { NATS_CONNECTION_CLOSED, 0, "the connection is lost: Connection Closed" },
  };
  tl_nats_session *s = NULL;
  assert_int_equal(tl_nats_session_new(&s, config, 7), TL_OK);
  for (size_t i = 0; i < COUNT(cases); i++) {
    assert_true(tl_nats_stream_failed(s, cases[i].status, (jsErrCode)cases[i].code) < 0);
    assert_string_equal(tl_nats_why(s), cases[i].why);
  }
  tl_nats_session_unref(s);
}

/* With a user and TLS there is more that may fail; this server has no TLS. */
static void tls_and_user_are_asked_for_or_it_is_said_why_not (void **unused) {
  static char user[] = "me", several[400];
  char *plain = config->servers;
  (void)unused;
  int used = 0;
  for (int i = 0; i < 17; i++) /* one more than are tried */
    used += snprintf(several + used, sizeof several - (size_t)used, "tls://127.0.0.1:%d ", port);
  config->user = user;
  config->servers = several;
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_nats_session *s = NULL;
    assert_int_equal(tl_nats_session_new(&s, config, 7), TL_OK);
    memory_fails(t.at, t.for_ever);
    assert_true(tl_nats_open(s) < 0);
    memory_heals();
    if (!memory_failed)
      assert_string_equal(tl_nats_why(s),
                          "the server has no TLS, and tls_ca_file or tls:// asks for it");
    assert_string_not_equal(tl_nats_why(s), "");
    tl_nats_session_unref(s);
  }
  config->user = NULL;
  config->servers = plain;
}

static natsMsg *message_with (const char *place) {
  natsMsg *msg = NULL;
  assert_int_equal(natsMsg_Create(&msg, "a", NULL, "x", 1), NATS_OK);
  if (place) assert_int_equal(natsMsgHeader_Set(msg, tl_nats_place_header, place), NATS_OK);
  return msg;
}

/* What the threads of libnats tell, in each of its forms. */
static void what_is_heard_is_counted_and_the_first_failure_told (void **unused) {
  tl_nats_session *s = NULL;
  jsPubAckErr too_long = { .Err = NATS_ERR, .ErrCode = (jsErrCode)10054, .ErrText = "too long" };
  jsPubAckErr gone = { .Err = NATS_NO_RESPONDERS };
  jsPubAckErr other = { .Err = NATS_ERR, .ErrText = "(js.c:12): no room" };
  char why[TL_NATS_WHY];
  size_t count;
  (void)unused;
  assert_int_equal(tl_nats_session_new(&s, config, 7), TL_OK);
  tl_ear_on_ack(NULL, message_with("0000000000000007:5"), NULL, &too_long, s->ear);
  too_long.ErrText = NULL;
  tl_ear_on_ack(NULL, message_with("0000000000000007:6"), NULL, &too_long, s->ear);
  const tl_nats_refusal *r = tl_nats_refused(s, &count);
  assert_int_equal(count, 2);
  assert_int_equal(r[0].number, 5);
  assert_string_equal(r[0].why, "too long");
  assert_int_equal(r[1].number, 6);
  assert_string_equal(r[1].why, "refused");
  assert_int_equal(s->ear->failed, 0);
  tl_nats_session_unref(s);
  /* A refusal that there is no memory for is a failure: the value is sent again. */
  assert_int_equal(tl_nats_session_new(&s, config, 7), TL_OK);
  memory_fails(0, true);
  tl_ear_refusal(s->ear, NULL, "too long");
  memory_heals();
  assert_int_equal(s->ear->failed, 1);
  assert_int_equal(s->ear->refused, 0);
  tl_ear_on_ack(NULL, message_with(NULL), NULL, &other, s->ear); /* the first one is told */
  tl_nats_lost(s, why, sizeof why);
  assert_string_equal(why, natsStatus_GetText(NATS_NO_MEMORY));
  tl_nats_session_unref(s);
  static const struct {
    int what;
    const char *why;
  } cases[] = { { 0, "the stream is gone, or JetStream is off" },
                { 1, "no room" },
                { 2, "Error" },
                { 3, "Slow Consumer, messages dropped" },
                { 4, "the connection is lost: IO Error" },
                { 5, "the connection is lost" } };
  for (size_t i = 0; i < COUNT(cases); i++) {
    assert_int_equal(tl_nats_session_new(&s, config, 7), TL_OK);
    switch (cases[i].what) {
      case 0: tl_ear_on_ack(NULL, message_with(NULL), NULL, &gone, s->ear); break;
      case 1: tl_ear_on_ack(NULL, message_with(NULL), NULL, &other, s->ear); break;
      case 2: tl_ear_on_ack(NULL, message_with(NULL), NULL, NULL, s->ear); break;
      case 3: tl_ear_on_error(NULL, NULL, NATS_SLOW_CONSUMER, s->ear); break;
      case 4: tl_ear_on_error(NULL, NULL, NATS_IO_ERROR, s->ear); break;
      default: tl_ear_on_closed(NULL, s->ear);
    }
    tl_nats_lost(s, why, sizeof why);
    assert_string_equal(why, cases[i].why);
    assert_int_equal(s->ear->failed, cases[i].what < 5);
    assert_true(send_batch(s, 1, 0) < 0); /* nothing more is sent */
    assert_string_equal(tl_nats_why(s), cases[i].why);
    tl_nats_session_unref(s);
  }
}

/* --- what is in the stream --- */

static void publish_foreign (const char *subject, const char *place) {
  natsConnection *c = NULL;
  natsMsg *own = NULL;
  assert_int_equal(natsMsg_Create(&own, subject, NULL, "x", 1), NATS_OK);
  if (place) assert_int_equal(natsMsgHeader_Set(own, tl_nats_place_header, place), NATS_OK);
  assert_int_equal(natsConnection_ConnectTo(&c, servers), NATS_OK);
  assert_int_equal(natsConnection_PublishMsg(c, own), NATS_OK);
  assert_int_equal(natsConnection_Flush(c), NATS_OK);
  natsMsg_Destroy(own);
  natsConnection_Destroy(c);
}

/* What others wrote under a subject of ours is no value that is there already. */
static void a_strangers_message_stands_for_no_value (void **unused) {
  static const char *const places[] = { NULL, "0000000000000008:999999", "whatever" };
  (void)unused;
  for (int i = 0; i < (int)COUNT(places); i++) {
    char subject[160];
    int tag = 20000 + i;
    snprintf(subject, sizeof subject, "tags.%s", name_of(tag));
    publish_foreign(subject, places[i]);
    tl_nats_session *s = open_session();
    if (send_batch(s, tag, UINT64_MAX) < 0) fail_msg("%s", tl_nats_why(s));
    assert_int_equal(stored(tag), 4);
    tl_nats_session_unref(s);
  }
}

static void what_is_too_long_is_refused_by_name_and_the_rest_stored (void **unused) {
  static char text[MAX_PAYLOAD];
  const char *name = name_of(30000);
  size_t count;
  (void)unused;
  memset(text, 'x', sizeof text);
  tl_series series = { .type = TL_TXTI, .name = tl_slice_str(name) };
  tl_outlet_value values[3];
  for (int i = 0; i < 3; i++)
    values[i] = (tl_outlet_value){
      .number = (uint64_t)(i + 1),
      .series = &series,
      .arrival_ms = tl_clock_wall_ms(),
      .sample = { .status = TL_VALID,
                  .time_ms = 1000 + i,
                  .value = { .text =
                                 tl_slice_of((const uint8_t *)text, i == 1 ? sizeof text : 3) } }
    };
  tl_outlet_batch b = { .spool = 7, .values = values, .count = 3 };
  tl_nats_session *s = open_session();
  if (tl_nats_send(s, &b, 0) < 0) fail_msg("%s", tl_nats_why(s));
  const tl_nats_refusal *r = tl_nats_refused(s, &count);
  assert_int_equal(count, 1);
  assert_int_equal(r[0].number, 2);
  assert_string_equal(r[0].why, "longer than the server's max_payload");
  assert_int_equal(stored(30000), 2);
  tl_nats_session_unref(s);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_session_opens_or_says_why_not),
    cmocka_unit_test(what_is_sent_is_there_once),
    cmocka_unit_test(each_failure_to_connect_has_its_words),
    cmocka_unit_test(a_wrong_file_and_a_taken_subject_are_named),
    cmocka_unit_test(each_answer_of_jetstream_has_its_words),
    cmocka_unit_test(tls_and_user_are_asked_for_or_it_is_said_why_not),
    cmocka_unit_test(what_is_heard_is_counted_and_the_first_failure_told),
    cmocka_unit_test(a_strangers_message_stands_for_no_value),
    cmocka_unit_test(what_is_too_long_is_refused_by_name_and_the_rest_stored),
    cmocka_unit_test(a_stopped_session_ends_at_once_and_a_lost_one_says_why),
  };
  if (access("/usr/sbin/nats-server", X_OK) != 0 && system("nats-server --version") != 0) {
    print_message("left out: there is no nats-server here\n");
    return 0;
  }
  return cmocka_run_group_tests(tests, set_up, tear_down);
}

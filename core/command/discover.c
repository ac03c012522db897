/* core/command/discover.c — `tagline discover HOST`: what is on this broker? Listens for a while,
** on a line that no config has; what is made of it is Lua's (lua/tagline/discover). */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/topic.h"
#include "command/command.h"
#include "command/options.h"
#include "command/print.h"
#include "discover/heard.h"
#include "files/read.h"
#include "dial/probe.h"
#include "gateway/gateway.h"
#include "offline/lua_command.h"

static const char help[] =
    "usage: tagline discover [OPTIONS] HOST[:PORT]|URL [FILTER …]\n"
    "\n"
    "Listens to a broker and prints the topics that it heard, with counts, sizes and kinds, and "
    "the\n"
    "groups that they form; or a config that reads them. It uses a clean session, QoS 0 and a "
    "Client\n"
    "ID of its own; it publishes nothing, and nothing stays on the broker. Without FILTER: '#', "
    "which\n"
    "is every topic except those that begin with $. A URL is mqtt://, mqtts://, ws:// or wss://.\n"
    "Ctrl-C ends listening early and prints what was heard.\n"
    "\n"
    "  --seconds N           how long to listen (30)\n"
    "  --config              print a config; exit code 1 when nothing was heard\n"
    "  --json                one JSON document\n"
    "  --all                 each topic of each group\n"
    "  --user NAME           user name for the broker\n"
    "  --password-file FILE  a file with the password\n"
    "  --tls-ca-file FILE    certificates to trust, in place of the system's; a HOST without a\n"
    "                        scheme is then reached by TLS\n";

enum {
  FILTERS = 64,
  MAX_MESSAGE = 1 << 20,
  MAX_PASSWORD = 65536,
  LAST_LOOK_MS = 50, /* what the broker sent before Ctrl-C is read, too */
  LONGEST_MS = 7 * 24 * 60 * 60 * 1000
};

typedef struct {
  const char *host, *seconds, *user, *password_file, *ca_file;
  bool config, json, all;
  const char *filters[FILTERS];
  int filter_count;
  int64_t listen_ms;
} asked;

typedef struct {
  const asked *a;
  tl_loop *loop;
  tl_gateway *gateway;
  tl_probe *probe; /* NULL: over */
  tl_timer *timer;
  tl_signal *signals[2];
  tl_heard *collected;
  int64_t since, until; /* of listening; 0: not yet */
  bool failed;
} discovering;

/* --- listening --- */

static void on_told (void *ctx, const char *text) {
  const char *refused = strstr(text, " REFUSED");
  (void)ctx;
  if (!refused || strstr(text, "FAILED")) return;
  while (*text == ' ') text++;
  tl_print_error("discover", text);
}

static void on_message (void *ctx, const tl_message *m, size_t size) {
  discovering *d = ctx;
  tl_slice payload = m->payload;
  if (size != payload.len)
    payload = tl_slice_of(NULL, 0); /* too long: it was skipped */
  else if (!payload.at)
    payload = TL_LIT("");
  tl_heard_add(d->collected, m->topic, payload, size, m->retain, tl_clock_wall_ms());
}

static void on_listening (void *ctx) {
  discovering *d = ctx;
  d->since = tl_loop_now(d->loop);
  tl_timer_at(d->timer, d->since + d->a->listen_ms);
  if (isatty(STDERR_FILENO))
    fprintf(stderr, "listening for %g s; Ctrl-C ends it\n", (double)d->a->listen_ms / 1000);
}

/* A line's remedy names its parameters; here they are options. */
static void print_why (const char *why) {
  static const char parameters[] = "user_name and password";
  const char *at = strstr(why, parameters);
  char text[1024];
  if (at)
    snprintf(text, sizeof text, "%.*s--user and --password-file%s", (int)(at - why), why,
             at + sizeof parameters - 1);
  tl_print_error("discover", at ? text : why);
}

static void on_done (void *ctx, bool well, const char *why) {
  discovering *d = ctx;
  d->probe = NULL;
  d->failed = !well;
  if (d->since > 0) d->until = tl_loop_now(d->loop);
  if (!well) print_why(why);
  tl_loop_stop(d->loop);
}

static void end (discovering *d) {
  if (d->probe)
    tl_probe_end(d->probe);
  else
    tl_loop_stop(d->loop);
}

static void on_time (void *ctx) { end(ctx); }

/* A second one does not wait for the goodbye. */
static void on_signal (void *ctx, int signum) {
  discovering *d = ctx;
  (void)signum;
  if (d->until < 0 && d->probe) {
    tl_probe_stop(d->probe);
    d->probe = NULL;
    tl_loop_stop(d->loop);
    return;
  }
  d->until = -1;
  tl_timer_at(d->timer, tl_loop_now(d->loop) + LAST_LOOK_MS);
}

static int set_up (discovering *d, tl_config *config, tl_err *err) {
  static const int signals[2] = { SIGINT, SIGTERM };
  static const tl_handlers nobody = { 0 };
  static const tl_probe_ears ears = { on_message, on_listening };
  int rc = tl_heard_new(&d->collected, &tl_heard_usual);
  if (rc >= 0) rc = tl_loop_new(&d->loop);
  if (rc >= 0) rc = tl_gateway_new(&d->gateway, d->loop, &nobody, NULL);
  if (rc >= 0) rc = tl_timer_new(&d->timer, d->loop, on_time, d);
  for (int i = 0; rc >= 0 && i < 2; i++)
    rc = tl_signal_new(&d->signals[i], d->loop, signals[i], on_signal, d);
  if (rc >= 0) rc = tl_gateway_apply(d->gateway, config, NULL, NULL, err);
  if (rc < 0) return rc;
  tl_link *link = tl_line_link(tl_gateway_model(d->gateway)->lines[0]);
  return tl_probe_listen(&d->probe, tl_link_dial(link), &ears, on_told, on_done, d);
}

static void on_stopped (void *ctx) { tl_loop_stop(ctx); }

static void tear_down (discovering *d) {
  if (d->gateway) {
    tl_gateway_stop(d->gateway, on_stopped, d->loop);
    tl_loop_run(d->loop);
  }
  for (int i = 0; i < 2; i++) tl_signal_close(d->signals[i]);
  tl_timer_close(d->timer);
  tl_gateway_free(d->gateway);
  if (d->loop) tl_loop_free(d->loop);
}

/* --- what was asked for --- */

static bool is_url (const char *host) { return strstr(host, "://"); }

/* "broker:1884" is an address of its own; "::1" is one without a port. */
static bool has_port (const char *host) {
  const char *colon = strchr(host, ':');
  return host[0] == '[' || (colon && !strchr(colon + 1, ':'));
}

static void write_url (const asked *a, tl_buf *out) {
  if (!is_url(a->host) && has_port(a->host)) tl_buf_str(out, a->ca_file ? "mqtts://" : "mqtt://");
  tl_buf_str(out, a->host);
}

/* Its content without a byte order mark and its last line break, as `file` of a config. */
static int read_password (const char *path, tl_slice *out, tl_err *err) {
  tl_buf text;
  tl_buf_init(&text);
  int rc = tl_file_read(&text, path, MAX_PASSWORD, err);
  tl_slice all = tl_buf_bytes(&text);
  if (all.len >= 3 && memcmp(all.at, "\xEF\xBB\xBF", 3) == 0)
    all = tl_slice_of(all.at + 3, all.len - 3);
  if (all.len > 0 && all.at[all.len - 1] == '\n') all.len--;
  if (all.len > 0 && all.at[all.len - 1] == '\r') all.len--;
  if (rc == TL_OK) rc = tl_params_set_text(out, all);
  if (text.len > 0) memset(text.at, 0, text.len);
  tl_buf_fini(&text);
  return rc;
}

static int fill (const asked *a, tl_line_params *p) {
  tl_buf url;
  tl_buf_init(&url);
  write_url(a, &url);
  int rc = url.failed ? TL_ENOMEM : tl_params_add_text(&p->host, tl_buf_bytes(&url));
  tl_buf_fini(&url);
  for (int i = 0; rc == TL_OK && i < a->filter_count; i++)
    rc = tl_params_add_text(&p->topic_filter, tl_slice_str(a->filters[i]));
  if (rc == TL_OK && a->user) rc = tl_params_set_text(&p->user_name, tl_slice_str(a->user));
  if (rc == TL_OK && a->ca_file) rc = tl_params_set_text(&p->tls_ca_file, tl_slice_str(a->ca_file));
  if (rc == TL_OK) rc = tl_params_set_text(&p->ws_subprotocol, TL_LIT("mqtt"));
  p->tls = a->ca_file && !is_url(a->host);
  p->port = p->tls ? 8883 : 1883;
  p->connect_timeout = 20000;
  p->reconnect_delay = p->reconnect_delay_max = 60000;
  p->max_packet_size = MAX_MESSAGE;
  p->max_inflight = 1;
  return rc;
}

static int wrong (const char *fmt, const char *value, const char *why) {
  return tl_options_exit(tl_options_wrong("discover", fmt, value, why));
}

/* 0, or the exit code after the error was printed. */
static int check (asked *a) {
  tl_address address = { .scheme = TL_SCHEME_NONE };
  tl_err err = { .text = "" };
  tl_buf url;
  char *end;
  tl_buf_init(&url);
  write_url(a, &url);
  int rc = url.failed ? TL_ENOMEM : tl_broker_parse(tl_buf_bytes(&url), &address, &err);
  tl_buf_fini(&url);
  if (rc == TL_ENOMEM) {
    tl_print_error("discover", "no memory");
    return 1;
  }
  if (rc < 0) return wrong("'%s': %s", a->host, err.text);
  if (a->ca_file && is_url(a->host) && !tl_scheme_is_tls(address.scheme))
    return wrong("--tls-ca-file: '%s' is not spoken to with TLS%s", a->host, "");
  if (a->password_file && !a->user)
    return wrong("--password-file: expected a --user beside it, got none%s%s", "", "");
  if (a->config + a->json > 1) return wrong("--config and --json: give one%s%s", "", "");
  for (int i = 0; i < a->filter_count; i++)
    if (tl_filter_check(tl_slice_str(a->filters[i]), &err) < 0)
      return wrong("FILTER '%s': %s", a->filters[i], err.text);
  double seconds = strtod(a->seconds, &end);
  if (*end || end == a->seconds || !(seconds > 0 && seconds * 1000 <= LONGEST_MS))
    return wrong("--seconds: expected seconds, more than 0, got '%s'%s", a->seconds, "");
  a->listen_ms = (int64_t)(seconds * 1000);
  if (a->listen_ms < 1) a->listen_ms = 1;
  return 0;
}

/* --- what was heard --- */

/* A config may be put anywhere, so it names files by where they are. */
static const char *whole_path (const char *path, char *room) {
  if (!path) return "";
  return realpath(path, room) ? room : path;
}

static int print (const discovering *d) {
  const asked *a = d->a;
  const char *arguments[8 + FILTERS];
  char seconds[32], password[PATH_MAX], ca[PATH_MAX];
  double listened = d->until > d->since ? (double)(d->until - d->since) / 1000.0 : 0;
  snprintf(seconds, sizeof seconds, "%.1f", listened);
  int n = 0;
  const char *format = a->config ? "config" : "text";
  arguments[n++] = a->json ? "json" : format;
  arguments[n++] = a->all ? "all" : "";
  arguments[n++] = a->host;
  arguments[n++] = a->user ? a->user : "";
  arguments[n++] = whole_path(a->password_file, password);
  arguments[n++] = whole_path(a->ca_file, ca);
  arguments[n++] = seconds;
  for (int i = 0; i < a->filter_count; i++) arguments[n++] = a->filters[i];
  return tl_lua_command_on(d->collected, "tagline.discover.main", arguments, n);
}

static int run (const asked *a) {
  tl_line_config line = { .name = TL_LIT("discover") };
  tl_config config = { .lines = &line, .line_count = 1 };
  discovering d = { .a = a };
  tl_err err = { .text = "" };
  int code = 1;
  tl_params_init(&line.params);
  int rc = fill(a, &line.params);
  if (rc == TL_OK && a->password_file)
    rc = read_password(a->password_file, &line.params.password, &err);
  if (rc < 0 && err.text[0]) {
    tl_options_wrong("discover", "--password-file: %s: %s", a->password_file, err.text);
  } else {
    if (rc >= 0) rc = set_up(&d, &config, &err);
    if (rc >= 0) tl_loop_run(d.loop);
    if (rc < 0) tl_print_error("discover", err.text[0] ? err.text : "no resources");
    tear_down(&d);
    if (rc >= 0 && (d.since > 0 || !d.failed)) code = print(&d);
  }
  tl_params_fini(&line.params);
  tl_heard_free(d.collected);
  return d.failed ? 1 : code;
}

int tl_command_discover (int argc, char **argv) {
  asked a = { .seconds = "30" };
  const char *words[FILTERS + 1];
  const tl_option options[] = {
    { "seconds", 0, NULL, &a.seconds },     { "config", 0, &a.config, NULL },
    { "json", 0, &a.json, NULL },           { "all", 0, &a.all, NULL },
    { "user", 0, NULL, &a.user },           { "password-file", 0, NULL, &a.password_file },
    { "tls-ca-file", 0, NULL, &a.ca_file }, { 0 }
  };
  int n = tl_options_read(argc, argv, "discover", help, options, words, FILTERS + 1);
  if (n < 0) return tl_options_exit(n);
  if (n < 1) return tl_options_exit(tl_options_wrong("discover", "a HOST is missing"));
  a.host = words[0];
  a.filter_count = n - 1;
  memcpy(a.filters, words + 1, (size_t)(n - 1) * sizeof *words);
  if (n == 1) a.filters[a.filter_count++] = "#";
  int rc = check(&a);
  if (rc != 0) return rc;
  return run(&a);
}

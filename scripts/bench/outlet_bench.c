/* scripts/bench/outlet_bench.c — what a value costs on its way out: into the spool, many in a
** wake-up and one alone, and from there into PostgreSQL, beside `psql \copy` of the same rows into
** a table with the same key. Processor time of the process with all its threads, µs per value.
** Prints figures only.
**
**   outlet_bench FOLDER [CONNINFO PSQL]    FOLDER: new, on the disk to be measured */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "outlet/outlet.h"
#ifdef TAGLINE_HAS_POSTGRES
#include "postgres/sender.h"
#endif

enum { TAGS = 1000, WAKE_UPS = 300, ALONE = 20000 };

static void need (int rc, const char *what) {
  if (rc >= 0) return;
  fprintf(stderr, "outlet_bench: %s: %d\n", what, rc);
  exit(1);
}

static double cpu_us (int who) {
  struct rusage u;
  getrusage(who, &u);
  return ((double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec) * 1e6 +
         (double)u.ru_utime.tv_usec + (double)u.ru_stime.tv_usec;
}

static double wall_us (void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* A walk of one decimal, as sensors have it. Its steps are drawn beforehand. */
static double walk[TAGS], steps[4096];
static unsigned at_step;
static uint32_t defined[TAGS], id_of[TAGS], ids, ids_of;
static int64_t now_ms = 1795900000000;

static void add (tl_spool *s, int tag) {
  uint32_t segment;
  bool cut;
  tl_buf *out = tl_spool_begin(s, now_ms, &segment);
  if (!out) need(-1, "no memory");
  if (defined[tag] != segment) {
    char name[40];
    int n = snprintf(name, sizeof name, "plant.station-%d.value", tag);
    if (ids_of != segment) ids = 0;
    ids_of = segment;
    id_of[tag] = ids++;
    tl_series d = { .id = id_of[tag], .type = TL_AI, .name = tl_slice_of(name, (size_t)n) };
    tl_record_series(out, &d);
    defined[tag] = segment;
  }
  walk[tag] += steps[at_step++ % 4096];
  tl_sample v = {
    .series = id_of[tag], .status = TL_VALID, .time_ms = now_ms, .value = { .number = walk[tag] }
  };
  tl_record_sample(out, &v, TL_AI, &cut);
  tl_spool_added(s, now_ms);
}

static void wake_up (tl_spool *s, int values) {
  tl_err err;
  for (int i = 0; i < values; i++) add(s, i);
  need(tl_spool_commit(s, now_ms, &err), "commit");
  now_ms += 1000;
}

static void spool (tl_spool *s) {
  tl_err err;
  tl_cursor *held; /* so that nothing goes */
  need(tl_cursor_open(&held, s, "held", &err), "cursor");
  double before = cpu_us(RUSAGE_SELF);
  for (int i = 0; i < ALONE; i++) wake_up(s, 1);
  printf("spool, one value a wake-up            %7.2f\n", (cpu_us(RUSAGE_SELF) - before) / ALONE);
  tl_cursor_close(held);
}

#ifdef TAGLINE_HAS_POSTGRES
static tl_loop *loop;

static void on_closed (void *ctx) {
  (void)ctx;
  tl_loop_stop(loop);
}

static void on_done (void *ctx) { tl_outlet_close(*(tl_outlet **)ctx, on_closed, NULL); }

/* Outlets get what was synced. */
static void sync_all (tl_spool *s) {
  tl_spool_sync job;
  while (tl_spool_take_sync(s, &job)) tl_spool_sync_done(s, &job, tl_spool_sync_run(&job));
}

static void carry (tl_spool *s, tl_outlet *o, const char *conninfo) {
  tl_postgres_sender *sender;
  sync_all(s);
  tl_postgres_options options = { .conninfo = tl_slice_str(conninfo),
                                  .schema = TL_LIT("tagline"),
                                  .spool = tl_spool_id(s) };
  need(tl_postgres_sender_new(&sender, o, &options), "sender");
  tl_outlet_start(o, sender);
  tl_outlet_hurry(o, on_done, &o);
  tl_loop_run(loop);
  tl_loop_free(loop);
}

static void psql (const char *program, const char *conninfo, const char *sql) {
  pid_t pid = fork();
  if (pid == 0) {
    execl(program, program, conninfo, "-qX", "-v", "ON_ERROR_STOP=1", "-c", sql, (char *)NULL);
    _exit(127);
  }
  int status;
  waitpid(pid, &status, 0);
  need(status == 0 ? 0 : -1, sql);
}

static void copy (const char *folder, const char *conninfo, const char *program) {
  char sql[300];
  psql(program, conninfo,
       "CREATE TABLE plain (tag int, t float8, n int, value float8, PRIMARY KEY (tag, t, n))");
  snprintf(sql, sizeof sql, "\\copy plain from '%s/rows.csv' csv", folder);
  double before = cpu_us(RUSAGE_CHILDREN), wall = wall_us();
  psql(program, conninfo, sql);
  printf("psql \\copy into a keyed table         %7.3f   (wall %.1f)\n",
         (cpu_us(RUSAGE_CHILDREN) - before) / (TAGS * WAKE_UPS),
         (wall_us() - wall) / (TAGS * WAKE_UPS));
}

static void postgres (tl_spool *s, const char *folder, const char *conninfo, const char *program) {
  tl_outlet *o;
  tl_err err;
  char path[300];
  need(tl_loop_new(&loop), "loop");
  need(tl_outlet_new(&o, loop, s, "postgres", &tl_postgres_kind, &err), "outlet");
  snprintf(path, sizeof path, "%s/rows.csv", folder);
  FILE *rows = fopen(path, "w");
  need(rows ? 0 : -1, path);
  double before = cpu_us(RUSAGE_SELF), first = before;
  for (int i = 0; i < WAKE_UPS; i++) wake_up(s, TAGS);
  printf("spool, 1,000 values a wake-up         %7.3f\n",
         (cpu_us(RUSAGE_SELF) - before) / (TAGS * WAKE_UPS));
  double spooled = cpu_us(RUSAGE_SELF) - first, wall = wall_us();
  before = cpu_us(RUSAGE_SELF);
  carry(s, o, conninfo);
  double sent = cpu_us(RUSAGE_SELF) - before;
  printf("PostgreSQL, from the spool            %7.3f   (wall %.1f)\n", sent / (TAGS * WAKE_UPS),
         (wall_us() - wall) / (TAGS * WAKE_UPS));
  printf("PostgreSQL, spool included            %7.3f\n", (sent + spooled) / (TAGS * WAKE_UPS));
  for (int i = 0; i < WAKE_UPS; i++, now_ms += 1000)
    for (int tag = 0; tag < TAGS; tag++)
      fprintf(rows, "%d,%.3f,0,%.17g\n", tag, (double)now_ms / 1000, walk[tag] += 0.1);
  fclose(rows);
  copy(folder, conninfo, program);
}
#endif

int main (int argc, char **argv) {
  tl_spool_options options = { argc > 1 ? argv[1] : ".", 4000000000, true };
  tl_spool_found found;
  tl_spool *s;
  tl_err err;
  tl_log_set_level(TL_LOG_WARN);
  for (int i = 0; i < 4096; i++) steps[i] = (double)(rand() % 21 - 10) / 10;
  need(tl_spool_open(&s, &options, now_ms, &found, &err), "spool");
#ifdef TAGLINE_HAS_POSTGRES
  if (argc > 3) postgres(s, argv[1], argv[2], argv[3]);
#endif
  spool(s); /* last: PostgreSQL got the values of 1,000 a wake-up, and no others */
  tl_spool_close(s);
  return 0;
}

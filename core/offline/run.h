/* core/offline/run.h — a config that runs without a network, in the time of its messages: for
** replay, `tagline test` and explain on the command line. Several may live in one process; each
** has a Lua state of its own, as in `tagline run`. */
#ifndef TL_OFFLINE_RUN_H
#define TL_OFFLINE_RUN_H

#include "gateway/offline.h"
#include "script/host.h"

typedef struct tl_offline_run tl_offline_run;

/* Load a config and begin at `wall`. `problem` hears what `tagline check` would print.
** TL_ESYNTAX: the config has errors, which were reported; else err is filled. */
int tl_offline_run_new (tl_offline_run **out, const char *config, bool unsafe, int64_t wall,
                        void (*problem)(void *ctx, bool is_error, const char *text), void *ctx,
                        tl_err *err);
void tl_offline_run_free (tl_offline_run *run); /* NULL is fine */

/* A message arrives at m->wall (an earlier time than the last one does not turn the clock
** back): first all that was due before. `now` of the message is not looked at. As
** tl_offline_feed. */
int tl_offline_run_feed (tl_offline_run *run, tl_slice line, const tl_incoming *m,
                         tl_offline_fed *fed, tl_err *err);
/* Time passes: timers, statuses. */
void tl_offline_run_advance (tl_offline_run *run, int64_t wall);
int64_t tl_offline_run_wall (const tl_offline_run *run);

/* What happened since it was last cleared. `values`: the values stream; `published`:
** {"line":…,"topic":…,"qos":…,"retain":…,"payload" or "base64":…} lines; `errors`: of handlers,
** "scope: text" with a NUL behind each. */
typedef struct {
  tl_buf values, published, errors;
} tl_offline_news;
tl_offline_news *tl_offline_run_news (tl_offline_run *run);
void tl_offline_run_clear_news (tl_offline_run *run);

/* Values go into this history from here on; wait for the disk. */
int tl_offline_run_record (tl_offline_run *run, const char *path, tl_err *err);
/* All that came is in it. Without a history: nothing. */
int tl_offline_run_recorded (tl_offline_run *run, tl_err *err);

tl_script *tl_offline_run_script (tl_offline_run *run);
tl_gateway *tl_offline_run_gateway (tl_offline_run *run);

#endif

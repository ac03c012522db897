/* core/offline/run.h — a config that runs without a network, in the time of its messages: for
** replay, `tagline test` and explain on the command line. Several may live in one process; each
** has a Lua state of its own, as in `tagline run`. */
#ifndef TL_OFFLINE_RUN_H
#define TL_OFFLINE_RUN_H

#include "gateway/offline.h"
#include "script/host.h"

typedef struct tl_site tl_site;

/* Load a config and begin at `wall`. `problem` hears what `tagline check` would print.
** TL_ESYNTAX: the config has errors, told already; else err is filled. */
int tl_site_new (tl_site **out, const char *config, bool unsafe, int64_t wall,
                 void (*problem)(void *ctx, bool is_error, const char *text), void *ctx,
                 tl_err *err);
void tl_site_free (tl_site *site); /* NULL is fine */

/* A message arrives at m->wall (an earlier time than the last one does not turn the clock
** back): first all that was due before. `now` of the message is not looked at. As
** tl_offline_feed. */
int tl_site_feed (tl_site *site, tl_slice line, const tl_incoming *m, tl_offline_fed *fed,
                  tl_err *err);
/* Time passes: timers, statuses. */
void tl_site_advance (tl_site *site, int64_t wall);
int64_t tl_site_wall (const tl_site *site);

/* What happened since it was last cleared. `values`: the values stream; `published`:
** {"line":…,"topic":…,"qos":…,"retain":…,"payload" or "base64":…} lines; `errors`: of handlers,
** "scope: text" with a NUL behind each. */
typedef struct {
  tl_buf values, published, errors;
} tl_site_news;
tl_site_news *tl_site_heard (tl_site *site);
void tl_site_clear (tl_site *site);

/* Values go into this history from here on; wait for the disk. */
int tl_site_record (tl_site *site, const char *path, tl_err *err);
/* All that came is in it. Without a history: nothing. */
int tl_site_recorded (tl_site *site, tl_err *err);

tl_script *tl_site_script (tl_site *site);
tl_gateway *tl_site_gateway (tl_site *site);

#endif

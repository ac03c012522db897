/* core/script/news.h — private to script/: calls of on_value, on_status, on_connect and
** on_disconnect that wait for their turn (turn.h), and what becomes of them when a reload takes
** their tag, station or line away. Each is called, or the log says that it is not. */
#ifndef TL_SCRIPT_NEWS_H
#define TL_SCRIPT_NEWS_H

#include "script/script.h"

/* Must on_value of a tag (its functions from number `from` on), or on_status of a station,
** wait? False: the caller calls it now.
** True: it was put into the queue, or left out since too many wait (logged once).
** They wait only when scripts have used half of handler_time in this turn: a message should be
** acknowledged after its handlers, if they are quick enough. */
bool tl_news_value_waits (tl_script *s, tl_tag *t, int from);
bool tl_news_status_waits (tl_script *s, tl_station *station);
/* The same for on_connect and on_disconnect. */
bool tl_news_line_waits (tl_script *s, tl_link *l, bool up, const char *why);

/* A config is about to be applied. Functions of values and statuses that this hurries, or whose
** line it takes away, have half a second of processor time together from now on. */
void tl_news_reload_begins (tl_script *s);
/* The line is about to change or to go: what waits of it goes before all else that waits. True:
** some of it is still to be called, so ask again later. False: nothing is, or the half second is
** used. */
bool tl_news_line_first (tl_script *s, tl_link *l);
/* The line is closed and goes. True: something waits of it; when that has been called, or given up,
** tl_link_left() follows. False: the line may go now. */
bool tl_news_line_leaves (tl_script *s, tl_link *l);

#endif

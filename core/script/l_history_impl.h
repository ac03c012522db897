/* core/script/l_history_impl.h — private to script/: what both ways to read a history from Lua
** share (l_history_query.c). */
#ifndef TL_SCRIPT_L_HISTORY_IMPL_H
#define TL_SCRIPT_L_HISTORY_IMPL_H

#include "history/query_job.h"
#include "payload/timemask.h"
#include "script/l_history.h"

/* Read the query in the table at `index`: from, to, span (seconds), from_local, to_local, limit,
** every, offset, as (a list of names), type (that rows need not name). May raise. */
void tl_read_query (lua_State *L, int index, tl_query *q);
/* Find the moments of from and to where these are times of the zone, and add the times between
** them at which its clocks change. What it adds belongs to the query; raises nothing. TL_OK, or a
** negative code with *err. */
int tl_query_add_zone (tl_query *q, const char *name, tl_err *err);
/* The moment at which the zone's clocks show this time (ms, as if it were UTC). Of an hour that
** comes twice: its first pass, or its `last`. Of one that is left out: the moment of the change. */
int64_t tl_zone_moment (const tl_zone *zone, int64_t local_ms, bool last);
/* Push an empty list with room for the rows, and with the number of those left out. */
void tl_push_query_list (lua_State *L, const tl_query *q);
/* Append the rows from..to to the list on top. */
void tl_push_query_rows (lua_State *L, const tl_query *q, size_t from, size_t to);
/* The empty table on top becomes a list of so many rows, which stand in parts. */
void tl_make_many_rows (lua_State *L, size_t count);
/* Put the row on top into the list at the index `list`, right below it, and pop it. */
void tl_set_row (lua_State *L, int list, lua_Integer i);
int tl_push_query_why (lua_State *L, const tl_query *q); /* nil and why it failed: 2 */

#endif

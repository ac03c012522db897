/* core/script/l_history_impl.h — private to script/: what both ways to read a history from Lua
** share (l_history_query.c). */
#ifndef TL_SCRIPT_L_HISTORY_IMPL_H
#define TL_SCRIPT_L_HISTORY_IMPL_H

#include "history/query_job.h"
#include "script/l_history.h"

/* Read the query in the table at `index`: from, to (seconds), limit, every, offset, as (a list
** of names). May raise. */
void tl_read_query (lua_State *L, int index, tl_query *q);
/* Add the times between from and to at which the zone's clocks change. What it adds belongs to
** the query; raises nothing. TL_OK, or a negative code with *err. */
int tl_query_add_zone (tl_query *q, const char *name, tl_err *err);
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

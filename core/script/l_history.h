/* core/script/l_history.h — reading a history from Lua. */
#ifndef TL_SCRIPT_L_HISTORY_H
#define TL_SCRIPT_L_HISTORY_H

#include "script/script.h"

/* For the words of the prompt; both wait. */
int tl_live_history (lua_State *L);
int tl_live_rest (lua_State *L);
/* puts `history`, as handlers call it, into the table on top */
void tl_add_history_word (lua_State *L);
/* The script ends: questions of its handlers are not answered, with `evaluations` none at all. */
void tl_history_drop (tl_script *s, bool evaluations);
int tl_open_history (lua_State *L); /* pushes the module that commands use */

void tl_open_history_writer (lua_State *L); /* puts `open` into the table on top */

#endif

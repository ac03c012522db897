/* core/config/l_reload.h — what rooms with Lua need of reloads. */
#ifndef TL_CONFIG_L_RELOAD_H
#define TL_CONFIG_L_RELOAD_H

#include <lua.h>

int tl_word_reload (lua_State *L); /* reloading.c: the word reload() */
/* reload.c: push what is known of the running config's files */
void tl_push_loaded (lua_State *L);

#endif

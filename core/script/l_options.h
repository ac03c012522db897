/* core/script/l_options.h — tables of options that scripts pass: { qos = 1, retain = true }.
** An unknown option is an error, because ignoring it would do something else than the writer
** meant. Knows nothing of what the options do. */
#ifndef TL_SCRIPT_L_OPTIONS_H
#define TL_SCRIPT_L_OPTIONS_H

#include <lua.h>
#include <stdbool.h>

/* Is the name among those of `known`? */
bool tl_option_is_known (const char *name, const char *known);
/* The following functions raise "WHO: …" if something is wrong. `known` has the allowed names,
** with blanks between. */
void tl_options_known (lua_State *L, int table, const char *who, const char *known);
/* 0 to 2; also accepts "QoS_0" to "QoS_2", as in the config. -1: the option is not given. */
int tl_option_qos (lua_State *L, int table, const char *who);
/* 0 or 1; accepts true, false, "YES" and "NO", as in the config. -1: the option is not given. */
int tl_option_flag (lua_State *L, int table, const char *who, const char *name);

#endif

/* core/script/l_options.h — tables of options that scripts give: { qos = 1, retain = true }.
** What is not understood is an error: an option that is passed over in silence does something else
** than its writer believes. Knows nothing of what the options do. */
#ifndef TL_SCRIPT_L_OPTIONS_H
#define TL_SCRIPT_L_OPTIONS_H

#include <lua.h>
#include <stdbool.h>

/* Is the name among those of `known`? */
bool tl_option_is_known (const char *name, const char *known);
/* All others raise "WHO: …" when something is wrong; `known` has the names with blanks between. */
void tl_options_known (lua_State *L, int table, const char *who, const char *known);
/* 0 to 2, or "QoS_0" to "QoS_2", as in the config; -1: there is none */
int tl_option_qos (lua_State *L, int table, const char *who);
/* 0 or 1: true, false, "YES" or "NO", as in the config; -1: there is none */
int tl_option_flag (lua_State *L, int table, const char *who, const char *name);

#endif

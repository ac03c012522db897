/* core/offline/lua_command.h — commands that are written in Lua (replay, test, explain): a state of
** their own with all of Lua's library and the module tagline.offline, which runs configs without a
** network. */
#ifndef TL_OFFLINE_LUA_COMMAND_H
#define TL_OFFLINE_LUA_COMMAND_H

struct tl_heard; /* discover/heard.h */

/* Run `main(argument, …)` of a module. Returns the exit code it gave; 1 after an error, which
** was printed to stderr. */
int tl_lua_command (const char *module, const char *const *arguments, int count);
/* The same, with what was collected as the module tagline.discovered. */
int tl_lua_command_on (const struct tl_heard *collected, const char *module,
                       const char *const *arguments, int count);

#endif

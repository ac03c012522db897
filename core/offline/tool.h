/* core/offline/tool.h — commands that are written in Lua (replay, test, explain): a state of
** their own with all of Lua's library and the module tagline.site, which runs configs without a
** network. */
#ifndef TL_OFFLINE_TOOL_H
#define TL_OFFLINE_TOOL_H

struct tl_heard; /* discover/heard.h */

/* Run `main(argument, …)` of a module. Returns the exit code it gave; 1 after an error, which
** was told on stderr. */
int tl_tool_run (const char *module, const char *const *arguments, int count);
/* The same, with what was collected as the module tagline.discovered. */
int tl_tool_run_on (const struct tl_heard *collected, const char *module,
                    const char *const *arguments, int count);

#endif

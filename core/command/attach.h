/* core/command/attach.h — joins the console socket to evaluations: frames in become calls,
** results become frames. */
#ifndef TL_COMMAND_ATTACH_H
#define TL_COMMAND_ATTACH_H

#include "console/server.h"
#include "repl/repl.h"

typedef struct tl_attach tl_attach;

int tl_attach_new (tl_attach **out, tl_script *script);
void tl_attach_free (tl_attach *a); /* after the console was closed; NULL is fine */

/* for tl_console_listen, with the tl_attach as context */
extern const tl_console_events tl_attach_events;

/* A line of the log (without its line break): to those who asked for logs. Returns whether
** there is one. */
bool tl_attach_log (tl_attach *a, const char *line);

#endif

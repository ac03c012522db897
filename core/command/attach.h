/* core/command/attach.h — joins the console socket to evaluations: frames in become calls, results become frames. */
#ifndef TL_COMMAND_ATTACH_H
#define TL_COMMAND_ATTACH_H

#include "console/server.h"
#include "script/host.h"

extern const tl_console_events tl_attach_events; /* for tl_console_listen, with the tl_script as context */

#endif

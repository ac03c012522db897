/* core/command/logs.h — where a running process's log goes, and how it looks there. */
#ifndef TL_COMMAND_LOGS_H
#define TL_COMMAND_LOGS_H

#include <stdbool.h>

/* `format` is what --log-format says: "text", "json", or NULL. Without it: priorities and no time
** where stderr is systemd's journal ($JOURNAL_STREAM names it), else text; with colours where it is
** a terminal and $NO_COLOR is not set. From here on no log line waits for its reader. False: no
** such format. */
bool tl_logs_begin (const char *format);
/* At the very end: give the reader some time to read the rest. */
void tl_logs_end (void);

#endif

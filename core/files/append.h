/* core/files/append.h — lines behind a file that others read. May wait for a disk: not for
** the loop. */
#ifndef TL_FILES_APPEND_H
#define TL_FILES_APPEND_H

#include "base/slice.h"

/* Put bytes behind a regular file, which is made with this mode (less the umask) when it is not
** there; never through a symbolic link. 0 or errno. */
int tl_file_append (const char *path, unsigned mode, tl_slice bytes);

#endif

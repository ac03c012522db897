/* core/files/append.h — appends lines to a file. May wait for the disk, so it must not be called on
** the loop. */
#ifndef TL_FILES_APPEND_H
#define TL_FILES_APPEND_H

#include "base/slice.h"

/* Append bytes to a regular file. If it does not exist it is made with this mode, minus the umask.
** Symbolic links are refused. 0 or errno. */
int tl_file_append (const char *path, unsigned mode, tl_slice bytes);

#endif

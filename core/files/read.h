/* core/files/read.h — whole regular files, into memory or out of it. Nothing here waits for another
** process: what is no regular file is refused before it is read or written.
**
** A regular file on a dead network file system can still hold its reader; no call of POSIX tells
** beforehand. */
#ifndef TL_FILES_READ_H
#define TL_FILES_READ_H

#include "base/buf.h"

/* Append all of the file to *out. Refused at once are pipes (FIFOs), devices, sockets and folders
** (TL_ETYPE), and more than `max` bytes (TL_ETOOBIG), whatever the file says its length is. Other
** failures: TL_ENOENT, TL_EREFUSED (no permission), TL_ESTATE (reading failed), TL_ENOMEM. err says
** why without the path: "No such file or directory", "is a pipe (FIFO), not a file". On failure
** what was appended is taken back. */
int tl_file_read (tl_buf *out, const char *path, size_t max, tl_err *err);

/* Append the names in a folder that end in `ending`, each with a NUL behind it, in no order. A
** folder that is not there has none. TL_OK or TL_ENOMEM. */
int tl_file_names (tl_buf *out, const char *folder, const char *ending);

/* Make a new file with this mode (less the umask); what is there already, of any kind, is left
** alone. Returns a descriptor, or the negative of errno (-EEXIST). */
int tl_file_create (const char *path, unsigned mode);
/* Write all of `bytes` to it. 0 or errno. */
int tl_file_add (int fd, tl_slice bytes);
/* Close it; a file that did not become whole (`why`, an errno, is not 0, or closing fails) is
** removed. Returns 0 or the errno to tell. */
int tl_file_finish (int fd, const char *path, int why);

#endif

/* core/web/page.h — the files of core/web/page/ in the program: a table that CMake makes
** (core/web/embed.cmake). */
#ifndef TL_WEB_PAGE_H
#define TL_WEB_PAGE_H

#include <stddef.h>

typedef struct {
  const char *name, *type, *etag; /* etag with its quotes */
  const unsigned char *bytes;
  size_t len;
} tl_page_file;

extern const tl_page_file tl_page_files[];
extern const size_t tl_page_file_count;

#endif

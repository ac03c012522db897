/* core/command/print.c — see print.h. */
#include "command/print.h"

#include <stdio.h>

#include "base/visible.h"

void tl_print_error (const char *command, const char *text) {
  tl_buf line;
  tl_buf_init(&line);
  tl_buf_fmt(&line, "tagline%s%s: ", command ? " " : "", command ? command : "");
  tl_visible(&line, tl_slice_str(text), true);
  if (line.failed)
    fputs("tagline: no memory\n", stderr); /* not even for what was to be said */
  else
    fprintf(stderr, "%.*s\n", TL_ARG(tl_buf_bytes(&line)));
  tl_buf_fini(&line);
}

void tl_print_line (const char *text) {
  tl_buf line;
  tl_buf_init(&line);
  tl_visible(&line, tl_slice_str(text), true);
  if (line.failed)
    puts("(not enough memory for this line)");
  else
    printf("%.*s\n", TL_ARG(tl_buf_bytes(&line)));
  tl_buf_fini(&line);
}

/* core/command/edit_history.c — the lines that were typed, in memory and in a file. Must not know
** how they are typed. */
#include "command/edit_history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REMEMBERED = 1000 };

static int make_folders (char *path) { /* every folder of path; the last part is a file */
  for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    int rc = mkdir(path, 0700);
    *slash = '/';
    if (rc < 0 && errno != EEXIST) return TL_ENOENT;
  }
  return TL_OK;
}

/* $XDG_STATE_HOME/tagline/history, else ~/.local/state/tagline/history; the folders are made
** (0700) as needed. Appended, with a NUL behind len. TL_ENOENT: no place. */
static int find_path (tl_buf *out) {
  const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
  size_t start = out->len;
  if (state && state[0] == '/')
    tl_buf_fmt(out, "%s/tagline/history", state);
  else if (home && home[0] == '/')
    tl_buf_fmt(out, "%s/.local/state/tagline/history", home);
  else
    return TL_ENOENT;
  tl_buf_byte(out, 0);
  if (out->failed) return TL_ENOMEM;
  out->len--;
  return make_folders((char *)out->at + start);
}

/* libedit's own form, so that it can load it: a first line of its own, then lines with blanks
** and odd bytes as \ooo. */
static const char cookie[] = "_HiStOrY_V2_\n";

/* One line is added with one write at the end of the file: several REPLs at once lose nothing
** of each other. */
static void append_to_file (const char *path, const char *line) {
  tl_buf text;
  struct stat st;
  int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return;
  tl_buf_init(&text);
  if (fstat(fd, &st) == 0 && st.st_size == 0) tl_buf_str(&text, cookie);
  for (const unsigned char *c = (const unsigned char *)line; *c; c++) {
    if (*c <= ' ' || *c == '\\' || *c >= 0x7f)
      tl_buf_fmt(&text, "\\%03o", *c);
    else
      tl_buf_byte(&text, *c);
  }
  tl_buf_byte(&text, '\n');
  /* a history that cannot be kept is no reason to stop */
  if (!text.failed && write(fd, text.at, text.len) < 0) errno = 0;
  tl_buf_fini(&text);
  close(fd);
}

int tl_edit_history_open (tl_edit_history *h) {
  HistEvent ev;
  tl_buf path;
  *h = (tl_edit_history){ .lines = history_init() };
  if (!h->lines) return TL_ENOMEM;
  tl_buf_init(&path);
  history(h->lines, &ev, H_SETSIZE, REMEMBERED);
  history(h->lines, &ev, H_SETUNIQUE, 1);
  if (find_path(&path) == TL_OK) h->path = strdup((char *)path.at);
  tl_buf_fini(&path);
  if (!h->path) return TL_OK;
  int lines = history(h->lines, &ev, H_LOAD, h->path);
  /* only the last REMEMBERED */
  if (lines > 2 * REMEMBERED) history(h->lines, &ev, H_SAVE, h->path);
  return TL_OK;
}

void tl_edit_history_add (tl_edit_history *h, const char *line) {
  HistEvent ev;
  if (line[strspn(line, " \t")] == 0) return;
  bool repeated = history(h->lines, &ev, H_FIRST) == 0 && strcmp(ev.str, line) == 0;
  if (repeated) return;
  history(h->lines, &ev, H_ENTER, line);
  if (h->path) append_to_file(h->path, line);
}

const char *tl_edit_history_line (tl_edit_history *h, size_t at) {
  HistEvent ev;
  int rc = history(h->lines, &ev, at == 0 ? H_FIRST : H_NEXT);
  return rc == 0 ? ev.str : NULL;
}

void tl_edit_history_close (tl_edit_history *h) {
  if (h->lines) history_end(h->lines);
  free(h->path);
}

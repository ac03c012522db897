/* core/command/edit.c — lines typed at a terminal, with libedit. Knows neither the console nor
** Lua. */
#include "command/edit.h"

#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "command/complete.h"
#include "command/edit_history.h"
#include "command/search.h"

enum { SHOWN = 200 };

struct tl_edit {
  EditLine *el;
  tl_edit_history history;
  const char *prompt;
  int fd;
  tl_edit_events events;
  void *ctx;
  const sigset_t *mask;
  volatile int *interrupted;
  bool stopped, gone;
  bool dumb;    /* the terminal knows no escape sequences */
  bool pasting; /* between the terminal's marks around a paste */
};

static volatile sig_atomic_t resized;

static void on_winch (int signum) { resized = signum; }

/* --- Typing --- */

static char *prompt_of (EditLine *el) {
  tl_edit *e = NULL;
  el_get(el, EL_CLIENTDATA, &e);
  return (char *)(uintptr_t)e->prompt;
}

static void show (const char *bytes, size_t n) {
  fwrite(bytes, 1, n, stdout);
  fflush(stdout);
}

static unsigned columns_of_terminal (void) {
  struct winsize ws = { .ws_col = 0 };
  ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws);
  return ws.ws_col > 0 ? ws.ws_col : 80u;
}

/* Columns of text[0 .. n). */
static unsigned width_of (const char *text, size_t n) {
  mbstate_t state;
  wchar_t wide;
  unsigned width = 0;
  memset(&state, 0, sizeof state);
  for (size_t at = 0, used; at < n; at += used) {
    used = mbrtowc(&wide, text + at, n - at, &state);
    if (used == 0 || used > n - at) return width;
    int one = wcwidth(wide);
    width += one >= 0 ? (unsigned)one : 2; /* a control character is shown as two */
  }
  return width;
}

/* Remove the line that is being typed from the screen, all its rows including the prompt. It is
** drawn again further down. */
static void wipe (tl_edit *e) {
  char text[32];
  const LineInfo *li = el_line(e->el);
  unsigned before = width_of(e->prompt, strlen(e->prompt)) +
                    width_of(li->buffer, (size_t)(li->cursor - li->buffer));
  unsigned rows = before / columns_of_terminal();
  if (e->dumb) {
    show("\n", 1);
    return;
  }
  if (rows > 0) show(text, (size_t)snprintf(text, sizeof text, "\033[%uA", rows));
  show("\r\033[J", 4);
}

static bool wake (tl_edit *e) {
  tl_buf text;
  tl_buf_init(&text);
  bool on = e->events.wake(e->ctx, &text);
  if (text.len > 0) {
    wipe(e);
    show((char *)text.at, text.len);
    if (text.at[text.len - 1] != '\n') show("\n", 1);
    el_set(e->el, EL_REFRESH);
  }
  tl_buf_fini(&text);
  return on;
}

/* One character; libedit ends the line on anything but 1. */
static int get_char (EditLine *el, wchar_t *out) {
  tl_edit *e = NULL;
  mbstate_t state;
  memset(&state, 0, sizeof state);
  el_get(el, EL_CLIENTDATA, &e);
  for (;;) {
    struct pollfd fds[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
                             { .fd = e->fd, .events = POLLIN } };
    int rc = ppoll(fds, 2, NULL, e->mask);
    if (resized) {
      resized = 0;
      el_resize(el);
    }
    if (*e->interrupted) {
      *e->interrupted = 0;
      e->stopped = true;
      return -1;
    }
    if (rc < 0 && errno != EINTR) return -1;
    if (rc <= 0) continue;
    if (fds[1].revents && !wake(e)) {
      e->gone = true;
      return -1;
    }
    if (!fds[0].revents) continue;
    char byte;
    ssize_t n = read(STDIN_FILENO, &byte, 1);
    if (n <= 0) return n == 0 ? 0 : -1;
    size_t used = mbrtowc(out, &byte, 1, &state);
    if (used == (size_t)-1) memset(&state, 0, sizeof state); /* not UTF-8: left out */
    if (used <= 1) return 1;
  }
}

static void list_words (const tl_buf *words, size_t all) {
  size_t widest = 0, column = 0, n = 0;
  for (size_t at = 0, len; at < words->len; at += len + 1) {
    len = strlen((char *)words->at + at);
    if (len > widest) widest = len;
  }
  size_t columns = columns_of_terminal() / (widest + 2);
  if (columns == 0) columns = 1;
  fputc('\n', stdout);
  for (size_t at = 0, len; at < words->len; at += len + 1, n++) {
    len = strlen((char *)words->at + at);
    if (n >= SHOWN) continue;
    bool last = ++column % columns == 0;
    fprintf(stdout, "%-*s%s", last ? 0 : (int)widest + 2, (char *)words->at + at, last ? "\n" : "");
  }
  if (column % columns != 0) fputc('\n', stdout);
  if (all > SHOWN) fprintf(stdout, "… and %zu more\n", all - SHOWN);
  fflush(stdout);
}

static unsigned char on_tab (EditLine *el, int key) {
  tl_edit *e = NULL;
  tl_buf words, more;
  size_t all = 0;
  unsigned char action = CC_ERROR;
  (void)key;
  el_get(el, EL_CLIENTDATA, &e);
  /* A Tab in pasted text is inserted, and completes nothing. Where the terminal sends no marks
  ** around pasted text, or the end mark was lost, a Tab counts as pasted if more input follows at
  ** once. */
  struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
  if ((e->pasting || e->dumb) && poll(&input, 1, 0) > 0)
    return el_insertstr(el, "\t") == 0 ? CC_REFRESH : CC_ERROR;
  const LineInfo *li = el_line(el);
  size_t at = (size_t)(li->cursor - li->buffer);
  tl_buf_init(&words);
  tl_buf_init(&more);
  tl_buf_add(&more, li->buffer, (size_t)(li->lastchar - li->buffer));
  tl_buf_byte(&more, 0);
  if (!more.failed) all = e->events.complete(e->ctx, (char *)more.at, at, &words);
  if (words.len > 0 && !words.failed && !more.failed) {
    tl_slice common = tl_complete_common(&words);
    size_t have = tl_complete_overlap((char *)more.at, at, &words);
    tl_buf_clear(&more);
    tl_buf_add(&more, common.at + have, common.len - have);
    tl_buf_byte(&more, 0);
    if (more.len > 1 && !more.failed && el_insertstr(el, (char *)more.at) == 0) {
      action = CC_REFRESH;
    } else if (common.len + 1 < words.len) { /* more than one word, and nothing they agree on */
      list_words(&words, all);
      action = CC_REDISPLAY;
    }
  }
  tl_buf_fini(&words);
  tl_buf_fini(&more);
  return action;
}

/* --- Ctrl-R --- */

static const char *line_of_history (void *ctx, size_t at) {
  return tl_edit_history_line(&((tl_edit *)ctx)->history, at);
}

/* An arrow and its like come as several bytes: they end the search, and are left out. */
static void drop_sequence (void) {
  struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
  char byte;
  while (poll(&input, 1, 0) > 0 && read(STDIN_FILENO, &byte, 1) == 1)
    if (byte != '[' && byte != 'O' && byte != ';' && !(byte >= '0' && byte <= '9')) return;
}

static bool take_found (EditLine *el, const tl_search *s) {
  tl_buf text;
  const LineInfo *li = el_line(el);
  int len = (int)(li->lastchar - li->buffer);
  tl_buf_init(&text);
  tl_buf_slice(&text, tl_buf_bytes(&s->found));
  tl_buf_byte(&text, '\0');
  el_cursor(el, len); /* to the end: what is deleted is before the cursor */
  el_deletestr(el, len);
  bool ok = !text.failed && el_insertstr(el, (char *)text.at) == 0;
  tl_buf_fini(&text);
  return ok;
}

static void show_search (const tl_search *s) {
  tl_buf text;
  tl_buf_init(&text);
  tl_buf_str(&text, "\r\033[J");
  tl_search_show(s, columns_of_terminal() - 1, &text);
  if (!text.failed) show((char *)text.at, text.len);
  tl_buf_fini(&text);
}

static unsigned char on_search (EditLine *el, int key) {
  tl_edit *e = NULL;
  tl_search s;
  wchar_t c;
  tl_search_end what = TL_SEARCH_ON;
  int rc = 1;
  (void)key;
  el_get(el, EL_CLIENTDATA, &e);
  if (e->dumb) return CC_ERROR;
  tl_search_init(&s);
  wipe(e);
  while (what == TL_SEARCH_ON) {
    show_search(&s);
    rc = get_char(el, &c);
    if (rc != 1) break;
    what = tl_search_key(&s, (uint32_t)c, line_of_history, e);
    if (c == 27) drop_sequence();
  }
  show("\r\033[J", 4);
  bool taken = (what == TL_SEARCH_RUN || what == TL_SEARCH_EDIT) && take_found(el, &s);
  tl_search_fini(&s);
  el_set(el, EL_REFRESH);
  if (rc != 1) return CC_EOF;
  if (!taken || what != TL_SEARCH_RUN) return CC_NORM;
  show("\n", 1);
  return CC_NEWLINE;
}

static unsigned char set_pasting (EditLine *el, bool on) {
  tl_edit *e = NULL;
  el_get(el, EL_CLIENTDATA, &e);
  e->pasting = on;
  return CC_NORM;
}

static unsigned char on_paste (EditLine *el, int key) {
  (void)key;
  return set_pasting(el, true);
}

static unsigned char on_pasted (EditLine *el, int key) {
  (void)key;
  return set_pasting(el, false);
}

/* What terminals send, whatever terminfo says of them. */
static void bind_keys (EditLine *el) {
  static const char *const keys[][2] = {
    { "^I", "tl-complete" },
    { "^R", "tl-search" },
    { "\\e[200~", "tl-paste" },
    { "\\e[201~", "tl-pasted" },
    { "\\e[H", "ed-move-to-beg" },
    { "\\eOH", "ed-move-to-beg" },
    { "\\e[1~", "ed-move-to-beg" },
    { "\\e[7~", "ed-move-to-beg" },
    { "\\e[F", "ed-move-to-end" },
    { "\\eOF", "ed-move-to-end" },
    { "\\e[4~", "ed-move-to-end" },
    { "\\e[8~", "ed-move-to-end" },
    { "\\e[3~", "ed-delete-next-char" },
    { "\\e[1;5C", "em-next-word" },
    { "\\e[1;5D", "ed-prev-word" },
    { "\\e[1;3C", "em-next-word" },
    { "\\e[1;3D", "ed-prev-word" },
  };
  /* the narrow one leaks copies */
  el_wset(el, EL_ADDFN, L"tl-complete", L"complete the word before the cursor", on_tab);
  el_wset(el, EL_ADDFN, L"tl-search", L"look for an earlier line", on_search);
  el_wset(el, EL_ADDFN, L"tl-paste", L"what follows is pasted", on_paste);
  el_wset(el, EL_ADDFN, L"tl-pasted", L"the end of a paste", on_pasted);
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    el_set(el, EL_BIND, keys[i][0], keys[i][1], NULL);
}

int tl_edit_new (tl_edit **out, int fd, const tl_edit_events *events, void *ctx,
                 const void *waiting_mask, volatile int *interrupted) {
  tl_edit *e = calloc(1, sizeof *e);
  if (!e) return TL_ENOMEM;
  setlocale(LC_CTYPE, ""); /* what a character is; numbers stay as they are */
  e->fd = fd;
  e->events = *events;
  e->ctx = ctx;
  e->mask = waiting_mask;
  e->interrupted = interrupted;
  e->prompt = "";
  const char *term = getenv("TERM");
  e->dumb = !term || term[0] == '\0' || strcmp(term, "dumb") == 0;
  if (tl_edit_history_open(&e->history) == TL_OK) e->el = el_init("tagline", stdin, stdout, stderr);
  if (!e->el) {
    tl_edit_free(e);
    return TL_ENOMEM;
  }
  struct sigaction sa = { .sa_handler = on_winch };
  sigaction(SIGWINCH, &sa, NULL);
  el_set(e->el, EL_CLIENTDATA, e);
  el_set(e->el, EL_PROMPT, prompt_of);
  el_set(e->el, EL_EDITOR, "emacs");
  el_set(e->el, EL_SIGNAL, 0);
  el_set(e->el, EL_HIST, history, e->history.lines);
  el_set(e->el, EL_GETCFN, get_char);
  bind_keys(e->el);
  el_source(e->el, NULL);
  *out = e;
  return TL_OK;
}

int tl_edit_line (tl_edit *e, const char *prompt, tl_buf *line) {
  int n = 0;
  e->prompt = prompt;
  e->stopped = e->gone = false;
  /* before the prompt is shown: what a person types after seeing it must not be handled by the
  ** terminal's line mode */
  el_set(e->el, EL_PREP_TERM, 1);
  if (!e->dumb) show("\033[?2004h", 8); /* mark pastes */
  const char *text = el_gets(e->el, &n);
  if (!e->dumb) show("\033[?2004l", 8);
  if (e->stopped) {
    show("^C\n", 3);
    return TL_EDIT_INTERRUPTED;
  }
  if (e->gone) show("\n", 1);
  if (e->gone) return TL_EDIT_GONE;
  if (!text || n <= 0) {
    show("\n", 1);
    return TL_EDIT_END;
  }
  tl_buf_clear(line);
  tl_buf_add(line, text, (size_t)n);
  while (line->len > 0 && (line->at[line->len - 1] == '\n' || line->at[line->len - 1] == '\r'))
    line->len--;
  return line->failed ? TL_ENOMEM : TL_EDIT_LINE;
}

void tl_edit_remember (tl_edit *e, const char *line) { tl_edit_history_add(&e->history, line); }

void tl_edit_free (tl_edit *e) {
  if (!e) return;
  if (e->el) el_end(e->el);
  tl_edit_history_close(&e->history);
  free(e);
}

/* core/command/options.c — reads a command's words. Knows nothing of the commands themselves. */
#include "command/options.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "command/print.h"

enum { LONGEST = 32 }; /* names beyond this are never near to anything we know */

static tl_options_lister lister;

static int least (int a, int b) { return a < b ? a : b; }

/* Edit distance with neighbouring swaps (optimal string alignment). Both words are at most
** LONGEST bytes. */
static int distance (const char *a, size_t alen, const char *b, size_t blen) {
  int rows[3][LONGEST + 1];
  int *before = rows[0], *above = rows[1], *row = rows[2];
  for (size_t j = 0; j <= blen; j++) above[j] = (int)j;
  for (size_t i = 1; i <= alen; i++) {
    row[0] = (int)i;
    for (size_t j = 1; j <= blen; j++) {
      int ca = tolower((unsigned char)a[i - 1]), cb = tolower((unsigned char)b[j - 1]);
      int best = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (ca != cb));
      if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
          cb == tolower((unsigned char)a[i - 2]))
        best = least(best, before[j - 2] + 1);
      row[j] = best;
    }
    int *spare = before;
    before = above;
    above = row;
    row = spare;
  }
  return above[blen];
}

const char *tl_options_nearest (const char *word, const char *const *names, int n) {
  size_t len = strlen(word);
  const char *found = NULL;
  int best = 3;
  if (len > LONGEST) return NULL;
  for (int i = 0; i < n; i++) {
    size_t known = names[i] ? strlen(names[i]) : 0;
    if (known == 0 || known > LONGEST) continue;
    int d = distance(word, len, names[i], known);
    if (d < best && 2 * (size_t)d < len) {
      best = d;
      found = names[i];
    }
  }
  return found;
}

int tl_options_wrong (const char *command, const char *fmt, ...) {
  char text[512], whole[640];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  snprintf(whole, sizeof whole, "%s (see 'tagline%s%s --help')", text, command ? " " : "",
           command ? command : "");
  tl_print_error(command, whole);
  return TL_OPTIONS_WRONG;
}

int tl_options_exit (int result) { return result == TL_OPTIONS_HELP ? 0 : 2; }

static bool last (const tl_option *o) { return !o->name && !o->letter; }

static int unknown (const char *command, const char *word, size_t len, const tl_option *options) {
  const char *names[64] = { "help" };
  char name[LONGEST + 1];
  int n = 1;
  const char *near = NULL;
  for (const tl_option *o = options; !last(o) && n < 64; o++)
    if (o->name) names[n++] = o->name;
  if (len <= LONGEST) {
    memcpy(name, word, len);
    name[len] = 0;
    near = tl_options_nearest(name, names, n);
  }
  if (near)
    return tl_options_wrong(command, "unknown option '--%.*s'; did you mean '--%s'?", (int)len,
                            word, near);
  return tl_options_wrong(command, "unknown option '--%.*s'", (int)len, word);
}

static const tl_option *find_long (const tl_option *options, const char *name, size_t len) {
  for (const tl_option *o = options; !last(o); o++)
    if (o->name && strlen(o->name) == len && memcmp(o->name, name, len) == 0) return o;
  return NULL;
}

static const tl_option *find_letter (const tl_option *options, char letter) {
  for (const tl_option *o = options; !last(o); o++)
    if (o->letter == letter) return o;
  return NULL;
}

/* Give `o` what belongs to it. `shown` is the option as the user wrote it, `value` what stood
** behind "=", or NULL. Returns 0 or a code. */
static int take (const char *command, const tl_option *o, const char *shown, int len,
                 const char *value, int argc, char **argv, int *i) {
  if (o->flag) {
    if (value) return tl_options_wrong(command, "'%.*s' takes no value", len, shown);
    *o->flag = true;
    return 0;
  }
  if (!value) {
    if (*i + 1 >= argc) return tl_options_wrong(command, "'%.*s' needs a value", len, shown);
    value = argv[++*i];
  }
  *o->text = value;
  return 0;
}

/* One word that begins with a dash. Returns 0 or a code. */
static int option (const char *command, const char *help, const tl_option *options, int argc,
                   char **argv, int *i) {
  const char *word = argv[*i];
  if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
    fputs(help, stdout);
    return TL_OPTIONS_HELP;
  }
  if (word[1] != '-') {
    const tl_option *o = word[2] == 0 ? find_letter(options, word[1]) : NULL;
    if (!o) return tl_options_wrong(command, "unknown option '%s'", word);
    return take(command, o, word, 2, NULL, argc, argv, i);
  }
  size_t len = strcspn(word + 2, "=");
  const tl_option *o = find_long(options, word + 2, len);
  if (!o) return unknown(command, word + 2, len, options);
  return take(command, o, word, (int)len + 2, word[2 + len] ? word + 2 + len + 1 : NULL, argc, argv,
              i);
}

int tl_options_read (int argc, char **argv, const char *command, const char *help,
                     const tl_option *options, const char **operands, int max) {
  int n = 0;
  bool over = false;
  if (lister) {
    lister(command, options);
    return TL_OPTIONS_HELP;
  }
  for (int i = 1; i < argc; i++) {
    if (!over && argv[i][0] == '-' && argv[i][1] != 0) {
      over = strcmp(argv[i], "--") == 0;
      if (over) continue;
      int rc = option(command, help, options, argc, argv, &i);
      if (rc < 0) return rc;
      continue;
    }
    if (n == max) return tl_options_wrong(command, "'%s' is one word too many", argv[i]);
    operands[n++] = argv[i];
  }
  return n;
}

void tl_options_list (tl_options_lister list) { lister = list; }

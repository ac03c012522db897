/* core/base/glob.c — patterns of names: "plant.*.temp?". */
#include "base/pattern.h"

bool tl_glob_match (const char *p, const char *text) {
  const char *star = NULL, *resume = NULL;
  while (*text != '\0') {
    if (*p == '*') {
      star = ++p;
      resume = text;
    } else if (*p == '?' || *p == *text) {
      p++;
      text++;
    } else if (star) {
      p = star;
      text = ++resume;
    } else {
      return false;
    }
  }
  while (*p == '*') p++;
  return *p == '\0';
}

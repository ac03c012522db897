/* core/command/outlet_words.h — a copy of an outlet's settings that outlives the config it came
** from. */
#ifndef TL_COMMAND_OUTLET_WORDS_H
#define TL_COMMAND_OUTLET_WORDS_H

#include "outlet/config.h"

typedef struct {
  tl_outlet_config config; /* its texts are in `memory` */
  tl_slice *tags;
  char *memory;
} tl_outlet_words;

/* TL_ENOMEM. */
int tl_outlet_words_new (tl_outlet_words **out, const tl_outlet_config *c);
void tl_outlet_words_free (tl_outlet_words *w); /* NULL is fine */
/* Are the settings the same? `keep` is not compared, because it can be changed while an outlet
** runs. */
bool tl_outlet_words_same (const tl_outlet_words *w, const tl_outlet_config *c);

#endif

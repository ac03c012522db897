/* core/sandbox/picker.h — a set of addresses as a Lua object, for what picks values out of a JSON
** text: json.pick and tagline.uplink. */
#ifndef TL_SANDBOX_PICKER_H
#define TL_SANDBOX_PICKER_H

#include "sandbox/sandbox.h"

enum { TL_PICKER_MAX = 250, TL_PICKER_ROOM = 1024 }; /* addresses; values that a reading needs */

typedef struct {
  tl_json_set *set;
  size_t n;
  bool presence[TL_PICKER_MAX]; /* "?a.b": whether there is anything */
} tl_picker;

/* Compile the list of addresses at `index`; the picker is left on the stack, which owns it. Raises
** for an address that is none. */
tl_picker *tl_picker_new (lua_State *L, int index);
size_t tl_picker_room (const tl_picker *p); /* at most TL_PICKER_ROOM */
/* Read the text at `index`; raises when it is not JSON, with `what` before the place. The values
** are parts of the text. */
void tl_picker_read (lua_State *L, const tl_picker *p, int index, const char *what,
                     tl_json_value *values);
/* The value of address `i`: nothing is nil, null is json.null, objects and arrays are tables. */
void tl_picker_push (lua_State *L, const tl_picker *p, size_t i, const tl_json_value *v);

#endif

/* core/sandbox/picker.h — a set of addresses as a Lua object, for functions that pick values
** out of a JSON text: json.pick and tagline.uplink. */
#ifndef TL_SANDBOX_PICKER_H
#define TL_SANDBOX_PICKER_H

#include "sandbox/sandbox.h"

enum { TL_PICKER_MAX = 250, TL_PICKER_ROOM = 1024 }; /* addresses; values that a reading needs */

typedef struct {
  tl_json_set *set;
  size_t n;
  bool presence[TL_PICKER_MAX]; /* "?a.b": whether there is anything */
} tl_picker;

/* Compile the list of addresses at `index`. The picker is pushed, and the stack owns it.
** Raises for a wrong address. */
tl_picker *tl_picker_new (lua_State *L, int index);
size_t tl_picker_room (const tl_picker *p); /* at most TL_PICKER_ROOM */
/* Read the text at `index`. Raises if it is not JSON; `what` begins the message. The values
** are borrowed from the text. */
void tl_picker_read (lua_State *L, const tl_picker *p, int index, const char *what,
                     tl_json_value *values);
/* Push the value of address number `i`: no value is nil, null is json.null, objects and arrays
** are tables. */
void tl_picker_push (lua_State *L, const tl_picker *p, size_t i, const tl_json_value *v);

#endif

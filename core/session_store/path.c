/* core/session_store/path.c — the name of a store's file. */
#include "session_store/store_impl.h"

/* How many bytes of the Client ID go into the file's name. Names may have 255 bytes, and the
** line's name and the suffixes need room, too. */
enum { LONGEST = 120 };

static bool is_plain (uint8_t c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
         c == '_' || c == '.';
}

int tl_store_path (tl_buf *out, tl_slice folder, tl_slice line, tl_slice client_id) {
  tl_buf_slice(out, folder);
  if (folder.len > 0 && folder.at[folder.len - 1] != '/') tl_buf_byte(out, '/');
  tl_buf_slice(out, line);
  tl_buf_byte(out, '.');
  size_t from = out->len, i = 0;
  for (; i < client_id.len && out->len - from < LONGEST; i++) {
    if (is_plain(client_id.at[i]))
      tl_buf_byte(out, client_id.at[i]);
    else
      tl_buf_fmt(out, "%%%02X", client_id.at[i]);
    if (out->failed) return TL_ENOMEM;
  }
  if (i < client_id.len) tl_buf_fmt(out, "~%08x", (unsigned)tl_store_sum(0, 0, client_id));
  tl_buf_str(out, ".sqlite");
  return out->failed ? TL_ENOMEM : TL_OK;
}

/* core/checks/zone_file.c — finds the zone file that a name means. Must not know Lua. */
#include "checks/zone_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "files/read.h"

#define ZONE_FOLDER "/usr/share/zoneinfo/"

/* The largest real zone file has 4 KB; the limit keeps a wrong path from filling the memory. */
enum { ZONE_FILE_MAX = 1 << 20 };

static int read_zone (tl_zone **out, const char *name, const char *path, tl_err *err) {
  tl_buf bytes;
  tl_err why = { .text = "" };
  tl_buf_init(&bytes);
  int rc = tl_file_read(&bytes, path, ZONE_FILE_MAX, &why);
  if (rc == TL_OK)
    rc = tl_zone_tzif(out, tl_buf_bytes(&bytes), err);
  else if (rc == TL_ENOENT)
    tl_fail(err, rc, 0, "unknown time zone '%s' (there is no %s)", name, path);
  else if (rc == TL_ETYPE)
    rc = tl_fail(err, TL_ENOENT, 0, "unknown time zone '%s' (%s is not a file)", name, path);
  else if (rc == TL_ETOOBIG)
    tl_fail(err, rc, 0, "%s is too long for a time zone", path);
  else if (rc == TL_ENOMEM)
    tl_fail(err, rc, 0, "no memory for time zone '%s'", name);
  else
    rc = tl_fail(err, TL_ENOENT, 0, "time zone '%s': %s cannot be read (%s)", name, path, why.text);
  tl_buf_fini(&bytes);
  return rc;
}

/* Only the characters of zone names, because the name becomes part of a path. */
static bool name_is_safe (const char *name) {
  if (name[0] == '/' || name[0] == '\0' || strlen(name) > 200 || strstr(name, "..")) return false;
  for (const char *c = name; *c; c++) {
    bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
    if (!letter && !strchr("_+-/.", *c)) return false;
  }
  return true;
}

static int read_named (tl_zone **out, const char *name, tl_err *err) {
  char path[sizeof ZONE_FOLDER + 200];
  if (!name_is_safe(name))
    return tl_fail(err, TL_ESYNTAX, 0,
                   "expected \"UTC\", \"local\", an offset such as \"+01:00\" or an IANA name such "
                   "as \"Europe/Bratislava\", "
                   "got \"%s\"",
                   name);
  snprintf(path, sizeof path, "%s%s", ZONE_FOLDER, name);
  return read_zone(out, name, path, err);
}

static int read_local (tl_zone **out, tl_err *err) {
  const char *tz = getenv("TZ");
  if (!tz) {
    /* POSIX: without any setting it is UTC */
    if (access("/etc/localtime", F_OK) != 0) return tl_zone_fixed(out, 0);
    return read_zone(out, "local", "/etc/localtime", err);
  }
  if (*tz == ':') tz++;
  if (*tz == '\0' || strcmp(tz, "UTC") == 0) return tl_zone_fixed(out, 0);
  return *tz == '/' ? read_zone(out, tz, tz, err) : read_named(out, tz, err);
}

static int load (tl_zone **out, const char *name, tl_err *err) {
  int32_t seconds;
  if (strcmp(name, "UTC") == 0) return tl_zone_fixed(out, 0);
  if (strcmp(name, "local") == 0) return read_local(out, err);
  if (name[0] == '+' || name[0] == '-') {
    if (tl_zone_offset_parse(tl_slice_str(name), &seconds) != TL_OK)
      return tl_fail(err, TL_ESYNTAX, 0, "expected an offset such as \"+01:00\", got \"%s\"", name);
    return tl_zone_fixed(out, seconds);
  }
  return read_named(out, name, err);
}

int tl_zone_load (tl_zone **out, const char *name, tl_err *err) {
  int rc = load(out, name, err);
  if (rc == TL_OK) tl_zone_set_name(*out, tl_slice_str(name));
  return rc;
}

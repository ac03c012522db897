/* core/postgres/trouble.c — see trouble.h. SQLSTATEs are of PostgreSQL's appendix A. */
#include "postgres/trouble.h"

#include <stdio.h>

static bool is_class (const char *state, const char *class) {
  return state[0] == class[0] && state[1] == class[1];
}

bool tl_pg_is_data (const char *state) {
  /* data exception, integrity constraint, view's check, raised by a trigger, limit of a row */
  static const char *const classes[] = { "22", "23", "44", "P0", "54" };
  for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
    if (is_class(state, classes[i])) return true;
  return false;
}

bool tl_pg_is_race (const char *state) {
  /* duplicate schema, table, function, object; unique violation; deadlock */
  static const char *const states[] = { "42P06", "42P07", "42723", "42710", "23505", "40P01" };
  for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
    if (strcmp(state, states[i]) == 0) return true;
  return false;
}

typedef struct {
  const char *mark; /* a SQLSTATE, or a part of the text of a connection that failed */
  const char *remedy;
} remedy;

static const remedy by_state[] = {
  { "42501", "grant it: GRANT CREATE ON DATABASE … TO …; or make the schema's owner the user" },
  { "25006", "the server, or the user's session, is read-only: name the primary in `host`" },
  { "53100", "the server's disk is full" },
  { "53200", "the server has no memory" },
  { "53300", "raise max_connections, or close others" },
  { "55P03", "another session has locked a table for longer than 30 s" },
  { "42P07", "the schema has tables of others: give `schema` another name" },
  { "42P01", "a table of tagline is gone: restore it, or give `schema` another name" },
  { "57P01", "" },
};

static const remedy by_text[] = {
  { "password authentication failed", "correct `password` or the user" },
  { "no password supplied", "give password = credential \"NAME\"" },
  { "does not exist", "make it, or correct `postgres`" },
  { "no pg_hba.conf entry", "permit it in the server's pg_hba.conf" },
  { "session is read-only", "name the primary in `host`" },
  { "certificate verify failed",
    "give the CA that signed the server's certificate as sslrootcert" },
  { "does not match host name",
    "give `host` a name of the certificate; hostaddr may hold the address" },
  { "server does not support SSL", "set ssl = on at the server, or another sslmode" },
  { "SSL off", "give sslmode=verify-full and sslrootcert, or permit it in pg_hba.conf" },
  { "Connection refused", "start the server, or correct `postgres`" },
  { "could not translate host name", "correct the host, or look at the name server" },
  { "closed the connection unexpectedly", "is PostgreSQL there? correct `postgres`" },
  { "is starting up", "" },
  { "too many clients", "raise max_connections, or close others" },
  { "root certificate file", "give sslrootcert, or another sslmode" },
};

/* 42501: the right that is missing is one for the database where the schema is to be made, else one
** for what another role made. */
static const char *remedy_of (const char *state, const char *text) {
  if (strcmp(state, "42501") == 0 && !strstr(text, "for database"))
    return "schema and tables must belong to the user: ALTER SCHEMA … OWNER TO …, ALTER TABLE … "
           "OWNER TO …; or give `schema` another name";
  for (size_t i = 0; i < sizeof by_state / sizeof by_state[0]; i++)
    if (strcmp(by_state[i].mark, state) == 0) return by_state[i].remedy;
  for (size_t i = 0; state[0] == '\0' && i < sizeof by_text / sizeof by_text[0]; i++)
    if (strstr(text, by_text[i].mark)) return by_text[i].remedy;
  return "";
}

void tl_pg_explain (char *out, size_t size, const char *state, const char *text) {
  int len = (int)strcspn(text, "\r\n");
  const char *cure = remedy_of(state, text);
  snprintf(out, size, "%.*s%s%s", len, text, cure[0] != '\0' ? ": " : "", cure);
}

/* 'connection to server at "db" (10.0.0.5), port 5432 failed: FATAL:  …' loses what everybody
** knows. The line that the server answered counts more than one that says it was not there. */
void tl_pg_explain_connect (char *out, size_t size, const char *text) {
  static const char prefix[] = "connection to ", failed[] = " failed: ", fatal[] = "FATAL:  ";
  char line[300];
  const char *best = strstr(text, fatal);
  while (best && best > text && best[-1] != '\n') best--;
  if (!best) best = text;
  snprintf(line, sizeof line, "%.*s", (int)strcspn(best, "\r\n"), best);
  const char *at = strncmp(line, prefix, sizeof prefix - 1) == 0 ? line + sizeof prefix - 1 : line;
  const char *why = strstr(at, failed);
  if (!why) {
    tl_pg_explain(out, size, "", at);
    return;
  }
  const char *words = why + sizeof failed - 1;
  if (strncmp(words, fatal, sizeof fatal - 1) == 0) words += sizeof fatal - 1;
  const char *cure = remedy_of("", words);
  snprintf(out, size, "%.*s: %s%s%s", (int)(why - at), at, words, cure[0] != '\0' ? ": " : "",
           cure);
}

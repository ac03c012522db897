/* core/command/command.h — the commands of the program. Each takes its own words (argv[0] is
** the command) and returns the exit code: 0 done, 1 failed, 2 wrong usage. */
#ifndef TL_COMMAND_COMMAND_H
#define TL_COMMAND_COMMAND_H

int tl_command_run (int argc, char **argv);
int tl_command_check (int argc, char **argv);
int tl_command_explain (int argc, char **argv);
int tl_command_test (int argc, char **argv);
int tl_command_replay (int argc, char **argv);
int tl_command_history (int argc, char **argv);
int tl_command_repl (int argc, char **argv);
int tl_command_init (int argc, char **argv);
int tl_command_discover (int argc, char **argv);
int tl_command_status (int argc, char **argv);
int tl_command_help (int argc, char **argv);

#endif

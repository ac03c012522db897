# zsh_completion.zsh FOLDER LINE — what Tab offers behind LINE in an interactive zsh with the completions of FOLDER, one a line.
zmodload zsh/zpty
typed=$2
zpty shell zsh -f -i
zpty -w shell "PROMPT= PS2=; stty -echo; fpath=($1 \$fpath); autoload -Uz compinit; compinit -D -u"
zpty -w shell 'compadd() {
  case " ${(j: :)@[1,(i)--]} " in (*\ -[OAD]\ *) builtin compadd "$@"; return ;; esac
  typeset -a hits; builtin compadd -A hits "$@"; print -rl -- "<hit>"${^hits}"</hit>"; builtin compadd "$@" }
over() { print -r -- "<over/>"; exit }
comppostfuncs=(over); bindkey "^I" complete-word; print "<ready/>"'
zpty -r shell text '*<ready/>*'
zpty -w -n shell "$typed"$'\t'
all=
while zpty -r shell text; do all+=$text; [[ $text == *'<over/>'* ]] && break; done
print -r -- "$all" | grep -o '<hit>[^<]*</hit>' | sed 's/<[^>]*>//g'

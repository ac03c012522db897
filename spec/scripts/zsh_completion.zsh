# zsh_completion.zsh FOLDER LINE — what Tab offers behind LINE in an interactive zsh with the completions of FOLDER, one a line.
# The shell shows what is written to it, when it likes: so no mark stands there as it is printed.
zmodload zsh/zpty
typed=$2
zpty shell zsh -f -i
zpty -w shell "PROMPT= PS2=; stty -echo; fpath=($1 \$fpath); autoload -Uz compinit; compinit -D -u"
zpty -w shell 'compadd() {
  case " ${(j: :)@[1,(i)--]} " in (*\ -[OAD]\ *) builtin compadd "$@"; return ;; esac
  typeset -a hits; builtin compadd -A hits "$@"; print -rl -- "<h""it>"${^hits}"</h""it>"; builtin compadd "$@" }
over() { print -r -- "<ov""er/>"; exit }
zle-line-init() { print -r -- "<rea""dy/>" }
comppostfuncs=(over); bindkey "^I" complete-word; zle -N zle-line-init'
zpty -r shell text '*<ready/>*' # its editor has the terminal
zpty -w -n shell "$typed"$'\t'
all=
while [[ $all != *'<over/>'* ]]; do
  zpty -r shell text || { print -ru2 -- "zsh ended: $all"; exit 1 }
  all+=$text
done
print -r -- "$all" | grep -o '<hit>[^<]*</hit>' | sed 's/<[^>]*>//g'

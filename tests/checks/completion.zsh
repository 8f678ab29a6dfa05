# SPDX-License-Identifier: GPL-2.0-or-later
#
# completion.zsh FOLDER LINE...: completes each line in an interactive zsh that takes functions from FOLDER, and
# prints the line as it is then, or the candidates, sorted, if there are several that begin alike.
zmodload zsh/zpty
folder=$1
shift

# wait_for PATTERN: reads what the shell prints until the pattern comes
wait_for() {
	local seen
	zpty -r -m shell seen "*$1*" || { print -u2 "the shell has ended"; exit 1 }
	reply=$seen
}

zpty -b shell zsh -f -i
zpty -w shell "PS1= RPS1= TERM=dumb; unsetopt zle_bracketed_paste beep; fpath=($folder \$fpath)"
zpty -w shell 'autoload -Uz compinit && compinit -u -D'
zpty -w shell 'LISTMAX=10000; unsetopt list_beep auto_menu; setopt no_always_last_prompt'
# The candidates as they are added: what compadd would do, once more into an array.
zpty -w shell 'compadd() { local -a c; [[ ${@[(i)-[OAD]]} -le $# ]] || { builtin compadd -O c "$@"; found+=("${c[@]}") }; builtin compadd "$@" }'
zpty -w shell 'complete_and_show() { found=(); zle complete-word; local all="${(j: :)${(ou)found}}"; zle -I; print -r -- "<<$BUFFER|$all>>"; BUFFER= }'
zpty -w shell 'zle -N complete_and_show; bindkey "^I" complete_and_show; print -r -- rea""dy'
wait_for ready
for line; do
	zpty -w -n shell "$line"$'\t'
	wait_for '<<*>>'
	reply=${${reply#*<<}%>>*}
	print -r -- "$reply"
done
zpty -d shell

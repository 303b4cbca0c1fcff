# Completes actorctl in bash: commands, options, and the names of actors and topics, which the running broker is asked for.
# Installed where bash-completion finds it by itself; by hand: source deploy/completion/actorctl.bash

# The first column of what `actorctl ps` or `actorctl topics` prints, of the broker that the command line names.
_actorctl_names() {
  local i broker=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ ${COMP_WORDS[i]} != --broker ]] || broker=(--broker "${COMP_WORDS[i + 1]}")
  done
  timeout 2 actorctl "${broker[@]}" "$1" 2>/dev/null </dev/null | awk 'NR > 1 { print $1 }'
}

_actorctl() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
  local commands="ps top topics routes types topology tail send why deaths logs restart stop start reset kill dead-letters stalls reload check shutdown"
  COMPREPLY=()

  case $prev in
    --broker) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
    --actor | --as) mapfile -t COMPREPLY < <(compgen -W "$(_actorctl_names ps)" -- "$cur"); return ;;
    --format) mapfile -t COMPREPLY < <(compgen -W "text mermaid dot json" -- "$cur"); return ;;
    -s | --signal) mapfile -t COMPREPLY < <(compgen -W "KILL TERM INT HUP QUIT ABRT SEGV STOP CONT USR1 USR2" -- "$cur"); return ;;
    -n | --count | --lines | -i | --interval | --type) return ;;
  esac

  # The command, and how many words without a dash follow it up to here.
  local i command="" action="" words=0
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      --broker | --actor | --as | --format | -s | --signal | -n | --count | --lines | -i | --interval | --type) ((i++)) ;;
      -*) ;;
      *)
        if [ -z "$command" ]; then
          command=${COMP_WORDS[i]}
        else
          ((words++)) || action=${COMP_WORDS[i]}
        fi
        ;;
    esac
  done

  local options="--help --broker --json"
  case $command in
    "") options+=" --version" ;;
    top) options+=" --once --interval" ;;
    topology) options+=" --format" ;;
    tail) options+=" --actor --received --count" ;;
    send) options+=" --type --as" ;;
    logs) options+=" --follow --lines" ;;
    kill) options+=" --signal" ;;
    dead-letters)
      options+=" --actor"
      [[ $action != retry && $action != discard ]] || options+=" --all"
      ;;
  esac
  if [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
    return
  fi

  case $command:$words in
    :*) mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur") ;;
    why:0 | logs:0 | restart:0 | stop:0 | start:0 | reset:0 | kill:0)
      mapfile -t COMPREPLY < <(compgen -W "$(_actorctl_names ps)" -- "$cur")
      ;;
    tail:0 | send:0) mapfile -t COMPREPLY < <(compgen -W "$(_actorctl_names topics)" -- "$cur") ;;
    dead-letters:0) mapfile -t COMPREPLY < <(compgen -W "list retry discard" -- "$cur") ;;
    check:0) mapfile -t COMPREPLY < <(compgen -f -X '!*.toml' -- "$cur"; compgen -d -- "$cur") ;;
  esac
}

complete -F _actorctl actorctl

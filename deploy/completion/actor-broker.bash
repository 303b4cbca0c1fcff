# Completes actor-broker in bash: options, `check`, and manifests.
# Installed where bash-completion finds it by itself; by hand: source deploy/completion/actor-broker.bash

_actor_broker() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  case $prev in
    --log) mapfile -t COMPREPLY < <(compgen -W "text json" -- "$cur"); return ;;
    --for | --name) return ;;
    --runtime-dir | --state-dir) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
  esac
  if [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "--help --version --for --log --name --runtime-dir --state-dir" -- "$cur")
    return
  fi
  local words=""
  [ "$COMP_CWORD" != 1 ] || words=check
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur"; compgen -f -X '!*.toml' -- "$cur"; compgen -d -- "$cur")
}

complete -F _actor_broker actor-broker

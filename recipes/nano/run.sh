#!/bin/sh
# The whole recipe: world, base model, reinforcement learning with growing lengths, notes, merge, once more, scores.
#
#   recipes/nano/run.sh OUT [--seed N] [--smoke]
#
# Where it was stopped it goes on. Seeds share one base; --smoke makes few steps of each stage, to see that all run.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
usage() {
  echo "usage: $0 OUT [--seed N] [--smoke]" >&2
  exit 2
}
[ $# -gt 0 ] || usage
out=$1
shift
seed=0
smoke=
while [ $# -gt 0 ]; do
  case $1 in
    --seed) [ $# -gt 1 ] || usage; seed=$2; shift 2 ;;
    --smoke) smoke=--smoke; shift ;;
    *) usage ;;
  esac
done
python=${PYTHON:-python3}
"$python" "$here/prepare.py" "$out/recipe" --seed "$seed" $smoke
for runs in base "rl-$seed"; do
  "$python" -m longread train run "$out/recipe/$runs" --out "$out/$runs" --resume
done
"$python" "$here/evaluate.py" "$out/results.jsonl" "$out/base/4-settled/model" "$out/rl-$seed"/*/model $smoke
"$python" "$here/report.py" "$out/results.jsonl"

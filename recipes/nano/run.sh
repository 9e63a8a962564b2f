#!/bin/sh
# The whole recipe: world, base model, reinforcement learning with growing lengths, notes, merge, once more, scores.
#
#   recipes/nano/run.sh OUT [--seed N] [--smoke]
#
# Where it was stopped it goes on. Seeds share one base; --smoke makes few steps of each stage, to see that all run.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/options.sh"
"$python" "$here/prepare.py" "$out/recipe" --seed "$seed" $smoke
for runs in base "rl-$seed"; do
  "$python" -m longread train run "$out/recipe/$runs" --out "$out/$runs" --resume
done
"$python" "$here/evaluate.py" "$out/results.jsonl" "$out/base/5-settled/model" "$out/rl-$seed"/*/model $smoke
"$python" "$here/report.py" "$out/results.jsonl"

#!/bin/sh
# The whole recipe: world, base model, reinforcement learning with growing lengths, notes, merge, once more, scores.
#
#   recipes/nano/run.sh OUT [--seed N] [--kept-base] [--smoke]
#
# Where it was stopped it goes on. Seeds share one base; --kept-base takes the one in trained/, which saves an hour;
# --smoke makes few steps of each stage, to see that all run.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/options.sh"
"$python" "$here/prepare.py" "$out/recipe" --seed "$seed" $smoke
base=$out/base/7-settled/model
if [ -n "$kept" ] && [ ! -d "$base" ]; then
  mkdir -p "$(dirname "$base")"
  cp -r "$here/trained/base" "$base.part"
  mv "$base.part" "$base"
fi
[ -d "$base" ] || "$python" -m longread train run "$out/recipe/base" --out "$out/base" --resume
"$python" -m longread train run "$out/recipe/rl-$seed" --out "$out/rl-$seed" --resume
"$python" "$here/evaluate.py" "$out/results.jsonl" "$base" "$out/rl-$seed"/*/model $smoke
"$python" "$here/report.py" "$out/results.jsonl"

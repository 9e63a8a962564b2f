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
base=$out/base/6-settled/model
mark=$out/base/kept
if [ -n "$kept" ]; then
  [ -e "$mark" ] || [ ! -e "$out/base" ] || fail "$out has a base of its own; leave out --kept-base"
  if [ ! -e "$base" ]; then
    rm -rf "$out/base"
    mkdir -p "$(dirname "$base")"
    touch "$mark"
    cp -r "$here/trained/base" "$base.part"
    mv "$base.part" "$base"
  fi
else
  [ ! -e "$mark" ] || fail "$out began with the kept base; give --kept-base"
  "$python" -m longread train run "$out/recipe/base" --out "$out/base" --resume
fi
"$python" -m longread train run "$out/recipe/rl-$seed" --out "$out/rl-$seed" --resume
"$python" "$here/evaluate.py" "$out/results.jsonl" "$base" "$out/rl-$seed"/*/model $smoke
"$python" "$here/report.py" "$out/results.jsonl"

#!/bin/sh
# What the recipe is compared with: plain GRPO, rejection sampling, and its parts left out one by one. After run.sh.
#
#   recipes/nano/compare.sh OUT [--seed N] [--kept-base] [--smoke]
#
# The base is the one that run.sh left in OUT.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/options.sh"
"$python" "$here/prepare.py" "$out/recipe" --seed "$seed" $smoke
for runs in "naive-$seed" "resampled-$seed" "compared-$seed"; do
  "$python" -m longread train run "$out/recipe/$runs" --out "$out/$runs" --resume
done
"$python" "$here/evaluate.py" "$out/results.jsonl" "$out/naive-$seed/last/model" "$out/resampled-$seed/last/model" $smoke
"$python" "$here/evaluate.py" "$out/ablations.jsonl" "$out/base/6-settled/model" "$out/compared-$seed"/*/model \
  --table ablations $smoke
"$python" "$here/report.py" "$out/results.jsonl"
"$python" "$here/report.py" "$out/ablations.jsonl"
"$python" "$here/curves.py" "$out" "$out/curves.svg"

#!/bin/sh
# A recipe for a cluster: starts Ray, runs the stages that are not finished, stops Ray.
#
#   recipes/cluster.sh recipes/qwen3-4b OUT                          # one node
#   recipes/cluster.sh recipes/qwen3-30b-a3b OUT 10.0.0.1 4          # the same on each of four; the first is the head
#
# Under Slurm, slurm.sh does the latter. It ends whatever Ray runs on its nodes. OUT must be seen by all nodes.
set -eu
[ $# -eq 2 ] || [ $# -eq 4 ] || { echo "usage: $0 RECIPE OUT [HEAD NODES]" >&2; exit 2; }
exec ray symmetric-run --address "${3:-127.0.0.1}:6379" --min-nodes "${4:-1}" -- \
  "${PYTHON:-python3}" -m longread train run "$1" --out "$2" --resume

#!/bin/sh
#SBATCH --job-name=longread
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --exclusive
# cluster.sh on all nodes of a Slurm job; nodes and time are given to sbatch. From the root of the repository:
#
#   sbatch --nodes=4 --time=48:00:00 recipes/slurm.sh recipes/qwen3-30b-a3b OUT
set -eu
[ $# -eq 2 ] || { echo "usage: sbatch --nodes=N $0 RECIPE OUT" >&2; exit 2; }
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
exec srun recipes/cluster.sh "$1" "$2" "$head" "$SLURM_JOB_NUM_NODES"

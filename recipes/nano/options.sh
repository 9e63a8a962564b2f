# OUT [--seed N] [--smoke], as $out, $seed and $smoke; and which Python.
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

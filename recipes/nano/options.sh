# OUT [--seed N] [--kept-base] [--smoke], as $out, $seed, $kept and $smoke; and which Python.
fail() {
  echo "$1" >&2
  exit 2
}
usage() {
  fail "usage: $0 OUT [--seed N] [--kept-base] [--smoke]"
}
[ $# -gt 0 ] || usage
out=$1
shift
seed=0
kept=
smoke=
while [ $# -gt 0 ]; do
  case $1 in
    --seed) [ $# -gt 1 ] || usage; seed=$2; shift 2 ;;
    --kept-base) kept=yes; shift ;;
    --smoke) smoke=--smoke; shift ;;
    *) usage ;;
  esac
done
python=${PYTHON:-python3}

#!/usr/bin/env bash
# The proof that a clone works on a bare Debian 12: debootstrap (minbase) into a folder, clone the repository
# into it, run `./dev test` and `./dev demo` there by chroot. Needs root, debootstrap and git outside.
#
#   sudo test/bare/run.sh [--keep] [--dir DIR] [--ccache DIR] [VERB...]       default verbs: test demo
#
# MIRROR=URL overrides the mirror (default: the first one of this system's own sources). Certificates that this
# system trusts beyond Debian's (/usr/local/share/ca-certificates) and its proxy variables are handed in, for
# networks that need them. --keep leaves the folder (a second run in it starts from what is there). --ccache hands in a
# compiler cache: the same compiler and the same sources give the same objects, in minutes.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
keep=0 dir='' cache='' verbs=()
while (($#)); do
  case $1 in
    --keep) keep=1 ;;
    --dir) dir=${2:?"--dir needs a folder"}; shift ;;
    --ccache) cache=${2:?"--ccache needs a folder"}; shift ;;
    -*) echo "usage: $0 [--keep] [--dir DIR] [--ccache DIR] [VERB...]" >&2; exit 2 ;;
    *) verbs+=("$1") ;;
  esac
  shift
done
((${#verbs[@]})) || verbs=(test demo)
((EUID == 0)) || { echo "$0: chroot needs root" >&2; exit 2; }
for tool in debootstrap git; do
  command -v "$tool" >/dev/null || { echo "$0: '$tool' is not installed (apt-get install $tool)" >&2; exit 2; }
done

sources=()
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
  if [[ $file == *.list || $file == *debian.sources ]] && [[ -r $file ]]; then sources+=("$file"); fi
done
mirror=${MIRROR:-}
if [[ ! $mirror ]] && ((${#sources[@]})); then
  mirror=$(sed -nE 's/^URIs: *([^ ]+).*/\1/p; s/^deb +(\[[^]]*\] +)?([^ ]+) .*/\2/p' "${sources[@]}" | sed -n 1p)
fi
[[ $mirror ]] || { echo "$0: no mirror found in /etc/apt; give MIRROR=URL" >&2; exit 2; }
[[ $dir ]] || dir=$(mktemp -d "${TMPDIR:-/var/tmp}/fairing-bare.XXXXXX")
mkdir -p "$dir"
root=$dir/root

mounted=()
leave() {
  local i
  for ((i = ${#mounted[@]} - 1; i >= 0; i--)); do umount -l "${mounted[i]}" || true; done
  if ((keep)); then echo "left in $root" >&2; else rm -rf --one-file-system "$root"; rmdir --ignore-fail-on-non-empty "$dir"; fi
}
trap leave EXIT

if [[ ! -e $root/etc/debian_version ]]; then
  debootstrap --variant=minbase bookworm "$root" "$mirror"
fi
cp /etc/resolv.conf "$root/etc/resolv.conf"
if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
  mkdir -p "$root/usr/local/share/ca-certificates"
  cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/"
fi
for point in proc dev; do
  if mountpoint -q "$root/$point"; then continue; fi
  mkdir -p "$root/$point"
  if [[ $point == proc ]]; then mount -t proc proc "$root/proc"; else mount --rbind /dev "$root/dev"; fi
  mounted+=("$root/$point")
done
if ((${#mounted[@]} > 1)); then mount --make-rslave "$root/dev"; fi
if [[ $cache ]]; then
  mkdir -p "$root/root/.cache/ccache"
  mount --bind "$cache" "$root/root/.cache/ccache"
  mounted+=("$root/root/.cache/ccache")
fi

rm -rf "$root/src/fairing"
git -c safe.directory='*' clone --quiet --no-local "file://$repository" "$root/src/fairing"

environment=(PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb)
for name in http_proxy https_proxy no_proxy JOBS; do
  if [[ ${!name:-} ]]; then environment+=("$name=${!name}"); fi
done
# Node has its own list of certificates: point it at the system's, which ca-certificates makes of both.
environment+=(NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt)
for verb in "${verbs[@]}"; do
  echo "== bare Debian 12: ./dev $verb" >&2
  chroot "$root" /usr/bin/env -i "${environment[@]}" /src/fairing/dev "$verb" </dev/null
done
echo "bare Debian 12: ${verbs[*]} passed" >&2

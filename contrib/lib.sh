# shellcheck shell=bash
# SPDX-License-Identifier: AGPL-3.0-or-later
# Shared by contrib/demo and contrib/check: say what is done, install packages, build. Sourced by bash
# with SOURCE set to the top of the source tree.

say() { printf '== %s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Run a command as root.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		command -v sudo >/dev/null || die "this needs root, and there is no sudo: run it as root"
		sudo -- "$@"
	fi
}

# Packages of the groups named that are not installed (contrib/packages).
missing_packages() {
	local group package
	for group in "$@"; do
		sed -n "s/^$group //p" "$SOURCE/contrib/packages"
	done | tr ' ' '\n' | sort -u | while read -r package; do
		case "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" in
		installed*) ;;
		*) printf '%s ' "$package" ;;
		esac
	done
}

# install_packages LOG GROUP...: what is missing and nothing else, asking nobody anything.
install_packages() {
	local log=$1 missing unit
	shift
	missing=$(missing_packages "$@")
	if [ -z "$missing" ]; then
		say "All Debian packages that are needed are there."
		return
	fi
	say "Installing Debian packages: $missing"
	# shellcheck disable=SC2086
	{ as_root apt-get update -q &&
	  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
	} >"$log" 2>&1 </dev/null || { tail -n 20 "$log" >&2; die "apt-get failed, see $log"; }
	# Debian starts what it installs; here osmo-bsc and osmo-bts are only wanted in a namespace.
	[ -d /run/systemd/system ] || return 0
	for unit in osmo-bsc osmo-bts-virtual; do
		case " $missing" in
		*" ${unit%-virtual} "*) as_root systemctl disable --now --quiet "$unit" 2>/dev/null || true ;;
		esac
	done
}

# build FOLDER LOG [configure option...]: out of tree, only what changed.
build() {
	local folder=$1 log=$2
	shift 2
	mkdir -p "$folder"
	: >"$log"
	# Two runs at once on one checkout wait for each other.
	exec 9<"$SOURCE"
	flock 9
	if [ ! -x "$SOURCE/configure" ]; then
		say "Generating configure (autoreconf -fi)"
		(cd "$SOURCE" && autoreconf -fi) >>"$log" 2>&1 || build_failed autoreconf "$log"
	fi
	if [ ! -f "$folder/Makefile" ]; then
		say "Configuring in $folder"
		(cd "$folder" && "$SOURCE/configure" -q "$@") >>"$log" 2>&1 || build_failed configure "$log"
	fi
	say "Building in $folder (make -j2)"
	make -C "$folder" -s -j2 >>"$log" 2>&1 </dev/null || build_failed make "$log"
	exec 9<&-
}

build_failed() {
	tail -n 30 "$2" >&2
	die "$1 failed, see $2"
}

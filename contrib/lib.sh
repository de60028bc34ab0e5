# shellcheck shell=bash
# SPDX-License-Identifier: AGPL-3.0-or-later
# Shared by contrib/demo and contrib/check: say what is done, install packages, build. Sourced by bash
# with SOURCE set to the top of the source tree.

# Where iptables is; "su" without "-" leaves it out.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
# Another apt at work, as in the first minutes of a machine, is waited for that long.
APT_WAIT_S=300

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

# Say why network namespaces cannot be made here, or nothing.
namespaces_missing() {
	local reason
	if ! reason=$(as_root true 2>&1); then
		echo "network namespaces need root (${reason//$'\n'/; })"
	elif ! reason=$(as_root unshare --net --mount true 2>&1); then
		echo "this machine allows no network namespaces, as most containers do not (${reason//$'\n'/; })"
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

# apt-get that asks nobody anything.
apt_get() {
	as_root env LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		-o DPkg::Lock::Timeout="$APT_WAIT_S" -o Dpkg::Options::=--force-confold "$@" </dev/null
}

# Whether lists that could not be had are needed shows when installing.
update_lists() {
	local log=$1 deadline=$((SECONDS + APT_WAIT_S))
	# DPkg::Lock::Timeout is not for the lock of the lists.
	until apt_get update >"$log" 2>&1; do
		grep -q 'Could not get lock' "$log" && [ "$SECONDS" -lt "$deadline" ] || return 0
		sleep 2
	done
}

# install_packages LOG GROUP...: what is missing and nothing else. None of these packages starts or
# enables a service of its own.
install_packages() {
	local log=$1 missing
	shift
	missing=$(missing_packages "$@")
	if [ -z "$missing" ]; then
		say "All Debian packages that are needed are there."
		return
	fi
	say "Installing Debian packages: $missing"
	update_lists "$log"
	# shellcheck disable=SC2086
	apt_get install --no-install-recommends $missing >>"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		die "apt-get failed, see $log"
	}
}

# install_smpp FOLDER LOG: the package of npm that contrib/lab/smsc.js stands on, into FOLDER.
install_smpp() {
	local folder=$1 log=$2
	[ ! -d "$folder/node_modules/smpp" ] || return 0
	command -v npm >/dev/null || install_packages "$log" npm
	say "Installing smpp of npm in $folder"
	npm install --no-save --no-audit --no-fund --prefix "$folder" smpp@0.5.1 >"$log" 2>&1 </dev/null ||
		{ tail -n 5 "$log" >&2; say "npm failed (see $log): the tests with a foreign message centre are skipped."; }
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

#!/bin/sh
# Builds the tools.
#
#   tools/build.sh                 rebuild tools/wasm/*.wasm
#   tools/build.sh --check         rebuild in a temporary folder and compare bit for bit
#   tools/build.sh --only NAME     rebuild one module
#   tools/build.sh --sums          write wasm/SHA256SUMS only, as the above do
#   tools/build.sh --native DIR    native programs DIR/MODULE by $CC (default cc), with $CFLAGS; for tests
#   tools/build.sh --probe         exit 0 when this host has the pinned compiler
#
# A module is src/NAME.mod: lines "tool function source", the source relative to src/. Functions are FUNCTION_main with
# a text FUNCTION_help. A line "- - source" adds a source without a tool; a line "#quick" says that all its tools run
# shortly. Everything in src/lib is linked where used.
# The wasm compiler is pinned (clang and lld of LLVM 14 with Debian 12's wasi-libc), so that the output is reproducible.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
LC_ALL=C
export LC_ALL

CLANG=${CLANG:-clang-14}
WASM_LD=${WASM_LD:-wasm-ld-14}
SYSROOT_LIB=${WASI_LIB:-/usr/lib/wasm32-wasi}
WASMFLAGS="--target=wasm32-wasi -Oz -g0 -std=gnu11 -D_GNU_SOURCE -fno-ident -fdata-sections -ffunction-sections
  -fno-strict-aliasing -fno-exceptions -mno-atomics -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers
  -Werror=implicit-function-declaration -Werror=incompatible-pointer-types -Werror=int-conversion"
NATIVEFLAGS="-std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers"

table() { # MODULE: C source of its applet table
	awk '
		BEGIN { print "#include \"tool.h\"" }
		/^#/ || NF == 0 || $1 == "-" { next }
		{ n++; name[n] = $1; fn[n] = $2
		  if (!($2 in seen)) { seen[$2] = 1; print "int " $2 "_main(int, char **);\nextern const char " $2 "_help[];" } }
		END {
			print "const struct applet applets[] = {"
			for (i = 1; i <= n; i++) print "\t{\"" name[i] "\", " fn[i] "_main, " fn[i] "_help},"
			print "\t{0, 0, 0}};"
		}' "$here/src/$1.mod"
}

sources() { awk '!/^#/ && NF == 3 { print $3 }' "$here/src/$1.mod" | sort -u; }

modules() { for m in "$here"/src/*.mod; do basename "$m" .mod; done; }

probe() {
	"$CLANG" --version 2>/dev/null | grep -q 'clang version 14\.' || { echo "no clang 14" >&2; return 1; }
	"$WASM_LD" --version 2>/dev/null | grep -q 'LLD 14\.' || { echo "no wasm-ld 14" >&2; return 1; }
	[ -f "$SYSROOT_LIB/libc.a" ] || { echo "no wasi-libc" >&2; return 1; }
	rt=$("$CLANG" --target=wasm32-wasi -print-file-name=lib/wasi/libclang_rt.builtins-wasm32.a)
	[ -f "$rt" ] || { echo "no compiler-rt for wasm32" >&2; return 1; }
}

object() { # SOURCE OBJECT, run in the folder src so that no path gets in
	"$CLANG" $WASMFLAGS -I../include -c "$1" -o "$2"
}

build_wasm() { # MODULE OUTPUT
	tmp=$(mktemp -d)
	table "$1" >"$tmp/table.c"
	cd "$here/src"
	objs=
	for s in $(sources "$1") lib/*.c; do
		o=$tmp/$(echo "$s" | tr / _).o
		object "$s" "$o"
		objs="$objs $o"
	done
	(cd "$tmp" && "$CLANG" $WASMFLAGS -I"$here/include" -c table.c -o table.o)
	rt=$("$CLANG" --target=wasm32-wasi -print-file-name=lib/wasi/libclang_rt.builtins-wasm32.a)
	"$WASM_LD" --gc-sections --strip-all --stack-first -z stack-size=262144 -O2 --no-demangle --fatal-warnings \
		--initial-memory=1048576 -o "$2" "$SYSROOT_LIB/crt1-command.o" "$tmp/table.o" $objs \
		-L"$SYSROOT_LIB" -lm -lc "$rt"
	# A line "#quick" in the .mod file: the engine is told to interpret the module at first, by a custom section.
	! grep -q '^#quick$' "$here/src/$1.mod" || printf '\000\012\011sbx.quick' >>"$2"
	chmod 644 "$2"
	cd "$here"
	rm -rf "$tmp"
}

sums() { (cd "$here" && sha256sum src/*.mod wasm/*.wasm); } # what tells versions of the tools apart

build_native() { # MODULE OUTPUT
	tmp=$(mktemp -d)
	table "$1" >"$tmp/table.c"
	(cd "$here/src" && ${CC:-cc} $NATIVEFLAGS ${CFLAGS:--O1 -g} -I../include -o "$2" "$tmp/table.c" $(sources "$1") lib/*.c -lm)
	rm -rf "$tmp"
}

case ${1:-} in
--probe) probe ;;
--native)
	mkdir -p "$2"
	out=$(cd "$2" && pwd)
	for m in ${3:-$(modules)}; do build_native "$m" "$out/$m"; done
	;;
--check)
	probe
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	for m in $(modules); do
		build_wasm "$m" "$dir/$m.wasm"
		cmp "$dir/$m.wasm" "$here/wasm/$m.wasm" || { echo "tools/wasm/$m.wasm is not what its sources build to" >&2; exit 1; }
	done
	sums | cmp - "$here/wasm/SHA256SUMS" || { echo "tools/wasm/SHA256SUMS is not true: tools/build.sh --sums" >&2; exit 1; }
	;;
--only)
	probe
	mkdir -p "$here/wasm"
	build_wasm "$2" "$here/wasm/$2.wasm"
	sums >"$here/wasm/SHA256SUMS"
	;;
--sums) sums >"$here/wasm/SHA256SUMS" ;;
"")
	probe
	mkdir -p "$here/wasm"
	for m in $(modules); do
		build_wasm "$m" "$here/wasm/$m.wasm"
		echo "$m $(wc -c <"$here/wasm/$m.wasm") bytes"
	done
	sums >"$here/wasm/SHA256SUMS"
	;;
*)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
	exit 2
	;;
esac

#!/usr/bin/env bash
# What pulling costs: `sbx pull` (verify, decompress, lay out, index) against what a user would use to get the same
# image: crane export (the merged tree as a tar), skopeo copy (blobs only), skopeo copy + umoci unpack (files on disk).
# All pull from the same loopback registry. Usage: SBX_TEST_IMAGES=DIR bench/pull.sh [IMAGE] [RUNS]
. "$(dirname "$0")/lib.sh"
image=${1:-debian:12}
runs=${2:-5}
registry
machine
version=$(cd "$here/.." && go list -m -f '{{.Version}}' github.com/google/go-containerregistry)
GOBIN=$tmp go install "github.com/google/go-containerregistry/cmd/crane@$version"

echo "pull of $image"
"$pair" -n "$runs" -before "rm -rf $tmp/home $tmp/oci $tmp/bundle" \
	"crane-export=$tmp/crane export --insecure $address/library/$image $tmp/tree.tar" \
	"sbx-pull=$sbx pull -q $image" \
	"skopeo-copy=skopeo copy -q --insecure-policy --src-tls-verify=false docker://$address/library/$image oci:$tmp/oci:x" \
	"skopeo+umoci=skopeo copy -q --insecure-policy --src-tls-verify=false docker://$address/library/$image oci:$tmp/oci:x >/dev/null && umoci unpack --rootless --image $tmp/oci:x $tmp/bundle >/dev/null"

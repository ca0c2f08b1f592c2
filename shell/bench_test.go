package shell

import "testing"

func benchScript(b *testing.B, shell, script string) {
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		w := newWorld(b)
		b.StartTimer()
		if r := w.run("", shell, "-c", script); r.status != 0 {
			b.Fatal(r)
		}
	}
}

func BenchmarkLoop100k(b *testing.B) {
	benchScript(b, "bash", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done")
}

func BenchmarkForArith100k(b *testing.B) {
	benchScript(b, "bash", "for ((i=0; i<100000; i++)); do :; done")
}

func BenchmarkPipeline(b *testing.B) {
	benchScript(b, "sh", "i=0; while [ $i -lt 200 ]; do echo $i | { read x; echo $x; } | { read y; }; i=$((i+1)); done")
}

func BenchmarkCommandSubstitution(b *testing.B) {
	benchScript(b, "sh", "i=0; while [ $i -lt 1000 ]; do x=$(echo $i); i=$((i+1)); done")
}

func BenchmarkExternal(b *testing.B) {
	benchScript(b, "sh", "i=0; while [ $i -lt 200 ]; do /bin/true; i=$((i+1)); done")
}

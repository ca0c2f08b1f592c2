# Go's own tools from Debian: a module with tests, the race detector of cgo, vet, a server, plugins of assembly and C.
export GOFLAGS=-mod=mod GOPROXY=off GOCACHE=/work/cache GOPATH=/work/path GOTOOLCHAIN=local; go env GOOS GOARCH; mkdir m; cd m; go mod init example.test/m 2> /dev/null; mkdir sub; printf 'package sub\n\n// Twice doubles.\nfunc Twice(n int) int { return 2 * n }\n' > sub/sub.go; printf 'package sub\n\nimport "testing"\n\nfunc TestTwice(t *testing.T) {\n\tif Twice(2) != 4 {\n\t\tt.Fatal("no")\n\t}\n}\n\nfunc TestFails(t *testing.T) { t.Error("on purpose") }\n\nfunc BenchmarkTwice(b *testing.B) {\n\tfor i := 0; i < b.N; i++ {\n\t\tTwice(i)\n\t}\n}\n' > sub/sub_test.go
cat > main.go <<'END'
package main

// #include <stdlib.h>
// static int add(int a, int b) { return a + b; }
import "C"
import (
	"crypto/sha256"
	"example.test/m/sub"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"sort"
	"sync"
	"syscall"
	"time"
)

func main() {
	fmt.Println(sub.Twice(21), C.add(40, 2), fmt.Sprintf("%x", sha256.Sum256([]byte("x")))[:16])
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Path) }))
	var wg sync.WaitGroup
	var mu sync.Mutex
	var got []string
	for i := 0; i < 30; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			r, err := http.Get(fmt.Sprintf("http://%s/%02d", l.Addr(), i))
			if err != nil {
				panic(err)
			}
			b, _ := io.ReadAll(r.Body)
			r.Body.Close()
			mu.Lock()
			got = append(got, string(b))
			mu.Unlock()
		}(i)
	}
	wg.Wait()
	sort.Strings(got)
	fmt.Println(len(got), got[29])
	out, err := exec.Command("sh", "-c", "echo out; exit 3").Output()
	fmt.Printf("%q %v\n", out, err)
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	fmt.Println(<-c)
	func() { defer func() { fmt.Println(recover()) }(); var p *int; *p = 1 }()
	select {
	case <-time.After(20 * time.Millisecond):
		fmt.Println("later")
	}
	if len(os.Args) > 1 {
		n := 0
		done := make(chan bool)
		go func() { n++; done <- true }()
		n++
		<-done
	}
	os.Exit(5)
}
END
go build -o app . ; echo build $?; ./app; echo $?; CGO_ENABLED=1 go build -o static -ldflags '-extldflags -static -s -w' . 2> /dev/null; ./static | md5sum; ./app | md5sum; go vet ./...; echo vet $?; gofmt -l .; go test ./sub 2>&1 | sed 's/([0-9.]*s)//; s/[0-9.]*s$//' ; go test -run xxx -bench . -benchtime 100x ./sub 2>&1 | grep -c ^Benchmark; go doc ./sub Twice | tail -n 2; go list ./...; go get example.test/nothing 2>&1 | grep -o 'disabled by GOPROXY=off' | head -n 1; cd ..; chmod -R u+w path 2> /dev/null; rm -rf m cache path

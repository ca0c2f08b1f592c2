// Command httpd serves files and a counter on loopback, asks itself, and ends on SIGTERM as a server should.
package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() error {
	var count atomic.Int64
	mux := http.NewServeMux()
	mux.Handle("/files/", http.StripPrefix("/files/", http.FileServer(http.Dir("/usr/share/common-licenses"))))
	mux.HandleFunc("/count", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, count.Add(1)) })
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Write(b)
	})
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { var p *int; *p = 1 })
	l, err := net.Listen("tcp", "127.0.0.1:8080")
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: mux}
	fmt.Println(runtime.GOOS, runtime.GOARCH, l.Addr())
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	if err := ask(&count); err != nil {
		return err
	}
	if err := os.WriteFile("ready", []byte("ready\n"), 0o644); err != nil {
		return err
	}
	<-stop.Done()
	ctx, end := context.WithTimeout(context.Background(), 20*time.Second)
	defer end()
	fmt.Println("shutdown:", srv.Shutdown(ctx), <-done)
	return nil
}

// ask puts two hundred requests at the same time.
func ask(count *atomic.Int64) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var bad []string
	for i := range 200 {
		wg.Go(func() {
			text := strings.Repeat(fmt.Sprintf("request %d\n", i), 1000)
			for _, check := range []func() error{
				func() error { return get("/count", "") },
				func() error { return get("/echo", text) },
			} {
				if err := check(); err != nil {
					mu.Lock()
					bad = append(bad, err.Error())
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	sort.Strings(bad)
	fmt.Println("count", count.Load(), "bad", bad)
	resp, err := http.Get("http://127.0.0.1:8080/files/GPL-3")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, resp.Body)
	fmt.Printf("%s %d %x %v\n", resp.Status, n, sum.Sum(nil), err)
	return nil
}

func get(path, body string) error {
	resp, err := http.Post("http://127.0.0.1:8080"+path, "text/plain", strings.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && body != "" && string(b) != body {
		err = fmt.Errorf("%s: %d bytes came back of %d", path, len(b), len(body))
	}
	return err
}

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sbxrun/sbx/internal/testimage"
)

// serverPackages are what the tests of this file install.
const serverPackages = "openssh-server openssh-client curl nginx openssl supervisor s6 execline procps"

// prepareServers makes keys and configurations in the image of servers.
const prepareServers = `set -e
touch /var/log/lastlog; mkdir -p /run/sshd /root/.ssh /services/web/log; chmod 700 /root/.ssh
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519; cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
printf 'StrictHostKeyChecking no\nLogLevel ERROR\n' > /root/.ssh/config
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /root/key.pem -out /root/cert.pem -subj /CN=srv -addext subjectAltName=DNS:srv -days 30 2> /dev/null
cat > /etc/nginx/conf.d/test.conf <<'END'
server { listen 8000; listen 8443 ssl; ssl_certificate /root/cert.pem; ssl_certificate_key /root/key.pem; root /usr/share; dav_methods PUT; client_body_temp_path /tmp/body; }
server { listen 8001; location / { return 200 "$remote_addr asked\n"; } }
END
cat > /root/serve <<'END'
#!/bin/sh
nginx
exec /usr/sbin/sshd -D -e
END
cat > /etc/supervisor/conf.d/test.conf <<'END'
[program:loop]
command=bash -c 'trap "echo stopped; exit 0" TERM; echo begun; (sleep 0.1 & exec true); while :; do sleep 0.1; done'
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=0
startsecs=0
[program:web]
command=nginx -g 'daemon off;'
END
printf '#!/bin/sh\necho begun\nexec sleep 1000\n' > /services/web/run
printf '#!/bin/sh\necho "finished $1 $2" > /proc/1/fd/1\n' > /services/web/finish
printf '#!/bin/sh\nexec s6-log 1\n' > /services/web/log/run
chmod 755 /root/serve /services/web/run /services/web/finish /services/web/log/run
`

// newServers is a home with an image "servers" that has servers in it.
func newServers(t *testing.T) *world {
	t.Helper()
	if os.Getenv(longVariable) == "" {
		t.Skipf("installs servers: %s asks for it", longVariable)
	}
	w := newRealWorld(t)
	install := strings.NewReplacer("MIRROR", testimage.Mirror(t), "SUITE", "bookworm", "PACKAGES", serverPackages).Replace(installSome)
	out, err := w.run("run", "--name", "made", "debian:12", "bash", "-c", install)
	if err != nil || !strings.HasPrefix(out, "update 0\ninstall 0") {
		t.Skipf("not installed: %v: %s", err, out)
	}
	w.must("commit", "made", "prepared")
	w.must("rm", "made")
	w.must("run", "--name", "made", "prepared", "bash", "-c", prepareServers)
	w.must("commit", "made", "servers")
	w.must("rm", "made")
	return w
}

// until waits until a command in a container succeeds.
func (w *world) until(container, script string) {
	w.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		out, err := w.run("exec", container, "bash", "-c", script)
		if err == nil {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("%s: %s: %v: %s\n%s", container, script, err, out, w.must("logs", container))
		}
	}
}

// TestServersOnANetwork has curl and ssh of one container ask nginx and sshd of another, on a network of their own.
func TestServersOnANetwork(t *testing.T) {
	w := newServers(t)
	w.must("network", "create", "--subnet", "10.125.0.0/24", "lan")
	w.must("run", "-d", "--name", "srv", "--network", "lan", "--ip", "10.125.0.9", "servers", "/root/serve")
	w.until("srv", ": < /dev/tcp/127.0.0.1/22 && : < /dev/tcp/127.0.0.1/8443")
	w.must("run", "-d", "--name", "client", "--network", "lan", "--ip", "10.125.0.10", "servers", "sleep", "1000")
	sum := w.must("run", "--rm", "servers", "sha256sum", "/usr/bin/perl")
	sum = strings.Fields(sum)[0]
	for _, c := range []struct{ script, want string }{
		{"curl -s http://srv:8001/", "10.125.0.10 asked"},
		{"curl -s http://10.125.0.9:8001/", "10.125.0.10 asked"},
		{"curl -s http://srv:8000/common-licenses/GPL-3 | cmp - /usr/share/common-licenses/GPL-3 && echo same", "same"},
		{"curl -s --cacert /root/cert.pem https://srv:8443/common-licenses/GPL-3 | cmp - /usr/share/common-licenses/GPL-3 && echo same", "same"},
		{"curl -s -o /dev/null -w '%{http_code}' http://srv:8000/nothing", "404"},
		{"curl -s --http1.1 http://srv:8001/ http://srv:8001/ -w '%{num_connects} '", "10.125.0.10 asked\n1 10.125.0.10 asked\n0"},
		{"curl -s http://srv:81/; echo $?", "7"},
		{"curl -s http://nobody/; echo $?", "6"},
		{`for i in $(seq 20); do curl -s http://srv:8000/common-licenses/GPL-3 | md5sum > /tmp/got$i & done; wait; cat /tmp/got* | sort -u | wc -l`, "1"},
		{"ssh srv 'hostname -i; exit 7'; echo $?", "10.125.0.9\n7"},
		{"ssh srv 'echo $SSH_CONNECTION | cut -d \" \" -f 1,3,4'", "10.125.0.10 10.125.0.9 22"},
		{"ssh srv cat /usr/bin/perl | sha256sum", sum + "  -"},
		{"ssh srv sha256sum < /usr/bin/perl", sum + "  -"},
		{"ssh -tt srv 'tty | cut -c 1-9' < /dev/null | tr -d '\\r'", "/dev/pts/"},
		{"scp -q /usr/bin/perl srv:/tmp/there; scp -q srv:/tmp/there /tmp/back; sha256sum < /tmp/back", sum + "  -"},
		{`printf 'put /usr/bin/perl /tmp/up\nls -1 /tmp/up\n' | sftp -q -b - srv | grep -v '^sftp>'; ssh srv 'sha256sum < /tmp/up'`, "/tmp/up\n" + sum + "  -"},
		{"ssh -f -L 9000:localhost:8001 srv sleep 5; curl -s http://localhost:9000/", "127.0.0.1 asked"},
		{"nginx; ssh -R 9001:localhost:8001 srv 'curl -s http://localhost:9001/'; nginx -s stop 2> /dev/null", "127.0.0.1 asked"},
		{`printf 'GET / HTTP/1.0\r\n\r\n' | ssh -W localhost:8001 srv | tail -n 1`, "127.0.0.1 asked"},
	} {
		out, err := w.run("exec", "client", "bash", "-c", c.script)
		if out != c.want {
			t.Errorf("%s\n%q, %v; want %q", c.script, out, err, c.want)
		}
	}
	w.must("stop", "-t", "5", "srv")
	if out, _ := w.run("exec", "client", "curl", "-s", "-m", "20", "http://10.125.0.9:8001/", "-w", "%{exitcode}"); out != "0007" && out != "7" {
		t.Errorf("of a server that is gone: %q", out)
	}
}

// TestSupervisorsAsProcessOne has supervisord and s6 be process 1 of detached containers: they start, restart, reap and end what they have.
func TestSupervisorsAsProcessOne(t *testing.T) {
	w := newServers(t)
	zombies := "! ps -A -o stat= | grep -q ^Z"
	t.Run("supervisord", func(t *testing.T) {
		w := &world{t, w.command, w.env}
		w.must("run", "-d", "--name", "sup", "servers", "supervisord", "-n", "-c", "/etc/supervisor/supervisord.conf")
		w.until("sup", "[ $(cat /proc/1/comm) = supervisord ] && [ $(supervisorctl status | grep -c RUNNING) = 2 ] && curl -s http://localhost:8001/")
		w.must("exec", "sup", "bash", "-c", "kill -9 $(supervisorctl pid loop)")
		w.until("sup", "[ $(supervisorctl status | grep -c RUNNING) = 2 ]")
		w.until("sup", zombies)
		w.must("stop", "-t", "60", "sup")
		if got := w.must("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "sup"); got != "exited 0" {
			t.Errorf("stopped: %s", got)
		}
		log := w.must("logs", "sup")
		for _, c := range []struct {
			text string
			n    int
		}{{"begun", 2}, {"exited: loop (terminated by SIGKILL; not expected)", 1}, {"received SIGTERM indicating exit request", 1}, {"stopped: loop (exit status 0)", 1}, {"stopped: web (exit status 0)", 1}} {
			if strings.Count(log, c.text) != c.n {
				t.Errorf("%q is %d times in its log, want %d: %s", c.text, strings.Count(log, c.text), c.n, log)
			}
		}
	})
	t.Run("s6", func(t *testing.T) {
		w := &world{t, w.command, w.env}
		w.must("run", "-d", "--name", "s6", "servers", "s6-svscan", "/services")
		w.until("s6", "[ $(cat /proc/1/comm) = s6-svscan ] && s6-svwait -u -t 10000 /services/web")
		w.must("exec", "s6", "bash", "-c", "kill -9 $(s6-svstat -o pid /services/web)")
		w.until("s6", "s6-svwait -u -t 10000 /services/web && [ $(s6-svstat -o pid /services/web) -gt 1 ]")
		w.must("exec", "s6", "bash", "-c", "(sleep 0.1 & exec true)") // whose parent is gone is process 1's
		w.until("s6", zombies)
		w.must("stop", "-t", "60", "s6")
		if got := w.must("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "s6"); got != "exited 0" {
			t.Errorf("stopped: %s", got)
		}
		log := w.must("logs", "s6")
		for _, text := range []string{"begun\n", "finished 256 9", "finished 256 15"} {
			if !strings.Contains(log, text) {
				t.Errorf("%q is not in its log: %s", text, log)
			}
		}
	})
}

// TestOtherProcessors has programs for other processors be refused as a machine that can't run them does, by whoever starts them.
func TestOtherProcessors(t *testing.T) {
	w := newRealWorld(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n\nfunc main() { println(\"here\") }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{"386", "arm64", "amd64"} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, arch), filepath.Join(dir, "main.go"))
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", arch, err, out)
		}
	}
	if out, err := w.run("run", "--rm", "-v", dir+":/p:ro", "debian:12", "/p/amd64"); err != nil || out != "here" {
		t.Fatalf("for this processor: %v: %s", err, out)
	}
	for _, arch := range []string{"386", "arm64"} {
		for _, c := range []struct {
			args []string
			want string
			code int
		}{
			{[]string{"/p/" + arch}, "exec /p/" + arch + ": exec format error", 126},
			{[]string{"bash", "-c", "/p/" + arch}, "cannot execute binary file: Exec format error", 126},
			{[]string{"perl", "-e", `$p = "/p/` + arch + `"; $a = pack "pQ", $p, 0; $e = pack "Q", 0; syscall 59, $p, $a, $e; print "$!\n"; exit 9`}, "Exec format error", 9},
		} {
			out, err := w.run(append([]string{"run", "--rm", "-v", dir + ":/p:ro", "debian:12"}, c.args...)...)
			code := -1
			if e, ok := err.(*exec.ExitError); ok {
				code = e.ExitCode()
			}
			if !strings.Contains(out, c.want) || code != c.code {
				t.Errorf("%q: %d %q, want %d %q", c.args, code, out, c.code, c.want)
			}
		}
	}
}

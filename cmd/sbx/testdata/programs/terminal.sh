# Shells with a terminal of their own: line editing, job control by keys.
cat > play.py <<'EOF'
import os, pty, re, select, sys, termios, time
pid, fd = pty.fork()
if pid == 0:
    os.environ["PS1"] = "prompt> "
    os.environ["TERM"] = "dumb"
    os.environ["HISTFILE"] = ""
    os.execvp(sys.argv[1], sys.argv[1:])
def until(text):
    got = b""
    end = time.time() + 60
    while text not in got:
        if not select.select([fd], [], [], max(0, end - time.time()))[0]:
            print("no", text, "in", got)
            sys.exit(1)
        try:
            piece = os.read(fd, 4096)
        except OSError:
            break
        if not piece:
            break
        got += piece
    return got
until(b"prompt> ")
def say(keys, text=b"prompt> "):
    os.write(fd, keys)
    got = until(text).decode()
    print(re.sub(r"\b\d{2,6}\b", "NUMBER", got).replace("\r", ""))
say(b"echo hello\n")
if sys.argv[1] == "bash":
    say(b"ehco\x02\x02\x02\x08h\x01\x06\x0b\n")
say(b"echo rea''dy; cat\n", b"ready\r\n")
say(b"a line\n", b"a line\r\na line\r\n")
say(b"\x04")
say(b"echo rea''dy; sleep 30\n", b"ready\r\n")
time.sleep(0.4)
say(b"\x1a")
say(b"jobs\n")
say(b"fg\n", b"sleep 30\r\n")
time.sleep(0.4)
say(b"\x03")
say(b"echo $?\n")
say(b"stty -a | grep -o ' -*echo ' ; stty size; tty | sed 's/[0-9]//g'\n")
say(b"sleep 20 & jobs\n")
time.sleep(0.4) # until the child no longer ignores what an interactive shell does
say(b"kill %1; wait; true\n")
say(b"exit 5\n", b"never said")
print(os.waitpid(pid, 0)[1] >> 8)
EOF
/usr/bin/python3 play.py bash --norc --noprofile -i
/usr/bin/python3 play.py dash -i
script -qec 'test -t 0 && test -t 1 && echo a terminal; stty -a | grep -c speed' /dev/null < /dev/null | tr -d '\r'

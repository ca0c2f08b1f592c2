export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@example.org GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000' GIT_CONFIG_GLOBAL=/work/gitconfig
git config --global init.defaultBranch main; git config --global protocol.file.allow always; git config --global gc.auto 0; git config --global pack.threads 2
git init -q src; cd src; mkdir d; for i in $(seq 60); do seq $i 300 > d/f$i; done; cp /bin/bash binary; ln -s d/f1 link; chmod +x d/f2; git add .; git commit -q -m first; git tag -a v1 -m tag
git checkout -q -b topic; echo topic >> d/f3; git commit -qam topic; git checkout -q main; sed -i 5d d/f3; git commit -qam main; git merge -q --no-edit topic; git log --oneline --graph; git diff --stat v1
git checkout -q -b conflict HEAD~1; echo other >> d/f3; git commit -qam other; git merge main; git status --short; git checkout --theirs d/f3; git add .; git commit -q -m merged; git checkout -q main; git rebase -q conflict; git log --format='%h %an %s' | head -n 5
git stash list; echo dirty >> d/f9; git stash -q; git stash pop -q; git status --porcelain; git checkout -q d/f9; git blame -s d/f3 | tail -n 2; git grep -c 29 | head -n 3; git archive v1 | tar -t | wc -l; git bundle create -q ../b v1; git fsck --full; git gc -q --aggressive; git count-objects -v | grep -E '^(count|in-pack|packs)'; git rev-parse HEAD v1; git shortlog -sn HEAD; git cherry-pick v1 2>&1 | head -n 1; git bisect start -q HEAD v1 2>&1 | head -n 1; git bisect reset -q; cd ..
git clone -q file:///work/src c1; git clone -q src c2; git clone -q --depth 1 file:///work/src c3; git -C c3 rev-list --count HEAD; git -C c1 rev-parse HEAD; git clone -q --bare src bare.git; git clone -q b c4; git -C c1 submodule add -q file:///work/src sub; git -C c1 submodule status | cut -c1-42
git daemon --base-path=/work --export-all --reuseaddr --listen=127.0.0.1 --enable=receive-pack --pid-file=/work/daemon.pid /work 2>/dev/null & for i in $(seq 100); do (: < /dev/tcp/127.0.0.1/9418) 2>/dev/null && break; sleep 0.1; done
git clone -q git://127.0.0.1/src c5; git -C c5 rev-parse HEAD; cd c5; echo pushed > new; git add new; git commit -q -m pushed; git push -q git://127.0.0.1/bare.git HEAD:refs/heads/pushed 2>&1; cd ..; git --git-dir=bare.git log --oneline -1 pushed; git ls-remote git://127.0.0.1/bare.git; git clone git://127.0.0.1/nothing c6 2>&1 | tail -n 2; kill $(cat daemon.pid); wait; 
cat > server.py <<'EOF'
import http.server, os
class H(http.server.CGIHTTPRequestHandler):
    cgi_directories = ["/cgi"]
    def log_message(self, *a): pass
os.environ.update(GIT_PROJECT_ROOT="/work", GIT_HTTP_EXPORT_ALL="1")
http.server.ThreadingHTTPServer(("127.0.0.1", 8000), H).serve_forever()
EOF
mkdir -p web/cgi; printf '#!/bin/sh\nexec git http-backend\n' > web/cgi/git; chmod 755 web web/cgi web/cgi/git; git config --global --add safe.directory '*'; (cd web; exec python3 -W ignore ../server.py) & for i in $(seq 100); do (: < /dev/tcp/127.0.0.1/8000) 2>/dev/null && break; sleep 0.1; done
git clone -q http://127.0.0.1:8000/cgi/git/bare.git c7; git -C c7 rev-parse HEAD; git -C c7 fsck; kill $!; wait
rm -rf src/.git c?/.git bare.git b server.py daemon.pid; ls

# Apache with its event workers: static files, CGI, a proxy, rewriting, authentication, TLS, a graceful restart and stop.
mkdir -p www/cgi logs run; echo '<h1>hello</h1>' > www/index.html; cp /bin/bash www/big; cp /usr/share/common-licenses/GPL-3 www/page.txt; chmod -R a+rX . www
printf '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n"; echo "$REQUEST_METHOD $QUERY_STRING $(id -un)"; wc -c\n' > www/cgi/env; printf '#!/usr/bin/perl\nprint "Status: 418 Teapot\\r\\nContent-Type: text/plain\\r\\n\\r\\nshort and stout\\n";\n' > www/cgi/pot; chmod 755 www/cgi/*
htpasswd -cb users joe secret 2> /dev/null; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost -days 30 2> /dev/null
{ for m in mpm_event authz_core authz_host authn_core authn_file auth_basic authz_user alias dir mime autoindex rewrite headers deflate filter cgid proxy proxy_http status socache_shmcb ssl env setenvif; do echo "LoadModule ${m}_module /usr/lib/apache2/modules/mod_$m.so"; done; cat <<'END'
ServerName localhost
Listen 127.0.0.1:8090
Listen 127.0.0.1:8453
User www-data
Group www-data
PidFile /work/run/pid
ScriptSock /work/run/cgisock
DefaultRuntimeDir /work/run
ErrorLog /work/logs/error
LogFormat "%m %U %>s %B" short
CustomLog /work/logs/access short
DocumentRoot /work/www
TypesConfig /etc/mime.types
StartServers 2
ThreadsPerChild 8
MaxRequestWorkers 16
<Directory /work/www>
 Options Indexes FollowSymLinks
 Require all granted
 DirectoryIndex index.html
</Directory>
ScriptAlias /cgi/ /work/www/cgi/
RewriteEngine on
RewriteRule ^/old/(.*)$ /page.txt?$1 [R=301,L]
ProxyPass /proxy/ http://127.0.0.1:8090/
<Location /private>
 AuthType Basic
 AuthName private
 AuthUserFile /work/users
 Require valid-user
</Location>
Alias /private /work/www
Alias /list /work/www/cgi
SetOutputFilter DEFLATE
Header set X-Made-By "apache"
SSLSessionCache shmcb:/work/run/scache(65536)
<VirtualHost 127.0.0.1:8453>
 SSLEngine on
 SSLCertificateFile /work/cert.pem
 SSLCertificateKeyFile /work/key.pem
</VirtualHost>
END
} > apache.conf
[ -e /etc/mime.types ] || sed -i '/TypesConfig/d' apache.conf
apache2 -t -f /work/apache.conf; apache2 -f /work/apache.conf -DFOREGROUND & master=$!; for i in $(seq 200); do (: < /dev/tcp/127.0.0.1/8090) 2> /dev/null && break; sleep 0.1; done
get() { curl -s "$@"; }; u=http://127.0.0.1:8090
get $u/; get $u/page.txt | sha256sum; get $u/big | cmp - /bin/bash && echo same; get -o /dev/null -w '%{http_code} %{content_type}\n' $u/none; get -I $u/old/x | grep -iE '^(HTTP|location|x-made)'; get "$u/cgi/env?a=b" -d body; get -w '%{http_code}\n' $u/cgi/pot; get $u/proxy/cgi/pot; get -r 10-19 $u/page.txt | od -c | head -n 1; get --compressed $u/page.txt | wc -c
get -o /dev/null -w '%{http_code}\n' $u/private/page.txt; get -u joe:wrong -o /dev/null -w '%{http_code}\n' $u/private/page.txt; get -u joe:secret $u/private/page.txt | wc -l; get $u/list/ | grep -c 'pot'
get --cacert cert.pem https://localhost:8453/page.txt | sha256sum; get --cacert cert.pem --http1.1 https://localhost:8453/ https://localhost:8453/
for c in 1 2 3 4; do (for i in $(seq 25); do get $u/page.txt | md5sum; get $u/cgi/pot; done > s$c) & jobs="$jobs $!"; done; wait $jobs; sort s? | uniq -c; rm s?
ab -q -n 500 -c 10 -k $u/index.html | grep -E '^(Complete|Failed) requests|^Non-2xx'; ab -q -n 100 -c 5 https://localhost:8453/ 2> /dev/null | grep -E '^(Complete|Failed) requests|^Non-2xx'
ps -o user= --ppid $master | sort | uniq -c; sed -i 's/X-Made-By "apache"/X-Made-By "changed"/' apache.conf; kill -USR1 $master; for i in $(seq 100); do get -I $u/ | grep -q changed && break; sleep 0.1; done; get -I $u/ | grep -i made
kill -WINCH $master; wait $master; echo $?; (: < /dev/tcp/127.0.0.1/8090) 2> /dev/null || echo closed; cut -d ' ' -f 1,3 logs/access | sort | uniq -c | awk '$3 != 200'; grep -oE 'AH00[0-9]+: (caught|Graceful)[^,]*' logs/error | sort -u; grep -ciE ':(emerg|alert|crit)\]' logs/error; ls run; rm -r www logs run apache.conf users *.pem

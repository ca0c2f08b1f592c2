"""A page that counts its visitors in Redis."""
import http.server
import os

import redis

db = redis.Redis(host=os.environ["REDIS_HOST"])


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/":
            self.send_error(404)
            return
        text = f"You are visitor {db.incr('visitors')}.\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


http.server.ThreadingHTTPServer(("", 8000), Page).serve_forever()

# Takes events and answers messages. Needs Python 3.9 or newer and nothing else.
#   SWITCHHOOK_SECRET=whsec_… PORT=3000 python3 receiver.py
import hashlib
import hmac
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = os.environ["SWITCHHOOK_SECRET"].encode()
SEEN = set()  # an event may come twice; keep the ids where they outlive this program


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        expected = "sha256=" + hmac.new(SECRET, raw, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, self.headers.get("X-Switchhook-Signature", "")):
            return self.answer(401, {"message": "The signature does not fit."})
        event = json.loads(raw)
        again = event["id"] in SEEN
        SEEN.add(event["id"])
        if again or event["event"] != "message.received":
            return self.answer(200, {})
        data = event["data"]
        print(f"{data.get('pushName') or data['from']}: {data['text']}", flush=True)
        self.answer(200, {"reply": f"You wrote: {data['text']}"})

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())


server = ThreadingHTTPServer(("", int(os.environ.get("PORT", 3000))), Receiver)
print("ready", flush=True)
server.serve_forever()

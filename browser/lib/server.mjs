// The built server, WhatsApp's test server and a receiver of webhooks, each as its own process or port, for one test.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { createServer as createSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));

// patience bounds every wait: far more than a machine under load needs.
export const patience = 60_000;

/** Asks again until there is an answer. */
export async function until(what, ask) {
  const end = Date.now() + patience;
  for (;;) {
    const found = await ask();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await pause(100);
  }
}

/** A port below those that the kernel gives to connections, one of which could take it meanwhile. */
async function freePort() {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    const socket = createSocket().listen(port, "127.0.0.1");
    const free = await once(socket, "listening").then(() => true, () => false);
    if (!free) continue;
    socket.close();
    await once(socket, "close");
    return port;
  }
}

/** Starts a program of .bin. What it says is kept for the message of a failure. */
function start(name, args, env) {
  const child = spawn(join(root, ".bin", name), args, { env: { PATH: process.env.PATH, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const log = [];
  const first = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${name} ended with ${code}:\n${log.join("")}`)));
    child.stdout.on("data", (chunk) => {
      log.push(String(chunk));
      const text = log.join("");
      if (text.includes("\n")) resolve(text.split("\n")[0]);
    });
  });
  first.catch(() => {});
  child.stderr.on("data", (chunk) => log.push(String(chunk)));
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  };
  return { child, log, first, stop };
}

/** WhatsApp's side: phones are made and scan codes by `tell`. */
export async function startWhatsApp() {
  const { first, stop } = start("wasim-browser", [], {});
  const { address, rootKey, control } = JSON.parse(await first);
  const tell = async (path, body) => {
    const answer = await fetch(`http://${control}${path}`, body ? { method: "POST", body: JSON.stringify(body) } : {});
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  };
  return { env: { WHATSAPP_TEST_SERVER: address, WHATSAPP_TEST_ROOT_KEY: rootKey }, tell, stop };
}

/** The server with empty data. `output` is what it has printed. */
export async function startServer(extra = {}) {
  const port = await freePort();
  const data = await mkdtemp(join(tmpdir(), "switchhook-browser-"));
  const url = `http://localhost:${port}`;
  const run = async () => {
    const process = start("switchhook-browser", ["serve"], {
      PORT: String(port), BASE_URL: url, DATA_DIR: data, HOME: data, ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8,::1/128", ...extra,
    });
    await until("the server", async () => {
      if (process.child.exitCode !== null) throw new Error(`the server ended:\n${process.log.join("")}`);
      return fetch(`${url}/readyz`).then((answer) => answer.ok, () => false);
    });
    return process;
  };
  let running = await run();
  return {
    url,
    output: () => running.log.join(""),
    restart: async () => {
      await running.stop();
      running = await run();
    },
    stop: async () => {
      await running.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** Calls the API with a key. */
export function caller(url, headers) {
  return async (method, path, body) => {
    const answer = await fetch(url + path, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  };
}

/** A receiver of webhooks that keeps what comes and answers as it is told. */
export async function startReceiver() {
  const got = [];
  const receiver = { status: 200, body: "ok", got };
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      got.push({ path: request.url, headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(receiver.status, { "Content-Type": "text/plain" }).end(receiver.body);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  receiver.url = `http://127.0.0.1:${server.address().port}/hook`;
  receiver.stop = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  return receiver;
}

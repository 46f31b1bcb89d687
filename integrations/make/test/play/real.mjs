// Starts the real server, the WhatsApp of the project's tests and a stand-in for Make's webhooks, as processes on loopback.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

const PATIENCE = 60_000; // for a machine that has much else to do
const PIXEL = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

// until asks again and again until the answer is not empty.
export const until = async (what, ask) => {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await pause(50);
  }
};

const listen = async (server) => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
};

// A port for a server that starts later: below those that the kernel gives to connections, one of which could take it meanwhile.
const freePort = async () => {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    const server = net.createServer().listen(port, '127.0.0.1');
    const free = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!free) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
};

const ask = async (url, { method = 'GET', body, headers } = {}) => {
  const response = await fetch(url, {
    method,
    headers: { ...(body && { 'Content-Type': 'application/json' }), ...headers },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
};

const end = async (child) => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
};

const startWhatsApp = async () => {
  const child = spawn(process.env.WASIM, [], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = await once(readline.createInterface({ input: child.stdout }), 'line');
  const { address, rootKey, control } = JSON.parse(line);
  return { child, address, rootKey, steer: (route, body) => ask(`http://${control}${route}`, { method: 'POST', body }) };
};

// startHooks listens as Make does: it answers Accepted, or 410 at /gone. It also has a picture, and at any other address that is read a web page.
const startHooks = async () => {
  const got = [];
  const server = http.createServer(async (incoming, outgoing) => {
    let text = '';
    for await (const chunk of incoming) text += chunk;
    if (incoming.method === 'POST') {
      got.push({ path: incoming.url, body: JSON.parse(text) });
      outgoing.writeHead(incoming.url === '/gone' ? 410 : 200, { 'Content-Type': 'text/plain' }).end('Accepted');
    } else if (incoming.url === '/picture.png') {
      outgoing.writeHead(200, { 'Content-Type': 'image/png' }).end(PIXEL);
    } else if (incoming.url.startsWith('/moved')) {
      outgoing.writeHead(301, { Location: 'https://elsewhere.example.com/', 'Content-Type': 'text/html' }).end('<html>Moved</html>');
    } else {
      outgoing.writeHead(incoming.url.startsWith('/down') ? 502 : 200, { 'Content-Type': 'text/html' }).end('<!DOCTYPE html><title>Welcome</title>');
    }
  });
  const address = `http://127.0.0.1:${await listen(server)}`;
  return {
    address,
    got,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};

// start starts all of it and registers an account with a key.
export const start = async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'switchhook-make-'));
  const whatsapp = await startWhatsApp();
  const port = await freePort();
  const file = path.join(folder, 'log');
  const log = fs.openSync(file, 'w');
  const child = spawn(process.env.SWITCHHOOK, ['serve'], {
    stdio: ['ignore', log, log],
    env: {
      PATH: process.env.PATH,
      PORT: String(port),
      DATA_DIR: path.join(folder, 'data'),
      ALLOW_PRIVATE_NETWORKS: '127.0.0.0/8,::1/128',
      LOG_FORMAT: 'json',
      WHATSAPP_TEST_SERVER: whatsapp.address,
      WHATSAPP_TEST_ROOT_KEY: whatsapp.rootKey,
    },
  });
  const address = `http://127.0.0.1:${port}`;
  await until('the server', async () => {
    if (child.exitCode !== null) throw new Error(`the server ended: ${fs.readFileSync(file, 'utf8').slice(-4000)}`);
    return fetch(`${address}/readyz`).then(
      (response) => response.ok,
      () => false,
    );
  });
  const { token } = await ask(`${address}/v1/auth/register`, {
    method: 'POST',
    body: { email: 'jane@example.com', password: 'correct horse battery staple', organization: 'Example Ltd' },
  });
  const as = (credential) => (method, route, body) => ask(address + route, { method, body, headers: { Authorization: `Bearer ${credential}` } });
  const user = as(token);
  const { key, id: keyId } = await user('POST', '/v1/keys', { name: 'Make' });
  const hooks = await startHooks();
  const close = async () => {
    hooks.close();
    await end(child);
    await end(whatsapp.child);
    fs.rmSync(folder, { recursive: true, force: true });
  };
  return { address, key, keyId, user, api: as(key), hooks, whatsapp, close };
};

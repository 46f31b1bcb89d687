'use strict';

// Starts the real server, and the WhatsApp of the project's tests beside it, as processes on loopback.
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const { setTimeout: pause } = require('node:timers/promises');

const PATIENCE = 60_000; // for a machine that has much else to do

// until asks again and again until the answer is not empty.
const until = async (what, ask) => {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await pause(50);
  }
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
  const data = text ? JSON.parse(text) : undefined;
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return data;
};

const stop = async (child) => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
};

const startWhatsApp = async () => {
  const child = spawn(process.env.WASIM, [], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = await once(readline.createInterface({ input: child.stdout }), 'line');
  const { address, rootKey, control } = JSON.parse(line);
  return { child, address, rootKey, steer: (route, body) => ask(`http://${control}${route}`, { method: body ? 'POST' : 'GET', body }) };
};

// startReceiver listens for deliveries. The status that it answers can be set for each path.
const startReceiver = async () => {
  const got = [];
  const answers = {};
  const server = http.createServer(async (incoming, outgoing) => {
    let text = '';
    for await (const chunk of incoming) text += chunk;
    if (incoming.url === '/picture.png') {
      outgoing.writeHead(200, { 'Content-Type': 'image/png' });
      outgoing.end(Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64'));
      return;
    }
    got.push({ path: incoming.url, body: JSON.parse(text) });
    outgoing.writeHead(answers[incoming.url] ?? 200, { 'Content-Type': 'application/json' });
    outgoing.end('{"status":"success"}'); // as Zapier answers
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${server.address().port}`;
  return {
    address,
    answers,
    got,
    wait: (what, wanted) => until(what, () => got.find(wanted)),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};

// start starts all of it and registers an account with a key.
const start = async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'switchhook-zapier-'));
  const whatsapp = await startWhatsApp();
  const port = await freePort();
  const log = fs.openSync(path.join(folder, 'log'), 'w');
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
  const told = () => fs.readFileSync(path.join(folder, 'log'), 'utf8').slice(-4000);
  await until('the server', async () => {
    if (child.exitCode !== null) throw new Error(`the server ended: ${told()}`);
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
  const { key, id: keyId } = await user('POST', '/v1/keys', { name: 'Zapier' });
  const receiver = await startReceiver();
  const close = async () => {
    receiver.close();
    await stop(child);
    await stop(whatsapp.child);
    fs.rmSync(folder, { recursive: true, force: true });
  };
  return { address, key, keyId, user, api: as(key), receiver, whatsapp, close };
};

module.exports = { start, until };

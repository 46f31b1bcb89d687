// The real server with data of its own, and a receiver of what it posts, both on loopback.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const patience = 60_000;

/** Asks again until an answer is true, and returns it. */
export async function until(what, ask) {
  const end = Date.now() + patience;
  for (;;) {
    const found = await ask();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await pause(50);
  }
}

/** A port for a server that starts later: below those that the kernel gives to connections, one of which could take it meanwhile. */
export async function freePort() {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    const server = createServer().listen(port, '127.0.0.1');
    const free = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!free) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** Starts the program that SWITCHHOOK names; `stop` ends it and removes its data. */
export async function startServer() {
  if (!process.env.SWITCHHOOK) throw new Error('SWITCHHOOK does not name the program: run ./test.sh');
  const url = `http://127.0.0.1:${await freePort()}`;
  const data = await mkdtemp(join(tmpdir(), 'switchhook-openapi-'));
  const env = { PATH: process.env.PATH, HOST: '127.0.0.1', PORT: new URL(url).port, BASE_URL: url, DATA_DIR: data, ALLOW_PRIVATE_NETWORKS: '127.0.0.0/8,::1/128' };
  const log = [];
  const child = spawn(process.env.SWITCHHOOK, ['serve'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => log.push(String(chunk)));
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    await rm(data, { recursive: true, force: true });
  };
  const ready = until('the server', async () => {
    if (child.exitCode !== null) throw new Error(`the server ended:\n${log.join('')}`);
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    return answer?.ok;
  });
  await ready.catch(async (error) => {
    await stop();
    throw error;
  });
  return { url, stop };
}

/** Takes every delivery; `got` holds them in their order. */
export async function startReceiver() {
  const got = [];
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const raw = Buffer.concat(parts).toString();
    got.push({ headers: request.headers, raw, body: JSON.parse(raw) });
    response.writeHead(200).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/hook`,
    got,
    delivery: (event) => until(`a delivery of ${event}`, () => got.find(({ body }) => body.event === event)),
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Asks the server without any client, and fails unless it answers with the status. */
export async function ask(url, status, method, path, key, body) {
  const answer = await fetch(path.startsWith('http') ? path : url + path, {
    method,
    headers: { 'Content-Type': 'application/json', ...(key && { Authorization: `Bearer ${key}` }) },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  if (answer.status !== status) throw new Error(`${method} ${path} answered ${answer.status}, not ${status}: ${text}`);
  return { body: text === '' ? undefined : JSON.parse(text), headers: answer.headers };
}

/** Registers, and makes a key and a sandbox channel. */
export async function makeAccount(url) {
  const { body: login } = await ask(url, 201, 'POST', '/v1/auth/register', '', { email: 'ann@example.com', password: 'correct horse battery staple', organization: 'Example Ltd' });
  const { body: made } = await ask(url, 201, 'POST', '/v1/keys', login.token, { name: 'test' });
  const { body: channel } = await ask(url, 201, 'POST', '/v1/channels', made.key, { connector: 'sandbox', name: 'Try-out', config: {} });
  return { token: login.token, key: made.key, channel: channel.id };
}

// A real Switchhook server beside a test: its own data, a free port, one account, one key, one sandbox channel.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const patience = 60_000;

/** Asks until an answer is there that is not undefined. */
export async function until(what, ask, end = Date.now() + patience) {
	for (;;) {
		const found = await ask();
		if (found !== undefined && found !== false) return found;
		if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
		await pause(200);
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

/** Starts a program of .bin; `line` is the promise of its first line on standard output. */
function start(name, args, env) {
	const child = spawn(join(root, '.bin', name), args, { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
	const log = [];
	let line;
	const first = new Promise((resolve, reject) => {
		line = resolve;
		child.once('error', reject);
		child.once('exit', (code) => reject(new Error(`${name} ended with ${code}:\n${log.join('')}`)));
	});
	first.catch(() => {});
	let text = '';
	child.stdout.on('data', (chunk) => {
		log.push(String(chunk));
		text += chunk;
		if (text.includes('\n')) line(text.split('\n')[0]);
	});
	child.stderr.on('data', (chunk) => log.push(String(chunk)));
	const stop = async () => {
		if (child.exitCode !== null || child.signalCode !== null) return;
		child.kill('SIGTERM');
		await once(child, 'exit');
	};
	return { child, log, first, stop };
}

/** The server of WhatsApp's side, as a process of its own. */
export async function startWhatsApp() {
	const { first, stop } = start('wasim-it', [], {});
	const { address, rootKey, control } = JSON.parse(await first);
	const tell = async (path, body) => {
		const answer = await fetch(`http://${control}${path}`, { method: 'POST', body: JSON.stringify(body) });
		const text = await answer.text();
		if (!answer.ok) throw new Error(`${path}: ${text}`);
		return text === '' ? undefined : JSON.parse(text);
	};
	return { env: { WHATSAPP_TEST_SERVER: address, WHATSAPP_TEST_ROOT_KEY: rootKey }, tell, stop };
}

/** The server with an account: `call` asks it with the API key, `stop` ends it. */
export async function startServer(extra = {}) {
	const port = await freePort();
	const data = await mkdtemp(join(tmpdir(), 'switchhook-n8n-'));
	const url = `http://127.0.0.1:${port}`;
	const { child, log, stop } = start('switchhook-it', ['serve'], {
		PORT: String(port),
		HOST: '127.0.0.1',
		BASE_URL: url,
		DATA_DIR: data,
		HOME: data,
		ALLOW_PRIVATE_NETWORKS: '127.0.0.0/8,::1/128',
		...extra,
	});
	const call = (key) => async (method, path, body) => {
		const answer = await fetch(url + path, {
			method,
			headers: { ...(key ?? {}), ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
			body: body === undefined ? undefined : JSON.stringify(body),
		});
		const text = await answer.text();
		const parsed = text === '' ? undefined : JSON.parse(text);
		if (!answer.ok && answer.status !== 404) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
		return answer.status === 404 ? undefined : parsed;
	};
	await until('the server', async () => {
		if (child.exitCode !== null) throw new Error(`the server ended:\n${log.join('')}`);
		return await fetch(`${url}/readyz`).then(
			(answer) => answer.ok,
			() => undefined,
		);
	});
	const { token } = await call()('POST', '/v1/auth/register', {
		email: 'owner@example.com',
		password: 'correct horse battery staple',
		organization: 'Example Ltd',
	});
	const owner = call({ Authorization: `Bearer ${token}` });
	const { id: keyId, key } = await owner('POST', '/v1/keys', { name: 'n8n' });
	const asKey = call({ 'X-Api-Key': key });
	const channel = await asKey('POST', '/v1/channels', { connector: 'sandbox', name: 'Try-out', config: { number: '+15550000001' } });
	return {
		url,
		key,
		keyId,
		channel,
		owner,
		call: asKey,
		stop: async () => {
			await stop();
			await rm(data, { recursive: true, force: true });
		},
	};
}

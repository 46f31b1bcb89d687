// A real n8n as a process, and what the real run asks it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';

import { freePort, until } from './server.mjs';

const owner = { email: 'owner@example.com', password: 'E2e-Passw0rd!' };
const scopes = [
	'credential:create',
	'workflow:create',
	'workflow:read',
	'workflow:update',
	'workflow:delete',
	'workflow:activate',
	'workflow:deactivate',
	'execution:read',
	'execution:list',
];

/** n8n on a port of its own with its data in a folder. start() again after stop() is a restart. */
export async function makeN8n(home, data) {
	const port = await freePort();
	const broker = await freePort();
	const url = `http://127.0.0.1:${port}`;
	const env = {
		PATH: `${join(home, 'node24/node_modules/node/bin')}:${process.env.PATH}`,
		HOME: data,
		N8N_USER_FOLDER: data,
		N8N_LISTEN_ADDRESS: '127.0.0.1',
		N8N_HOST: '127.0.0.1',
		N8N_PORT: String(port),
		N8N_PROTOCOL: 'http',
		WEBHOOK_URL: `${url}/`,
		N8N_ENCRYPTION_KEY: 'only-for-this-test',
		DB_TYPE: 'sqlite',
		N8N_SECURE_COOKIE: 'false',
		N8N_DIAGNOSTICS_ENABLED: 'false',
		N8N_VERSION_NOTIFICATIONS_ENABLED: 'false',
		N8N_TEMPLATES_ENABLED: 'false',
		N8N_PERSONALIZATION_ENABLED: 'false',
		N8N_HIRING_BANNER_ENABLED: 'false',
		N8N_RUNNERS_BROKER_LISTEN_ADDRESS: '127.0.0.1',
		N8N_RUNNERS_BROKER_PORT: String(broker),
		N8N_VERIFIED_PACKAGES_ENABLED: 'false',
		N8N_UNVERIFIED_PACKAGES_ENABLED: 'false',
		EXECUTIONS_DATA_SAVE_ON_SUCCESS: 'all',
		EXECUTIONS_DATA_SAVE_ON_ERROR: 'all',
		N8N_LOG_LEVEL: 'info',
		GENERIC_TIMEZONE: 'Europe/Berlin',
	};
	let child;
	let cookie = '';
	let key;
	const log = createWriteStream(join(data, 'n8n.log'), { flags: 'a' });

	const start = async () => {
		child = spawn('node', [join(home, 'app/node_modules/n8n/bin/n8n'), 'start'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
		child.stdout.pipe(log, { end: false });
		child.stderr.pipe(log, { end: false });
		const end = Date.now() + 240_000;
		await until(
			'n8n',
			async () => {
				if (child.exitCode !== null) throw new Error(`n8n ended with ${child.exitCode}; see ${data}/n8n.log`);
				return await fetch(`${url}/healthz/readiness`).then(
					(answer) => answer.ok,
					() => undefined,
				);
			},
			end,
		);
	};
	const stop = async () => {
		if (!child || child.exitCode !== null) return;
		child.kill('SIGTERM');
		await once(child, 'exit');
	};
	const ask = async (headers, method, path, body) => {
		const answer = await fetch(url + path, {
			method,
			headers: { ...headers, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
			body: body === undefined ? undefined : JSON.stringify(body),
		});
		const text = await answer.text();
		if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
		const set = answer.headers.getSetCookie().map((one) => one.split(';')[0]);
		if (set.length > 0) cookie = set.join('; ');
		return text === '' ? undefined : JSON.parse(text);
	};
	const rest = async (method, path, body) => (await ask({ Cookie: cookie, 'push-ref': 'real' }, method, `/rest${path}`, body)).data;
	const api = (method, path, body) => ask({ 'X-N8N-API-KEY': key }, method, `/api/v1${path}`, body);
	const setup = async () => {
		await rest('POST', '/owner/setup', { ...owner, firstName: 'Jane', lastName: 'Doe' });
		key = (await rest('POST', '/api-keys', { label: 'real', expiresAt: null, scopes })).rawApiKey;
	};
	const login = () => rest('POST', '/login', { emailOrLdapLoginId: owner.email, password: owner.password });
	const types = async () => await ask({ Cookie: cookie }, 'GET', '/types/nodes.json');
	return { url, start, stop, rest, api, setup, login, types };
}

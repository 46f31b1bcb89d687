// The commands of docs/plain-webhooks.md as they stand there, but for the addresses, with both programs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { ask, freePort, makeAccount, startServer, until } from '../../openapi/tests/server.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const blocks = [...readFileSync(`${root}docs/plain-webhooks.md`, 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text]) => text);

/** Runs a script and returns what it printed. */
async function shell(script, env) {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', script], { cwd: root, env: { PATH: process.env.PATH, ...env } });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (out += chunk));
  const [code] = await once(child, 'close');
  assert.equal(code, 0, out);
  return out;
}

for (const [program, command] of [
  ['receiver.mjs', process.execPath],
  ['receiver.py', 'python3'],
]) {
  test(`the page's commands and ${program} answer a message`, async (t) => {
    const server = await startServer();
    t.after(server.stop);
    const { key } = await makeAccount(server.url);
    for (const channel of (await ask(server.url, 200, 'GET', '/v1/channels', key)).body.data) await ask(server.url, 204, 'DELETE', `/v1/channels/${channel.id}`, key);
    const port = await freePort();
    const hook = `http://localhost:${port}`;
    const script = (from, to) => blocks.slice(from, to).join('\n').replaceAll('http://localhost:8080', server.url).replaceAll('http://localhost:3000', hook);

    const made = await shell(`${script(0, 2)}\necho "CHANNEL=$CHANNEL"; echo "SECRET=$SWITCHHOOK_SECRET"`, { API_KEY: key });
    const [, channel, secret] = /CHANNEL=(\S+)\nSECRET=(whsec_\S+)/.exec(made);
    assert.match(blocks[2], /^PORT=3000 node integrations\/recipes\/plain\/receiver\.mjs &\n$/);
    const child = spawn(command, [`${root}integrations/recipes/plain/${program}`], {
      env: { PATH: process.env.PATH, PORT: String(port), SWITCHHOOK_SECRET: secret },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    });
    await once(child.stdout, 'data');

    const foreign = await fetch(`${hook}/hook`, { method: 'POST', body: '{"event":"message.received","data":{}}' });
    assert.equal(foreign.status, 401);
    const env = { API_KEY: key, BASE: server.url, CHANNEL: channel };
    assert.match(await shell(script(3, 4), env), /"msg_/);
    await until('the reply', async () => {
      const { body } = await ask(server.url, 200, 'GET', '/v1/messages?direction=outbound&status=sent', key);
      return body.data.some(({ text, to }) => text === 'You wrote: Hello' && to === '447911123456');
    });
    await until('the delivery', async () => (await shell(script(4, 5), env)).includes('"delivered"'));
    assert.match(await shell(script(5, 6), env), /You wrote: Hello/);
    const sent = await shell(script(6, 7), env);
    assert.match(sent, /"status": "sent"/);
    assert.equal(await shell(script(6, 7), env), sent, 'the same key sends once');

    const { body: hooks } = await ask(server.url, 200, 'GET', '/v1/webhooks', key);
    assert.equal(hooks.data.length, 1);
    await shell(script(7, 8), { ...env, WEBHOOK: JSON.stringify(hooks.data[0]) });
    assert.deepEqual((await ask(server.url, 200, 'GET', '/v1/webhooks', key)).body.data, []);
    assert.equal(blocks.length, 8);
  });
}

// The flow in a real Node-RED: it subscribes by itself, refuses what is not signed, answers, and does so after a restart.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { ask, freePort, makeAccount, startServer, until } from '../../openapi/tests/server.mjs';

const here = fileURLToPath(new URL('../', import.meta.url));

/** A Node-RED with the flow, whose variables are set as on its tab. */
function makeNodeRed(port, variables) {
  const folder = mkdtempSync(join(tmpdir(), 'switchhook-node-red-'));
  const flow = JSON.parse(readFileSync(join(here, 'node-red/switchhook.flow.json'), 'utf8'));
  const tab = flow.find(({ type }) => type === 'tab');
  assert.deepEqual(
    tab.env.map(({ name }) => name),
    Object.keys(variables),
  );
  tab.env = Object.entries(variables).map(([name, value]) => ({ name, value, type: 'str' }));
  writeFileSync(join(folder, 'flows.json'), JSON.stringify(flow));
  const settings = { uiPort: port, uiHost: '127.0.0.1', flowFile: 'flows.json', credentialSecret: false, disableEditor: true, telemetry: { enabled: false } };
  writeFileSync(join(folder, 'settings.js'), `module.exports = ${JSON.stringify(settings)};`);
  let child;
  const log = [];
  return {
    log,
    start: async () => {
      child = spawn(process.execPath, [join(here, 'node_modules/node-red/red.js'), '--userDir', folder], { env: { PATH: process.env.PATH, HOME: folder }, stdio: ['ignore', 'pipe', 'pipe'] });
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => log.push(String(chunk)));
      await until('the subscription of the flow', async () => {
        if (child.exitCode !== null || child.signalCode !== null) throw new Error(`Node-RED ended:\n${log.join('')}`);
        const answer = await fetch(`http://127.0.0.1:${port}/switchhook`, { method: 'POST', body: '{}' }).catch(() => undefined);
        if (answer?.status !== 401) return false; // it begins with 404s
        return (await answer.json()).message === 'The signature does not fit.';
      });
    },
    stop: async () => {
      const ended = once(child, 'exit');
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await ended;
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

test('the flow subscribes once, answers what is signed, and goes on after a restart', async (t) => {
  const server = await startServer();
  t.after(server.stop);
  const { key, channel } = await makeAccount(server.url);
  const port = await freePort();
  const nodeRed = makeNodeRed(port, { SWITCHHOOK_URL: `${server.url}/`, SWITCHHOOK_API_KEY: key, NODE_RED_URL: `http://127.0.0.1:${port}` });
  t.after(nodeRed.remove);
  t.after(nodeRed.stop);
  for (const text of ['Hello', 'After the restart']) {
    await nodeRed.start();
    const { body: hooks } = await ask(server.url, 200, 'GET', '/v1/webhooks', key);
    assert.deepEqual(
      hooks.data.map(({ url, description, status }) => [url, description, status]),
      [[`http://127.0.0.1:${port}/switchhook`, 'Node-RED', 'active']],
    );
    await ask(server.url, 201, 'POST', `/v1/channels/${channel}/simulate`, key, { from: '447911123456', name: 'Emily', text });
    await until(`the answer to ${text}`, async () => {
      const { body } = await ask(server.url, 200, 'GET', '/v1/messages?direction=outbound', key);
      return body.data.some((one) => one.text === `You wrote: ${text}` && one.to === '447911123456');
    });
    await nodeRed.stop();
  }
});

test('a wrong key is named in the log', async (t) => {
  const server = await startServer();
  t.after(server.stop);
  const port = await freePort();
  const nodeRed = makeNodeRed(port, { SWITCHHOOK_URL: server.url, SWITCHHOOK_API_KEY: 'sk_live_wrong', NODE_RED_URL: `http://127.0.0.1:${port}` });
  t.after(nodeRed.remove);
  t.after(nodeRed.stop);
  const started = nodeRed.start();
  started.catch(() => {}); // it never subscribes
  await until('the refusal', () => /\[error\].*Switchhook answers 401: /.test(nodeRed.log.join('')));
  await nodeRed.stop();
  await assert.rejects(started, /Node-RED ended/);
});

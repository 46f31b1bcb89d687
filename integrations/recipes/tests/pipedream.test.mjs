// The source and the action in a stand-in for Pipedream's runtime, which gives them what they are promised: an address, a store, $emit.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';

import { ask, makeAccount, startServer, until } from '../../openapi/tests/server.mjs';
import action from '../pipedream/send-message.action.mjs';
import source from '../pipedream/switchhook.source.mjs';

/** Runs a source: its address takes requests, what it emits is kept once for each id. */
async function runtime(component, props) {
  const emitted = new Map();
  const kept = new Map();
  let respond;
  const self = {
    ...props,
    db: { get: (name) => kept.get(name), set: (name, value) => kept.set(name, JSON.parse(JSON.stringify(value))) },
    http: { respond: (answer) => respond(answer) },
    $emit: (event, meta) => emitted.has(meta.id) || emitted.set(meta.id, { event, meta }),
  };
  for (const [name, method] of Object.entries(component.methods)) self[name] = method.bind(self);
  const web = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const bodyRaw = Buffer.concat(parts).toString();
    respond = ({ status, body }) => response.writeHead(status).end(JSON.stringify(body));
    await component.run.call(self, { method: request.method, headers: request.headers, bodyRaw, body: JSON.parse(bodyRaw) });
  }).listen(0, '127.0.0.1');
  await once(web, 'listening');
  self.http.endpoint = `http://127.0.0.1:${web.address().port}/`;
  const stop = async () => {
    web.closeAllConnections();
    web.close();
    await once(web, 'close');
  };
  return { self, emitted: () => [...emitted.values()], hook: (name) => component.hooks[name].call(self), stop };
}

test('a source subscribes, takes what is signed, and unsubscribes; an action answers', async (t) => {
  const server = await startServer();
  t.after(server.stop);
  const { key, channel } = await makeAccount(server.url);
  const simulate = (text) => ask(server.url, 201, 'POST', `/v1/channels/${channel}/simulate`, key, { from: '447911123456', name: 'Emily', text });
  const events = () => ask(server.url, 200, 'GET', '/v1/events?event=message.received', key).then(({ body }) => body.data);
  const props = { baseUrl: `${server.url}/`, apiKey: key, events: ['message.received'] };
  const running = await runtime(source, props);
  t.after(running.stop);
  assert.deepEqual(await source.props.channelIds.options.call(running.self), [{ label: 'Try-out', value: channel }]);

  await simulate('Before');
  await until('what was before', async () => (await events()).length === 1);
  await running.hook('deploy');
  assert.equal(running.emitted()[0].event.data.text, 'Before');
  await running.hook('activate');
  await simulate('Hello');
  await until('the event', () => running.emitted().length === 2);
  const { event, meta } = running.emitted()[1];
  assert.deepEqual(event, (await events())[0]);
  assert.equal(meta.summary, 'message.received: Emily: Hello');
  assert.equal(meta.ts, Date.parse(event.timestamp));

  const foreign = await fetch(running.self.http.endpoint, { method: 'POST', body: JSON.stringify({ ...event, id: 'evt_x' }) });
  assert.equal(foreign.status, 401);
  assert.equal(running.emitted().length, 2);

  const shown = {};
  const send = (more) => {
    const given = { ...props, channelId: event.channelId, to: event.data.from, text: 'Hello back', once: event.id, ...more };
    return action.run.call(given, { $: { export: (name, value) => (shown[name] = value) } });
  };
  const sent = await send();
  assert.match(shown.$summary, /^sent: msg_/);
  assert.equal((await send()).id, sent.id, 'once for an event');
  await assert.rejects(send({ to: '15550000001', once: '' }), (error) => /\.$/.test(error.message) && !/JSON/.test(error.message));

  await running.hook('deactivate');
  assert.deepEqual((await ask(server.url, 200, 'GET', '/v1/webhooks', key)).body.data, []);
  await running.hook('deactivate'); // gone already is as good
});

test('a wrong key and a page in place of the server are named', async (t) => {
  const server = await startServer();
  t.after(server.stop);
  const web = createServer((request, response) => response.setHeader('Content-Type', 'text/html').end('<html>A shop</html>')).listen(0, '127.0.0.1');
  await once(web, 'listening');
  t.after(() => web.close());
  for (const [props, says] of [
    [{ baseUrl: server.url, apiKey: 'sk_live_wrong' }, /key/],
    [{ baseUrl: `http://127.0.0.1:${web.address().port}`, apiKey: 'sk_live_1' }, /something else than Switchhook/],
  ]) {
    const running = await runtime(source, { ...props, events: ['message.received'] });
    await assert.rejects(running.hook('activate'), says);
    await assert.rejects(action.run.call({ ...props, channelId: 'chan_1', to: '1', text: 'x' }, { $: { export: () => {} } }), says);
    await running.stop();
  }
});

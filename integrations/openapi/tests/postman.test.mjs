// What Postman's import makes of the document, run against the real server: the requests as they were imported, with the account's own
// values where the examples name things that are not there.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { promisify } from 'node:util';

import newman from 'newman';
import converter from 'openapi-to-postmanv2';

import { makeAccount, startReceiver, startServer } from './server.mjs';

const data = await readFile('../../openapi.yaml', 'utf8');

async function imported(options) {
  const made = await promisify(converter.convertV2)({ type: 'string', data }, options);
  assert.ok(made.result, made.reason);
  return made.output[0].data;
}

/** Every request of a collection by its name; the folders are the tags. */
function requests(folder, all = new Map()) {
  for (const item of folder.item) {
    if (item.item) requests(item, all);
    else all.set(item.name, item);
  }
  return all;
}

test('an import as Postman makes it has each operation, the key for all of them and the address as a variable', async () => {
  const collection = await imported({});
  const from = [...data.matchAll(/^      operationId: /gm)].length;
  const count = (folder) => folder.item.reduce((n, item) => n + (item.item ? count(item) : 1), 0);
  assert.equal(count(collection), from);
  assert.deepEqual(collection.variable.map(({ key }) => key), ['baseUrl']);
  assert.equal(collection.auth.type, 'apikey');
  assert.deepEqual(Object.fromEntries(collection.auth.apikey.map(({ key, value }) => [key, value])), { key: 'X-Api-Key', value: '{{apiKey}}', in: 'header' });
});

test('the imported requests work', async () => {
  const server = await startServer();
  after(() => server.stop());
  const receiver = await startReceiver();
  after(() => receiver.stop());
  const { key, token, channel } = await makeAccount(server.url);
  const collection = await imported({ folderStrategy: 'Tags', parametersResolution: 'Example', enableOptionalParameters: false });
  const all = requests(collection);

  // Each step: the request's name, the status, the example values that are replaced, and the variable that keeps the answer's id.
  const steps = [
    ['Get the account', 200],
    ['List kinds of channel', 200],
    ['List API keys', 200],
    ['Create a channel', 201, { body: { connector: 'sandbox', name: 'By Postman', config: { number: '+15550000002' } } }],
    ['List channels', 200],
    ['Get a channel', 200, { id: channel }],
    ['Check a channel', 200, { id: channel }],
    ['Subscribe', 201, { body: { url: receiver.url, events: ['message.received'] } }, 'webhook'],
    ['List webhooks', 200],
    ['Get a webhook', 200, { id: '{{webhook}}' }],
    ['Simulate a message', 201, { id: channel }, 'message'],
    ['Send a message', 200, { body: { channelId: channel } }],
    ['List messages', 200],
    ['Get a message', 200, { id: '{{message}}' }],
    ['Create a contact', 201, {}, 'contact'],
    ['List contacts', 200],
    ['Get a contact', 200, { id: '{{contact}}' }],
    ['Publish a post', 202, { body: { channelIds: [channel] } }, 'post'],
    ['Get a post', 200, { id: '{{post}}' }],
    ['List posts', 200],
    ['Create a queue', 201, { body: { channelIds: [channel] } }, 'queue'],
    ['Preview a queue', 200, { id: '{{queue}}' }],
    ['List kinds of event', 200],
    ['List events', 200],
    ['List deliveries', 200],
    ['Unsubscribe', 204, { id: '{{webhook}}' }],
  ];
  collection.item = steps.map(([name, status, values = {}, keep]) => {
    const item = structuredClone(all.get(name));
    assert.ok(item, `the import has no "${name}"; it has ${[...all.keys()].join(', ')}`);
    for (const variable of item.request.url.variable ?? []) variable.value = String(values[variable.key] ?? variable.value);
    if (values.body) item.request.body.raw = JSON.stringify({ ...JSON.parse(item.request.body.raw), ...values.body });
    const script = [`pm.test('answers ${status}', () => pm.expect(pm.response.code, pm.response.text()).to.equal(${status}));`];
    if (keep) script.push(`pm.collectionVariables.set('${keep}', pm.response.json().id);`);
    item.event = [{ listen: 'test', script: { type: 'text/javascript', exec: script } }];
    return item;
  });
  collection.variable = Object.entries({ baseUrl: server.url, apiKey: key, bearerToken: token }).map(([name, value]) => ({ key: name, value }));

  const { run } = await promisify(newman.run.bind(newman))({ collection, reporters: [] });
  assert.deepEqual(run.failures.map(({ source, error }) => `${source?.name}: ${error.message}`), []);
  assert.equal(run.stats.assertions.total, steps.length);
  await receiver.delivery('message.received');
});

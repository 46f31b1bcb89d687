// What Power Automate does with the Swagger 2.0 document, against the real server: the trigger subscribes with the fields that it shows,
// its content is what the document says, and the flow's end is a DELETE at the Location of the 201.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';

import { Ajv } from 'ajv';

import { ask, makeAccount, startReceiver, startServer } from './server.mjs';

const document = JSON.parse(await readFile('dist/power-automate.swagger.json', 'utf8'));

/** JSON Schema of one of Swagger 2.0: what may be null has x-nullable, and each other field must be described. */
function jsonSchema(schema) {
  if (Array.isArray(schema)) return schema.map(jsonSchema);
  if (schema === null || typeof schema !== 'object') return schema;
  const made = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, jsonSchema(value)]));
  if (made['x-nullable'] === true && typeof made.type === 'string') {
    made.type = [made.type, 'null'];
    if (made.enum) made.enum = [...made.enum, null];
  }
  if (made.properties && made.type) made.additionalProperties ??= false;
  return made;
}

test('the trigger', async () => {
  const server = await startServer();
  after(() => server.stop());
  const receiver = await startReceiver();
  after(() => receiver.stop());
  const { key, channel } = await makeAccount(server.url);
  const path = document.paths['/v1/webhooks'];
  assert.equal(path.post['x-ms-trigger'], 'single');

  const body = {};
  for (const [name, field] of Object.entries(path.post.parameters.find(({ in: where }) => where === 'body').schema.properties)) {
    if (field['x-ms-notification-url']) body[name] = receiver.url;
    else if (field.default !== undefined) body[name] = field.default;
  }
  assert.deepEqual(body, { url: receiver.url, events: ['message.received'] });
  body.events.push('message.status', 'post.published', 'account.disconnected');
  const made = await ask(server.url, 201, 'POST', '/v1/webhooks', key, body);

  await ask(server.url, 201, 'POST', `/v1/channels/${channel}/simulate`, key, { from: '15551234567', name: 'Jane Doe', text: 'Hi there!' });
  await ask(server.url, 200, 'POST', '/v1/messages', key, { channelId: channel, to: '15551234567', text: 'Hello' });
  await ask(server.url, 202, 'POST', '/v1/posts', key, { channelIds: [channel], body: 'The body' });
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  const fits = ajv.compile(jsonSchema({ ...path['x-ms-notification-content'].schema, definitions: document.definitions }));
  for (const event of ['message.received', 'message.status', 'post.published']) {
    const delivery = await receiver.delivery(event);
    assert.ok(fits(delivery.body), `${event}: ${ajv.errorsText(fits.errors)}`);
  }

  await ask(server.url, 204, 'DELETE', made.headers.get('Location'), key);
  await ask(server.url, 404, 'GET', `/v1/webhooks/${made.body.id}`, key);
});

test('what fills a list to choose from is an operation with these fields', () => {
  const operations = new Map(Object.values(document.paths).flatMap((item) => Object.values(item).map((operation) => [operation.operationId, operation])));
  const asked = [];
  JSON.stringify(document.paths, (name, value) => {
    if (name === 'x-ms-dynamic-values') asked.push(value);
    return value;
  });
  assert.ok(asked.length > 20);
  const resolve = (schema) => (schema.$ref ? document.definitions[schema.$ref.split('/').at(-1)] : schema);
  for (const choice of asked) {
    const rows = resolve(operations.get(choice.operationId).responses[200].schema).properties[choice['value-collection']];
    const row = resolve(rows.items).properties;
    assert.ok(row[choice['value-path']] && row[choice['value-title']], choice.operationId);
  }
});

// A client that openapi-typescript makes of the document, against the real server: what it is typed to send is taken, and what it is
// typed to get is there.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, test } from 'node:test';

import createClient from 'openapi-fetch';

import type { components, paths } from '../.work/schema.js';
import { startReceiver, startServer, until } from './server.mjs';

type Problem = components['schemas']['Error'];

/** Returns what an answer holds, or fails with what the server says. */
function taken<T>(answer: { data?: T; error?: Problem; response: Response }): T {
  assert.ok(answer.response.ok, `${answer.response.url} answered ${answer.response.status}: ${JSON.stringify(answer.error)}`);
  return answer.data as T;
}

const server = await startServer();
after(() => server.stop());
const receiver = await startReceiver();
after(() => receiver.stop());

test('from the registration to a post', async () => {
  const baseUrl = server.url;
  const stranger = createClient<paths>({ baseUrl });
  const registered = taken(await stranger.POST('/v1/auth/register', { body: { email: 'ann@example.com', password: 'correct horse battery staple', organization: 'Example Ltd' } }));
  const person = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${registered.token}` } });
  const key = taken(await person.POST('/v1/keys', { body: { name: 'Generated client' } }));

  const client = createClient<paths>({ baseUrl, headers: { 'X-Api-Key': key.key } });
  assert.equal(taken(await client.GET('/v1/me')).account.name, 'Example Ltd');
  const channel = taken(await client.POST('/v1/channels', { body: { connector: 'sandbox', name: 'Try-out', config: {} } }));

  const made = await client.POST('/v1/webhooks', { body: { url: receiver.url, events: ['message.received', 'message.status', 'post.published'] } });
  const webhook = taken(made);
  assert.equal(made.response.headers.get('Location'), `${baseUrl}/v1/webhooks/${webhook.id}`);

  const simulated = taken(await client.POST('/v1/channels/{id}/simulate', { params: { path: { id: channel.id } }, body: { from: '15551234567', name: 'Jane Doe', text: 'Hi there!' } }));
  const delivery = await receiver.delivery('message.received');
  const event = delivery.body as components['schemas']['MessageReceivedEvent'];
  assert.equal(event.data.id, simulated.id);
  assert.equal(event.data.text, 'Hi there!');
  assert.equal(delivery.headers['x-switchhook-signature'], `sha256=${createHmac('sha256', webhook.secret).update(delivery.raw).digest('hex')}`);

  const idempotent = { header: { 'Idempotency-Key': 'order-4711' } };
  const message = { channelId: channel.id, to: event.data.from, text: 'Hello Jane' };
  const sent = taken(await client.POST('/v1/messages', { params: idempotent, body: message }));
  assert.equal(taken(await client.POST('/v1/messages', { params: idempotent, body: message })).id, sent.id);
  await receiver.delivery('message.status');

  const post = taken(await client.POST('/v1/posts', { body: { body: 'The body', channelIds: [channel.id] } }));
  await receiver.delivery('post.published');
  await until('the post', async () => taken(await client.GET('/v1/posts/{id}', { params: { path: { id: post.id } } })).status === 'published');

  const messages = taken(await client.GET('/v1/messages', { params: { query: { channelId: channel.id, limit: 100 } } }));
  assert.deepEqual(messages.data.map(({ id }) => id).sort(), [simulated.id, sent.id].sort());
  assert.equal(taken(await client.GET('/v1/posts')).data[0]?.id, post.id);
  assert.ok(taken(await client.GET('/v1/deliveries', { params: { query: { webhookId: webhook.id } } })).data.length >= 3);

  taken(await client.DELETE('/v1/webhooks/{id}', { params: { path: { id: webhook.id } } }));
  const gone = await client.GET('/v1/webhooks/{id}', { params: { path: { id: webhook.id } } });
  assert.equal(gone.response.status, 404);
  assert.equal(gone.error?.code, 'not_found');
});

test('a refusal says what to do', async () => {
  const { error, response } = await createClient<paths>({ baseUrl: server.url, headers: { 'X-Api-Key': 'sk_live_wrong' } }).GET('/v1/me');
  assert.equal(response.status, 401);
  assert.equal(error?.code, 'unauthorized');
  assert.ok(error.message.length > 20);
});

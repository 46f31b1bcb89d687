'use strict';

const { call, get, judge } = require('../lib/api');
const { filled, many } = require('../lib/act');
const { channelIds } = require('../lib/fields');
const { samples } = require('../lib/events');

// Zapier takes 30 events a second of one hook; what is more waits at the server.
const RATE_LIMIT = { limit: 30, period: '1s' };
const RECENT = 10;

const subscribe = (event) => async (z, bundle) => {
  const zap = bundle.meta?.zap?.id;
  const response = await call(z, bundle, {
    method: 'POST',
    path: '/v1/webhooks',
    body: filled({
      url: bundle.targetUrl,
      events: [event],
      channelIds: many(bundle.inputData?.channelIds),
      rateLimit: RATE_LIMIT,
      description: zap ? `Zapier, Zap ${zap}` : 'Zapier',
    }),
  });
  return { id: response.data.id }; // Zapier keeps this; the secret has no use there
};

const unsubscribe = async (z, bundle) => {
  const id = bundle.subscribeData?.id;
  if (!id) return {};
  const response = await call(z, bundle, { method: 'DELETE', path: `/v1/webhooks/${encodeURIComponent(id)}`, skipThrowForStatus: true });
  if (response.status !== 404 || response.data?.code !== 'not_found') judge({ ...response, skipThrowForStatus: false }, z, bundle); // 404: it is gone already
  return { id };
};

// receive passes on what was delivered, as it is.
const receive = async (z, bundle) => (bundle.cleanedRequest?.event ? [bundle.cleanedRequest] : []);

const recent = (z, bundle, event, channelId) => get(z, bundle, '/v1/events', { event, limit: RECENT, ...(channelId && { channelId }) });

// list shows the editor what has happened lately, in the form of a delivery, or a sample where nothing has.
const list = (event) => async (z, bundle) => {
  const ids = many(bundle.inputData?.channelIds).slice(0, RECENT);
  const answers = await Promise.all((ids.length ? ids : [undefined]).map((id) => recent(z, bundle, event, id)));
  const rows = answers
    .flatMap((answer) => answer.data)
    .sort((a, b) => b.timestamp.localeCompare(a.timestamp))
    .slice(0, RECENT);
  return rows.length ? rows : [await get(z, bundle, `/v1/events/samples/${event}`)];
};

const filter = (of) => ({
  ...channelIds,
  ...(of === 'sessions' && { label: 'WhatsApp Sessions', dynamic: 'list_sessions.id.label', search: 'find_session.id' }),
  helpText: `Leave this empty to listen to all ${of === 'sessions' ? 'WhatsApp sessions' : 'channels'}, later ones too.`,
});

// trigger makes the trigger of an event, which subscribes itself while a Zap is switched on.
const trigger = ({ event, noun, label, description, of, outputs }) => ({
  key: event.replace('.', '_'),
  noun,
  display: { label, description },
  operation: {
    type: 'hook',
    inputFields: of ? [filter(of)] : [],
    performSubscribe: subscribe(event),
    performUnsubscribe: unsubscribe,
    perform: receive,
    performList: list(event),
    sample: samples[event],
    outputFields: [
      { key: 'id', label: 'Event ID', type: 'string' },
      { key: 'event', label: 'Event', type: 'string' },
      ...(of ? [{ key: 'channelId', label: 'Channel ID', type: 'string' }] : []),
      ...outputs,
      { key: 'timestamp', label: 'Stored At', type: 'datetime' },
    ],
  },
});

module.exports = { trigger };

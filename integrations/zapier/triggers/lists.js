'use strict';

const { nthPage } = require('../lib/api');

const shortened = (text) => (text.length > 60 ? `${text.slice(0, 59)}…` : text);
// What has a status that needs somebody's attention shows it.
const withStatus = (text, status, good) => (status === good ? text : `${text}, ${status.toLowerCase().replaceAll('_', ' ')}`);

const labels = {
  channels: (c) => withStatus(`${c.name || c.address} (${c.connector.replaceAll('_', ' ')} ${c.address})`, c.status, 'connected'),
  sessions: (s) => withStatus(s.phone ? `${s.name} (${s.phone})` : s.name, s.status, 'CONNECTED'),
  queues: (q) => withStatus(q.name, q.status, 'active'),
  posts: (p) => `${p.status}: ${shortened(p.title || p.body.replace(/<[^>]*>/g, ' ').trim() || p.id)}`,
  messages: (m) => `${m.pushName || m.from || m.to}: ${shortened(m.text || m.type)}`,
};

// list makes a trigger that no user sees: it fills a drop-down.
const list = (what, noun, { name = what, params = {} } = {}) => ({
  key: `list_${name}`,
  noun,
  display: { label: `List of ${noun}s`, description: `Triggers when a drop-down of ${name.replaceAll('_', ' ')} is opened.`, hidden: true },
  operation: {
    type: 'polling',
    canPaginate: true,
    perform: async (z, bundle) => (await nthPage(z, bundle, `/v1/${what}`, params)).map((row) => ({ id: row.id, label: labels[what](row) })),
    sample: { id: 'chan_01kaj5v0x7e8g2j4m6p8r0t2v4', label: 'Support Line (twilio sms 16311113333)' },
    outputFields: [
      { key: 'id', label: 'ID', type: 'string' },
      { key: 'label', label: 'Label', type: 'string' },
    ],
  },
});

module.exports = [
  list('channels', 'Channel'),
  list('channels', 'Sending Channel', { name: 'sending_channels', params: { ability: 'send' } }),
  list('channels', 'Publishing Channel', { name: 'publishing_channels', params: { ability: 'publish' } }),
  list('sessions', 'Session'),
  list('queues', 'Queue'),
  list('posts', 'Post'),
  list('messages', 'Message', { params: { direction: 'inbound' } }),
];

'use strict';

// What actions and searches show in the editor before they have run: rows as the server gives them. The play against a real server tells
// when a field of them is missing there or has another type.
const message = {
  id: 'msg_01kaj5v0x7r5t3v1x9z7b5d3f1',
  channelId: 'chan_01kaj5v0x7e8g2j4m6p8r0t2v4',
  direction: 'outbound',
  to: '15551234567',
  type: 'text',
  text: 'Hello',
  media: [],
  providerMessageId: 'sbx_01kaj5v0x7r5t3v1x9z7b5d3f1',
  status: 'sent',
  createdAt: '2026-06-29T14:21:07.412Z',
  updatedAt: '2026-06-29T14:21:07.412Z',
};

const received = {
  id: 'msg_01kaj5v0x7r5t3v1x9z7b5d3f1',
  channelId: 'chan_01kaj5v0x7e8g2j4m6p8r0t2v4',
  direction: 'inbound',
  from: '15551234567',
  pushName: 'Jane Doe',
  type: 'text',
  text: 'Hi there!',
  media: [],
  status: 'received',
  createdAt: '2026-06-29T14:21:07.412Z',
  updatedAt: '2026-06-29T14:21:07.412Z',
};

const post = {
  id: 'post_01kaj5v0x7p3k6m8q1s4u7w9y2',
  status: 'queued',
  publishAt: null,
  slotAt: null,
  targets: [{ channelId: 'chan_01kaj5v0x7e8g2j4m6p8r0t2v4', platform: 'mastodon', connector: 'mastodon', status: 'queued', url: null, error: null }],
  warnings: [],
  title: 'The title',
  body: 'The body',
  firstComment: '',
  media: [],
  queueId: null,
  createdAt: '2026-06-29T14:21:07.412Z',
  updatedAt: '2026-06-29T14:21:07.412Z',
};

const contact = {
  id: 123,
  name: 'Emily Johnson',
  phone_number: '16311112222',
  phone_number_cc: '1',
  extra_fields: '{"city":"Ahmedabad"}',
  created_at: '2025-07-11T11:29:46.000Z',
  updated_at: '2025-08-04T12:29:21.000Z',
  is_blocked: 0,
};

const channel = {
  id: 'chan_01kaj5v0x7e8g2j4m6p8r0t2v4',
  connector: 'twilio_sms',
  channelKey: 'twlo_16311113333',
  name: 'Support line',
  address: '16311113333',
  platform: 'sms',
  status: 'connected',
  statusMessage: '',
};

const session = {
  id: 'sess_01kaj5v0x7h3k5n7q9s1v3w5y7',
  name: 'Support phone',
  status: 'CONNECTED',
  phone: '15559876543',
  pushName: 'Support',
  message: '',
};

const number = { id: '15551234567', number: '+1 555 123 4567', exists: true, address: '15551234567', name: '' };

module.exports = { channel, contact, message, number, post, received, session };

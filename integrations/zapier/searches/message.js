'use strict';

const { find, matching } = require('../lib/api');
const { filled } = require('../lib/act');
const { channelId } = require('../lib/fields');
const { received } = require('../samples/answers');

const search = (z, bundle) => {
  const { messageId, channelId: on, contact, direction, status, text } = bundle.inputData;
  if (messageId) return find(z, bundle, `/v1/messages/${encodeURIComponent(messageId)}`);
  const part = (text ?? '').toLowerCase();
  return matching(z, bundle, '/v1/messages', filled({ channelId: on, contact, direction, status }), (row) => row.text.toLowerCase().includes(part));
};

module.exports = {
  key: 'find_message',
  noun: 'Message',
  display: { label: 'Find Message', description: 'Finds a message by its ID, or the newest that fits.' },
  operation: {
    inputFields: [
      { key: 'messageId', label: 'Message ID', type: 'string', dynamic: 'list_messages.id.label', helpText: 'With this, nothing else counts.' },
      { ...channelId, required: false, search: undefined, helpText: 'Only messages of this channel.' },
      {
        key: 'contact',
        label: 'Person',
        type: 'string',
        placeholder: '15551234567',
        helpText: 'Only messages from and to this number, or ID of the network.',
      },
      { key: 'direction', label: 'Direction', type: 'string', choices: { inbound: 'Inbound', outbound: 'Outbound' } },
      {
        key: 'status',
        label: 'Status',
        type: 'string',
        choices: {
          received: 'Received',
          queued: 'Queued',
          sending: 'Sending',
          unconfirmed: 'Unconfirmed',
          sent: 'Sent',
          delivered: 'Delivered',
          read: 'Read',
          failed: 'Failed',
        },
      },
      { key: 'text', label: 'Part of the Text', type: 'string', helpText: 'Looked for in the newest 2,000 messages that fit.' },
    ],
    perform: search,
    sample: received,
    outputFields: [
      { key: 'id', label: 'Message ID', type: 'string' },
      { key: 'channelId', label: 'Channel ID', type: 'string' },
      { key: 'direction', label: 'Direction', type: 'string' },
      { key: 'from', label: 'From', type: 'string' },
      { key: 'to', label: 'To', type: 'string' },
      { key: 'text', label: 'Text', type: 'string' },
      { key: 'status', label: 'Status', type: 'string' },
      { key: 'createdAt', label: 'Created At', type: 'datetime' },
    ],
  },
};

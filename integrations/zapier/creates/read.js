'use strict';

const { call } = require('../lib/api');
const { many } = require('../lib/act');
const { sessionId } = require('../lib/fields');

module.exports = {
  key: 'mark_read',
  noun: 'Message',
  display: { label: 'Mark Messages as Read', description: 'Shows the sender that messages on a WhatsApp session have been read.' },
  operation: {
    inputFields: [
      sessionId,
      {
        key: 'messageIds',
        label: 'Messages',
        type: 'string',
        list: true,
        required: true,
        dynamic: 'list_messages.id.label',
        search: 'find_message.id',
        helpText: 'The `Message ID` that the trigger New Message gives. All must be of one chat.',
      },
    ],
    perform: async (z, bundle) => {
      const messageIds = many(bundle.inputData.messageIds);
      await call(z, bundle, { method: 'POST', path: `/v1/sessions/${encodeURIComponent(bundle.inputData.sessionId)}/read`, body: { messageIds } });
      return { id: messageIds[0], messageIds, read: true };
    },
    sample: { id: 'msg_01kaj5v0x7r5t3v1x9z7b5d3f1', messageIds: ['msg_01kaj5v0x7r5t3v1x9z7b5d3f1'], read: true },
    outputFields: [
      { key: 'id', label: 'Message ID', type: 'string' },
      { key: 'read', label: 'Read', type: 'boolean' },
    ],
  },
};
